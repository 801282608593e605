//! Other ways for a context to reach an engine than file by file: as a tar that is uploaded, or as an image in a layout that the
//! session offers. What the frontend has to be told for it.
//!
//! Either way the Dockerfile goes its usual way, as the local `dockerfile`, and the engine unpacks what it gets: a step that takes the
//! context's top itself has another content key than in a build from files, because the top folder counts then (`cache/contenthash`
//! scans what was unpacked, and knows nothing of the top of what a client sends).

use std::collections::BTreeMap;

use bollard_buildkit_proto::pb;
use prost::Message as _;

use crate::digest::Digest;

/// How a context reaches an engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Transport {
    /// File by file, as the engine asks: only what some step names and what changed since the last build.
    #[default]
    Files,
    /// One tar, afresh for every build.
    Tar,
    /// An image of one layer, which the engine fetches unless it has seen the same context before.
    Oci,
}

/// What the frontend is told of a context that doesn't come file by file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// Attributes of the frontend.
    pub attrs: BTreeMap<String, String>,
    /// Inputs of the frontend (`SolveRequest.FrontendInputs`).
    pub inputs: BTreeMap<String, pb::Definition>,
}

/// For a tar that the session's upload service gives under `id` (`frontend/dockerui/context.go`, `DetectHTTPContext`).
pub fn tar(id: &str) -> Told {
    let mut told = Told::default();
    told.attrs.insert("context".into(), format!("http://buildkit-session/{id}"));
    dockerfile(&mut told);
    told
}

/// For an image that the content store `store` of the session `session` offers (`client/llb/source.go`, `OCILayout`).
pub fn oci(store: &str, session: &str, image: Digest) -> Told {
    let mut told = Told::default();
    dockerfile(&mut told);
    let attrs = [("oci.session", session), ("oci.store", store)];
    let source = pb::SourceOp {
        identifier: format!("oci-layout://stowaway/context@{image}"),
        attrs: attrs.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    };
    told.inputs.insert("context".into(), definition(source));
    told
}

/// The attribute by which the Dockerfile isn't looked for in the context, but in the local of this name.
pub const DOCKERFILE: (&str, &str) = ("dockerfilekey", "dockerfile");

fn dockerfile(told: &mut Told) {
    told.attrs.insert(DOCKERFILE.0.into(), DOCKERFILE.1.into());
}

/// A graph of one source: its operation, and one that points at it as the result.
fn definition(source: pb::SourceOp) -> pb::Definition {
    let source = pb::Op { op: Some(pb::op::Op::Source(source)), ..pb::Op::default() }.encode_to_vec();
    let digest = Digest::sha256(&source).to_string();
    let result = pb::Op { inputs: vec![pb::Input { digest: digest.clone(), index: 0 }], ..pb::Op::default() };
    let result = result.encode_to_vec();
    let metadata =
        [digest, Digest::sha256(&result).to_string()].map(|digest| (digest, pb::OpMetadata::default()));
    pb::Definition { def: vec![source, result], metadata: metadata.into(), source: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uploaded_tar_is_an_address_of_the_session() {
        let told = tar("abc");
        assert_eq!(told.attrs["context"], "http://buildkit-session/abc");
        assert_eq!(told.attrs["dockerfilekey"], "dockerfile");
        assert!(told.inputs.is_empty());
    }

    #[test]
    fn an_image_is_a_graph_of_one_source() {
        let image = Digest::sha256("manifest");
        let told = oci("store", "session", image);
        assert!(!told.attrs.contains_key("context"), "an address would win over the input");
        let definition = &told.inputs["context"];
        let op = |at: usize| pb::Op::decode(&definition.def[at][..]).unwrap();
        let Some(pb::op::Op::Source(source)) = op(0).op else { panic!("a source") };
        assert_eq!(source.identifier, format!("oci-layout://stowaway/context@{image}"));
        assert_eq!(
            (source.attrs["oci.session"].as_str(), source.attrs["oci.store"].as_str()),
            ("session", "store")
        );
        assert_eq!(op(1).inputs[0].digest, Digest::sha256(&definition.def[0]).to_string());
    }
}
