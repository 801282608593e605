//! A walk that goes on for other reasons: what it sends is what a walk of its own would send, whenever the engine asks.

use std::fs::{self, Metadata};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;

use super::super::walk::FRESH;
use super::super::{Digesting, Local, Passing, Walk, Walker};
use super::random::{headers, patterns, tree};
use super::receiver::{Engine, engine};
use super::transfers::{assert_same, context, varied};
use crate::context::{Context, ContextOptions, Excludes, Folder, Request};
use crate::entry::Entry;
use crate::observer::Silent;
use crate::pattern::IgnoreFile;

fn ignore(patterns: &[Vec<u8>]) -> Option<IgnoreFile> {
    let text = patterns.join(&b'\n');
    (!text.is_empty()).then(|| IgnoreFile::parse(".dockerignore", &text).unwrap())
}

/// Walks for others, and stops for a moment at each of its steps.
fn walk(mut walker: Walker, root: &Path, excludes: &[Vec<u8>], pause: Duration) {
    std::thread::sleep(pause);
    let ignore = ignore(excludes);
    walker.begin(Excludes::of(ignore.as_ref()));
    let take = &mut |streamed: crate::context::Streamed<'_>| {
        if let crate::context::Streamed::Entries(entries) = &streamed {
            for entry in *entries {
                walker.take(&crate::context::Streamed::Entries(std::slice::from_ref(entry)));
                std::thread::sleep(pause / 4);
            }
        } else {
            walker.take(&streamed);
        }
        ControlFlow::Continue(())
    };
    let context = Context::load_streaming(root, ignore, &ContextOptions::default(), &Silent, take).unwrap();
    std::thread::sleep(pause);
    walker.end(Arc::new(context));
}

async fn walked(root: &Path, walk: &Walk) -> Engine {
    let folder = Folder::find(root).unwrap().unwrap();
    engine(vec![("context", Local::walked(folder, walk.clone()))]).await
}

#[tokio::test]
async fn whenever_the_engine_asks_it_gets_what_a_walk_of_its_own_would_bring() {
    let mut rng = Rng::with_seed(22);
    for round in 0..80 {
        let dir = tempfile::tempdir().unwrap();
        tree(&mut rng, dir.path(), 0, true);
        let excludes = patterns(&mut rng, true);
        let request = Request {
            // Most ask for what is walked, some for something else, or for a part.
            excludes: if rng.u8(..5) == 0 { patterns(&mut rng, true) } else { excludes.clone() },
            follow_paths: if rng.u8(..3) == 0 { patterns(&mut rng, false) } else { Vec::new() },
            ..Request::default()
        };
        let shared = Walk::default();
        let (walker, root) = (shared.walker(), dir.path().to_owned());
        let pause = Duration::from_millis(rng.u64(..3));
        let thread = std::thread::spawn(move || walk(walker, &root, &excludes, pause));
        tokio::time::sleep(Duration::from_millis(rng.u64(..12))).await;
        let mut engine = walked(dir.path(), &shared).await;
        let received = engine.receive(&headers(&request)).await;
        let received = received.unwrap_or_else(|e| panic!("{round} {request:?}: {e}"));
        let lines: Vec<_> = request.excludes.iter().map(|p| String::from_utf8(p.clone()).unwrap()).collect();
        let own = context(dir.path(), &lines.join("\n"));
        assert_same(&received, &own.view(&request.follow_paths).unwrap());
        assert!(!engine.events().iter().any(|e| e.contains("Since")), "{round}: {:?}", engine.events());
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn files_of_every_kind_are_read_while_the_walk_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    varied(dir.path());
    let shared = Walk::default();
    let (walker, root) = (shared.walker(), dir.path().to_owned());
    let thread = std::thread::spawn(move || walk(walker, &root, &[], Duration::from_millis(20)));
    let mut engine = walked(dir.path(), &shared).await;
    let received = engine.receive(&[("dir-name", b"context")]).await.unwrap();
    assert_same(&received, &context(dir.path(), ""));
    assert!(!engine.events().iter().any(|e| e.contains("NoFile")), "{:?}", engine.events());
    thread.join().unwrap();
}

#[tokio::test]
async fn an_engine_with_other_patterns_or_for_some_paths_waits_for_nobody() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "a").unwrap();
    fs::write(dir.path().join("b"), "b").unwrap();
    let shared = Walk::default();
    let mut walker = shared.walker();
    walker.begin(Excludes::of(ignore(&[b"b".to_vec()]).as_ref()));
    let mut engine = walked(dir.path(), &shared).await;
    let other = engine.receive(&[("dir-name", b"context"), ("exclude-patterns", b"a")]).await.unwrap();
    assert_eq!(other.paths(), ["b"]);
    let named = [("dir-name", &b"context"[..]), ("exclude-patterns", b"b"), ("followpaths", b"a")];
    assert_eq!(engine.receive(&named).await.unwrap().paths(), ["a"]);
    drop(walker);
}

