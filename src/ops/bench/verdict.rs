//! Where the time goes, and what to do: from numbers alone.

use crate::litter::{self, Certainty};
use crate::report::{BenchFinding, BenchPlan, BenchReport, DuReport, Shares, Weight, shown};
use crate::wording::{count, size};

/// Fewer files and bytes than these are not worth a word.
const MANY_FILES: u64 = 1_000;
const MANY_BYTES: u64 = 10 << 20;
/// Files of this size cost more to open than to read.
const SMALL_FILE: u64 = 16 << 10;
/// Files of this size cost more to read than to open.
const LARGE_FILE: u64 = 256 << 10;

/// What is to be said of what was measured, and of what the context weighs.
pub fn findings(report: &BenchReport, weight: &DuReport) -> Vec<BenchFinding> {
    let found = [
        Some(where_it_goes(report)),
        unused(weight),
        walked_in_vain(report),
        not_remembered(report),
        from_disk(report),
        slow_reading(report),
        many_small(report),
        transfer(report),
    ];
    found.into_iter().flatten().collect()
}

fn finding(code: &'static str, message: String, help: Option<String>) -> BenchFinding {
    BenchFinding { code, message, help }
}

/// The largest part of a plan that reads everything, and what remembering spares.
fn where_it_goes(report: &BenchReport) -> BenchFinding {
    let (cold, warm) = (&report.cold, &report.warm);
    let parts = [
        ("reading and hashing files", cold.hash_seconds),
        ("listing folders", cold.walk_seconds),
        ("the Dockerfile and the keys", cold.keys_seconds),
    ];
    let (name, seconds) = parts.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(parts[0]);
    let share = percent(seconds, cold.seconds);
    let spared = percent(cold.seconds - warm.seconds, cold.seconds);
    let then = match spared {
        0 => "; remembering files spares nothing here".to_owned(),
        spared => format!("; when nothing changed, remembered files spare {spared} % of it"),
    };
    finding("where-time-goes", format!("{share} % of a plan that reads everything is {name}{then}"), None)
}

/// What is in view, and no instruction takes.
fn unused(weight: &DuReport) -> Option<BenchFinding> {
    let (unused, visible) = (weight.shares.unused?, weight.shares.visible);
    if !is_much(unused, visible) {
        return None;
    }
    let mut message = format!("no instruction takes {} of the {} in view", words(unused), words(visible));
    let heaviest = weight.folders.iter().max_by_key(|f| f.shares.unused.map(|w| (w.bytes, w.files)));
    if let Some(folder) = heaviest.filter(|f| is_most(f.shares, unused)) {
        let path = &folder.path.0;
        let name = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
        let what =
            litter::folder(name, Certainty::Maybe).map_or_else(String::new, |l| format!(", {}", l.what));
        message.push_str(&format!("; most of that is in `{}`{what}", shown(path)));
    }
    let help = "`stowaway ignore` proposes lines for the ignore file and tries each of them; `stowaway du` lists the heaviest folders";
    Some(finding("unused-in-view", message, Some(help.into())))
}

/// A quarter of the files or of the bytes, and not few.
fn is_much(part: Weight, whole: Weight) -> bool {
    part.files >= MANY_FILES && part.files >= whole.files / 4
        || part.bytes >= MANY_BYTES && part.bytes >= whole.bytes / 4
}

/// Whether a folder holds half of it.
fn is_most(folder: Shares, unused: Weight) -> bool {
    folder.unused.is_some_and(|w| w.files * 2 >= unused.files && w.bytes * 2 >= unused.bytes)
}

/// Entries that the walk met only to hide them.
fn walked_in_vain(report: &BenchReport) -> Option<BenchFinding> {
    let context = &report.context;
    let seen = context.files + context.dirs + context.symlinks;
    if context.ignored < MANY_FILES || context.ignored < seen {
        return None;
    }
    let message = format!(
        "the walk meets {} that the ignore file hides, and {} that it leaves in view",
        entries(context.ignored),
        entries(seen)
    );
    let help = "name the folders themselves in the ignore file: what is in a hidden folder isn't looked at, unless a line with `!` may \
                bring some of it back";
    Some(finding("hidden-but-walked", message, Some(help.into())))
}

/// Files that were read again though nothing changed.
fn not_remembered(report: &BenchReport) -> Option<BenchFinding> {
    let (again, all) = (report.warm.files_read, report.cold.files_read);
    if again == 0 {
        return None;
    }
    let (message, help) = if again >= all {
        (
            format!("no file is remembered: all {} are read in each run", count(again, "file")),
            "files are remembered on local file systems of Linux (ext4, xfs, btrfs, tmpfs, overlay, …), where a change can't stay unseen; \
             not on network file systems and mounts from another machine",
        )
    } else {
        (
            format!("{} of {} are read again though nothing changed", again, count(all, "file")),
            "what changed in the last two seconds isn't remembered yet, nor what has times in the future or in whole seconds",
        )
    };
    Some(finding("not-remembered", message, Some(help.into())))
}

