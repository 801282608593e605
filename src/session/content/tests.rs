use std::fs;

use bytes::Bytes;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use super::super::{Session, testing};
use super::digest::Hasher;
use super::proto::{self, action};
use super::*;

struct Engine {
    channel: Channel,
    store: &'static str,
}

async fn engine(folder: &Path, access: Access) -> Engine {
    let stores = Stores::new([(Stores::local("cache"), folder.into(), access)]).unwrap();
    let session = Session::new("id", "name", "key").with(Content::METHODS, stores.service());
    Engine { channel: testing::engine(session).await, store: "local:cache" }
}

impl Engine {
    fn request<Q>(&self, message: Q) -> Request<Q> {
        let mut request = Request::new(message);
        if !self.store.is_empty() {
            request.metadata_mut().insert("buildkit-attachable-store-id", self.store.parse().unwrap());
        }
        request
    }

    async fn grpc(&self) -> Grpc<Channel> {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.unwrap();
        grpc
    }

    async fn call<Q, A>(&self, method: &str, message: Q) -> Result<A, Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let codec = ProstCodec::<Q, A>::default();
        self.grpc().await.unary(self.request(message), path(method), codec).await.map(|r| r.into_inner())
    }

    async fn info(&self, digest: &str) -> Result<proto::Info, Status> {
        let request = proto::DigestRequest { digest: digest.into() };
        self.call::<_, proto::InfoResponse>("Info", request).await.map(|r| r.info.unwrap())
    }

    async fn read(&self, digest: &str, offset: i64, size: i64) -> Result<Vec<u8>, Status> {
        let codec = ProstCodec::<_, proto::ReadResponse>::default();
        let request = self.request(proto::ReadRequest { digest: digest.into(), offset, size });
        let mut stream = self.grpc().await.server_streaming(request, path("Read"), codec).await?.into_inner();
        let mut out = Vec::new();
        while let Some(part) = stream.message().await? {
            assert_eq!(part.offset, out.len() as i64);
            out.extend_from_slice(&part.data);
        }
        Ok(out)
    }

    async fn write(&self, messages: Vec<proto::WriteRequest>) -> Result<Vec<proto::WriteResponse>, Status> {
        let codec = ProstCodec::<_, proto::WriteResponse>::default();
        let request = self.request(tokio_stream::iter(messages));
        let mut stream = self.grpc().await.streaming(request, path("Write"), codec).await?.into_inner();
        let mut out = Vec::new();
        while let Some(response) = stream.message().await? {
            out.push(response);
        }
        Ok(out)
    }
}

fn path(method: &str) -> PathAndQuery {
    format!("/containerd.services.content.v1.Content/{method}").parse().unwrap()
}

fn digest(bytes: &[u8]) -> String {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.digest().to_string()
}

fn message(action: i32, name: &str, offset: i64, data: &[u8]) -> proto::WriteRequest {
    let data = Bytes::copy_from_slice(data);
    proto::WriteRequest { action, name: name.into(), offset, data, ..Default::default() }
}

fn commit(expected: &str, total: i64, offset: i64, data: &[u8]) -> proto::WriteRequest {
    proto::WriteRequest { expected: expected.into(), total, ..message(action::COMMIT, "r", offset, data) }
}

fn file(folder: &Path, digest: &str) -> PathBuf {
    folder.join("blobs").join(digest.replace(':', "/"))
}

#[tokio::test]
async fn a_blob_is_written_in_parts_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("new/cache");
    let engine = engine(&cache, Access::Write).await;
    let want = digest(b"hello world");
    let answers = engine
        .write(vec![
            proto::WriteRequest { total: 11, ..message(action::STAT, "r", 0, b"") },
            message(action::WRITE, "", 0, b"hello"),
            message(action::WRITE, "", 5, b" worl"),
            commit(&want, 11, 10, b"d"),
        ])
        .await
        .unwrap();
    let offsets: Vec<_> = answers.iter().map(|a| (a.action, a.offset, a.total)).collect();
    assert_eq!(offsets, [(0, 0, 11), (1, 5, 0), (1, 10, 0), (2, 11, 0)]);
    assert!(answers[0].started_at.is_some());
    assert_eq!(answers[3].digest, want);
    let info = engine.info(&want).await.unwrap();
    assert_eq!((info.digest.as_str(), info.size), (want.as_str(), 11));
    for (offset, size, part) in
        [(0, 0, "hello world"), (6, 0, "world"), (6, 2, "wo"), (6, 99, "world"), (11, 0, "")]
    {
        assert_eq!(engine.read(&want, offset, size).await.unwrap(), part.as_bytes());
    }
    assert_eq!(engine.read(&want, 12, 0).await.unwrap_err().code(), Code::OutOfRange);
    assert_eq!(fs::read(file(&cache, &want)).unwrap(), b"hello world");
    assert!(fs::metadata(file(&cache, &want)).unwrap().permissions().readonly());
    assert_eq!(fs::read_dir(cache.join("ingest")).unwrap().count(), 0);
    let again = engine
        .write(vec![proto::WriteRequest { expected: want.clone(), ..message(action::STAT, "r", 0, b"") }]);
    assert_eq!(again.await.unwrap_err().code(), Code::AlreadyExists);
    let listed = engine.write(vec![commit("", 0, 0, b"x")]).await.unwrap();
    assert_eq!(listed[0].digest, digest(b"x"), "without an expected digest the content's own");
}

