//! `ignore`: lines for an ignore file, each tried on every build that reads it.
//!
//! The context is walked once; what the builds come to under another ignore file is computed from that listing, and every file is read
//! once at most. A line is proposed only when no build that worked fails with it, and when no step gets another key but those that
//! take litter, and what stands on them.

mod attribute;
mod block;
mod builds;
mod effect;
mod gitignore;
mod litter;
mod outcome;
mod propose;
#[cfg(test)]
mod tests;
mod text;
mod unneeded;
mod world;
mod write;

use std::collections::BTreeMap;

use self::block::Owner;
use self::outcome::{Outcome, holds};
use self::propose::Proposed;
use self::world::World;
use super::{DockerfileInput, Request};
use crate::entry::{Entry, Source as _};
use crate::error::Error;
use crate::observer::Observer;
use crate::report::{
    IgnoreAside, IgnoreBuild, IgnoreLine, IgnoreReport, IgnoreSum, IgnoreWritten, PathField,
};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct IgnoreOptions {
    /// The Dockerfiles; empty for all that are found for the context, those of Compose and Bake files among them.
    pub dockerfiles: Vec<DockerfileInput>,
    /// Variables for Compose and Bake files.
    pub environment: BTreeMap<String, String>,
    /// What to do.
    pub mode: IgnoreMode,
    /// Change the file, and keep the old one.
    pub write: bool,
}

/// What to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IgnoreMode {
    /// Propose lines.
    #[default]
    Propose,
    /// Turn `.gitignore` files into lines.
    FromGitignore,
    /// Say what another ignore file would change.
    Test {
        /// How it is spoken of.
        name: String,
        /// What it holds.
        bytes: Vec<u8>,
    },
}

/// So many paths of a line are told.
const EXAMPLES: usize = 3;

/// Answers for a context.
///
/// # Errors
/// [`Error`] for input that can't be read, an ignore file in force that can't be understood, and a file that can't be written.
pub fn ignore(
    request: &Request,
    options: &IgnoreOptions,
    observer: &dyn Observer,
) -> Result<IgnoreReport, Error> {
    super::locate::check_folder(&request.context, "the context")?;
    let wanted = builds::wanted(request, options);
    let everything = options.mode != IgnoreMode::Propose;
    let mut world = World::load(wanted, everything, observer)?;
    let answer = match &options.mode {
        IgnoreMode::Propose => proposal(&mut world, observer)?,
        IgnoreMode::FromGitignore => gitignore::answer(&mut world, observer)?,
        IgnoreMode::Test { name, bytes } => test(&mut world, name, bytes, observer)?,
    };
    world.remember(observer);
    let Answer { mut report, bytes } = answer;
    report.context = request.context.display().to_string();
    let old = world.target.bytes.as_deref();
    report.differs = bytes.as_deref().is_some_and(|new| new != old.unwrap_or_default());
    let harmless = report.failures.is_empty();
    if options.write && report.differs && !harmless {
        report.remarks.push("nothing is written, because a build that works would fail".to_owned());
    }
    if let (true, true, Some(new)) = (options.write && harmless, report.differs, &bytes) {
        let written = write::write(&world.target.path, old, new)?;
        report.written = Some(IgnoreWritten {
            file: written.file.display().to_string(),
            backup: written.backup.map(|b| b.display().to_string()),
        });
    }
    Ok(report)
}

/// A report, and what the file would hold.
struct Answer {
    report: IgnoreReport,
    bytes: Option<Vec<u8>>,
}

/// What is told in every mode.
fn report(world: &World, mode: &str, before: &[Outcome]) -> IgnoreReport {
    let build = |(b, o): (&world::Build, &Outcome)| IgnoreBuild {
        dockerfile: b.dockerfile.clone(),
        build: b.detail.clone(),
        fails: o.failures.iter().map(in_words).collect(),
    };
    let aside = |a: &world::Aside| IgnoreAside {
        dockerfile: a.dockerfile.clone(),
        build: a.detail.clone(),
        why: a.why.clone(),
    };
    IgnoreReport {
        mode: mode.to_owned(),
        ignore_file: world.target.name.clone(),
        exists: world.target.bytes.is_some(),
        ignore_file_reason: world.target.reason.clone(),
        builds: world.builds.iter().zip(before).map(build).collect(),
        aside: world.aside.iter().map(aside).collect(),
        ..IgnoreReport::default()
    }
}

fn in_words(failing: &outcome::Failing) -> String {
    failing.line.map_or_else(|| failing.message.clone(), |line| format!("line {line}: {}", failing.message))
}

/// The best lines.
fn proposal(world: &mut World, observer: &dyn Observer) -> Result<Answer, Error> {
    let found = propose::propose(world, observer)?;
    let mut report = report(world, "propose", &found.before);
    let entries = found.shown.entries();
    let sent: Vec<bool> = sent(&found.before, entries.len());
    report.lines = (0..found.lines.len()).map(|line| line_report(world, &found, line, &sent)).collect();
    report.saved = effect::sum(entries, |at| found.hidden_by[at].is_some());
    report.left = left(world, &found);
    report.changes = effect::moved(world, &found.before, &found.after);
    let file = world.target_below().and_then(|path| effect::position(entries, &path));
    let differs = found.bytes != world.target.bytes.as_deref().unwrap_or_default();
    if let Some(at) = file.filter(|at| differs && found.hidden_by[*at].is_none()) {
        effect::takes_file(world, at, &found.before, &mut report);
    }
    report.remarks.extend(remarks(world, &found));
    report.kept = found.kept;
    report.dropped = found.dropped;
    Ok(Answer { report, bytes: Some(found.bytes) })
}

