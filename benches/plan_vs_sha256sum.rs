//! `stowaway plan` of `COPY . /` on 100,000 small files against
//! `find -type f -print0 | xargs -0 -n500 -P2 sha256sum` on the same tree, in one run, in turns.
//!
//! Prints the ratio of the medians, which should be under 1, and fails when the plan needs 150 MB of memory. Time fails
//! nothing: machines are noisy.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod data;

/// The tree that the project's promises are about: about 390 MB of content, 630 MB on disk.
const TREE: data::Small = data::Small { files: 100_000, per_folder: 12, largest: 8_000 };
/// Timed runs of each.
const RUNS: usize = 5;
/// The most memory that the plan may need.
const MOST_MEMORY: u64 = 150 << 20;

fn main() {
    let tree = TREE.folder();
    let work = tempfile::tempdir().expect("a temporary folder");
    let dockerfile = work.path().join("Dockerfile");
    fs::write(&dockerfile, "FROM scratch\nCOPY . /\n").expect("writing the Dockerfile");
    // Once each, so that both find the same warm cache.
    plan(&tree, &dockerfile);
    sha256sum(&tree);
    let (mut ours, mut theirs, mut peak) = (Vec::new(), Vec::new(), 0);
    for _ in 0..RUNS {
        let (time, memory) = plan(&tree, &dockerfile);
        ours.push(time);
        peak = peak.max(memory);
        theirs.push(sha256sum(&tree));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let verdict = if ratio <= 1.0 { "as promised" } else { "OVER THE PROMISE of 1.00" };
    let text = format!(
        "plan {:.3} s · find | xargs sha256sum {:.3} s · ratio {ratio:.2}, {verdict} · peak memory {} MB\n",
        ours.as_secs_f64(),
        theirs.as_secs_f64(),
        peak >> 20
    );
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).expect("writing the result");
    assert!(peak < MOST_MEMORY, "the plan needs too much memory");
}

/// Time and peak memory of a plan.
fn plan(tree: &Path, dockerfile: &Path) -> (Duration, u64) {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_stowaway"))
        .args(["plan", "--no-index", "--format", "json", "-f"])
        .arg(dockerfile)
        .arg(tree)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("starting the program");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let end = loop {
        // The kernel keeps the high-water mark itself, so that looking now and then is enough.
        peak = peak.max(fs::read_to_string(&status).map_or(0, |text| high_water_mark(&text)));
        if let Some(end) = child.try_wait().expect("waiting for the program") {
            break end;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(end.success(), "the plan failed: {end}");
    (start.elapsed(), peak)
}

/// `VmHWM:  1234 kB` → bytes.
fn high_water_mark(status: &str) -> u64 {
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kb| kb << 10)
}

fn sha256sum(tree: &Path) -> Duration {
    let start = Instant::now();
    let status = Command::new("sh")
        .args(["-c", "find . -type f -print0 | xargs -0 -n500 -P2 sha256sum > /dev/null"])
        .current_dir(tree)
        .status()
        .expect("starting the shell");
    assert!(status.success(), "sha256sum failed: {status}");
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
