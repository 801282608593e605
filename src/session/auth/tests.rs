use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;

use proto::auth_client::AuthClient;
use ring::signature::{ED25519, UnparsedPublicKey};
use tonic::Code;
use tonic::transport::Channel;

use super::super::{Session, testing};
use super::*;

fn options(folder: &Path) -> Options {
    let patience = Duration::from_secs(10);
    let docker = Docker { folder: folder.into(), environment: None, patience };
    let http = Http { insecure: false, proxies: false, patience };
    Options { docker, http, tokens: true, told: None }
}

fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config).unwrap();
    folder
}

async fn client(options: Options) -> AuthClient<Channel> {
    let session = Session::new("id", "name", "key").with(Auth::METHODS, Auth::new(options).service());
    AuthClient::new(testing::engine(session).await)
}

/// `u:p` for Docker Hub and `r.io`.
const CONFIG: &str = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"},"r.io":{"auth":"dTpw"},"i.io":{"identitytoken":"T"}}}"#;

#[tokio::test]
async fn credentials_are_found_under_dockers_names() {
    let folder = folder(CONFIG);
    let mut client = client(options(folder.path())).await;
    for (host, user, secret) in [
        ("registry-1.docker.io", "u", "p"),
        ("r.io", "u", "p"),
        ("i.io", "", "T"),
        ("other.io", "", ""),
        ("", "", ""),
    ] {
        let request = proto::CredentialsRequest { host: host.into() };
        let got = client.credentials(request).await.unwrap().into_inner();
        assert_eq!((got.username.as_str(), got.secret.as_str()), (user, secret), "{host}");
    }
}

#[tokio::test]
async fn credentials_are_asked_for_once_while_they_are_fresh() {
    let folder = folder(CONFIG);
    let mut client = client(options(folder.path())).await;
    let request = || proto::CredentialsRequest { host: "r.io".into() };
    assert_eq!(client.credentials(request()).await.unwrap().into_inner().secret, "p");
    fs::write(folder.path().join("config.json"), "{").unwrap();
    assert_eq!(client.credentials(request()).await.unwrap().into_inner().secret, "p");
    let error = client.credentials(proto::CredentialsRequest { host: "new.io".into() }).await.unwrap_err();
    assert!(error.message().starts_with("reading the credentials for new.io: "), "{error}");
}

#[tokio::test]
async fn an_authority_signs_and_is_the_same_for_the_same_client() {
    let folder = folder(CONFIG);
    let mut client = client(options(folder.path())).await;
    let mut key = async |host: &str, salt: &[u8]| {
        let request = proto::GetTokenAuthorityRequest { host: host.into(), salt: salt.into() };
        client.get_token_authority(request).await.unwrap().into_inner().public_key
    };
    let first = key("r.io", b"salt").await;
    assert_eq!(first.len(), 32);
    assert_eq!(key("r.io", b"salt").await, first);
    assert_ne!(key("r.io", b"pepper").await, first);
    assert_ne!(key("i.io", b"salt").await, first);
    assert_eq!(key("a.io", b"salt").await, key("b.io", b"salt").await, "none of them has credentials");
    let request = proto::VerifyTokenAuthorityRequest {
        host: "r.io".into(),
        salt: b"salt".into(),
        payload: b"prove it".into(),
    };
    let signed = client.verify_token_authority(request).await.unwrap().into_inner().signed;
    let (signature, payload) = signed.split_at(64);
    assert_eq!(payload, b"prove it");
    UnparsedPublicKey::new(&ED25519, &first).verify(payload, signature).unwrap();
}

