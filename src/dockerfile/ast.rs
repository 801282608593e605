//! What a Dockerfile says, as BuildKit's `instructions` package has it: nothing is expanded yet.

/// A range of lines (and columns) of the Dockerfile. Lines count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First line, from 1.
    pub line: usize,
    /// Last line, inclusive (heredoc bodies and continuations are part of it).
    pub end_line: usize,
    /// Column of the first byte, from 1; 0 when only the line is known.
    pub column: usize,
}

/// A parsed Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// `\` or `` ` ``: the escape directive's token.
    pub escape: char,
    /// `# syntax=`: the frontend image asked for, with its line.
    pub syntax: Option<Directive>,
    /// `# check=`: configuration of the build checks.
    pub check: Option<Directive>,
    /// The ARG instructions before the first FROM.
    pub global_args: Vec<Instruction>,
    /// The stages in the order of the file.
    pub stages: Vec<Stage>,
    /// What BuildKit's checks remark while the file is read, in its order; later ones need a plan.
    pub warnings: Vec<Warning>,
}

/// A parser directive at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Its value, trimmed. (Of `syntax`, the image is what stands before the first space.)
    pub value: String,
    /// Where it stands.
    pub span: Span,
}

/// What BuildKit's own checks remark while the file is read, such as an empty continuation line; whether it is told is for a
/// [`LintConfig`](super::LintConfig) to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// BuildKit's name of the rule, such as `NoEmptyContinuation`.
    pub rule: &'static str,
    /// BuildKit's text.
    pub message: String,
    /// Where.
    pub span: Span,
    /// The comments that may silence it: those above the instruction, and none for `NoEmptyContinuation`.
    pub comments: Vec<String>,
}

/// One build stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The name after AS, in lower case as BuildKit keeps it; `None` without AS.
    pub name: Option<String>,
    /// Its keyword as written.
    pub keyword: String,
    /// The word after FROM, unexpanded.
    pub base_name: String,
    /// The value of `--platform`, unexpanded.
    pub platform: Option<String>,
    /// The FROM instruction's text as BuildKit keeps it (continuations joined).
    pub text: String,
    /// Where the FROM instruction stands.
    pub span: Span,
    /// Comment lines directly above the FROM instruction.
    pub comments: Vec<String>,
    /// The instructions after FROM.
    pub instructions: Vec<Instruction>,
}

/// One instruction with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// What it says.
    pub kind: InstructionKind,
    /// Its keyword as written.
    pub keyword: String,
    /// The text as BuildKit keeps it (`withNameAndCode.code`: continuations joined, trimmed; without heredoc bodies): what step names show.
    pub text: String,
    /// Where it stands.
    pub span: Span,
    /// Comment lines directly above it.
    pub comments: Vec<String>,
    /// The heredocs of the line, in order.
    pub heredocs: Vec<Heredoc>,
}

/// A here-document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The delimiter, quotes removed.
    pub name: String,
    /// The file descriptor before `<<`; 0 when not given. Nothing uses it.
    pub file_descriptor: u64,
    /// False when the delimiter was quoted: then the body is taken literally.
    pub expand: bool,
    /// `<<-`: leading tabs are dropped.
    pub chomp: bool,
    /// The body (tabs not yet dropped), each line with its newline. Bytes, because it need not be UTF-8:
    /// [`lossy`](super::lossy) gives the text that variables are expanded in.
    pub content: Vec<u8>,
    /// Lines of the body with its terminator.
    pub span: Span,
}

/// `KEY=value`; `legacy` for the form `KEY value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key, unexpanded.
    pub key: String,
    /// The value, unexpanded, quotes kept.
    pub value: String,
    /// Written without `=`.
    pub legacy: bool,
}

/// `ARG NAME[=default]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name, unexpanded.
    pub name: String,
    /// Its default, unexpanded.
    pub default: Option<String>,
}

/// What an instruction says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstructionKind {
    /// ADD.
    Add(Copy),
    /// ARG.
    Arg(Vec<Argument>),
    /// CMD.
    Cmd(CommandLine),
    /// COPY.
    Copy(Copy),
    /// ENTRYPOINT.
    Entrypoint(CommandLine),
    /// ENV.
    Env(Vec<KeyValue>),
    /// EXPOSE: ports, unexpanded, sorted.
    Expose(Vec<String>),
    /// HEALTHCHECK.
    Healthcheck(Healthcheck),
    /// LABEL.
    Label(Vec<KeyValue>),
    /// MAINTAINER.
    Maintainer(String),
    /// ONBUILD: the trigger's text, heredocs included; see [`Instruction::parse_trigger`].
    Onbuild(String),
    /// RUN.
    Run(Run),
    /// SHELL.
    Shell(Vec<String>),
    /// STOPSIGNAL.
    Stopsignal(String),
    /// USER.
    User(String),
    /// VOLUME.
    Volume(Vec<String>),
    /// WORKDIR.
    Workdir(String),
}

