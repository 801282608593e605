//! Finding an engine, with the state that `docker context create` and `docker buildx create` left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::engine::{Address, Container, Endpoint, EngineError, Kind, Settings, find};

/// A folder as `DOCKER_CONFIG`, with what was recorded.
struct Config(tempfile::TempDir);

/// The address for which the builder was chosen when it was recorded.
const RECORDED: &str = "unix:///run/stowaway-test.sock";

impl Config {
    fn recorded() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/buildx");
        copy(&from.join("contexts"), &dir.path().join("contexts"));
        for part in ["instances", "defaults"] {
            copy(&from.join(part), &dir.path().join("buildx").join(part));
        }
        fs::copy(from.join("current"), dir.path().join("buildx/current")).expect("a copy");
        Self(dir)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect("a file");
    }

    fn find(&self, variables: &[(&str, &str)], builder: Option<&str>) -> Result<Endpoint, EngineError> {
        self.find_for(variables, builder, &[])
    }

    fn find_for(
        &self,
        variables: &[(&str, &str)],
        builder: Option<&str>,
        platforms: &[&str],
    ) -> Result<Endpoint, EngineError> {
        let mut environment: BTreeMap<String, String> =
            variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        environment.insert("DOCKER_CONFIG".to_owned(), self.0.path().display().to_string());
        find(&Settings {
            builder: builder.map(str::to_owned),
            platforms: platforms.iter().map(|p| (*p).to_owned()).collect(),
            ..Settings::new(environment)
        })
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|e| e.expect("an entry")) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

