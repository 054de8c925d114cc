//! Made-up machines, and the real one held against what the system itself says.

use super::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder that is removed at the end of the test.
struct Machine(PathBuf);

impl Machine {
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("hybrid_rs-topology-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = std::env::temp_dir().join(name);
        for (path, text) in files {
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Self(root)
    }

    fn detect(&self) -> Topology {
        Topology::detect_at(&self.0)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Two sockets of two cores, one node of memory alone, a process on three CPUs of them.
const TWO_SOCKETS: [(&str, &str); 15] = [
    ("proc/self/status", "Name:\tx\nCpus_allowed:\t0b\nCpus_allowed_list:\t0-1,3\nMems_allowed_list:\t0-1\n"),
    ("proc/cpuinfo", "processor\t: 0\nmodel name\t: Made-up 9000 @ 2.80GHz\nflags\t: fpu\nprocessor\t: 1\n"),
    ("sys/devices/system/node/online", "0-2\n"),
    ("sys/devices/system/node/node1/cpulist", "2-3\n"),
    ("sys/devices/system/node/node0/cpulist", "0-1\n"),
    ("sys/devices/system/node/node2/cpulist", "\n"),
    ("sys/devices/system/cpu/cpu0/cache/index0/level", "1\n"),
    ("sys/devices/system/cpu/cpu0/cache/index0/type", "Data\n"),
    ("sys/devices/system/cpu/cpu0/cache/index0/size", "48K\n"),
    ("sys/devices/system/cpu/cpu0/cache/index1/level", "1\n"),
    ("sys/devices/system/cpu/cpu0/cache/index1/type", "Instruction\n"),
    ("sys/devices/system/cpu/cpu0/cache/index1/size", "32K\n"),
    ("sys/devices/system/cpu/cpu0/cache/index3/level", "3\n"),
    ("sys/devices/system/cpu/cpu0/cache/index3/type", "Unified\n"),
    ("sys/devices/system/cpu/cpu0/cache/index3/size", "36M\n"),
];

const V2_MOUNT: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";

#[test]
fn a_two_socket_machine_is_read_whole() {
    let mut files = TWO_SOCKETS.to_vec();
    files.push(("sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list", "0-1\n"));
    let topology = Machine::new(&files).detect();
    assert_eq!(topology.allowed, [0, 1, 3]);
    assert_eq!(topology.nodes, [Node { id: 0, cpus: vec![0, 1] }, Node { id: 1, cpus: vec![2, 3] }]);
    assert_eq!(topology.model, "Made-up 9000 @ 2.80GHz");
    assert_eq!(topology.caches.l1d, Some(Cache { bytes: 48 * 1024, shared_by: 1 }));
    assert_eq!(topology.caches.l2, None);
    assert_eq!(topology.caches.l3, Some(Cache { bytes: 36 << 20, shared_by: 2 }));
    assert_eq!((topology.quota, topology.usable_cpus()), (None, 3));
}

#[test]
fn the_tightest_ancestor_decides() {
    let machine = Machine::new(&[
        ("proc/self/status", "Cpus_allowed_list:\t0-63\n"),
        ("proc/self/cgroup", "0::/pod/box\n"),
        ("proc/self/mountinfo", V2_MOUNT),
        ("sys/fs/cgroup/pod/box/cpu.max", "800000 100000\n"),
        ("sys/fs/cgroup/pod/cpu.max", "250000 100000\n"),
        ("sys/fs/cgroup/cpu.max", "max 100000\n"),
        // Above the mount: none of ours.
        ("sys/fs/cpu.max", "1000 100000\n"),
    ]);
    let topology = machine.detect();
    assert_eq!(topology.quota, Some(Quota { quota_us: 250_000, period_us: 100_000 }));
    assert_eq!(topology.usable_cpus(), 3);
}

#[test]
fn a_namespaced_mount_shows_the_own_group_at_its_root() {
    for group in ["0::/\n", "0::/../../elsewhere\n"] {
        let machine = Machine::new(&[
            ("proc/self/cgroup", group),
            ("proc/self/mountinfo", V2_MOUNT),
            ("sys/fs/cgroup/cpu.max", "50000 100000\n"),
        ]);
        assert_eq!(machine.detect().usable_cpus(), 1, "{group:?}");
    }
}

#[test]
fn version_1_names_the_outer_path_but_mounts_the_inner_one() {
    let machine = Machine::new(&[
        ("proc/self/status", "Cpus_allowed_list:\t0-7\n"),
        ("proc/self/cgroup", "4:memory:/docker/ab\n2:cpu,cpuacct:/docker/ab\n"),
        ("proc/self/mountinfo", "9 8 0:5 /docker/ab /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"),
        ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "350000\n"),
        ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
    ]);
    assert_eq!(machine.detect().usable_cpus(), 4);
    fs::write(machine.0.join("sys/fs/cgroup/cpu/cpu.cfs_quota_us"), "-1\n").unwrap();
    assert_eq!(machine.detect().quota, None);
}

#[test]
fn an_empty_machine_still_has_a_cpu() {
    let topology = Machine::new(&[("nothing", "")]).detect();
    assert!(!topology.allowed.is_empty());
    assert_eq!(topology.nodes, [Node { id: 0, cpus: topology.allowed.clone() }]);
    assert_eq!(topology.model, std::env::consts::ARCH);
    assert_eq!((topology.quota, topology.caches), (None, Caches::default()));
}

#[test]
fn cpu_lists_of_all_shapes() {
    assert_eq!(cpu_list("0-3,8,10-11\n"), Some(vec![0, 1, 2, 3, 8, 10, 11]));
    assert_eq!(cpu_list("5,1-2,2"), Some(vec![1, 2, 5]));
    assert_eq!(cpu_list("1500-2047").map(|cpus| cpus.len()), Some(548));
    assert_eq!(cpu_list("\n"), Some(vec![]));
    for bad in ["3-1", "a", "1-", "-1", "0-99999999999", "1;2"] {
        assert_eq!(cpu_list(bad), None, "{bad:?}");
    }
}

#[test]
fn processors_are_named_on_other_architectures_too() {
    let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n";
    assert_eq!(model_name(arm).as_deref(), Some("ARM implementer 0x41 part 0xd0c"));
    assert_eq!(model_name("processor: 0\ncpu\t: POWER9, altivec\n").as_deref(), Some("POWER9, altivec"));
    assert_eq!(model_name("processor: 0\n"), None);
}

#[test]
fn cache_sizes_have_units() {
    assert_eq!(cache_size("1280K\n"), Some(1_310_720));
    assert_eq!(cache_size("512"), Some(512));
    assert_eq!(cache_size("1G"), Some(1 << 30));
    for bad in ["", "K", "0K", "12Q", "99999999999999999999K", "18446744073709551615M"] {
        assert_eq!(cache_size(bad), None, "{bad:?}");
    }
}

/// The mask from the system call against the kernel's text for the same thread.
#[cfg(target_os = "linux")]
#[test]
fn the_real_mask_is_the_one_in_proc() {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let expected = allowed_in_status(&status).unwrap();
    assert_eq!(affinity(), Some(expected.clone()));
    assert_eq!(Topology::detect().allowed, expected);
}
