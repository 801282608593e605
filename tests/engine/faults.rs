//! A live engine that goes away in the middle: its own exit status, and nothing half-written.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::compare::alone;
use crate::support::cli;
use crate::support::engine::engine;
use crate::support::{machine, say};

/// What stands between the program and the engine.
#[derive(Clone)]
struct Between {
    /// Bytes to the engine and bytes from it after which everything breaks off.
    limits: [u64; 2],
    passed: [Arc<AtomicU64>; 2],
    broken: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<UnixStream>>>,
    /// What is done at the limit in place of breaking off, while everything waits.
    meanwhile: Option<Act>,
}

type Act = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

impl Between {
    fn new(limits: [u64; 2]) -> Self {
        let (passed, broken, streams) = Default::default();
        Self { limits, passed, broken, streams, meanwhile: None }
    }

    /// Does something once after so many bytes to the engine.
    fn pausing(after: u64, act: impl FnOnce() + Send + 'static) -> Self {
        let meanwhile: Act = Arc::new(Mutex::new(Some(Box::new(act))));
        Self { meanwhile: Some(meanwhile), ..Self::new([after, u64::MAX]) }
    }

    /// Listens on a socket in `folder` and passes on to the engine at `real`.
    fn listen(&self, folder: &Path, real: &Path) -> PathBuf {
        let socket = folder.join("between.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let (between, real) = (self.clone(), real.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if between.broken.load(Ordering::SeqCst) {
                    continue;
                }
                let engine = UnixStream::connect(&real).expect("the engine");
                between.join(&client, &engine);
            }
        });
        socket
    }

    fn join(&self, client: &UnixStream, engine: &UnixStream) {
        let two = |stream: &UnixStream| stream.try_clone().expect("a stream");
        self.streams.lock().expect("no panic").extend([two(client), two(engine)]);
        for (way, from, to) in [(0, two(client), two(engine)), (1, two(engine), two(client))] {
            let between = self.clone();
            std::thread::spawn(move || between.pass(way, from, to));
        }
    }

    fn pass(&self, way: usize, mut from: UnixStream, mut to: UnixStream) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(n) = from.read(&mut buffer)
            && n > 0
        {
            let passed = self.passed[way].fetch_add(n as u64, Ordering::SeqCst) + n as u64;
            if passed > self.limits[way] {
                let Some(act) = &self.meanwhile else { return self.snap() };
                if let Some(act) = act.lock().expect("no panic").take() {
                    act();
                }
            }
            if to.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    /// As when the engine is killed.
    fn snap(&self) {
        self.broken.store(true, Ordering::SeqCst);
        for stream in self.streams.lock().expect("no panic").iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A context with a file of so many MiB that no engine has seen.
fn context(mib: usize) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("stowaway-faults-").tempdir().expect("a folder");
    let mut bytes = vec![0; mib << 20];
    fastrand::Rng::new().fill(&mut bytes);
    std::fs::write(folder.path().join("big"), bytes).expect("a file");
    std::fs::write(folder.path().join("Dockerfile"), "FROM scratch\nCOPY big /\n").expect("a Dockerfile");
    folder
}

/// `build` through `socket`, what it leaves in a folder of its own.
fn build(context: &Path, left: &Path, socket: &Path) -> Command {
    let mut command = cli::command();
    command.current_dir(left).env("DOCKER_HOST", format!("unix://{}", socket.display()));
    command.env_remove("BUILDX_BUILDER").env_remove("DOCKER_CONTEXT");
    command
        .args(["build", "--progress", "plain", "-o", "type=tar,dest=out.tar", "--metadata-file", "meta.json"])
        .arg(context);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The end of a run, which has to come in time.
fn ended(child: std::process::Child, limit: Duration) -> Output {
    let id = child.id();
    let (done, start) = (Arc::new(AtomicBool::new(false)), Instant::now());
    let watched = Arc::clone(&done);
    let watch = std::thread::spawn(move || {
        while !watched.load(Ordering::SeqCst) {
            if start.elapsed() > limit {
                let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    });
    let output = child.wait_with_output().expect("the program ends");
    done.store(true, Ordering::SeqCst);
    let hung = watch.join().expect("no panic");
    assert!(!hung, "it hangs: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The engine's own socket; these tests need one.
pub fn real() -> PathBuf {
    let host = std::env::var("DOCKER_HOST").expect("DOCKER_HOST names the engine");
    host.strip_prefix("unix://").map(PathBuf::from).unwrap_or_else(|| panic!("{host} is no unix socket"))
}

#[track_caller]
fn assert_no_result(left: &Path) {
    for name in ["out.tar", "meta.json"] {
        assert!(!left.join(name).exists(), "{name} was left behind");
    }
}

#[test]
fn an_engine_that_dies_while_it_is_sent_files_ends_the_build_with_its_status() {
    let Some(_) = engine("an engine that dies while it is sent files") else { return };
    let _alone = alone();
    let (context, left, between) = (context(48), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let socket = Between::new([12 << 20, u64::MAX]).listen(between.path(), &real());
    let child = build(context.path(), left.path(), &socket).spawn().expect("the program starts");
    let output = ended(child, Duration::from_secs(60));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_no_result(left.path());
}

#[test]
fn an_engine_that_dies_while_it_sends_the_result_leaves_no_half_of_it() {
    let Some(_) = engine("an engine that dies while it sends the result") else { return };
    let _alone = alone();
    let (context, left, between) = (context(48), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let socket = Between::new([u64::MAX, 12 << 20]).listen(between.path(), &real());
    let child = build(context.path(), left.path(), &socket).spawn().expect("the program starts");
    let output = ended(child, Duration::from_secs(60));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_no_result(left.path());
}

/// The contents of an archive by their names, of the files in `all/z`.
fn sent(tar: &Path) -> Vec<(String, usize, u8)> {
    let mut archive = tar::Archive::new(std::fs::File::open(tar).expect("an archive"));
    let mut found = Vec::new();
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").display().to_string();
        if let Some(name) = path.strip_prefix("all/z/").filter(|name| !name.is_empty()) {
            let name = name.to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("its bytes");
            found.push((name, bytes.len(), bytes.last().copied().unwrap_or_default()));
        }
    }
    found
}

#[test]
fn files_that_change_while_they_are_sent_are_told_and_sent_anew_the_next_time() {
    let Some(_) = engine("files that change meanwhile") else { return };
    let _alone = alone();
    let (folder, left, between) = (context(16), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("Dockerfile"), "FROM scratch\nCOPY . /all/\n").expect("a file");
    let z = folder.path().join("z");
    std::fs::create_dir(&z).expect("a folder");
    // Large ones before them, so that nobody has come as far as to read these when they change.
    for i in 1..4 {
        std::fs::copy(folder.path().join("big"), folder.path().join(format!("big{i}"))).expect("a file");
    }
    let fresh = crate::generated::nonce();
    for name in ["gone", "long", "rewritten", "short"] {
        let mut bytes = vec![b'0'; 4096];
        bytes.extend_from_slice(fresh.as_bytes());
        std::fs::write(z.join(name), bytes).expect("a file");
    }
    let length = 4096 + fresh.len();
    let act = move || {
        std::fs::remove_file(z.join("gone")).expect("it is there");
        std::fs::write(z.join("long"), vec![b'1'; 9000]).expect("a file");
        std::fs::write(z.join("rewritten"), vec![b'1'; length]).expect("a file");
        std::fs::write(z.join("short"), vec![b'1'; 1000]).expect("a file");
    };
    let socket = Between::pausing(4 << 20, act).listen(between.path(), &real());
    let child = build(folder.path(), left.path(), &socket).spawn().expect("the program starts");
    let output = ended(child, Duration::from_secs(60));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "the image lacks a file's content: {said}");
    for part in ["z/gone can't be read and was sent empty: ", "z/long ", "z/rewritten ", "z/short "] {
        assert!(said.contains(&format!("warning: {part}")), "{part} in\n{said}");
    }
    // Nothing of what was half the one and half the other is taken for the truth later.
    let child = build(folder.path(), left.path(), &real()).spawn().expect("the program starts");
    let output = ended(child, Duration::from_secs(60));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let now =
        [("long", 9000), ("rewritten", length), ("short", 1000)].map(|(name, n)| (name.to_owned(), n, b'1'));
    assert_eq!(sent(&left.path().join("out.tar")), now);
}

/// A context of which the image has 3 MiB, and a name beside it.
fn three_mebibytes() -> tempfile::TempDir {
    let folder = context(3);
    std::fs::write(folder.path().join("Dockerfile"), "FROM scratch\nCOPY Dockerfile big /files/\n")
        .expect("a file");
    folder
}

/// Runs the program in a folder that has room for 1 MiB, after `before`; what it says, and what is left there.
fn on_a_full_disk(before: &str, args: &[&str]) -> (cli::Run, String) {
    let (room, state) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let script = "mount -t tmpfs -o size=1m none \"$1\" && cd \"$1\" && eval \"$2\" && shift 2 && \"$@\"; \
                  status=$?; find . -mindepth 1 | sort; exit $status";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
    command.arg(room.path()).arg(before).arg(env!("CARGO_BIN_EXE_stowaway")).args(args);
    command
        .stdin(Stdio::null())
        .env("STOWAWAY_STATE_DIR", state.path())
        .env("STOWAWAY_CACHE_DIR", state.path());
    let run = cli::run(&mut command);
    let left = run.text().to_owned();
    (run, left)
}

#[test]
fn a_full_disk_is_told_and_nothing_half_written_is_left() {
    let Some(_) = engine("a full disk") else { return };
    if !machine::is_root() {
        return say("a full disk: only the super-user can make one");
    }
    let _alone = alone();
    let folder = three_mebibytes();
    let path = folder.path().to_str().expect("UTF-8");
    let outputs =
        ["type=tar,dest=out", "type=oci,dest=out", "type=docker,dest=out", "type=local,dest=out", "out"];
    for output in outputs {
        let (run, left) = on_a_full_disk("true", &["build", "--provenance", "false", "-o", output, path]);
        assert_eq!((run.code, left.as_str()), (1, ""), "{output}: {}", run.stderr);
        let last = run.stderr.lines().rev().find(|l| l.starts_with("ERROR: ")).unwrap_or_default();
        assert!(
            last.contains("writing ") && last.contains("no space left on device"),
            "{output}: {}",
            run.stderr
        );
    }
    let stays = "mkdir out && echo mine >out/mine";
    let (run, left) = on_a_full_disk(stays, &["build", "-o", "out", path]);
    assert_eq!((run.code, left.contains("big")), (1, false), "{left}{}", run.stderr);
    assert!(left.starts_with("./out\n./out/") && left.contains("./out/mine\n"), "{left}");
    for output in ["--cache-to=type=local,dest=out", "--output=type=oci,tar=false,dest=out"] {
        let (run, left) = on_a_full_disk("true", &["build", output, path]);
        assert!(run.code == 1 && !left.contains("index.json"), "{output}: {left}{}", run.stderr);
        assert!(run.stderr.to_lowercase().contains("no space left on device"), "{output}: {}", run.stderr);
    }
}

#[test]
fn what_is_written_of_a_build_needs_room_too() {
    let Some(_) = engine("a full disk for metadata") else { return };
    if !machine::is_root() {
        return say("a full disk for metadata: only the super-user can make one");
    }
    let _alone = alone();
    let folder = three_mebibytes();
    let path = folder.path().to_str().expect("UTF-8");
    let full = "dd if=/dev/zero of=fill bs=64k 2>/dev/null; true";
    for option in ["--iidfile", "--metadata-file"] {
        let args = ["build", "--progress", "quiet", option, "it", "-t", "stowaway-test/room", path];
        let (run, left) = on_a_full_disk(full, &args);
        assert_eq!((run.code, left.as_str()), (2, "./fill\n"), "{option}: {}", run.stderr);
        assert!(run.stderr.contains("writing it: no space left on device"), "{option}: {}", run.stderr);
    }
    cli::run(Command::new("docker").args(["image", "rm", "--force", "stowaway-test/room"]));
    let (run, left) = on_a_full_disk("true", &["pack", "-o", "out.tar", path]);
    assert_eq!((run.code, left.as_str()), (2, ""), "{}", run.stderr);
    assert!(run.stderr.contains("writing out.tar: no space left on device"), "{}", run.stderr);
}

type Redirect = fn(&mut Command, Stdio) -> &mut Command;

/// Runs a build with one of its streams going to nobody.
fn to_nobody(args: &[&str], context: &Path, stream: Redirect) -> Output {
    let state = tempfile::tempdir().expect("a folder");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = cli::command();
    command.env("STOWAWAY_STATE_DIR", state.path()).args(args).arg(context);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    stream(&mut command, writer.into());
    ended(command.spawn().expect("the program starts"), Duration::from_secs(60))
}

#[test]
fn nobody_has_to_listen() {
    let Some(_) = engine("closed pipes") else { return };
    let _alone = alone();
    let folder = three_mebibytes();
    let out: Redirect = |command, nobody| command.stdout(nobody);
    let err: Redirect = |command, nobody| command.stderr(nobody);
    let cached = "type=cacheonly";
    // Of `pack` the tar is all that is wanted: it ends as any filter ends.
    for (args, code) in [
        (&["build", "-q", "-o", cached][..], 0),
        (&["build", "--format", "json", "-o", cached], 0),
        (&["pack"], 141),
    ] {
        let output = to_nobody(args, folder.path(), out);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(code) && !said.contains("panic"),
            "{args:?}: {:?} {said}",
            output.status
        );
    }
    for progress in ["plain", "rawjson", "tty", "quiet", "auto"] {
        let args = ["build", "--progress", progress, "-o", "type=tar,dest=-"];
        let output = to_nobody(&args, folder.path(), err);
        assert_eq!(output.status.code(), Some(0), "{progress}");
        assert!(output.stdout.len() > 3 << 20, "{progress}: the result has nothing to do with it");
    }
    // A result that nobody takes is none.
    let output = to_nobody(&["build", "-o", "-"], folder.path(), out);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("roken pipe"), "{:?} {said}", output.status);
}
