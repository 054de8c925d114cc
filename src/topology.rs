//! What the machine lets this process use: CPUs, CPU time, NUMA nodes, caches.
//!
//! Everything is read from `/proc` and `/sys` below a root folder, so that tests can hand in a made-up machine; only the
//! affinity mask is asked of the kernel, because a mask may differ between threads. What can't be read is left out
//! (`None`, or an empty list), never guessed, and no function here fails: a machine without `/proc` still has a thread.

use std::fs;
use std::path::Path;

mod cgroup;

#[cfg(test)]
mod test;

pub use cgroup::Quota;

/// Largest CPU number plus one that is believed in a list; a guard against a corrupt file, far above any machine.
const MAX_CPUS: usize = 1 << 20;

/// One NUMA node that has CPUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The kernel's number of the node.
    pub id: usize,
    /// The node's CPUs, ascending, including those this process may not use.
    pub cpus: Vec<usize>,
}

/// One cache, as seen from one CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cache {
    /// Capacity in bytes.
    pub bytes: u64,
    /// Logical CPUs that share it; at least 1.
    pub shared_by: usize,
}

/// The data caches of the first allowed CPU. (On machines with two kinds of cores the others may differ.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caches {
    /// First level, data.
    pub l1d: Option<Cache>,
    /// Second level.
    pub l2: Option<Cache>,
    /// Third level.
    pub l3: Option<Cache>,
}

/// What this process may use of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Logical CPUs the calling thread may run on, ascending; never empty.
    pub allowed: Vec<usize>,
    /// The tightest CPU-time limit of the process's cgroups, if there is one.
    pub quota: Option<Quota>,
    /// NUMA nodes that have CPUs, by number; one node with all allowed CPUs where the system names none.
    pub nodes: Vec<Node>,
    /// The processor's name, or the architecture's where the system doesn't tell.
    pub model: String,
    /// Cache sizes.
    pub caches: Caches,
}

impl Topology {
    /// Reads the running machine.
    #[must_use]
    pub fn detect() -> Self {
        Self::assemble(Path::new("/"), affinity())
    }

    /// Reads a machine described by the files below `root` (`root/proc`, `root/sys`), affinity included.
    #[must_use]
    pub fn detect_at(root: &Path) -> Self {
        Self::assemble(root, None)
    }

    /// Threads worth starting: the allowed CPUs, or fewer where a quota grants less time than that.
    #[must_use]
    pub fn usable_cpus(&self) -> usize {
        let allowed = self.allowed.len();
        self.quota.map_or(allowed, |quota| allowed.min(quota.cpus()))
    }

    fn assemble(root: &Path, mask: Option<Vec<usize>>) -> Self {
        let allowed = mask
            .or_else(|| allowed_in_status(&read(root, "proc/self/status")?))
            .unwrap_or_else(|| (0..std::thread::available_parallelism().map_or(1, usize::from)).collect());
        let mut nodes = nodes(root);
        if nodes.is_empty() {
            nodes.push(Node { id: 0, cpus: allowed.clone() });
        }
        let model = read(root, "proc/cpuinfo").and_then(|text| model_name(&text));
        Self {
            quota: cgroup::quota(root),
            nodes,
            model: model.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            caches: allowed.first().map_or_else(Caches::default, |&cpu| caches(root, cpu)),
            allowed,
        }
    }
}

/// The calling thread's affinity mask; `None` where the system has none to give.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn affinity() -> Option<Vec<usize>> {
    use std::mem::size_of;

    let word_bits = libc::c_ulong::BITS as usize;
    // The kernel refuses a mask with fewer bits than it may have CPUs: `cpu_set_t` has 1024, larger ones are tried after.
    let mut bits = 1024;
    while bits <= MAX_CPUS {
        let mut words: Vec<libc::c_ulong> = vec![0; bits / word_bits];
        let bytes = words.len() * size_of::<libc::c_ulong>();
        // SAFETY: the call writes at most `bytes` bytes behind the pointer, which are the words just allocated; a
        // `cpu_set_t` is an array of these words, and the kernel takes masks of any length.
        let status = unsafe { libc::sched_getaffinity(0, bytes, words.as_mut_ptr().cast::<libc::cpu_set_t>()) };
        if status == 0 {
            let cpus: Vec<usize> =
                (0..bits).filter(|cpu| words[cpu / word_bits] >> (cpu % word_bits) & 1 == 1).collect();
            return (!cpus.is_empty()).then_some(cpus);
        }
        if std::io::Error::last_os_error().raw_os_error() != Some(libc::EINVAL) {
            return None;
        }
        bits *= 4;
    }
    None
}

/// The calling thread's affinity mask; `None` where the system has none to give.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn affinity() -> Option<Vec<usize>> {
    None
}

