//! Refuses addresses that can't be a function's before anything jumps there.

use std::fs;

use super::pointer_error;
use crate::error::Result;

/// Checks that `address` may be a function: not null and, where the system tells, in executable memory.
///
/// A guard against slips (a pointer to data, a stale number), which would end the process at the first call. It can't
/// tell a function from the middle of one.
pub(super) fn check(address: usize) -> Result<()> {
    if address == 0 {
        return Err(pointer_error(address, "is a null pointer"));
    }
    if executable(address) == Some(false) {
        return Err(pointer_error(address, "is not a function: there is no executable memory at this address"));
    }
    Ok(())
}

/// Whether `address` lies in executable memory; `None` where that can't be found out.
fn executable(address: usize) -> Option<bool> {
    // Elsewhere a function pointer may point to a descriptor in data memory, or there is no such file.
    if !cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) {
        return None;
    }
    let maps = fs::read("/proc/self/maps").ok()?;
    // Paths at the ends of lines need not be UTF-8; the fields before them are ASCII.
    executable_in(&String::from_utf8_lossy(&maps), address)
}

/// [`executable`], read from text in the form of `/proc/self/maps`; `None` if that has no range at all.
fn executable_in(maps: &str, address: usize) -> Option<bool> {
    let ranges = maps.lines().filter_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (begin, end) = range.split_once('-')?;
        let number = |digits| usize::from_str_radix(digits, 16).ok();
        Some((number(begin)?..number(end)?, rest.as_bytes().get(2) == Some(&b'x')))
    });
    let mut any = None;
    for (range, executable) in ranges {
        if range.contains(&address) {
            return Some(executable);
        }
        any = Some(false);
    }
    any
}

#[cfg(test)]
mod test {
    use super::*;

    const MAPS: &str = "\
5000-6000 r--p 00000000 fe:00 247030  /usr/bin/x y
6000-7000 r-xp 00001000 fe:00 247030  /usr/bin/x y
9000-a000 rwxp 00000000 00:00 0
b000-c000 --xp 00000000 00:00 0       [vdso]
";

    #[test]
    fn reads_ranges_and_permissions() {
        for (address, expected) in [
            (0x4fff, false),
            (0x5000, false),
            (0x5fff, false),
            (0x6000, true),
            (0x6fff, true),
            (0x7000, false),
            (0x9000, true),
            (0xb800, true),
            (usize::MAX, false),
        ] {
            assert_eq!(executable_in(MAPS, address), Some(expected), "{address:#x}");
        }
        assert_eq!(executable_in("", 0x6000), None);
        assert_eq!(executable_in("something else\n", 0x6000), None);
    }

    #[test]
    fn functions_pass_and_null_does_not() {
        extern "C" fn function(x: i32) -> i32 {
            x
        }
        check(function as *const () as usize).unwrap();
        assert_eq!(check(0).unwrap_err().to_string(), "pointer: 0x0 is a null pointer");
    }

    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    #[test]
    fn data_does_not_pass() {
        static CONSTANT: u64 = 7;
        let (local, boxed) = (7_u64, Box::new(7_u64));
        let data = [&raw const CONSTANT, &raw const local, &raw const *boxed].map(|pointer| pointer as usize);
        for address in data.into_iter().chain([1, usize::MAX]) {
            assert!(check(address).unwrap_err().to_string().contains("is not a function"));
        }
    }
}