#[tokio::test]
async fn a_walk_that_never_comes_leaves_the_engine_with_one_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "a").unwrap();
    for begun in [false, true] {
        let shared = Walk::default();
        let mut walker = shared.walker();
        if begun {
            walker.begin(Excludes::default());
        }
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            drop(walker);
        });
        let mut engine = walked(dir.path(), &shared).await;
        assert_eq!(engine.receive(&[("dir-name", b"context")]).await.unwrap().paths(), ["a"]);
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn what_changed_since_an_old_walk_is_sent_as_it_is_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["changed", "gone", "same"] {
        fs::write(at(name), name).unwrap();
    }
    let shared = Walk::default();
    walk(shared.walker(), dir.path(), &[], Duration::ZERO);
    fs::write(at("changed"), "other").unwrap();
    fs::remove_file(at("gone")).unwrap();
    fs::write(at("new"), "new").unwrap();
    shared.grow_older(FRESH);
    let mut engine = walked(dir.path(), &shared).await;
    let received = engine.receive(&[("dir-name", b"context")]).await.unwrap();
    assert_eq!(received.paths(), ["changed", "new", "same"]);
    assert_eq!(received.content(b"changed"), b"other");
    let told: Vec<_> = engine.events().into_iter().filter(|e| e.contains("Since")).collect();
    assert_eq!(told, ["changed Since", "gone Since", "new Since"]);
    // One for some paths doesn't miss the others.
    let received = engine.receive(&[("dir-name", b"context"), ("followpaths", b"same")]).await.unwrap();
    assert_eq!(received.paths(), ["same"]);
    assert_eq!(engine.events().iter().filter(|e| e.contains("Since")).count(), 3);
}

#[tokio::test]
async fn a_file_that_changes_between_the_walk_and_the_sending_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("grown"), "four").unwrap();
    fs::write(dir.path().join("touched"), "four").unwrap();
    let shared = Walk::default();
    walk(shared.walker(), dir.path(), &[], Duration::ZERO);
    fs::write(dir.path().join("grown"), "longer").unwrap();
    let file = fs::File::options().write(true).open(dir.path().join("touched")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let mut engine = walked(dir.path(), &shared).await;
    let received = engine.receive(&[("dir-name", b"context")]).await.unwrap();
    assert_eq!(received.content(b"grown"), b"longer");
    let events = engine.events();
    assert!(events.iter().any(|e| e.starts_with("grown Size")), "{events:?}");
    assert!(events.iter().any(|e| e == "touched Written"), "{events:?}");
}

#[tokio::test]
async fn where_a_walk_fails_the_transfer_fails_in_the_same_words() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "a").unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    let excludes = vec![b"d*[z-a]".to_vec()];
    let asked = [("dir-name", &b"context"[..]), ("exclude-patterns", b"d*[z-a]")];
    let folder = Folder::find(dir.path()).unwrap().unwrap();
    let mut own = engine(vec![("context", Local::folder(folder))]).await;
    let expected = own.receive(&asked).await.map(|tree| tree.paths());
    for pause in [0, 30] {
        let shared = Walk::default();
        let (walker, root, excludes) = (shared.walker(), dir.path().to_owned(), excludes.clone());
        let thread = std::thread::spawn(move || walk(walker, &root, &excludes, Duration::from_millis(pause)));
        let mut engine = walked(dir.path(), &shared).await;
        let received = engine.receive(&asked).await.map(|tree| tree.paths());
        assert_eq!(format!("{received:?}"), format!("{expected:?}"));
        thread.join().unwrap();
    }
    assert!(expected.is_err());
}

/// Names, and what went by under them.
type Contents = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Keeps what went by, in full.
#[derive(Debug, Default)]
struct Digests(Contents);

struct One(String, Vec<u8>, Contents);

impl Digesting for Digests {
    fn begin(&self, listed: &Entry, opened: &Metadata) -> Option<Box<dyn Passing>> {
        assert!(opened.is_file());
        let name = listed.path.to_string();
        (name != "unwanted").then(|| Box::new(One(name, Vec::new(), Arc::clone(&self.0))) as Box<dyn Passing>)
    }
}

impl Passing for One {
    fn take(&mut self, bytes: &[u8]) {
        self.1.extend_from_slice(bytes);
    }

    fn end(self: Box<Self>) {
        self.2.lock().unwrap().push((self.0, self.1));
    }
}

#[tokio::test]
async fn what_is_sent_goes_by_once_and_whole() {
    let dir = tempfile::tempdir().unwrap();
    let big: Vec<u8> = (0..1_500_000_u32).map(|i| i as u8).collect();
    for (name, content) in [("big", &big[..]), ("empty", b""), ("grown", b"x"), ("unwanted", b"u")] {
        fs::write(dir.path().join(name), content).unwrap();
    }
    let shared = Walk::default();
    walk(shared.walker(), dir.path(), &[], Duration::ZERO);
    fs::write(dir.path().join("grown"), "xy").unwrap();
    let digests = Digests::default();
    let seen = Arc::clone(&digests.0);
    let folder = Folder::find(dir.path()).unwrap().unwrap();
    let local = Local::walked(folder, shared).digested(Arc::new(digests));
    let mut engine = engine(vec![("context", local)]).await;
    engine.receive(&[("dir-name", b"context")]).await.unwrap();
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    assert_eq!(seen, [("big".to_owned(), big), ("empty".to_owned(), Vec::new())]);
}
