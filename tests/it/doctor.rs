//! `doctor`, with engines that the test plays itself.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::cli::{self, Run};

/// A machine of its own: a home, a place for sockets, a configuration.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for name in ["docker", "run", "context"] {
            fs::create_dir(dir.path().join(name)).expect("a folder");
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, value: &Value) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, value.to_string()).expect("a file");
    }

    /// The address of a socket here.
    fn address(&self, name: &str) -> String {
        format!("unix://{}", self.path(name).display())
    }

    fn run(&self, variables: &[(&str, &str)], args: &[&str]) -> Run {
        let mut command = cli::command();
        for name in [
            "DOCKER_CONTEXT",
            "DOCKER_TLS_VERIFY",
            "DOCKER_TLS",
            "DOCKER_CERT_PATH",
            "BUILDKIT_HOST",
            "BUILDX_BUILDER",
            "BUILDX_CONFIG",
        ] {
            command.env_remove(name);
        }
        // Nothing of the machine that the test runs on: a host that isn't there, unless the test says otherwise.
        command
            .env("DOCKER_CONFIG", self.path("docker"))
            .env("DOCKER_HOST", self.address("run/nobody.sock"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .envs(variables.iter().copied());
        for (name, _) in variables.iter().filter(|(_, value)| value.is_empty()) {
            command.env_remove(name);
        }
        command.current_dir(self.path("context")).arg("doctor").args(args);
        if !args.contains(&"--min-memory") {
            command.args(["--min-memory", "0"]);
        }
        cli::run(&mut command)
    }

    #[track_caller]
    fn json(&self, variables: &[(&str, &str)], code: i32) -> Value {
        self.run(variables, &["--format", "json"]).expect_code(code).json().expect("a document")
    }
}

/// A Docker engine that answers on `path` until the test ends.
fn engine(path: &Path, answers: &'static [(&'static str, u16, &'static str)]) {
    let listener = UnixListener::bind(path).expect("a socket");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            respond(stream, answers);
        }
    });
}

/// Answers one request.
fn respond(stream: impl Read + Write, answers: &[(&str, u16, &str)]) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    if reader.read_line(&mut first).is_err() {
        return;
    }
    let asked = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        line.clear();
    }
    let found = answers.iter().find(|(path, ..)| *path == asked);
    let (status, body) = found.map_or((404, "{}"), |(_, status, body)| (*status, *body));
    let headers = "Api-Version: 1.51\r\nBuilder-Version: 2\r\nOstype: linux\r\nConnection: close";
    let text = format!("HTTP/1.1 {status} x\r\n{headers}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let _ = reader.get_mut().write_all(text.as_bytes());
    let _ = reader.get_mut().flush();
}

