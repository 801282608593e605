//! What Docker is told to print after a build that failed (docker/cli, cli-plugins/hooks).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Error;

/// What Docker tells of the command that it ran.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Request {
    /// The hook that matched: `build` or `buildx build`.
    #[serde(rename = "RootCmd")]
    command: String,
    /// The flags that were set, as a rule without their values.
    #[serde(rename = "Flags")]
    flags: Option<BTreeMap<String, String>>,
    /// Why the command failed; empty when it didn't.
    #[serde(rename = "CommandError")]
    error: String,
}

/// What Docker is to print. A template without words prints nothing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Reply {
    /// 0: next steps. There is no other.
    #[serde(rename = "Type")]
    kind: u8,
    /// A line each.
    #[serde(rename = "Template")]
    template: String,
}

/// The flags of a build that `check` has to be given, too.
const PASSED_ON: &[(&str, &str)] = &[
    ("f", "-f"),
    ("file", "-f"),
    ("target", "--target"),
    ("build-arg", "--build-arg"),
    ("build-context", "--build-context"),
    ("platform", "--platform"),
];

/// Reads what Docker tells, and answers.
///
/// # Errors
/// For what is not Docker's JSON.
pub fn reply(told: &[u8]) -> Result<Reply, Error> {
    let request: Request = serde_json::from_slice(told)
        .map_err(|e| Error::read(Path::new("the hook's argument"), std::io::Error::other(e)))?;
    let template = if is_failed_build(&request) { advice(&request) } else { String::new() };
    Ok(Reply { kind: 0, template })
}

fn is_failed_build(request: &Request) -> bool {
    !request.error.is_empty() && request.command.split(' ').next_back() == Some("build")
}

fn advice(request: &Request) -> String {
    let set = request.flags.clone().unwrap_or_default();
    let mut same: Vec<&str> =
        PASSED_ON.iter().filter(|(name, _)| set.contains_key(*name)).map(|(_, flag)| *flag).collect();
    same.dedup();
    let more = if same.is_empty() { String::new() } else { format!(", with the same {}", same.join(", ")) };
    format!("See what is wrong with the build, without building: docker stowaway check{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(told: &str) -> String {
        reply(told.as_bytes()).expect("a reply").template
    }

    #[test]
    fn a_build_that_failed_is_followed_by_advice() {
        assert_eq!(
            template(
                r#"{"RootCmd":"buildx build","Flags":{"f":"","file":"","no-cache":"true","target":""},"CommandError":"exit status 1"}"#
            ),
            "See what is wrong with the build, without building: docker stowaway check, with the same -f, --target"
        );
        assert_eq!(
            template(r#"{"RootCmd":"build","Flags":null,"CommandError":"exit status 1","New":1}"#),
            "See what is wrong with the build, without building: docker stowaway check"
        );
    }

    #[test]
    fn after_anything_else_nothing_is_said() {
        assert_eq!(template(r#"{"RootCmd":"buildx build"}"#), "");
        assert_eq!(template(r#"{"RootCmd":"pull","CommandError":"no"}"#), "");
        assert!(reply(b"").is_err() && reply(b"[]").is_err() && reply(b"\xff").is_err());
    }

    #[test]
    fn the_reply_is_what_docker_reads() {
        let text = serde_json::to_string(&Reply { kind: 0, template: "x".to_owned() }).expect("JSON");
        assert_eq!(text, r#"{"Type":0,"Template":"x"}"#);
    }
}
