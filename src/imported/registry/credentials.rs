//! Docker's own credentials: `config.json` and the helpers that it names (`docker/cli`, `cli/config`).
//!
//! There is a crate for it, but it lets a helper run for ever, looks in another order than Docker, and shows what a helper
//! printed.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::error::RegistryError;

/// Docker Hub's name in `config.json`.
const HUB: &str = "https://index.docker.io/v1/";
/// No config and no helper's answer is longer.
const MAX_LENGTH: u64 = 4 << 20;

/// What a registry is asked with. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Secret {
    /// A name and a password.
    Password { user: String, password: String },
    /// A token with which others are asked for.
    Identity(String),
    /// A token for the registry itself.
    Bearer(String),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Credentials and where they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub secret: Secret,
    /// In words, such as `docker-credential-pass`.
    pub source: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DockerConfig {
    auths: Option<BTreeMap<String, Option<Auth>>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth")
    }
}

/// Looks up the credentials for a registry (`docker.io`, `localhost:5000`); `None` when Docker has none.
///
/// A helper for this registry comes first, then the store for all, and only without both `auths`
/// (`ConfigFile.GetCredentialsStore`).
pub(super) fn find(
    folder: &Path,
    host: &str,
    patience: Duration,
) -> Result<Option<Credentials>, RegistryError> {
    let failed = |why: String| RegistryError::Credentials { host: host.into(), why };
    let path = folder.join("config.json");
    let Some(bytes) = read(&path).map_err(|e| failed(format!("{}: {e}", path.display())))? else {
        return Ok(None);
    };
    let config: DockerConfig = serde_json::from_slice(&bytes).map_err(|e| {
        // What is not understood may be a secret.
        failed(format!("{}: not valid at line {}, column {}", path.display(), e.line(), e.column()))
    })?;
    let helpers = config.cred_helpers.unwrap_or_default();
    let helper = names(host).iter().find_map(|n| helpers.get(*n)).cloned();
    let helper = helper.or(config.creds_store).filter(|h| !h.is_empty());
    match helper {
        Some(helper) => ask(&helper, names(host)[0], patience).map_err(failed),
        None => {
            let found = config.auths.unwrap_or_default().into_iter().find(|(key, _)| is_for(key, host));
            let secret = found.and_then(|(_, auth)| secret(auth.unwrap_or_default()));
            Ok(secret.map(|secret| Credentials { secret, source: path.display().to_string() }))
        }
    }
}

/// The names under which a registry may stand in `config.json`, the usual one first.
fn names(host: &str) -> Vec<&str> {
    if host == "docker.io" {
        vec![HUB, "docker.io", "index.docker.io", "registry-1.docker.io"]
    } else {
        vec![host]
    }
}

