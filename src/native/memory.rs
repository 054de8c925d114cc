//! Executable memory: pages that are written first, then code to be executed and constants to be read, never both.

use super::object::Image;
#[cfg(unix)]
use super::object::PAGE;
use super::object::{Refused, Result};

/// An image in memory of its own; unmapped when dropped.
#[derive(Debug)]
pub(super) struct Mapping {
    base: *mut u8,
    len: usize,
}

// SAFETY: nothing writes to the memory after `new`, and it lives as long as the mapping.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps an image.
    #[cfg(unix)]
    pub(super) fn new(image: &Image) -> Result<Self> {
        let len = image.bytes.len();
        debug_assert!(len.is_multiple_of(PAGE) && image.constants.is_multiple_of(PAGE));
        let failed = |what: &str| Refused(format!("{what}: {}", std::io::Error::last_os_error()));
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new private mapping at an address of the system's choice touches no memory that is in use.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(failed("no memory for machine code"));
        }
        let mapping = Self { base: base.cast(), len };
        // SAFETY: `len` bytes were just mapped, writable and ours alone.
        let bytes = unsafe { std::slice::from_raw_parts_mut(mapping.base, len) };
        bytes.copy_from_slice(&image.bytes);
        for (at, target) in &image.absolute {
            let address = mapping.base as u64 + *target as u64;
            bytes[*at..*at + 8].copy_from_slice(&address.to_le_bytes());
        }
        let constants = len - image.constants;
        for (at, len, protection) in
            [(0, image.constants, libc::PROT_READ | libc::PROT_EXEC), (image.constants, constants, libc::PROT_READ)]
        {
            // SAFETY: whole pages of the mapping, which nobody writes to any more.
            if len > 0 && unsafe { libc::mprotect(mapping.base.add(at).cast(), len, protection) } != 0 {
                return Err(failed("the system refuses executable memory"));
            }
        }
        Ok(mapping)
    }

    /// Refuses: there is no way to map memory here.
    #[cfg(not(unix))]
    pub(super) fn new(_image: &Image) -> Result<Self> {
        Err(Refused("machine code can't be loaded on this system".to_owned()))
    }

    /// The address of a place in the image.
    pub(super) fn address(&self, at: usize) -> *const u8 {
        assert!(at < self.len, "place {at} of {} bytes of machine code", self.len);
        self.base.wrapping_add(at)
    }

    /// Bytes mapped.
    pub(super) const fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `new` mapped these pages; whoever calls into them borrows the mapping.
        #[cfg(unix)]
        unsafe {
            libc::munmap(self.base.cast(), self.len);
        }
    }
}
