//! Secrets for `RUN --mount=type=secret`: the engine gets those that were offered, by their names, and no others.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bollard_buildkit_proto::moby::buildkit::secrets::v1 as proto;
use proto::secrets_server::{Secrets as Service, SecretsServer};
use tonic::{Request, Response, Status};

use super::aside::aside;

/// The longest secret, in bytes (`secretsprovider.MaxSecretSize`).
pub const MAX: u64 = 500 * 1024;

/// A secret on offer. `Debug` shows no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// What the Dockerfile calls it.
    pub id: String,
    /// Where its value is.
    pub origin: Origin,
}

/// Where a secret's value is.
#[derive(Clone, PartialEq, Eq)]
pub enum Origin {
    /// In a file, which is read whenever the engine asks.
    File(PathBuf),
    /// Here: what an environment variable holds, nothing for one that isn't set.
    Value(Vec<u8>),
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Value(_) => f.write_str("Value"),
        }
    }
}

impl Origin {
    /// Where `src=` and `env=` say that a secret is; without both it is the variable of its name, and where that isn't set,
    /// the file of its name (`secretsprovider.NewStore`). A variable wins over a file.
    ///
    /// `type=env,src=NAME` is `variable: Some(NAME)`.
    pub fn choose(
        id: &str,
        source: Option<&Path>,
        variable: Option<&str>,
        environment: impl Fn(&str) -> Option<Vec<u8>>,
    ) -> Self {
        let variable = variable.filter(|v| !v.is_empty());
        let source = source.filter(|s| !s.as_os_str().is_empty());
        match (variable, source) {
            (Some(variable), _) => Self::Value(environment(variable).unwrap_or_default()),
            (None, Some(source)) => Self::File(source.into()),
            (None, None) => environment(id).map_or_else(|| Self::File(id.into()), Self::Value),
        }
    }
}

/// Why a secret can't be offered.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It has no name.
    #[error("a secret has no id")]
    NoId,
    /// Its file isn't there, or can't be looked at.
    #[error("secret {id}: {}: {error}", path.display())]
    File {
        /// Its name.
        id: String,
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is a folder.
    #[error("secret {id}: {} is a folder", path.display())]
    Folder {
        /// Its name.
        id: String,
        /// The folder.
        path: PathBuf,
    },
    /// It is too long.
    #[error("secret {id} has {size} bytes, more than {MAX}")]
    TooLong {
        /// Its name.
        id: String,
        /// Its length.
        size: u64,
    },
}

/// The service.
#[derive(Debug, Clone)]
pub struct Secrets {
    offered: Arc<BTreeMap<String, Origin>>,
}

impl Secrets {
    /// The methods that it answers.
    pub const METHODS: &[&str] = &["GetSecret"];

    /// Offers secrets; of two with one name the later counts.
    ///
    /// # Errors
    /// One without a name, a file that can't be looked at, or more than [`MAX`] bytes: told before anything is built.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Result<Self, SecretError> {
        let mut offered = BTreeMap::new();
        for secret in secrets {
            check(&secret)?;
            offered.insert(secret.id, secret.origin);
        }
        Ok(Self { offered: Arc::new(offered) })
    }

    /// As [`super::Session::with`] takes it.
    pub fn service(self) -> SecretsServer<Self> {
        SecretsServer::new(self)
    }
}

fn check(secret: &Secret) -> Result<(), SecretError> {
    let id = || secret.id.clone();
    if secret.id.is_empty() {
        return Err(SecretError::NoId);
    }
    let size = match &secret.origin {
        Origin::Value(value) => value.len() as u64,
        Origin::File(path) => {
            let found = std::fs::metadata(path);
            let found = found.map_err(|error| SecretError::File { id: id(), path: path.clone(), error })?;
            if found.is_dir() {
                return Err(SecretError::Folder { id: id(), path: path.clone() });
            }
            found.len()
        }
    };
    if size > MAX {
        return Err(SecretError::TooLong { id: id(), size });
    }
    Ok(())
}

#[tonic::async_trait]
impl Service for Secrets {
    async fn get_secret(
        &self,
        request: Request<proto::GetSecretRequest>,
    ) -> Result<Response<proto::GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        let data = match self.offered.get(&id).cloned() {
            // The engine takes this as "not there" and goes on where the mount isn't required (`secrets.GetSecret`).
            None => return Err(Status::not_found("not found")),
            Some(Origin::Value(value)) => value,
            Some(Origin::File(path)) => {
                let read = aside(move || read(&path)).await?;
                read.map_err(|why| Status::unknown(format!("secret {id}: {why}")))?
            }
        };
        Ok(Response::new(proto::GetSecretResponse { data }))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    file.take(MAX + 1).read_to_end(&mut bytes).map_err(|e| format!("{}: {e}", path.display()))?;
    if bytes.len() as u64 > MAX {
        return Err(format!("{} has become longer than {MAX} bytes", path.display()));
    }
    Ok(bytes)
}
