//! What the engine's history has on a build's provenance, for the metadata file (buildx `build/provenance.go`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard_buildkit_proto::moby::buildkit::v1::{
    BuildHistoryRecord, BuildHistoryRequest, BuildResultInfo, Descriptor,
};
use http::uri::PathAndQuery;
use serde_json::{Map, Value, json};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use super::options::boolean;
use super::run::Response;
use crate::engine::Engine;

/// The key in the metadata; for several platforms `/` and the platform follow.
const KEY: &str = "buildx.build.provenance";
/// A provenance that is longer is none.
const LONGEST: i64 = 64 << 20;

/// How much of it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Disabled,
    /// Without the steps and without what changes from build to build.
    Min,
    /// All of it.
    Max,
}

impl Mode {
    /// The value of `BUILDX_METADATA_PROVENANCE`; what isn't understood is the same as nothing said.
    pub fn parse(value: Option<&str>) -> Self {
        match value.unwrap_or_default() {
            "max" => Self::Max,
            "disabled" => Self::Disabled,
            other if boolean(other) == Some(false) => Self::Disabled,
            _ => Self::Min,
        }
    }
}

/// The entries for the metadata file; none from an engine that keeps no history.
///
/// # Errors
/// What the engine says.
pub async fn of_build(engine: &Engine, reference: &str, mode: Mode) -> Result<Response, Status> {
    let mut found = Response::new();
    if mode == Mode::Disabled {
        return Ok(found);
    }
    let asked = BuildHistoryRequest { r#ref: reference.into(), early_exit: true, ..Default::default() };
    let mut events = match engine.control().listen_build_history(asked).await {
        Ok(events) => events.into_inner(),
        Err(status) if status.code() == Code::Unimplemented => return Ok(found),
        Err(status) => return Err(status),
    };
    let mut wanted = BTreeMap::new();
    loop {
        match events.message().await {
            Ok(Some(event)) => wanted.extend(event.record.iter().flat_map(of_record)),
            Ok(None) => break,
            Err(status) if status.code() == Code::Unimplemented => break,
            Err(status) => return Err(status),
        }
    }
    for (key, (descriptor, first)) in wanted {
        let bytes = blob(engine, &descriptor).await?;
        let predicate: Value = serde_json::from_slice(&bytes).map_err(|e| {
            Status::data_loss(format!("the provenance in the build's record is no JSON: {e}"))
        })?;
        let predicate = if first { of_version_1(&predicate) } else { predicate };
        found.insert(key, STANDARD.encode(reduced(predicate, mode).to_string()));
    }
    Ok(found)
}

type Wanted = (String, (Descriptor, bool));

/// The provenances of a record, each with its key and whether it is of version 1.
fn of_record(record: &BuildHistoryRecord) -> Vec<Wanted> {
    let one = |key: String, result: &BuildResultInfo| Some((key, provenance(result)?));
    match &record.result {
        Some(result) => one(KEY.into(), result).into_iter().collect(),
        None => record.results.iter().filter_map(|(p, result)| one(format!("{KEY}/{p}"), result)).collect(),
    }
}

fn provenance(result: &BuildResultInfo) -> Option<(Descriptor, bool)> {
    result.attestations.iter().find_map(|a| {
        let kind = a.annotations.get("in-toto.io/predicate-type")?;
        let is = a.media_type == "application/vnd.in-toto+json"
            && kind.starts_with("https://slsa.dev/provenance/");
        is.then(|| (a.clone(), kind == "https://slsa.dev/provenance/v1"))
    })
}

/// Version 1 as version 0.2, which the metadata file has always had (`solver/llbsolver/provenance/types`, `ConvertToSLSA02`).
fn of_version_1(predicate: &Value) -> Value {
    let (definition, run) = (&predicate["buildDefinition"], &predicate["runDetails"]);
    let (external, internal) = (&definition["externalParameters"], &definition["internalParameters"]);
    let mut out = Map::new();
    out.insert("builder".into(), json!({"id": run["builder"]["id"].as_str().unwrap_or_default()}));
    out.insert("buildType".into(), json!("https://mobyproject.org/buildkit@v1"));
    if let Some(all) = definition["resolvedDependencies"].as_array() {
        let material = |m: &Value| present(&[("uri", &m["uri"]), ("digest", &m["digest"])]);
        out.insert("materials".into(), all.iter().map(material).collect());
    }
    let source = &external["configSource"];
    let source =
        present(&[("uri", &source["uri"]), ("digest", &source["digest"]), ("entryPoint", &source["path"])]);
    let request = Some(external["request"].clone()).filter(Value::is_object).unwrap_or_else(|| json!({}));
    let platform = internal["builderPlatform"].as_str().unwrap_or_default();
    out.insert(
        "invocation".into(),
        json!({"configSource": source, "parameters": request, "environment": {"platform": platform}}),
    );
    if internal["buildConfig"].is_object() {
        out.insert("buildConfig".into(), internal["buildConfig"].clone());
    }
    if run["metadata"].is_object() {
        out.insert("metadata".into(), metadata(&run["metadata"]));
    }
    Value::Object(out)
}

/// What version 0.2 calls the metadata of a run.
fn metadata(of: &Value) -> Value {
    let yes = |value: &Value| value.as_bool().unwrap_or(false);
    let complete = &of["buildkit_completeness"];
    let mut out = present(&[
        ("buildInvocationID", &of["invocationId"]),
        ("buildStartedOn", &of["startedOn"]),
        ("buildFinishedOn", &of["finishedOn"]),
        ("https://mobyproject.org/buildkit@v1#metadata", &of["buildkit_metadata"]),
    ]);
    out["completeness"] = json!({
        "parameters": yes(&complete["request"]),
        "environment": true,
        "materials": yes(&complete["resolvedDependencies"]),
    });
    out["reproducible"] = json!(yes(&of["buildkit_reproducible"]));
    if yes(&of["buildkit_hermetic"]) {
        out["https://mobyproject.org/buildkit@v1#hermetic"] = json!(true);
    }
    out
}

fn present(fields: &[(&str, &Value)]) -> Value {
    let there = fields.iter().filter(|(_, value)| !value.is_null());
    Value::Object(there.map(|(key, value)| ((*key).to_owned(), (*value).clone())).collect())
}

fn reduced(mut predicate: Value, mode: Mode) -> Value {
    if let (Mode::Min, Some(fields)) = (mode, predicate.as_object_mut()) {
        fields.remove("buildConfig");
        fields.remove("metadata");
    }
    predicate
}

#[derive(Clone, PartialEq, prost::Message)]
struct ReadRequest {
    #[prost(string, tag = "1")]
    digest: String,
    #[prost(int64, tag = "2")]
    offset: i64,
    #[prost(int64, tag = "3")]
    size: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ReadResponse {
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
}

/// A blob of the engine's (`containerd.services.content.v1`).
async fn blob(engine: &Engine, of: &Descriptor) -> Result<Vec<u8>, Status> {
    if !(0..=LONGEST).contains(&of.size) {
        return Err(Status::resource_exhausted("the provenance in the build's record is too long"));
    }
    let mut grpc = engine.calls();
    grpc.ready().await.map_err(|e| Status::unavailable(e.to_string()))?;
    let request = ReadRequest { digest: of.digest.clone(), offset: 0, size: of.size };
    let codec = ProstCodec::<ReadRequest, ReadResponse>::default();
    let path = PathAndQuery::from_static("/containerd.services.content.v1.Content/Read");
    let mut parts = grpc.server_streaming(tonic::Request::new(request), path, codec).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(part) = parts.message().await? {
        bytes.extend_from_slice(&part.data);
        if bytes.len() as i64 > of.size {
            return Err(Status::data_loss("the provenance in the build's record has no end"));
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_says_how_much_is_wanted() {
        for (value, mode) in [
            (None, Mode::Min),
            (Some("min"), Mode::Min),
            (Some("max"), Mode::Max),
            (Some("disabled"), Mode::Disabled),
            (Some("false"), Mode::Disabled),
            (Some("true"), Mode::Min),
            (Some("MAX"), Mode::Min),
        ] {
            assert_eq!(Mode::parse(value), mode, "{value:?}");
        }
    }

    fn descriptor(kind: &str, digest: &str) -> Descriptor {
        Descriptor {
            media_type: "application/vnd.in-toto+json".into(),
            digest: digest.into(),
            size: 1,
            annotations: [("in-toto.io/predicate-type".to_owned(), kind.to_owned())].into(),
        }
    }

    #[test]
    fn a_record_has_one_provenance_or_one_for_each_platform() {
        let result = BuildResultInfo {
            attestations: vec![
                descriptor("https://spdx.dev/Document", "a"),
                descriptor("https://slsa.dev/provenance/v0.2", "b"),
            ],
            ..Default::default()
        };
        let keys = |record: &BuildHistoryRecord| {
            let all = of_record(record).into_iter();
            all.map(|(key, (descriptor, first))| (key, descriptor.digest, first)).collect::<Vec<_>>()
        };
        let one = BuildHistoryRecord { result: Some(result.clone()), ..Default::default() };
        assert_eq!(keys(&one), [(KEY.to_owned(), "b".to_owned(), false)]);
        let first = BuildResultInfo {
            attestations: vec![descriptor("https://slsa.dev/provenance/v1", "c")],
            ..Default::default()
        };
        let two =
            BuildHistoryRecord { results: [("linux/amd64".to_owned(), first)].into(), ..Default::default() };
        assert_eq!(keys(&two), [(format!("{KEY}/linux/amd64"), "c".to_owned(), true)]);
        assert!(keys(&BuildHistoryRecord::default()).is_empty());
    }

    #[test]
    fn version_1_is_told_as_version_0_2() {
        let predicate = json!({
            "buildDefinition": {
                "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
                "externalParameters": {"configSource": {"path": "Dockerfile"}, "request": {"frontend": "dockerfile.v0"}},
                "internalParameters": {"builderPlatform": "linux/amd64", "buildConfig": {"llbDefinition": []}},
                "resolvedDependencies": [{"uri": "pkg:docker/a", "digest": {"sha256": "1"}}],
            },
            "runDetails": {"builder": {"id": "x"}, "metadata": {
                "invocationId": "i", "startedOn": "s", "finishedOn": "f", "buildkit_metadata": {"vcs": {"revision": "r"}},
                "buildkit_completeness": {"request": true, "resolvedDependencies": false},
            }},
        });
        let told = of_version_1(&predicate);
        let want = json!({
            "builder": {"id": "x"},
            "buildType": "https://mobyproject.org/buildkit@v1",
            "materials": [{"uri": "pkg:docker/a", "digest": {"sha256": "1"}}],
            "invocation": {
                "configSource": {"entryPoint": "Dockerfile"},
                "parameters": {"frontend": "dockerfile.v0"},
                "environment": {"platform": "linux/amd64"},
            },
        });
        assert_eq!(reduced(told.clone(), Mode::Min), want);
        let metadata = &reduced(told, Mode::Max)["metadata"];
        assert_eq!(
            metadata["completeness"],
            json!({"parameters": true, "environment": true, "materials": false})
        );
        assert_eq!(metadata["https://mobyproject.org/buildkit@v1#metadata"]["vcs"]["revision"], "r");
    }
}
