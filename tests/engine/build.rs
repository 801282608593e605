//! `build` on the engine that is there: what it makes is what `docker buildx build` makes, and the engine can't tell who sent the files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::compare::alone;
use crate::generated::nonce;
use crate::support::cli::{self, Run};
use crate::support::engine::engine;
use crate::support::tree;

/// Odd files, of every kind that a context may hold.
pub const TREE: &str = r#"
dir   app              0755
dir   app/empty        0750
file  app/main.rs      0644  "fn main() {}"
file  app/run          0755  "a program"
file  app/setuid       4755  "as somebody else"
link  app/current      -> main.rs
link  app/dangling     -> nowhere
hard  app/copy         =  app/main.rs
file  "app/with space" 0600  "x"
dir   docs             0755
file  docs/a.md        0644  "not sent"
"#;

/// A context of its own: no other test, and no earlier run, has one with this file.
pub fn context(tree: &str, dockerfile: &str) -> tempfile::TempDir {
    let folder = tree::on_disk(tree);
    for place in ["", "app"].map(|name| folder.path().join(name)).iter().filter(|place| place.is_dir()) {
        fs::write(place.join("nonce"), nonce()).expect("a file");
    }
    fs::write(folder.path().join("Dockerfile"), dockerfile).expect("a Dockerfile");
    folder
}

pub fn docker<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    cli::run(Command::new("docker").args(args))
}

/// `stowaway build` with state of its own.
pub fn ours(state: &Path) -> Command {
    let mut command = cli::command();
    command.env("STOWAWAY_STATE_DIR", state).arg("build");
    command
}

/// An image that goes when it is not needed any more.
struct Image(String);

impl Image {
    fn new(what: &str) -> Self {
        Self(format!(
            "stowaway-test/{what}:{}",
            nonce().to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "")
        ))
    }

    fn inspect(&self) -> Value {
        let run = docker(["image", "inspect", &self.0]).expect_code(0);
        serde_json::from_slice::<Value>(&run.stdout).expect("JSON")[0].clone()
    }

    fn has_same_content_as(&self, other: &Self) {
        let (a, b) = (self.inspect(), other.inspect());
        for field in ["RootFS", "Config", "Architecture", "Os"] {
            assert_eq!(a[field], b[field], "{field}");
        }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        docker(["image", "rm", "--force", &self.0]);
    }
}

/// The steps of a build's JSON messages, and whether each was cached.
fn cached(messages: &str) -> BTreeMap<String, bool> {
    let mut steps = BTreeMap::new();
    for message in messages.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok()) {
        for vertex in message["vertexes"].as_array().into_iter().flatten() {
            let name = vertex["name"].as_str().unwrap_or_default();
            let step =
                name.starts_with('[') && !["[internal]", "[context "].iter().any(|p| name.starts_with(p));
            // Of a step that stands on nothing only the key was asked for when it is shown as done: that tells nothing.
            let tells =
                vertex["cached"] == true || vertex["inputs"].as_array().is_some_and(|i| !i.is_empty());
            if step && tells && !vertex["completed"].is_null() {
                steps.insert(name.to_owned(), vertex["cached"] == true);
            }
        }
    }
    steps
}

pub fn is_entirely_cached(messages: &str) {
    let steps = cached(messages);
    assert!(!steps.is_empty() && steps.values().all(|cached| *cached), "{steps:?}\n{messages}");
}

const DOCKERFILE: &str = "FROM scratch AS base\nCOPY app /app\nLABEL a=b\nFROM base\nCOPY --chmod=0700 app/m*.rs /bin/\nCOPY . /all\nENV C=d\nENTRYPOINT [\"/app/run\"]\n";

