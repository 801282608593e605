//! `EXPERIMENTAL_BUILDKIT_SOURCE_POLICY`: a file that says which sources a build may have, and which stand in for others (buildx
//! `build/build.go`, `ReadSourcePolicy`). It is JSON as Go reads it, or the protobuf message itself.

use std::path::Path;

use bollard_buildkit_proto::moby::buildkit::v1::sourcepolicy::{
    AttrConstraint, AttrMatch, MatchType, Policy, PolicyAction, Rule, Selector, Update,
};
use prost::Message as _;
use serde_json::{Map, Value};

use crate::error::Error;

/// The variable.
pub const VARIABLE: &str = "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY";

/// A file that is longer is none.
const LONGEST: u64 = 4 << 20;

/// Reads a policy.
///
/// # Errors
/// [`Error`] for a file that can't be read or is no policy.
pub fn read(path: &Path) -> Result<Policy, Error> {
    let bytes = std::fs::File::open(path).and_then(|file| {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(file, LONGEST), &mut bytes).map(|_| bytes)
    });
    let bytes = bytes.map_err(|e| Error::read(path, e))?;
    let read = parse(&bytes).or_else(|why| Policy::decode(&bytes[..]).map_err(|_| why));
    read.map_err(|why| Error::Usage {
        message: format!("{} is no source policy: {why}", path.display()),
        hint: Some(format!("it is the file that {VARIABLE} names")),
    })
}

fn parse(bytes: &[u8]) -> Result<Policy, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let Some(fields) = object(&value, "the policy")? else { return Ok(Policy::default()) };
    let version = match field(fields, "version") {
        None => 0,
        Some(version) => version.as_i64().ok_or("version is no number")?,
    };
    Ok(Policy { version, rules: list(fields, "rules", rule)? })
}

fn rule(value: &Value) -> Result<Rule, String> {
    let Some(fields) = object(value, "a rule")? else { return Ok(Rule::default()) };
    let selector = field(fields, "selector").map(selector).transpose()?;
    let updates = field(fields, "updates").map(update).transpose()?;
    let names = |n: &str| PolicyAction::from_str_name(n).map(i32::from);
    Ok(Rule { action: choice(fields, "action", names, 2)?, selector, updates })
}

fn selector(value: &Value) -> Result<Selector, String> {
    let Some(fields) = object(value, "a selector")? else { return Ok(Selector::default()) };
    let names = |n: &str| MatchType::from_str_name(n).map(i32::from);
    Ok(Selector {
        identifier: text(fields, "identifier")?,
        match_type: choice(fields, "match_type", names, 2)?,
        constraints: list(fields, "constraints", constraint)?,
    })
}

fn constraint(value: &Value) -> Result<AttrConstraint, String> {
    let Some(fields) = object(value, "a constraint")? else { return Ok(AttrConstraint::default()) };
    let names = |n: &str| AttrMatch::from_str_name(n).map(i32::from);
    let condition = choice(fields, "condition", names, 2)?;
    Ok(AttrConstraint { key: text(fields, "key")?, value: text(fields, "value")?, condition })
}

fn update(value: &Value) -> Result<Update, String> {
    let Some(fields) = object(value, "updates")? else { return Ok(Update::default()) };
    let attrs = match field(fields, "attrs").map(|attrs| object(attrs, "attrs")).transpose()?.flatten() {
        None => Map::new(),
        Some(attrs) => attrs.clone(),
    };
    let word = |(key, value): (String, Value)| match value {
        Value::String(value) => Ok((key, value)),
        _ => Err(format!("{key} of attrs is no text")),
    };
    let attrs = attrs.into_iter().map(word).collect::<Result<_, _>>()?;
    Ok(Update { identifier: text(fields, "identifier")?, attrs })
}

/// The fields of an object; `None` for `null`, which Go takes for nothing said.
fn object<'v>(value: &'v Value, what: &str) -> Result<Option<&'v Map<String, Value>>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Object(fields) => Ok(Some(fields)),
        _ => Err(format!("{what} is no object")),
    }
}

/// A field whatever the case of its name, as Go finds it.
fn field<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let found = fields
        .get(name)
        .or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value));
    found.filter(|value| !value.is_null())
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<String, String> {
    match field(fields, name) {
        None => Ok(String::new()),
        Some(value) => value.as_str().map(str::to_owned).ok_or_else(|| format!("{name} is no text")),
    }
}

fn list<T>(
    fields: &Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    match field(fields, name) {
        None => Ok(Vec::new()),
        Some(value) => {
            value.as_array().ok_or_else(|| format!("{name} is no list"))?.iter().map(read).collect()
        }
    }
}

/// A value by its name or its number (`sourcepolicy/pb/json.go`).
fn choice(
    fields: &Map<String, Value>,
    name: &str,
    names: impl Fn(&str) -> Option<i32>,
    most: i32,
) -> Result<i32, String> {
    let Some(value) = field(fields, name) else { return Ok(0) };
    let number = || i32::try_from(value.as_i64()?).ok().filter(|n| (0..=most).contains(n));
    let found = value.as_str().map_or_else(number, names);
    found.ok_or_else(|| format!("{value} is no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> Result<Policy, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path()).map_err(|e| e.to_string())
    }

    const POLICY: &str = r#"{"version": 1, "rules": [
        {"action": "CONVERT",
         "selector": {"identifier": "docker-image://a:1", "match_type": "EXACT", "constraints": [{"key": "k", "value": "v", "condition": 1}]},
         "updates": {"identifier": "docker-image://b", "attrs": {"http.checksum": "sha256:1"}}},
        {"Action": "DENY", "selector": {"identifier": "*"}, "unknown": [1]}]}"#;

    #[test]
    fn a_policy_is_read_as_go_reads_it() {
        let policy = written(POLICY.as_bytes()).unwrap();
        assert_eq!((policy.version, policy.rules.len()), (1, 2));
        let (first, second) = (&policy.rules[0], &policy.rules[1]);
        assert_eq!(first.action, i32::from(PolicyAction::Convert));
        let selector = first.selector.as_ref().unwrap();
        assert_eq!((selector.identifier.as_str(), selector.match_type), ("docker-image://a:1", 1));
        assert_eq!((selector.constraints[0].key.as_str(), selector.constraints[0].condition), ("k", 1));
        assert_eq!(first.updates.as_ref().unwrap().attrs["http.checksum"], "sha256:1");
        assert_eq!((second.action, second.updates.is_none()), (i32::from(PolicyAction::Deny), true));
    }

    #[test]
    fn the_message_itself_is_read_too() {
        let policy = written(POLICY.as_bytes()).unwrap();
        assert_eq!(written(&policy.encode_to_vec()), Ok(policy));
    }

    #[test]
    fn what_is_no_policy_is_told() {
        for (text, why) in [
            ("{", "EOF"),
            ("[]", "the policy is no object"),
            (r#"{"version": "1"}"#, "version is no number"),
            (r#"{"rules": [{"action": "FORBID"}]}"#, "\"FORBID\" is no action"),
            (r#"{"rules": [{"action": 3}]}"#, "3 is no action"),
            (r#"{"rules": [{"selector": {"identifier": 1}}]}"#, "identifier is no text"),
        ] {
            let error = written(text.as_bytes()).unwrap_err();
            assert!(error.contains("is no source policy") && error.contains(why), "{error}");
        }
        assert!(
            read(Path::new("/nonexistent/policy")).unwrap_err().to_string().contains("/nonexistent/policy")
        );
    }
}
