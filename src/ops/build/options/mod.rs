//! `docker build`'s options, as buildx reads them.

mod attest;
mod cache;
mod export;
mod text;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use self::attest::Attests;
pub use self::cache::CacheEntry;
pub use self::export::{Export, Target};
pub use self::text::{Bad, boolean};
pub use self::values::{Call, Host, Secret, SecretSource, Ssh};
use crate::error::Error;
use crate::image::{Platform, Reference};

/// What was typed, word for word.
#[derive(Clone, Default)]
pub struct Flags {
    /// `PATH`, a URL, or `-`.
    pub context: String,
    /// `--file`.
    pub file: Option<String>,
    /// `--tag`.
    pub tags: Vec<String>,
    /// `--target`.
    pub target: Option<String>,
    /// `--build-arg`.
    pub build_args: Vec<String>,
    /// `--build-context`.
    pub build_contexts: Vec<String>,
    /// `--platform`.
    pub platforms: Vec<String>,
    /// `--label`.
    pub labels: Vec<String>,
    /// `--no-cache`.
    pub no_cache: bool,
    /// `--no-cache-filter`.
    pub no_cache_filter: Vec<String>,
    /// `--pull`.
    pub pull: bool,
    /// `--cache-from`.
    pub cache_from: Vec<String>,
    /// `--cache-to`.
    pub cache_to: Vec<String>,
    /// `--secret`.
    pub secrets: Vec<String>,
    /// `--ssh`.
    pub ssh: Vec<String>,
    /// `--output`.
    pub outputs: Vec<String>,
    /// `--load`.
    pub load: bool,
    /// `--push`.
    pub push: bool,
    /// `--iidfile`.
    pub iidfile: Option<PathBuf>,
    /// `--metadata-file`.
    pub metadata_file: Option<PathBuf>,
    /// `--network`.
    pub network: Option<String>,
    /// `--add-host`.
    pub add_hosts: Vec<String>,
    /// `--shm-size`.
    pub shm_size: Option<String>,
    /// `--ulimit`.
    pub ulimits: Vec<String>,
    /// `--provenance`.
    pub provenance: Option<String>,
    /// `--sbom`.
    pub sbom: Option<String>,
    /// `--attest`.
    pub attests: Vec<String>,
    /// `--annotation`.
    pub annotations: Vec<String>,
    /// `--call`.
    pub call: Option<String>,
    /// `--allow`.
    pub allow: Vec<String>,
    /// `--cgroup-parent`.
    pub cgroup_parent: Option<String>,
}

/// A build as it was asked for.
#[derive(Clone)]
pub struct Options {
    /// `PATH`, a URL, or `-`.
    pub context: String,
    /// The Dockerfile: a path, a URL, or `-`; `None` for the context's.
    pub file: Option<String>,
    /// The image's names.
    pub tags: Vec<String>,
    /// The stage; `None` for the last one.
    pub target: Option<String>,
    /// Build arguments.
    pub build_args: BTreeMap<String, String>,
    /// Named contexts.
    pub named: BTreeMap<String, String>,
    /// Platforms in normal form; none for the engine's own.
    pub platforms: Vec<Platform>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Whether no step may use the cache.
    pub no_cache: bool,
    /// The stages of which no step may use the cache.
    pub no_cache_filter: Vec<String>,
    /// Whether registries are asked for base images that are there.
    pub pull: bool,
    /// Caches to read.
    pub cache_from: Vec<CacheEntry>,
    /// Caches to write.
    pub cache_to: Vec<CacheEntry>,
    /// Secrets.
    pub secrets: Vec<Secret>,
    /// Agents.
    pub ssh: Vec<Ssh>,
    /// What becomes of the result; none for what the builder does by default.
    pub exports: Vec<Export>,
    /// Where the image's id is written.
    pub iidfile: Option<PathBuf>,
    /// Where what the engine says of the result is written.
    pub metadata_file: Option<PathBuf>,
    /// `host`, `none`; `None` for the default.
    pub network: Option<String>,
    /// Further hosts.
    pub hosts: Vec<Host>,
    /// The size of `/dev/shm` in bytes; 0 for the engine's own.
    pub shm_size: i64,
    /// Limits by name, as the frontend takes them.
    pub ulimits: BTreeMap<String, String>,
    /// Attestations.
    pub attests: Attests,
    /// Whether there is provenance where nothing is said of it.
    pub default_attests: bool,
    /// Whether a builder that keeps its results to itself is not asked to do otherwise.
    pub no_default_load: bool,
    /// Annotations, as the exporters take them.
    pub annotations: BTreeMap<String, String>,
    /// What is asked in place of a build.
    pub call: Option<Call>,
    /// Entitlements.
    pub allow: Vec<String>,
    /// The control group of RUN.
    pub cgroup_parent: Option<String>,
}