#[test]
fn an_engine_can_not_tell_us_from_buildx() {
    let Some(_engine) = engine("build") else { return };
    let _alone = alone();
    for ours_first in [true, false] {
        let folder = context(TREE, DOCKERFILE);
        fs::write(folder.path().join(".dockerignore"), "docs\n**/*.md\n").expect("an ignore file");
        let state = tempfile::tempdir().expect("a folder");
        let (a, b) = (Image::new("ours"), Image::new("theirs"));
        let path = folder.path().to_str().expect("UTF-8");
        let mine = || {
            let mut command = ours(state.path());
            cli::run(command.args(["--progress", "rawjson", "-t", &a.0, path])).expect_code(0)
        };
        let theirs = || docker(["buildx", "build", "--progress", "rawjson", "-t", &b.0, path]).expect_code(0);
        let second = if ours_first { (mine(), theirs()).1 } else { (theirs(), mine()).1 };
        is_entirely_cached(&second.stderr);
        a.has_same_content_as(&b);
    }
}

#[test]
fn predictions_hold_and_unchanged_builds_are_skipped() {
    let Some(_engine) = engine("build predictions") else { return };
    let _alone = alone();
    let folder = context(TREE, DOCKERFILE);
    let state = tempfile::tempdir().expect("a folder");
    let image = Image::new("predicted");
    let run = |more: &[&str]| {
        let mut command = ours(state.path());
        let run = cli::run(
            command.args(["--format", "json", "--verify", "-t", &image.0]).args(more).arg(folder.path()),
        );
        run.expect_code(0).json().expect("a document")
    };
    let first = run(&[]);
    assert!(first["unpredicted"].is_string() && first["steps"][0]["outcome"] == "ran", "{first}");
    let again = run(&[]);
    for step in again["steps"].as_array().expect("steps") {
        assert_eq!(
            (step["predicted"].as_str(), step["outcome"].as_str()),
            (Some("cached"), Some("cached")),
            "{again}"
        );
    }
    let skipped = run(&["--skip-unchanged"]);
    assert!(skipped["skipped"].is_string() && skipped["image"] == again["image"], "{skipped}");
    let labelled = run(&["--skip-unchanged", "--label", "new=label"]);
    assert!(labelled["skipped"].is_null(), "{labelled}");
    fs::write(folder.path().join("app/main.rs"), "fn main() { loop {} }").expect("a file");
    let changed = run(&["--skip-unchanged"]);
    assert_eq!(changed["summary"]["differences"], 0, "{changed}");
    let reruns = changed["steps"].as_array().expect("steps").iter().filter(|s| s["predicted"] == "rerun");
    assert!(reruns.count() >= 3, "{changed}");
    docker(["image", "rm", "--force", &image.0]).expect_code(0);
    let gone = run(&["--skip-unchanged"]);
    assert!(gone["skipped"].is_null(), "the image is not there any more: {gone}");
}

#[test]
fn a_context_can_go_as_one_tar() {
    let Some(_engine) = engine("build from a tar") else { return };
    let _alone = alone();
    // Not the context's top, which has another key from a tar.
    let folder = context(TREE, "FROM scratch\nCOPY app /app\nCOPY --chmod=0700 app/m*.rs /bin/\n");
    fs::write(folder.path().join(".dockerignore"), "docs\n").expect("an ignore file");
    let state = tempfile::tempdir().expect("a folder");
    let (a, b) = (Image::new("tar"), Image::new("files"));
    let path = folder.path().to_str().expect("UTF-8");
    docker(["buildx", "build", "-t", &b.0, path]).expect_code(0);
    let tar = |args: &[&str]| {
        let mut command = ours(state.path());
        cli::run(command.args(["--transport", "tar", "--progress", "rawjson"]).args(args).arg(path))
    };
    let run = tar(&["-t", &a.0]).expect_code(0);
    is_entirely_cached(&run.stderr);
    a.has_same_content_as(&b);
    let remote = cli::run(ours(state.path()).args(["--transport", "tar", "https://localhost:1/x.git"]));
    assert!(remote.code == 2 && remote.stderr.contains("leave --transport out"), "{}", remote.stderr);
}

