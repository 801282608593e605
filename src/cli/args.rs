//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

use super::build::BuildVerb;
use super::options::{
    BaselineArgs, BuildArgs, BuildOptions, Format, Hash, OutputArgs, SeveralArgs, Threshold, formats, umask,
    version,
};
use super::plugin::InstallVerb;
use super::{pack, size};
use crate::buildkit::Version;
use crate::ops::Modes;
use crate::pack::Compression;

/// See a Docker build context exactly as BuildKit does, and know its cache keys without an engine.
#[derive(Debug, Parser)]
#[command(name = "stowaway", version, about, max_term_width = 100, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every step of the build: what it reads from the context, its content key and cache key
    Plan(PlanArgs),
    /// The files that the engine will see
    Ls(LsArgs),
    /// What the context weighs, by folder: sent, used by some instruction, used by none, hidden
    Du(DuArgs),
    /// Whether a path is sent, which pattern decided, and which instructions take it
    Explain(ExplainArgs),
    /// Write the state of the build's inputs to a file, to compare with later
    Snapshot(SnapshotArgs),
    /// One digest of all that the target's result depends on: to tag images with, and to skip builds
    Key(KeyArgs),
    /// Which steps will be cached and which rerun, compared with a baseline, and because of which files
    Why(WhyArgs),
    /// Which builds of a Compose file, a Bake file or a list of Dockerfiles a range of commits touches
    Affected(AffectedArgs),
    /// Replay the last commits: how often each step would have run, because of which files, and what would spare it
    Churn(ChurnArgs),
    /// Propose lines for the ignore file, convert .gitignore files, or try an edited ignore file out
    Ignore(IgnoreArgs),
    /// The context as a reproducible tar, for `docker build -` and for caches; or whether a tar still holds the context
    Pack(PackArgs),
    /// A build's log joined with the plan: what was cached, what ran, for how long, and why
    Report(ReportArgs),
    /// Whether a build can run here: engine, builder, disk, memory, limits; changes nothing
    Doctor(DoctorArgs),
    /// Build with an engine, which is sent what it needs and nothing else; tells before what will be cached, and after what was
    Build(Box<BuildVerb>),
    /// What a context costs on this machine: walk, hash, keys, tar, transfer; where the time goes and what to do
    Bench(BenchArgs),
    /// What is wrong with a build, told before anyone builds: sources, ignore file, context, order, BuildKit's own checks
    Check(CheckArgs),
    /// Make this program a plugin of Docker's command line: `docker stowaway build .`
    InstallPlugin(InstallVerb),
    /// Write a completion script for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual page
    Man,
}

/// `plan`.
#[derive(Debug, Args)]
#[command(mut_arg("format", |arg| arg
    .value_parser(formats(&[Format::Human, Format::Json, Format::Html]))
    .help(WITH_PAGE)))]
