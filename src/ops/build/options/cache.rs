//! `--cache-from` and `--cache-to` (buildx `util/buildflags/cache.go`, `build/opt.go`).

use std::collections::BTreeMap;

use super::text::{Bad, boolean, fields, pair};

/// A cache to read or to write.
#[derive(Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// `registry`, `local`, `inline`, `gha`, `s3`, `azblob`.
    pub kind: String,
    /// Its attributes, which may hold tokens.
    pub attrs: BTreeMap<String, String>,
}

impl std::fmt::Debug for CacheEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<&String> = self.attrs.keys().collect();
        f.debug_struct("CacheEntry").field("kind", &self.kind).field("attrs", &keys).finish()
    }
}

/// Reads one option: several references, or one entry. `environment` has the credentials that GitHub's cache needs; without any of
/// them that cache is left out, as buildx does.
///
/// # Errors
/// What is wrong, in words.
pub fn entries(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Vec<CacheEntry>, Bad> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let split = fields(text)?;
    if !text.contains('=') {
        return Ok(split.into_iter().map(registry).collect());
    }
    let (mut kind, mut attrs) = (String::new(), BTreeMap::new());
    for (i, field) in split.iter().enumerate() {
        let (key, value) = pair(field, i)?;
        match key.to_lowercase().as_str() {
            "type" => kind = value.to_owned(),
            key => drop(attrs.insert(key.to_owned(), value.to_owned())),
        }
    }
    if kind.is_empty() {
        return Err(Bad::new("it has no type"));
    }
    let mut entry = CacheEntry { kind, attrs };
    if entry.kind == "gha" {
        add_github(&mut entry.attrs, environment);
    }
    if entry.kind == "s3" {
        add_amazon(&mut entry.attrs, environment);
    }
    Ok(if entry.is_active() { vec![entry] } else { Vec::new() })
}

fn registry(reference: String) -> CacheEntry {
    CacheEntry { kind: "registry".into(), attrs: BTreeMap::from([("ref".into(), reference)]) }
}

impl CacheEntry {
    /// GitHub's cache without an address or a token is none.
    fn is_active(&self) -> bool {
        let has = |key: &str| self.attrs.get(key).is_some_and(|v| !v.is_empty());
        self.kind != "gha" || has("token") && (has("url") || has("url_v2"))
    }
}

/// What a workflow's steps know of GitHub's cache.
fn add_github(attrs: &mut BTreeMap<String, String>, environment: &dyn Fn(&str) -> Option<String>) {
    let second = environment("ACTIONS_CACHE_SERVICE_V2").and_then(|v| boolean(&v)) == Some(true);
    let version = attrs.get("version").cloned().or_else(|| second.then(|| "2".to_owned()));
    let mut add = |key: &str, value: Option<String>| {
        if let (false, Some(value)) = (attrs.contains_key(key), value) {
            attrs.insert(key.to_owned(), value);
        }
    };
    add("token", environment("ACTIONS_RUNTIME_TOKEN"));
    let results = environment("ACTIONS_RESULTS_URL");
    if version.as_deref() == Some("2") {
        add("url_v2", results.clone());
    }
    add("url", environment("ACTIONS_CACHE_URL").or(results));
}

/// What the environment knows of Amazon's; profiles and instance roles are not asked.
fn add_amazon(attrs: &mut BTreeMap<String, String>, environment: &dyn Fn(&str) -> Option<String>) {
    if attrs.contains_key("access_key_id") && attrs.contains_key("secret_access_key") {
        return;
    }
    for (key, name) in [
        ("access_key_id", "AWS_ACCESS_KEY_ID"),
        ("secret_access_key", "AWS_SECRET_ACCESS_KEY"),
        ("session_token", "AWS_SESSION_TOKEN"),
    ] {
        if let (false, Some(value)) = (attrs.contains_key(key), environment(name).filter(|v| !v.is_empty())) {
            attrs.insert(key.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn bare_references_are_registries() {
        let read = entries("me/app:cache,other/app", &none).unwrap();
        let refs: Vec<_> = read.iter().map(|e| (e.kind.as_str(), e.attrs["ref"].as_str())).collect();
        assert_eq!(refs, [("registry", "me/app:cache"), ("registry", "other/app")]);
    }

    #[test]
    fn keys_are_lower_case_and_a_type_is_needed() {
        let read = entries("type=local,DEST=/c,mode=max", &none).unwrap();
        assert_eq!(
            read[0].attrs,
            BTreeMap::from([("dest".into(), "/c".into()), ("mode".into(), "max".into())])
        );
        assert_eq!(entries("dest=x", &none).unwrap_err(), Bad::new("it has no type"));
        assert_eq!(entries("type=local,x", &none).unwrap_err(), Bad::new("field 2 is not KEY=VALUE"));
    }

    #[test]
    fn githubs_cache_is_one_only_in_a_workflow() {
        assert_eq!(entries("type=gha,scope=x", &none).unwrap(), []);
        let workflow = |name: &str| match name {
            "ACTIONS_RUNTIME_TOKEN" => Some("hunter2".to_owned()),
            "ACTIONS_RESULTS_URL" => Some("https://results".to_owned()),
            "ACTIONS_CACHE_SERVICE_V2" => Some("True".to_owned()),
            _ => None,
        };
        let read = entries("type=gha,scope=x", &workflow).unwrap();
        assert_eq!(read[0].attrs["url_v2"], "https://results");
        assert!(!format!("{read:?}").contains("hunter2"), "a token is not told");
    }
}