#[test]
fn a_context_can_go_as_an_image_that_the_engine_knows_by_its_digest() {
    let Some(_engine) = engine("build from an image") else { return };
    let _alone = alone();
    // The context's top has another key than from files, and `/all` the time of the step.
    let dockerfile = "FROM scratch AS all\nCOPY . /all\nFROM scratch AS a\nCOPY app /app\nFROM scratch AS b\nCOPY b.txt /b/\n\
                      FROM scratch\nCOPY --from=a / /\nCOPY --from=b / /\nCOPY --chmod=0700 app/m*.rs /bin/\n";
    let folder = context(TREE, dockerfile);
    let at = |name: &str| folder.path().join(name);
    fs::write(at("b.txt"), "b").expect("a file");
    fs::write(at(".dockerignore"), "docs\n").expect("an ignore file");
    let state = tempfile::tempdir().expect("a folder");
    let (a, b) = (Image::new("oci"), Image::new("files"));
    let path = folder.path().to_str().expect("UTF-8");
    docker(["buildx", "build", "-t", &b.0, path]).expect_code(0);
    let oci = |args: &[&str]| {
        let mut command = ours(state.path());
        cli::run(command.args(["--transport", "oci", "--progress", "rawjson"]).args(args).arg(path))
    };
    let first = oci(&["-t", &a.0]);
    if first.code == 2 && first.stderr.contains("this engine takes no context as an image") {
        return;
    }
    first.expect_code(0);
    a.has_same_content_as(&b);
    let again = oci(&["--verify"]).expect_code(0);
    is_entirely_cached(&again.stderr);
    assert!(!again.stderr.contains("extracting"), "nothing is fetched: {}", again.stderr);
    fs::write(at("b.txt"), nonce()).expect("a file");
    let changed = oci(&["--verify", "-t", &a.0]).expect_code(0);
    let ran: Vec<String> =
        cached(&changed.stderr).into_iter().filter(|(_, c)| !c).map(|(name, _)| name).collect();
    assert!(ran.iter().any(|s| s.contains("COPY b.txt")), "{ran:?}");
    assert!(!ran.iter().any(|s| s.contains("COPY app /app")), "{ran:?}");
    docker(["buildx", "build", "-t", &b.0, path]).expect_code(0);
    a.has_same_content_as(&b);
    oci(&["--target", "all"]).expect_code(0);
    is_entirely_cached(&oci(&["--target", "all", "--verify"]).expect_code(0).stderr);
    fs::write(at("app/.wh.x"), "").expect("a file");
    let refused = oci(&[]);
    assert!(
        refused.code == 2 && refused.stderr.contains("`app/.wh.x` can't be sent in an image"),
        "{}",
        refused.stderr
    );
    let remote = cli::run(ours(state.path()).args(["--transport", "oci", "https://localhost:1/x.git"]));
    assert!(remote.code == 2 && remote.stderr.contains("leave --transport out"), "{}", remote.stderr);
}

