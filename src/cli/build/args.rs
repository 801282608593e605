//! What can be typed: every option of `docker build`, and a few of our own.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::Flags;
use crate::cli::environment;
use crate::cli::options::{Color, Format, formats};

/// `build`.
#[derive(Debug, Args)]
#[command(
    after_help = "The options are those of `docker build`. Before the engine is sent anything, a line for each step tells what \
will become of it; after the build the engine's own outcome stands beside it.\n\nExit status: 0 when it was built; 1 when the build \
fails, when a file could not be read as the engine asked for it (the image lacks its content), or with --verify when a step that was predicted to \
be cached ran; 2 for wrong use or unreadable input; 3 without an engine; 130 when \
interrupted."
)]
pub struct BuildVerb {
    /// The build context: a folder, a URL that the engine fetches, or `-` for an archive or a Dockerfile on standard input
    #[arg(value_name = "PATH | URL | -", value_hint = ValueHint::DirPath)]
    pub context: String,
    /// Add a host to /etc/hosts of RUN: HOST:IP, or HOST:host-gateway
    #[arg(long = "add-host", value_name = "HOST:IP")]
    pub add_hosts: Vec<String>,
    /// Allow what a builder doesn't by default: network.host, security.insecure, device
    #[arg(long, value_name = "ENTITLEMENT")]
    pub allow: Vec<String>,
    /// Annotate the image: [TYPE:]KEY=VALUE
    #[arg(long = "annotation", value_name = "[TYPE:]K=V")]
    pub annotations: Vec<String>,
    /// Attest: type=sbom,generator=IMAGE
    #[arg(long = "attest", value_name = "type=TYPE[,K=V]")]
    pub attests: Vec<String>,
    /// A build argument; without a value it takes the environment's
    #[arg(long = "build-arg", value_name = "K[=V]")]
    pub build_args: Vec<String>,
    /// A named context: a folder, oci-layout://PATH, docker-image://REF or a URL
    #[arg(long = "build-context", value_name = "NAME=PATH")]
    pub build_contexts: Vec<String>,
    /// The builder [default: BUILDX_BUILDER, or the one that is in use]
    #[arg(long, value_name = "NAME")]
    pub builder: Option<String>,
    /// A cache to read: REF, or type=local,src=DIR
    #[arg(long, value_name = "CACHE")]
    pub cache_from: Vec<String>,
    /// A cache to write: REF, or type=local,dest=DIR
    #[arg(long, value_name = "CACHE")]
    pub cache_to: Vec<String>,
    /// Ask the frontend in place of building: check, outline, targets; with ,format=json as JSON
    #[arg(long, value_name = "METHOD", conflicts_with = "check")]
    pub call: Option<String>,
    /// The same as --call=check
    #[arg(long)]
    pub check: bool,
    /// The control group of RUN
    #[arg(long, value_name = "GROUP")]
    pub cgroup_parent: Option<String>,
    /// Tell more of what goes wrong
    #[arg(long, short = 'D')]
    pub debug: bool,
    /// The Dockerfile, which may lie outside the context; `-` reads it from standard input [default: PATH/Dockerfile]
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub file: Option<String>,
    /// Write the image's id to a file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub iidfile: Option<PathBuf>,
    /// Label the image
    #[arg(long = "label", value_name = "K=V")]
    pub labels: Vec<String>,
    /// The same as --output=type=docker: the image goes into Docker's store
    #[arg(long)]
    pub load: bool,
    /// Write what the engine says of the result to a file, as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub metadata_file: Option<PathBuf>,
    /// The network of RUN: default, none, host
    #[arg(long, value_name = "MODE")]
    pub network: Option<String>,
    /// Let no step use the cache
    #[arg(long)]
    pub no_cache: bool,
    /// Let no step of these stages use the cache
    #[arg(long, value_name = "STAGE")]
    pub no_cache_filter: Vec<String>,
    /// What becomes of the result: DIR, `-` for a tar on standard output, or type=local,dest=DIR
    #[arg(short, long = "output", value_name = "OUTPUT")]
    pub outputs: Vec<String>,
    /// The platforms to build for, separated by commas [default: DOCKER_DEFAULT_PLATFORM, or the engine's own]
    #[arg(long = "platform", value_name = "OS/ARCH[/VARIANT]")]
    pub platforms: Vec<String>,
    /// How to show progress on standard error [default: BUILDKIT_PROGRESS, or auto]
    #[arg(long, value_enum, value_name = "HOW")]
    pub progress: Option<How>,
    /// The same as --attest=type=provenance
    #[arg(long, value_name = "BOOL | mode=MODE")]
    pub provenance: Option<String>,
    /// Ask registries for base images even where they are there
    #[arg(long)]
    pub pull: bool,
    /// The same as --output=type=registry: the image goes to its registry
    #[arg(long)]
    pub push: bool,
    /// Say nothing but the image's id
    #[arg(short, long)]
    pub quiet: bool,
    /// The same as --attest=type=sbom
    #[arg(long, value_name = "BOOL | generator=IMAGE")]
    pub sbom: Option<String>,
    /// A secret for RUN: its value is read when the engine asks for it, and never told
    #[arg(long = "secret", value_name = "id=ID[,src=PATH|,env=NAME]")]
    pub secrets: Vec<String>,
    /// The size of /dev/shm of RUN, such as 64m
    #[arg(long, value_name = "SIZE")]
    pub shm_size: Option<String>,
    /// An ssh agent or keys for RUN
    #[arg(long, value_name = "default|ID[=SOCKET|KEY[,KEY]]")]
    pub ssh: Vec<String>,
    /// A name of the image: NAME[:TAG]
    #[arg(short, long = "tag", value_name = "NAME[:TAG]")]
    pub tags: Vec<String>,
    /// The stage to build [default: the last one]
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// A limit of RUN: NAME=SOFT[:HARD]
    #[arg(long = "ulimit", value_name = "NAME=SOFT[:HARD]")]
    pub ulimits: Vec<String>,

