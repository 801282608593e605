//! The index never gives a wrong digest, and saves every read that it can.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use stowaway::observer::{Event, Observer};
use stowaway::ops::{self, DockerfileInput, Request};

use crate::support::cli::{self, stowaway_in};
use crate::support::{entry, machine, say, tree};

/// Longer than the grain within which times prove nothing.
const SETTLED: Duration = Duration::from_millis(2100);

/// A context beside an index and a Dockerfile that copies all of it.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(tree: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(dir.path().join("context")).expect("making a folder");
        tree::Tree::parse(tree).write(&dir.path().join("context"));
        Self { dir }
    }

    fn context(&self) -> PathBuf {
        self.dir.path().join("context")
    }

    fn indexes(&self) -> PathBuf {
        self.dir.path().join("index")
    }

    /// The index file, once there is one.
    fn index(&self) -> Option<PathBuf> {
        let mut files = fs::read_dir(self.indexes()).ok()?.map(|f| f.expect("an entry").path());
        files.find(|f| f.extension().is_some_and(|e| e == "index"))
    }

    fn request(&self, index: bool) -> Request {
        Request {
            context: self.context(),
            dockerfile: DockerfileInput::Bytes(b"FROM scratch\nCOPY . /\n".to_vec()),
            index: index.then(|| self.indexes()),
            ..Request::default()
        }
    }

    /// The key of all files with the index, and how many files were read for it.
    fn indexed(&self) -> (String, u64) {
        key(&self.request(true))
    }

    /// The key of all files, all of which are read.
    fn read(&self) -> String {
        key(&self.request(false)).0
    }

    #[track_caller]
    fn assert_right(&self, what: &str) {
        assert_eq!(self.indexed().0, self.read(), "{what}");
    }
}

#[derive(Default)]
struct FilesRead(AtomicU64);

impl Observer for FilesRead {
    fn event(&self, event: Event) {
        if let Event::HashStarted { files, .. } = event {
            self.0.fetch_add(files, Ordering::Relaxed);
        }
    }
}

fn key(request: &Request) -> (String, u64) {
    let read = FilesRead::default();
    let report = ops::plan(request, &read).expect("a plan");
    let key = report.steps[0].content_key.as_ref().expect("a key").to_string();
    (key, read.0.into_inner())
}

/// Whether this machine's temporary files can be remembered at all.
fn remembers() -> bool {
    let place = Place::new("file f 0644 x\n");
    std::thread::sleep(SETTLED);
    place.indexed();
    let remembers = place.index().is_some();
    if !remembers {
        say("SKIPPED: the file system of the temporary folder is none that the index trusts");
        assert!(!machine::must_not_skip(), "CI must have one");
    }
    remembers
}

const TREE: &str = r#"
    file  a        0644 "aaaaa"
    file  b        0644 "bbbbb"
    file  d/c      0600 "c" * 70000
    file  d/empty  0644
    hard  d/hard   =    a
    link  d/link   -> c
    fifo  pipe     0644
"#;

#[test]
fn a_run_in_which_nothing_changed_reads_no_file() {
    if !remembers() {
        return;
    }
    let place = Place::new(TREE);
    std::thread::sleep(SETTLED);
    let (key, read) = place.indexed();
    assert_eq!((read, &key), (4, &place.read()), "`d/hard` is `a`");
    assert_eq!(place.indexed(), (key, 0));
    fs::write(place.context().join("b"), "BBBBB").expect("writing");
    assert_eq!(place.indexed(), (place.read(), 1));
    // What was written just now isn't trusted yet, and then it is.
    assert_eq!(place.indexed().1, 1);
    std::thread::sleep(SETTLED);
    assert_eq!((place.indexed().1, place.indexed().1), (1, 0));
}