const VERSION: (&str, u16, &str) =
    ("/version", 200, r#"{"Version":"28.5.2","ApiVersion":"1.51","Os":"linux","Arch":"amd64"}"#);
const INFO: (&str, u16, &str) = (
    "/info",
    200,
    r#"{"MemTotal":8589934592,"NCPU":4,"DockerRootDir":"/nowhere/docker","Name":"elsewhere","Driver":"overlayfs",
        "DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]],"Warnings":["No swap limit support"]}"#,
);
const PING: (&str, u16, &str) = ("/_ping", 200, "OK");

fn codes(doc: &Value) -> Vec<&str> {
    let findings = doc["findings"].as_array().expect("findings");
    findings.iter().filter(|f| f["severity"] != "note").map(|f| f["code"].as_str().expect("a code")).collect()
}

#[test]
fn an_engine_that_answers_is_described() {
    let machine = Machine::new();
    engine(&machine.path("run/e.sock"), &[PING, VERSION, INFO]);
    let doc = machine.json(&[("DOCKER_HOST", &machine.address("run/e.sock"))], 0);
    assert_eq!((&doc["schema"], &doc["verdict"]), (&"stowaway.doctor/1".into(), &"ready".into()));
    let engine = &doc["engines"][0];
    let want = json!({"kind": "docker", "source": "DOCKER_HOST", "chosen": true, "reachable": true, "transport": "none",
        "version": "28.5.2", "api_version": "1.51", "os": "linux", "architecture": "amd64", "buildkit": true,
        "storage": "overlayfs (containerd)", "root": "/nowhere/docker", "root_is_local": false, "memory": 8_589_934_592_u64, "cpus": 4});
    for (name, value) in want.as_object().expect("fields") {
        assert_eq!(&engine[name], value, "{name}");
    }
    let disks: Vec<&str> =
        doc["disks"].as_array().unwrap().iter().map(|d| d["of"].as_str().unwrap()).collect();
    assert_eq!(disks, ["context", "state", "cache"], "an engine's root elsewhere is not this machine's disk");
    let without = doc["commands"]["without_engine"].as_array().expect("commands");
    assert!(without.contains(&"plan".into()) && without.contains(&"doctor".into()), "{without:?}");
    assert!(doc["findings"].to_string().contains("No swap limit support"));
}

#[test]
fn without_an_engine_the_status_is_3_and_the_rest_is_told_all_the_same() {
    let machine = Machine::new();
    let doc = machine.json(&[], 3);
    assert_eq!((&doc["verdict"], codes(&doc)), (&"no-engine".into(), vec!["engine-unreachable"]));
    assert_eq!(doc["engines"][0]["reachable"], false);
    assert!(doc["limits"]["open_files"].is_u64() || doc["limits"]["open_files"].is_null());
    let text = machine.run(&[], &[]).expect_code(3);
    assert!(text.text().starts_with("no engine answers"), "{}", text.text());
    assert!(text.text().contains("hint: start the engine"), "{}", text.text());
    assert!(text.text().contains("without an engine: plan, ls,"), "{}", text.text());
}

#[test]
fn an_engine_that_says_nothing_is_not_waited_for() {
    let machine = Machine::new();
    let _silent = UnixListener::bind(machine.path("run/e.sock")).expect("a socket");
    let start = Instant::now();
    let run =
        machine.run(&[("DOCKER_HOST", &machine.address("run/e.sock"))], &["--timeout", "1"]).expect_code(3);
    assert!(run.text().contains("no answer within 1 s"), "{}", run.text());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn an_engine_that_talks_nonsense_is_an_engine_that_does_not_answer() {
    let machine = Machine::new();
    let listener = UnixListener::bind(machine.path("run/e.sock")).expect("a socket");
    std::thread::spawn(move || {
        listener.incoming().flatten().for_each(|mut s| drop(s.write_all(b"SSH-2.0-x\r\n")))
    });
    let doc = machine.json(&[("DOCKER_HOST", &machine.address("run/e.sock"))], 3);
    assert_eq!(codes(&doc), ["engine-unreachable"]);
}

#[test]
fn the_context_in_use_says_where_the_engine_is() {
    let machine = Machine::new();
    engine(&machine.path("run/c.sock"), &[PING, VERSION, INFO]);
    machine.write("docker/config.json", &json!({"currentContext": "mine"}));
    // `docker context create` names the folder by the SHA-256 of `mine`.
    let name = "3fd30542fe3f61b14bd4a4b2dc0b6fb30fa6f63ebce52dd1778aaa8c4dc02cff";
    machine.write(&format!("docker/contexts/meta/{name}/meta.json"), &json!({
        "Name": "mine", "Endpoints": {"docker": {"Host": machine.address("run/c.sock"), "SkipTLSVerify": false}}}));
    let doc = machine.json(&[("DOCKER_HOST", "")], 0);
    assert_eq!(doc["engines"][0]["source"], "context mine");
    let doc = machine.json(&[], 3);
    assert_eq!(doc["engines"][0]["source"], "DOCKER_HOST", "the variable overrides the context");
}

#[test]
fn a_context_that_does_not_exist_is_an_error_of_its_own() {
    let machine = Machine::new();
    let doc = machine.json(&[("DOCKER_HOST", ""), ("DOCKER_CONTEXT", "gone")], 3);
    assert!(codes(&doc).contains(&"context-unknown"), "{doc}");
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_without_its_contents() {
    let machine = Machine::new();
    fs::write(machine.path("docker/config.json"), "{\"auths\": hunter2}").expect("a file");
    let run = machine.run(&[], &[]).expect_code(3);
    assert!(run.text().contains("not valid JSON at line 1"), "{}", run.text());
    assert!(!run.text().contains("hunter2"));
}

#[test]
fn a_builder_in_a_container_is_looked_up_on_its_engine() {
    let machine = Machine::new();
    let running = ("/containers/buildx_buildkit_b0/json", 200, r#"{"State":{"Running":true}}"#);
    let answers: &'static [_] = Box::leak(Box::new([PING, VERSION, INFO, running]));
    engine(&machine.path("run/e.sock"), answers);
    let host = machine.address("run/e.sock");
    machine.write("docker/buildx/current", &json!({"Key": host, "Name": "b", "Global": false}));
    machine.write(
        "docker/buildx/instances/b",
        &json!({"Name": "b", "Driver": "docker-container",
        "Nodes": [{"Name": "b0", "Endpoint": host}, {"Name": "b1", "Endpoint": host}]}),
    );
    let doc = machine.json(&[("DOCKER_HOST", &host)], 0);
    let states: Vec<&Value> =
        doc["builder"]["nodes"].as_array().unwrap().iter().map(|n| &n["state"]).collect();
    assert_eq!(states, ["running", "absent"], "{doc}");
    let doc = machine.json(&[("DOCKER_HOST", &host), ("BUILDX_BUILDER", "gone")], 1);
    assert_eq!((&doc["verdict"], codes(&doc)), (&"lacking".into(), vec!["builder-unknown"]));
}

#[test]
fn an_old_engine_has_no_buildkit() {
    let machine = Machine::new();
    let listener = UnixListener::bind(machine.path("run/e.sock")).expect("a socket");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let body = r#"{"Version":"17.03","ApiVersion":"1.26","Os":"linux"}"#;
            let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let mut reader = BufReader::new(stream);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                line.clear();
            }
            let _ = reader.get_mut().write_all(text.as_bytes());
        }
    });
    let doc = machine.json(&[("DOCKER_HOST", &machine.address("run/e.sock"))], 1);
    assert_eq!((codes(&doc), &doc["engines"][0]["buildkit"]), (vec!["buildkit-missing"], &false.into()));
}

