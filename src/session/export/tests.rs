use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::super::raw::Raw;
use super::super::{Session, testing};
use super::packet::{Packet, Stat, Xattr, kind};
use super::*;

async fn engine(exports: &Exports) -> Channel {
    let session = Session::new("id", "name", "key").with(FileSend::METHODS, exports.service());
    testing::engine(session).await
}

/// Sends messages and gives back all that comes.
async fn send(
    channel: Channel,
    id: &str,
    more: &[(&'static str, &'static str)],
    messages: impl tokio_stream::Stream<Item = Bytes> + Send + 'static,
) -> Result<Vec<Bytes>, Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.unwrap();
    let mut request = Request::new(messages);
    request.metadata_mut().insert("buildkit-attachable-exporter-id", id.parse().unwrap());
    for (key, value) in more {
        request.metadata_mut().append(*key, value.parse().unwrap());
    }
    let path = http::uri::PathAndQuery::from_static("/moby.filesync.v1.FileSend/DiffCopy");
    let mut replies = grpc.streaming(request, path, Raw).await?.into_inner();
    let mut out = Vec::new();
    while let Some(reply) = replies.message().await? {
        out.push(reply);
    }
    Ok(out)
}

fn pieces(parts: &[&[u8]]) -> Vec<Bytes> {
    let message = |part: &&[u8]| packet::BytesMessage { data: Bytes::copy_from_slice(part) };
    parts.iter().map(|p| prost::Message::encode_to_vec(&message(p)).into()).collect()
}

fn file_at(path: &Path) -> Exports {
    Exports::new([Export { id: 0, to: Destination::File(path.into()) }]).unwrap()
}

#[tokio::test]
async fn an_archive_has_its_name_when_the_build_has_ended_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.tar");
    fs::write(&path, "old").unwrap();
    let exports = file_at(&path);
    let channel = engine(&exports).await;
    let said = [("exporter-md-containerimage.digest", "sha256:1"), ("other", "x")];
    send(channel, "0", &said, tokio_stream::iter(pieces(&[b"ab", b"", b"c"]))).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    let received = exports.commit().unwrap();
    let said = BTreeMap::from([("containerimage.digest".to_owned(), "sha256:1".to_owned())]);
    assert_eq!(received, [Received { id: 0, bytes: 3, path: Some(fs::canonicalize(&path).unwrap()), said }]);
    assert_eq!(fs::read(&path).unwrap(), b"abc");
    assert_ne!(fs::metadata(&path).unwrap().permissions().mode() & 0o444, 0o400);
    assert!(exports.commit().is_err());
}

#[tokio::test]
async fn what_is_not_committed_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let exports = file_at(&folder.path().join("out.tar"));
    let channel = engine(&exports).await;
    send(channel, "0", &[], tokio_stream::iter(pieces(&[b"half"]))).await.unwrap();
    drop(exports);
    for _ in 0..200 {
        if fs::read_dir(folder.path()).unwrap().count() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("something is left");
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_no_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.tar");
    let exports = file_at(&path);
    let session = Session::new("id", "name", "key").with(FileSend::METHODS, exports.service());
    let (channel, connection) = testing::breakable(session).await;
    let (messages, stream) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        send(channel, "0", &[], tokio_stream::wrappers::UnboundedReceiverStream::new(stream)).await
    });
    messages.send(pieces(&[b"half"]).remove(0)).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    connection.abort();
    for _ in 0..500 {
        if let Err(e) = exports.commit()
            && e.to_string().contains("broke the stream off")
        {
            assert!(!path.exists());
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", exports.commit());
}

#[tokio::test]
async fn exporters_that_were_not_asked_for_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let exports = file_at(&folder.path().join("out.tar"));
    for id in ["1", "-1", "4294967296"] {
        let error = send(engine(&exports).await, id, &[], tokio_stream::iter(pieces(&[]))).await.unwrap_err();
        assert_eq!(error.message(), format!("exporter {id} not found"));
    }
    assert!(exports.commit().unwrap_err().to_string().contains("has sent nothing"));
    let channel = engine(&exports).await;
    send(channel.clone(), "nonsense", &[], tokio_stream::iter(pieces(&[b"x"]))).await.unwrap();
    let again = send(channel, "0", &[], tokio_stream::iter(pieces(&[b"y"]))).await.unwrap_err();
    assert!(again.message().contains("was sent before"), "{again}");
}