pub struct PlanArgs {
    #[command(flatten)]
    pub build: BuildArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 when nothing is found at the threshold or over it; 1 when something is; 2 for wrong use or \
                  unreadable input.",
    mut_arg("format", |arg| arg
        .value_parser(formats(&[Format::Human, Format::Json, Format::Sarif, Format::Github, Format::Gitlab, Format::Markdown]))
        .help("Text for people, JSON for programs, SARIF, GitHub's annotations, GitLab's code quality report, or Markdown"))
)]
pub struct CheckArgs {
    /// Folders, Compose files, Bake files, workflows and Dockerfiles. A folder is a context with its Dockerfile; one without a Dockerfile
    /// stands for every Compose file, Bake file and Dockerfile in it [default: the current folder]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Check every Compose file, Bake file and Dockerfile of a folder, even where it has a Dockerfile of its own
    #[arg(long, conflicts_with_all = ["file", "target", "build_context"])]
    pub all: bool,
    #[command(flatten)]
    pub options: BuildOptions,
    /// Exit with 1 for findings of this severity and worse [default: error, unless the configuration says otherwise]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub threshold: Option<Threshold>,
    /// Find fault with a context that holds more, such as 50MB or 1.5GiB
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub max_context: Option<u64>,
    /// Find fault when this path is not in the context
    #[arg(long, value_name = "PATH")]
    pub require: Vec<PathBuf>,
    /// The configuration [default: .stowaway.toml in the context or above it, up to the repository's root]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// List all rules instead of checking
    #[arg(long, conflicts_with = "explain")]
    pub list_rules: bool,
    /// Tell what a rule is about, with an example, instead of checking
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `ls`.
#[derive(Debug, Args)]
pub struct LsArgs {
    #[command(flatten)]
    pub build: BuildArgs,
    /// List what the ignore file hides instead, each with the pattern that does it
    #[arg(long, conflicts_with = "step")]
    pub ignored: bool,
    /// List everything on disk, seen and hidden
    #[arg(long, conflicts_with_all = ["ignored", "step"])]
    pub all: bool,
    /// List what one instruction takes from the context, and where it lands
    #[arg(long, value_name = "[FILE:]LINE")]
    pub step: Option<String>,
    /// End each path with NUL and write nothing but raw paths
    #[arg(short = '0', long = "null")]
    pub nul: bool,
    /// Add the digest of each file's content
    #[arg(long, value_name = "ALGORITHM")]
    pub hash: Option<Hash>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `du`.
#[derive(Debug, Args)]
#[command(
    after_help = "Sizes are written as 412MB, 1.5 GiB or 4096: kB, MB, GB and TB count in thousands, KiB, MiB, GiB and TiB and the letters \
alone (K, M, G, T) in 1024.\n\nExit status: 0 when the context was weighed; 1 when more than --max is sent; 2 for wrong use or unreadable input.",
    mut_arg("format", |arg| arg.value_parser(formats(&[Format::Human, Format::Json, Format::Markdown, Format::Html])).help(WITH_PAGE))
)]
pub struct DuArgs {
    #[command(flatten)]
    pub build: BuildArgs,
    /// List so many folders and so many files at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// List folders down to this depth: 1 for those at the top, 0 for none
    #[arg(short, long, value_name = "N", default_value_t = 1)]
    pub depth: usize,
    /// Exit with 1 when more than this is sent to the engine
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub max: Option<u64>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `bench`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --engine nothing is changed anywhere. With it the context is sent to the engine that `docker` would build with, by \
`stowaway build` and by `docker buildx build`, each once in full and then RUNS times with nothing changed: of a Dockerfile that copies \
nothing, without an image. The engine keeps both copies of the context in its build cache until it prunes that."
)]
pub struct BenchArgs {
    #[command(flatten)]
    pub build: BuildArgs,
    /// How often each is measured; medians are told
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub runs: u16,
    /// Send the context to the engine, too, and compare with `docker buildx build`
    #[arg(long)]
    pub engine: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 when every path was answered, be it sent or not; 2 for wrong use or unreadable input."
)]
pub struct ExplainArgs {
    /// Paths below the context, or below the current folder when they lie in the context
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// The build context
    #[arg(long, short = 'C', value_name = "CONTEXT", default_value = ".", value_hint = ValueHint::DirPath)]
    pub context: PathBuf,
    #[command(flatten)]
    pub options: BuildOptions,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `snapshot`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without -o the snapshot is kept in snapshots in STOWAWAY_STATE_DIR or the user's state folder, the last five of \
each build. Values of build arguments and secrets are never written.",
    mut_arg("output", |arg| arg.help("Write the snapshot to a file instead of keeping it; `-` for standard output"))
)]
pub struct SnapshotArgs {
    #[command(flatten)]
    pub build: BuildArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `pack`.
#[derive(Debug, Args)]
#[command(
    after_help = "A tar is unpacked by the engine as it is, so what the ignore file hides is left out of it, and the Dockerfile is put into \
it even where it is hidden or lies elsewhere: as Dockerfile if that name is free, else under a name that follows from its content. \
Named contexts are not packed: give them to the build as they are.\n\nSteps that copy folders and files of the context have the same \
keys as in a build from the folder. Those that copy the context's top itself (COPY . .) have not: the engine takes the top of a tar for \
another folder than the top of a context.\n\nEngines read tars as they are and with gzip; zstd is for caches and transfers.\n\nWhat was \
packed is told on standard error, with --format json and -o as JSON on standard output.\n\nExit status: 0 when the tar was written, or holds the context; 1 when --verify finds a difference, and with --used for a build that would fail; 2 for wrong use, unreadable input and \
a file that changes meanwhile; 141 when the reader of standard output goes away.",
    mut_arg("output", |arg| arg.help("Write to a file instead of standard output; it is replaced at once or not at all"))
)]
pub struct PackArgs {
    #[command(flatten)]
    pub build: BuildArgs,
    /// Modification times: 0 or other seconds since 1970 for all, git (of the last commit that touched the path), content (another
    /// content, another time), or SOURCE_DATE_EPOCH (from the environment)
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = pack::time)]
    pub mtime: pack::Time,
    /// Permission bits that don't hang on a checkout's umask: git's own, or those of a umask (022) [default: as on disk]
    #[arg(long, value_name = "git|umask[:OCTAL]", value_parser = pack::modes)]
    pub normalize_modes: Option<Modes>,
    /// Pack only what the target's steps read
    #[arg(long)]
    pub used: bool,
    /// Pack nothing but the context: no Dockerfile that isn't in view
    #[arg(long)]
    pub context_only: bool,
    /// Compress with all cores
    #[arg(long, value_name = "none|gzip|zstd[:LEVEL]", default_value = "none", conflicts_with = "verify")]
    pub compress: Compression,
    /// The digest of what is written
    #[arg(long, value_enum, value_name = "ALGORITHM", default_value_t = pack::DigestName::Blake3, conflicts_with = "verify")]
    pub digest: pack::DigestName,
    /// Write nothing, and compare this tar, compressed or not, with what would be packed, times aside; `-` reads standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub verify: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `key`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 with a key; 1 for a build that would fail; 2 for wrong use, unreadable input, and with --strict for a \
