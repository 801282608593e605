//! `docker stowaway …`, by Docker's own command line.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::compare::alone;
use crate::sharing::with_shell;
use crate::support::engine::engine;

/// Docker's command line with a configuration folder of its own, in which the program is a plugin.
struct Docker {
    folder: tempfile::TempDir,
}

impl Docker {
    fn new() -> Self {
        let docker = Self { folder: tempfile::tempdir().expect("a folder") };
        let installed = Command::new(env!("CARGO_BIN_EXE_stowaway"))
            .arg("install-plugin")
            .env("DOCKER_CONFIG", docker.folder.path())
            .output()
            .expect("the program starts");
        assert!(installed.status.success(), "{installed:?}");
        docker
    }

    fn run(&self, here: &Path, args: &[&str]) -> Output {
        self.command(here, args).output().expect("docker starts")
    }

    fn command(&self, here: &Path, args: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command
            .current_dir(here)
            .args(args)
            .env("DOCKER_CONFIG", self.folder.path())
            .env_remove("BUILDX_BUILDER");
        command.env("STOWAWAY_STATE_DIR", self.folder.path().join("state"));
        command.env("STOWAWAY_CACHE_DIR", self.folder.path().join("cache"));
        command
    }
}

#[track_caller]
fn text(output: &Output) -> String {
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{out}{err}");
    out
}

#[test]
fn docker_lists_the_plugin_and_its_help() {
    let Some(_) = engine("docker lists the plugin") else { return };
    let docker = Docker::new();
    let here = docker.folder.path();
    assert!(text(&docker.run(here, &["--help"])).contains("stowaway*"));
    assert!(text(&docker.run(here, &["stowaway", "--help"])).contains("Usage: docker stowaway"));
    assert!(text(&docker.run(here, &["help", "stowaway"])).contains("Usage: docker stowaway"));
    let plugins = text(&docker.run(here, &["info", "--format", "{{json .ClientInfo.Plugins}}"]));
    let plugins: serde_json::Value = serde_json::from_str(&plugins).expect("JSON");
    let ours = plugins.as_array().into_iter().flatten().find(|p| p["Name"] == "stowaway").expect("listed");
    assert_eq!(
        (ours["Version"].as_str(), &ours["Err"]),
        (Some(env!("CARGO_PKG_VERSION")), &serde_json::Value::Null)
    );
}

#[test]
fn docker_builds_with_the_plugin() {
    let Some(_) = engine("docker builds with the plugin") else { return };
    let _alone = alone();
    let (docker, context) = (Docker::new(), tempfile::tempdir().expect("a folder"));
    std::fs::write(context.path().join("a.txt"), "by the plugin\n").expect("a file");
    std::fs::write(context.path().join("Dockerfile"), "FROM scratch\nCOPY a.txt /\n").expect("a Dockerfile");
    text(&docker.run(context.path(), &["stowaway", "build", "-o", "type=local,dest=out", "."]));
    assert_eq!(
        std::fs::read_to_string(context.path().join("out/a.txt")).expect("the result"),
        "by the plugin\n"
    );
    let failed = docker.run(context.path(), &["--context", "nowhere", "stowaway", "build", "."]);
    assert!(!failed.status.success(), "{failed:?}");
}

#[test]
fn an_interrupt_of_docker_alone_ends_the_build() {
    let Some(_) = engine("an interrupt of docker alone") else { return };
    let _alone = alone();
    let (docker, context) = (Docker::new(), with_shell("RUN while :; do :; done"));
    let args = ["stowaway", "build", "--progress", "plain", "--network", "none", "-o", "type=cacheonly", "."];
    let mut command = docker.command(context.path(), &args);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("docker starts");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("RUN while") {
        line.clear();
        assert!(said.read_line(&mut line).expect("text") > 0, "it ends before it runs the step");
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("text");
    assert_eq!(child.wait().expect("an end").code(), Some(130), "{rest}");
    assert!(rest.contains("CANCELED"), "{rest}");
}
