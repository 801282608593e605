//! The files that the engine sees, compared.

use std::collections::BTreeMap;

use serde_json::Value;

use super::entry::unbase64;

/// SHA-256 of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// One entry as both sides can tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    kind: String,
    mode: Option<String>,
    size: Option<u64>,
    sha256: Option<String>,
    linkname: Option<String>,
}

/// What the engine's view and ours don't share, as lines.
pub fn differences(want: &[Value], got: &[Value]) -> Vec<String> {
    let (want, got) = match (read(want), read(got)) {
        (Ok(w), Ok(g)) => (w, g),
        (Err(e), _) | (_, Err(e)) => return vec![e],
    };
    let mut bad = Vec::new();
    for (path, w) in &want {
        match got.get(path) {
            None => bad.push(format!("missing: {}", path.escape_ascii())),
            Some(g) if g != w => bad.push(format!("{}: engine {w:?}, ours {g:?}", path.escape_ascii())),
            Some(_) => {}
        }
    }
    let extra = got.keys().filter(|p| !want.contains_key(*p));
    bad.extend(extra.map(|p| format!("the engine does not see: {}", p.escape_ascii())));
    bad
}

fn read(entries: &[Value]) -> Result<BTreeMap<Vec<u8>, Seen>, String> {
    let mut out = BTreeMap::new();
    for entry in entries {
        let path = match (entry["path"].as_str(), entry["path_b64"].as_str()) {
            (Some(p), None) => p.as_bytes().to_vec(),
            (None, Some(b)) => unbase64(b),
            _ => return Err(format!("an entry without one path: {entry}")),
        };
        if out.insert(path.clone(), seen(entry)).is_some() {
            return Err(format!("twice: {}", path.escape_ascii()));
        }
    }
    Ok(out)
}

fn seen(entry: &Value) -> Seen {
    let text = |name: &str| entry[name].as_str().map(str::to_owned);
    let kind = text("type").unwrap_or_default();
    let sha256 = text("sha256").map(|s| s.trim_start_matches("sha256:").to_owned());
    let mut seen =
        Seen { mode: text("mode"), size: entry["size"].as_u64(), sha256, linkname: text("linkname"), kind };
    match seen.kind.as_str() {
        // The engine's view is the tree after its copy, where a socket has become an empty file.
        "socket" => {
            seen.kind = "file".into();
            seen.size = Some(0);
            seen.sha256 = Some(EMPTY.into());
        }
        "file" => {}
        _ => (seen.size, seen.sha256) = (None, None),
    }
    // What a hard link's mode, size and content are, its first name tells.
    if seen.kind == "hardlink" || seen.kind == "symlink" {
        seen.mode = None;
    }
    seen
}