#[test]
fn what_is_told_of_a_build_is_what_buildx_tells() {
    let Some(_engine) = engine("build metadata") else { return };
    let _alone = alone();
    let folder = context(TREE, "FROM scratch\nMAINTAINER somebody\nCOPY app /app\n");
    for args in [
        &["init", "-q"][..],
        &["add", "."],
        &["-c", "user.name=n", "-c", "user.email=e@x", "commit", "-q", "-m", "one"],
        &["remote", "add", "origin", "https://somebody:hunter2@example.com/a.git"],
    ] {
        assert!(Command::new("git").arg("-C").arg(folder.path()).args(args).status().expect("git").success());
    }
    let state = tempfile::tempdir().expect("a folder");
    let out = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("UTF-8");
    let told = |mut command: Command, name: &str, mode: &str| -> Value {
        let file = out.path().join(name);
        command.env("BUILDX_METADATA_PROVENANCE", mode).env("BUILDX_METADATA_WARNINGS", "1");
        command.env("BUILDX_GIT_CHECK_DIRTY", "1").env("BUILDX_GIT_LABELS", "1");
        cli::run(command.arg("--metadata-file").arg(&file).arg(path)).expect_code(0);
        serde_json::from_slice(&fs::read(file).expect("a file")).expect("JSON")
    };
    let buildx = || {
        let mut command = Command::new("docker");
        command.args(["buildx", "build"]);
        command
    };
    for mode in ["min", "max", "disabled"] {
        let theirs = told(buildx(), "theirs", mode);
        let mine = told(ours(state.path()), "mine", mode);
        let keys = |of: &Value| of.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&mine), keys(&theirs), "{mode}");
        let warnings = |of: &Value| {
            let mut all = of["buildx.build.warnings"].clone();
            // The vertex hangs on the session.
            all[0]["vertex"] = Value::Null;
            all
        };
        assert_eq!(warnings(&mine), warnings(&theirs), "{mode}");
        let before = |of: &Value| {
            let text = of["buildx.build.ref"].as_str().expect("text").to_owned();
            text.rsplit_once('/').expect("a builder, a node and a name").0.to_owned()
        };
        assert_eq!(before(&mine), before(&theirs));
        let provenance = |of: &Value| {
            let mut provenance = of["buildx.build.provenance"].clone();
            if let Some(metadata) = provenance.get_mut("metadata") {
                for changing in ["buildInvocationID", "buildStartedOn", "buildFinishedOn"] {
                    metadata[changing] = Value::Null;
                }
                let own = &mut metadata["https://mobyproject.org/buildkit@v1#metadata"];
                own["sysUsage"] = Value::Null;
                // The digest of what comes from a session hangs on the session.
                own["source"]["infos"][0]["digestMapping"] = Value::Null;
            }
            // So does the definition.
            provenance.as_object_mut().map(|p| p.remove("buildConfig"));
            provenance
        };
        assert_eq!(provenance(&mine), provenance(&theirs), "{mode}");
        let text = mine.to_string();
        assert!(
            !text.contains("hunter2") && (mode != "max" || text.contains("https://example.com/a.git")),
            "{text}"
        );
    }
}

#[test]
fn a_source_policy_is_obeyed() {
    let Some(_engine) = engine("build with a source policy") else { return };
    let _alone = alone();
    let folder = context(TREE, "FROM example.com/nobody/has:this\nCOPY app /app\n");
    let state = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("policy.json");
    let deny =
        r#"{"rules": [{"action": "DENY", "selector": {"identifier": "docker-image://example.com/*"}}]}"#;
    fs::write(&policy, deny).expect("a file");
    let mut command = ours(state.path());
    let run = cli::run(command.env("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY", &policy).arg(folder.path()));
    assert!(run.code == 1 && run.stderr.contains("denied by policy"), "{}", run.stderr);
    assert!(run.stderr.contains("a source policy may change"), "{}", run.stderr);
    fs::write(&policy, "{").expect("a file");
    let mut command = ours(state.path());
    let run = cli::run(command.env("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY", &policy).arg(folder.path()));
    assert!(run.code == 2 && run.stderr.contains("is no source policy"), "{}", run.stderr);
}

