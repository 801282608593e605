//! Options and an engine's capabilities → what the engine is asked for (buildx `build/opt.go`, `toSolveOpt`; BuildKit `client/solve.go`).

use std::collections::BTreeMap;

use super::inputs::Inputs;
use super::options::{CacheEntry, Export, Options, Target, boolean};
use crate::error::Error;

/// What kind of builder it is, in buildx's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Driver {
    /// The BuildKit in a dockerd.
    #[default]
    Docker,
    /// A buildkitd in a container of a dockerd.
    Container,
    /// A buildkitd anywhere.
    Remote,
}

impl Driver {
    /// buildx's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Container => "docker-container",
            Self::Remote => "remote",
        }
    }
}

/// What a builder can do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// The kind of builder.
    pub driver: Driver,
    /// A dockerd keeps its images in containerd's store: only then does it export caches, layouts and several platforms.
    pub containerd_store: bool,
    /// It attests (BuildKit 0.11 and later).
    pub attestations: bool,
    /// It takes several exporters (BuildKit 0.13 and later).
    pub several_exporters: bool,
    /// The address of the engine's machine, where a dockerd tells it.
    pub gateway: Option<String>,
    /// The builder loads its results by default (`default-load` of buildx).
    pub default_load: bool,
    /// The dockerd that `--load` loads into keeps its images in containerd's store: it takes OCI archives.
    pub loads_oci: bool,
    /// Variables for proxies, from Docker's configuration.
    pub proxies: BTreeMap<String, String>,
}

impl Capabilities {
    /// What only a dockerd with its old image store can't.
    fn is_full(&self) -> bool {
        self.driver != Driver::Docker || self.containerd_store
    }

    /// Whether it reads OCI layouts from a session (BuildKit 0.11, which attests as well, and containerd's store).
    pub fn takes_layouts(&self) -> bool {
        self.is_full() && self.attestations
    }
}

/// A cache that the engine reads or writes.
pub type Cache = CacheEntry;

/// What an engine is asked for, but for names that differ from build to build.
#[derive(Clone, PartialEq, Eq)]
pub struct Solve {
    /// `dockerfile.v0`, or `gateway.v0` for a frontend of the build's choice.
    pub frontend: String,
    /// For the frontend.
    pub attrs: BTreeMap<String, String>,
    /// What becomes of the result, in the engine's words, and what the client does with what it is sent.
    pub exports: Vec<Export>,
    /// Caches to write.
    pub cache_to: Vec<Cache>,
    /// Caches to read.
    pub cache_from: Vec<Cache>,
    /// What RUN may do.
    pub entitlements: Vec<String>,
    /// Not kept in the engine's history.
    pub internal: bool,
    /// Warnings for people.
    pub warnings: Vec<String>,
}

/// A cache as the frontend is told of it, in Go's words.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Import<'c> {
    r#type: &'c str,
    attrs: &'c BTreeMap<String, String>,
}

impl Solve {
    /// The frontend's attributes with the caches to read, of which it is told, too (`client/solve.go`).
    pub fn frontend_attrs(&self) -> BTreeMap<String, String> {
        let mut attrs = self.attrs.clone();
        let imports: Vec<Import<'_>> =
            self.cache_from.iter().map(|c| Import { r#type: &c.kind, attrs: &c.attrs }).collect();
        if !imports.is_empty()
            && let Ok(text) = serde_json::to_string(&imports)
        {
            attrs.insert("cache-imports".into(), text);
        }
        attrs
    }
}

impl std::fmt::Debug for Solve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds: Vec<&String> = self.exports.iter().map(|e| &e.kind).collect();
        f.debug_struct("Solve")
            .field("frontend", &self.frontend)
            .field("exports", &kinds)
            .finish_non_exhaustive()
    }
}

/// What an engine is asked for.
///
/// # Errors
/// [`Error::Usage`] for what this builder can't do.
pub fn solve(options: &Options, inputs: &Inputs, can: &Capabilities) -> Result<Solve, Error> {
    let mut warnings = Vec::new();
    let exports = exports(options, can, &mut warnings)?;
    let mut attrs = frontend_attrs(options, can)?;
    attrs.extend(inputs.attrs.clone());
    let mut frontend = "dockerfile.v0".to_owned();
    if let Some(syntax) = options.build_args.get("BUILDKIT_SYNTAX") {
        frontend = "gateway.v0".into();
        let source = syntax.trim().split(' ').next().unwrap_or_default();
        attrs.insert("source".into(), source.to_owned());
        attrs.insert("cmdline".into(), syntax.clone());
    }
    if options.call.is_some() {
        let caps = attrs.entry("frontend.caps".into()).or_default();
        let comma = if caps.is_empty() { "" } else { "," };
        caps.push_str(&format!("{comma}moby.buildkit.frontend.subrequests+forward"));
    }
    if let Some(call) = &options.call {
        attrs.insert("requestid".into(), format!("frontend.{}", call.name));
    }
    let mut entitlements = options.allow.clone();
    if options.network.as_deref() == Some("host") {
        entitlements.push("network.host".into());
    }
    Ok(Solve {
        frontend,
        attrs,
        exports,
        cache_to: cache_to(options, can)?,
        cache_from: options.cache_from.clone(),
        entitlements,
        internal: options.call.is_some(),
        warnings,
    })
}