/// What the kernel says, in case the observer isn't told of everything.
#[test]
#[cfg(target_os = "linux")]
fn the_kernel_sees_no_file_opened_either() {
    use rustix::fs::inotify;
    if !remembers() {
        return;
    }
    let place = Place::new(TREE);
    std::thread::sleep(SETTLED);
    let opened = || {
        let watch = inotify::init(inotify::CreateFlags::NONBLOCK).expect("inotify");
        for folder in [place.context(), place.context().join("d")] {
            inotify::add_watch(&watch, folder, inotify::WatchFlags::OPEN).expect("a watch");
        }
        place.indexed();
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(watch, &mut buffer);
        let mut opened = Vec::new();
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|n| n.to_string_lossy().into_owned());
            if !event.events().contains(inotify::ReadFlags::ISDIR) {
                opened.extend(name);
            }
        }
        opened.sort();
        opened
    };
    assert_eq!(opened(), ["a", "b", "c"]);
    assert_eq!(opened(), Vec::<String>::new());
}

#[test]
fn views_of_one_context_share_its_index() {
    if !remembers() {
        return;
    }
    let place = Place::new(TREE);
    std::thread::sleep(SETTLED);
    let request = |dockerfile: &str| Request {
        dockerfile: DockerfileInput::Bytes(dockerfile.as_bytes().to_vec()),
        ..place.request(true)
    };
    assert_eq!(key(&request("FROM scratch\nCOPY d /\n")).1, 3);
    // `a` is known as `d/hard`, `d` from before.
    assert_eq!(key(&request("FROM scratch\nCOPY a d /\n")).1, 0);
    assert_eq!(key(&request("FROM scratch\nCOPY . /\n")), (place.read(), 1));
    assert_eq!(key(&request("FROM scratch\nCOPY d /\n")).1, 0);
}

/// An index of so many files is mapped into memory, where a smaller one is read.
#[test]
fn an_index_that_is_mapped_gives_what_reading_every_file_gives() {
    if !remembers() {
        return;
    }
    let place = Place::new("dir d 0755");
    for i in 0..9_000 {
        fs::write(place.context().join(format!("d/{i}")), i.to_string()).expect("writing");
    }
    std::thread::sleep(SETTLED);
    let right = place.read();
    assert_eq!((place.indexed(), place.indexed()), ((right.clone(), 9_000), (right, 0)));
    let size = fs::metadata(place.index().expect("an index")).expect("its stat").len();
    assert!((1 << 20..120 * 9_000 + 1000).contains(&size), "{size} bytes");
    fs::write(place.context().join("d/4711"), "other").expect("writing");
    assert_eq!(place.indexed(), (place.read(), 1));
}

#[test]
fn named_contexts_are_remembered_too() {
    if !remembers() {
        return;
    }
    let place = Place::new("file f 0644 hello\n");
    let other = Place::new(TREE);
    std::thread::sleep(SETTLED);
    let request = Request {
        dockerfile: DockerfileInput::Bytes(b"FROM scratch\nCOPY --from=other . /\n".to_vec()),
        named: [("other".to_owned(), ops::NamedInput::Folder(other.context()))].into(),
        ..place.request(true)
    };
    assert_eq!((key(&request).1, key(&request).1), (4, 0));
}