/// `https://HOST/v1/` stands for `HOST`, too (`ConvertToHostname`).
fn is_for(key: &str, host: &str) -> bool {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let bare = bare.split('/').next().unwrap_or_default();
    names(host).iter().any(|name| *name == key || *name == bare)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(MAX_LENGTH).read_to_end(&mut bytes).map(|_| Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn secret(auth: Auth) -> Option<Secret> {
    let given = |text: Option<String>| text.filter(|t| !t.is_empty());
    if let Some(token) = given(auth.registrytoken) {
        return Some(Secret::Bearer(token));
    }
    if let Some(token) = given(auth.identitytoken) {
        return Some(Secret::Identity(token));
    }
    if let Some(encoded) = given(auth.auth) {
        return decode(&encoded);
    }
    Some(Secret::Password { user: given(auth.username)?, password: auth.password.unwrap_or_default() })
}

/// Base64 of `USER:PASSWORD`, which old versions ended with NUL bytes.
fn decode(encoded: &str) -> Option<Secret> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    let text = String::from_utf8(engine.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    let password = password.trim_matches('\0');
    Some(Secret::Password { user: user.into(), password: password.into() })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks a helper: `docker-credential-NAME get` with the registry on its standard input.
fn ask(helper: &str, server: &str, patience: Duration) -> Result<Option<Credentials>, String> {
    let program = format!("docker-credential-{helper}");
    if helper.contains(['/', '\\']) {
        return Err(format!("{program:?} is no name of a credential helper"));
    }
    let output = run(&program, server, patience).map_err(|why| format!("{program}: {why}"))?;
    if !output.success {
        let said = said(&output.stdout);
        // What `docker-credential-helpers` prints when it just has nothing.
        if said.contains("credentials not found") {
            return Ok(None);
        }
        return Err(format!("{program} fails: {said}"));
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("{program} answers with something else"))?;
    if answer.secret.is_empty() {
        return Ok(None);
    }
    let secret = match answer.username.as_str() {
        "<token>" => Secret::Identity(answer.secret),
        _ => Secret::Password { user: answer.username, password: answer.secret },
    };
    Ok(Some(Credentials { secret, source: program }))
}

/// A helper's message; never what might hold an answer.
fn said(stdout: &[u8]) -> String {
    let text = String::from_utf8_lossy(stdout);
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() || line.contains(['{', '"']) {
        return "it doesn't say why".into();
    }
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

struct Output {
    success: bool,
    stdout: Vec<u8>,
}

fn run(program: &str, input: &str, patience: Duration) -> Result<Output, String> {
    let mut command = Command::new(program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => "there is no such program".to_owned(),
        _ => e.to_string(),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that doesn't read its input says what it thinks all the same.
        let _ = stdin.write_all(input.as_bytes());
    }
    let stdout = child.stdout.take().ok_or("no output")?;
    let (send, receive) = std::sync::mpsc::channel();
    // A program of the helper's may keep the pipe open when the helper is gone: nobody waits for this thread.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.take(MAX_LENGTH).read_to_end(&mut bytes);
        let _ = send.send(bytes);
    });
    let until = Instant::now() + patience;
    let stdout = receive.recv_timeout(patience).ok();
    let status = stdout.is_some().then(|| wait(&mut child, until)).flatten();
    match (stdout, status) {
        (Some(stdout), Some(success)) => Ok(Output { success, stdout }),
        _ => {
            let _ = child.kill();
            let _ = child.wait();
            Err(format!("no answer within {} seconds", patience.as_secs_f32()))
        }
    }
}

/// Whether it ended well; `None` when it goes on.
fn wait(child: &mut Child, until: Instant) -> Option<bool> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn found(config: &str, host: &str) -> Result<Option<Secret>, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), config).unwrap();
        let found = find(folder.path(), host, Duration::from_secs(5)).map_err(|e| e.to_string())?;
        Ok(found.map(|c| c.secret))
    }

    fn password(user: &str, password: &str) -> Result<Option<Secret>, String> {
        Ok(Some(Secret::Password { user: user.into(), password: password.into() }))
    }

    #[test]
    fn auths_are_found_by_host_and_by_url() {
        let config = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpwOnE="},"r.io":{"username":"a","password":"b"},
            "http://old.io/v1/":{"auth":"dTpwAAA="},"empty.io":{},"null.io":null,"t.io":{"identitytoken":"T"},"b.io":{"registrytoken":"B"}}}"#;
        assert_eq!(found(config, "docker.io"), password("u", "p:q"));
        assert_eq!(found(config, "r.io"), password("a", "b"));
        assert_eq!(found(config, "old.io"), password("u", "p"));
        for host in ["empty.io", "null.io", "other.io", "r.io:5000"] {
            assert_eq!(found(config, host), Ok(None), "{host}");
        }
        assert_eq!(found(config, "t.io"), Ok(Some(Secret::Identity("T".into()))));
        assert_eq!(found(config, "b.io"), Ok(Some(Secret::Bearer("B".into()))));
    }

    #[test]
    fn without_a_config_there_are_no_credentials() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(find(folder.path(), "r.io", Duration::from_secs(1)), Ok(None));
    }

    #[test]
    fn a_damaged_config_is_told_without_its_text() {
        let error = found(r#"{"auths":{"r.io":{"auth":"c2VjcmV0"}},"#, "r.io").unwrap_err();
        assert!(error.contains("config.json") && error.contains("not valid at line 1"), "{error}");
        let error = found(r#"{"auths":{"r.io":{"auth":17}}}"#, "r.io").unwrap_err();
        assert!(!error.contains("17"), "{error}");
    }

    #[test]
    fn a_helper_that_is_not_there_is_told() {
        let config = r#"{"credHelpers":{"r.io":"surely-not-there"},"auths":{"r.io":{"auth":"dTpw"}}}"#;
        let error = found(config, "r.io").unwrap_err();
        assert!(error.ends_with("docker-credential-surely-not-there: there is no such program"), "{error}");
        assert_eq!(found(config, "other.io"), Ok(None));
        let error = found(r#"{"credsStore":"../../bin/x"}"#, "r.io").unwrap_err();
        assert!(error.contains("is no name of a credential helper"), "{error}");
    }

    fn script(text: &str) -> (tempfile::TempDir, String) {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("helper");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let name = path.to_string_lossy().into_owned();
        (folder, name)
    }

    fn ran(text: &str, patience: Duration) -> Result<Output, String> {
        let (_folder, program) = script(text);
        // A file that another test's child still has open for writing can't be run for a moment.
        loop {
            match run(&program, "https://r.io", patience) {
                Err(why) if why.contains("busy") => std::thread::sleep(Duration::from_millis(5)),
                other => return other,
            }
        }
    }

    #[test]
    fn a_helper_gets_the_registry_on_its_input() {
        let output = ran("read x; echo \"$1 $x\"; exit 3", Duration::from_secs(20)).unwrap();
        assert_eq!((output.success, output.stdout.as_slice()), (false, &b"get https://r.io\n"[..]));
    }

    #[test]
    fn a_helper_that_hangs_is_ended() {
        let started = Instant::now();
        let error = ran("sleep 30", Duration::from_millis(200)).err().unwrap();
        assert!(error.starts_with("no answer within"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn what_looks_like_an_answer_is_not_shown() {
        assert_eq!(said(b"{\"Secret\":\"s\"}\n"), "it doesn't say why");
        assert_eq!(said(b"no keychain\x07\nmore"), "no keychain");
    }
}
