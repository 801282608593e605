//! Named contexts (`frontend/dockerui/namedcontext.go`): what stands in the place of a stage or an image.

use super::git::{self, Git};
use super::nodes::{Nodes, Output, PathsId, Work};
use super::problem::Fail;
use super::stage::{Config, State, split};
use super::{ImageRef, Images, NamedContext, PlanOptions, ResolveError, Source};
use crate::image::{Image, Platform, Reference};

/// A named context that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The name as given.
    pub key: String,
    /// What it is.
    pub context: NamedContext,
}

/// What a named context holds.
pub(super) struct Loaded {
    pub state: State,
    /// The image's config, for an image.
    pub config: Option<Config>,
    /// The platform that the config names.
    pub platform: Option<Platform>,
    /// Why the config isn't known, when it isn't.
    pub unknown: Option<String>,
}

/// `Client.NamedContext`: looks a name up, first with the platform behind it (`alpine::linux/arm64`).
///
/// # Errors
/// A name that is no reference.
pub(super) fn find(options: &PlanOptions, name: &str, platform: &Platform) -> Result<Option<Found>, Fail> {
    if name.eq_ignore_ascii_case("scratch") || name.eq_ignore_ascii_case("context") {
        return Ok(None);
    }
    let name = usual(name)
        .map_err(|e| Fail::new("invalid-reference", format!("invalid context name {name}: {e}")))?;
    let with_platform = format!("{name}::{}", platform.normalized().full());
    let given = |wanted: &str| {
        let exact = options.named_contexts.get_key_value(wanted);
        let spelled = || options.named_contexts.iter().find(|(k, _)| usual(k).is_ok_and(|k| k == wanted));
        exact.or_else(spelled).map(|(k, c)| Found { key: k.clone(), context: c.clone() })
    };
    Ok(given(&with_platform).or_else(|| given(&name)))
}

/// The spelling that names are compared in: without `docker.io/library/` and `:latest`.
fn usual(name: &str) -> Result<String, String> {
    let name = Reference::parse(name)?.familiar();
    Ok(name.strip_suffix(":latest").map_or(name.clone(), str::to_owned))
}

/// `NamedContext.Load`. `paths` is what a folder will be asked for.
///
/// # Errors
/// An image that should be readable and is not ([`ResolveError`]), or a reference that is none ([`Fail`]).
pub(super) fn load(
    found: &Found,
    platform: &Platform,
    paths: PathsId,
    nodes: &mut Nodes,
    images: &dyn Images,
) -> Result<Result<Loaded, Fail>, ResolveError> {
    let key = &found.key;
    match &found.context {
        NamedContext::Local => {
            let node = nodes.add(Work::Local(key.clone(), paths), Platform::default(), Vec::new(), None);
            Ok(Ok(plain(Some(node))))
        }
        NamedContext::OciLayout => {
            let image = images.named(key, platform).map_err(|why| unreadable(key, why))?;
            Ok(Ok(of_image(key.clone(), Some(image), platform, nodes, key)))
        }
        NamedContext::DockerImage(text) => {
            let text = text.strip_prefix("docker-image://").unwrap_or(text);
            if text == "scratch" {
                return Ok(Ok(plain(None)));
            }
            let reference = match Reference::parse(text) {
                Ok(reference) => reference.tagged().to_string(),
                Err(why) => return Ok(Err(Fail::new("invalid-reference", why))),
            };
            let image = images.image(&reference, platform).map_err(|why| unreadable(&reference, why))?;
            Ok(Ok(of_image(reference, image, platform, nodes, text)))
        }
        NamedContext::Remote(url) => Ok(remote(url, nodes)),
        NamedContext::Other(text) => {
            let reason = format!("only a builder knows what the context {key} ({text}) holds");
            let source = Source::Image { reference: key.clone(), image: None };
            let node = nodes.add(Work::Source(source), platform.normalized(), vec![reason.clone()], None);
            Ok(Ok(Loaded { unknown: Some(reason), ..plain(Some(node)) }))
        }
    }
}

/// The error for an image that should be readable.
pub(super) fn unreadable(name: &str, why: String) -> ResolveError {
    ResolveError::Image { name: name.to_owned(), why }
}

fn plain(output: Output) -> Loaded {
    Loaded { state: State::new(output), config: None, platform: None, unknown: None }
}

/// What there is to say of an image that isn't known; `name` as people write it.
pub(super) fn unknown_image(name: &str) -> String {
    format!(
        "the config of base image {name} is not known (give it with --base {name}=PATH, an OCI layout or an image config)"
    )
}

fn of_image(
    reference: String,
    image: Option<Image>,
    platform: &Platform,
    nodes: &mut Nodes,
    name: &str,
) -> Loaded {
    let unknown = image.is_none().then(|| unknown_image(name));
    let boxed = image.clone().map(|i| Box::new(ImageRef(i)));
    let source = Source::Image { reference, image: boxed };
    let open = unknown.iter().cloned().collect();
    let node = nodes.add(Work::Source(source), platform.normalized(), open, None);
    let mut loaded = Loaded { unknown, ..plain(Some(node)) };
    loaded.state.platform = Some(platform.normalized());
    if let Some(image) = &image {
        with_config(&mut loaded, image);
    }
    loaded
}

/// `State.WithImageConfig`.
fn with_config(loaded: &mut Loaded, image: &Image) {
    let config = Config::of(&image.config);
    let state = &mut loaded.state;
    for (key, value) in config.env.iter().map(|e| split(e)).filter(|(k, _)| !k.is_empty()) {
        state.env.set(key, value, true);
    }
    state.dir = if config.working_dir.starts_with('/') {
        config.working_dir.clone()
    } else {
        super::paths::join(&["/", &config.working_dir])
    };
    let platform = &image.config.platform;
    if !platform.architecture.is_empty() && !platform.os.is_empty() {
        state.platform = Some(platform.normalized());
        loaded.platform = Some(platform.clone());
    }
    loaded.config = Some(config);
}

fn remote(url: &str, nodes: &mut Nodes) -> Result<Loaded, Fail> {
    let source = match git::detect(url) {
        Git::Bad(why) => return Err(Fail::new("invalid-git-url", why)),
        Git::Yes(git) => Source::Git {
            remote: url.into(),
            keep_git_dir: git.keep_git_dir == Some(true),
            checksum: Some(git.checksum).filter(|c| !c.is_empty()),
        },
        Git::No => {
            Source::Http { url: url.into(), checksum: None, filename: "context".into(), git_like: false }
        }
    };
    let open = vec![format!("what is behind {url} is not known offline")];
    Ok(plain(Some(nodes.add(Work::Source(source), Platform::default(), open, None))))
}