/// One way to change a file so that as little as possible shows.
fn mutate(rng: &mut Rng, dir: &Path) -> String {
    let name = |rng: &mut Rng| dir.join(["a", "b", "c", "d", "e", "f"][rng.usize(..6)]);
    let (file, other) = (name(rng), name(rng));
    let meta = fs::metadata(&file).expect("its stat");
    let old = meta.modified().expect("its time");
    let content = [b'a' + rng.u8(..26); 5];
    let swap = dir.join("swap");
    let way = rng.usize(..12);
    match way {
        // The same size and times: only ctime tells.
        0 | 1 => {
            fs::write(&file, content).expect("writing");
            File::options()
                .write(true)
                .open(&file)
                .and_then(|f| f.set_modified(old))
                .expect("setting a time");
        }
        2 => {
            fs::write(&swap, content).expect("writing");
            File::options()
                .write(true)
                .open(&swap)
                .and_then(|f| f.set_modified(old))
                .expect("setting a time");
            fs::rename(&swap, &file).expect("renaming");
        }
        3 if file != other => {
            fs::rename(&file, &swap).expect("renaming");
            fs::rename(&other, &file).expect("renaming");
            fs::rename(&swap, &other).expect("renaming");
        }
        4 => fs::set_permissions(&file, fs::Permissions::from_mode([0o644, 0o755, 0o600][rng.usize(..3)]))
            .expect("setting a mode"),
        5 => File::options()
            .write(true)
            .open(&file)
            .and_then(|f| f.set_modified(SystemTime::now()))
            .expect("touching"),
        6 => {
            // A backup with its times, moved away and back around an edit.
            fs::copy(&file, &swap).expect("copying");
            fs::write(&file, content).expect("writing");
            if rng.bool() {
                File::options()
                    .write(true)
                    .open(&swap)
                    .and_then(|f| f.set_modified(old))
                    .expect("setting a time");
                fs::rename(&swap, &file).expect("renaming");
            } else {
                fs::remove_file(&swap).expect("removing");
            }
        }
        7 => {
            fs::remove_file(&file).expect("removing");
            fs::write(&file, content).expect("writing");
        }
        8 if file != other => {
            fs::remove_file(&file).expect("removing");
            fs::hard_link(&other, &file).expect("linking");
        }
        9 => {
            let future = SystemTime::now() + Duration::from_secs(3600);
            fs::write(&file, content).expect("writing");
            File::options()
                .write(true)
                .open(&file)
                .and_then(|f| f.set_modified(future))
                .expect("setting a time");
        }
        10 => {
            // File systems without attributes refuse.
            let value = [rng.u8(..)];
            let _ = rustix::fs::setxattr(&file, "user.test", &value, rustix::fs::XattrFlags::empty());
        }
        11 => drop(rustix::fs::removexattr(&file, "user.test")),
        _ => fs::write(&file, content).expect("writing"),
    }
    format!("way {way} on {} and {}", file.display(), other.display())
}

fn letters() -> Place {
    Place::new(
        "file a 0644 aaaaa\nfile b 0644 bbbbb\nfile c 0644 ccccc\nfile d 0644 ddddd\nfile e 0644 eeeee\nfile f 0644 fffff\n",
    )
}

#[test]
fn no_change_is_overlooked_however_soon_or_late_it_comes() {
    let places: Vec<Place> = (0..24).map(|_| letters()).collect();
    let mut rng = Rng::with_seed(11);
    for round in 0..4 {
        std::thread::sleep(SETTLED);
        for (i, place) in places.iter().enumerate() {
            place.assert_right(&format!("context {i}, round {round}, settled"));
            for change in 0..6 {
                let what = mutate(&mut rng, &place.context());
                if rng.bool() {
                    place.assert_right(&format!("context {i}, round {round}, change {change}: {what}"));
                }
            }
        }
    }
}

#[test]
fn edits_within_one_tick_of_the_clock_are_seen() {
    let place = letters();
    let file = place.context().join("a");
    for i in 0..600_u32 {
        fs::write(&file, format!("{i:05}")).expect("writing");
        let (key, _) = place.indexed();
        fs::write(&file, format!("{:05}", i + 50_000)).expect("writing");
        assert_ne!(place.indexed().0, key, "round {i}");
        if i % 50 == 0 {
            place.assert_right(&format!("round {i}"));
        }
    }
}

#[test]
fn programs_that_run_at_once_do_not_disturb_each_other() {
    let place = letters();
    let dockerfile = place.dir.path().join("Dockerfile");
    fs::write(&dockerfile, "FROM scratch\nCOPY . /\n").expect("writing the Dockerfile");
    let mut rng = Rng::with_seed(5);
    for round in 0..3 {
        for _ in 0..3 {
            mutate(&mut rng, &place.context());
        }
        std::thread::sleep(SETTLED);
        let right = place.read();
        let runs: Vec<_> = (0..8).map(|_| plan(&place, &dockerfile).spawn().expect("starting")).collect();
        for run in runs {
            let output = run.wait_with_output().expect("its output");
            let text = String::from_utf8(output.stdout).expect("UTF-8");
            assert!(output.status.success() && text.contains(&right), "round {round}");
        }
        assert_eq!(fs::read_dir(place.indexes()).expect("the folder").count(), 1, "nothing is left behind");
    }
}

fn plan(place: &Place, dockerfile: &Path) -> Command {
    let mut command = cli::command();
    command.args(["plan", "--format", "json", "-f"]).arg(dockerfile).arg("--index").arg(place.indexes());
    command.arg(place.context()).stdout(Stdio::piped());
    command
}

