//! Options that several verbs take, and their values.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};

use crate::buildkit::{Version, VersionError};

/// What a build is compared with.
#[derive(Debug, Args)]
pub struct BaselineArgs {
    /// What to compare with: a snapshot's FILE, git:REV, cache:DIR[:TAG] (a local cache export, or an OCI layout with inline
    /// cache), or registry:REF [default: the last snapshot kept for this build, else git:HEAD]
    #[arg(long, value_name = "BASELINE")]
    pub against: Option<String>,
    /// Take git:REV as a new clone under this umask has it [default: as a checkout here, which leaves the permission bits of
    /// files that git calls unchanged]
    #[arg(long, value_name = "OCTAL", value_parser = umask)]
    pub umask: Option<u16>,
}

/// The context and the options of builds with any number of Dockerfiles.
#[derive(Debug)]
pub struct SeveralArgs {
    /// The build context.
    pub context: PathBuf,
    /// Every Dockerfile that was named.
    pub files: Vec<PathBuf>,
    /// The options; the Dockerfile in them is the first one.
    pub options: BuildOptions,
}

impl Args for SeveralArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        BuildArgs::augment_args(command).mut_arg("file", |arg| {
            let help = "A Dockerfile, which may lie outside the context; may be given several times [default: all that are found]";
            arg.action(clap::ArgAction::Append).help(help)
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for SeveralArgs {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut clap::ArgMatches) -> Result<Self, clap::Error> {
        let files: Vec<PathBuf> = matches.get_many("file").into_iter().flatten().cloned().collect();
        let BuildArgs { context, mut options } = BuildArgs::from_arg_matches_mut(matches)?;
        // The one on standard input is the one that has to be read.
        options.file = files.iter().find(|f| f.as_os_str() == "-").or(files.first()).cloned();
        Ok(Self { context, files, options })
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Reads a umask: up to three octal digits, perhaps behind a 0.
pub fn umask(text: &str) -> Result<u16, String> {
    let octal = !text.is_empty() && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let read = u16::from_str_radix(text, 8).ok().filter(|umask| octal && *umask <= 0o777);
    read.ok_or_else(|| "write it in octal, such as 022".to_owned())
}

/// Reads a version of BuildKit.
pub fn version(text: &str) -> Result<Version, VersionError> {
    text.parse()
}

/// The context and the build's options.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// The build context: a folder
    #[arg(value_name = "CONTEXT", default_value = ".", value_hint = ValueHint::DirPath)]
    pub context: PathBuf,
    #[command(flatten)]
    pub options: BuildOptions,
}

/// The build's options.
#[derive(Debug, Args)]
#[command(next_help_heading = "Build")]
pub struct BuildOptions {
    /// The Dockerfile, which may lie outside the context; `-` reads it from standard input [default: CONTEXT/Dockerfile]
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// The stage to build [default: the last one]
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// A build argument; without a value it takes the environment's
    #[arg(long, value_name = "K[=V]")]
    pub build_arg: Vec<String>,
    /// A named context: a folder, oci-layout://PATH, docker-image://REF or a URL
    #[arg(long, value_name = "NAME=PATH")]
    pub build_context: Vec<String>,
    /// What a base image is, for keys that hang on it: an OCI layout's folder, or an image config or `docker inspect` as JSON
    #[arg(long, value_name = "REF=PATH")]
    pub base: Vec<String>,
    /// Ask registries what base images are that nothing else tells, with Docker's own credentials; nothing but this option
    /// and `registry:…` ever needs the network
    #[cfg(feature = "registry")]
    #[arg(long)]
    pub resolve_bases: bool,
    /// Let registries have certificates that nobody vouches for, or no TLS at all
    #[cfg(feature = "registry")]
    #[arg(long)]
    pub insecure_registry: bool,
    /// The platform to build for [default: linux on this machine's processor]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub platform: Option<String>,
    /// The engine's version of BuildKit, such as 0.25: keys differ between versions [default: newest, which is v0.32]
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub buildkit: Option<Version>,
    /// Let no step use the cache
    #[arg(long)]
    pub no_cache: bool,
    /// Let no step of these stages use the cache
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    pub no_cache_filter: Vec<String>,
    /// A secret that the build may use; its value is never read
    #[arg(long, value_name = "id=ID[,src=PATH]")]
    pub secret: Vec<String>,
    /// An ssh agent or key that the build may use; it is never read
    #[arg(long, value_name = "default|ID[=SOCKET|KEY]")]
    pub ssh: Vec<String>,
    /// Read every file, and remember nothing for the next run
    #[arg(long)]
    pub no_index: bool,
    /// The folder that remembers the digests of unchanged files [default: index in STOWAWAY_CACHE_DIR or the user's cache folder]
    #[arg(long, value_name = "DIR", conflicts_with = "no_index", value_hint = ValueHint::DirPath)]
    pub index: Option<PathBuf>,
}

/// How the answer is given.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Text for people or JSON for programs
    // A verb that has more says so: #[command(mut_arg("format", |arg| arg.value_parser(formats(&[…]))))].
    #[arg(long, value_parser = formats(&[Format::Human, Format::Json]), default_value = "human")]
    pub format: Format,
    /// Write to a file instead of standard output; it is replaced at once or not at all
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// When to use colour; `auto` heeds NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// How to show progress on standard error
    #[arg(long, value_enum, default_value_t = Progress::Auto, value_name = "HOW")]
    pub progress: Progress,
    /// Say nothing but the answer and errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: whole keys, more columns
    #[arg(short, long)]
    pub verbose: bool,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people
    Human,
    /// JSON for programs
    Json,
    /// Markdown for a job's summary or a pull request's comment
    Markdown,
    /// Workflow commands, which GitHub shows as annotations
    Github,
    /// SARIF 2.1.0 for code scanning
    Sarif,
    /// GitLab's code quality report
    Gitlab,
    /// One self-contained page that shows the context, the layers and the cache
    Html,
    /// Names, one a line
    Names,
    /// A GitHub job matrix
    Matrix,
}

/// Reads `--format` where a verb has these formats.
pub fn formats(available: &[Format]) -> impl TypedValueParser<Value = Format> + use<> {
    let values: Vec<PossibleValue> = available.iter().filter_map(ValueEnum::to_possible_value).collect();
    PossibleValuesParser::new(values).try_map(|name| Format::from_str(&name, false))
}

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On terminals
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// `--progress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// `tty` on a terminal, else nothing
    Auto,
    /// A line now and then
    Plain,
    /// One line that changes
    Tty,
    /// Nothing
    Quiet,
}

/// `--hash`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Hash {
    /// SHA-256, as BuildKit uses it
    Sha256,
    /// BLAKE3
    Blake3,
}

/// `--threshold`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Threshold {
    /// The build fails, or ships what it must not
    Error,
    /// Works, but not as people expect, or slowly
    Warning,
    /// Worth knowing
    Note,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_umask_is_octal() {
        assert_eq!(["022", "0002", "77"].map(|t| umask(t).unwrap()), [0o022, 0o002, 0o077]);
        assert!(["", "8", "1000", "+22", "rwx"].iter().all(|t| umask(t).is_err()));
    }
}
