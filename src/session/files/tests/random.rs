//! Random trees and requests: what arrives is what the context room says, from a walk that is there already and from one of its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;

use super::super::Local;
use super::receiver::engine;
use super::transfers::{assert_same, context};
use crate::context::{Context, Folder, Request};

const NAMES: [&str; 6] = ["a", "b", "a-b", "c.d", "é", "B"];

fn name(rng: &mut Rng) -> &'static str {
    NAMES[rng.usize(..NAMES.len())]
}

pub fn tree(rng: &mut Rng, root: &Path, depth: u32, links: bool) {
    for _ in 0..rng.u32(1..5) {
        let path = root.join(name(rng));
        match rng.u32(..6) {
            _ if path.symlink_metadata().is_ok() => {}
            0..=2 if depth < 3 => {
                fs::create_dir(&path).unwrap();
                tree(rng, &path, depth + 1, links);
            }
            3 if links => symlink(pattern(rng, false), &path).unwrap(),
            _ => fs::write(&path, rng.u64(..).to_string()).unwrap(),
        }
    }
}

pub fn pattern(rng: &mut Rng, wild: bool) -> String {
    let component = |rng: &mut Rng| match rng.u32(..8) {
        0 if wild => "*".to_owned(),
        1 if wild => "**".to_owned(),
        2 if wild => format!("{}*", &name(rng)),
        _ => name(rng).to_owned(),
    };
    let depth = rng.usize(1..4);
    (0..depth).map(|_| component(rng)).collect::<Vec<_>>().join("/")
}

pub fn patterns(rng: &mut Rng, negated: bool) -> Vec<Vec<u8>> {
    let one = |rng: &mut Rng| {
        let sign = if negated && rng.u32(..4) == 0 { "!" } else { "" };
        format!("{sign}{}", pattern(rng, true)).into_bytes()
    };
    (0..rng.usize(..4)).map(|_| one(rng)).collect()
}

pub fn headers(request: &Request) -> Vec<(&'static str, &[u8])> {
    let mut headers: Vec<(&str, &[u8])> = vec![("dir-name", b"context")];
    for (key, values) in [
        ("exclude-patterns", &request.excludes),
        ("include-patterns", &request.includes),
        ("followpaths", &request.follow_paths),
    ] {
        headers.extend(values.iter().map(|value| (key, value.as_slice())));
    }
    headers
}

fn load(root: &Path, request: &Request) -> Arc<Context> {
    let lines: Vec<_> = request.excludes.iter().map(|p| String::from_utf8(p.clone()).unwrap()).collect();
    Arc::new(context(root, &lines.join("\n")))
}

#[tokio::test]
async fn both_ways_of_listing_bring_what_a_view_of_the_context_has() {
    let mut rng = Rng::with_seed(20);
    for round in 0..60 {
        let dir = tempfile::tempdir().unwrap();
        tree(&mut rng, dir.path(), 0, true);
        let request = Request {
            excludes: patterns(&mut rng, true),
            follow_paths: patterns(&mut rng, false),
            ..Request::default()
        };
        let context = load(dir.path(), &request);
        let view = context.view(&request.follow_paths).unwrap();
        let folder = Local::folder(Folder::find(dir.path()).unwrap().unwrap());
        for local in [Local::context(Arc::clone(&context)), folder] {
            let mut engine = engine(vec![("context", local)]).await;
            let tree = engine
                .receive(&headers(&request))
                .await
                .unwrap_or_else(|e| panic!("{round} {request:?}: {e}"));
            assert_same(&tree, &view);
        }
    }
}

#[tokio::test]
async fn include_patterns_pick_what_follow_paths_do_where_there_are_no_links() {
    let mut rng = Rng::with_seed(21);
    for _ in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        tree(&mut rng, dir.path(), 0, false);
        let mut includes = patterns(&mut rng, false);
        includes.push(pattern(&mut rng, true).into_bytes());
        let excludes = patterns(&mut rng, true);
        let request = Request { includes, excludes, ..Request::default() };
        let context = load(dir.path(), &request);
        let view = context.view(&request.includes).unwrap();
        let mut engine = engine(vec![("context", Local::context(Arc::clone(&context)))]).await;
        assert_same(&engine.receive(&headers(&request)).await.unwrap(), &view);
    }
}