fn container(endpoint: &Endpoint) -> &Container {
    match &endpoint.address {
        Address::Container(container) => container,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_anything_it_is_the_usual_socket() {
    let config = Config(tempfile::tempdir().expect("a temporary folder"));
    let found = config.find(&[], None).expect("an endpoint");
    assert_eq!((found.text.as_str(), found.source.as_str()), ("unix:///var/run/docker.sock", "default"));
    assert_eq!((found.kind, found.tls, found.builder), (Kind::Docker, None, None));
}

#[test]
fn docker_host_is_taken_before_any_context() {
    let config = Config::recorded();
    let host = [("DOCKER_HOST", "tcp://h:1"), ("DOCKER_CONTEXT", "there")];
    let found = config.find(&host, None).expect("an endpoint");
    assert_eq!((found.address, found.source.as_str()), (Address::Tcp("h".to_owned(), 1), "DOCKER_HOST"));
}

#[test]
fn certificates_come_from_the_folder_that_is_named_and_belong_to_tcp_alone() {
    let config = Config(tempfile::tempdir().expect("a temporary folder"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").display().to_string();
    let tls = [("DOCKER_HOST", "tcp://h"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", folder.as_str())];
    let found = config.find(&tls, None).expect("an endpoint");
    assert_eq!(found.address, Address::Tcp("h".to_owned(), 2376));
    let keys = found.tls.expect("TLS");
    assert!(keys.verify && keys.ca == Some(PathBuf::from(&folder).join("ca.pem")) && keys.key.is_some());
    let loose = [("DOCKER_HOST", "tcp://h"), ("DOCKER_TLS", "1")];
    assert!(!config.find(&loose, None).expect("an endpoint").tls.expect("TLS").verify);
    let unix = [("DOCKER_HOST", "unix:///x"), ("DOCKER_TLS_VERIFY", "1")];
    assert_eq!(config.find(&unix, None).expect("an endpoint").tls, None);
}

#[test]
fn a_context_may_be_named_or_be_in_use() {
    let config = Config::recorded();
    let found = config.find(&[("DOCKER_CONTEXT", "there")], None).expect("an endpoint");
    assert_eq!(found.address, Address::Tcp("there.example".to_owned(), 2376));
    assert_eq!(found.source, "context there");
    config.write("config.json", r#"{"currentContext": "far"}"#);
    let found = config.find(&[], None).expect("an endpoint");
    let Address::Ssh(ssh) = found.address else { panic!("{found:?}") };
    assert_eq!(
        (ssh.user.as_deref(), ssh.host.as_str(), ssh.port, ssh.unattended),
        (Some("me"), "far.example", Some(2222), true)
    );
    let error = config.find(&[("DOCKER_CONTEXT", "gone")], None).expect_err("no context");
    assert!(matches!(&error, EngineError::UnknownContext { name, .. } if name == "gone"), "{error}");
}

#[test]
fn the_builder_in_use_is_taken_for_the_address_that_it_was_chosen_for() {
    let config = Config::recorded();
    let found = config.find(&[("DOCKER_HOST", RECORDED)], None).expect("an endpoint");
    let of = container(&found);
    assert_eq!((of.name.as_str(), of.engine.text.as_str()), ("buildx_buildkit_multi0", RECORDED));
    let builder = found.builder.as_ref().expect("a builder");
    assert_eq!((builder.node.as_str(), &builder.others[..]), ("multi0", &["arm".to_owned()][..]));
    assert!(builder.default_load);
    let elsewhere = config.find(&[("DOCKER_HOST", "unix:///run/other.sock")], None).expect("an endpoint");
    assert_eq!((elsewhere.kind, elsewhere.text.as_str()), (Kind::Docker, "unix:///run/other.sock"));
}

#[test]
fn a_default_is_kept_under_the_digest_of_its_address() {
    let config = Config::recorded();
    config.write("buildx/current", r#"{"Key":"unix:///run/other.sock","Name":"afar","Global":false}"#);
    let found = config.find(&[("DOCKER_HOST", RECORDED)], None).expect("an endpoint");
    assert_eq!(container(&found).builder, "multi");
}

#[test]
fn a_builder_that_is_in_use_everywhere_and_is_gone_is_none() {
    let config = Config::recorded();
    let other = [("DOCKER_HOST", "unix:///run/other.sock")];
    config.write("buildx/current", r#"{"Key":"k","Name":"afar","Global":true}"#);
    assert_eq!(config.find(&other, None).expect("an endpoint").text, "tcp://b.example:1234");
    config.write("buildx/current", r#"{"Key":"k","Name":"gone","Global":true}"#);
    assert_eq!(config.find(&other, None).expect("an endpoint").kind, Kind::Docker);
    config.write("buildx/current", r#"{"Key":"unix:///run/other.sock","Name":"gone","Global":false}"#);
    assert_eq!(config.find(&other, None).expect("an endpoint").kind, Kind::Docker);
}

#[test]
fn a_named_builder_has_to_exist() {
    let config = Config::recorded();
    for (variables, builder) in [(&[("BUILDX_BUILDER", "gone")][..], None), (&[], Some("../current"))] {
        let error = config.find(variables, builder).expect_err("no builder");
        assert!(matches!(error, EngineError::UnknownBuilder { .. }), "{error}");
    }
    let both = [("BUILDX_BUILDER", "gone"), ("DOCKER_HOST", RECORDED)];
    let found = config.find(&both, Some("MULTI")).expect("an endpoint");
    assert_eq!(container(&found).builder, "multi", "the option before the variable, in any case");
}

#[test]
fn a_context_is_a_builder_only_while_it_is_in_use() {
    let config = Config::recorded();
    let error = config.find(&[], Some("there")).expect_err("another context");
    assert!(error.hint().is_some_and(|h| h.contains("DOCKER_CONTEXT=there")), "{error}");
    let found = config.find(&[("DOCKER_CONTEXT", "there")], Some("there")).expect("an endpoint");
    assert_eq!(found.source, "context there");
    let found = config.find(&[("DOCKER_HOST", RECORDED)], Some("default")).expect("an endpoint");
    assert_eq!((found.kind, found.text.as_str()), (Kind::Docker, RECORDED));
}

#[test]
fn of_several_nodes_the_platform_chooses() {
    let config = Config::recorded();
    let host = [("DOCKER_HOST", RECORDED)];
    for (platforms, node) in [
        (&["linux/arm64", "linux/amd64"][..], "arm"),
        (&["linux/arm/v7"], "arm"),
        (&["linux/amd64"], "multi0"),
        (&["linux/s390x"], "multi0"),
        (&[], "multi0"),
    ] {
        let found = config.find_for(&host, None, platforms).expect("an endpoint");
        assert_eq!(found.builder.expect("a builder").node, node, "{platforms:?}");
    }
}

#[test]
fn a_remote_builder_has_its_own_certificates_and_name() {
    let config = Config::recorded();
    let found = config.find(&[], Some("afar")).expect("an endpoint");
    assert_eq!((found.kind, &found.address), (Kind::BuildKit, &Address::Tcp("b.example".to_owned(), 1234)));
    let tls = found.tls.expect("TLS");
    assert_eq!((tls.ca, tls.name.as_deref()), (Some("/c/ca.pem".into()), Some("bk.example")));
    let found = config.find(&[], Some("inside")).expect("an endpoint");
    assert!(matches!(found.address, Address::Program(_)), "{found:?}");
}

#[test]
fn builders_that_are_not_spoken_to_say_so() {
    let config = Config::recorded();
    for (driver, options, why) in [
        ("kubernetes", "{}", "Kubernetes"),
        ("cloud", "{}", "its driver cloud is not known"),
        ("remote", r#"{"cert": "/c"}"#, "names no cacert"),
    ] {
        let node = format!(r#"{{"Name": "n", "Endpoint": "tcp://h:1", "DriverOpts": {options}}}"#);
        let text = format!(r#"{{"Name": "odd", "Driver": "{driver}", "Nodes": [{node}]}}"#);
        config.write("buildx/instances/odd", &text);
        let error = config.find(&[], Some("odd")).expect_err(driver);
        assert!(error.to_string().contains(why), "{error}");
    }
    config.write("buildx/instances/odd", r#"{"Name": "odd", "Driver": "remote", "Nodes": []}"#);
    assert!(config.find(&[], Some("odd")).expect_err("no nodes").to_string().contains("no nodes"));
    config.write("buildx/instances/odd", "hunter2");
    let error = config.find(&[], Some("odd")).expect_err("no JSON").to_string();
    assert!(error.contains("not valid JSON at line 1") && !error.contains("hunter2"), "{error}");
    let node = r#"{"Name": "../x", "Endpoint": "default"}"#;
    let text = format!(r#"{{"Name": "odd", "Driver": "docker-container", "Nodes": [{node}]}}"#);
    config.write("buildx/instances/odd", &text);
    assert!(config.find(&[], Some("odd")).is_err(), "a name that would be another request");
}

#[test]
fn buildkit_host_is_taken_unless_a_builder_is_named() {
    let config = Config::recorded();
    let both = [("BUILDKIT_HOST", "unix:///run/bk.sock"), ("DOCKER_HOST", RECORDED)];
    let found = config.find(&both, None).expect("an endpoint");
    assert_eq!((found.kind, found.source.as_str()), (Kind::BuildKit, "BUILDKIT_HOST"));
    let found = config.find(&both, Some("afar")).expect("an endpoint");
    assert_eq!(found.source, "builder afar");
}
