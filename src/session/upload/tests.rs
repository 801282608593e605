use proto::upload_client::UploadClient;
use tonic::transport::Channel;

use super::super::{Session, testing};
use super::*;

async fn client(uploads: &Uploads) -> UploadClient<Channel> {
    let session = Session::new("id", "name", "key").with(Uploads::METHODS, uploads.service());
    UploadClient::new(testing::engine(session).await)
}

async fn pull(client: &mut UploadClient<Channel>, url: &str) -> Result<Vec<u8>, Status> {
    let mut request = Request::new(tokio_stream::empty());
    let path = url.strip_prefix("http://buildkit-session").unwrap_or(url);
    request.metadata_mut().insert("urlpath", path.parse().unwrap());
    request.metadata_mut().insert("urlhost", "buildkit-session".parse().unwrap());
    let mut stream = client.pull(request).await?.into_inner();
    let mut out = Vec::new();
    while let Some(message) = stream.message().await? {
        assert!(message.data.len() <= CHUNK);
        out.extend(message.data);
    }
    Ok(out)
}

#[tokio::test]
async fn a_stream_is_given_once_under_its_own_address() {
    let uploads = Uploads::default();
    let long: Vec<u8> = (0..CHUNK * 2 + 7).map(|n| n as u8).collect();
    let url = uploads.add(io::Cursor::new(long.clone())).unwrap();
    let empty = uploads.add(io::empty()).unwrap();
    assert_ne!(url, empty);
    let mut client = client(&uploads).await;
    assert_eq!(pull(&mut client, &url).await.unwrap(), long);
    assert_eq!(pull(&mut client, &empty).await.unwrap(), b"");
    for gone in [url.as_str(), "/", "", "/../x"] {
        let error = pull(&mut client, gone).await.unwrap_err();
        assert!(error.message().starts_with("no http response from session for "), "{error}");
    }
}

#[tokio::test]
async fn a_stream_that_cant_be_read_is_told() {
    struct Torn(bool);
    impl Read for Torn {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("torn"));
            }
            to[0] = 1;
            Ok(1)
        }
    }
    let uploads = Uploads::default();
    let url = uploads.add(Torn(false)).unwrap();
    let error = pull(&mut client(&uploads).await, &url).await.unwrap_err();
    assert_eq!(error.message(), "reading the stream for the engine: torn");
}

#[tokio::test]
async fn a_stream_is_dropped_when_the_engine_has_enough() {
    struct Endless(std::sync::mpsc::Sender<()>);
    impl Read for Endless {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            Ok(to.len())
        }
    }
    impl Drop for Endless {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (dropped, wait) = std::sync::mpsc::channel();
    let uploads = Uploads::default();
    let url = uploads.add(Endless(dropped)).unwrap();
    let mut client = client(&uploads).await;
    let mut request = Request::new(tokio_stream::empty());
    request.metadata_mut().insert("urlpath", url.parse().unwrap());
    let mut stream = client.pull(request).await.unwrap().into_inner();
    stream.message().await.unwrap();
    drop(stream);
    tokio::task::spawn_blocking(move || wait.recv_timeout(std::time::Duration::from_secs(20)).unwrap())
        .await
        .unwrap();
}
