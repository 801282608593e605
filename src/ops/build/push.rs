//! Pushing from a dockerd with its old image store, whose BuildKit can't: the build leaves an image there, and the dockerd pushes it
//! (buildx `build/build.go`, `pushWithMoby`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Value, json};

use super::offer::invalid;
use super::solve::{Capabilities, Driver, Solve};
use crate::credentials::{Docker as Logins, Secret};
use crate::engine::Docker;
use crate::error::Error;
use crate::image::Reference;

/// The names that are still to be pushed when the engine has built.
pub fn names(solve: &Solve, can: &Capabilities) -> Vec<String> {
    if can.driver != Driver::Docker || can.containerd_store {
        return Vec::new();
    }
    let pushed = solve.exports.iter().find(|e| e.kind == "moby" && e.is("push"));
    let names = pushed.and_then(|e| e.attrs.get("name"));
    names
        .into_iter()
        .flat_map(|names| names.split(','))
        .filter(|n| !n.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A name as a dockerd is asked to push it.
#[derive(Debug, PartialEq, Eq)]
struct Pushed {
    registry: String,
    repository: String,
    tag: String,
}

impl Pushed {
    fn parse(name: &str) -> Result<Self, Error> {
        let whole = Reference::parse(name).map_err(invalid)?.tagged().to_string();
        if whole.contains('@') {
            return Err(Error::usage(format!("{name} can't be pushed by its digest"), "give it a tag"));
        }
        let (repository, tag) = whole.rsplit_once(':').unwrap_or((&whole, "latest"));
        let registry = repository.split('/').next().unwrap_or_default();
        Ok(Self { registry: registry.into(), repository: repository.into(), tag: tag.into() })
    }
}

/// Pushes one name; answers with the digest that the registry has it under, where the dockerd tells.
///
/// # Errors
/// [`Error`] for credentials that can't be read, and for what the dockerd or the registry says.
pub async fn push(docker: &Docker, logins: &Logins, name: &str) -> Result<Option<String>, Error> {
    let pushed = Pushed::parse(name)?;
    let found = logins.find(&pushed.registry).map_err(invalid)?;
    let auth = login(&pushed.registry, found.map(|c| c.secret).as_ref());
    docker.push(&pushed.repository, &pushed.tag, &auth, &mut |_| {}).await?;
    let image = docker.image(name).await?;
    Ok(image.as_ref().and_then(|image| digest(image, &pushed.repository)))
}

/// What `X-Registry-Auth` holds (`registry.AuthConfig` of Docker's API).
fn login(registry: &str, secret: Option<&Secret>) -> String {
    let server = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    let document = match secret {
        None => json!({}),
        Some(Secret::Password { user, password }) => {
            json!({"username": user, "password": password, "serveraddress": server})
        }
        Some(Secret::Identity(token)) => json!({"identitytoken": token, "serveraddress": server}),
        Some(Secret::Bearer(token)) => json!({"registrytoken": token, "serveraddress": server}),
    };
    URL_SAFE.encode(document.to_string())
}

/// The digest of an image in a repository.
fn digest(image: &Value, repository: &str) -> Option<String> {
    let all = image["RepoDigests"].as_array()?;
    all.iter().filter_map(Value::as_str).find_map(|text| {
        let (name, digest) = text.split_once('@')?;
        let same = Reference::parse(name).is_ok_and(|r| r.to_string() == repository);
        same.then(|| digest.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::inputs::Inputs;
    use super::super::options::{Flags, Options};
    use super::super::solve::solve;
    use super::*;

    #[test]
    fn only_a_dockerd_with_its_old_store_is_asked_to_push() {
        let flags = Flags { push: true, tags: vec!["a/b:1".into(), "r.io/c".into()], ..Flags::default() };
        let options = Options::parse(&flags, &|_| None).unwrap();
        let of = |driver, containerd_store| {
            let can = Capabilities { driver, containerd_store, ..Capabilities::default() };
            names(&solve(&options, &Inputs::default(), &can).unwrap(), &can)
        };
        assert_eq!(of(Driver::Docker, false), ["a/b:1", "r.io/c"]);
        assert!(of(Driver::Docker, true).is_empty() && of(Driver::Remote, false).is_empty());
    }

    #[test]
    fn names_are_split_into_what_a_dockerd_wants() {
        let pushed = |name: &str| {
            let Pushed { registry, repository, tag } = Pushed::parse(name).unwrap();
            [registry, repository, tag]
        };
        assert_eq!(pushed("x"), ["docker.io", "docker.io/library/x", "latest"]);
        assert_eq!(pushed("localhost:5000/a/b:2"), ["localhost:5000", "localhost:5000/a/b", "2"]);
        assert_eq!(pushed("localhost:5000/a"), ["localhost:5000", "localhost:5000/a", "latest"]);
        let by_digest = format!("a@sha256:{}", "a".repeat(64));
        assert!(Pushed::parse(&by_digest).unwrap_err().to_string().contains("by its digest"));
    }

    #[test]
    fn credentials_are_a_document_in_base64() {
        let read =
            |text: String| -> Value { serde_json::from_slice(&URL_SAFE.decode(text).unwrap()).unwrap() };
        assert_eq!(read(login("r.io", None)), json!({}));
        let secret = Secret::Password { user: "u".into(), password: "p".into() };
        let want = json!({"username": "u", "password": "p", "serveraddress": "https://index.docker.io/v1/"});
        assert_eq!(read(login("docker.io", Some(&secret))), want);
        let want = json!({"identitytoken": "t", "serveraddress": "r.io"});
        assert_eq!(read(login("r.io", Some(&Secret::Identity("t".into())))), want);
    }

    #[test]
    fn the_digest_is_that_of_the_repository() {
        let image = json!({"RepoDigests": ["other@sha256:1", "x@sha256:2"]});
        assert_eq!(digest(&image, "docker.io/library/x").as_deref(), Some("sha256:2"));
        assert_eq!(digest(&image, "docker.io/library/y"), None);
        assert_eq!(digest(&json!({}), "x"), None);
    }
}
