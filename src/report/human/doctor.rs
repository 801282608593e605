//! `doctor` for people: the answer, what is wrong, then what was looked at.

use crate::wording::thousands;
use std::io::{self, Write};

use super::super::doctor::{
    BuilderHealth, DiskHealth, DoctorFinding, DoctorReport, DoctorSeverity, DoctorVerdict, EngineHealth,
};
use super::why::paragraph;
use super::{Look, Tone, size};

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &DoctorReport, look: &Look) -> io::Result<()> {
    writeln!(out, "{}", look.paint(Tone::Strong, heading(report.verdict)))?;
    for finding in &report.findings {
        writeln!(out)?;
        found(out, finding, look)?;
    }
    writeln!(out)?;
    report.engines.iter().try_for_each(|engine| row(out, "engine", &engine_words(engine), look))?;
    if let Some(builder) = &report.builder {
        row(out, "builder", &builder_words(builder), look)?;
    }
    report.disks.iter().try_for_each(|disk| row(out, "disk", &disk_words(disk), look))?;
    row(out, "memory", &memory_words(report), look)?;
    row(out, "limits", &limits_words(report), look)?;
    row(out, "tools", &tools_words(report), look)?;
    commands(out, report, look)
}

fn heading(verdict: DoctorVerdict) -> &'static str {
    match verdict {
        DoctorVerdict::Ready => "a build can run here",
        DoctorVerdict::Lacking => "an engine answers, but something that a build needs is missing",
        DoctorVerdict::NoEngine => "no engine answers: builds can't run here",
    }
}

fn found(out: &mut dyn Write, finding: &DoctorFinding, look: &Look) -> io::Result<()> {
    let (tone, label) = match finding.severity {
        DoctorSeverity::Error => (Tone::Error, "error:"),
        DoctorSeverity::Warning => (Tone::Warning, "warning:"),
        DoctorSeverity::Note => (Tone::Faint, "note:"),
    };
    paragraph(out, tone, label, &finding.message, look)?;
    finding.help.iter().try_for_each(|help| paragraph(out, Tone::Hint, "hint:", help, look))
}

/// A word in the first column, the rest wrapped in the second.
fn row(out: &mut dyn Write, label: &str, text: &str, look: &Look) -> io::Result<()> {
    paragraph(out, Tone::Strong, &format!("{label:8}"), text, look)
}

fn engine_words(engine: &EngineHealth) -> String {
    let mut words = vec![format!("{} at {} ({})", name(engine), engine.endpoint, engine.source)];
    match engine.reachable {
        Some(true) => words.push("answers".to_owned()),
        Some(false) => words.push("does not answer".to_owned()),
        None => words.push("not asked".to_owned()),
    }
    words.extend(engine.why.clone());
    words.extend(engine.api_version.as_ref().map(|v| format!("API {v}")));
    match (engine.buildkit, &engine.buildkit_version) {
        (_, Some(version)) if engine.kind == "docker" => words.push(format!("BuildKit {version}")),
        (Some(true), None) => words.push("with BuildKit".to_owned()),
        (Some(false), _) => words.push("without BuildKit".to_owned()),
        _ => {}
    }
    let system = [engine.os.clone(), engine.architecture.clone()];
    let system: Vec<String> = system.into_iter().flatten().collect();
    words.extend((!system.is_empty()).then(|| system.join("/")));
    words.extend(engine.cpus.map(|n| super::count(n, "processor")));
    words.extend(engine.memory.map(|bytes| format!("{} of memory", size(bytes))));
    words.extend(engine.storage.clone());
    words.extend(engine.root.clone());
    words.extend((engine.transport != "none").then(|| engine.transport.to_owned()));
    words.join(", ")
}

/// `Docker 28.5.2`, `BuildKit v0.32.2`.
fn name(engine: &EngineHealth) -> String {
    let name = if engine.kind == "docker" { "Docker" } else { "BuildKit" };
    let version = if engine.kind == "docker" { &engine.version } else { &engine.buildkit_version };
    version.as_ref().map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
}

fn builder_words(builder: &BuilderHealth) -> String {
    let nodes = builder.nodes.iter().map(|node| {
        let why = node.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        format!("{} at {}: {}{why}", node.name, node.endpoint, node.state)
    });
    let nodes: Vec<String> = nodes.collect();
    format!("{}, driver {}, from {}; {}", builder.name, builder.driver, builder.source, nodes.join("; "))
}

fn disk_words(disk: &DiskHealth) -> String {
    let inodes = disk.inodes_free.map_or_else(String::new, |n| format!(", room for {} files", thousands(n)));
    format!("{} ({}): {} free of {}{inodes}", disk.of, disk.path, size(disk.free), size(disk.size))
}

fn memory_words(report: &DoctorReport) -> String {
    let memory = &report.memory;
    let known = |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), size);
    let mut words = vec![format!("{} available of {}", known(memory.available), known(memory.total))];
    if let Some(limit) = memory.limit {
        words.push(format!(
            "the control group has {} of at most {}",
            known(memory.used_of_limit),
            size(limit)
        ));
    }
    words.push(match memory.swap_total {
        Some(0) => "no swap".to_owned(),
        total => format!("swap {} free of {}", known(memory.swap_free), known(total)),
    });
    words.join(", ")
}

fn limits_words(report: &DoctorReport) -> String {
    let limits = &report.limits;
    let number = |n: Option<u64>| n.map_or_else(|| "any number of".to_owned(), thousands);
    let hard = limits.open_files_hard.map_or_else(|| "any number".to_owned(), thousands);
    let mut words = vec![format!("{} open files (up to {hard})", number(limits.open_files))];
    words.extend(limits.inotify_watches.map(|n| format!("{} inotify watches", thousands(n))));
    words.extend(limits.inotify_instances.map(|n| format!("{} inotify instances", thousands(n))));
    words.extend(limits.cpus.map(|n| super::count(n, "processor")));
    words.extend(
        limits
            .cpu_thousandths
            .map(|n| format!("{}.{:02} of them for the control group", n / 1000, n % 1000 / 10)),
    );
    words.extend(limits.processes.map(|n| format!("{} processes", thousands(n))));
    words.join(", ")
}

fn tools_words(report: &DoctorReport) -> String {
    let tool = |t: &super::super::doctor::ToolHealth| match &t.path {
        Some(path) => format!("{} ({path})", t.name),
        None => format!("no {}", t.name),
    };
    report.tools.iter().map(tool).collect::<Vec<_>>().join(", ")
}

fn commands(out: &mut dyn Write, report: &DoctorReport, look: &Look) -> io::Result<()> {
    let commands = &report.commands;
    writeln!(out)?;
    paragraph(out, Tone::Faint, "without an engine:", &commands.without_engine.join(", "), look)?;
    let with = if commands.with_engine.is_empty() {
        "none of the commands".to_owned()
    } else {
        commands.with_engine.join(", ")
    };
    paragraph(out, Tone::Faint, "with an engine alone:", &with, look)
}