/// Bytes that the last level of data caches holds, as seen from the first allowed CPU; `None` where the system doesn't tell.
#[must_use]
pub fn last_cache() -> Option<u64> {
    let caches = caches(Path::new("/"), affinity()?.first().copied()?);
    caches.l3.or(caches.l2).or(caches.l1d).map(|cache| cache.bytes)
}

/// What tells processors apart that machine code is made for: vendor, family, model, and instructions that processor and
/// system offer. The same on every run on the same machine; empty where nothing is compiled.
#[must_use]
pub fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__cpuid, __cpuid_count};
        // SAFETY: every x86-64 processor has the instruction; leaves that it doesn't know give zeros or another leaf's
        // content, which is constant as well.
        #[allow(unused_unsafe, reason = "safe in later versions of Rust")]
        let [vendor, version, features, more, extended] =
            unsafe { [__cpuid(0), __cpuid(1), __cpuid_count(7, 0), __cpuid_count(7, 1), __cpuid(0x8000_0001)] };
        // What the system lets programs use of it; leaf 1's ebx is left out, it has the number of the core.
        let enabled = [is_x86_feature_detected!("avx"), is_x86_feature_detected!("avx512f")];
        let words = [
            vendor.ebx,
            vendor.ecx,
            vendor.edx,
            version.eax,
            version.ecx,
            version.edx,
            features.ebx,
            features.ecx,
            features.edx,
            more.eax,
            extended.ecx,
            extended.edx,
        ];
        let words = words.map(|word| format!("{word:x}")).join(" ");
        format!("x86_64 {words} {enabled:?}")
    }
    #[cfg(not(target_arch = "x86_64"))]
    String::new()
}

/// The text of `root/path`, if it can be read.
fn read(root: &Path, path: &str) -> Option<String> {
    fs::read_to_string(root.join(path)).ok()
}

/// Numbers in the kernel's list form, `0-3,8,10-11` (a stride, `0-6:2`, as in `isolcpus`, is not used there).
/// `None` for anything else.
fn cpu_list(text: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if first > last || last >= MAX_CPUS {
            return None;
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Some(cpus)
}

/// The allowed CPUs as `/proc/self/status` gives them.
fn allowed_in_status(status: &str) -> Option<Vec<usize>> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    cpu_list(list).filter(|cpus| !cpus.is_empty())
}

/// The NUMA nodes below `root`; empty where the system names none. Nodes of memory alone are left out.
fn nodes(root: &Path) -> Vec<Node> {
    let Ok(entries) = fs::read_dir(root.join("sys/devices/system/node")) else { return Vec::new() };
    let mut nodes: Vec<Node> = entries
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.strip_prefix("node")?.parse().ok()?;
            let cpus = cpu_list(&fs::read_to_string(entry.path().join("cpulist")).ok()?)?;
            (!cpus.is_empty()).then_some(Node { id, cpus })
        })
        .collect();
    nodes.sort_unstable_by_key(|node| node.id);
    nodes
}

/// The processor's name in `/proc/cpuinfo`'s text: x86 says `model name`, others one of a few other things.
fn model_name(cpuinfo: &str) -> Option<String> {
    let field = |wanted: &str| {
        cpuinfo.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == wanted && !value.trim().is_empty()).then(|| value.trim().to_owned())
        })
    };
    ["model name", "cpu model", "cpu", "Model"].into_iter().find_map(field).or_else(|| {
        // 64-bit ARM has numbers alone, unless the board adds its name.
        Some(format!("ARM implementer {} part {}", field("CPU implementer")?, field("CPU part")?))
    })
}

/// A cache size as sysfs writes it: `48K`, `1280K`, `32M`, or plain bytes.
fn cache_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, factor) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 1 << 10),
        b'M' => (&text[..text.len() - 1], 1 << 20),
        b'G' => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor).filter(|bytes| *bytes > 0)
}

/// The data caches of one CPU.
fn caches(root: &Path, cpu: usize) -> Caches {
    let mut caches = Caches::default();
    let folder = root.join(format!("sys/devices/system/cpu/cpu{cpu}/cache"));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let text = |name: &str| fs::read_to_string(entry.path().join(name)).ok();
        let (Some(level), Some(kind)) = (text("level"), text("type")) else { continue };
        let slot = match (level.trim(), kind.trim()) {
            ("1", "Data" | "Unified") => &mut caches.l1d,
            ("2", "Data" | "Unified") => &mut caches.l2,
            ("3", "Data" | "Unified") => &mut caches.l3,
            _ => continue,
        };
        let shared = text("shared_cpu_list").and_then(|list| cpu_list(&list)).map_or(1, |cpus| cpus.len().max(1));
        *slot = text("size").and_then(|size| cache_size(&size)).map(|bytes| Cache { bytes, shared_by: shared });
    }
    caches
}
