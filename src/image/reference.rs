//! Image references: `alpine:3.19` → `docker.io/library/alpine:3.19`, as `github.com/distribution/reference` reads them.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

const NAME_TOO_LONG: &str = "repository name must not be more than 255 characters";
const INVALID: &str = "invalid reference format";

/// A host with an optional port, and a path of lower-case components.
const DOMAIN: &str = r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?";
const PATH: &str = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*)*";

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let tag = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
    let digest = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}";
    let whole = format!("^((?:{DOMAIN}/)?{PATH})(?::({tag}))?(?:@({digest}))?$");
    Regex::new(&whole).expect("a valid expression")
});
static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("^(?:({DOMAIN})/)?({PATH})$")).expect("a valid expression"));

/// A named image reference in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// `reference.ParseNormalizedNamed`: adds `docker.io/` and `library/`.
    ///
    /// # Errors
    /// The package's text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(format!(
                "invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
            ));
        }
        let (domain, remainder) = split_domain(text);
        let remote = remainder.split(':').next().unwrap_or("");
        if remote.to_lowercase() != remote {
            return Err(format!("invalid reference format: repository name ({remote}) must be lowercase"));
        }
        Self::parse_whole(&format!("{domain}/{remainder}"))
    }

    fn parse_whole(text: &str) -> Result<Self, String> {
        let Some(found) = REFERENCE.captures(text) else {
            let upper = REFERENCE.is_match(&text.to_lowercase());
            return Err(if upper { "repository name must be lowercase".into() } else { INVALID.into() });
        };
        let part = |i: usize| found.get(i).map(|m| m.as_str().to_owned());
        let name = part(1).unwrap_or_default();
        let (domain, path) = match NAME.captures(&name) {
            Some(m) => (m.get(1).map_or("", |d| d.as_str()).to_owned(), m[2].to_owned()),
            None => (String::new(), name),
        };
        if path.len() > 255 {
            return Err(NAME_TOO_LONG.into());
        }
        let digest = part(3);
        if let Some(digest) = &digest {
            check_digest(digest)?;
        }
        Ok(Self { domain, path, tag: part(2), digest })
    }

    /// `reference.TagNameOnly`: `:latest` where neither tag nor digest is given.
    #[must_use]
    pub fn tagged(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".into());
        }
        self
    }

    /// With this digest in place of its own (`reference.WithDigest`).
    #[must_use]
    pub fn with_digest(&self, digest: &str) -> Self {
        Self { digest: Some(digest.to_owned()), ..self.clone() }
    }

    /// The registry: `docker.io`, `localhost:5000`.
    #[cfg(feature = "registry")]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The repository in that registry.
    #[cfg(feature = "registry")]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The digest, or else the tag.
    #[cfg(feature = "registry")]
    pub fn object(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }

    /// As people write it: without `docker.io/library/` (`reference.FamiliarString`).
    pub fn familiar(&self) -> String {
        if self.domain != "docker.io" {
            return self.to_string();
        }
        let path = match self.path.strip_prefix("library/") {
            Some(rest) if !rest.contains('/') => rest,
            _ => &self.path,
        };
        Self { domain: String::new(), path: path.to_owned(), ..self.clone() }.to_string()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.domain.is_empty() {
            write!(f, "{}/", self.domain)?;
        }
        f.write_str(&self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |d| write!(f, "@{d}"))
    }
}

/// `splitDockerDomain`.
fn split_domain(name: &str) -> (&str, String) {
    let Some((first, rest)) = name.split_once('/') else {
        return ("docker.io", format!("library/{name}"));
    };
    let (domain, path) = match first {
        "localhost" => (first, rest),
        "index.docker.io" => ("docker.io", rest),
        _ if first.contains(['.', ':']) || first.to_lowercase() != first => (first, rest),
        _ => ("docker.io", name),
    };
    let official = domain == "docker.io" && !path.contains('/');
    (domain, if official { format!("library/{path}") } else { path.to_owned() })
}

/// `digest.Parse`.
///
/// # Errors
/// The package's text.
pub(crate) fn check_digest(text: &str) -> Result<(), String> {
    let (algorithm, encoded) = text.split_once(':').unwrap_or(("", ""));
    if algorithm.is_empty() || encoded.is_empty() {
        return Err("invalid checksum digest format".into());
    }
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ if digest_shaped(algorithm, encoded) => return Err("unsupported digest algorithm".into()),
        _ => return Err("invalid checksum digest format".into()),
    };
    if encoded.len() != length {
        return Err("invalid checksum digest length".into());
    }
    if encoded.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        Ok(())
    } else {
        Err("invalid checksum digest format".into())
    }
}

/// `[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+`
fn digest_shaped(algorithm: &str, encoded: &str) -> bool {
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    algorithm.split(['.', '+', '_', '-']).all(word)
        && encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"=_-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_get_docker_hubs_prefix() {
        let digest = "sha256:".to_owned() + &"a".repeat(64);
        for (text, want) in [
            ("alpine", "docker.io/library/alpine:latest"),
            ("alpine:3.19", "docker.io/library/alpine:3.19"),
            ("me/app", "docker.io/me/app:latest"),
            ("index.docker.io/alpine", "docker.io/library/alpine:latest"),
            ("localhost/x", "localhost/x:latest"),
            ("reg:5000/x:1", "reg:5000/x:1"),
            ("docker.io/alpine", "docker.io/library/alpine:latest"),
            ("0", "docker.io/library/0:latest"),
        ] {
            assert_eq!(Reference::parse(text).unwrap().tagged().to_string(), want);
        }
        let pinned = format!("alpine@{digest}");
        assert_eq!(
            Reference::parse(&pinned).unwrap().tagged().to_string(),
            format!("docker.io/library/{pinned}")
        );
    }

    #[test]
    fn familiar_names_lose_it_again() {
        for (text, want) in [
            ("docker.io/library/alpine:3", "alpine:3"),
            ("docker.io/me/app", "me/app"),
            ("quay.io/a/b", "quay.io/a/b"),
        ] {
            assert_eq!(Reference::parse(text).unwrap().familiar(), want);
        }
    }

    #[test]
    fn bad_references_are_refused_in_the_packages_words() {
        for (text, want) in [
            ("", "invalid reference format"),
            ("a b", "invalid reference format"),
            ("Alpine", "invalid reference format: repository name (library/Alpine) must be lowercase"),
            ("a:b:c", "invalid reference format"),
            ("a@sha256:abc", "invalid reference format"),
            ("build-", "invalid reference format"),
        ] {
            assert_eq!(Reference::parse(text).unwrap_err(), want, "{text:?}");
        }
    }

    #[test]
    fn digests_are_checked() {
        assert_eq!(check_digest(&format!("sha256:{}", "0".repeat(64))), Ok(()));
        for (text, want) in [
            ("sha256", "invalid checksum digest format"),
            ("sha256:ab", "invalid checksum digest length"),
            ("md5:ab", "unsupported digest algorithm"),
            ("M:ab", "invalid checksum digest format"),
        ] {
            assert_eq!(check_digest(text).unwrap_err(), want);
        }
    }
}
