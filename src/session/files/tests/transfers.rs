//! Honest engines: what arrives is what was listed.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use super::super::Local;
use super::receiver::{Tree, engine};
use crate::context::{Context, ContextOptions, Folder};
use crate::entry::{Entry, FileType, Source};
use crate::observer::Silent;
use crate::pattern::IgnoreFile;
use crate::session::packet::{WireStat, mode};

pub fn context(root: &Path, ignore: &str) -> Context {
    let ignore = (!ignore.is_empty()).then(|| IgnoreFile::parse(".dockerignore", ignore.as_bytes()).unwrap());
    Context::load(root, ignore, &ContextOptions::default(), &Silent).unwrap()
}

fn wire(entry: &Entry) -> WireStat {
    let mut out = Vec::new();
    crate::session::packet::put_stat(&mut out, &mut Vec::new(), entry);
    let packet = <crate::session::packet::Packet as prost::Message>::decode(&out[5..]).unwrap();
    packet.stat.unwrap()
}

/// The tree has the entries of `source`, and the contents of its files.
pub fn assert_same(tree: &Tree, source: &dyn Source) {
    let listed: Vec<WireStat> = source.entries().iter().map(wire).collect();
    assert_eq!(tree.stats, listed);
    for (id, entry) in source.entries().iter().enumerate() {
        let has_content =
            matches!(entry.stat.file_type, FileType::File | FileType::Socket) && entry.hardlink.is_none();
        let mut expected = Vec::new();
        if has_content {
            source.open(entry).unwrap().read_to_end(&mut expected).unwrap();
        }
        let received = tree.contents.get(&(id as u32));
        assert_eq!(received, has_content.then_some(&expected), "{}", entry.path);
    }
    assert_eq!(tree.ended.len(), tree.contents.len());
}

pub fn varied(root: &Path) {
    let at = |name: &[u8]| root.join(std::ffi::OsStr::from_bytes(name));
    fs::create_dir_all(at(b"d/deeper")).unwrap();
    fs::write(at(b"d/n\xff\xfe"), "not UTF-8").unwrap();
    fs::write(at(b"d/deeper/empty"), "").unwrap();
    for (i, size) in
        [1, 512 << 10, (512 << 10) + 1, (1 << 20) - 1, 1 << 20, 2_000_003].into_iter().enumerate()
    {
        let content: Vec<u8> = (0..size).map(|b: usize| (b * 31 + i) as u8).collect();
        fs::write(at(format!("big{i}").as_bytes()), content).unwrap();
    }
    fs::write(at(b"a b.sh"), "#!").unwrap();
    fs::set_permissions(at(b"a b.sh"), fs::Permissions::from_mode(0o4755)).unwrap();
    symlink("d/n", at(b"link\xfe")).unwrap();
    fs::hard_link(at(b"big0"), at(b"d/second")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, at(b"pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    std::os::unix::net::UnixListener::bind(at(b"sock")).unwrap();
    // A file system without attributes takes none.
    let _ = rustix::fs::setxattr(at(b"big1"), "user.x", &[0, 255], rustix::fs::XattrFlags::empty());
}

#[tokio::test]
async fn every_kind_of_entry_arrives_as_it_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    varied(dir.path());
    let context = Arc::new(context(dir.path(), ""));
    let mut engine = engine(vec![("context", Local::context(Arc::clone(&context)))]).await;
    let tree = engine.receive(&[("dir-name", b"context")]).await.unwrap();
    assert_same(&tree, &*context);
    assert!(tree.largest <= (512 << 10) + 32);
    assert_eq!(tree.content(b"d/n\xff\xfe"), b"not UTF-8");
    assert_eq!(tree.stat(b"a b.sh").mode, mode(FileType::File, 0o4755));
    let bytes: usize = tree.contents.values().map(Vec::len).sum();
    let (entries, files) = (tree.stats.len(), tree.contents.len());
    drop(engine.send);
    let events = engine.events.lock().unwrap();
    assert_eq!(
        *events,
        ["context started".to_owned(), format!("context ended {entries} {files} {bytes} None")]
    );
}

#[tokio::test]
async fn a_folder_that_was_not_walked_gives_the_same() {
    let dir = tempfile::tempdir().unwrap();
    varied(dir.path());
    let context = context(dir.path(), "");
    let folder = Folder::find(dir.path()).unwrap().unwrap();
    let mut engine = engine(vec![("x", Local::folder(folder))]).await;
    let tree = engine.receive(&[("dir-name", b"x")]).await.unwrap();
    assert_same(&tree, &context);
}

#[tokio::test]
async fn the_usual_requests_of_a_build_each_get_their_part() {
    let dir = tempfile::tempdir().unwrap();
    varied(dir.path());
    fs::write(dir.path().join("Dockerfile"), "FROM scratch").unwrap();
    fs::write(dir.path().join(".dockerignore"), "big*\n!big0\n.dockerignore\nDockerfile").unwrap();
    let ignore = fs::read_to_string(dir.path().join(".dockerignore")).unwrap();
    let context = Arc::new(context(dir.path(), &ignore));
    let folder = Folder::find(dir.path()).unwrap().unwrap();
    let locals =
        vec![("context", Local::context(Arc::clone(&context))), ("dockerfile", Local::folder(folder))];
    let mut engine = engine(locals).await;
    let dockerfile: &[(&str, &[u8])] = &[
        ("dir-name", b"dockerfile"),
        ("followpaths", b"Dockerfile"),
        ("followpaths", b"Dockerfile.dockerignore"),
        ("followpaths", b"dockerfile"),
    ];
    let tree = engine.receive(dockerfile).await.unwrap();
    assert_eq!(
        (tree.paths(), tree.content(b"Dockerfile")),
        (vec!["Dockerfile".to_owned()], &b"FROM scratch"[..])
    );
    let tree = engine.receive(&[("dir-name", b"context"), ("followpaths", b".dockerignore")]).await.unwrap();
    assert_eq!(
        (tree.paths(), tree.content(b".dockerignore")),
        (vec![".dockerignore".to_owned()], ignore.as_bytes())
    );
    let excludes: Vec<(&str, &[u8])> = ignore
        .lines()
        .map(|line| ("exclude-patterns", line.as_bytes()))
        .chain([("dir-name", &b"context"[..])])
        .collect();
    assert_same(&engine.receive(&excludes).await.unwrap(), &*context);
    let narrow = [&excludes[..], &[("followpaths", b"d/second"), ("followpaths", b"link*")]].concat();
    let view = context.view(&[b"d/second".to_vec(), b"link*".to_vec()]).unwrap();
    assert_same(&engine.receive(&narrow).await.unwrap(), &view);
}

#[tokio::test]
async fn a_dockerfile_in_memory_is_a_local_like_others() {
    let mut engine = engine(vec![("dockerfile", Local::file(b"Dockerfile", b"FROM x").unwrap())]).await;
    let tree = engine.receive(&[("dir-name", b"dockerfile"), ("followpaths", b"Dockerfile")]).await.unwrap();
    assert_eq!((tree.stats.len(), tree.content(b"Dockerfile")), (1, &b"FROM x"[..]));
}

#[tokio::test]
async fn an_engine_that_has_everything_asks_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    varied(dir.path());
    let mut engine = engine(vec![("context", Local::context(Arc::new(context(dir.path(), ""))))]).await;
    let tree = engine.call(&[("dir-name", b"context")]).await.unwrap().receive(|_| false).await.unwrap();
    assert!(tree.stats.len() > 10 && tree.contents.is_empty());
}

