//! `stowaway plan` of `COPY . /` on 100,000 small files of which nothing changed since the last run, against the same without
//! an index, and against `find . -printf '%s\n'`, which lists them and asks for their sizes. In one run, in turns.
//!
//! Prints the ratios of the medians. Time fails nothing: machines are noisy.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod data;

const TREE: data::Small = data::Small { files: 100_000, per_folder: 12, largest: 8_000 };
/// Timed runs of each.
const RUNS: usize = 7;

fn main() {
    let tree = TREE.folder();
    let work = tempfile::tempdir().expect("a temporary folder");
    let dockerfile = work.path().join("Dockerfile");
    fs::write(&dockerfile, "FROM scratch\nCOPY . /\n").expect("writing the Dockerfile");
    let index = work.path().join("index");
    let warm = || plan(&tree, &dockerfile, &["--index".as_ref(), index.as_os_str()]);
    let cold = || plan(&tree, &dockerfile, &["--no-index".as_ref()]);
    // A tree that was made just now is not remembered before its times have settled.
    std::thread::sleep(Duration::from_secs(3));
    let filling = warm();
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..RUNS {
        for (times, time) in times.iter_mut().zip([warm(), cold(), find(&tree)]) {
            times.push(time);
        }
    }
    let [warm, cold, find] = times.map(median);
    let text = format!(
        "plan: warm {warm:.3} s · cold {cold:.3} s · cold with an index to fill {:.3} s · find {find:.3} s · \
         warm is {:.2} of find and {:.2} of cold\n",
        filling.as_secs_f64(),
        warm / find,
        warm / cold
    );
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).expect("writing the result");
}

fn plan(tree: &Path, dockerfile: &Path, more: &[&std::ffi::OsStr]) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stowaway"));
    command.args(["plan", "--format", "json", "-f"]).arg(dockerfile).arg(tree).args(more);
    time(&mut command)
}

fn find(tree: &Path) -> Duration {
    time(Command::new("find").args([".", "-printf", "%s\n"]).current_dir(tree))
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("starting a program");
    assert!(status.success(), "{command:?} failed: {status}");
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}
