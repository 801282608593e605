//! The error that an engine gives back → why the build failed, with the lines of the Dockerfile.
//!
//! BuildKit puts what it knows beside the words into the status (util/grpcerrors): each detail is a JSON document in an `Any`.

use bollard_buildkit_proto::google::rpc;
use prost::Message as _;
use serde::Deserialize;
use tonic::{Code, Status};

use crate::progress::{Failure, Place};

/// Names of the details' types (solver/errdefs); engines put paths of their own before them.
const SOURCE: &str = "errdefs.Source+json";
const VERTEX: &str = "errdefs.Vertex+json";

#[derive(Deserialize)]
struct VertexDetail {
    digest: String,
}

/// Why a solve failed, in the words that docker uses.
pub fn failure(status: &Status) -> Failure {
    let message = format!("failed to build: failed to solve: {}", words(status));
    let mut failure = Failure { message, ..Failure::default() };
    // Details that can't be read only help; the words stand for themselves.
    let details = rpc::Status::decode(status.details()).map(|status| status.details).unwrap_or_default();
    for detail in details {
        if detail.type_url.ends_with(SOURCE) {
            failure.places.extend(serde_json::from_slice::<Place>(&detail.value));
        } else if detail.type_url.ends_with(VERTEX) {
            let vertex = serde_json::from_slice::<VertexDetail>(&detail.value);
            failure.vertex = vertex.ok().map(|v| v.digest).or(failure.vertex);
        }
    }
    failure
}

/// A status as BuildKit's client writes it: the code stands before the message where it says something.
fn words(status: &Status) -> String {
    match status.code() {
        Code::Ok | Code::Unknown => status.message().to_owned(),
        Code::Cancelled => format!("Canceled: {}", status.message()),
        code => format!("{code:?}: {}", status.message()),
    }
}

#[cfg(test)]
mod tests {
    use bollard_buildkit_proto::google::protobuf::Any;

    use super::*;

    fn status(code: Code, details: &[(&str, &str)]) -> Status {
        let any = |(url, json): &(&str, &str)| Any { type_url: (*url).to_owned(), value: (*json).into() };
        let details = details.iter().map(any).collect();
        let inner = rpc::Status { code: code as i32, message: "no".to_owned(), details };
        Status::with_details(code, "no", inner.encode_to_vec().into())
    }

    #[test]
    fn lines_of_the_dockerfile_come_from_the_details() {
        let source = r#"{"info":{"filename":"Dockerfile","data":"RlJPTSB4Cg=="},"ranges":[{"start":{"line":1},"end":{"line":1}}]}"#;
        let failure = failure(&status(
            Code::Unknown,
            &[
                ("github.com/moby/buildkit/stack.Stack+json", "{}"),
                ("github.com/moby/buildkit/errdefs.Source+json", source),
                ("github.com/moby/buildkit/errdefs.Vertex+json", r#"{"digest":"sha256:a"}"#),
                ("github.com/moby/buildkit/errdefs.Source+json", "no json"),
            ],
        ));
        assert_eq!(failure.vertex.as_deref(), Some("sha256:a"));
        assert_eq!(
            failure.text(),
            "Dockerfile:1\n--------------------\n   1 | >>> FROM x\n   2 |     \n--------------------\nERROR: failed to build: failed to solve: no\n"
        );
    }

    #[test]
    fn a_code_that_says_something_stands_before_the_message() {
        let message = |code| failure(&status(code, &[])).message;
        assert_eq!(message(Code::Cancelled), "failed to build: failed to solve: Canceled: no");
        assert_eq!(
            message(Code::ResourceExhausted),
            "failed to build: failed to solve: ResourceExhausted: no"
        );
        let torn = Status::with_details(Code::Unknown, "no", bytes::Bytes::from_static(b"\xff\xff"));
        assert_eq!(failure(&torn).places, []);
    }
}