#[tokio::test]
async fn many_small_files_arrive_in_few_packets() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..300 {
        fs::write(dir.path().join(format!("f{i:03}")), format!("content {i}")).unwrap();
    }
    let context = Arc::new(context(dir.path(), ""));
    let mut engine = engine(vec![("context", Local::context(Arc::clone(&context)))]).await;
    let tree = engine.receive(&[("dir-name", b"context")]).await.unwrap();
    assert_same(&tree, &*context);
}

#[tokio::test]
async fn files_that_change_after_they_were_listed_are_told_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["gone", "grown", "link", "longer", "same", "shrunk", "written"] {
        fs::write(at(name), "0123456789").unwrap();
    }
    let context = Arc::new(context(dir.path(), ""));
    fs::remove_file(at("gone")).unwrap();
    fs::write(at("grown"), vec![b'x'; 700_000]).unwrap();
    fs::write(at("longer"), "0123456789a").unwrap();
    fs::write(at("shrunk"), "0").unwrap();
    fs::remove_file(at("link")).unwrap();
    symlink("/etc/passwd", at("link")).unwrap();
    fs::write(at("written"), "9876543210").unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    fs::File::options().write(true).open(at("written")).unwrap().set_modified(later).unwrap();
    let mut engine = engine(vec![("context", Local::context(context))]).await;
    let tree = engine.receive(&[("dir-name", b"context")]).await.unwrap();
    let lengths = ["gone", "grown", "link", "longer", "same", "shrunk", "written"]
        .map(|name| tree.content(name.as_bytes()).len());
    assert_eq!(lengths, [0, 700_000, 0, 11, 10, 1, 10]);
    let mut events = engine.events();
    events.retain(|line| !line.starts_with("context"));
    events.sort();
    let size = |name: &str, sent: u64| format!("{name} Size {{ listed: 10, sent: {sent} }}");
    let expected = [
        "gone Unreadable(\"No such file or directory (os error 2)\")".to_owned(),
        size("grown", 700_000),
        "link NoFile".to_owned(),
        size("longer", 11),
        size("shrunk", 1),
        "written Written".to_owned(),
    ];
    assert_eq!(events, expected);
}