/// `GetTokenAuthority` and `VerifyTokenAuthority` of BuildKit's own authprovider with this seed gave these bytes.
#[tokio::test]
async fn keys_are_those_of_buildx() {
    let folder = folder(CONFIG);
    fs::write(folder.path().join(".token_seed"), r#"{"r.io": {"Seed": "AAECAwQFBgcICQoLDA0ODw=="}}"#)
        .unwrap();
    let mut client = client(options(folder.path())).await;
    let request = proto::GetTokenAuthorityRequest { host: "r.io".into(), salt: b"salt".into() };
    let key = client.get_token_authority(request).await.unwrap().into_inner().public_key;
    assert_eq!(hex(&key), include_str!("../../../fixtures/session/authority/public_key").trim());
    let request = proto::VerifyTokenAuthorityRequest {
        host: "r.io".into(),
        salt: b"salt".into(),
        payload: b"payload".into(),
    };
    let signed = client.verify_token_authority(request).await.unwrap().into_inner().signed;
    assert_eq!(hex(&signed), include_str!("../../../fixtures/session/authority/signed").trim());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[tokio::test]
async fn without_client_tokens_the_engine_is_to_ask_for_credentials() {
    let folder = folder(CONFIG);
    let mut client = client(Options { tokens: false, ..options(folder.path()) }).await;
    let request = proto::GetTokenAuthorityRequest { host: "r.io".into(), salt: Vec::new() };
    assert_eq!(client.get_token_authority(request).await.unwrap_err().code(), Code::Unavailable);
}

/// A server that answers each request in turn and gives back what it was asked.
fn server(answers: Vec<(u16, &'static str)>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let realm = format!("http://{}/token?kept=1", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            asked.push(request(&stream));
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
        asked
    });
    (realm, thread)
}

fn request(stream: &std::net::TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let start = text.len();
        reader.read_line(&mut text).unwrap();
        let line = text[start..].trim().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    reader.take(length).read_to_string(&mut text).unwrap();
    text
}

async fn token(host: &str, realm: &str) -> Result<proto::FetchTokenResponse, Status> {
    let folder = folder(CONFIG);
    let mut client = client(options(folder.path())).await;
    let request = proto::FetchTokenRequest {
        host: host.into(),
        realm: realm.into(),
        service: "srv".into(),
        scopes: vec!["repository:a:pull".into(), "repository:b:pull".into()],
        ..Default::default()
    };
    client.fetch_token(request).await.map(Response::into_inner)
}

#[tokio::test]
async fn with_a_password_a_token_is_posted_for() {
    let (realm, thread) = server(vec![(
        200,
        r#"{"access_token":"t","expires_in":300,"issued_at":"1970-01-01T00:01:00Z","other":[]}"#,
    )]);
    let got = token("r.io", &realm).await.unwrap();
    assert_eq!((got.token.as_str(), got.expires_in, got.issued_at), ("t", 300, 60));
    let asked = thread.join().unwrap().remove(0);
    assert!(asked.starts_with("POST /token?kept=1 "), "{asked}");
    assert!(
        asked.ends_with(
            "service=srv&client_id=buildkit-client&scope=repository%3Aa%3Apull+repository%3Ab%3Apull&grant_type=password&username=u&password=p"
        ) || asked.contains("scope=repository%3Aa%3Apull%20repository%3Ab%3Apull"),
        "{asked}"
    );
    assert!(!asked.to_lowercase().contains("authorization"), "{asked}");
}

#[tokio::test]
async fn where_nothing_can_be_posted_a_token_is_got() {
    for status in [404, 401, 405] {
        let (realm, thread) = server(vec![(status, ""), (200, r#"{"token":"t"}"#)]);
        let got = token("r.io", &realm).await.unwrap();
        assert_eq!((got.token.as_str(), got.expires_in, got.issued_at), ("t", 60, 0));
        let asked = thread.join().unwrap().remove(1);
        assert!(asked.starts_with("GET /token?kept=1&service=srv&scope=repository"), "{asked}");
        assert!(asked.to_lowercase().contains("authorization: basic dtpw"), "{asked}");
    }
}

#[tokio::test]
async fn an_identity_token_refreshes_and_nobody_is_anonymous() {
    let (realm, thread) = server(vec![(200, r#"{"access_token":"t"}"#)]);
    assert_eq!(token("i.io", &realm).await.unwrap().token, "t");
    assert!(thread.join().unwrap()[0].contains("grant_type=refresh_token&refresh_token=T"));
    let (realm, thread) = server(vec![(200, r#"{"token":"t"}"#)]);
    assert_eq!(token("other.io", &realm).await.unwrap().token, "t");
    let asked = thread.join().unwrap().remove(0);
    assert!(asked.starts_with("GET ") && !asked.to_lowercase().contains("authorization"), "{asked}");
}

#[tokio::test]
async fn a_refusal_is_told_without_secrets() {
    for (answers, want) in [
        (vec![(403, "geheim")], "status 403"),
        (vec![(401, ""), (401, "")], "status 401"),
        (vec![(200, "<html>geheim")], "unable to decode token response"),
        (vec![(200, "{}")], "authorization server did not include a token in the response"),
    ] {
        let (realm, _thread) = server(answers);
        let error = token("r.io", &realm).await.unwrap_err();
        assert!(error.message().starts_with("failed to fetch oauth token: 127.0.0.1 for r.io: "), "{error}");
        assert!(error.message().ends_with(want) && !error.message().contains("geheim"), "{error}");
    }
    for realm in ["ftp://r.io/t", "file:///etc/passwd", "", "http://"] {
        assert!(token("r.io", realm).await.is_err(), "{realm}");
    }
}

#[tokio::test]
async fn people_hear_once_what_is_given_away() {
    let folder = folder(CONFIG);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&heard);
    let told: Told = Arc::new(move |words: &str| hear.lock().unwrap().push(words.to_owned()));
    let mut client = client(Options { told: Some(told), ..options(folder.path()) }).await;
    for host in ["r.io", "r.io", "other.io"] {
        client.credentials(proto::CredentialsRequest { host: host.into() }).await.unwrap();
    }
    assert_eq!(*heard.lock().unwrap(), ["[auth] sharing credentials for r.io"]);
}