/// Everything that the frontend is told but the inputs.
fn frontend_attrs(options: &Options, can: &Capabilities) -> Result<BTreeMap<String, String>, Error> {
    let mut attrs = BTreeMap::new();
    let mut set = |key: &str, value: String| drop(attrs.insert(key.to_owned(), value));
    if let Some(group) = &options.cgroup_parent {
        set("cgroup-parent", group.clone());
    }
    if options.build_args.get("BUILDKIT_MULTI_PLATFORM").and_then(|v| boolean(v)) == Some(true) {
        set("multi-platform", "true".into());
    }
    if options.pull {
        set("image-resolve-mode", "pull".into());
    } else if can.driver == Driver::Docker {
        set("image-resolve-mode", "local".into());
    }
    if let Some(target) = &options.target {
        set("target", target.clone());
    }
    if options.no_cache {
        set("no-cache", String::new());
    } else if !options.no_cache_filter.is_empty() {
        set("no-cache", options.no_cache_filter.join(","));
    }
    if let Some(mode) = &options.network {
        set("force-network-mode", mode.clone());
    }
    if options.shm_size > 0 {
        set("shm-size", options.shm_size.to_string());
    }
    if !options.ulimits.is_empty() {
        set("ulimit", options.ulimits.values().map(String::as_str).collect::<Vec<_>>().join(","));
    }
    if !options.platforms.is_empty() {
        set("platform", platforms(options, can)?);
    }
    if !options.hosts.is_empty() {
        set("add-hosts", hosts(options, can)?);
    }
    for (key, value) in can.proxies.iter().filter(|(key, _)| !options.build_args.contains_key(*key)) {
        attrs.insert(format!("build-arg:{key}"), value.clone());
    }
    attrs.extend(options.build_args.iter().map(|(k, v)| (format!("build-arg:{k}"), v.clone())));
    attrs.extend(options.labels.iter().map(|(k, v)| (format!("label:{k}"), v.clone())));
    attrs.extend(attestations(options, can)?);
    Ok(attrs)
}

fn platforms(options: &Options, can: &Capabilities) -> Result<String, Error> {
    if options.platforms.len() > 1 && !can.is_full() {
        return Err(unsupported("building for several platforms"));
    }
    let names: Vec<String> = options.platforms.iter().map(crate::image::Platform::short).collect();
    Ok(names.join(","))
}

fn hosts(options: &Options, can: &Capabilities) -> Result<String, Error> {
    let line = |host: &super::options::Host| {
        let address = host.address.as_ref().or(can.gateway.as_ref()).ok_or_else(|| {
            let hint = "write its address in place of host-gateway";
            Error::usage("this builder doesn't tell the address of its machine", hint)
        })?;
        Ok(format!("{}={address}", host.name))
    };
    let lines: Result<Vec<String>, Error> = options.hosts.iter().map(line).collect();
    Ok(lines?.join(","))
}

fn attestations(options: &Options, can: &Capabilities) -> Result<Vec<(String, String)>, Error> {
    let supported = can.attestations && can.is_full();
    let wanted: Vec<_> = options.attests.iter().filter_map(|(k, v)| Some((k, v.as_ref()?))).collect();
    if !wanted.is_empty() && !can.is_full() {
        return Err(unsupported("attesting"));
    }
    if !wanted.is_empty() && !supported {
        return Err(Error::usage(
            "this builder's BuildKit does not attest",
            "leave --attest, --provenance and --sbom out",
        ));
    }
    let mut attrs: Vec<_> = wanted.into_iter().map(|(k, v)| (format!("attest:{k}"), v.clone())).collect();
    if supported && options.default_attests && !options.attests.contains_key("provenance") {
        attrs.push(("attest:provenance".into(), "mode=min,inline-only=true".into()));
    }
    Ok(attrs)
}

fn unsupported(what: &str) -> Error {
    let hint = "switch to another builder, or turn on the containerd image store";
    Error::usage(format!("{what} is not supported by the docker driver with this image store"), hint)
}

/// What becomes of the result.
fn exports(options: &Options, can: &Capabilities, warnings: &mut Vec<String>) -> Result<Vec<Export>, Error> {
    let mut exports = options.exports.clone();
    if exports.is_empty() && options.call.is_none() {
        exports.extend(default_export(options, can, warnings));
    }
    if exports.len() > 1 && !can.several_exporters {
        let hint = "give one output, or update the builder";
        return Err(Error::usage("this builder's BuildKit takes only one output", hint));
    }
    index_annotations(options, can, &exports)?;
    for export in &mut exports {
        name(export, options)?;
    }
    exports.retain(|e| e.kind != "cacheonly");
    exports.iter().map(|export| for_driver(export, options, can)).collect()
}

