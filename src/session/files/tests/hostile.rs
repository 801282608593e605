//! Engines that break the rules, or break off.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tonic::Code;

use super::super::Local;
use super::receiver::{Engine, engine, engine_with};
use crate::context::{Context, ContextOptions};
use crate::observer::Silent;
use crate::session::packet::Kind;

fn context(root: &Path) -> Local {
    Local::context(Arc::new(Context::load(root, None, &ContextOptions::default(), &Silent).unwrap()))
}

/// A context of `d`, `d/f` and `l`.
async fn small() -> (tempfile::TempDir, Engine) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("d/f"), "content").unwrap();
    std::os::unix::fs::symlink("d/f", dir.path().join("l")).unwrap();
    let local = context(dir.path());
    (dir, engine(vec![("context", local)]).await)
}

const CONTEXT: &[(&str, &[u8])] = &[("dir-name", b"context")];

#[tokio::test]
async fn a_local_that_is_not_offered_is_refused_by_name() {
    let (_dir, mut engine) = small().await;
    for name in [&b"other"[..], b"", b"../context", b"/etc"] {
        let error = engine.receive(&[("dir-name", name)]).await.unwrap_err();
        let name = String::from_utf8_lossy(name);
        assert_eq!(
            (error.code(), error.message()),
            (Code::NotFound, &*format!("no access allowed to dir \"{name}\""))
        );
    }
}

#[tokio::test]
async fn ids_without_content_end_the_transfer() {
    let (_dir, mut engine) = small().await;
    // A folder, a link, what wasn't listed.
    for id in [0, 2, 3, u32::MAX] {
        let mut call = engine.call(CONTEXT).await.unwrap();
        while call.next().await.unwrap().unwrap().stat.is_some() {}
        call.ask(Kind::Req, id);
        let error = call.next().await.unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::Unknown, &*format!("invalid file id {id}")));
    }
    let last = engine.events().pop().unwrap();
    assert_eq!(last, "context ended 3 0 0 Some(\"invalid file id 4294967295\")");
}

