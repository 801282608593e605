//! Image configs: the OCI one, and what `docker image inspect` prints.

use std::path::Path;

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Defaults, Healthcheck, ImageConfig, ImageError, Platform};
use crate::digest::Digest;

/// Reads an OCI or Docker image config.
pub(super) fn parse_config(json: &Value, path: &Path) -> Result<ImageConfig, ImageError> {
    let config = field(json, "config");
    let history = field(json, "history").and_then(Value::as_array);
    let rootfs = field(json, "rootfs");
    let run = run_config(config, text(json, "author"));
    Ok(ImageConfig {
        platform: Platform {
            os: text(json, "os"),
            architecture: text(json, "architecture"),
            variant: text(json, "variant"),
            os_version: text(json, "os.version"),
            os_features: texts(field(json, "os.features")),
        },
        diff_ids: digests(rootfs.and_then(|r| field(r, "diff_ids")), path)?,
        has_nonempty_history: history.is_some_and(|h| h.iter().any(|e| !truth(e, "empty_layer"))),
        ..run
    })
}

/// Reads what `docker image inspect` prints for one image.
pub(super) fn parse_inspect(json: &Value, path: &Path) -> Result<ImageConfig, ImageError> {
    let layers = field(json, "RootFS").and_then(|r| field(r, "Layers"));
    let diff_ids = digests(layers, path)?;
    Ok(ImageConfig {
        platform: Platform {
            os: text(json, "Os"),
            architecture: text(json, "Architecture"),
            variant: text(json, "Variant"),
            os_version: text(json, "OsVersion"),
            os_features: Vec::new(),
        },
        // It doesn't print the history; an image without layers then counts as scratch.
        has_nonempty_history: !diff_ids.is_empty(),
        diff_ids,
        ..run_config(field(json, "Config"), text(json, "Author"))
    })
}

/// A file that is one or the other: a config, or the output of `docker image inspect` for one image. The digests are those
/// that the latter names for its repositories.
pub(super) fn parse_either(bytes: &[u8], path: &Path) -> Result<(ImageConfig, Vec<Digest>), ImageError> {
    let wrong = |why: &str| ImageError::Format { path: path.into(), why: why.into() };
    let json: Value = serde_json::from_slice(bytes)
        .map_err(|e| ImageError::Format { path: path.into(), why: e.to_string() })?;
    let json = match json {
        Value::Array(images) => {
            let count = images.len();
            let one = images.into_iter().next().filter(|_| count == 1);
            one.ok_or_else(|| wrong("expected what `docker image inspect` prints for one image"))?
        }
        other => other,
    };
    if field_exact(&json, "RootFS").is_some() {
        let digests = texts(field(&json, "RepoDigests"));
        let digests = digests.iter().filter_map(|d| Digest::parse(d.split_once('@')?.1)).collect();
        return Ok((parse_inspect(&json, path)?, digests));
    }
    if field(&json, "rootfs").is_none() {
        return Err(wrong("neither an image config (no `rootfs`) nor the output of `docker image inspect`"));
    }
    Ok((parse_config(&json, path)?, Vec::new()))
}

fn run_config(config: Option<&Value>, author: String) -> ImageConfig {
    let Some(config) = config else {
        return ImageConfig {
            defaults: Defaults { author, ..Defaults::default() },
            ..ImageConfig::default()
        };
    };
    ImageConfig {
        env: texts(field(config, "Env")),
        user: text(config, "User"),
        working_dir: text(config, "WorkingDir"),
        shell: texts(field(config, "Shell")),
        onbuild: texts(field(config, "OnBuild")),
        defaults: defaults(config, author),
        ..ImageConfig::default()
    }
}

fn defaults(config: &Value, author: String) -> Defaults {
    let labels = field(config, "Labels").and_then(Value::as_object);
    let label = |(k, v): (&String, &Value)| (k.clone(), v.as_str().unwrap_or_default().to_owned());
    let keys = |name: &str| -> BTreeSet<String> {
        field(config, name).and_then(Value::as_object).into_iter().flat_map(|o| o.keys().cloned()).collect()
    };
    Defaults {
        cmd: texts(field(config, "Cmd")),
        entrypoint: texts(field(config, "Entrypoint")),
        labels: labels.into_iter().flatten().map(label).collect(),
        ports: keys("ExposedPorts"),
        volumes: keys("Volumes"),
        stop_signal: text(config, "StopSignal"),
        healthcheck: field(config, "Healthcheck").filter(|h| h.is_object()).map(healthcheck),
        author,
    }
}

