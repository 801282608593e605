//! Folders of the client's that an engine reads from and writes to as content stores: caches, OCI layouts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::inputs::Inputs;
use super::layer::STORE;
use super::offer::invalid;
use super::options::{CacheEntry, Target};
use super::run::Response;
use super::solve::Solve;
use crate::error::Error;
use crate::session::content::layout::{self, Name};
use crate::session::content::{self, Access, Blobs, Stores};

/// The tag of a cache without one.
const LATEST: &str = "latest";

/// Looks up what the caches to read hold; those that hold nothing are left out, as BuildKit's own client does (`client/solve.go`), and named
/// for a warning.
///
/// # Errors
/// A cache without a folder.
pub fn resolve(solve: &mut Solve) -> Result<Vec<String>, Error> {
    let mut left_out = Vec::new();
    let mut kept = Vec::new();
    for mut cache in std::mem::take(&mut solve.cache_from) {
        if cache.kind == "local" {
            let folder = folder(&cache, "src")?.to_owned();
            if let Err(why) = pin(&mut cache, Path::new(&folder)) {
                left_out.push(format!("the cache in {folder} is not read: {why}"));
                continue;
            }
        }
        kept.push(cache);
    }
    solve.cache_from = kept;
    Ok(left_out)
}

/// The digest of the manifest that a cache's tag means.
fn pin(cache: &mut CacheEntry, folder: &Path) -> Result<(), String> {
    let given = cache.attrs.get("digest").cloned().filter(|d| !d.is_empty());
    let digest = match given {
        Some(digest) => digest,
        None => {
            let tag = cache.attrs.get("tag").map_or(LATEST, String::as_str);
            let found = layout::find(folder, tag).map_err(|e| e.to_string())?;
            found.ok_or_else(|| format!("there is nothing with the tag {tag}"))?
        }
    };
    if !content::has(folder, &digest) {
        return Err(format!("{digest} is not there"));
    }
    cache.attrs.insert("digest".into(), digest);
    Ok(())
}

fn folder<'c>(cache: &'c CacheEntry, key: &str) -> Result<&'c str, Error> {
    cache.attrs.get(key).map(String::as_str).filter(|f| !f.is_empty()).ok_or_else(|| {
        Error::usage(format!("a local cache has no {key}"), &format!("write type=local,{key}=DIR"))
    })
}

/// The stores on offer.
///
/// # Errors
/// A folder that isn't there or can't be made.
pub fn offered(inputs: &Inputs, solve: &Solve) -> Result<Stores, Error> {
    let mut stores: Vec<(String, PathBuf, Access)> = Vec::new();
    for (name, path) in &inputs.layouts {
        stores.push((Stores::oci(name), path.clone(), Access::Read));
    }
    let local = |caches: &'_ [CacheEntry]| -> Vec<CacheEntry> {
        caches.iter().filter(|c| c.kind == "local").cloned().collect()
    };
    for cache in local(&solve.cache_from) {
        let path = folder(&cache, "src")?;
        stores.push((Stores::local(path), path.into(), Access::Read));
    }
    for cache in local(&solve.cache_to) {
        let path = folder(&cache, "dest")?;
        stores.push((Stores::local(path), path.into(), Access::Write));
    }
    for export in &solve.exports {
        if let Target::Store(path) = &export.target {
            stores.push((Stores::EXPORT.to_owned(), path.clone(), Access::Write));
        }
    }
    let stores = Stores::new(stores).map_err(invalid)?;
    match &inputs.image {
        Some(image) => stores.with(Stores::oci(STORE), Arc::clone(image) as Arc<dyn Blobs>).map_err(invalid),
        None => Ok(stores),
    }
}

/// Enters what the engine has written into the indexes of the layouts.
///
/// # Errors
/// An index that can't be written.
pub fn enter(solve: &Solve, response: &Response) -> Result<(), Error> {
    if let Some(descriptor) = response.get("cache.manifest") {
        for cache in solve.cache_to.iter().filter(|c| c.kind == "local") {
            let tag = cache.attrs.get("tag").map_or(LATEST, String::as_str);
            put(folder(cache, "dest")?, descriptor, &[Name::Tag(tag.to_owned())])?;
        }
    }
    let image = response.get("containerimage.descriptor").and_then(|d| STANDARD.decode(d).ok());
    let Some(descriptor) = image.and_then(|d| String::from_utf8(d).ok()) else { return Ok(()) };
    let names: Vec<Name> = match response.get("image.name") {
        Some(names) => names.split(',').map(|n| Name::Image(n.to_owned())).collect(),
        None => vec![Name::Tag(LATEST.to_owned())],
    };
    for export in &solve.exports {
        if let Target::Store(path) = &export.target {
            put(path, &descriptor, &names)?;
        }
    }
    Ok(())
}

fn put(folder: impl AsRef<Path>, descriptor: &str, names: &[Name]) -> Result<(), Error> {
    layout::put(folder.as_ref(), descriptor, names).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn cache(pairs: &[(&str, &str)]) -> CacheEntry {
        let attrs: BTreeMap<_, _> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        CacheEntry { kind: "local".into(), attrs }
    }

    fn solve(cache_from: Vec<CacheEntry>) -> Solve {
        Solve {
            frontend: String::new(),
            attrs: BTreeMap::new(),
            exports: Vec::new(),
            cache_to: Vec::new(),
            cache_from,
            entitlements: Vec::new(),
            internal: false,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn a_cache_that_holds_nothing_is_left_out_with_a_word() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let mut solve = solve(vec![cache(&[("src", path)]), cache(&[("src", "/nonexistent/x")])]);
        let left_out = resolve(&mut solve).unwrap();
        assert_eq!((solve.cache_from.len(), left_out.len()), (0, 2), "{left_out:?}");
    }

    #[test]
    fn a_cache_has_a_folder() {
        assert!(resolve(&mut solve(vec![cache(&[])])).is_err());
    }
}
