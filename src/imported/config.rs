//! `application/vnd.buildkit.cacheconfig.v0`: records and the layers that hold their results
//! (`cache/remotecache/v1/types/spec.go`), with the checks that BuildKit makes (`cache/remotecache/v1/parse.go`).

use serde::{Deserialize, Deserializer};

use crate::cache::{Remembered, RememberedLink, RememberedRecord};
use crate::digest::{Algorithm, Digest};

/// A cache's config as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    #[serde(deserialize_with = "or_default")]
    pub layers: Vec<ConfigLayer>,
    #[serde(deserialize_with = "or_default")]
    pub records: Vec<ConfigRecord>,
}

/// A layer. A parent of 0 is left out when it is written, none is -1.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ConfigLayer {
    #[serde(deserialize_with = "or_default")]
    pub blob: String,
    #[serde(deserialize_with = "or_default")]
    pub parent: i64,
    pub annotations: Option<ConfigAnnotations>,
}

/// What caches of `gha`, `s3` and `azblob` say about a layer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ConfigAnnotations {
    #[serde(rename = "mediaType", deserialize_with = "or_default")]
    pub media_type: String,
    #[serde(rename = "diffID", deserialize_with = "or_default")]
    pub diff_id: String,
    pub size: Option<i64>,
    #[serde(rename = "createdAt")]
    pub created_at: Option<String>,
}

/// A record.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ConfigRecord {
    #[serde(deserialize_with = "or_default")]
    pub digest: String,
    #[serde(deserialize_with = "or_default")]
    pub layers: Vec<ConfigResult>,
    #[serde(deserialize_with = "or_default")]
    pub chains: Vec<ConfigChain>,
    #[serde(deserialize_with = "inputs")]
    pub inputs: Vec<Vec<ConfigInput>>,
}

/// A result: a layer with all its parents.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ConfigResult {
    #[serde(deserialize_with = "or_default")]
    pub layer: i64,
    #[serde(rename = "createdAt")]
    pub created_at: Option<String>,
}

/// A result: these layers without their parents.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ConfigChain {
    #[serde(deserialize_with = "or_default")]
    pub layers: Vec<i64>,
    #[serde(rename = "createdAt")]
    pub created_at: Option<String>,
}

/// A way to an input.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ConfigInput {
    #[serde(deserialize_with = "or_default")]
    pub selector: String,
    #[serde(deserialize_with = "or_default")]
    pub link: i64,
}

/// Go reads `null` as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

fn inputs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Vec<ConfigInput>>, D::Error> {
    let inputs = Option::<Vec<Option<Vec<ConfigInput>>>>::deserialize(from)?.unwrap_or_default();
    Ok(inputs.into_iter().map(Option::unwrap_or_default).collect())
}

/// What is wrong with a config, in BuildKit's words where it has some.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is no JSON of that kind.
    #[error("{0}")]
    Json(String),
    /// A link to a record that isn't there.
    #[error("invalid record ID: {0}")]
    Record(i64),
    /// An input without alternatives.
    #[error("invalid empty input for record {0}")]
    EmptyInput(usize),
    /// Records that hang on themselves.
    #[error("invalid looping record")]
    LoopingRecord,
    /// A layer that isn't there.
    #[error("invalid layer index {0}")]
    Layer(i64),
    /// Layers that are their own parents.
    #[error("invalid looping layer")]
    LoopingLayer,
}

impl Config {
    /// Reads a config.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        serde_json::from_slice(bytes).map_err(|e| ConfigError::Json(e.to_string()))
    }

    /// The records, without results.
    pub fn remembered(&self) -> Result<Remembered, ConfigError> {
        let records: Vec<RememberedRecord> =
            self.records.iter().enumerate().map(|(i, r)| self.record(i, r)).collect::<Result<_, _>>()?;
        check_cycles(&records)?;
        Ok(Remembered { records })
    }

    fn record(&self, place: usize, record: &ConfigRecord) -> Result<RememberedRecord, ConfigError> {
        if record.inputs.iter().any(Vec::is_empty) {
            return Err(ConfigError::EmptyInput(place));
        }
        let link = |input: &ConfigInput| {
            let record = usize::try_from(input.link).ok().filter(|r| *r < self.records.len());
            let selector = Some(&input.selector).filter(|s| !s.is_empty()).map(|s| digest(s));
            Ok(RememberedLink { record: record.ok_or(ConfigError::Record(input.link))?, selector })
        };
        let alternatives = |i: &Vec<ConfigInput>| i.iter().map(link).collect::<Result<Vec<_>, _>>();
        Ok(RememberedRecord {
            digest: digest(&record.digest),
            inputs: record.inputs.iter().map(alternatives).collect::<Result<_, _>>()?,
            result: false,
            partial: false,
            stand_in: false,
        })
    }
}