/// HEALTHCHECK.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Healthcheck {
    /// `None` for NONE, else the test (`CMD …` or `CMD-SHELL …`).
    pub test: Option<Vec<String>>,
    /// `--interval` in nanoseconds; 0 when not given, as for the other times.
    pub interval: i64,
    /// `--timeout`.
    pub timeout: i64,
    /// `--start-period`.
    pub start_period: i64,
    /// `--start-interval`.
    pub start_interval: i64,
    /// `--retries`; 0 when not given.
    pub retries: i32,
}

/// COPY and ADD (flags that only one of them has are at their default in the other).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copy {
    /// Path sources as written, heredocs left out.
    pub sources: Vec<String>,
    /// Heredoc sources: the file each becomes.
    pub contents: Vec<SourceContent>,
    /// The last word.
    pub destination: String,
    /// `--from`; COPY only.
    pub from: Option<String>,
    /// `--chown`; empty when not given.
    pub chown: String,
    /// `--chmod`; empty when not given.
    pub chmod: String,
    /// `--link`.
    pub link: bool,
    /// `--parents`; COPY only.
    pub parents: bool,
    /// `--exclude`, in order.
    pub exclude: Vec<String>,
    /// `--keep-git-dir`; ADD only.
    pub keep_git_dir: Option<bool>,
    /// `--checksum`; ADD only, empty when not given.
    pub checksum: String,
    /// `--unpack`; ADD only.
    pub unpack: Option<bool>,
}

/// A heredoc as a source of COPY or ADD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceContent {
    /// The file's name: the delimiter.
    pub path: String,
    /// Its data, tabs already dropped for `<<-`. Bytes, because it need not be UTF-8: [`lossy`](super::lossy) gives the text that variables
    /// are expanded in.
    pub data: Vec<u8>,
    /// Whether variables in it are expanded.
    pub expand: bool,
}

/// The command of RUN, CMD or ENTRYPOINT.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandLine {
    /// The words of the exec form, or the one line of the shell form.
    pub words: Vec<String>,
    /// Shell form: the stage's SHELL goes in front.
    pub prepend_shell: bool,
    /// Heredocs of RUN as inline files.
    pub files: Vec<InlineFile>,
    /// The line holds bytes that are no UTF-8. In `words`, each is U+FFFD; a RUN with it fails with
    /// `failed to marshal LLB definition: string field contains invalid UTF-8`.
    pub not_utf8: bool,
}

/// A heredoc of RUN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineFile {
    /// The delimiter.
    pub name: String,
    /// The body, tabs not yet dropped (see [`chomp`](super::chomp)).
    pub data: Vec<u8>,
    /// `<<-`.
    pub chomp: bool,
}

/// RUN.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// What it runs.
    pub command: CommandLine,
    /// The `--mount` values as written: parsed (and variables in them expanded) by [`crate::dockerfile::Mount::parse`].
    pub mounts: Vec<String>,
    /// `--network`: `default`, `none` or `host`; `None` when not given.
    pub network: Option<String>,
    /// `--security`: `sandbox` or `insecure`; `None` when not given.
    pub security: Option<String>,
    /// `--device` values.
    pub devices: Vec<Device>,
}

/// One `--device` (BuildKit's `instructions.Device`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Device {
    /// The device's CDI name.
    pub name: String,
    /// Whether the build fails without it.
    pub required: bool,
}

/// What a mount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MountType {
    /// Files of the context, a stage or an image.
    #[default]
    Bind,
    /// A persistent cache directory.
    Cache,
    /// A temporary file system.
    Tmpfs,
    /// A secret file or environment variable.
    Secret,
    /// The ssh agent.
    Ssh,
}

/// How a cache mount is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// By all builds at once.
    #[default]
    Shared,
    /// Each build its own.
    Private,
    /// One build after the other.
    Locked,
}

/// One `--mount` (BuildKit's `instructions.Mount`, defaults applied).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mount {
    /// `type`.
    pub kind: MountType,
    /// `from`; empty when not given.
    pub from: String,
    /// `source` or `src`; empty when not given.
    pub source: String,
    /// `target`, `dst`, `destination`; empty when not given.
    pub target: String,
    /// Read-only.
    pub read_only: bool,
    /// `size` of a tmpfs in bytes; 0 when not given.
    pub size: i64,
    /// `id`; empty when not given.
    pub id: String,
    /// `sharing`.
    pub sharing: Sharing,
    /// `required`.
    pub required: bool,
    /// `env` of a secret.
    pub env: Option<String>,
    /// `mode`.
    pub mode: Option<u64>,
    /// `uid`.
    pub uid: Option<u64>,
    /// `gid`.
    pub gid: Option<u64>,
}