#[test]
fn results_go_where_they_are_wanted() {
    let Some(_engine) = engine("build outputs") else { return };
    let _alone = alone();
    let folder = context(TREE, "FROM scratch\nCOPY app /app\n");
    let state = tempfile::tempdir().expect("a folder");
    let out = tempfile::tempdir().expect("a folder");
    let at = |name: &str| out.path().join(name).to_str().expect("UTF-8").to_owned();
    let build = |args: &[&str]| cli::run(ours(state.path()).args(args).arg(folder.path())).expect_code(0);
    build(&["-o", &at("folder")]);
    assert_eq!(fs::read_to_string(at("folder/app/main.rs")).expect("a file"), "fn main() {}");
    assert!(fs::symlink_metadata(at("folder/app/dangling")).expect("a link").is_symlink());
    docker(["buildx", "build", "-o", &at("theirs"), folder.path().to_str().expect("UTF-8")]).expect_code(0);
    let same = Command::new("diff").args(["-r", "--no-dereference", &at("folder"), &at("theirs")]).status();
    assert!(same.expect("diff").success());
    build(&["-o", &format!("type=tar,dest={}", at("x.tar"))]);
    let stdout = build(&["-o", "-"]).stdout;
    let names = |bytes: &[u8]| -> Vec<PathBuf> {
        let mut archive = tar::Archive::new(bytes);
        archive
            .entries()
            .expect("a tar")
            .map(|e| e.expect("an entry").path().expect("a path").into_owned())
            .collect()
    };
    let tar = fs::read(at("x.tar")).expect("a tar");
    assert!(names(&tar).iter().any(|p| p.ends_with("main.rs")) && names(&tar) == names(&stdout));
    let image = Image::new("files");
    let (iid, metadata) = (at("iid"), at("metadata"));
    build(&["-t", &image.0, "--iidfile", &iid, "--metadata-file", &metadata]);
    let metadata: Value = serde_json::from_slice(&fs::read(metadata).expect("a file")).expect("JSON");
    let id = fs::read_to_string(iid).expect("a file");
    let kept = || docker(["image", "inspect", "--format", "{{.Id}}", &image.0]).text().trim_end().to_owned();
    assert_eq!(id, kept());
    assert!(metadata["image.name"].as_str().is_some_and(|n| n.contains("stowaway-test")), "{metadata}");
    let quiet = build(&["-q", "-t", &image.0]);
    // The provenance has the time of the build in it, and the id is that of both.
    assert_eq!((quiet.text().trim_end(), quiet.stderr.as_str()), (kept().as_str(), ""));
}

#[test]
fn archives_and_dockerfiles_come_from_standard_input() {
    let Some(_engine) = engine("build standard input") else { return };
    let _alone = alone();
    let folder = context("file a.txt 0644 \"x\"", "FROM scratch\nCOPY a.txt /b\n");
    let state = tempfile::tempdir().expect("a folder");
    let out = tempfile::tempdir().expect("a folder");
    let fed = |args: &[&str], bytes: &[u8]| {
        let mut command = ours(state.path());
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        child.stdin.take().expect("a pipe").write_all(bytes).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all(".", folder.path()).expect("a tar");
    let tar = tar.into_inner().expect("a tar");
    let at = |name: &str| out.path().join(name).to_str().expect("UTF-8").to_owned();
    fed(&["-o", &at("archive"), "-"], &tar);
    assert_eq!(fs::read_to_string(at("archive/b")).expect("a file"), "x");
    let path = folder.path().to_str().expect("UTF-8");
    fed(&["-f", "-", "-o", &at("dockerfile"), path], b"FROM scratch\nCOPY a.txt /c\n");
    assert_eq!(fs::read_to_string(at("dockerfile/c")).expect("a file"), "x");
    fed(&["-t", "stowaway-test/empty", "-"], b"FROM scratch\nLABEL a=b\n");
    docker(["image", "rm", "--force", "stowaway-test/empty"]);
}

#[test]
fn a_build_that_fails_says_what_is_hidden() {
    let Some(_engine) = engine("build failures") else { return };
    let _alone = alone();
    let folder = context(TREE, "FROM scratch\nCOPY docs/a.md /\n");
    fs::write(folder.path().join(".dockerignore"), "*.txt\ndocs\n").expect("an ignore file");
    let state = tempfile::tempdir().expect("a folder");
    let run = cli::run(ours(state.path()).arg(folder.path())).expect_code(1);
    for part in [
        "ERROR: failed to build: failed to solve:",
        ">>> COPY docs/a.md /",
        "`.dockerignore` line 2",
        "not found",
    ] {
        assert!(run.stderr.contains(part), "{part} in\n{}", run.stderr);
    }
}

#[test]
fn checks_are_answered_by_the_frontend() {
    let Some(_engine) = engine("build checks") else { return };
    let _alone = alone();
    let folder = context("file a.txt 0644 \"x\"", "from scratch AS a\nCOPY a.txt /\n");
    let state = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("UTF-8");
    let theirs = docker(["buildx", "build", "--call", "check,format=json", path]);
    let mine = cli::run(ours(state.path()).args(["--call", "check,format=json", path]));
    // The definition of the source names the session.
    let checked = |run: &cli::Run| -> Value {
        let mut answer: Value = serde_json::from_str(run.text()).expect("JSON");
        answer["sources"][0].as_object_mut().expect("a source").remove("definition").expect("a definition");
        answer
    };
    assert_eq!(mine.code, theirs.code, "{}", mine.stderr);
    assert_eq!(checked(&mine), checked(&theirs));
    let targets = cli::run(ours(state.path()).args(["--call", "targets", path])).expect_code(0);
    assert!(targets.text().contains('a'), "{}", targets.text());
}

/// A socket behind which the engine is, until so many bytes have come from the client on one connection.
fn cut_after(bytes: usize, place: &Path) {
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    let engine = host.trim_start_matches("unix://").to_owned();
    let listener = UnixListener::bind(place).expect("a socket");
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = UnixStream::connect(&engine).expect("the engine");
            let (mut from, mut to) =
                (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
            let (mut back, mut answers) = (client, server);
            std::thread::spawn(move || drop(std::io::copy(&mut answers, &mut back)));
            std::thread::spawn(move || {
                let mut buffer = [0; 8192];
                let mut sent = 0;
                while let Ok(n @ 1..) = from.read(&mut buffer) {
                    sent += n;
                    if sent > bytes || to.write_all(&buffer[..n]).is_err() {
                        break;
                    }
                }
                // Both directions end, as when a daemon is killed.
                let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            });
        }
    });
}

