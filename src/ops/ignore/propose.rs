//! Lines that remove what no step needs and what is litter, each tried on every build.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::attribute::hiding_lines;
use super::block::{self, Block, Owner};
use super::builds;
use super::litter;
use super::outcome::{Outcome, holds};
use super::unneeded::{self, Done, gain};
use super::world::{World, parse};
use crate::context::Context;
use crate::entry::{Entry, FileType, Source as _};
use crate::error::Error;
use crate::litter::Litter;
use crate::observer::Observer;
use crate::ops::analysis::CONTEXT;
use crate::pattern::Matcher;
use crate::plan::{Op, Plan, Source, Step, StepSource};

/// A line.
#[derive(Debug, Clone)]
pub struct Line {
    /// As it stands in the file.
    pub text: String,
    /// The litter that it hides; `None` for what no step takes.
    pub litter: Option<&'static str>,
    /// It hides the ignore file, which is there or will be.
    pub own: bool,
}

/// What was found.
pub struct Proposed {
    /// The new lines, the one that saves most first.
    pub lines: Vec<Line>,
    /// The lines of an earlier run that stay.
    pub kept: Vec<String>,
    /// Those that go, because a build fails with them.
    pub dropped: Vec<String>,
    /// The file's new bytes.
    pub bytes: Vec<u8>,
    /// The context as it was.
    pub shown: Arc<Context>,
    /// For each of its entries the new line that hides it, as a place in `lines`.
    pub hidden_by: Vec<Option<usize>>,
    /// For each of its entries: a step takes it.
    pub needed: Vec<bool>,
    /// What the builds were.
    pub before: Vec<Outcome>,
    /// What they would be.
    pub after: Vec<Outcome>,
}

/// Finds lines for the target's file.
///
/// # Errors
/// [`Error`] for files that can't be read, and an ignore file that can't be understood.
pub fn propose(world: &mut World, observer: &dyn Observer) -> Result<Proposed, Error> {
    let old = world.target.bytes.clone();
    let start = Start::of(world, old, observer)?;
    let needed = needed(&start.before, start.shown.entries().len());
    let mut asking = Asking { world, observer, start, needed, protected: Vec::new() };
    asking.protected = asking.protected();
    asking.keep_links();
    let lines = asking.promising();
    let (lines, verified) = asking.settle(lines)?;
    let Asking { start, needed, .. } = asking;
    let Start { kept, dropped, shown, before, .. } = start;
    let Verified { bytes, hidden_by, after } = verified;
    Ok(Proposed { lines, kept, dropped, bytes, shown, hidden_by, needed, before, after })
}

/// An ignore file, what every build comes to under it, and the context as it shows it.
type Tried = (Vec<u8>, Vec<Outcome>, Arc<Context>);

/// Where the search begins: the file as it is, or without lines of an earlier run that break a build now.
struct Start {
    bytes: Option<Vec<u8>>,
    kept: Vec<String>,
    dropped: Vec<String>,
    shown: Arc<Context>,
    before: Vec<Outcome>,
}

impl Start {
    fn of(world: &mut World, old: Option<Vec<u8>>, observer: &dyn Observer) -> Result<Self, Error> {
        let own = Block::find(old.as_deref().unwrap_or_default(), Owner::Proposed);
        let kept = block::patterns(&own.map(|b| b.lines).unwrap_or_default());
        let shown = world.under(old.as_deref())?;
        let (before, shown) = world.outcomes(shown, observer)?;
        let start = Self { bytes: old, kept, dropped: Vec::new(), shown, before };
        let fails = start.before.iter().any(|o| !o.failures.is_empty());
        if fails && !start.kept.is_empty() { start.without_what_breaks(world, observer) } else { Ok(start) }
    }

