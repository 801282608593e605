//! What a build lends to an engine beside its context: secrets, agents, named contexts, several platforms; as buildx lends it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::build::{context, is_entirely_cached};
use crate::place::{Here, Place, on_every_engine};
use crate::support::cli;

/// Puts a shell and `cat` of this machine into `folder`, with the libraries that they need: a base image for RUN.
fn shell(folder: &Path) {
    for program in ["/bin/sh", "/bin/cat"].map(Path::new) {
        copied_with_libraries(program, program, folder);
    }
}

/// Puts a program of this machine at `to` below `root` in `folder`, with the libraries that it needs.
pub fn copied_with_libraries(program: &Path, to: &Path, folder: &Path) {
    let below = |path: &Path| folder.join("root").join(path.strip_prefix("/").expect("an absolute path"));
    copied(program, &below(to));
    // One that needs none says so with its status.
    let needed = Command::new("ldd").arg(program).output().expect("ldd");
    let needed = String::from_utf8(needed.stdout).expect("text");
    for library in needed.split_whitespace().filter(|w| w.starts_with('/')).map(Path::new) {
        copied(library, &below(library));
    }
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
    fs::copy(from, to).expect("a copy");
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// A context with a shell.
pub fn with_shell(run: &str) -> tempfile::TempDir {
    let folder =
        context("file a.txt 0644 \"x\"", &format!("FROM scratch\nCOPY root/ /\nCOPY nonce /\n{run}\n"));
    shell(folder.path());
    folder
}

on_every_engine! {
    secrets_reach_the_step_and_nobody_else
    an_agent_is_lent_to_the_step_that_asks_for_it
    named_contexts_are_sent_each_by_its_name
    an_image_for_several_platforms_is_the_one_that_buildx_makes
}

fn secrets_reach_the_step_and_nobody_else(place: &Place) {
    let here = Here::new(
        place,
        with_shell(
            "RUN --mount=type=secret,id=token --mount=type=secret,id=word \
         cat /run/secrets/token /run/secrets/word > /told",
        ),
    );
    fs::write(here.at("token"), "hunter2\n").expect("a file");
    let token = format!("id=token,src={}", here.at("token"));
    let args = ["--secret", &token, "--secret", "id=word,env=STOWAWAY_TEST_WORD", "--progress", "rawjson"];
    let out = here.at("out");
    let mut command = here.command(&[&args[..], &["-o", &out]].concat());
    let run = cli::run(command.env("STOWAWAY_TEST_WORD", "xyzzy")).expect_code(0);
    assert_eq!(fs::read_to_string(here.at("out/told")).expect("the result"), "hunter2\nxyzzy");
    assert!(!run.stderr.contains("hunter2") && !run.stderr.contains("xyzzy"), "{}", run.stderr);
    for kept in [here.at("snapshots"), here.at("builds")] {
        let found =
            Command::new("grep").args(["-rl", "-e", "hunter2", "-e", "xyzzy", &kept]).output().expect("grep");
        assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
    }
    // The engine can't tell us from buildx.
    let again = here.theirs(&["--secret", &token, "--progress", "rawjson"]);
    is_entirely_cached(&again.stderr);
    let missing = cli::run(&mut here.command(&["--no-cache", "--secret", "id=token,src=/nowhere/at/all"]));
    assert!(missing.code == 1 || missing.code == 2, "{}: {}", missing.code, missing.stderr);
    assert!(missing.stderr.contains("/nowhere/at/all"), "{}", missing.stderr);
}

fn an_agent_is_lent_to_the_step_that_asks_for_it(place: &Place) {
    let here = Here::new(
        place,
        with_shell("RUN --mount=type=ssh,required=true [ -S \"$SSH_AUTH_SOCK\" ] && echo lent > /told"),
    );
    let socket = PathBuf::from(here.at("agent.sock"));
    let _agent = UnixListener::bind(&socket).expect("a socket");
    let ssh = format!("default={}", socket.display());
    here.mine(&["--ssh", &ssh, "-o", &here.at("out")]);
    assert_eq!(fs::read_to_string(here.at("out/told")).expect("the result"), "lent\n");
    is_entirely_cached(&here.theirs(&["--ssh", &ssh, "--progress", "rawjson"]).stderr);
    let refused = cli::run(&mut here.command(&["--no-cache"])).expect_code(1);
    assert!(refused.stderr.contains("ssh"), "{}", refused.stderr);
}

/// What an old engine can't do is refused as with buildx.
fn both_refuse(here: &Here<'_>, args: &[&str], why: &str) {
    let mine = cli::run(&mut here.command(args));
    let path = here.folder.path().to_str().expect("UTF-8");
    let theirs = here.place.docker([&["buildx", "build"][..], args, &[path]].concat());
    assert!(mine.code != 0 && theirs.code != 0, "{}{}", mine.stderr, theirs.stderr);
    assert!(mine.stderr.contains(why) && theirs.stderr.contains(why), "{}{}", mine.stderr, theirs.stderr);
}

fn named_contexts_are_sent_each_by_its_name(place: &Place) {
    for ours_first in [true, false] {
        let here = Here::new(
            place,
            context("file a.txt 0644 \"x\"", "FROM scratch\nCOPY --from=other b.txt /\nCOPY . /here\n"),
        );
        fs::create_dir(here.at("other")).expect("a folder");
        for name in ["b.txt", "hidden.txt", ".dockerignore"] {
            fs::write(here.state.path().join("other").join(name), "hidden.txt\n").expect("a file");
        }
        let other = format!("other={}", here.at("other"));
        let args = ["--build-context", &other, "--progress", "rawjson", "-o", "type=cacheonly"];
        if !place.is_modern() {
            return both_refuse(
                &here,
                &args,
                "unsupported frontend capability moby.buildkit.frontend.contexts",
            );
        }
        let second = match ours_first {
            true => (here.mine(&args), here.theirs(&args)).1,
            false => (here.theirs(&args), here.mine(&args)).1,
        };
        is_entirely_cached(&second.stderr);
    }
}

fn an_image_for_several_platforms_is_the_one_that_buildx_makes(place: &Place) {
    let here = Here::new(
        place,
        context(
            "file a.txt 0644 \"x\"",
            "FROM scratch\nARG TARGETARCH\nCOPY nonce /for/$TARGETARCH\nLABEL a=b\n",
        ),
    );
    if !place.is_modern() {
        let output = format!("type=oci,dest={}", here.at("x.tar"));
        return both_refuse(&here, &["-o", &output], "not supported");
    }
    let index = |dest: &str| -> Vec<Value> {
        let unpacked = format!("{dest}.d");
        fs::create_dir(&unpacked).expect("a folder");
        tar::Archive::new(fs::File::open(dest).expect("a tar")).unpack(&unpacked).expect("a tar");
        let read = |path: &str| -> Value {
            serde_json::from_slice(&fs::read(format!("{unpacked}/{path}")).expect("a blob")).expect("JSON")
        };
        let blob = |digest: &Value| {
            read(&format!(
                "blobs/sha256/{}",
                digest.as_str().expect("a digest").trim_start_matches("sha256:")
            ))
        };
        let list = blob(&read("index.json")["manifests"][0]["digest"]);
        let manifests = list["manifests"].as_array().cloned().unwrap_or_default();
        let layers = |m: &Value| {
            let config = blob(&blob(&m["digest"])["config"]["digest"]);
            serde_json::json!([m["platform"], config["rootfs"], config["config"]])
        };
        manifests.iter().map(layers).collect()
    };
    let args = |dest: &str| {
        let output = format!("type=oci,dest={dest}");
        ["--platform", "linux/amd64,linux/arm64", "--provenance", "false", "-o", &output].map(str::to_owned)
    };
    let (mine, theirs) = (args(&here.at("mine.tar")), args(&here.at("theirs.tar")));
    here.mine(&mine.each_ref().map(String::as_str));
    here.theirs(&theirs.each_ref().map(String::as_str));
    let (mine, theirs) = (index(&here.at("mine.tar")), index(&here.at("theirs.tar")));
    assert!(mine.len() == 2 && mine == theirs, "{mine:#?}\n{theirs:#?}");
}
