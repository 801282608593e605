//! Builds of a project → requests, and files on disk for the room `project`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{DockerfileInput, NamedInput, Request};
use crate::buildkit::Version;
use crate::image::Platform;
use crate::plan::PlanOptions;
use crate::project::{Build, ContextRef, DockerfileRef, Files, NamedRef, Place, Setting};
use crate::wording::reason;

/// Files on disk. Relative paths start from where the program runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiskFiles;

impl Files for DiskFiles {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        match path.metadata() {
            Ok(meta) if meta.is_dir() => return Ok(None),
            // A pipe would never end.
            Ok(meta) if !meta.is_file() => return Err("not a regular file".to_owned()),
            _ => {}
        }
        match std::fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&e.kind()) => Ok(None),
            Err(e) => Err(reason(&e)),
        }
    }

    fn stays_within(&self, path: &Path, folder: &Path) -> bool {
        match (path.canonicalize(), folder.canonicalize()) {
            (Ok(path), Ok(folder)) => path.starts_with(folder),
            // What is not there leads nowhere.
            _ => true,
        }
    }
}

/// Why a build can't be planned here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplannable {
    /// In words.
    pub message: String,
    /// Where it is written.
    pub place: Place,
    /// Its sources are not on this machine; nothing is wrong with it.
    pub elsewhere: bool,
}

/// The requests of a build: one for each of its platforms, the builder's own where it names none. `bases` tell what base images
/// are, `buildkit` which version the engine has; `index` is the folder that remembers digests.
///
/// # Errors
/// [`Unplannable`] for contexts and Dockerfiles that are not on this machine, and for platforms that are none.
pub fn requests(
    build: &Build,
    bases: &[(String, PathBuf)],
    buildkit: Option<Version>,
    index: Option<&Path>,
) -> Result<Vec<Request>, Unplannable> {
    let mut request = request(build)?;
    request.plan.buildkit = buildkit;
    request.bases = bases.to_vec();
    request.index = index.map(Path::to_owned);
    if build.platforms.is_empty() {
        return Ok(vec![request]);
    }
    let one = |text: &crate::project::Placed<String>| {
        let platform = Platform::parse(&text.value).map_err(|why| Unplannable {
            message: format!("the platform {}: {why}", text.value),
            place: text.place.clone(),
            elsewhere: false,
        })?;
        let mut request = request.clone();
        request.plan.platform = Some(platform);
        Ok(request)
    };
    build.platforms.iter().map(one).collect()
}

/// The request of a build, without a platform.
fn request(build: &Build) -> Result<Request, Unplannable> {
    let elsewhere = |what: &str, url: &str, place: &Place| Unplannable {
        message: format!("the {what} {url} is not on this machine, and is not seen"),
        place: place.clone(),
        elsewhere: true,
    };
    let context = match &build.context.value {
        ContextRef::Folder { path, .. } => path.clone(),
        ContextRef::Remote(url) => return Err(elsewhere("context", url, &build.context.place)),
    };
    let dockerfile = match &build.dockerfile.value {
        DockerfileRef::Default => DockerfileInput::Default,
        DockerfileRef::Path { path, .. } => DockerfileInput::Path(path.clone()),
        DockerfileRef::Inline(text) => DockerfileInput::Bytes(text.clone().into_bytes()),
        DockerfileRef::Remote(url) => return Err(elsewhere("Dockerfile", url, &build.dockerfile.place)),
    };
    Ok(Request {
        context,
        dockerfile,
        named: build.named.iter().map(|(name, v)| (name.clone(), NamedInput::from(&v.value))).collect(),
        bases: Vec::new(),
        #[cfg(feature = "registry")]
        registries: None,
        index: None,
        plan: PlanOptions {
            target: build.target.as_ref().map(|t| t.value.clone()),
            build_args: arguments(build),
            no_cache: build.no_cache,
            no_cache_filter: build.no_cache_filter.iter().map(|f| f.value.clone()).collect(),
            ..PlanOptions::default()
        },
    })
}

/// The arguments that have values.
fn arguments(build: &Build) -> BTreeMap<String, String> {
    build.args.iter().filter_map(|(name, v)| Some((name.clone(), v.value.clone()?))).collect()
}

impl From<&NamedRef> for NamedInput {
    fn from(named: &NamedRef) -> Self {
        match named {
            NamedRef::Folder(path) => Self::Folder(path.clone()),
            NamedRef::OciLayout(spec) => Self::OciLayout(spec.clone()),
            NamedRef::DockerImage(image) => Self::DockerImage(image.clone()),
            NamedRef::Remote(url) => Self::Remote(url.clone()),
            NamedRef::Target(name) => Self::Other(format!("target:{name}")),
        }
    }
}

/// The options that change the result of a build without being part of its request, in words, with where they are written.
pub fn options(build: &Build) -> BTreeMap<String, (String, Place)> {
    let labels =
        build.labels.iter().map(|(name, v)| (format!("label {name}"), (v.value.clone(), v.place.clone())));
    let setting = |(setting, v): (&Setting, &crate::project::Placed<Vec<String>>)| {
        let mut values = v.value.clone();
        values.sort();
        (setting.name().to_owned(), (values.join(" "), v.place.clone()))
    };
    labels.chain(build.settings.iter().map(setting)).collect()
}
