//! A stage while it is planned (`convert.go`, `dispatchState`): what its instructions have made so far.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::env::EnvList;
use super::named::Found;
use super::nodes::{Output, PathsId};
use crate::dockerfile::{Instruction, Span, Stage as Written};
use crate::image::{Defaults, Platform};

/// Index of a stage; images of `--from` and mounts without one make stages of their own, behind those of the file.
pub(super) type StageId = usize;

/// One instruction with the stages that it takes files from.
#[derive(Debug, Clone)]
pub(super) struct Command<'a> {
    pub instruction: Cow<'a, Instruction>,
    pub sources: Vec<StageId>,
    pub onbuild: bool,
}

/// The part of an image's config that steers the instructions (`dispatchState.image`).
#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    pub os: String,
    pub env: Vec<String>,
    pub user: String,
    pub working_dir: String,
    pub shell: Vec<String>,
    pub onbuild: Vec<String>,
    pub defaults: Defaults,
}

impl Config {
    /// `emptyImage`: what `FROM scratch` begins with.
    pub fn empty(platform: &Platform) -> Self {
        let env = if platform.os == "windows" {
            vec![]
        } else {
            vec![format!("PATH={}", default_path(&platform.os))]
        };
        Self { os: platform.os.clone(), working_dir: "/".into(), env, ..Self::default() }
    }

    /// What an image says.
    pub fn of(image: &crate::image::ImageConfig) -> Self {
        Self {
            os: image.platform.os.clone(),
            env: image.env.clone(),
            user: image.user.clone(),
            working_dir: image.working_dir.clone(),
            shell: image.shell.clone(),
            onbuild: image.onbuild.clone(),
            defaults: image.defaults.clone(),
        }
    }

    /// Sets a variable in place (`addEnv`).
    pub fn set_env(&mut self, key: &str, value: &str) {
        let entry = format!("{key}={value}");
        match self.env.iter_mut().find(|e| split(e).0 == key) {
            Some(old) => *old = entry,
            None => self.env.push(entry),
        }
    }
}

/// `system.DefaultPathEnv`.
pub(super) fn default_path(os: &str) -> &'static str {
    if os == "windows" {
        r"c:\Windows\System32;c:\Windows;C:\Windows\System32\WindowsPowerShell\v1.0"
    } else {
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    }
}

/// `K=V` in two.
pub(super) fn split(entry: &str) -> (&str, &str) {
    entry.split_once('=').unwrap_or((entry, ""))
}

/// `llb.State`: files with what a program would find around them.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub output: Output,
    pub env: EnvList,
    pub dir: String,
    pub user: String,
    pub platform: Option<Platform>,
}

impl State {
    /// `llb.NewState`.
    pub fn new(output: Output) -> Self {
        Self { output, env: EnvList::default(), dir: "/".into(), user: String::new(), platform: None }
    }
}

/// What isn't known because the config of the base image isn't.
#[derive(Debug, Clone)]
pub(super) struct Unknown {
    /// The words for [`Vertex::open`](super::Vertex::open).
    pub reason: Rc<str>,
    /// The image's output: whether it is scratch isn't known either.
    pub image: Output,
    /// The working directory is that of the image, or hangs on it.
    pub dir: bool,
    /// The user is that of the image, or hangs on it.
    pub user: bool,
    /// The shell is that of the image.
    pub shell: bool,
}

/// Where the last one of each of these stands in a stage (a stage that stands on it begins anew).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    pub cmd: Option<Span>,
    pub entrypoint: Option<Span>,
    pub healthcheck: Option<Span>,
}

/// A stage.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    /// The stage of the file; `None` for an image or a mount's empty source.
    pub written: Option<&'a Written>,
    /// The expanded word after FROM; later the image's reference.
    pub base_name: String,
    pub span: Option<Span>,
    /// The image of a bind mount: BuildKit knows no place for it.
    pub of_mount: bool,
    pub base: Option<StageId>,
    /// Stages that instructions take files from, with the last instruction that does.
    pub deps: Vec<(StageId, Option<Span>)>,
    /// A named context of the stage's name, which stands in its place.
    pub replaced_by: Option<Found>,
    pub platform: Option<Platform>,
    pub commands: Vec<Command<'a>>,
    pub state: State,
    pub config: Config,
    /// Paths that others take from this stage.
    pub paths: PathsId,
    pub dispatched: bool,
    pub resolved: bool,
    pub onbuild_init: bool,
    /// The name in progress; empty when the file has one stage.
    pub shown_name: String,
    pub command_index: usize,
    pub command_total: usize,
    pub on_build: bool,
    pub ignore_cache: bool,
    pub workdir_set: bool,
    /// Where instructions of which only the last one counts have been carried out.
    pub used: Used,
    /// Names that an ARG declared, with or without a value.
    pub declared: BTreeSet<String>,
    pub unknown: Option<Unknown>,
    /// The name of the step at hand, once it has one.
    pub current: Option<String>,
}

impl<'a> Stage<'a> {
    /// A stage that nothing is known of but its base.
    pub fn new(base_name: &str, paths: PathsId, span: Option<Span>) -> Self {
        Self {
            written: None,
            base_name: base_name.into(),
            span,
            of_mount: false,
            base: None,
            deps: Vec::new(),
            replaced_by: None,
            platform: None,
            commands: Vec::new(),
            state: State::new(None),
            config: Config::default(),
            paths,
            dispatched: false,
            resolved: false,
            onbuild_init: false,
            shown_name: String::new(),
            command_index: 0,
            command_total: 0,
            on_build: false,
            ignore_cache: false,
            workdir_set: false,
            used: Used::default(),
            declared: BTreeSet::new(),
            unknown: None,
            current: None,
        }
    }

    /// The name after AS.
    pub fn name(&self) -> Option<&'a str> {
        self.written.and_then(|w| w.name.as_deref())
    }

    /// No FROM made it.
    pub fn unregistered(&self) -> bool {
        self.written.is_none()
    }

    /// Takes over what the base stage is (`dispatchState.init`).
    pub fn inherit(&mut self, base: &Stage<'a>) {
        self.state = base.state.clone();
        self.platform.clone_from(&base.platform);
        self.config = Config { onbuild: Vec::new(), ..base.config.clone() };
        self.paths = base.paths;
        self.workdir_set = base.workdir_set;
        self.declared.clone_from(&base.declared);
        self.unknown.clone_from(&base.unknown);
    }

    /// The operating system of its containers.
    pub fn os(&self) -> &str {
        self.platform.as_ref().map_or("", |p| &p.os)
    }

    /// False when the base may hold variables that aren't known.
    pub fn env_complete(&self) -> bool {
        self.unknown.is_none()
    }

    /// The words for an operation that hangs on the base's config, when `it_does` says that it does.
    pub fn open_if(&self, it_does: impl Fn(&Unknown) -> bool) -> Vec<String> {
        self.unknown.iter().filter(|u| it_does(u)).map(|u| u.reason.to_string()).collect()
    }
}
