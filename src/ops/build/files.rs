//! What is written of a build's result: the image's id, and what the engine says of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::run::Response;
use crate::error::Error;
use crate::progress::Warning;

/// The digest of the image's manifest, or, of stores that have none, of its config (`exptypes.ExporterImageDigestKey`).
pub const DIGEST: &str = "containerimage.digest";
/// The digest of the image's config.
pub const CONFIG: &str = "containerimage.config.digest";

/// The image's id: the digest of its config, where the engine tells it.
pub fn image_id(response: &Response) -> Option<&str> {
    response.get(CONFIG).or_else(|| response.get(DIGEST)).map(String::as_str)
}

/// Removes what an earlier build has left at `path`, so that a failed build leaves none.
///
/// # Errors
/// It is there and can't be removed.
pub fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::write(path, e)),
        _ => Ok(()),
    }
}

/// Writes a file at once or not at all, readable for everybody as the umask has it.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let writing = || {
        if path.metadata().is_ok_and(|m| !m.is_file()) {
            return fs::write(path, bytes);
        }
        let mut file = tempfile::Builder::new()
            .prefix(".stowaway-")
            .permissions(fs::Permissions::from_mode(0o644))
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path).map(drop).map_err(|e| e.error)
    };
    writing().map_err(|e| Error::write(path, e))
}

/// The metadata file: the response, what is JSON in base64 as JSON (buildx `commands/build.go`, `decodeExporterResponse`), and warnings where
/// there are any.
pub fn metadata(response: &Response, warnings: &[Warning]) -> Vec<u8> {
    let mut decoded: BTreeMap<&str, Value> =
        response.iter().map(|(key, value)| (key.as_str(), decode(key, value))).collect();
    if !warnings.is_empty()
        && let Ok(all) = serde_json::to_value(warnings)
    {
        decoded.insert("buildx.build.warnings", all);
    }
    // Maps of strings can always be written.
    serde_json::to_vec_pretty(&decoded).unwrap_or_default()
}

fn decode(key: &str, value: &str) -> Value {
    let plain = || Value::String(value.to_owned());
    let bytes = match key {
        // It is no base64, but JSON itself.
        "result.json" => Some(value.as_bytes().to_vec()),
        _ => STANDARD.decode(value).ok(),
    };
    let json: Option<Value> = bytes.and_then(|b| serde_json::from_slice(&b).ok());
    match json {
        Some(Value::Object(map)) if !map.is_empty() => Value::Object(map),
        Some(Value::Array(list)) if !list.is_empty() && list.iter().all(Value::is_object) => {
            Value::Array(list)
        }
        _ => plain(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(pairs: &[(&str, &str)]) -> Response {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn an_image_is_known_by_its_config() {
        let both = response(&[(DIGEST, "sha256:m"), (CONFIG, "sha256:c")]);
        assert_eq!(image_id(&both), Some("sha256:c"));
        assert_eq!(image_id(&response(&[(DIGEST, "sha256:m")])), Some("sha256:m"));
        assert_eq!(image_id(&response(&[])), None);
    }

    #[test]
    fn metadata_has_json_where_the_response_has_it_in_base64() {
        let descriptor = STANDARD.encode(r#"{"size":3}"#);
        let given = response(&[
            ("containerimage.descriptor", &descriptor),
            ("image.name", "x"),
            ("result.json", r#"[{"a":1}]"#),
            ("empty", "e30="),
        ]);
        let written: Value = serde_json::from_slice(&metadata(&given, &[])).unwrap();
        assert_eq!(written["containerimage.descriptor"]["size"], 3);
        assert_eq!(written["image.name"], "x");
        assert_eq!(written["result.json"][0]["a"], 1);
        assert_eq!(written["empty"], "e30=", "an empty object says nothing");
        assert!(written["buildx.build.warnings"].is_null());
        let warning = Warning { level: 1, short: b"doubt".to_vec(), ..Warning::default() };
        let written: Value = serde_json::from_slice(&metadata(&given, &[warning])).unwrap();
        assert_eq!(written["buildx.build.warnings"], serde_json::json!([{"level": 1, "short": "ZG91YnQ="}]));
    }

    #[test]
    fn a_file_is_replaced_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("iid");
        write(&path, b"old").unwrap();
        write(&path, b"sha256:c").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"sha256:c");
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists() && fs::read_dir(folder.path()).unwrap().next().is_none());
    }
}