/// The first plan had to wait for the disk.
fn from_disk(report: &BenchReport) -> Option<BenchFinding> {
    let (first, later) = (report.first_seconds, report.cold.seconds);
    if first < 2.0 * later || first - later < 0.2 {
        return None;
    }
    let message = format!(
        "the first plan took {} times as long as the later ones: its files came from the disk, not from memory",
        (first / later).round()
    );
    let help = "on a machine that starts afresh for each job, every run is such a first one: hide what isn't needed, and list only what a \
                step needs in its COPY";
    Some(finding("cold-disk", message, Some(help.into())))
}

/// Reading takes longer than hashing, with all files in memory as far as they fit.
#[allow(clippy::cast_precision_loss, reason = "two digits are enough")]
fn slow_reading(report: &BenchReport) -> Option<BenchFinding> {
    let cold = &report.cold;
    let speed = cold.bytes_read as f64 / cold.hash_seconds.max(1e-9);
    if mean_size(cold) < LARGE_FILE
        || cold.bytes_read < MANY_BYTES
        || speed * 2.0 > report.memory_bytes_per_second
    {
        return None;
    }
    let message = format!(
        "files are hashed at {} % of what this machine hashes from memory: it waits for the disk, or for one large file",
        percent(speed, report.memory_bytes_per_second)
    );
    let help =
        "what is hidden or not copied isn't read; one file's SHA-256 can't be spread over several threads";
    Some(finding("slow-reading", message, Some(help.into())))
}

/// It is the number of files that costs.
fn many_small(report: &BenchReport) -> Option<BenchFinding> {
    let cold = &report.cold;
    if cold.files_read < MANY_FILES || mean_size(cold) >= SMALL_FILE {
        return None;
    }
    let message = format!(
        "it is the number of files that costs, not their size: {} of {} on average",
        count(cold.files_read, "file"),
        size(mean_size(cold))
    );
    Some(finding("many-small-files", message, None))
}

/// What our own client spares, and whether an unchanged context should be sent at all.
fn transfer(report: &BenchReport) -> Option<BenchFinding> {
    let [ours, theirs] = report.transfer.clients.as_slice() else { return None };
    let (a, b) = (ours.unchanged.transfer_seconds, theirs.unchanged.transfer_seconds);
    let message = format!(
        "finding out that nothing changed takes {} {} % of the time that {} takes, and sending everything {} %",
        ours.name,
        percent(a, b),
        theirs.name,
        percent(ours.cold.transfer_seconds, theirs.cold.transfer_seconds)
    );
    let help = "`stowaway build --skip-unchanged` asks the engine for nothing when nothing changed";
    Some(finding("transfer", message, (a > report.warm.seconds).then(|| help.into())))
}

fn mean_size(plan: &BenchPlan) -> u64 {
    plan.bytes_read / plan.files_read.max(1)
}

fn words(weight: Weight) -> String {
    format!("{} ({})", count(weight.files, "file"), size(weight.bytes))
}

fn entries(n: u64) -> String {
    if n == 1 { "1 entry".to_owned() } else { format!("{} entries", crate::wording::thousands(n)) }
}

