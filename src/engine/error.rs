//! What goes wrong between here and an engine, with what to do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::wording::reason;

/// Why an engine can't be found, reached or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A file of Docker's or buildx's configuration is there and can't be read.
    #[error("reading {}: {why}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Why; never its contents.
        why: String,
    },
    /// The context that was chosen does not exist.
    #[error("the Docker context {name}, chosen by {source_of_choice}, does not exist{}", place(folder.as_ref()))]
    UnknownContext {
        /// Its name.
        name: String,
        /// Who chose it.
        source_of_choice: String,
        /// Docker's folder.
        folder: Option<PathBuf>,
    },
    /// The builder that was chosen does not exist.
    #[error("the builder {name}, chosen by {source_of_choice}, does not exist{}", place(folder.as_ref()))]
    UnknownBuilder {
        /// Its name.
        name: String,
        /// Who chose it.
        source_of_choice: String,
        /// The folder of buildx.
        folder: Option<PathBuf>,
    },
    /// A builder whose container, or whose engine, was never started.
    #[error("the builder {builder} has no container {container} on {engine}: it was never started")]
    NotBooted {
        /// The builder.
        builder: String,
        /// The container that it should have.
        container: String,
        /// The engine that should have it.
        engine: String,
    },
    /// A builder that is the Docker context of its name, and not the one in use: buildx takes none such.
    #[error("the builder {name} is the Docker context {name}, which is not in use")]
    OtherContext {
        /// Its name.
        name: String,
    },
    /// A kind of address, driver or engine that can't be spoken to from here.
    #[error("{what} ({source_of_choice}): {why}")]
    Unsupported {
        /// The address or the builder.
        what: String,
        /// Who named it.
        source_of_choice: String,
        /// Why it can't be used.
        why: String,
    },
    /// Nobody, or nobody willing, is at the address.
    #[error("no engine at {place}: {why}")]
    Unreachable {
        /// The address and who named it.
        place: String,
        /// Why.
        why: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// TLS was not agreed on, or a key or certificate can't be read.
    #[error("TLS with the engine at {place}: {why}")]
    Tls {
        /// The address and who named it.
        place: String,
        /// Why.
        why: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// It took too long.
    #[error("the engine at {place}: no answer within {} s while {doing}", after.as_secs_f32())]
    Late {
        /// The address and who named it.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// Somebody answers, but not as an engine does.
    #[error("what answers at {place} is no engine: {why}")]
    NoEngine {
        /// The address and who named it.
        place: String,
        /// What it does instead.
        why: String,
    },
    /// The engine refuses a request of Docker's interface.
    #[error("the engine at {place} refuses {request}: {message} (status {status})")]
    Refused {
        /// The address and who named it.
        place: String,
        /// Method and path.
        request: String,
        /// HTTP's status.
        status: u16,
        /// Its own words.
        message: String,
    },
    /// The engine refuses a call of BuildKit's interface.
    #[error("the engine at {place} refuses {call}: {message}")]
    Call {
        /// The address and who named it.
        place: String,
        /// The method.
        call: &'static str,
        /// Its own words.
        message: String,
        /// What gRPC calls that.
        code: tonic::Code,
    },
    /// The connection broke while the engine was being asked.
    #[error("the connection to the engine at {place} broke while {doing}: {why}")]
    Broken {
        /// The address and who named it.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// Why.
        why: String,
    },
    /// No runtime for connections can be made.
    #[error("preparing connections: {why}")]
    Runtime {
        /// Why.
        why: String,
    },
}

impl EngineError {
    /// Why, without saying where.
    pub fn why(&self) -> String {
        match self {
            Self::Unreachable { why, .. } | Self::NoEngine { why, .. } | Self::Unsupported { why, .. } => {
                why.clone()
            }
            Self::Tls { why, .. } => format!("TLS: {why}"),
            Self::Late { after, .. } => format!("no answer within {} s", after.as_secs_f32()),
            Self::Refused { request, status, message, .. } => {
                format!("{request}: status {status}: {message}")
            }
            Self::Call { call, message, .. } => format!("{call}: {message}"),
            Self::Broken { doing, why, .. } => format!("the connection broke while {doing}: {why}"),
            other => other.to_string(),
        }
    }

    /// What to do about it, where something is known to help.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { hint, .. } | Self::Tls { hint, .. } => hint.clone(),
            Self::UnknownContext { .. } => {
                Some("choose another with `docker context use`, or set DOCKER_HOST".to_owned())
            }
            Self::UnknownBuilder { .. } => Some(
                "choose another with `docker buildx use`, or create it with `docker buildx create`"
                    .to_owned(),
            ),
            // Go's own words to one who speaks plainly where TLS is spoken.
            Self::Refused { status: 400, message, .. } if message.contains("HTTPS server") => Some(
                "it speaks TLS: set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to its certificates".to_owned(),
            ),
            Self::OtherContext { name } => {
                Some(format!("set DOCKER_CONTEXT={name}, or use `docker context use {name}`"))
            }
            Self::NotBooted { builder, .. } => {
                Some(format!("start it with `docker buildx inspect --bootstrap {builder}`"))
            }
            _ => None,
        }
    }
}

fn place(folder: Option<&PathBuf>) -> String {
    folder.map_or_else(String::new, |f| format!(" in {}", f.display()))
}

/// An error and what caused it, without saying anything twice.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.downcast_ref::<io::Error>().map_or_else(|| cause.to_string(), reason);
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

/// What somebody else said, fit for one line of ours: no control characters, and not endless.
pub(super) fn printable(text: &str) -> String {
    let text: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_takes_one_line_and_has_an_end() {
        assert_eq!(printable(" a\r\nb\x1b[31m \n"), "a  b [31m");
        assert_eq!(printable(&"x".repeat(10_000)).len(), 500);
    }

    #[test]
    fn a_cause_is_told_once() {
        let cause = io::Error::from_raw_os_error(32);
        let error = EngineError::Runtime { why: "a: broken pipe".to_owned() };
        assert_eq!(chain(&error), "preparing connections: a: broken pipe");
        assert_eq!(reason(&cause), "broken pipe");
    }
}
