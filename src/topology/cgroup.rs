//! CPU-time limits of the process's control groups, versions 1 and 2.
//!
//! A limit holds for a group and all below it, so the process's own group and every ancestor that can be seen count, and
//! the tightest one decides. Where the groups' folders lie follows from `/proc/self/mountinfo`; in a container the mount
//! often shows only the container's part of the tree, while `/proc/self/cgroup` may still name the whole path.

use std::cmp::Ordering;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// CPU time granted in each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// CPU time granted in a period, in microseconds; above 0.
    pub quota_us: u64,
    /// The period, in microseconds; above 0.
    pub period_us: u64,
}

impl Quota {
    /// How many threads the time is enough for: rounded up (2.5 CPUs keep 3 threads useful), at least 1.
    #[must_use]
    pub fn cpus(self) -> usize {
        usize::try_from(self.quota_us.div_ceil(self.period_us)).unwrap_or(usize::MAX).max(1)
    }

    /// The limit in CPUs, such as 2.5.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn as_f64(self) -> f64 {
        self.quota_us as f64 / self.period_us as f64
    }

    fn new(quota_us: u64, period_us: u64) -> Option<Self> {
        (quota_us > 0 && period_us > 0).then_some(Self { quota_us, period_us })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let left = u128::from(self.quota_us) * u128::from(other.period_us);
        left.cmp(&(u128::from(other.quota_us) * u128::from(self.period_us)))
    }
}

/// Which version a folder of control groups speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// One folder for each controller; limits in `cpu.cfs_quota_us` and `cpu.cfs_period_us`.
    V1,
    /// One folder for all; limits in `cpu.max`.
    V2,
}

/// A mounted tree of control groups that can limit CPU time.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    version: Version,
    /// The part of the tree that the mount shows.
    root: PathBuf,
    /// Where it shows it.
    point: PathBuf,
}

/// The tightest limit on the process described below `root`; `None` without one.
pub(super) fn quota(root: &Path) -> Option<Quota> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mountinfo = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
    mounts(&mountinfo)
        .iter()
        .filter_map(|mount| {
            let group = group_path(&groups, mount.version)?;
            let point = below(root, &mount.point);
            let own = point.join(inside(&group, &mount.root));
            own.ancestors()
                .take_while(|folder| folder.starts_with(&point))
                .filter_map(|folder| limit(folder, mount.version))
                .min_by(Quota::compare)
        })
        .min_by(Quota::compare)
}

/// `path` seen from `root` instead of from `/`.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The process's group, relative to the mount that shows `shown` of the tree.
///
/// A group outside of what is shown (a container whose mount was made elsewhere, or a path above the namespace's root,
/// which reads `/../..`) can't be found by name; the mount's own folder is then the nearest group there is.
fn inside(group: &Path, shown: &Path) -> PathBuf {
    match group.strip_prefix(shown) {
        Ok(rest) if rest.components().all(|part| matches!(part, Component::Normal(_))) => rest.to_path_buf(),
        _ => PathBuf::new(),
    }
}

/// The limit that one group's folder states.
fn limit(folder: &Path, version: Version) -> Option<Quota> {
    let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
    match version {
        Version::V2 => v2_limit(&text("cpu.max")?),
        // -1 means no limit, and is the one thing here that is no number for u64.
        Version::V1 => {
            Quota::new(text("cpu.cfs_quota_us")?.trim().parse().ok()?, text("cpu.cfs_period_us")?.trim().parse().ok()?)
        }
    }
}

/// `cpu.max`: `QUOTA PERIOD`, or `max PERIOD` for none.
fn v2_limit(text: &str) -> Option<Quota> {
    let mut words = text.split_whitespace();
    let quota = words.next()?.parse().ok()?;
    // The kernel always writes the period; 100 ms is its default.
    Quota::new(quota, words.next().map_or(Some(100_000), |period| period.parse().ok())?)
}