/// Which entries some build sends.
fn sent(outcomes: &[Outcome], entries: usize) -> Vec<bool> {
    let mut sent = vec![false; entries];
    outcomes.iter().flat_map(|o| &o.sent).for_each(|range| sent[range.clone()].fill(true));
    sent
}

fn line_report(world: &World, found: &Proposed, index: usize, sent: &[bool]) -> IgnoreLine {
    let entries = found.shown.entries();
    let line = &found.lines[index];
    let own: Vec<usize> = (0..entries.len()).filter(|at| found.hidden_by[*at] == Some(index)).collect();
    let mut steps = Vec::new();
    for (build, outcome) in world.builds.iter().zip(&found.before) {
        for (step, of) in outcome.steps.iter().enumerate() {
            if own.iter().any(|at| holds(&of.takes, *at)) {
                effect::step(build, step, true).into_iter().for_each(|s| effect::add(&mut steps, s));
            }
        }
    }
    let files = own.iter().filter(|at| !entries[**at].stat.is_dir()).take(EXAMPLES);
    IgnoreLine {
        line: line.text.clone(),
        kind: if line.litter.is_some() && !steps.is_empty() { "litter" } else { "unneeded" }.to_owned(),
        what: line.litter.map(str::to_owned),
        sum: effect::sum(entries, |at| found.hidden_by[at] == Some(index)),
        sent: effect::sum(entries, |at| found.hidden_by[at] == Some(index) && sent[at]),
        steps,
        examples: files.map(|at| PathField::new(entries[*at].path.as_bytes())).collect(),
    }
}

/// What stays in view without being of use; Dockerfiles and ignore files don't count.
fn left(world: &World, found: &Proposed) -> IgnoreSum {
    let own = |e: &Entry| {
        let path = e.path.as_bytes();
        e.path.name().windows(13).any(|w| w == b".dockerignore")
            || world.builds.iter().any(|b| b.dockerfile_below.as_deref() == Some(path))
    };
    let entries = found.shown.entries();
    effect::sum(entries, |at| {
        !found.needed[at] && found.hidden_by[at].is_none() && !entries[at].stat.is_dir() && !own(&entries[at])
    })
}

fn remarks(world: &World, found: &Proposed) -> Vec<String> {
    let mut remarks = Vec::new();
    let unknown = world.builds.iter().zip(&found.before).find(|(b, o)| !o.known && b.asked);
    if let Some((build, _)) = unknown {
        let file = &build.dockerfile;
        remarks.push(format!("nothing is proposed, because what the steps of `{file}` take can't be told"));
    }
    if found.lines.iter().any(|l| l.litter.is_some() && l.text == ".git") {
        remarks.push(
            "no command of these builds names git; one that finds `.git` by other means would miss it"
                .to_owned(),
        );
    }
    if !found.dropped.is_empty() {
        remarks.push("lines of an earlier run go, because a build fails with them".to_owned());
    }
    remarks
}

/// What other bytes would change.
fn test(world: &mut World, name: &str, bytes: &[u8], observer: &dyn Observer) -> Result<Answer, Error> {
    let (before, shown) = {
        let shown = world.under(world.target.bytes.clone().as_deref())?;
        world.outcomes(shown, observer)?
    };
    let mut answer = Answer { report: report(world, "test", &before), bytes: None };
    try_out(world, &before, &shown, bytes, &mut answer.report, observer)?;
    answer.report.remarks.push(format!("`{name}` is taken as `{}`", world.target.name));
    Ok(answer)
}

/// Fills in what other bytes would change. A file that can't be understood makes every build fail.
fn try_out(
    world: &mut World,
    before: &[Outcome],
    shown: &crate::context::Context,
    bytes: &[u8],
    report: &mut IgnoreReport,
    observer: &dyn Observer,
) -> Result<(), Error> {
    let other = match world.under(Some(bytes)) {
        Ok(other) => other,
        Err(error) => {
            report.failures = broken(world, &error);
            return Ok(());
        }
    };
    let (after, other) = world.outcomes(other, observer)?;
    report.added = Some(effect::only_in(&other, shown));
    report.removed = Some(effect::only_in(shown, &other));
    report.changes = effect::moved(world, before, &after);
    report.failures = effect::failures(world, before, &after);
    report.mended = effect::failures(world, &after, before);
    let needed = propose::needed(&after, other.entries().len());
    report.left = effect::sum(other.entries(), |at| !needed[at] && !other.entries()[at].stat.is_dir());
    Ok(())
}

/// Every build fails on a line that can't be read.
fn broken(world: &World, error: &crate::pattern::PatternError) -> Vec<crate::report::IgnoreFailure> {
    let failure = |build: &world::Build| crate::report::IgnoreFailure {
        dockerfile: build.dockerfile.clone(),
        build: build.detail.clone(),
        step: None,
        line: None,
        code: "ignore-file".to_owned(),
        message: error.to_string(),
        engine_message: error.engine_message(),
    };
    world.builds.iter().map(failure).collect()
}

/// The owner of the block that a conversion writes.
const CONVERTED: Owner = Owner::Gitignore;
