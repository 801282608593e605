use std::fs;

use proto::secrets_client::SecretsClient;
use tonic::Code;

use super::super::{Session, testing};
use super::*;

async fn ask(secrets: Secrets, id: &str) -> Result<Vec<u8>, Status> {
    let session = Session::new("id", "name", "key").with(Secrets::METHODS, secrets.service());
    let mut client = SecretsClient::new(testing::engine(session).await);
    let request = proto::GetSecretRequest { id: id.into(), ..Default::default() };
    client.get_secret(request).await.map(|r| r.into_inner().data)
}

fn file(id: &str, path: impl Into<PathBuf>) -> Secret {
    Secret { id: id.into(), origin: Origin::File(path.into()) }
}

#[tokio::test]
async fn a_secret_is_given_by_its_name_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, b"a\0b").unwrap();
    let value = Secret { id: "env".into(), origin: Origin::Value(b"v".to_vec()) };
    let secrets = Secrets::new([file("token", &path), value]).unwrap();
    assert_eq!(ask(secrets.clone(), "token").await.unwrap(), b"a\0b");
    assert_eq!(ask(secrets.clone(), "env").await.unwrap(), b"v");
    for other in ["", "token2", path.to_str().unwrap(), "../token", "/etc/passwd"] {
        assert_eq!(ask(secrets.clone(), other).await.unwrap_err().code(), Code::NotFound, "{other}");
    }
}

#[tokio::test]
async fn a_file_is_read_when_it_is_asked_for_and_not_beyond_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    fs::write(&path, b"old").unwrap();
    let secrets = Secrets::new([file("s", &path)]).unwrap();
    fs::write(&path, b"new").unwrap();
    assert_eq!(ask(secrets.clone(), "s").await.unwrap(), b"new");
    fs::write(&path, vec![b'x'; MAX as usize]).unwrap();
    assert_eq!(ask(secrets.clone(), "s").await.unwrap().len() as u64, MAX);
    fs::write(&path, vec![b'x'; MAX as usize + 1]).unwrap();
    assert!(ask(secrets.clone(), "s").await.unwrap_err().message().contains("longer than"));
    fs::remove_file(&path).unwrap();
    assert!(ask(secrets, "s").await.unwrap_err().message().starts_with("secret s: "));
}

#[test]
fn what_cant_be_offered_is_told_before_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("long");
    fs::write(&long, vec![0; MAX as usize + 1]).unwrap();
    let error = |secret: Secret| Secrets::new([secret]).unwrap_err().to_string();
    assert_eq!(error(file("l", &long)), "secret l has 512001 bytes, more than 512000");
    assert!(error(file("f", folder.path())).ends_with("is a folder"));
    assert!(error(file("n", folder.path().join("none"))).contains("No such file"));
    assert_eq!(error(file("", &long)), "a secret has no id");
}

#[test]
fn without_a_source_the_variable_comes_before_the_file() {
    let environment = |name: &str| (name == "SET").then(|| b"v".to_vec());
    let choose = |id: &str, source: Option<&str>, variable| {
        Origin::choose(id, source.map(Path::new), variable, environment)
    };
    assert_eq!(choose("SET", None, None), Origin::Value(b"v".to_vec()));
    assert_eq!(choose("unset", None, None), Origin::File("unset".into()));
    assert_eq!(choose("SET", Some("file"), None), Origin::File("file".into()));
    assert_eq!(choose("x", Some("file"), Some("SET")), Origin::Value(b"v".to_vec()));
    assert_eq!(choose("x", None, Some("UNSET")), Origin::Value(Vec::new()));
    assert_eq!(choose("x", Some(""), Some("")), Origin::File("x".into()));
}

#[test]
fn a_value_is_not_shown() {
    let secret = Secret { id: "s".into(), origin: Origin::Value(b"geheim".to_vec()) };
    let shown = format!("{secret:?} {:?}", Secrets::new([secret.clone()]));
    assert!(!shown.contains("geheim") && !shown.contains("103"), "{shown}");
}