fn healthcheck(json: &Value) -> Healthcheck {
    let number = |name| field(json, name).and_then(Value::as_i64).unwrap_or_default();
    Healthcheck {
        test: texts(field(json, "Test")),
        interval: number("Interval"),
        timeout: number("Timeout"),
        start_period: number("StartPeriod"),
        start_interval: number("StartInterval"),
        retries: number("Retries"),
    }
}

fn field_exact<'j>(json: &'j Value, name: &str) -> Option<&'j Value> {
    json.as_object()?.get(name)
}

/// As Go's decoder finds it: the exact name first, then any case.
fn field<'j>(json: &'j Value, name: &str) -> Option<&'j Value> {
    let object = json.as_object()?;
    object.get(name).or_else(|| object.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

fn text(json: &Value, name: &str) -> String {
    field(json, name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn truth(json: &Value, name: &str) -> bool {
    field(json, name).and_then(Value::as_bool).unwrap_or(false)
}

fn texts(json: Option<&Value>) -> Vec<String> {
    let list = json.and_then(Value::as_array);
    list.into_iter().flatten().map(|v| v.as_str().unwrap_or_default().to_owned()).collect()
}

fn digests(json: Option<&Value>, path: &Path) -> Result<Vec<Digest>, ImageError> {
    let parse = |text: String| {
        let why = || ImageError::Format { path: path.into(), why: format!("{text:?} is no sha256 digest") };
        Digest::parse(&text).ok_or_else(why)
    };
    texts(json).into_iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn read(json: &str) -> Result<(ImageConfig, Vec<Digest>), String> {
        parse_either(json.as_bytes(), Path::new("c.json")).map_err(|e| e.to_string())
    }

    #[test]
    fn a_config_is_read() {
        let json = format!(
            r#"{{"architecture":"arm64","os":"linux","variant":"v8","author":"me","config":{{"Env":["A=1"],"User":"u","WorkingDir":"/w",
            "Cmd":["x"],"Entrypoint":null,"Labels":{{"l":"1"}},"ExposedPorts":{{"80/tcp":{{}}}},"Volumes":{{"/v":{{}}}},"StopSignal":"9",
            "Healthcheck":{{"Test":["CMD","y"],"Interval":5000000000,"Retries":2}},
            "Shell":["/bin/ash"],"OnBuild":["RUN x"]}},"rootfs":{{"type":"layers","diff_ids":["{DIFF}"]}},
            "history":[{{"empty_layer":true}},{{}}]}}"#
        );
        let (config, _) = read(&json).unwrap();
        assert_eq!((config.platform.variant.as_str(), config.user.as_str()), ("v8", "u"));
        assert_eq!((config.env, config.shell), (vec!["A=1".to_owned()], vec!["/bin/ash".to_owned()]));
        assert_eq!((config.onbuild.len(), config.diff_ids.len(), config.has_nonempty_history), (1, 1, true));
        let test = vec!["CMD".to_owned(), "y".to_owned()];
        let healthcheck = Healthcheck { test, interval: 5_000_000_000, retries: 2, ..Healthcheck::default() };
        let want = Defaults {
            cmd: vec!["x".into()],
            entrypoint: Vec::new(),
            labels: [("l".to_owned(), "1".to_owned())].into(),
            ports: ["80/tcp".to_owned()].into(),
            volumes: ["/v".to_owned()].into(),
            stop_signal: "9".into(),
            healthcheck: Some(healthcheck),
            author: "me".into(),
        };
        assert_eq!(config.defaults, want);
    }

    #[test]
    fn inspect_output_is_read() {
        let json = format!(
            r#"[{{"RepoDigests":["alpine@{DIFF}"],"Architecture":"amd64","Os":"linux",
            "Config":{{"Env":null,"WorkingDir":"/x"}},"RootFS":{{"Type":"layers","Layers":["{DIFF}"]}}}}]"#
        );
        let (config, digests) = read(&json).unwrap();
        assert_eq!((config.working_dir.as_str(), config.diff_ids.len(), digests.len()), ("/x", 1, 1));
        assert!(config.env.is_empty() && config.has_nonempty_history);
    }

    #[test]
    fn what_is_no_config_says_so() {
        assert!(read("[]").unwrap_err().contains("docker image inspect"));
        assert!(read("{}").unwrap_err().contains("neither"));
        assert!(read("x").unwrap_err().starts_with("reading c.json: "));
        assert!(read(r#"{"rootfs":{"diff_ids":["md5:1"]}}"#).unwrap_err().contains("no sha256 digest"));
    }
}