    /// Takes out the lines of an earlier run with which a build fails that works without them.
    fn without_what_breaks(self, world: &mut World, observer: &dyn Observer) -> Result<Self, Error> {
        let old = self.bytes.clone().unwrap_or_default();
        let mut run = |lines: &[String]| -> Result<Tried, Error> {
            let bytes = block::with(&old, Owner::Proposed, lines);
            let shown = world.under(Some(&bytes))?;
            let (outcomes, shown) = world.outcomes(shown, observer)?;
            Ok((bytes, outcomes, shown))
        };
        let (_, bare, _) = run(&[])?;
        let breaks =
            |with: &[Outcome]| with.iter().zip(&bare).any(|(w, b)| w.new_failures(b).next().is_some());
        if !breaks(&self.before) {
            return Ok(self);
        }
        let (mut kept, mut dropped): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for line in &self.kept {
            kept.push(line.clone());
            let (_, tried, _) = run(&kept)?;
            if breaks(&tried) {
                dropped.extend(kept.pop());
            }
        }
        let (bytes, before, shown) = run(&kept)?;
        Ok(Self { bytes: Some(bytes), kept, dropped, shown, before })
    }
}

/// Which entries some step of some build takes.
pub fn needed(outcomes: &[Outcome], entries: usize) -> Vec<bool> {
    let mut needed = vec![false; entries];
    for range in outcomes.iter().flat_map(|o| &o.steps).flat_map(|s| &s.takes) {
        needed[range.clone()].fill(true);
    }
    needed
}

struct Asking<'a> {
    world: &'a mut World,
    observer: &'a dyn Observer,
    start: Start,
    needed: Vec<bool>,
    /// Paths that instructions name: whether they are there or not, no line may hide them.
    protected: Vec<Vec<u8>>,
}

/// A set of lines that harms nobody.
struct Verified {
    bytes: Vec<u8>,
    hidden_by: Vec<Option<usize>>,
    after: Vec<Outcome>,
}

