//! What this machine has: disks, memory, limits. Read from `proc` and `sys`; elsewhere they are unknown.

use std::path::{Path, PathBuf};

use super::DoctorOptions;
use crate::report::{DiskHealth, EngineHealth, LimitsHealth, MemoryHealth};

/// A limit of a control group that stands for none in version 1: the largest page-aligned number, and what is near it.
const NO_LIMIT: u64 = 1 << 60;

/// The folders that matter and the room that is left there.
pub fn disks(options: &DoctorOptions, engines: &[EngineHealth]) -> Vec<DiskHealth> {
    let mut folders = vec![("context", Some(options.context.clone()))];
    folders.push(("state", options.state.clone()));
    folders.push(("cache", options.cache.clone()));
    let here = engines.iter().filter(|e| e.chosen && e.root_is_local == Some(true));
    folders.extend(here.filter_map(|e| e.root.clone()).map(|root| ("engine", Some(PathBuf::from(root)))));
    folders.into_iter().filter_map(|(of, folder)| disk(of, &folder?)).collect()
}

/// The room where a folder is, or will be.
fn disk(of: &'static str, folder: &Path) -> Option<DiskHealth> {
    let there = folder.ancestors().map(|f| if f.as_os_str().is_empty() { Path::new(".") } else { f });
    let path = there.into_iter().find(|f| f.exists())?;
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(DiskHealth {
        of,
        path: path.display().to_string(),
        free: stat.f_bavail.saturating_mul(stat.f_frsize),
        size: stat.f_blocks.saturating_mul(stat.f_frsize),
        // Some file systems make inodes as they need them and say 0.
        inodes_free: (stat.f_files > 0).then_some(stat.f_favail),
    })
}

/// Memory, swap and what the control group leaves of them.
pub fn memory(system: &Path) -> MemoryHealth {
    let text = read(&system.join("proc/meminfo"));
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).map(|n| n * 1024)
    };
    let (limit, used_of_limit) = memory_limit(system);
    MemoryHealth {
        total: kib("MemTotal"),
        available: kib("MemAvailable"),
        limit,
        used_of_limit,
        swap_total: kib("SwapTotal"),
        swap_free: kib("SwapFree"),
    }
}

/// The tightest limit from the control group up to the root, and what that group uses.
fn memory_limit(system: &Path) -> (Option<u64>, Option<u64>) {
    let mut tightest: Option<(u64, Option<u64>)> = None;
    for (folder, names) in groups(
        system,
        "memory",
        ["memory.max", "memory.current"],
        ["memory.limit_in_bytes", "memory.usage_in_bytes"],
    ) {
        if let Some(limit) = number(&folder.join(names[0])).filter(|limit| *limit < NO_LIMIT)
            && tightest.is_none_or(|(other, _)| limit < other)
        {
            tightest = Some((limit, number(&folder.join(names[1]))));
        }
    }
    (tightest.map(|t| t.0), tightest.and_then(|t| t.1))
}

/// The folders of the control groups that this process is in, innermost first, with the names of the files there.
fn groups<const N: usize>(
    system: &Path,
    controller: &str,
    v2: [&'static str; N],
    v1: [&'static str; N],
) -> Vec<(PathBuf, [&'static str; N])> {
    let root = system.join("sys/fs/cgroup");
    let mut out = Vec::new();
    for line in read(&system.join("proc/self/cgroup")).lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, names) = match controllers {
            "" => (root.clone(), v2),
            some if some.split(',').any(|c| c == controller) => (root.join(controller), v1),
            _ => continue,
        };
        // In a namespace the path may lie above what can be seen.
        let path = Path::new(path.trim_start_matches('/'));
        if path.components().all(|c| matches!(c, std::path::Component::Normal(_))) {
            out.extend(path.ancestors().map(|up| (root.join(up), names)));
        } else {
            out.push((root, names));
        }
    }
    out
}

/// Limits of this process, its control group and the kernel.
pub fn limits(system: &Path) -> LimitsHealth {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let inotify = system.join("proc/sys/fs/inotify");
    let processes = groups(system, "pids", ["pids.max"], ["pids.max"]);
    LimitsHealth {
        open_files: files.current,
        open_files_hard: files.maximum,
        inotify_watches: number(&inotify.join("max_user_watches")),
        inotify_instances: number(&inotify.join("max_user_instances")),
        processes: processes.iter().filter_map(|(folder, [name])| number(&folder.join(name))).min(),
        cpu_thousandths: cpu(system),
        cpus: std::thread::available_parallelism().ok().map(|n| n.get() as u64),
    }
}

/// The tightest share of processors, in thousandths.
fn cpu(system: &Path) -> Option<u64> {
    let folders = groups(system, "cpu", ["cpu.max", ""], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]);
    let shares = folders.iter().filter_map(|(folder, [quota, period])| {
        let (quota, period) = if period.is_empty() {
            let text = read(&folder.join(quota));
            let (quota, period) = text.trim().split_once(' ')?;
            (quota.parse::<u64>().ok()?, period.parse::<u64>().ok()?)
        } else {
            (number(&folder.join(quota))?, number(&folder.join(period))?)
        };
        quota.saturating_mul(1000).checked_div(period)
    });
    shares.min()
}

/// A file that holds one number; `max` and -1 are none.
fn number(path: &Path) -> Option<u64> {
    read(path).trim().parse().ok()
}

/// A small file, or nothing.
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn the_tightest_limit_of_the_control_groups_counts() {
        let dir = system(&[
            (
                "proc/meminfo",
                "MemTotal:       16 kB\nMemAvailable:    8 kB\nSwapTotal:       0 kB\nSwapFree:        0 kB\n",
            ),
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("sys/fs/cgroup/a/memory.max", "4096\n"),
            ("sys/fs/cgroup/a/memory.current", "100\n"),
            ("sys/fs/cgroup/a/b/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/a/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/a/b/pids.max", "77\n"),
        ]);
        let memory = memory(dir.path());
        assert_eq!((memory.total, memory.available, memory.swap_total), (Some(16384), Some(8192), Some(0)));
        assert_eq!((memory.limit, memory.used_of_limit), (Some(4096), Some(100)));
        let limits = limits(dir.path());
        assert_eq!((limits.cpu_thousandths, limits.processes), (Some(1500), Some(77)));
    }

    #[test]
    fn version_1_has_a_folder_for_each_controller_and_a_number_for_no_limit() {
        let dir = system(&[
            ("proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/x\n"),
            ("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"),
            ("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!(memory(dir.path()).limit, Some(1000));
        assert_eq!(limits(dir.path()).cpu_thousandths, None);
    }

    #[test]
    fn a_path_above_what_can_be_seen_is_not_followed() {
        let dir = system(&[("proc/self/cgroup", "0::/../../x\n"), ("sys/fs/cgroup/memory.max", "5\n")]);
        assert_eq!(memory(dir.path()).limit, Some(5));
    }

    #[test]
    fn without_proc_and_sys_all_is_unknown() {
        let dir = system(&[]);
        assert_eq!(memory(dir.path()), MemoryHealth::default());
        assert_eq!(limits(dir.path()).inotify_watches, None);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_counts_where_it_will_be() {
        let dir = system(&[]);
        let disk = disk("cache", &dir.path().join("a/b")).unwrap();
        assert_eq!(disk.path, dir.path().display().to_string());
        assert!(disk.size >= disk.free && disk.size > 0);
    }
}