#[tokio::test]
async fn long_blobs_come_in_several_messages() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), Access::Write).await;
    let long: Vec<u8> = (0..(5 << 20) + 3).map(|n: u32| (n % 251) as u8).collect();
    let want = digest(&long);
    engine.write(vec![commit(&want, 0, 0, &long)]).await.unwrap();
    assert_eq!(engine.read(&want, 0, 0).await.unwrap(), long);
}

#[tokio::test]
async fn only_what_has_its_digest_gets_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), Access::Write).await;
    let other = digest(b"other");
    for (bad, code) in [
        (commit(&other, 0, 0, b"x"), Code::FailedPrecondition),
        (commit(&digest(b"x"), 7, 0, b"x"), Code::FailedPrecondition),
        (commit("sha256:../../../x", 0, 0, b"x"), Code::InvalidArgument),
        (commit(&other.replace("sha256", "md5"), 0, 0, b"x"), Code::InvalidArgument),
        (commit(&digest(b"x"), 0, 3, b"x"), Code::OutOfRange),
        (
            proto::WriteRequest { name: String::new(), ..commit(&digest(b"x"), 0, 0, b"x") },
            Code::InvalidArgument,
        ),
        (proto::WriteRequest { action: 9, ..commit(&digest(b"x"), 0, 0, b"x") }, Code::InvalidArgument),
    ] {
        let shown = format!("{bad:?}");
        assert_eq!(engine.write(vec![bad]).await.unwrap_err().code(), code, "{shown}");
    }
    let blobs = folder.path().join("blobs");
    assert!(!blobs.exists() || walk(&blobs).is_empty());
    assert_eq!(walk(&folder.path().join("ingest")), Vec::<PathBuf>::new());
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(walk(&path)) } else { out.push(path) }
    }
    out
}

#[tokio::test]
async fn a_write_that_was_left_goes_on_and_can_be_aborted() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), Access::Write).await;
    engine.write(vec![message(action::WRITE, "r", 0, b"hel")]).await.unwrap();
    let status = |name: &str| proto::RefRequest { name: name.into() };
    let found: proto::StatusResponse = engine.call("Status", status("r")).await.unwrap();
    assert_eq!(found.status.unwrap().offset, 3);
    let all: proto::ListStatusesResponse =
        engine.call("ListStatuses", proto::ListRequest::default()).await.unwrap();
    assert_eq!(all.statuses.len(), 1);
    let done =
        engine.write(vec![message(action::STAT, "r", 0, b""), commit(&digest(b"hello"), 5, 3, b"lo")]).await;
    assert_eq!(done.unwrap()[0].offset, 3);
    engine.write(vec![message(action::WRITE, "s", 0, b"wrong")]).await.unwrap();
    let anew = engine.write(vec![message(action::WRITE, "s", 0, b"right")]).await.unwrap();
    assert_eq!(anew[0].digest, digest(b"right"), "offset 0 starts anew");
    let _: proto::Empty = engine.call("Abort", status("s")).await.unwrap();
    let gone = engine.call::<_, proto::StatusResponse>("Status", status("s")).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(fs::read_dir(folder.path().join("ingest")).unwrap().count(), 0);
}

