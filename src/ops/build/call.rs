//! `--call` and `--check`: the frontend is asked something in place of building. Its answer stands in the metadata of a result, which an engine gives to
//! whoever runs the frontend through `LLBBridge` (`frontend/gateway/forwarder.go`, `client/build.go`).

use std::sync::Arc;

use bollard_buildkit_proto::moby::buildkit::v1::SolveRequest;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_client::LlbBridgeClient;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::{
    Result as FrontendResult, ReturnRequest, SolveRequest as FrontendRequest,
};
use tonic::Request;
use tonic::metadata::MetadataValue;

use super::options::Call;
use super::run::{Failure, Interrupt, Response, serve};
use crate::engine::{Engine, Grpc};
use crate::error::Error;
use crate::session::Session;

/// Which build a call to the frontend belongs to (`client/buildid`).
const BUILD: &str = "buildkit-controlapi-buildid";

/// Asks the frontend. `request` is what a build would be asked for with.
///
/// # Errors
/// [`Failure`]
pub async fn ask(
    engine: &Engine,
    session: Arc<Session>,
    request: SolveRequest,
    interrupt: &Interrupt,
) -> Result<Response, Failure> {
    let serving = serve(engine, &session).await.map_err(Failure::Before)?;
    let answer = tokio::select! {
        answer = converse(engine, request) => answer,
        () = interrupt.received() => Err(Failure::Interrupted),
    };
    serving.abort();
    answer
}

/// A build without a frontend of its own stays open for calls until it is told what to return.
async fn converse(engine: &Engine, request: SolveRequest) -> Result<Response, Failure> {
    let mut bridge = engine.bridge();
    let reference = request.r#ref.clone();
    let asked = FrontendRequest {
        frontend: request.frontend.clone(),
        frontend_opt: request.frontend_attrs.clone(),
        frontend_inputs: request.frontend_inputs.clone(),
        allow_result_return: true,
        allow_result_array_ref: true,
        ..FrontendRequest::default()
    };
    let open = SolveRequest { frontend: String::new(), exporters: Vec::new(), ..request };
    let mut control = engine.control();
    let solving = control.solve(open);
    tokio::pin!(solving);
    let call = of_build(asked, &reference)?;
    let answered = tokio::select! {
        answered = bridge.solve(call) => answered,
        // It ends only when something is wrong with it.
        Err(status) = &mut solving => return Err(Failure::Solve(Box::new(status))),
    };
    let metadata = match answered {
        Ok(answer) => answer.into_inner().result.map(|r| r.metadata).unwrap_or_default(),
        Err(status) => return Err(Failure::Solve(Box::new(status))),
    };
    end(&mut bridge, &reference).await?;
    // What becomes of the empty result is of no interest.
    let _ = solving.await;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(metadata.into_iter().map(|(key, value)| (key, text(value))).collect())
}

/// Ends the build with nothing.
async fn end(bridge: &mut LlbBridgeClient<Grpc>, reference: &str) -> Result<(), Failure> {
    let nothing = ReturnRequest { result: Some(FrontendResult::default()), ..ReturnRequest::default() };
    let ended = bridge.r#return(of_build(nothing, reference)?).await;
    ended.map(drop).map_err(|status| Failure::Solve(Box::new(status)))
}

fn of_build<T>(message: T, reference: &str) -> Result<Request<T>, Failure> {
    let mut request = Request::new(message);
    let id = MetadataValue::try_from(reference);
    let id = id.map_err(|e| Failure::Before(Error::Usage { message: e.to_string(), hint: None }))?;
    request.metadata_mut().insert(BUILD, id);
    Ok(request)
}

/// What the frontend answered, for standard output, and the exit status that it asks for (buildx `commands/build.go`, `printResult`).
pub fn answer(call: &Call, response: &Response) -> (String, u8) {
    let field = |key: &str| response.get(key).map(String::as_str).unwrap_or_default();
    let json: serde_json::Value = serde_json::from_str(field("result.json")).unwrap_or_default();
    let mut text = String::new();
    if call.json {
        text.push_str(field("result.json"));
        text.push('\n');
    } else {
        let warnings = json["warnings"].as_array().map_or(0, Vec::len);
        match (call.name.as_str(), warnings) {
            ("lint", 0) if json["buildError"].is_null() => {
                text.push_str("Check complete, no warnings found.\n")
            }
            ("lint", 0) => {}
            ("lint", 1) => text.push_str("Check complete, 1 warning has been found!\n"),
            ("lint", n) => text.push_str(&format!("Check complete, {n} warnings have been found!\n")),
            _ => {}
        }
        if call.name != "lint" || warnings > 0 || !json["buildError"].is_null() {
            text.push_str(field("result.txt"));
        }
    }
    let status = field("result.statuscode").parse().unwrap_or(0);
    (text, if call.ignore_status { 0 } else { status })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, json: &str, code: &str) -> (String, u8) {
        let call = Call { name: name.into(), json: false, ignore_status: false };
        let pairs = [("result.json", json), ("result.txt", "text\n"), ("result.statuscode", code)];
        answer(&call, &pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into())
    }

    #[test]
    fn a_check_says_how_much_was_found() {
        assert_eq!(told("lint", "{}", ""), ("Check complete, no warnings found.\n".into(), 0));
        let one = told("lint", r#"{"warnings":[{}]}"#, "1");
        assert_eq!(one, ("Check complete, 1 warning has been found!\ntext\n".into(), 1));
    }

    #[test]
    fn other_methods_say_what_the_frontend_says() {
        assert_eq!(told("outline", "{}", ""), ("text\n".into(), 0));
    }

    #[test]
    fn json_is_passed_on() {
        let call = Call { name: "lint".into(), json: true, ignore_status: true };
        let response = [("result.json", "{}"), ("result.statuscode", "1")];
        let response = response.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(answer(&call, &response), ("{}\n".into(), 0));
    }
}