#[tokio::test]
async fn a_stream_is_written_at_once_and_a_closed_one_is_told() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    struct Heard(mpsc::Sender<Vec<u8>>);
    impl Write for Heard {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other).map(|()| bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (heard, hear) = mpsc::channel();
    let exports = Exports::new([
        Export { id: 0, to: Destination::Stream(Box::new(Heard(heard))) },
        Export { id: 3, to: Destination::Stream(Box::new(Closed)) },
    ])
    .unwrap();
    let channel = engine(&exports).await;
    send(channel.clone(), "0", &[], tokio_stream::iter(pieces(&[b"abc"]))).await.unwrap();
    assert_eq!(hear.recv().unwrap(), b"abc");
    let error = send(channel, "3", &[], tokio_stream::iter(pieces(&[b"abc"]))).await.unwrap_err();
    assert!(error.message().contains("broken pipe"), "{error}");
    assert!(exports.commit().unwrap_err().to_string().starts_with("exporter 3: writing stream"));
}

#[test]
fn what_cant_be_written_is_told_before_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let error = |to| Exports::new([Export { id: 0, to }]).unwrap_err().to_string();
    assert!(error(Destination::File(folder.path().into())).ends_with("is a directory"));
    assert!(error(Destination::File(folder.path().join("no/out.tar"))).contains("No such file"));
    let twice = || Export { id: 1, to: Destination::Folder("x".into()) };
    assert_eq!(Exports::new([twice(), twice()]).unwrap_err().to_string(), "exporter 1 is given twice");
}

fn entry(path: &str, mode: u32) -> Stat {
    Stat {
        path: Bytes::copy_from_slice(path.as_bytes()),
        mode,
        mtime: 1_000_000_000_500_000_000,
        ..Stat::default()
    }
}

const DIR: u32 = 1 << 31 | 0o755;
const LINK: u32 = 1 << 27 | 0o777;
const PIPE: u32 = 1 << 25 | 0o600;

fn symlink_to(path: &str, to: &str) -> Stat {
    Stat { linkname: Bytes::copy_from_slice(to.as_bytes()), ..entry(path, LINK) }
}

fn hard_link(path: &str, to: &str) -> Stat {
    Stat { linkname: Bytes::copy_from_slice(to.as_bytes()), ..entry(path, 0o444) }
}

fn stat(stat: Stat) -> Packet {
    Packet { kind: kind::STAT, stat: Some(stat), ..Packet::default() }
}

fn end() -> Packet {
    Packet { kind: kind::STAT, ..Packet::default() }
}

fn data(id: u32, bytes: &[u8]) -> Packet {
    Packet { kind: kind::DATA, id, data: Bytes::copy_from_slice(bytes), ..Packet::default() }
}

fn export_to(to: Destination) -> Exports {
    Exports::new([Export { id: 0, to }]).unwrap()
}

/// Sends all packets without waiting for requests; what was asked, and how it ended.
async fn packets(
    exports: &Exports,
    more: &[(&'static str, &'static str)],
    packets: Vec<Packet>,
) -> (Vec<Packet>, Result<(), Status>) {
    use prost::Message as _;
    let messages: Vec<Bytes> = packets.iter().map(Packet::bytes).collect();
    match send(engine(exports).await, "0", more, tokio_stream::iter(messages)).await {
        Ok(replies) => (replies.into_iter().map(|r| Packet::decode(r).unwrap()).collect(), Ok(())),
        Err(e) => (Vec::new(), Err(e)),
    }
}

async fn fill(folder: &Path, all: Vec<Packet>) -> Result<(), Status> {
    let exports = export_to(Destination::Folder(folder.into()));
    packets(&exports, &[], all).await.1
}

#[tokio::test]
async fn a_folder_is_filled_with_all_kinds_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let dest = folder.path().join("new/dest");
    let exports = export_to(Destination::Folder(dest.clone()));
    let xattr = Xattr { key: Bytes::from_static(b"user.x"), value: Bytes::from_static(b"v\0") };
    let name = Stat { path: Bytes::from_static(b"n\xff\xfe"), ..entry("", 0o644) };
    let all = vec![
        stat(entry("a", DIR)),
        stat(Stat { xattrs: vec![xattr], ..entry("a/read-only", 0o444) }),
        stat(hard_link("b", "a/read-only")),
        stat(symlink_to("l", "../../outside")),
        stat(name),
        stat(entry("p", PIPE)),
        stat(entry("suid", 1 << 23 | 0o755)),
        end(),
        data(1, b"he"),
        data(6, b"#!"),
        data(1, b"llo"),
        data(1, b""),
        data(4, b""),
        data(6, b""),
        Packet::fin(),
    ];
    let (replies, result) = packets(&exports, &[], all).await;
    result.unwrap();
    let asked: Vec<_> = replies.iter().map(|p| (p.kind, p.id)).collect();
    assert_eq!(asked, [(kind::REQ, 1), (kind::REQ, 4), (kind::REQ, 6), (kind::FIN, 0)]);
    let received = exports.commit().unwrap().remove(0);
    assert_eq!((received.bytes, received.path), (7, Some(dest.clone())));
    assert_eq!(fs::read(dest.join("a/read-only")).unwrap(), b"hello");
    let found = |name: &str| fs::symlink_metadata(dest.join(name)).unwrap();
    assert_eq!(found("a/read-only").ino(), found("b").ino());
    assert_eq!(found("b").mode() & 0o7777, 0o444);
    assert_eq!(found("suid").mode() & 0o7777, 0o4755);
    assert_eq!(fs::read_link(dest.join("l")).unwrap(), Path::new("../../outside"));
    assert_eq!(found("p").mode(), 0o010600);
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_000_000_500);
    for name in ["a", "a/read-only", "b", "l", "p", "suid"] {
        assert_eq!(found(name).modified().unwrap(), time, "{name}");
    }
    assert_eq!(fs::read_dir(&dest).unwrap().count(), 6);
}