#[tokio::test]
async fn blobs_are_listed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), Access::Write).await;
    for data in [b"a", b"b"] {
        engine.write(vec![commit("", 0, 0, data)]).await.unwrap();
    }
    fs::write(folder.path().join("blobs/sha256/litter"), "").unwrap();
    let list = async || {
        let codec = ProstCodec::<_, proto::ListResponse>::default();
        let request = engine.request(proto::ListRequest::default());
        let mut stream =
            engine.grpc().await.server_streaming(request, path("List"), codec).await?.into_inner();
        let first = stream.message().await?;
        Ok::<_, Status>(
            first.map(|m| m.info.into_iter().map(|i| i.digest).collect::<Vec<_>>()).unwrap_or_default(),
        )
    };
    let mut want = [digest(b"a"), digest(b"b")];
    want.sort();
    assert_eq!(list().await.unwrap(), want);
    for _ in 0..2 {
        let _: proto::Empty =
            engine.call("Delete", proto::DigestRequest { digest: digest(b"a") }).await.unwrap();
    }
    assert_eq!(list().await.unwrap(), [digest(b"b")]);
    let info = proto::Info { digest: digest(b"b"), ..Default::default() };
    let update = engine.call::<_, proto::InfoResponse>("Update", proto::UpdateRequest { info: Some(info) });
    assert_eq!(update.await.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_hostile_engine_reads_nothing_else_and_writes_to_no_store_for_reading() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
    fs::write(folder.path().join("secret"), "geheim").unwrap();
    let (link, there) = (digest(b"link"), digest(b"there"));
    std::os::unix::fs::symlink("../../secret", file(folder.path(), &link)).unwrap();
    fs::write(file(folder.path(), &there), "there").unwrap();
    let mut engine = engine(folder.path(), Access::Read).await;
    assert!(engine.read(&link, 0, 0).await.is_err());
    for bad in ["", "sha256:../../secret", "../secret", "sha256:", "x"] {
        assert_eq!(engine.info(bad).await.unwrap_err().code(), Code::InvalidArgument, "{bad}");
        assert_eq!(engine.read(bad, 0, 0).await.unwrap_err().code(), Code::InvalidArgument, "{bad}");
    }
    assert_eq!(engine.info(&digest(b"none")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(engine.write(vec![commit("", 0, 0, b"x")]).await.unwrap_err().code(), Code::PermissionDenied);
    let delete = proto::DigestRequest { digest: there.clone() };
    assert_eq!(
        engine.call::<_, proto::Empty>("Delete", delete).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    assert_eq!(engine.read(&there, -5, i64::MAX).await.unwrap(), b"there");
    assert_eq!(walk(folder.path()).len(), 3);
    engine.store = "local:/";
    assert_eq!(engine.info(&there).await.unwrap_err().message(), "unknown store local:/: not found");
    engine.store = "";
    assert_eq!(engine.info(&there).await.unwrap_err().code(), Code::InvalidArgument);
}

/// One blob, of which every byte is the same.
#[derive(Debug)]
struct Made(BlobDigest);

const MADE: u64 = 3 << 20;

impl Blobs for Made {
    fn digests(&self) -> Vec<BlobDigest> {
        vec![self.0.clone()]
    }

    fn size(&self, digest: &BlobDigest) -> Option<u64> {
        (*digest == self.0).then_some(MADE)
    }

    fn read_exact_at(&self, _: &BlobDigest, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        if offset == MADE - 1 {
            return Err(io::Error::other("it has changed"));
        }
        buffer.fill(7);
        Ok(())
    }
}

#[tokio::test]
async fn blobs_that_are_made_are_only_read() {
    let there = digest(b"made");
    let stores = Stores::default();
    let made = || Arc::new(Made(BlobDigest::parse(&there).unwrap()));
    let stores = stores.with("made".into(), made()).unwrap();
    let twice = stores.clone().with("made".into(), made()).unwrap_err();
    assert_eq!(twice.to_string(), "oci store key \"made\" already exists");
    let session = Session::new("id", "name", "key").with(Content::METHODS, stores.service());
    let engine = Engine { channel: testing::engine(session).await, store: "made" };
    let info = engine.info(&there).await.unwrap();
    assert_eq!((info.digest.as_str(), info.size), (there.as_str(), MADE as i64));
    assert_eq!(engine.read(&there, 5, 2_000_000).await.unwrap(), [7; 2_000_000]);
    assert_eq!(engine.read(&there, 0, 0).await.unwrap().len() as u64, MADE);
    let error = engine.read(&there, MADE as i64 - 1, 0).await.unwrap_err();
    assert!(error.message().ends_with(": it has changed"), "{error}");
    assert_eq!(engine.read(&there, MADE as i64 + 1, 0).await.unwrap_err().code(), Code::OutOfRange);
    for other in [digest(b"other"), there.replace("sha256", "sha512"), "../made".into()] {
        assert!(engine.info(&other).await.is_err() && engine.read(&other, 0, 0).await.is_err(), "{other}");
    }
    let delete = proto::DigestRequest { digest: there.clone() };
    let refused = engine.call::<_, proto::Empty>("Delete", delete).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    for write in [commit("", 0, 0, b"x"), commit(&there, 0, 0, b"made"), message(action::STAT, "r", 0, b"")] {
        assert_eq!(engine.write(vec![write]).await.unwrap_err().code(), Code::PermissionDenied);
    }
    let abort = proto::RefRequest { name: "r".into() };
    assert!(engine.call::<_, proto::Empty>("Abort", abort).await.is_err());
    let codec = ProstCodec::<_, proto::ListResponse>::default();
    let request = engine.request(proto::ListRequest::default());
    let mut listed =
        engine.grpc().await.server_streaming(request, path("List"), codec).await.unwrap().into_inner();
    let listed: Vec<_> =
        listed.message().await.unwrap().unwrap().info.into_iter().map(|i| i.digest).collect();
    assert_eq!(listed, [there]);
}

#[test]
fn stores_are_folders_with_one_name_each() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let none = Stores::new([("a".into(), at("none"), Access::Read)]).unwrap_err();
    assert!(none.to_string().starts_with("content store "), "{none}");
    let both = [("a".into(), at("x"), Access::Read), ("a".into(), at("x"), Access::Write)];
    assert!(!Stores::new(both).unwrap().is_empty() && at("x").is_dir());
    let two = [("a".into(), at("x"), Access::Write), ("a".into(), at("y"), Access::Write)];
    assert_eq!(Stores::new(two).unwrap_err().to_string(), "oci store key \"a\" already exists");
    assert!(!has(folder.path(), "sha256:x") && !has(folder.path(), &digest(b"")));
}
