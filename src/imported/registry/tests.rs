//! The client against a toy registry on this machine.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::testing::{Asked, Reply, Toy, content, folder};
use super::*;
use crate::image::LayoutSpec;
use crate::imported::{CacheKind, Unusable};

fn options() -> RegistryOptions {
    RegistryOptions { patience: Duration::from_secs(20), ..RegistryOptions::default() }
}

/// Options with a `config.json`.
fn configured(config: &str) -> (tempfile::TempDir, RegistryOptions) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config).unwrap();
    let options = RegistryOptions { docker_config: Some(folder.path().into()), ..options() };
    (folder, options)
}

fn read(toy: &Toy, options: &RegistryOptions) -> Result<ImportedCache, ImportError> {
    ImportedCache::open_registry(&format!("{}/app", toy.host), options)
}

fn refused(toy: &Toy, options: &RegistryOptions) -> RegistryError {
    match read(toy, options) {
        Err(ImportError::Registry(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn in_folder(fixture: &str) -> ImportedCache {
    ImportedCache::open_folder(&LayoutSpec { folder: folder(fixture), digest: None, tag: None }).unwrap()
}

fn platform(architecture: &str) -> Platform {
    Platform { os: "linux".into(), architecture: architecture.into(), ..Platform::default() }
}

#[test]
fn a_cache_in_a_registry_is_the_one_in_the_folder() {
    for fixture in ["max", "index", "docker", "zstd", "inline", "inline-platforms"] {
        let toy = Toy::of(fixture);
        let (there, here) = (read(&toy, &options()).unwrap(), in_folder(fixture));
        assert_eq!(there.name, format!("{}/app:latest", toy.host));
        assert_eq!((there.root, there.kind, &there.remembered), (here.root, here.kind, &here.remembered));
        assert_eq!((&there.results, &there.layers), (&here.results, &here.layers));
    }
}

#[test]
fn layers_are_fetched_when_they_are_asked_for() {
    let toy = Toy::of("max");
    let (there, here) = (read(&toy, &options()).unwrap(), in_folder("max"));
    assert_eq!(toy.paths().len(), 2, "{:?}", toy.paths());
    let record = here.remembered.records.iter().position(|r| r.result).unwrap();
    assert_eq!(there.layer_entries(record).unwrap(), here.layer_entries(record).unwrap());
    assert_eq!(toy.paths().len(), 3);
}

#[test]
fn an_image_is_resolved_for_its_platform() {
    let toy = Toy::of("inline-platforms");
    let reference = format!("{}/app", toy.host);
    let image = resolve_image(&reference, &platform("arm64"), &options()).unwrap();
    assert_eq!(image.root_digest, in_folder("inline-platforms").root);
    assert_eq!(
        (image.config.platform, image.config.diff_ids.len(), image.layers),
        (platform("arm64"), 3, None)
    );
    let error = resolve_image(&reference, &platform("s390x"), &options()).unwrap_err();
    assert!(error.to_string().contains("it has linux/amd64, linux/arm64"), "{error}");
    assert!(!error.is_remote());
}

#[test]
fn a_digest_names_what_it_says() {
    let toy = Toy::of("inline");
    let root = in_folder("inline").root.unwrap();
    let cache = ImportedCache::open_registry(&format!("{}/app:1@{root}", toy.host), &options()).unwrap();
    assert_eq!((cache.root, cache.kind), (Some(root), CacheKind::Inline));
    let other = Toy::start(|_| Reply::new(200, r#"{"manifests":[]}"#));
    let error = ImportedCache::open_registry(&format!("{}/app@{root}", other.host), &options()).unwrap_err();
    assert!(error.to_string().contains("but its content is sha256:"), "{error}");
}

#[test]
fn an_image_without_a_cache_is_none() {
    let cache = read(&Toy::of("image"), &options()).unwrap();
    assert_eq!(cache.unusable(None), Some(Unusable::NoInlineCache));
}

/// Gives what `max` has to those who bring the token, and the token to those whom `gives` lets have it.
fn with_token(gives: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Toy {
    let folder = folder("max");
    Toy::start(move |asked| {
        if asked.path.starts_with("/token") {
            let message = r#"{"errors":[{"code":"UNAUTHORIZED","message":"wrong name or password"}]}"#;
            return if gives(asked) {
                Reply::new(200, r#"{"token":"T1"}"#)
            } else {
                Reply::new(401, message)
            };
        }
        if asked.authorization() == Some("Bearer T1") {
            return content(&folder, &asked.path);
        }
        let host = &asked.headers["host"];
        let challenge =
            format!(r#"Bearer realm="http://{host}/token",service="toy",scope="repository:app:pull""#);
        Reply::new(401, "").with("WWW-Authenticate", challenge)
    })
}

#[test]
fn a_token_is_got_without_credentials_and_used_again() {
    let toy = with_token(|asked| asked.authorization().is_none());
    assert_eq!(read(&toy, &options()).unwrap().remembered.records.len(), 10);
    let paths = toy.paths();
    let token = paths.iter().filter(|p| p.starts_with("/token")).collect::<Vec<_>>();
    assert_eq!(token.len(), 1, "{paths:?}");
    assert!(
        token[0].contains("service=toy") && token[0].contains("scope=repository%3Aapp%3Apull"),
        "{token:?}"
    );
}

#[test]
fn a_token_is_got_with_dockers_password() {
    let toy = with_token(|asked| asked.authorization() == Some("Basic dTpw"));
    let (_keep, options) = configured(&format!(r#"{{"auths":{{"{}":{{"auth":"dTpw"}}}}}}"#, toy.host));
    assert_eq!(read(&toy, &options).unwrap().remembered.records.len(), 10);
}

#[test]
fn an_identity_token_is_exchanged() {
    let toy = with_token(|asked| {
        asked.method == "POST"
            && asked.body.contains("grant_type=refresh_token")
            && asked.body.contains("refresh_token=I%26D")
            && asked.body.contains("service=toy")
    });
    let (_keep, options) =
        configured(&format!(r#"{{"auths":{{"{}":{{"identitytoken":"I&D"}}}}}}"#, toy.host));
    assert_eq!(read(&toy, &options).unwrap().remembered.records.len(), 10);
}

#[test]
fn a_refusal_says_whose_credentials_they_were_and_never_what_they_are() {
    let toy = with_token(|_| false);
    let shown = refused(&toy, &options());
    assert!(shown.to_string().contains("asked without credentials"), "{shown}");
    assert!(shown.to_string().contains("(status 401: wrong name or password)"), "{shown}");
    assert_eq!(shown.hint(), Some(format!("try `docker login {}`", toy.host)));
    let (folder, options) =
        configured(&format!(r#"{{"auths":{{"{}":{{"auth":"dXNlcjpzM2NyM3Q="}}}}}}"#, toy.host));
    let shown = refused(&toy, &options).to_string();
    let source = folder.path().join("config.json");
    assert!(shown.ends_with(&format!("asked with the credentials of {}", source.display())), "{shown}");
    assert!(!shown.contains("s3cr3t") && !shown.contains("dXNlcjpzM2NyM3Q="), "{shown}");
}

#[test]
fn a_password_may_be_asked_for_directly() {
    let files = folder("max");
    let toy = Toy::start(move |asked| match asked.authorization() {
        Some("Basic dTpw") => content(&files, &asked.path),
        _ => Reply::new(401, "").with("WWW-Authenticate", r#"Basic realm="toy""#),
    });
    let (_keep, with) =
        configured(&format!(r#"{{"auths":{{"http://{}/v1/":{{"auth":"dTpw"}}}}}}"#, toy.host));
    assert_eq!(read(&toy, &with).unwrap().remembered.records.len(), 10);
    assert!(matches!(refused(&toy, &options()), RegistryError::Denied { status: 401, .. }));
}

#[test]
fn what_is_not_there_is_told_with_the_registrys_words() {
    let toy = Toy::of("max");
    let error = ImportedCache::open_registry(&format!("{}/other:1", toy.host), &options()).unwrap_err();
    assert_eq!(error.to_string(), format!("{0} has no {0}/other:1: manifest unknown", toy.host));
    assert!(error.is_remote() && error.hint().unwrap().contains("the name and the tag"));
}

#[test]
fn other_refusals_have_their_status() {
    for (status, want) in
        [(403, "refuses to give"), (429, "too many requests"), (500, "status 500"), (204, "status 204")]
    {
        let toy = Toy::start(move |_| Reply::new(status, "<html>"));
        let shown = refused(&toy, &options()).to_string();
        assert!(shown.contains(want), "{status}: {shown}");
    }
}

#[test]
fn a_registry_that_is_silent_is_not_waited_for() {
    let toy = Toy::start(|_| Reply { pause: Duration::from_secs(30), ..Reply::new(200, "") });
    let started = Instant::now();
    let error = refused(&toy, &RegistryOptions { patience: Duration::from_millis(300), ..options() });
    assert!(matches!(error, RegistryError::Silent { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_registry_that_lets_its_answer_drip_is_not_waited_for() {
    let toy = Toy::start(|_| Reply { drip: Duration::from_millis(50), ..Reply::new(200, " ".repeat(2000)) });
    let started = Instant::now();
    let error = refused(&toy, &RegistryOptions { patience: Duration::from_millis(300), ..options() });
    assert!(error.to_string().contains("the answer breaks off: "), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn nobody_at_the_door_is_told() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = ImportedCache::open_registry(&format!("{closed}/app"), &options()).unwrap_err();
    assert_eq!(error.to_string(), format!("asking {closed}: connection refused"));
}

#[test]
fn an_answer_that_breaks_off_is_told() {
    let files = folder("max");
    let toy = Toy::start(move |asked| {
        let mut reply = content(&files, &asked.path);
        if asked.path.contains("/blobs/") {
            reply.claimed = Some(reply.body.len());
            reply.body.truncate(reply.body.len() / 2);
        }
        reply
    });
    let shown = refused(&toy, &options()).to_string();
    assert!(shown.contains("cache config sha256:") && shown.contains("the answer breaks off"), "{shown}");
}

#[test]
fn a_layer_that_breaks_off_or_is_another_is_told() {
    let files = folder("max");
    let layer = in_folder("max").layers[0].blob;
    let cut = Toy::start({
        let files = files.clone();
        move |asked| {
            let mut reply = content(&files, &asked.path);
            if asked.path.ends_with(&layer.hex()) {
                reply.claimed = Some(reply.body.len());
                reply.body.truncate(reply.body.len() - 20);
            }
            reply
        }
    });
    let error = read(&cut, &options()).unwrap().read_layer(0).unwrap_err();
    assert!(error.is_remote() && error.to_string().contains("breaks off"), "{error}");
    let other = Toy::start(move |asked| {
        if asked.path.ends_with(&layer.hex()) {
            Reply::new(200, "other")
        } else {
            content(&files, &asked.path)
        }
    });
    let error = read(&other, &options()).unwrap().read_layer(0).unwrap_err();
    assert!(error.to_string().contains(&format!("expected {layer}, but its content is")), "{error}");
}

#[test]
fn a_blob_that_is_another_is_refused() {
    let files = folder("max");
    let toy = Toy::start(move |asked| {
        let mut reply = content(&files, &asked.path);
        if asked.path.contains("/blobs/") {
            reply.body[5] ^= 1;
        }
        reply
    });
    let error = read(&toy, &options()).unwrap_err();
    assert!(error.to_string().contains("but its content is"), "{error}");
}

#[test]
fn what_is_too_long_is_not_read() {
    let toy = Toy::start(|_| Reply { claimed: Some(1 << 40), ..Reply::new(200, "x") });
    assert!(refused(&toy, &options()).to_string().contains("longer than"));
    let toy = Toy::start(|_| Reply::new(200, " ".repeat((1 << 20) + 1)));
    assert!(read(&toy, &options()).unwrap_err().to_string().contains("longer than 1048576 bytes"));
}

#[test]
fn credentials_do_not_follow_to_another_host() {
    let files = folder("max");
    let store = Arc::new(Toy::start({
        let files = files.clone();
        move |asked| content(&files, &asked.path)
    }));
    let place = store.host.replace("127.0.0.1", "localhost");
    let toy = Toy::start(move |asked| match asked.authorization() {
        None => Reply::new(401, "").with("WWW-Authenticate", r#"Basic realm="toy""#),
        Some(_) if asked.path.contains("/blobs/") => {
            Reply::new(307, "").with("Location", format!("http://{place}{}", asked.path))
        }
        Some(_) => content(&files, &asked.path),
    });
    let (_keep, options) = configured(&format!(r#"{{"auths":{{"{}":{{"auth":"dTpw"}}}}}}"#, toy.host));
    assert_eq!(read(&toy, &options).unwrap().remembered.records.len(), 10);
    let followed = store.asked();
    assert_eq!(followed.len(), 1);
    assert_eq!(followed[0].authorization(), None);
}

#[test]
fn a_redirect_in_a_circle_ends() {
    let toy = Toy::start(|asked| Reply::new(302, "").with("Location", asked.path.clone()));
    assert!(matches!(refused(&toy, &options()), RegistryError::Unreachable { .. }));
}

#[test]
fn what_cannot_be_read_is_the_callers_mistake() {
    let error = ImportedCache::open_registry("Not A Reference", &options()).unwrap_err();
    assert!(!error.is_remote() && error.to_string().contains("reference"), "{error}");
    let toy = with_token(|_| true);
    let (_keep, options) = configured("{");
    let error = refused(&toy, &options);
    assert!(!error.is_remote() && error.to_string().starts_with("reading the credentials for "), "{error}");
}

#[test]
fn a_token_without_a_token_is_told() {
    let toy = Toy::start(|asked| {
        let realm = format!(r#"Bearer realm="http://{}/token""#, asked.headers["host"]);
        if asked.path.starts_with("/token") {
            Reply::new(200, "{}")
        } else {
            Reply::new(401, "").with("WWW-Authenticate", realm)
        }
    });
    let error = refused(&toy, &options()).to_string();
    assert!(error.contains("gives no token"), "{error}");
}