#[test]
fn an_engine_that_goes_away_in_the_middle_is_an_error_and_no_hang() {
    let Some(_engine) = engine("build cut") else { return };
    if std::env::var("DOCKER_HOST").is_ok_and(|h| !h.starts_with("unix://")) {
        return crate::support::say("build cut: the engine is not behind a socket");
    }
    let _alone = alone();
    let folder = context("file a.txt 0644 \"x\"", "FROM scratch\nCOPY . /\n");
    fs::write(folder.path().join("big"), vec![7; 8 << 20]).expect("a file");
    let state = tempfile::tempdir().expect("a folder");
    let socket = state.path().join("cut.sock");
    cut_after(1 << 20, &socket);
    let began = Instant::now();
    let mut command = ours(state.path());
    command.env("DOCKER_HOST", format!("unix://{}", socket.display())).env_remove("BUILDX_BUILDER");
    let run = cli::run(command.args(["-o"]).arg(state.path().join("out")).arg(folder.path()));
    assert!(run.code == 1 || run.code == 3, "{}: {}", run.code, run.stderr);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(!state.path().join("out/big").exists(), "nothing half-written");
}

#[test]
fn an_interrupt_ends_the_build_cleanly() {
    let Some(_engine) = engine("build interrupt") else { return };
    let _alone = alone();
    let folder = context("file a.txt 0644 \"x\"", "FROM scratch\nCOPY . /\n");
    for i in 0..8 {
        let file = fs::File::create(folder.path().join(format!("big{i}"))).expect("a file");
        file.set_len(256 << 20).expect("a length");
    }
    let state = tempfile::tempdir().expect("a folder");
    let mut command = ours(state.path());
    command.args(["--no-index", "--progress", "plain"]).arg(folder.path()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // Some of it has been told by then.
    let mut first = [0; 1];
    child.stderr.as_mut().expect("a pipe").read_exact(&mut first).expect("it speaks");
    std::thread::sleep(Duration::from_millis(300));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let began = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