#[test]
fn a_program_that_is_killed_at_any_moment_leaves_no_wrong_index() {
    let mut lines = String::new();
    for i in 0..1500 {
        lines.push_str(&format!("file d{}/f{i} 0644 \"{i}\"\n", i % 40));
    }
    let place = Place::new(&lines);
    let dockerfile = place.dir.path().join("Dockerfile");
    fs::write(&dockerfile, "FROM scratch\nCOPY . /\n").expect("writing the Dockerfile");
    std::thread::sleep(SETTLED);
    let right = place.read();
    let mut rng = Rng::with_seed(3);
    for round in 0..100 {
        if rng.bool() {
            let _ = place.index().map(fs::remove_file);
        }
        let mut run = plan(&place, &dockerfile).stdout(Stdio::null()).spawn().expect("starting");
        std::thread::sleep(Duration::from_micros(rng.u64(..60_000)));
        run.kill().expect("killing");
        run.wait().expect("its end");
        assert_eq!(place.indexed().0, right, "round {round}");
    }
}

#[test]
fn a_damaged_index_is_made_anew() {
    if !remembers() {
        return;
    }
    let place = letters();
    std::thread::sleep(SETTLED);
    place.indexed();
    let index = place.index().expect("an index");
    let whole = fs::read(&index).expect("its bytes");
    let mut rng = Rng::with_seed(9);
    for round in 0..150 {
        let mut damaged = whole.clone();
        match round % 3 {
            0 => damaged.truncate(rng.usize(..whole.len())),
            1 => damaged[rng.usize(..whole.len())] ^= 1 << rng.u8(..8),
            _ => rng.fill(&mut damaged[56..]),
        }
        fs::write(&index, damaged).expect("writing");
        assert_eq!(place.indexed(), (place.read(), 6), "round {round}");
        assert_eq!(place.indexed().1, 0, "it was made anew");
    }
}

#[test]
fn a_file_that_may_not_be_opened_any_more_counts_as_empty_again() {
    if machine::is_root() {
        // For root, nothing is unreadable.
        return;
    }
    let place = letters();
    std::thread::sleep(SETTLED);
    place.indexed();
    fs::set_permissions(place.context().join("a"), fs::Permissions::from_mode(0o000)).expect("a mode");
    place.assert_right("without rights");
    fs::set_permissions(place.context().join("a"), fs::Permissions::from_mode(0o644)).expect("a mode");
    place.assert_right("with rights again");
}

#[test]
fn the_index_lies_where_the_user_says() {
    if !remembers() {
        return;
    }
    let place = letters();
    fs::write(place.context().join("Dockerfile"), "FROM scratch\nCOPY . /\n").expect("writing");
    std::thread::sleep(SETTLED);
    let homes = tempfile::tempdir().expect("a folder");
    let at = |name: &str| homes.path().join(name);
    let run = |variables: &[(&str, PathBuf)], arguments: &[OsString]| {
        let mut command = cli::command();
        command.env_remove("STOWAWAY_CACHE_DIR").env_remove("XDG_CACHE_HOME").env("HOME", at("home"));
        command.envs(variables.iter().cloned()).current_dir(place.context()).arg("plan").args(arguments);
        cli::run(&mut command).expect_code(0)
    };
    let files = |folder: PathBuf| fs::read_dir(folder).map_or(0, Iterator::count);
    run(&[("STOWAWAY_CACHE_DIR", at("own"))], &["--no-index".into()]);
    assert_eq!(fs::read_dir(homes.path()).expect("a folder").count(), 0);
    run(&[("STOWAWAY_CACHE_DIR", at("own")), ("XDG_CACHE_HOME", at("xdg"))], &[]);
    assert_eq!(files(at("own/index")), 1);
    run(&[("XDG_CACHE_HOME", at("xdg"))], &[]);
    assert_eq!(files(at("xdg/stowaway/index")), 1);
    run(&[], &[]);
    assert_eq!(files(at("home/.cache/stowaway/index")), 1);
    let mode = fs::metadata(at("home/.cache/stowaway/index")).expect("the folder").mode();
    assert_eq!(mode & 0o077, 0, "others have no business there");
    run(&[("XDG_CACHE_HOME", at("no"))], &["--index".into(), at("given").into()]);
    assert_eq!((files(at("given")), at("no").exists()), (1, false));
}

