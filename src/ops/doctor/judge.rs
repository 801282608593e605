//! What the numbers mean: findings, and the answer.

use super::DoctorOptions;
use crate::engine::Endpoint;
use crate::report::{
    DiskHealth, DoctorFinding, DoctorReport, DoctorSeverity, DoctorVerdict, EngineHealth, MemoryHealth, size,
};

/// What this program's own folders need.
const OWN_DISK: u64 = 64 << 20;
/// Files that unpacking images and packages easily makes.
const FILES: u64 = 20_000;
/// Open files below which tools fail.
const OPEN_FILES: u64 = 1024;
/// Watches that one middling project needs.
const WATCHES: u64 = 8192;
/// Memory below which a machine without swap runs out when something is compiled.
const SMALL_MEMORY: u64 = 2 << 30;

/// Adds what is wrong or worth knowing, and the answer.
pub fn judge(
    report: &mut DoctorReport,
    endpoints: &[Endpoint],
    problems: Vec<DoctorFinding>,
    options: &DoctorOptions,
) {
    let mut found = problems;
    let answers = report.engines.iter().any(|e| e.chosen && e.reachable == Some(true));
    engines(report, endpoints, answers, options, &mut found);
    builder(report, &mut found);
    report.disks.iter().for_each(|disk| on_disk(disk, options, &mut found));
    in_memory(&report.memory, options, &mut found);
    limits(report, &mut found);
    found.sort_by_key(|f| f.severity);
    let lacking = found.iter().any(|f| f.severity == DoctorSeverity::Error);
    report.verdict = match (answers, lacking) {
        (false, _) => DoctorVerdict::NoEngine,
        (true, true) => DoctorVerdict::Lacking,
        (true, false) => DoctorVerdict::Ready,
    };
    report.findings = found;
}

fn add(
    found: &mut Vec<DoctorFinding>,
    severity: DoctorSeverity,
    code: &'static str,
    message: String,
    help: Option<&str>,
) {
    found.push(DoctorFinding { severity, code, message, help: help.map(str::to_owned) });
}

/// Whether those that are configured answer, and with what.
fn engines(
    report: &DoctorReport,
    endpoints: &[Endpoint],
    answers: bool,
    options: &DoctorOptions,
    found: &mut Vec<DoctorFinding>,
) {
    for engine in &report.engines {
        if engine.chosen && engine.reachable == Some(true) {
            able(engine, found);
        } else if engine.chosen {
            let explicit = endpoints.iter().any(|e| e.text == engine.endpoint && e.explicit);
            silent(engine, explicit || !answers, options, found);
        } else {
            let name = if engine.kind == "docker" { "DOCKER_HOST" } else { "BUILDKIT_HOST" };
            let severity = DoctorSeverity::Note;
            let message = format!("an engine that nothing is configured for answers at {}", engine.endpoint);
            let help = format!("set {name}={} to use it", engine.endpoint);
            add(found, severity, "engine-unused", message, Some(&help));
        }
    }
    if options.environment.get("DOCKER_BUILDKIT").is_some_and(|v| matches!(v.as_str(), "0" | "false")) {
        let message =
            "DOCKER_BUILDKIT turns BuildKit off: the old builder has other keys and other rules".to_owned();
        add(found, DoctorSeverity::Warning, "buildkit-off", message, Some("unset DOCKER_BUILDKIT"));
    }
}

/// One that doesn't answer. The usual socket is missed only where no other engine answers.
fn silent(engine: &EngineHealth, missed: bool, options: &DoctorOptions, found: &mut Vec<DoctorFinding>) {
    let why = engine.why.clone().unwrap_or_else(|| "no reason was given".to_owned());
    let place = format!("{} ({})", engine.endpoint, engine.source);
    if engine.reachable.is_none() {
        let help = (engine.transport == "ssh" && !options.connect).then_some("ask it with --connect");
        add(
            found,
            DoctorSeverity::Warning,
            "engine-not-asked",
            format!("the engine at {place} was not asked: {why}"),
            help,
        );
    } else if missed {
        let help = match &why {
            why if why.contains("permission denied") => {
                "let this user use the socket (the group docker), or use a rootless engine"
            }
            why if why.contains("no such file") => {
                "start the engine, or set DOCKER_HOST or BUILDKIT_HOST to one that runs"
            }
            why if why.contains("refused") => "start the engine: nobody listens there",
            _ => "see whether the engine runs and whether its address is right",
        };
        add(
            found,
            DoctorSeverity::Error,
            "engine-unreachable",
            format!("the engine at {place} does not answer: {why}"),
            Some(help),
        );
    }
}