key that would assume something."
)]
pub struct KeyArgs {
    #[command(flatten)]
    pub build: BuildArgs,
    /// List what went in: each step with its own digest, and the parts of the image's config
    #[arg(long)]
    pub explain: bool,
    /// Give no key where something has to be assumed, such as what image a tag stands for
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `report`.
#[derive(Debug, Args)]
#[command(
    mut_arg("format", |arg| arg.value_parser(formats(DOCUMENT)).help(WITH_PAGE)),
    mut_arg("against", |arg| arg.help(
        "Say why, compared with a snapshot's FILE, git:REV, cache:DIR[:TAG] or registry:REF [default: no comparison]"
    )),
    mut_arg("umask", |arg| arg.requires("against")),
    after_help = "Exit status: 0 when the logged build succeeded, 1 when it failed; 2 for wrong use, a log that can't be read or one \
                  of another build."
)]
pub struct ReportArgs {
    /// What the build wrote with --progress=rawjson; `-` reads standard input
    #[arg(value_name = "LOG", value_hint = ValueHint::FilePath)]
    pub log: PathBuf,
    #[command(flatten)]
    pub build: BuildArgs,
    // Without it there is no comparison: the last snapshot may well be of the build that is logged.
    #[command(flatten)]
    pub baseline: BaselineArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `churn`.
#[derive(Debug, Args)]
#[command(
    after_help = "Commits are replayed along first parents, oldest first, for a builder that has built every one before and forgets \
nothing. Base images are taken for what their names say. Nothing is fetched, built or changed.\n\nExit status: 0 when commits were \
replayed; 2 where there is no repository, no commit or no such revision.",
    mut_arg("format", |arg| arg.value_parser(formats(&[Format::Human, Format::Json, Format::Markdown, Format::Html])).help(WITH_PAGE))
)]
pub struct ChurnArgs {
    #[command(flatten)]
    pub build: BuildArgs,
    /// Count so many commits at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200)]
    pub commits: usize,
    /// Count none that is older: a date as git reads it, such as `2026-01-31` or `3 months ago`
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    /// The newest commit
    #[arg(long, value_name = "REVISION", default_value = "HEAD", allow_hyphen_values = true)]
    pub revision: String,
    /// The umask that the commits are checked out under
    #[arg(long, value_name = "OCTAL", default_value = "022", value_parser = umask)]
    pub umask: u16,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `why`.
#[derive(Debug, Args)]
#[command(mut_arg("format", |arg| arg.value_parser(formats(DOCUMENT)).help(WITH_PAGE)))]
#[command(
    after_help = "Exit status: 0 when there is an answer; with --exit-code 1 when a step reruns; 2 for wrong use or unreadable \
                  input; 3 for a registry that gives no answer."
)]
pub struct WhyArgs {
    #[command(flatten)]
    pub build: BuildArgs,
    #[command(flatten)]
    pub baseline: BaselineArgs,
    /// Exit with 1 when a step reruns
    #[arg(long)]
    pub exit_code: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `affected`.
#[derive(Debug, Args)]
#[command(
    after_help = "A build is affected when its result is another: what no build sees, comments and arguments that nothing uses \
touch none. A build that uses the result of an affected one is affected; so is one that can't be planned.",
    mut_arg("format", |arg| arg
        .value_parser(formats(&[Format::Human, Format::Json, Format::Names, Format::Matrix, Format::Markdown]))
        .help("Text for people, JSON for programs, the names alone, a GitHub job matrix, or Markdown"))
)]
pub struct AffectedArgs {
    /// Compose files, Bake files, Dockerfiles, or folders that have one [default: what is found in the current folder]
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// The revision to compare with
    #[arg(long, value_name = "REV")]
    pub base: String,
    /// The revision that is compared [default: the work tree]
    #[arg(long, value_name = "REV")]
    pub head: Option<String>,
    /// The context of Dockerfiles that are named [default: the folder of each]
    #[arg(long, short = 'C', value_name = "CONTEXT", value_hint = ValueHint::DirPath)]
    pub context: Option<PathBuf>,
    /// What a base image is: an OCI layout's folder, or an image config or `docker inspect` as JSON
    #[arg(long, value_name = "REF=PATH")]
    pub base_image: Vec<String>,
    /// The engine's version of BuildKit, such as 0.25 [default: newest, which is v0.32]
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub buildkit: Option<Version>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is started, changed or downloaded.\n\nExit status: 0 when a build can run here; 1 when something that it needs is \
missing or too small; 2 for wrong use; 3 when no engine answers."
)]
pub struct DoctorArgs {
    /// The build context, for the disk where it lies
    #[arg(value_name = "CONTEXT", default_value = ".", value_hint = ValueHint::DirPath)]
    pub context: PathBuf,
    /// Ask engines behind ssh, too, by running ssh
    #[arg(long)]
    pub connect: bool,
    /// What has to be free where the engine keeps its data, when that is on this machine
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size::parse)]
    pub min_disk: u64,
    /// What memory has to be available here
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size::parse)]
    pub min_memory: u64,
    /// How long each question to an engine may take
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub timeout: u64,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `ignore`.
#[derive(Debug, Args)]
#[command(
    after_help = "A line is proposed only when every build that reads the file stays right with it: none that worked fails, and no key \
changes but those of the steps that take litter, and what stands on them.\n\nWithout -f these are the builds of the context's \
Dockerfiles, and of the Compose or Bake files beside it or one folder above.\n\nExit status: 0 when there is an answer; 1 when a \
build that works would fail with the tested or converted file; 2 for wrong use or unreadable input.",
    mut_arg("format", |arg| arg.value_parser(formats(&[Format::Human, Format::Json, Format::Markdown])))
)]
pub struct IgnoreArgs {
    #[command(flatten)]
    pub build: SeveralArgs,
    /// Change the ignore file; the old one stays beside it as .bak
    #[arg(long, conflicts_with = "test")]
    pub write: bool,
    /// Change nothing, and say what would be written; this is the default
    #[arg(long, conflicts_with = "write")]
    pub dry_run: bool,
    /// Turn what the .gitignore files say into lines, and check them on the files that are there
    #[arg(long, conflicts_with = "test")]
    pub from_gitignore: bool,
    /// Say what this file would change in place of the ignore file in force; `-` reads standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub test: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The formats of a verb whose answer is read in CI.
pub const DOCUMENT: &[Format] =
    &[Format::Human, Format::Json, Format::Markdown, Format::Github, Format::Html];

/// What `--format` is in a verb that has a page.
const WITH_PAGE: &str = "Text for people, JSON for programs, what CI reads, or one self-contained HTML page";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_format_that_a_verb_does_not_have_is_refused_with_those_that_it_has() {
        let error = Cli::try_parse_from(["stowaway", "ls", "--format", "github"]).unwrap_err().to_string();
        assert!(error.contains("[possible values: human, json]"), "{error}");
    }

    #[test]
    fn a_misspelt_option_is_corrected() {
        let error = Cli::try_parse_from(["stowaway", "plan", "--tarjet", "x"]).unwrap_err().to_string();
        assert!(error.contains("--target"), "{error}");
    }
}