/// The process's path in a hierarchy, from the text of `/proc/self/cgroup` (`ID:CONTROLLERS:PATH` lines).
fn group_path(groups: &str, version: Version) -> Option<PathBuf> {
    groups.lines().find_map(|line| {
        let (id, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let matches = match version {
            Version::V1 => controllers.split(',').any(|name| name == "cpu"),
            Version::V2 => id == "0" && controllers.is_empty(),
        };
        matches.then(|| PathBuf::from(path))
    })
}

/// The mounts that can limit CPU time, from the text of `/proc/self/mountinfo`.
fn mounts(mountinfo: &str) -> Vec<Mount> {
    mountinfo.lines().filter_map(mount).collect()
}

/// One line: `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS...] - TYPE SOURCE SUPER_OPTIONS`.
fn mount(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(3);
    let (root, point) = (unescape(left.next()?), unescape(left.next()?));
    let mut right = right.split(' ');
    let version = match right.next()? {
        "cgroup2" => Version::V2,
        "cgroup" if right.nth(1)?.split(',').any(|option| option == "cpu") => Version::V1,
        _ => return None,
    };
    Some(Mount { version, root: PathBuf::from(root), point: PathBuf::from(point) })
}

/// Blanks and backslashes in mountinfo's paths are written as `\040` and the like.
fn unescape(text: &str) -> String {
    let mut pieces = text.split('\\');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(char::from(byte));
                plain.push_str(&piece[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(piece);
            }
        }
    }
    plain
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn a_quota_rounds_up_and_never_below_one() {
        let cpus = |quota_us, period_us| Quota { quota_us, period_us }.cpus();
        assert_eq!(cpus(250_000, 100_000), 3);
        assert_eq!(cpus(200_000, 100_000), 2);
        assert_eq!(cpus(1_000, 100_000), 1);
        assert_eq!(cpus(u64::MAX, 1), usize::try_from(u64::MAX).unwrap_or(usize::MAX));
    }

    #[test]
    fn cpu_max_is_a_quota_and_a_period() {
        assert_eq!(v2_limit("250000 100000\n"), Quota::new(250_000, 100_000));
        assert_eq!(v2_limit("50000"), Quota::new(50_000, 100_000));
        for none in ["max 100000\n", "", "0 100000", "100 0", "abc 100000", "100 abc", "-1 100000"] {
            assert_eq!(v2_limit(none), None, "{none:?}");
        }
    }

    #[test]
    fn quotas_compare_by_ratio() {
        let (half, third) = (Quota { quota_us: 5, period_us: 10 }, Quota { quota_us: 100, period_us: 300 });
        assert_eq!(third.compare(&half), Ordering::Less);
        assert_eq!(half.compare(&Quota { quota_us: 50, period_us: 100 }), Ordering::Equal);
    }

    #[test]
    fn group_paths_are_found_by_controller() {
        let groups = "9:name=systemd:/s\n3:cpuset:/c\n2:cpu,cpuacct:/a:b\n0::/user.slice\n";
        assert_eq!(group_path(groups, Version::V1), Some(PathBuf::from("/a:b")));
        assert_eq!(group_path(groups, Version::V2), Some(PathBuf::from("/user.slice")));
        assert_eq!(group_path("1:cpuset,cpuacct:/x\n", Version::V1), None);
    }

    #[test]
    fn only_mounts_that_can_limit_are_kept() {
        let text = "31 23 0:28 / /sys/fs/cgroup rw shared:1 - tmpfs tmpfs rw\n\
                    32 31 0:29 /docker/ab /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                    33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n\
                    34 31 0:31 / /mnt/a\\040b rw shared:4 master:2 - cgroup2 cgroup2 rw,nsdelegate\n\
                    rubbish\n";
        let expected = [
            Mount {
                version: Version::V1,
                root: PathBuf::from("/docker/ab"),
                point: PathBuf::from("/sys/fs/cgroup/cpu,cpuacct"),
            },
            Mount { version: Version::V2, root: PathBuf::from("/"), point: PathBuf::from("/mnt/a b") },
        ];
        assert_eq!(mounts(text), expected);
    }

    #[test]
    fn escapes_that_are_none_stay() {
        assert_eq!(unescape(r"a\134b\011c\x"), "a\\b\tc\\x");
    }

    #[test]
    fn a_group_outside_of_the_mount_is_the_mount_itself() {
        let inside = |group: &str, shown: &str| inside(Path::new(group), Path::new(shown));
        assert_eq!(inside("/docker/ab/x", "/docker/ab"), PathBuf::from("x"));
        assert_eq!(inside("/user/me", "/"), PathBuf::from("user/me"));
        assert_eq!(inside("/", "/docker/ab"), PathBuf::new());
        assert_eq!(inside("/../../other", "/"), PathBuf::new());
    }
}