    /// Build nothing when the inputs, the options and the engine's images are those of the last build; what is in doubt is built
    #[arg(long, help_heading = "Ours")]
    pub skip_unchanged: bool,
    /// How the context gets to the engine. `files` sends what changed since the last build, and pays nearly always. `oci` offers the context as an image
    /// that the engine knows by its digest: it pays where builds of an unchanged context are frequent, since they cost us a walk and the engine
    /// nothing, and not where files change from build to build, since each change sends and unpacks all of it. `tar` sends all of it in one stream
    /// each time, and never pays but for engines that keep nothing between builds. Both take a step that copies the context's top (`COPY . .`) for
    /// another than from files
    #[arg(long, value_enum, default_value = "files", value_name = "HOW", help_heading = "Ours")]
    pub transport: TransportArg,
    /// Exit with 1 when a step that was predicted to be cached ran
    #[arg(long, help_heading = "Ours")]
    pub verify: bool,
    /// What a base image is, for predictions that hang on it: an OCI layout's folder, or an image config or `docker inspect` as JSON
    #[arg(long, value_name = "REF=PATH", help_heading = "Ours")]
    pub base: Vec<String>,
    /// Read every file for the prediction, and remember nothing for the next run
    #[arg(long, help_heading = "Ours")]
    pub no_index: bool,
    /// The folder that remembers the digests of unchanged files [default: index in STOWAWAY_CACHE_DIR or the user's cache folder]
    #[arg(long, value_name = "DIR", conflicts_with = "no_index", value_hint = ValueHint::DirPath, help_heading = "Ours")]
    pub index: Option<PathBuf>,
    /// Text for people on standard error, or JSON for programs on standard output
    #[arg(long, value_parser = formats(&[Format::Human, Format::Json]), default_value = "human", help_heading = "Ours")]
    pub format: Format,
    /// When to use colour; `auto` heeds NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN", help_heading = "Ours")]
    pub color: Color,
}

/// `--progress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum How {
    /// `tty` on a terminal, else `plain`
    Auto,
    /// Nothing at all
    None,
    /// Lines
    Plain,
    /// The same as --quiet
    Quiet,
    /// The engine's reports as JSON
    Rawjson,
    /// Lines that change
    Tty,
}

impl BuildVerb {
    /// Nothing but the image's id is wanted.
    pub fn is_quiet(&self) -> bool {
        self.quiet || self.how() == How::Quiet
    }

    /// How progress is shown.
    pub fn how(&self) -> How {
        let usual = || environment("BUILDKIT_PROGRESS").and_then(|name| How::from_str(&name, false).ok());
        self.progress.or_else(usual).unwrap_or(How::Auto)
    }

    fn platforms(&self) -> Vec<String> {
        match environment("DOCKER_DEFAULT_PLATFORM").filter(|p| !p.is_empty()) {
            Some(usual) if self.platforms.is_empty() => vec![usual],
            _ => self.platforms.clone(),
        }
    }

    /// What was typed of `docker build`'s options.
    pub fn flags(&self) -> Flags {
        let call = if self.check { Some("check".to_owned()) } else { self.call.clone() };
        Flags {
            context: self.context.clone(),
            file: self.file.clone(),
            tags: self.tags.clone(),
            target: self.target.clone(),
            build_args: self.build_args.clone(),
            build_contexts: self.build_contexts.clone(),
            platforms: self.platforms(),
            labels: self.labels.clone(),
            no_cache: self.no_cache,
            no_cache_filter: self.no_cache_filter.clone(),
            pull: self.pull,
            cache_from: self.cache_from.clone(),
            cache_to: self.cache_to.clone(),
            secrets: self.secrets.clone(),
            ssh: self.ssh.clone(),
            outputs: self.outputs.clone(),
            load: self.load,
            push: self.push,
            iidfile: self.iidfile.clone(),
            metadata_file: self.metadata_file.clone(),
            network: self.network.clone(),
            add_hosts: self.add_hosts.clone(),
            shm_size: self.shm_size.clone(),
            ulimits: self.ulimits.clone(),
            provenance: self.provenance.clone(),
            sbom: self.sbom.clone(),
            attests: self.attests.clone(),
            annotations: self.annotations.clone(),
            call,
            allow: self.allow.clone(),
            cgroup_parent: self.cgroup_parent.clone(),
        }
    }
}

/// The ways of a context to an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TransportArg {
    /// File by file, as the engine asks.
    Files,
    /// As one tar.
    Tar,
    /// As an image, which the engine knows by its digest.
    Oci,
}