#[test]
fn engines_behind_ssh_are_not_asked_unless_wanted() {
    let machine = Machine::new();
    let doc = machine.json(&[("DOCKER_HOST", "ssh://me@build.invalid")], 3);
    assert_eq!((codes(&doc), &doc["engines"][0]["reachable"]), (vec!["engine-not-asked"], &Value::Null));
    assert_eq!(doc["engines"][0]["transport"], "ssh");
}

/// A Docker engine behind TLS that wants a certificate of its authority; its address.
fn engine_behind_tls(answers: &'static [(&'static str, u16, &'static str)]) -> String {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let file = |name: &str| fixtures_tls().join(name);
    let certificate = |name: &str| CertificateDer::from_pem_file(file(name)).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate("ca.pem")).expect("an authority");
    let verifier =
        rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let config = rustls::ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let config = config.with_client_cert_verifier(verifier.build().expect("a verifier"));
    let key = PrivateKeyDer::from_pem_file(file("key.pem")).expect("a key");
    let config = Arc::new(config.with_single_cert(vec![certificate("server.pem")], key).expect("a pair"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tls = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
            respond(rustls::StreamOwned::new(tls, stream), answers);
        }
    });
    address
}

fn fixtures_tls() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls")
}

#[test]
fn an_engine_behind_tls_is_asked_with_the_certificates_that_are_named() {
    let machine = Machine::new();
    let address = engine_behind_tls(&[PING, VERSION, INFO]);
    let folder = fixtures_tls().display().to_string();
    let mut variables = vec![("DOCKER_HOST", address.as_str()), ("DOCKER_TLS_VERIFY", "1")];
    variables.push(("DOCKER_CERT_PATH", &folder));
    let doc = machine.json(&variables, 0);
    let engine = &doc["engines"][0];
    assert_eq!((&engine["transport"], &engine["version"]), (&"tls".into(), &"28.5.2".into()), "{doc}");
    variables.pop();
    let doc = machine.json(&variables, 3);
    let why = doc["engines"][0]["why"].as_str().expect("a reason");
    assert!(why.contains("nobody whom we trust vouches for its certificate"), "{why}");
}

#[test]
fn ssh_is_run_as_docker_runs_it_and_its_complaint_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new();
    let (ssh, heard) = (machine.path("run/ssh"), machine.path("run/heard"));
    let script = format!(
        "#!/bin/sh\necho \"$@\" > {}\necho 'Permission denied (publickey).' >&2\nexit 255\n",
        heard.display()
    );
    fs::write(&ssh, script).expect("a file");
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = format!("{}:{}", machine.path("run").display(), std::env::var("PATH").unwrap_or_default());
    let variables = [("DOCKER_HOST", "ssh://me@build.invalid:22"), ("PATH", path.as_str())];
    let run = machine.run(&variables, &["--connect"]).expect_code(3);
    assert!(run.text().contains("ssh says: Permission denied (publickey)"), "{}", run.text());
    let args = fs::read_to_string(heard).expect("what ssh was asked");
    let want =
        "-l me -p 22 -o ConnectTimeout=30 -T -o BatchMode=yes -- build.invalid docker system dial-stdio";
    assert_eq!(args.trim(), want);
}

#[test]
fn what_a_job_needs_can_be_asked_for() {
    let machine = Machine::new();
    engine(&machine.path("run/e.sock"), &[PING, VERSION, INFO]);
    let host = machine.address("run/e.sock");
    let run = machine.run(&[("DOCKER_HOST", &host)], &["--min-memory", "9999TiB"]);
    assert!(run.expect_code(1).text().contains("memory is available, less than"));
    machine.run(&[("DOCKER_HOST", &host)], &["--min-memory", "much"]).expect_code(2);
}