impl std::fmt::Debug for Options {
    /// Without anything that may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("context", &self.context)
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Reads what was typed; `environment` looks variables up.
    ///
    /// # Errors
    /// [`Error::Usage`] for values that can't be meant, and for options that exclude each other.
    pub fn parse(flags: &Flags, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let mut exports = each("--output", &flags.outputs, export::export)?;
        refuse(flags, &exports)?;
        export::shorthands(&mut exports, flags.push, flags.load);
        let annotations = said("--annotation", attest::annotations(&flags.annotations))?;
        // A default export takes none: buildx adds it later.
        for export in &mut exports {
            export.attrs.extend(annotations.clone());
        }
        Ok(Self {
            context: flags.context.clone(),
            file: flags.file.clone().filter(|f| !f.is_empty()),
            tags: each("--tag", &flags.tags, tag)?,
            target: flags.target.clone().filter(|t| !t.is_empty()),
            build_args: build_args(&flags.build_args, environment)?,
            named: each("--build-context", &flags.build_contexts, named)?.into_iter().collect(),
            platforms: flat("--platform", &flags.platforms, values::platforms)?,
            labels: labels(&flags.labels)?,
            no_cache: flags.no_cache,
            no_cache_filter: flags.no_cache_filter.clone(),
            pull: flags.pull,
            cache_from: flat("--cache-from", &flags.cache_from, |text| cache::entries(text, environment))?,
            cache_to: flat("--cache-to", &flags.cache_to, |text| cache::entries(text, environment))?,
            secrets: each("--secret", &flags.secrets, values::secret)?,
            ssh: flags.ssh.iter().filter(|s| !s.is_empty()).map(|s| values::ssh(s)).collect(),
            exports,
            iidfile: flags.iidfile.clone(),
            metadata_file: flags.metadata_file.clone(),
            network: network(flags.network.as_deref())?,
            hosts: flat("--add-host", &flags.add_hosts, values::hosts)?,
            shm_size: shm_size(flags.shm_size.as_deref())?,
            ulimits: each("--ulimit", &flags.ulimits, values::ulimit)?.into_iter().collect(),
            attests: attestations(flags)?,
            default_attests: !switch(environment, "BUILDX_NO_DEFAULT_ATTESTATIONS")?,
            no_default_load: switch(environment, "BUILDX_NO_DEFAULT_LOAD").unwrap_or(false),
            annotations,
            call: said("--call", values::call(flags.call.as_deref().unwrap_or_default()))?,
            allow: each("--allow", &flags.allow, values::entitlement)?,
            cgroup_parent: flags.cgroup_parent.clone().filter(|g| !g.is_empty()),
        })
    }
}

/// What can't go together.
fn refuse(flags: &Flags, exports: &[Export]) -> Result<(), Error> {
    if flags.no_cache && !flags.no_cache_filter.is_empty() {
        let hint = "leave --no-cache-filter out: without a cache no stage has one";
        return Err(Error::usage("--no-cache and --no-cache-filter can't be used together", hint));
    }
    let files = exports.iter().any(|e| matches!(e.kind.as_str(), "local" | "tar"));
    if flags.iidfile.is_some() && files {
        let hint = "an image id is only known of an image: write one, or leave --iidfile out";
        return Err(Error::usage("the local and tar outputs have no image id for --iidfile", hint));
    }
    if exports.iter().filter(|e| e.target == Target::Stdout).count() > 1 {
        let hint = "give all but one of them a dest";
        return Err(Error::usage("several outputs would be written to standard output", hint));
    }
    Ok(())
}