/// `Solve` may return before the engine's last packet is here, and an engine leaves the stream open.
#[tokio::test]
async fn a_folder_is_known_to_be_whole_before_the_engine_hears_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let exports = export_to(Destination::Folder(folder.path().into()));
    let mut grpc = Grpc::new(engine(&exports).await);
    grpc.ready().await.unwrap();
    let (packets, stream) = tokio::sync::mpsc::unbounded_channel();
    let path = http::uri::PathAndQuery::from_static("/moby.filesync.v1.FileSend/DiffCopy");
    let stream = tokio_stream::wrappers::UnboundedReceiverStream::new(stream);
    let mut replies = grpc.streaming(Request::new(stream), path, Raw).await.unwrap().into_inner();
    for packet in [stat(entry("f", 0o644)), end(), data(0, b"x"), data(0, b"")] {
        packets.send(packet.bytes()).unwrap();
    }
    for want in [kind::REQ, kind::FIN] {
        let reply = replies.message().await.unwrap().unwrap();
        assert_eq!(<Packet as prost::Message>::decode(reply).unwrap().kind, want);
    }
    assert_eq!(exports.commit().unwrap()[0].bytes, 1);
    packets.send(Packet::fin().bytes()).unwrap();
    assert!(
        replies.message().await.unwrap().is_none(),
        "the stream ends although the engine leaves its half open"
    );
}

#[tokio::test]
async fn what_was_there_stays_unless_its_name_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let dest = folder.path().join("dest");
    let outside = folder.path().join("outside");
    fs::create_dir_all(dest.join("was-folder/deep")).unwrap();
    fs::create_dir_all(dest.join("both")).unwrap();
    fs::create_dir(&outside).unwrap();
    for (name, text) in
        [("kept", "k"), ("both/kept", "k"), ("was-file", "f"), ("same", "old"), ("was-folder/deep/x", "")]
    {
        fs::write(dest.join(name), text).unwrap();
    }
    fs::write(outside.join("safe"), "safe").unwrap();
    symlink(&outside, dest.join("was-link")).unwrap();
    symlink(outside.join("safe"), dest.join("link-to-file")).unwrap();
    let all = vec![
        stat(entry("both", DIR)),
        stat(entry("link-to-file", 0o644)),
        stat(entry("same", 0o600)),
        stat(entry("was-file", DIR)),
        stat(entry("was-folder", 0o644)),
        stat(entry("was-link", DIR)),
        stat(entry("was-link/new", 0o644)),
        end(),
        data(1, b"1"),
        data(1, b""),
        data(2, b"new"),
        data(2, b""),
        data(4, b""),
        data(6, b"inside"),
        data(6, b""),
        Packet::fin(),
    ];
    fill(&dest, all).await.unwrap();
    assert_eq!(fs::read(dest.join("kept")).unwrap(), b"k");
    assert_eq!(fs::read(dest.join("both/kept")).unwrap(), b"k");
    assert_eq!(fs::read(dest.join("same")).unwrap(), b"new");
    assert!(dest.join("was-file").is_dir() && dest.join("was-folder").is_file());
    assert_eq!(fs::read(dest.join("was-link/new")).unwrap(), b"inside");
    assert!(fs::symlink_metadata(dest.join("was-link")).unwrap().is_dir());
    assert_eq!(fs::read(dest.join("link-to-file")).unwrap(), b"1");
    assert_eq!(fs::read(outside.join("safe")).unwrap(), b"safe");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert!(
        !fs::read_dir(&dest).unwrap().any(|e| e.unwrap().file_name().to_string_lossy().starts_with(".tmp"))
    );
}