#[tokio::test]
async fn a_file_is_given_once() {
    let (_dir, mut engine) = small().await;
    let mut call = engine.call(CONTEXT).await.unwrap();
    while call.next().await.unwrap().unwrap().stat.is_some() {}
    call.ask(Kind::Req, 1);
    assert_eq!(&call.next().await.unwrap().unwrap().data[..], b"content");
    call.ask(Kind::Req, 1);
    let error = loop {
        match call.next().await {
            Ok(packet) => assert!(packet.unwrap().data.is_empty()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.message(), "invalid file id 1");
}

#[tokio::test]
async fn messages_that_are_too_big_or_none_are_refused() {
    let (_dir, mut engine) = small().await;
    let mut call = engine.call(CONTEXT).await.unwrap();
    call.raw(&[0, 0x7f, 0xff, 0xff, 0xff]);
    let error = loop {
        if let Err(error) = call.next().await {
            break error;
        }
    };
    assert_eq!(error.code(), Code::OutOfRange);
    assert!(error.message().contains("too large"), "{error}");
    let mut call = engine.call(CONTEXT).await.unwrap();
    call.raw(&[0, 0, 0, 0, 2, 0xff, 0xff]);
    let error = loop {
        if let Err(error) = call.next().await {
            break error;
        }
    };
    assert!(error.message().starts_with("failed to unmarshal a packet: "), "{error}");
}

#[tokio::test]
async fn an_engine_that_reports_an_error_or_stops_asking_ends_the_transfer() {
    let (_dir, mut engine) = small().await;
    let mut call = engine.call(CONTEXT).await.unwrap();
    let mut frame = Vec::new();
    crate::session::packet::put_error(&mut frame, "disk full");
    call.raw(&frame);
    let error = loop {
        if let Err(error) = call.next().await {
            break error;
        }
    };
    assert_eq!(error.message(), "error from receiver: disk full");
    let call = engine.call(CONTEXT).await.unwrap();
    let (requests, mut packets) = (call.requests, call.packets);
    drop(requests);
    let error = loop {
        if let Err(error) = packets.message().await {
            break error;
        }
    };
    assert!(error.message().starts_with("EOF"), "{error}");
}

#[tokio::test]
async fn patterns_that_lead_outside_bring_nothing() {
    let (dir, mut engine) = small().await;
    fs::write(dir.path().parent().unwrap().join("stowaway-outside"), "").ok();
    let outside: [&[u8]; 5] = [b"../stowaway-outside", b"..", b"../*", b"/../../etc/passwd", b"d/../../x"];
    for path in outside {
        for key in ["followpaths", "include-patterns"] {
            let tree = engine.receive(&[("dir-name", b"context"), (key, path)]).await.unwrap();
            assert_eq!(tree.paths(), [""; 0], "{key} {path:?}");
        }
    }
    fs::remove_file(dir.path().parent().unwrap().join("stowaway-outside")).ok();
}

#[tokio::test]
async fn patterns_that_are_none_are_told_as_buildkits_client_tells_them() {
    let (_dir, mut engine) = small().await;
    let error = engine.receive(&[("dir-name", b"context"), ("exclude-patterns", b"[")]).await.unwrap_err();
    assert_eq!(error.message(), "invalid excludepatterns: [[]: syntax error in pattern");
    let error = engine.receive(&[("dir-name", b"context"), ("include-patterns", b"!")]).await.unwrap_err();
    assert_eq!(error.message(), "invalid includepatterns: [!]: illegal exclusion pattern: \"!\"");
    let error = engine.receive(&[("dir-name", b"context"), ("exclude-patterns", b"a*[")]).await.unwrap_err();
    assert_eq!(
        error.message(),
        "error from sender: failed to match excludepatterns: syntax error in pattern"
    );
}

#[tokio::test]
async fn an_engine_that_breaks_off_ends_the_transfer() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..8 {
        fs::write(dir.path().join(format!("f{i}")), vec![0; 4 << 20]).unwrap();
    }
    let local = context(dir.path());
    let mut engine = engine(vec![("context", local)]).await;
    let mut call = engine.call(CONTEXT).await.unwrap();
    while call.next().await.unwrap().unwrap().stat.is_some() {}
    (0..8).for_each(|id| call.ask(Kind::Req, id));
    assert_eq!(call.next().await.unwrap().unwrap().kind(), Kind::Data);
    drop(call);
    let ended = || engine.events().pop().filter(|line| line.contains("ended"));
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            if let Some(line) = ended() {
                return line;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.unwrap().contains("Some("));
}

#[tokio::test]
async fn an_engine_that_falls_silent_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("f"), "x").unwrap();
    let local = context(dir.path());
    let mut engine = engine_with(vec![("context", local)], Duration::from_millis(100)).await;
    let mut call = engine.call(CONTEXT).await.unwrap();
    while call.next().await.unwrap().unwrap().stat.is_some() {}
    let error = call.next().await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn only_so_many_transfers_run_at_once() {
    let (_dir, mut engine) = small().await;
    let mut calls = Vec::new();
    for _ in 0..super::super::TRANSFERS {
        calls.push(engine.call(CONTEXT).await.unwrap());
    }
    let refused = engine.call(CONTEXT).await.err().unwrap();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    drop(calls);
    let accepted = async {
        while engine.receive(CONTEXT).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), accepted).await.expect("the places are free again");
}

#[tokio::test]
async fn patterns_may_be_many() {
    let (_dir, mut engine) = small().await;
    let patterns: Vec<String> = (0..3000).map(|i| format!("some/long/folder/with/a/name-{i}/**")).collect();
    let mut headers: Vec<(&str, &[u8])> =
        patterns.iter().map(|p| ("exclude-patterns", p.as_bytes())).collect();
    headers.push(("dir-name", b"context"));
    assert_eq!(engine.receive(&headers).await.unwrap().paths(), ["d", "d/f", "l"]);
}
