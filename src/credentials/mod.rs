//! Docker's own credentials: `config.json` and the helpers that it names (`docker/cli`, `cli/config`).
//!
//! There is a crate for it, but it lets a helper run for ever, looks in another order than Docker, and shows what a helper
//! printed.

mod helper;
pub mod http;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

/// Docker Hub's name in `config.json`.
const HUB: &str = "https://index.docker.io/v1/";
/// No config and no helper's answer is longer.
const MAX_LENGTH: u64 = 4 << 20;

/// What a registry is asked with. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// A name and a password.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
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
pub struct Credentials {
    /// What proves who asks.
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

/// Why credentials can't be had. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reading the credentials for {host}: {why}")]
pub struct CredentialsError {
    /// The registry.
    pub host: String,
    /// What is wrong.
    pub why: String,
}

/// Where Docker's credentials are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Docker {
    /// The folder of `config.json`.
    pub folder: PathBuf,
    /// What `DOCKER_AUTH_CONFIG` holds: it comes before all else, and what is wrong with it is passed over, as Docker does.
    pub environment: Option<String>,
    /// How long a credential helper may take.
    pub patience: Duration,
}

impl std::fmt::Debug for Docker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Docker").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Docker {
    /// Looks up the credentials for a registry (`docker.io`, `localhost:5000`); `None` when Docker has none.
    ///
    /// A helper for this registry comes first, then the store for all, and only without both `auths`
    /// (`ConfigFile.GetCredentialsStore`).
    ///
    /// # Errors
    /// A config that can't be read, a helper that fails or takes too long.
    pub fn find(&self, host: &str) -> Result<Option<Credentials>, CredentialsError> {
        if let Some(secret) = self.environment.as_deref().and_then(|text| of_environment(text, host)) {
            return Ok(Some(Credentials { secret, source: "DOCKER_AUTH_CONFIG".into() }));
        }
        let failed = |why: String| CredentialsError { host: host.into(), why };
        let path = self.folder.join("config.json");
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
            Some(helper) => helper::ask(&helper, names(host)[0], self.patience).map_err(failed),
            None => {
                let found = config.auths.unwrap_or_default().into_iter().find(|(key, _)| is_for(key, host));
                let secret = found.and_then(|(_, auth)| secret(auth.unwrap_or_default()));
                Ok(secret.map(|secret| Credentials { secret, source: path.display().to_string() }))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Environment {
    auths: BTreeMap<String, EnvironmentAuth>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentAuth {
    auth: String,
}

/// `{"auths":{"HOST":{"auth":"…"}}}` and nothing else (`parseEnvConfig`).
fn of_environment(text: &str, host: &str) -> Option<Secret> {
    let environment: Environment = serde_json::from_str(text).ok()?;
    let all: Option<Vec<_>> =
        environment.auths.into_iter().map(|(key, a)| Some((key, decode(&a.auth)?))).collect();
    all?.into_iter().find(|(key, _)| is_for(key, host)).map(|(_, secret)| secret)
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

fn read(path: &std::path::Path) -> io::Result<Option<Vec<u8>>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn docker(folder: &std::path::Path) -> Docker {
        Docker { folder: folder.into(), environment: None, patience: Duration::from_secs(5) }
    }

    fn found(config: &str, host: &str) -> Result<Option<Secret>, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), config).unwrap();
        let found = docker(folder.path()).find(host).map_err(|e| e.to_string())?;
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
        assert_eq!(docker(folder.path()).find("r.io"), Ok(None));
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

    #[test]
    fn the_environment_comes_first_and_is_passed_over_when_it_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), r#"{"auths":{"r.io":{"auth":"dTpw"}}}"#).unwrap();
        let user = |environment: &str| {
            let docker = Docker { environment: Some(environment.into()), ..docker(folder.path()) };
            match docker.find("r.io").unwrap().map(|c| c.secret) {
                Some(Secret::Password { user, .. }) => user,
                _ => String::new(),
            }
        };
        assert_eq!(user(r#"{"auths":{"r.io":{"auth":"ZTpw"}}}"#), "e");
        for wrong in [
            r#"{"auths":{"other.io":{"auth":"ZTpw"}}}"#,
            r#"{"auths":{"r.io":{"auth":"ZTpw"},"x.io":{"auth":""}}}"#,
            r#"{"auths":{"r.io":{"auth":"ZTpw","x":1}}}"#,
            "{",
            "",
        ] {
            assert_eq!(user(wrong), "u", "{wrong}");
        }
    }

    #[test]
    fn nothing_shows_a_secret() {
        let docker = Docker { environment: Some("geheim".into()), ..Docker::default() };
        let found = Credentials { secret: Secret::Bearer("geheim".into()), source: "here".into() };
        assert!(!format!("{docker:?}{found:?}").contains("geheim"));
    }
}