/// What is wrong with the value of an option.
fn said<T>(option: &str, read: Result<T, Bad>) -> Result<T, Error> {
    read.map_err(|Bad(why)| Error::Usage { message: format!("{option}: {why}"), hint: None })
}

/// The values of an option that are not empty.
fn each<T>(option: &str, texts: &[String], read: impl Fn(&str) -> Result<T, Bad>) -> Result<Vec<T>, Error> {
    texts.iter().filter(|t| !t.is_empty()).map(|text| said(option, read(text))).collect()
}

/// The values of an option each of which may hold several.
fn flat<T>(
    option: &str,
    texts: &[String],
    read: impl Fn(&str) -> Result<Vec<T>, Bad>,
) -> Result<Vec<T>, Error> {
    Ok(each(option, texts, read)?.into_iter().flatten().collect())
}

/// A name as it was typed: engines add the registry and the tag themselves, and buildx leaves that to them.
fn tag(text: &str) -> Result<String, Bad> {
    Reference::parse(text).map_err(|e| Bad::new(format!("invalid tag {text:?}: {e}")))?;
    Ok(text.to_owned())
}

fn named(text: &str) -> Result<(String, String), Bad> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| Bad::new(format!("`{text}` is not NAME=VALUE")))?;
    Ok((values::context_name(name)?, value.to_owned()))
}

/// `K=V` as given, `K` with the environment's value; a `K` that the environment doesn't have is left out.
fn build_args(
    given: &[String],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, Error> {
    let mut args = BTreeMap::new();
    for arg in given {
        match arg.split_once('=') {
            Some(("", _)) => return Err(Error::usage("a --build-arg has no name", "write K=V")),
            Some((key, value)) => drop(args.insert(key.to_owned(), value.to_owned())),
            None if arg.is_empty() => return Err(Error::usage("a --build-arg has no name", "write K=V")),
            None => {
                if let Some(value) = environment(arg) {
                    args.insert(arg.clone(), value);
                }
            }
        }
    }
    if let Some(epoch) = environment("SOURCE_DATE_EPOCH").filter(|e| !e.is_empty()) {
        args.entry("SOURCE_DATE_EPOCH".into()).or_insert(epoch);
    }
    Ok(args)
}

fn labels(given: &[String]) -> Result<BTreeMap<String, String>, Error> {
    let label = |text: &String| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if key.is_empty() {
            return Err(Error::usage("a --label has no name", "write K=V"));
        }
        Ok((key.to_owned(), value.to_owned()))
    };
    given.iter().map(label).collect()
}

fn attestations(flags: &Flags) -> Result<Attests, Error> {
    let mut texts = flags.attests.clone();
    for (kind, value) in [("provenance", &flags.provenance), ("sbom", &flags.sbom)] {
        texts.extend(value.iter().filter(|v| !v.is_empty()).map(|v| attest::shorthand(kind, v)));
    }
    said("--attest", attest::attests(&texts))
}

fn network(text: Option<&str>) -> Result<Option<String>, Error> {
    match text {
        None | Some("" | "default") => Ok(None),
        Some(mode @ ("host" | "none")) => Ok(Some(mode.to_owned())),
        Some(mode) => Err(Error::usage(
            format!("network mode `{mode}` is not supported by BuildKit"),
            "it has default, host and none; a builder can have a network of its own",
        )),
    }
}

fn shm_size(text: Option<&str>) -> Result<i64, Error> {
    let Some(text) = text else { return Ok(0) };
    text::memory(text).ok_or_else(|| {
        Error::usage(format!("--shm-size: `{text}` is no size"), "write bytes, or such as 64m or 1g")
    })
}

/// A variable that switches something on.
fn switch(environment: &dyn Fn(&str) -> Option<String>, name: &str) -> Result<bool, Error> {
    match environment(name) {
        None => Ok(false),
        Some(value) => boolean(&value)
            .ok_or_else(|| Error::usage(format!("{name} is neither true nor false"), "set it to 1 or 0")),
    }
}

#[cfg(test)]
mod tests;
