//! `stowaway.doctor/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Document, Look, human, json};

/// Whether a build can run here, and what was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DoctorReport {
    /// The answer.
    pub verdict: DoctorVerdict,
    /// What is wrong or worth knowing, the worst first.
    pub findings: Vec<DoctorFinding>,
    /// The engines that are configured or listen in their usual places, the chosen one first.
    pub engines: Vec<EngineHealth>,
    /// The builder that `docker buildx build` would take; null where Docker's own default is meant.
    pub builder: Option<BuilderHealth>,
    /// Folders and how much room is left where they lie.
    pub disks: Vec<DiskHealth>,
    /// Memory of this machine.
    pub memory: MemoryHealth,
    /// Limits of this process and of its kernel.
    pub limits: LimitsHealth,
    /// Programs that builds are started with.
    pub tools: Vec<ToolHealth>,
    /// Which of this program's commands need an engine.
    pub commands: CommandsHealth,
}

/// Whether a build can run here; its names in JSON are in kebab case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DoctorVerdict {
    /// A build can run here.
    Ready,
    /// An engine answers, but something that is needed is missing or too small.
    Lacking,
    /// No engine is known to answer.
    #[default]
    NoEngine,
}

/// How bad it is; its names in JSON are in kebab case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DoctorSeverity {
    /// Something that is needed is missing.
    #[default]
    Error,
    /// Builds run, but may fail or surprise.
    Warning,
    /// Worth knowing.
    Note,
}

/// What is wrong or worth knowing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DoctorFinding {
    /// How bad it is.
    pub severity: DoctorSeverity,
    /// A stable code in kebab case.
    pub code: &'static str,
    /// One sentence without a full stop.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// An engine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EngineHealth {
    /// `docker` or `buildkit`.
    pub kind: &'static str,
    /// Where it is, such as `unix:///var/run/docker.sock`.
    pub endpoint: String,
    /// Who says so: `DOCKER_HOST`, `context NAME`, `default`, `BUILDKIT_HOST`, `builder NAME`, `usual place`.
    pub source: String,
    /// Builds go to it as things are configured.
    pub chosen: bool,
    /// Whether it answers; null when it was not asked.
    pub reachable: Option<bool>,
    /// Why it doesn't answer, was not asked or told less than it could, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How the connection is protected: `none`, `tls`, `tls-unverified`, `ssh`.
    pub transport: &'static str,
    /// Its version.
    pub version: Option<String>,
    /// The newest version of its interface.
    pub api_version: Option<String>,
    /// The system that it builds for.
    pub os: Option<String>,
    /// Its processor, as it names it.
    pub architecture: Option<String>,
    /// Whether it builds with BuildKit; null when that is not known.
    pub buildkit: Option<bool>,
    /// The version of its BuildKit.
    pub buildkit_version: Option<String>,
    /// How it stores images, such as `overlay2` or `overlayfs (containerd)`.
    pub storage: Option<String>,
    /// The folder where it keeps everything.
    pub root: Option<String>,
    /// Whether that folder is on this machine; null when that is not known.
    pub root_is_local: Option<bool>,
    /// Bytes of memory that it has.
    pub memory: Option<u64>,
    /// Processors that it has.
    pub cpus: Option<u64>,
    /// What it warns of itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A builder of buildx.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BuilderHealth {
    /// Its name.
    pub name: String,
    /// Its driver: `docker`, `docker-container`, `remote`, `kubernetes`.
    pub driver: String,
    /// Who chose it: `BUILDX_BUILDER` or `buildx use`.
    pub source: String,
    /// Its nodes.
    pub nodes: Vec<NodeHealth>,
}

/// A node of a builder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NodeHealth {
    /// Its name.
    pub name: String,
    /// The engine or the BuildKit that it stands on: an address or the name of a context.
    pub endpoint: String,
    /// `running`, `stopped`, `absent` (it is created when it is needed), `unreachable` or `unknown`.
    pub state: &'static str,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A folder and the room that is left where it lies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DiskHealth {
    /// What the folder is for: `context`, `state`, `cache`, `engine`.
    pub of: &'static str,
    /// The folder, or the nearest one above it that is there.
    pub path: String,
    /// Bytes that this user may still write.
    pub free: u64,
    /// Bytes altogether.
    pub size: u64,
    /// Files that can still be made; null where the file system has no such limit.
    pub inodes_free: Option<u64>,
}

/// Memory of this machine, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MemoryHealth {
    /// All.
    pub total: Option<u64>,
    /// What can be had without swapping.
    pub available: Option<u64>,
    /// What this process's control group may have at most; null without a limit.
    pub limit: Option<u64>,
    /// What its control group has in use, where there is a limit.
    pub used_of_limit: Option<u64>,
    /// Swap space.
    pub swap_total: Option<u64>,
    /// Swap space that is free.
    pub swap_free: Option<u64>,
}

/// Limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LimitsHealth {
    /// Files that this process may have open; null without a limit.
    pub open_files: Option<u64>,
    /// What it may raise that to; null without a limit.
    pub open_files_hard: Option<u64>,
    /// Files that a user may watch with inotify.
    pub inotify_watches: Option<u64>,
    /// Inotify instances that a user may have.
    pub inotify_instances: Option<u64>,
    /// Processes that the control group may have; null without a limit.
    pub processes: Option<u64>,
    /// Processors that the control group may use, in thousandths; null without a limit.
    pub cpu_thousandths: Option<u64>,
    /// Processors that this process may use.
    pub cpus: Option<u64>,
}

/// A program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ToolHealth {
    /// `docker`, `docker-buildx`, `docker-compose`, `buildctl`, `git`, `ssh`.
    pub name: &'static str,
    /// Where it is; null when it isn't found.
    pub path: Option<String>,
}

/// Which commands need an engine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CommandsHealth {
    /// They work without.
    pub without_engine: Vec<String>,
    /// They don't.
    pub with_engine: Vec<String>,
}

impl DoctorReport {
    /// The exit status: 0 when a build can run here, 1 when something is missing, 3 without an engine.
    pub fn exit_code(&self) -> u8 {
        match self.verdict {
            DoctorVerdict::Ready => 0,
            DoctorVerdict::Lacking => 1,
            DoctorVerdict::NoEngine => 3,
        }
    }
}

impl Document for DoctorReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        human::doctor::write(out, self, look)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.doctor/1", self)
    }
}