/// BuildKit takes any text for a digest. One that is no SHA-256 can never be looked up: a digest of our own stands for it.
pub(super) fn digest(text: &str) -> Digest {
    sha256(text).unwrap_or_else(|| Digest::blake3(text))
}

/// A digest that BuildKit could have written.
pub(super) fn sha256(text: &str) -> Option<Digest> {
    Digest::parse(text).filter(|d| d.algorithm == Algorithm::Sha256)
}

/// Refuses links that run in a circle: takes away what hangs on nothing (any more) until nothing is left.
fn check_cycles(records: &[RememberedRecord]) -> Result<(), ConfigError> {
    let targets = |r: &RememberedRecord| r.inputs.iter().flatten().map(|l| l.record).collect::<Vec<_>>();
    let mut waits_for: Vec<usize> = Vec::with_capacity(records.len());
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); records.len()];
    for (place, record) in records.iter().enumerate() {
        let targets = targets(record);
        waits_for.push(targets.len());
        targets.into_iter().for_each(|t| users[t].push(place));
    }
    let mut ready: Vec<usize> = (0..records.len()).filter(|r| waits_for[*r] == 0).collect();
    let mut done = 0;
    while let Some(record) = ready.pop() {
        done += 1;
        for user in std::mem::take(&mut users[record]) {
            waits_for[user] -= 1;
            if waits_for[user] == 0 {
                ready.push(user);
            }
        }
    }
    if done == records.len() { Ok(()) } else { Err(ConfigError::LoopingRecord) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn read(records: &str) -> Result<Remembered, ConfigError> {
        Config::parse(format!(r#"{{"records":{records}}}"#).as_bytes())?.remembered()
    }

    #[test]
    fn fields_that_are_left_out_are_empty_or_zero() {
        let config = Config::parse(
            br#"{"layers":[{"blob":"b"},{"parent":-1,"annotations":null}],"records":[{"layers":[{}],"inputs":null}]}"#,
        )
        .unwrap();
        assert_eq!((config.layers[0].parent, config.layers[1].parent), (0, -1));
        assert_eq!((config.records[0].layers[0].layer, config.records[0].inputs.len()), (0, 0));
        assert!(Config::parse(b"{}").unwrap().remembered().unwrap().records.is_empty());
        assert!(Config::parse(b"null").is_err());
    }

    #[test]
    fn links_and_selectors_are_read() {
        let records =
            read(&format!(r#"[{{"digest":"{A}"}},{{"inputs":[[{{"selector":"{A}"}},{{"link":0}}]]}}]"#));
        let links = &records.unwrap().records[1].inputs[0];
        assert_eq!(links[0], RememberedLink { record: 0, selector: Digest::parse(A) });
        assert_eq!(links[1], RememberedLink { record: 0, selector: None });
    }

    #[test]
    fn a_digest_that_is_none_equals_no_digest_of_a_build() {
        let records = read(r#"[{"digest":"sha256:short"},{"digest":"sha256:short"}]"#).unwrap().records;
        assert_eq!(records[0].digest, records[1].digest);
        assert_eq!(records[0].digest.algorithm, Algorithm::Blake3);
    }

    #[test]
    fn hostile_links_are_refused_in_buildkits_words() {
        for (records, want) in [
            (r#"[{"inputs":[[{"link":1}]]}]"#, "invalid record ID: 1"),
            (r#"[{"inputs":[[{"link":-1}]]}]"#, "invalid record ID: -1"),
            (r#"[{"inputs":[[]]}]"#, "invalid empty input for record 0"),
            (r#"[{"inputs":[null]}]"#, "invalid empty input for record 0"),
            (r#"[{"inputs":[[{"link":0}]]}]"#, "invalid looping record"),
            (r#"[{"inputs":[[{"link":1}]]},{"inputs":[[{"link":0}]]}]"#, "invalid looping record"),
        ] {
            assert_eq!(read(records).unwrap_err().to_string(), want, "{records}");
        }
        assert!(read(r#"[{"inputs":[[{"link":1e99}]]}]"#).is_err());
    }

    #[test]
    fn a_long_chain_of_records_needs_no_deep_stack() {
        let links: Vec<String> =
            (1..60_000).map(|i| format!(r#"{{"inputs":[[{{"link":{}}}]]}}"#, i - 1)).collect();
        let records = read(&format!("[{{}},{}]", links.join(","))).unwrap();
        assert_eq!(records.records.len(), 60_000);
    }
}
