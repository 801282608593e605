//! Docker's config.json: the entry that lets the hook be called, and everything else as it was.

use serde_json::{Map, Value, json};

use super::NAME;

/// The commands after which Docker calls the hook when they fail. `docker build` runs as `buildx build`.
const COMMANDS: &str = "build,buildx build";

/// The config with the hook in it.
///
/// # Errors
/// Why it can't be put there, in words.
pub fn with_hook(text: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let mut config = read(text)?;
    let plugin = object(object(&mut config, "plugins")?, NAME)?;
    plugin.insert("error-hooks".to_owned(), json!(COMMANDS));
    let features = object(&mut config, "features")?;
    // Docker calls no hooks at all unless this is set; one who switched it off has the last word.
    if features.get("hooks").is_some_and(|v| v != "true") {
        return Err("\"hooks\" is switched off under \"features\"".to_owned());
    }
    features.insert("hooks".to_owned(), json!("true"));
    Ok(write(&config))
}

/// The config without the hook; `None` where there is none. That hooks may be called at all stays.
///
/// # Errors
/// Why it can't be taken away, in words.
pub fn without_hook(text: Option<&[u8]>) -> Result<Option<Vec<u8>>, String> {
    let mut config = read(text)?;
    let Some(Value::Object(plugins)) = config.get_mut("plugins") else { return Ok(None) };
    let Some(Value::Object(plugin)) = plugins.get_mut(NAME) else { return Ok(None) };
    if plugin.remove("error-hooks").is_none() {
        return Ok(None);
    }
    if plugin.is_empty() {
        plugins.remove(NAME);
    }
    if plugins.is_empty() {
        config.remove("plugins");
    }
    Ok(Some(write(&config)))
}

fn read(text: Option<&[u8]>) -> Result<Map<String, Value>, String> {
    let text = text.unwrap_or_default();
    if text.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(text) {
        Ok(Value::Object(config)) => Ok(config),
        Ok(_) => Err("it holds no JSON object".to_owned()),
        Err(e) => Err(e.to_string()),
    }
}

/// The object under a key, made where there is none.
fn object<'a>(map: &'a mut Map<String, Value>, key: &str) -> Result<&'a mut Map<String, Value>, String> {
    match map.entry(key).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(object) => Ok(object),
        _ => Err(format!("\"{key}\" is no JSON object")),
    }
}

/// As Docker writes it: a tab a level.
fn write(config: &Map<String, Value>) -> Vec<u8> {
    use serde::Serialize as _;
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    // Values that were read can be written, and a vector takes every byte.
    let _ = config.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter));
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHERS: &str = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"eDp5"}},"plugins":{"debug":{"hooks":"exec"}},"big":18446744073709551615,"credsStore":"é"}"#;

    fn value(text: &[u8]) -> Value {
        serde_json::from_slice(text).expect("JSON")
    }

    #[test]
    fn the_hook_is_added_and_taken_away_and_the_rest_stays() {
        let with = with_hook(Some(OTHERS.as_bytes())).expect("a config");
        let mut wanted = value(OTHERS.as_bytes());
        wanted["plugins"][NAME] = json!({"error-hooks": COMMANDS});
        wanted["features"] = json!({"hooks": "true"});
        assert_eq!(value(&with), wanted);
        assert_eq!(with_hook(Some(&with)).as_deref(), Ok(with.as_slice()), "twice is once");
        let without = without_hook(Some(&with)).expect("a config").expect("a change");
        let mut wanted = value(OTHERS.as_bytes());
        wanted["features"] = json!({"hooks": "true"});
        assert_eq!(value(&without), wanted);
        assert_eq!(without_hook(Some(&without)), Ok(None));
    }

    #[test]
    fn without_a_config_one_is_made() {
        let made = with_hook(None).expect("a config");
        assert_eq!(
            String::from_utf8_lossy(&made),
            "{\n\t\"features\": {\n\t\t\"hooks\": \"true\"\n\t},\n\t\"plugins\": {\n\t\t\"stowaway\": {\n\t\t\t\"error-hooks\": \"build,buildx build\"\n\t\t}\n\t}\n}\n"
        );
        assert_eq!(without_hook(None), Ok(None));
    }

    #[test]
    fn a_config_that_is_not_understood_is_left_alone() {
        for text in [
            "[]",
            "{",
            "\u{feff}{}",
            r#"{"plugins":[]}"#,
            r#"{"plugins":{"stowaway":1}}"#,
            r#"{"features":{"hooks":"false"}}"#,
        ] {
            assert!(with_hook(Some(text.as_bytes())).is_err(), "{text}");
        }
    }
}
