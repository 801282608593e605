//! The program as a plugin of Docker's command line, called as Docker calls it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::cli::{Run, command, run};

/// A link to the program under the name by which Docker knows it, in a folder of its own.
struct Plugin {
    folder: tempfile::TempDir,
}

impl Plugin {
    fn new() -> Self {
        let plugin = Self { folder: tempfile::tempdir().expect("a folder") };
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_stowaway"), plugin.path()).expect("a link");
        plugin
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("docker-stowaway")
    }

    fn run(&self, args: &[&str]) -> Run {
        let mut command = Command::new(self.path());
        command.current_dir(self.folder.path()).args(args).env_remove("DOCKER_CLI_PLUGIN_SOCKET");
        run(&mut command)
    }
}

#[test]
fn docker_learns_what_the_plugin_is() {
    let metadata = Plugin::new().run(&["docker-cli-plugin-metadata"]).expect_code(0).json().expect("JSON");
    assert_eq!(metadata["SchemaVersion"], "0.1.0");
    assert_eq!(metadata["Version"], env!("CARGO_PKG_VERSION"));
    assert!(metadata["Vendor"].is_string() && metadata["ShortDescription"].is_string(), "{metadata}");
}

#[test]
fn the_verbs_are_those_of_the_program_and_help_names_the_plugin() {
    let plugin = Plugin::new();
    std::fs::write(plugin.folder.path().join("a.txt"), "a").expect("a file");
    assert_eq!(plugin.run(&["stowaway", "ls"]).expect_code(0).text(), "a.txt\n");
    for words in [&["stowaway", "ls", "--help"][..], &["help", "stowaway", "ls"]] {
        let help = plugin.run(words).expect_code(0);
        assert!(help.text().contains("Usage: docker stowaway ls "), "{}", help.text());
    }
    let wrong = plugin.run(&["stowaway", "lss"]).expect_code(2);
    assert!(wrong.stderr.contains("docker stowaway"), "{}", wrong.stderr);
}

#[test]
fn dockers_own_flags_reach_the_verb() {
    let plugin = Plugin::new();
    let config = plugin.folder.path().join("config");
    let config = config.to_str().expect("UTF-8");
    let done = plugin.run(&["--config", config, "-D", "stowaway", "install-plugin"]).expect_code(0);
    assert!(done.stderr.contains(config), "{}", done.stderr);
    assert!(Path::new(config).join("cli-plugins/docker-stowaway").is_symlink());
    let refused = plugin.run(&["--tlskey", "x", "stowaway", "ls"]).expect_code(2);
    assert!(
        refused.stderr.contains("--tlskey") && refused.stderr.contains("DOCKER_CERT_PATH"),
        "{}",
        refused.stderr
    );
}

#[test]
fn after_a_build_that_failed_docker_is_told_what_to_say() {
    let plugin = Plugin::new();
    let told = r#"{"RootCmd":"buildx build","Flags":{"f":""},"CommandError":"exit status 1"}"#;
    let reply =
        plugin.run(&["stowaway", "docker-cli-plugin-hooks", told]).expect_code(0).json().expect("JSON");
    assert_eq!(reply["Type"], 0);
    assert!(reply["Template"].as_str().is_some_and(|t| t.contains("docker stowaway check")), "{reply}");
    let reply = plugin.run(&["stowaway", "docker-cli-plugin-hooks", r#"{"RootCmd":"build"}"#]).expect_code(0);
    assert_eq!(reply.json().expect("JSON")["Template"], "");
    assert!(plugin.run(&["stowaway", "docker-cli-plugin-hooks"]).expect_code(2).stderr.contains("hook"));
}

#[test]
fn the_plugin_and_its_hook_are_installed_and_taken_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.json");
    std::fs::write(&config, r#"{"auths": {"r": {}}, "currentContext": "far"}"#).expect("a config");
    let install = |args: &[&str]| {
        run(command().env("DOCKER_CONFIG", folder.path()).arg("install-plugin").args(args)).expect_code(0)
    };
    let read =
        || -> Value { serde_json::from_slice(&std::fs::read(&config).expect("a config")).expect("JSON") };
    let plugin = folder.path().join("cli-plugins/docker-stowaway");
    install(&["--hook"]);
    let metadata = run(Command::new(&plugin).arg("docker-cli-plugin-metadata")).expect_code(0);
    assert_eq!(metadata.json().expect("JSON")["SchemaVersion"], "0.1.0");
    assert_eq!(read()["plugins"]["stowaway"]["error-hooks"], "build,buildx build");
    assert_eq!(
        (read()["currentContext"].as_str(), read()["features"]["hooks"].as_str()),
        (Some("far"), Some("true"))
    );
    install(&["--uninstall"]);
    assert!(!plugin.is_symlink() && read()["plugins"].is_null());
}