#[tokio::test]
async fn a_folder_that_does_not_come_whole_has_nothing_half_written() {
    let base = tempfile::tempdir().unwrap();
    let all = || {
        let names =
            [stat(entry("done", 0o644)), stat(entry("half", 0o644)), stat(entry("none", 0o644)), end()];
        names.into_iter().chain([data(0, b"whole"), data(0, b""), data(1, b"ha")]).collect::<Vec<_>>()
    };
    let before = base.path().join("before");
    fs::create_dir(&before).unwrap();
    fs::write(before.join("mine"), "stays").unwrap();
    fill(&before, all()).await.unwrap_err();
    assert_eq!(fs::read(before.join("done")).unwrap(), b"whole");
    assert!(before.join("mine").exists() && !before.join("half").exists() && !before.join("none").exists());
    let new = base.path().join("new");
    fill(&new, all()).await.unwrap_err();
    assert!(!new.exists(), "a folder that wasn't there is not left in pieces");
}

#[tokio::test]
async fn a_hostile_engine_writes_nothing_outside() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let out = outside.to_str().unwrap();
    for all in [
        vec![stat(entry("../outside/x", 0o644))],
        vec![stat(entry(&format!("{out}/x"), 0o644))],
        vec![stat(entry("..", DIR))],
        vec![stat(entry("a", DIR)), stat(entry("a/../../outside/x", 0o644))],
        vec![stat(symlink_to("l", out)), stat(entry("l/x", 0o644))],
        vec![stat(symlink_to("l", "../outside")), stat(entry("l", DIR)), stat(entry("l/x", 0o644))],
        vec![stat(hard_link("h", "../outside"))],
        vec![stat(symlink_to("l", out)), stat(hard_link("z", "l"))],
        vec![stat(entry("f", 0o644)), data(7, b"x")],
        vec![stat(entry("f", 0o644)), data(0, b""), data(0, b"x")],
        vec![stat(entry("f", 0o644)), end(), Packet::fin()],
        vec![end(), stat(entry("f", 0o644))],
        vec![stat(entry("s", 1 << 24 | 0o644))],
        vec![Packet {
            data: Bytes::from_static(b"sorry"),
            ..Packet { kind: kind::ERR, ..Packet::default() }
        }],
        vec![stat(entry("f", 0o644)), end()],
        vec![],
    ] {
        let dest = tempfile::tempdir_in(folder.path()).unwrap();
        let shown = format!("{all:?}");
        let exports = export_to(Destination::Folder(dest.path().into()));
        let (_, result) = packets(&exports, &[], all).await;
        assert!(result.is_err(), "{shown}");
        assert!(exports.commit().is_err(), "{shown}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{shown}");
    }
}

#[tokio::test]
async fn a_mirror_holds_only_what_was_sent_and_wants_an_engine_that_knows_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let dest = folder.path().join("dest");
    let outside = folder.path().join("outside");
    fs::create_dir_all(dest.join("a/old/deep")).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("safe"), "").unwrap();
    fs::write(dest.join("a/kept"), "old").unwrap();
    symlink(&outside, dest.join("link")).unwrap();
    let all = || {
        vec![
            stat(entry("a", DIR)),
            stat(entry("a/kept", 0o644)),
            end(),
            data(1, b"new"),
            data(1, b""),
            Packet::fin(),
        ]
    };
    let exports = export_to(Destination::Mirror(dest.clone()));
    let error = packets(&exports, &[], all()).await.1.unwrap_err();
    assert!(error.message().contains("requires a BuildKit daemon"), "{error}");
    packets(&exports, &[("buildkit-exporter-multi-platform", "1")], all()).await.1.unwrap();
    assert_eq!(fs::read(dest.join("a/kept")).unwrap(), b"new");
    assert_eq!(fs::read_dir(&dest).unwrap().count(), 1);
    assert_eq!(fs::read_dir(dest.join("a")).unwrap().count(), 1);
    assert!(outside.join("safe").exists());
}

#[tokio::test]
async fn many_files_may_be_open_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let count = 200;
    let mut all: Vec<_> = (0..count).map(|n| stat(entry(&format!("{n:03}"), 0o644))).collect();
    all.push(end());
    for round in [&b"a"[..], b"b", b""] {
        all.extend((0..count).map(|id| data(id, round)));
    }
    all.push(Packet::fin());
    fill(folder.path(), all).await.unwrap();
    for n in 0..count {
        assert_eq!(fs::read(folder.path().join(format!("{n:03}"))).unwrap(), b"ab");
    }
}
