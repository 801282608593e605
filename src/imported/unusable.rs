//! Whether there is a usable cache at all.

use std::fmt;
use std::path::PathBuf;

use super::{Availability, CacheKind, ImportedCache};
use crate::image::{Matcher, Platform, show_platform};

/// Why nothing can be taken from a cache. Its text says so; [`Unusable::hint`] says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// Nothing was ever written to the folder.
    EmptyFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// It is an image, and no cache was put into it.
    NoInlineCache,
    /// It is a cache in which nothing is remembered.
    NoRecords,
    /// Keys are remembered, but no result: nothing can be loaded.
    NoResults,
    /// Results are remembered, but layers of each of them are missing.
    NoLayers {
        /// How many blobs are missing.
        missing: usize,
    },
    /// It was written for other platforms. What doesn't hang on the platform may be found all the same.
    OtherPlatform {
        /// The platform asked for.
        wanted: String,
        /// Those that are there.
        have: Vec<String>,
    },
}

impl Unusable {
    /// True when nothing at all can be taken from the cache; false when that is only likely.
    pub fn is_certain(&self) -> bool {
        !matches!(self, Self::OtherPlatform { .. })
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::EmptyFolder { .. } => {
                "a build with `--cache-to type=local,dest=…` fills it; where CI keeps it between jobs, it was not restored".into()
            }
            Self::NoInlineCache => {
                "build and push the image with `--cache-to type=inline`, or export the cache with `type=local` or `type=registry`"
                    .into()
            }
            Self::NoRecords | Self::NoResults => {
                "export the cache again with `--cache-to …,mode=max`".into()
            }
            Self::NoLayers { .. } => {
                "copy the whole folder, `blobs` included, or export the cache again".into()
            }
            Self::OtherPlatform { have, .. } => {
                format!("build for {} or keep a cache for each platform", have.join(" or "))
            }
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyFolder { folder } => {
                write!(f, "no cache: {} holds nothing that was exported", folder.display())
            }
            Self::NoInlineCache => f.write_str("no cache: it is an image without inline cache"),
            Self::NoRecords => f.write_str("the cache is empty: it has no records"),
            Self::NoResults => f.write_str("the cache has keys, but not a single layer"),
            Self::NoLayers { missing } => {
                write!(
                    f,
                    "the cache has keys, but {missing} of its layers are missing, and no result is complete"
                )
            }
            Self::OtherPlatform { wanted, have } => {
                write!(f, "the cache is for {}, not for {wanted}", have.join(", "))
            }
        }
    }
}

pub(super) fn unusable(cache: &ImportedCache, platform: Option<&Platform>) -> Option<Unusable> {
    if let Some(absent) = &cache.absent {
        return Some(absent.clone());
    }
    if cache.remembered.records.is_empty() {
        return Some(Unusable::NoRecords);
    }
    if !cache.remembered.records.iter().any(|r| r.result) {
        let missing = cache.layers.iter().filter(|l| l.availability != Availability::Here).count();
        return Some(if missing == 0 { Unusable::NoResults } else { Unusable::NoLayers { missing } });
    }
    other_platform(cache, platform?)
}

fn other_platform(cache: &ImportedCache, wanted: &Platform) -> Option<Unusable> {
    if cache.kind != CacheKind::Inline {
        return None;
    }
    let have: Vec<&Platform> = cache.parts.iter().filter_map(|p| p.platform.as_ref()).collect();
    let matcher = Matcher::only(wanted);
    if have.is_empty() || have.iter().any(|p| matcher.matches(p)) {
        return None;
    }
    let mut have: Vec<String> = have.into_iter().map(show_platform).collect();
    have.dedup();
    Some(Unusable::OtherPlatform { wanted: show_platform(wanted), have })
}