/// `plan` of a settled context, with the index where it can't be, in a way that `run` knows.
#[track_caller]
fn assert_works_without_index(place: &Place, why: &str, run: impl Fn(&[&str]) -> cli::Run) {
    let right = stowaway_in(&place.context(), ["plan", "--no-index"]).expect_code(0);
    let told = run(&["plan"]).expect_code(0);
    assert_eq!(told.text(), right.text());
    let warned = told.stderr.matches("the index can't be written").count();
    assert!(warned == 1 && told.stderr.contains(why), "{}", told.stderr);
    let quiet = run(&["plan", "-q"]).expect_code(0);
    assert_eq!((quiet.text(), quiet.stderr.as_str()), (right.text(), ""));
}

/// Six files and a Dockerfile, old enough to be remembered.
fn settled() -> Place {
    let place = letters();
    fs::write(place.context().join("Dockerfile"), "FROM scratch\nCOPY . /\n").expect("writing");
    std::thread::sleep(SETTLED);
    place
}

#[test]
fn a_file_in_place_of_the_index_folder_costs_nothing_but_a_warning() {
    if !remembers() {
        return;
    }
    let place = settled();
    assert_works_without_index(&place, "hint: --index DIR", |args| {
        stowaway_in(&place.context(), [args, &["--index", "Dockerfile"]].concat())
    });
}

#[test]
fn an_index_folder_without_rights_costs_nothing_but_a_warning() {
    if !remembers() || machine::is_root() && !cli::has("setpriv") {
        return;
    }
    let place = settled();
    fs::create_dir(place.indexes()).expect("a folder");
    entry::set_mode(place.dir.path(), 0o755);
    entry::set_mode(&place.indexes(), 0o555);
    let index = place.indexes().into_os_string().into_string().expect("UTF-8");
    assert_works_without_index(&place, "permission denied", |args| {
        let args = [args, &["--index", &index]].concat();
        cli::without_rights(&place.context(), &args).expect("setpriv is here")
    });
    assert_eq!(fs::read_dir(place.indexes()).expect("the folder").count(), 0);
}

/// What a full disk does: a write that ends too early. Here the system's limit on the size of files makes it.
#[test]
fn an_index_that_does_not_fit_costs_nothing_but_a_warning_and_leaves_nothing() {
    if !remembers() {
        return;
    }
    let place = settled();
    assert_works_without_index(&place, "file too large", |args| {
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_stowaway")])
            .args(args)
            .arg("--index")
            .arg(place.indexes());
        cli::run(command.current_dir(place.context()).stdin(Stdio::null()))
    });
    assert_eq!(fs::read_dir(place.indexes()).expect("the folder").count(), 0, "nothing is left behind");
}

#[test]
fn index_and_no_index_exclude_each_other() {
    let place = letters();
    let run = stowaway_in(&place.context(), ["plan", "--no-index", "--index", "x"]).expect_code(2);
    assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
}

#[test]
fn an_index_of_the_same_path_on_another_file_system_is_not_used() {
    let place = letters();
    std::thread::sleep(SETTLED);
    place.indexed();
    // The context moves away with its inodes and another one takes its place: other content under the same names and times.
    let (context, before) = (place.context(), place.dir.path().join("before"));
    fs::rename(&context, &before).expect("renaming");
    fs::create_dir(&context).expect("a folder");
    for name in ["a", "b", "c", "d", "e", "f"] {
        fs::write(context.join(name), "xxxxx").expect("writing");
        let mtime = fs::metadata(before.join(name)).expect("its stat");
        entry::set_mtime(
            &context.join(name),
            i128::from(mtime.mtime()) * 1_000_000_000 + i128::from(mtime.mtime_nsec()),
        );
    }
    place.assert_right("another folder in its place");
    fs::rename(&context, place.dir.path().join("after")).expect("renaming");
    fs::rename(&before, &context).expect("renaming");
    place.assert_right("the first one is back");
}