/// One that answers, and what it can.
fn able(engine: &EngineHealth, found: &mut Vec<DoctorFinding>) {
    if engine.buildkit == Some(false) {
        let message = format!(
            "Docker {} at {} has no BuildKit",
            engine.version.as_deref().unwrap_or("?"),
            engine.endpoint
        );
        add(
            found,
            DoctorSeverity::Error,
            "buildkit-missing",
            message,
            Some("use Docker 18.09 or later, or a buildkitd"),
        );
    }
    if engine.os.as_deref().is_some_and(|os| os != "linux") {
        let message = format!(
            "the engine at {} builds for {}, not for Linux",
            engine.endpoint,
            engine.os.as_deref().unwrap_or("?")
        );
        add(found, DoctorSeverity::Error, "engine-system", message, None);
    }
    if let Some(why) = &engine.why {
        let message = format!("the engine at {} did not tell all: {why}", engine.endpoint);
        add(found, DoctorSeverity::Warning, "engine-slow", message, None);
    }
    for warning in &engine.warnings {
        add(
            found,
            DoctorSeverity::Note,
            "engine-warning",
            format!("the engine at {} says: {warning}", engine.endpoint),
            None,
        );
    }
}

/// Whether a builder's nodes are there. A container that isn't running is started by the first build.
fn builder(report: &DoctorReport, found: &mut Vec<DoctorFinding>) {
    let Some(builder) = &report.builder else { return };
    if builder.nodes.is_empty() {
        let message = format!("the builder {} has no nodes", builder.name);
        add(
            found,
            DoctorSeverity::Error,
            "builder-empty",
            message,
            Some("create it anew with `docker buildx create`"),
        );
    }
    for node in builder.nodes.iter().filter(|n| n.state == "unreachable") {
        let why = node.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        let message = format!(
            "the node {} of builder {} can't be reached at {}{why}",
            node.name, builder.name, node.endpoint
        );
        add(found, DoctorSeverity::Error, "builder-unreachable", message, None);
    }
}

/// Whether there is room.
fn on_disk(disk: &DiskHealth, options: &DoctorOptions, found: &mut Vec<DoctorFinding>) {
    let (needed, severity) = match disk.of {
        "engine" => (options.min_disk, DoctorSeverity::Error),
        "context" => (0, DoctorSeverity::Note),
        _ => (OWN_DISK, DoctorSeverity::Warning),
    };
    if disk.free < needed {
        let message =
            format!("{} is free at {} ({}), less than {}", size(disk.free), disk.path, disk.of, size(needed));
        let help = (disk.of == "engine").then_some("make room, for example with `docker builder prune`");
        add(found, severity, "disk-low", message, help);
    }
    if disk.of == "engine" && disk.inodes_free.is_some_and(|n| n < FILES) {
        let message = format!(
            "only {} more files can be made at {} ({})",
            disk.inodes_free.unwrap_or(0),
            disk.path,
            disk.of
        );
        add(found, DoctorSeverity::Warning, "inodes-low", message, None);
    }
}

/// Whether there is memory: of the machine, and of what the control group leaves.
fn in_memory(memory: &MemoryHealth, options: &DoctorOptions, found: &mut Vec<DoctorFinding>) {
    let left = memory.limit.map(|limit| limit.saturating_sub(memory.used_of_limit.unwrap_or(0)));
    // What a group uses includes what its kernel would give back: below the whole limit is sure.
    let small = memory.limit.is_some_and(|limit| limit < options.min_memory);
    if memory.available.is_some_and(|n| n < options.min_memory) || small {
        let available = memory.available.into_iter().chain(left).min().unwrap_or(0);
        let message =
            format!("{} of memory is available, less than {}", size(available), size(options.min_memory));
        add(found, DoctorSeverity::Error, "memory-low", message, None);
    } else if memory.swap_total == Some(0) && memory.total.is_some_and(|n| n < SMALL_MEMORY) {
        let message = format!(
            "{} of memory and no swap: compilers in builds may be killed",
            size(memory.total.unwrap_or(0))
        );
        add(found, DoctorSeverity::Note, "memory-small", message, None);
    }
}

/// Whether limits are too low.
fn limits(report: &DoctorReport, found: &mut Vec<DoctorFinding>) {
    let limits = &report.limits;
    if let Some(files) = limits.open_files.filter(|n| *n < OPEN_FILES) {
        let message = format!("a process may open only {files} files");
        add(
            found,
            DoctorSeverity::Warning,
            "open-files-low",
            message,
            Some("raise it with `ulimit -n 1024` or more"),
        );
    }
    if let Some(watches) = limits.inotify_watches.filter(|n| *n < WATCHES) {
        let message = format!("only {watches} files can be watched for changes");
        add(
            found,
            DoctorSeverity::Note,
            "inotify-low",
            message,
            Some("raise fs.inotify.max_user_watches with sysctl"),
        );
    }
}