impl Asking<'_> {
    fn entries(&self) -> &[Entry] {
        self.start.shown.entries()
    }

    /// The paths of sources in the context, as far as they are no wildcards.
    fn protected(&self) -> Vec<Vec<u8>> {
        let mut paths = BTreeSet::new();
        for plan in self.world.builds.iter().filter_map(|b| b.read.plan.as_ref()) {
            for step in &plan.steps {
                let sources = step.sources.iter().filter(|s| is_in_context(plan, step, s));
                let named = sources.map(|s| s.path.trim_matches('/')).filter(|p| !p.is_empty());
                paths.extend(named.filter(|p| !p.contains(['*', '?', '['])).map(|p| p.as_bytes().to_vec()));
            }
        }
        paths.into_iter().collect()
    }

    /// Lines that look right, the one that saves most first.
    fn promising(&mut self) -> Vec<Line> {
        if self.start.before.iter().zip(&self.world.builds).any(|(o, b)| !o.known && b.asked) {
            return Vec::new();
        }
        let kinds = self.litter();
        let mut skip = self.pinned();
        kinds.iter().flat_map(|(_, places)| places).for_each(|place| skip[*place] = true);
        let unneeded = unneeded::lines(self.entries(), &self.needed, &skip, &self.done());
        let litter = kinds.iter().map(|(kind, _)| Line {
            text: litter::line(kind),
            litter: Some(kind.what),
            own: false,
        });
        let others = unneeded.into_iter().map(|text| Line { text, litter: None, own: false });
        let lines: Vec<Line> =
            litter.chain(others).chain(self.own_line()).filter(|l| !self.hides_protected(&l.text)).collect();
        let lines = self.sifted(lines);
        let exists = self.world.target.bytes.is_some();
        // A file that is not there takes no part in any key.
        if !exists && lines.iter().all(|l| l.own) { Vec::new() } else { lines }
    }

    /// The line for the ignore file and its backups, when a step takes them along: else each change of it would move that key.
    fn own_line(&self) -> Option<Line> {
        let file = self.world.target_below()?;
        let line = format!("{}*", super::text::exact(&file));
        let rules = parse(&self.world.target, self.start.bytes.as_deref()).ok()?;
        let hidden =
            |path: &[u8]| rules.as_ref().is_some_and(|r| r.explain(path).is_ok_and(|e| e.decision.matched));
        let backup = [&file[..], b".bak"].concat();
        let open = [file, backup].into_iter().any(|path| !hidden(&path) && self.would_take(&path));
        (open && !self.start.kept.contains(&line)).then_some(Line {
            text: line,
            litter: Some("the ignore file itself"),
            own: true,
        })
    }

    /// Whether a source of some step means a path of the context, be it there or not.
    fn would_take(&self, path: &[u8]) -> bool {
        means(&self.sources(), path)
    }

    /// What the sources of all steps mean; `None` stands for the whole context.
    fn sources(&self) -> Vec<Option<Matcher>> {
        let mut out = Vec::new();
        for plan in self.world.builds.iter().filter_map(|b| b.read.plan.as_ref()) {
            for step in &plan.steps {
                for source in step.sources.iter().filter(|s| is_in_context(plan, step, s)) {
                    match source.path.trim_matches('/') {
                        "" => out.push(None),
                        path => out.extend(Matcher::new(&[path]).ok().map(Some)),
                    }
                }
            }
        }
        out
    }

    /// The key of a source with wildcards or excludes says nothing of a link itself, but the copy has it: no line may hide one
    /// as if nobody took it.
    fn keep_links(&mut self) {
        let sources = self.sources();
        let taken = |e: &Entry| e.stat.file_type == FileType::Symlink && means(&sources, e.path.as_bytes());
        let links: Vec<usize> =
            self.entries().iter().enumerate().filter(|(_, e)| taken(e)).map(|(at, _)| at).collect();
        links.into_iter().for_each(|at| self.needed[at] = true);
    }

    /// What the lines of an earlier run hide.
    fn done(&self) -> Done {
        let sum = |entries: &[Entry]| entries.iter().map(gain).sum::<u64>();
        let gain = sum(self.world.base.entries()).saturating_sub(sum(self.entries()));
        Done { lines: self.start.kept.len(), gain }
    }

    /// The litter that is there and that no build needs, with its entries.
    fn litter(&self) -> Vec<(&'static Litter, Vec<usize>)> {
        let mut found: Vec<(&'static Litter, Vec<usize>)> = Vec::new();
        for (at, entry) in self.entries().iter().enumerate() {
            let Some(kind) = litter::of(entry.path.as_bytes(), entry.stat.is_dir()) else { continue };
            match found.iter_mut().find(|(k, _)| *k == kind) {
                Some((_, places)) => places.push(at),
                None => found.push((kind, vec![at])),
            }
        }
        let builds = || self.world.builds.iter().zip(&self.start.before);
        let takes = |o: &Outcome, places: &[usize]| {
            o.steps.iter().any(|s| places.iter().any(|place| holds(&s.takes, *place)))
        };
        found.retain(|(kind, places)| {
            builds().all(|(build, outcome)| {
                let junk = build.read.plan.as_ref().is_none_or(|plan| litter::is_junk_for(kind, plan));
                junk || !takes(outcome, places)
            })
        });
        found
    }

    /// Dockerfiles and ignore files: a line of their own helps nobody.
    fn pinned(&self) -> Vec<bool> {
        let own: BTreeSet<&[u8]> =
            self.world.builds.iter().filter_map(|b| b.dockerfile_below.as_deref()).collect();
        let is = |e: &Entry| {
            let name = String::from_utf8_lossy(e.path.name());
            !e.stat.is_dir()
                && (own.contains(e.path.as_bytes())
                    || builds::is_dockerfile(&name)
                    || name.contains(".dockerignore"))
        };
        self.entries().iter().map(is).collect()
    }

    fn hides_protected(&self, line: &str) -> bool {
        let Ok(matcher) = Matcher::new(&[line]) else { return true };
        self.protected.iter().any(|path| matcher.matches_or_parent(path).unwrap_or(true))
    }

    /// Without lines that hide nothing, and without those for the unneeded that hide something else; in order of what they save.
    fn sifted(&self, mut lines: Vec<Line>) -> Vec<Line> {
        loop {
            let Some((_, hidden_by)) = self.hidden_by(&lines) else { return Vec::new() };
            let mut gains = vec![0; lines.len()];
            let mut bad = vec![false; lines.len()];
            for (at, line) in hidden_by.iter().enumerate().filter_map(|(at, line)| Some((at, (*line)?))) {
                gains[line] += gain(&self.entries()[at]);
                bad[line] |= self.needed[at] && lines[line].litter.is_none();
            }
            let fine: Vec<bool> =
                (0..lines.len()).map(|i| (gains[i] > 0 || lines[i].own) && !bad[i]).collect();
            if fine.iter().all(|fine| *fine) {
                let mut order: Vec<usize> = (0..lines.len()).collect();
                order.sort_by_key(|i| std::cmp::Reverse(gains[*i]));
                return order.into_iter().map(|i| lines[i].clone()).collect();
            }
            lines = lines.into_iter().enumerate().filter(|(i, _)| fine[*i]).map(|(_, l)| l).collect();
        }
    }

    /// The file with these lines.
    fn render(&self, lines: &[Line]) -> Vec<u8> {
        let new = lines.iter().map(|l| l.text.clone());
        let all: Vec<String> = self.start.kept.iter().cloned().chain(new).collect();
        let old = self.start.bytes.as_deref().unwrap_or_default();
        if lines.is_empty() { old.to_vec() } else { block::with(old, Owner::Proposed, &all) }
    }

    /// The file with these lines, and which of them hides which entry; `None` when it can't be read.
    fn hidden_by(&self, lines: &[Line]) -> Option<(Vec<u8>, Vec<Option<usize>>)> {
        let bytes = self.render(lines);
        let file = parse(&self.world.target, Some(&bytes)).ok()??;
        let first = block::first_line(&bytes, Owner::Proposed) + self.start.kept.len();
        let place = |line: usize| line.checked_sub(first).filter(|i| *i < lines.len());
        let lines = hiding_lines(self.entries(), &file);
        Some((bytes, lines.into_iter().map(|line| place(line?)).collect()))
    }

    /// Tries lines on every build: none that worked may fail, and no step may get another key that doesn't take litter which goes.
    fn verify(&mut self, lines: &[Line]) -> Result<Option<Verified>, Error> {
        let Some((bytes, hidden_by)) = self.hidden_by(lines) else { return Ok(None) };
        let Ok(context) = self.world.under(Some(&bytes)) else { return Ok(None) };
        let (after, _) = self.world.outcomes(context, self.observer)?;
        let is_litter = |at: usize| hidden_by[at].is_some_and(|l| lines[l].litter.is_some());
        let litter: Vec<usize> = (0..hidden_by.len()).filter(|at| is_litter(*at)).collect();
        let fine = after.iter().zip(&self.start.before).all(|(after, before)| {
            let expected = |step: usize| litter.iter().any(|at| holds(&before.steps[step].takes, *at));
            let moved = after.moved_since(before);
            after.new_failures(before).next().is_none() && moved.iter().all(|m| !m.own || expected(m.step))
        });
        Ok(fine.then_some(Verified { bytes, hidden_by, after }))
    }

    /// The lines that stand the trial: all of them, or those of either half that do.
    fn settle(&mut self, lines: Vec<Line>) -> Result<(Vec<Line>, Verified), Error> {
        if lines.is_empty() {
            return Ok((lines, self.nothing()));
        }
        if let Some(verified) = self.verify(&lines)? {
            return Ok((lines, verified));
        }
        if lines.len() == 1 {
            return Ok((Vec::new(), self.nothing()));
        }
        let mut first = lines;
        let second = first.split_off(first.len() / 2);
        let (first, alone) = self.settle(first)?;
        let (second, _) = self.settle(second)?;
        let both: Vec<Line> = first.iter().chain(&second).cloned().collect();
        match self.verify(&both)? {
            Some(verified) => Ok((both, verified)),
            None => Ok((first, alone)),
        }
    }

    fn nothing(&self) -> Verified {
        let hidden_by = vec![None; self.entries().len()];
        Verified { bytes: self.render(&[]), hidden_by, after: self.start.before.clone() }
    }
}

/// Whether one of the sources means a path.
fn means(sources: &[Option<Matcher>], path: &[u8]) -> bool {
    sources.iter().any(|s| s.as_ref().is_none_or(|m| m.matches_or_parent(path).unwrap_or(false)))
}

/// Whether a source is looked up in the context, and not in a stage or an image.
fn is_in_context(plan: &Plan, step: &Step, source: &StepSource) -> bool {
    let inputs = &plan.graph.vertices[step.vertex.0].inputs;
    let input = source.input.and_then(|i| inputs.get(i)).map(|id| &plan.graph.vertices[id.0].op);
    matches!(input, Some(Op::Source(Source::Local(local))) if local.name == CONTEXT)
}