/// Whole percents; 0 where nothing can be said.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole percents are shown")]
fn percent(part: f64, whole: f64) -> u64 {
    if part > 0.0 && whole > 0.0 { (part / whole * 100.0).round() as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{BenchBuild, BenchClient, DuFolder, PathField};

    fn codes(report: &BenchReport, weight: &DuReport) -> Vec<&'static str> {
        findings(report, weight).iter().map(|f| f.code).collect()
    }

    fn plan(seconds: f64, hash: f64, files: u64, bytes: u64) -> BenchPlan {
        BenchPlan {
            seconds,
            walk_seconds: (seconds - hash) / 2.0,
            hash_seconds: hash,
            keys_seconds: (seconds - hash) / 2.0,
            files_read: files,
            bytes_read: bytes,
        }
    }

    /// A healthy context: 100 files of 20 kB.
    fn healthy() -> BenchReport {
        let cold = plan(0.1, 0.08, 100, 2_000_000);
        BenchReport {
            cold,
            warm: plan(0.02, 0.0, 0, 0),
            first_seconds: 0.11,
            memory_bytes_per_second: 1e9,
            ..BenchReport::default()
        }
    }

    fn with_cold(cold: BenchPlan) -> BenchReport {
        BenchReport { cold, first_seconds: cold.seconds, ..healthy() }
    }

    #[test]
    fn of_a_healthy_context_it_is_only_said_where_the_time_goes() {
        let found = findings(&healthy(), &DuReport::default());
        let [only] = found.as_slice() else { panic!("{found:?}") };
        let text = "80 % of a plan that reads everything is reading and hashing files; when nothing changed, remembered files spare 80 % of it";
        assert_eq!((only.code, only.message.as_str()), ("where-time-goes", text));
    }

    #[test]
    fn what_nobody_takes_is_named_with_the_folder_that_holds_most_of_it() {
        let weight = |files, bytes| Weight { files, bytes };
        let unused = Shares { unused: Some(weight(900, 19 << 20)), ..Shares::default() };
        let report = |visible, part, folder: &str| DuReport {
            shares: Shares { visible, unused: Some(part), ..Shares::default() },
            folders: vec![DuFolder { path: PathField::new(folder.as_bytes()), shares: unused }],
            ..DuReport::default()
        };
        let much = report(weight(3_000, 40 << 20), weight(1_000, 20 << 20), "web/node_modules");
        let found = unused_message(&much);
        assert_eq!(
            found.as_deref(),
            Some(
                "no instruction takes 1,000 files (20.0 MiB) of the 3,000 files (40.0 MiB) in view; most of that is in `web/node_modules`, \
                 packages that the build installs itself"
            )
        );
        let elsewhere = report(weight(3_000, 40 << 20), weight(2_000, 39 << 20), "src");
        assert!(unused_message(&elsewhere).is_some_and(|m| m.ends_with("in view")));
        assert_eq!(unused_message(&report(weight(30, 4_000), weight(20, 3_000), "src")), None, "few");
        assert_eq!(
            unused_message(&report(weight(9_000, 400 << 20), weight(1_000, 20 << 20), "src")),
            None,
            "a small part"
        );
    }

    fn unused_message(weight: &DuReport) -> Option<String> {
        unused(weight).map(|f| f.message)
    }

    #[test]
    fn what_is_walked_only_to_be_hidden_is_told() {
        let with = |files, ignored| {
            let mut report = healthy();
            (report.context.files, report.context.ignored) = (files, ignored);
            codes(&report, &DuReport::default()).contains(&"hidden-but-walked")
        };
        assert!(with(500, 2_000));
        assert!(!with(5_000, 2_000) && !with(5, 20));
    }

    #[test]
    fn files_that_are_read_again_have_a_reason() {
        let with = |again| BenchReport { warm: plan(0.1, 0.08, again, 1), ..healthy() };
        let message = |again| not_remembered(&with(again)).map(|f| f.message);
        assert_eq!(message(0), None);
        assert_eq!(message(3).as_deref(), Some("3 of 100 files are read again though nothing changed"));
        assert_eq!(
            message(100).as_deref(),
            Some("no file is remembered: all 100 files are read in each run")
        );
    }

    #[test]
    fn disks_that_are_waited_for_are_told() {
        let first = |first_seconds| BenchReport { first_seconds, ..healthy() };
        assert!(from_disk(&first(1.0)).is_some_and(|f| f.message.contains("10 times")));
        assert!(from_disk(&first(0.15)).is_none() && from_disk(&first(0.25)).is_none());
        // 100 files of 1 MB, at 100 and at 800 MB a second.
        assert!(slow_reading(&with_cold(plan(1.1, 1.0, 100, 100_000_000))).is_some());
        assert!(slow_reading(&with_cold(plan(0.2, 0.125, 100, 100_000_000))).is_none());
    }

    #[test]
    fn many_small_files_are_told_from_few_large_ones() {
        assert!(many_small(&with_cold(plan(1.0, 0.8, 100_000, 400_000_000))).is_some());
        assert!(many_small(&with_cold(plan(1.0, 0.8, 500, 2_000_000))).is_none());
        assert!(many_small(&with_cold(plan(1.0, 0.8, 2_000, 2_000_000_000))).is_none());
    }

    #[test]
    fn two_clients_are_compared() {
        let build = |transfer_seconds| BenchBuild { transfer_seconds, ..BenchBuild::default() };
        let client = |name: &str, cold, unchanged| BenchClient {
            name: name.into(),
            cold: build(cold),
            unchanged: build(unchanged),
        };
        let mut report = healthy();
        report.transfer.clients = vec![client("a", 9.0, 1.0), client("b", 10.0, 2.0)];
        let found = transfer(&report).unwrap();
        assert_eq!(
            found.message,
            "finding out that nothing changed takes a 50 % of the time that b takes, and sending everything 90 %"
        );
        assert!(found.help.is_some(), "a plan is faster than that");
        report.transfer.clients.pop();
        assert!(transfer(&report).is_none());
    }
}