/// What a builder does by itself: a dockerd keeps an image, others keep nothing but the cache.
fn default_export(options: &Options, can: &Capabilities, warnings: &mut Vec<String>) -> Option<Export> {
    let plain = |kind: &str, target| Export { kind: kind.into(), attrs: BTreeMap::new(), target };
    if options.no_default_load {
        return None;
    }
    match can.driver {
        Driver::Docker => Some(plain("image", Target::Engine)),
        _ if can.default_load => Some(plain("docker", Target::Load)),
        driver => {
            warnings.push(format!(
                "No output specified with {} driver. Build result will only remain in the build cache. To push result \
                 image into registry use --push or to load image into docker use --load",
                driver.name()
            ));
            None
        }
    }
}

/// Annotations of an index need one.
fn index_annotations(options: &Options, can: &Capabilities, exports: &[Export]) -> Result<(), Error> {
    let image = exports.iter().any(|e| matches!(e.kind.as_str(), "image" | "docker"));
    let index = options.annotations.keys().any(|k| k.starts_with("annotation-index"));
    if image && index && !can.is_full() && options.call.is_none() {
        let hint = "annotate the manifest";
        return Err(Error::usage("index annotations need an image of several platforms", hint));
    }
    Ok(())
}

/// The image's names are the exporter's.
fn name(export: &mut Export, options: &Options) -> Result<(), Error> {
    if !options.tags.is_empty() {
        if matches!(export.kind.as_str(), "image" | "oci" | "docker") {
            export.attrs.insert("name".into(), options.tags.join(","));
        }
        return Ok(());
    }
    let named = export.attrs.get("name").is_some_and(|n| !n.is_empty());
    if export.kind == "image" && export.is("push") && !named {
        return Err(Error::usage("a name is needed to push to a registry", "give one with -t"));
    }
    Ok(())
}

/// An export in the words of the engine behind a driver.
fn for_driver(export: &Export, options: &Options, can: &Capabilities) -> Result<Export, Error> {
    let mut export = export.clone();
    if export.kind == "oci" && !can.is_full() {
        return Err(unsupported("the oci exporter"));
    }
    let typed = export.kind.clone();
    if export.kind == "docker" {
        docker(&mut export, options, can)?;
    }
    if export.kind == "image" && can.driver == Driver::Docker {
        export.kind = "moby".into();
        if export.is("push") && export.is("push-by-digest") {
            let hint = "push by name, or use another builder";
            return Err(Error::usage("the docker driver can't push by digest", hint));
        }
    }
    if let (true, Some(value)) = (
        matches!(typed.as_str(), "docker" | "image" | "oci"),
        options.build_args.get("BUILDKIT_INLINE_BUILDINFO_ATTRS"),
    ) {
        export.attrs.insert("buildinfo-attrs".into(), value.clone());
    }
    Ok(export)
}

/// `type=docker`: an archive for `docker load`, or an image that is loaded at once. A dockerd builds it where it is.
fn docker(export: &mut Export, options: &Options, can: &Capabilities) -> Result<(), Error> {
    let loads = export.target == Target::Load;
    if loads && can.driver == Driver::Docker {
        export.kind = "image".into();
        export.target = Target::Engine;
        several(options, can.containerd_store, loads)?;
        return Ok(());
    }
    if loads && can.loads_oci {
        export.kind = "oci".into();
        // A store of manifests knows an image by its manifest's digest, not by its config's.
        export.attrs.insert("prefer-image-digest".into(), "true".into());
        return Ok(());
    }
    several(options, false, loads)?;
    if !loads && !can.is_full() {
        return Err(unsupported("the docker exporter"));
    }
    Ok(())
}

/// The docker exporter writes one image.
fn several(options: &Options, oci: bool, loads: bool) -> Result<(), Error> {
    let attests = options.attests.values().any(Option::is_some);
    if oci || options.platforms.len() < 2 && !attests {
        return Ok(());
    }
    let hint = if loads { "build for one platform without attestations" } else { "use --output type=oci" };
    Err(Error::usage("the docker exporter can't write several platforms or attestations", hint))
}

/// Caches to write, with the one that a build argument asks for.
fn cache_to(options: &Options, can: &Capabilities) -> Result<Vec<Cache>, Error> {
    let mut caches = options.cache_to.clone();
    if options.build_args.get("BUILDKIT_INLINE_CACHE").and_then(|v| boolean(v)) == Some(true) {
        caches.push(Cache { kind: "inline".into(), attrs: BTreeMap::new() });
    }
    if caches.iter().any(|c| c.kind != "inline") && !can.is_full() {
        return Err(unsupported("exporting a cache"));
    }
    Ok(caches)
}
