//! The number of a version.

use std::fmt;
use std::str::FromStr;

use super::Rule;

/// A version of BuildKit whose rules are known: v0.13 to v0.32.
///
/// One without a patch number stands for the last patch of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    minor: u16,
    patch: u16,
}

/// Why a text is no [`Version`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// It is no version.
    #[error("`{0}` is no version of BuildKit: write {example} or newest", example = Version::NEWEST)]
    Unreadable(String),
    /// Its rules aren't known.
    #[error("BuildKit {0} isn't known: {oldest} to {newest} are", oldest = Version::OLDEST, newest = Version::NEWEST)]
    Unknown(String),
}

impl Version {
    /// The oldest that is known (Docker 26).
    pub const OLDEST: Self = Self::new(13, 0);
    /// The newest that is known.
    pub const NEWEST: Self = Self::new(32, u16::MAX);
    /// The first whose keys were computed here: what was kept without a version is of this one.
    pub const FIRST: Self = Self::new(32, u16::MAX);

    pub(super) const fn new(minor: u16, patch: u16) -> Self {
        Self { minor, patch }
    }

    /// Whether it follows a rule.
    pub fn has(self, rule: Rule) -> bool {
        self >= rule.since()
    }

    /// Without the patch number: `v0.25`.
    pub const fn minor(self) -> Self {
        Self { patch: u16::MAX, ..self }
    }

    /// What an engine calls its version: of one that is newer than all that are known, the newest. `None` for one that is too
    /// old, and for what is no version.
    pub fn of_engine(text: &str) -> Option<Self> {
        let found = numbers(text).filter(|(major, version)| *major > 0 || *version >= Self::OLDEST)?;
        Some(if found.0 > 0 { Self::NEWEST } else { found.1.min(Self::NEWEST) })
    }

    /// What a Docker engine of this version has built in: packages of distributions don't always tell BuildKit's own version.
    /// `None` for one that is too old, and for what is no version.
    pub fn of_docker(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut numbers = text.split(['.', '-', '+']).map(str::parse::<u16>);
        let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        let found = DOCKER.iter().rev().find(|(docker, _)| *docker <= (major, minor));
        found.map(|(_, version)| *version)
    }
}

/// Docker's releases by their first two numbers, and the BuildKit that the last patch of each has (`go.mod` and `vendor.mod` of
/// moby). Patches of one release differ in nothing that counts here.
const DOCKER: &[((u16, u16), Version)] = &[
    ((26, 0), Version::new(13, 1)),
    ((26, 1), Version::new(13, 2)),
    ((27, 0), Version::new(14, 1)),
    ((27, 1), Version::new(15, 1)),
    ((27, 2), Version::new(15, 2)),
    ((27, 3), Version::new(16, 0)),
    ((27, 4), Version::new(17, 3)),
    ((27, 5), Version::new(18, 2)),
    ((28, 0), Version::new(20, 2)),
    ((28, 1), Version::new(21, 0)),
    ((28, 2), Version::new(22, 0)),
    ((28, 3), Version::new(23, 2)),
    ((28, 4), Version::new(24, 0)),
    ((28, 5), Version::new(25, 2)),
    ((29, 1), Version::new(26, 3)),
    ((29, 2), Version::new(27, 1)),
    ((29, 3), Version::new(28, 1)),
    ((29, 4), Version::new(29, 0)),
    ((29, 5), Version::new(30, 0)),
    ((29, 6), Version::new(31, 2)),
    ((29, 7), Version::NEWEST),
];

impl Default for Version {
    fn default() -> Self {
        Self::NEWEST
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v0.{}", self.minor)?;
        if self.patch == u16::MAX { Ok(()) } else { write!(f, ".{}", self.patch) }
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        if text == "newest" {
            return Ok(Self::NEWEST);
        }
        let (major, version) = numbers(text).ok_or_else(|| VersionError::Unreadable(text.to_owned()))?;
        if major > 0 || version < Self::OLDEST || version > Self::NEWEST {
            return Err(VersionError::Unknown(text.to_owned()));
        }
        Ok(version)
    }
}

/// `v0.25.1-rc1`: the first number, and the rest as a version; what stands behind `-` or `+` doesn't count.
fn numbers(text: &str) -> Option<(u16, Version)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = text.split(['-', '+']).next().unwrap_or_default();
    let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten();
    let mut parts = text.split('.').map(number);
    let (major, minor) = (parts.next()??, parts.next()??);
    let patch = match parts.next() {
        None => u16::MAX,
        Some(patch) => patch?,
    };
    parts.next().is_none().then_some((major, Version { minor, patch }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn a_version_is_written_in_many_ways() {
        assert_eq!(version("newest"), Version::NEWEST);
        assert_eq!(version("0.25"), version("v0.25"));
        assert_eq!(version("v0.25.1").to_string(), "v0.25.1");
        assert_eq!(version("v0.25.1-rc2+debian"), version("0.25.1"));
        assert_eq!(version("0.25").to_string(), "v0.25");
        assert!(version("0.25.9") < version("0.25") && version("0.25") < version("0.26.0"));
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is() {
        let refused = |text: &str| text.parse::<Version>().unwrap_err().to_string();
        assert_eq!(refused("0.12.5"), "BuildKit 0.12.5 isn't known: v0.13.0 to v0.32 are");
        assert_eq!(refused("v0.33"), "BuildKit v0.33 isn't known: v0.13.0 to v0.32 are");
        assert_eq!(refused("1.2"), "BuildKit 1.2 isn't known: v0.13.0 to v0.32 are");
        for bad in ["", "x", "0", "0.", "0.x", "0.25.", "0.25.1.2", "-1.2", "99999999.1", "0.+5"] {
            assert_eq!(refused(bad), format!("`{bad}` is no version of BuildKit: write v0.32 or newest"));
        }
    }

    #[test]
    fn an_engine_may_be_newer_than_all_that_is_known() {
        assert_eq!(Version::of_engine("v0.13.2"), Some(version("0.13.2")));
        assert_eq!(Version::of_engine("v0.40.0"), Some(Version::NEWEST));
        assert_eq!(Version::of_engine("v1.0.0"), Some(Version::NEWEST));
        assert_eq!(Version::of_engine("v0.11.6"), None);
        assert_eq!(Version::of_engine("0.0.0+unknown"), None);
        assert_eq!(Version::of_engine("dev"), None);
    }

    #[test]
    fn a_docker_engine_has_a_buildkit_built_in() {
        let of = |text: &str| Version::of_docker(text).map(|v| v.to_string());
        assert_eq!(of("26.1.5+dfsg1").as_deref(), Some("v0.13.2"));
        assert_eq!(of("28.5.2").as_deref(), Some("v0.25.2"));
        assert_eq!(of("29.0.1").as_deref(), Some("v0.25.2"));
        assert_eq!(of("30.0.0-rc.1").as_deref(), Some("v0.32"));
        assert_eq!([of("20.10.24"), of("25.0.5"), of("unknown"), of("")], [None, None, None, None]);
    }

    #[test]
    fn a_rule_holds_from_its_patch_on() {
        assert!(!version("0.15.1").has(Rule::SecretsWithoutInput));
        assert!(version("0.15").has(Rule::SecretsWithoutInput));
        assert!(!version("0.25").has(Rule::PathsInPatterns) && version("0.25").has(Rule::NamedLinksOnly));
        assert!(Version::NEWEST.has(Rule::EpochNames) && !Version::OLDEST.has(Rule::LinksByComponent));
    }
}
