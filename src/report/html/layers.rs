//! The stages as a graph from top to bottom, each step a bar that unfolds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::escape::{name, text, words};
use super::{PageReport, PageVerb, Room};
use crate::diff::Verdict;
use crate::digest::Digest;
use crate::report::cause::{self, Line, Piece};
use crate::report::log::time;
use crate::report::{LogStep, StepOutcome, StepReport, WhyStep, human};
use crate::wording::{count, size};

/// A stage with its steps.
#[derive(Debug)]
struct Stage<'a> {
    name: &'a str,
    /// Places of its steps in the plan.
    steps: Vec<usize>,
    /// Places of the stages that it stands on.
    from: Vec<usize>,
}

impl<'a> Stage<'a> {
    /// Its name; BuildKit's steps name none where there is only one stage, which is the target then.
    fn title(&self, report: &'a PageReport) -> &'a str {
        if self.name.is_empty() { &report.plan.target } else { self.name }
    }
}

/// What is told of one step.
struct View<'a> {
    at: usize,
    step: &'a StepReport,
    why: Option<&'a WhyStep>,
    /// The log's steps: one for each platform.
    log: Vec<&'a LogStep>,
    /// Stages that it takes from, by name.
    from: Vec<&'a str>,
}

impl View<'_> {
    /// How long it took in all, where there is a log of it.
    fn seconds(&self) -> Option<Duration> {
        (!self.log.is_empty()).then(|| self.log.iter().map(|l| l.seconds).sum())
    }

    /// A class and a word for what becomes of it.
    fn state(&self) -> Option<(&'static str, &'static str)> {
        if let Some(worst) = self.log.iter().map(|l| l.outcome).max() {
            return Some(match worst {
                StepOutcome::Cached => ("cached", "cached"),
                StepOutcome::Ran => ("rerun", "ran"),
                StepOutcome::Failed => ("failed", "failed"),
                StepOutcome::Canceled => ("unknown", "canceled"),
                StepOutcome::Waiting => ("unknown", "not begun"),
            });
        }
        Some(match self.why?.verdict {
            Verdict::Cached => ("cached", "cached"),
            Verdict::Rerun => ("rerun", "reruns"),
            Verdict::Unknown => ("unknown", "unknown"),
        })
    }
}

/// The whole part.
pub fn write(report: &PageReport, room: Room) -> String {
    let stages = stages(report);
    let views = views(report, &stages);
    let timed = views.iter().any(|v| v.seconds().is_some());
    let whole = views.iter().map(|v| weight(v, timed)).fold(0.0, f64::max);
    let bars = if timed { "seconds" } else { "bytes that a step reads of the context" };
    let mut out = format!(
        "<section id=\"layers\" aria-labelledby=\"layers-name\">\n<h2 id=\"layers-name\">Layers</h2>\n\
         <p class=\"aside\">{} in {}. Bars show {bars}.<span class=\"scripted\"> Choose a step to see its files in the hold.</span></p>\n\
         <div class=\"graph\">\n",
        count(report.plan.steps.len(), "step"),
        count(stages.len(), "stage"),
    );
    let scale = Scale { timed, whole, keys: report.verb != PageVerb::Du };
    for (at, stage) in stages.iter().enumerate() {
        let from: Vec<String> = stage.from.iter().map(usize::to_string).collect();
        let _ = write!(
            out,
            "<section class=\"stage\" id=\"stage-{at}\" data-from=\"{}\" aria-labelledby=\"stage-{at}-name\">\n\
             <h3 id=\"stage-{at}-name\"><bdi>{}</bdi>{}</h3>\n<ol>\n",
            from.join(" "),
            text(&words(stage.title(report))),
            stands_on(report, stage, &stages),
        );
        for step in &stage.steps {
            out.push_str(&item(&views[*step], scale, room));
        }
        out.push_str("</ol>\n</section>\n");
    }
    out.push_str("</div>\n");
    out.push_str(&others(report));
    out.push_str("</section>\n");
    out
}

/// `from build and assets`
fn stands_on(report: &PageReport, stage: &Stage<'_>, stages: &[Stage<'_>]) -> String {
    let names: Vec<String> = stage.from.iter().map(|at| text(&words(stages[*at].title(report)))).collect();
    if names.is_empty() { String::new() } else { format!(" <span>on {}</span>", names.join(", ")) }
}

/// The stages in an order in which each stands below those that it takes from.
fn stages(report: &PageReport) -> Vec<Stage<'_>> {
    let mut stages: Vec<Stage<'_>> = Vec::new();
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, step) in report.plan.steps.iter().enumerate() {
        let stage = *place.entry(&step.stage).or_insert_with(|| {
            stages.push(Stage { name: &step.stage, steps: Vec::new(), from: Vec::new() });
            stages.len() - 1
        });
        stages[stage].steps.push(at);
    }
    let of: Vec<usize> = report.plan.steps.iter().map(|s| place[s.stage.as_str()]).collect();
    for (at, parents) in report.parents.iter().enumerate().take(of.len()) {
        for parent in parents.iter().filter(|p| is_work(report, **p)).filter_map(|p| of.get(*p)) {
            if *parent != of[at] && !stages[of[at]].from.contains(parent) {
                stages[of[at]].from.push(*parent);
            }
        }
    }
    sorted(stages)
}

/// Not a base image: stages that begin with the same one don't take from each other.
fn is_work(report: &PageReport, step: usize) -> bool {
    report.plan.steps.get(step).is_some_and(|s| s.instruction != "FROM")
}

/// Sorted by how many stages deep each stands, else as they come.
fn sorted(mut stages: Vec<Stage<'_>>) -> Vec<Stage<'_>> {
    let mut level = vec![0_usize; stages.len()];
    // No stage takes from itself, so that the deepest has fewer stages below it than there are.
    for _ in 0..stages.len() {
        for at in 0..stages.len() {
            level[at] = stages[at].from.iter().map(|f| level[*f] + 1).max().unwrap_or(0).min(stages.len());
        }
    }
    let mut order: Vec<usize> = (0..stages.len()).collect();
    order.sort_by_key(|at| level[*at]);
    let mut place = vec![0; stages.len()];
    order.iter().enumerate().for_each(|(new, old)| place[*old] = new);
    for stage in &mut stages {
        stage.from.iter_mut().for_each(|from| *from = place[*from]);
        stage.from.sort_unstable();
    }
    let mut slots: Vec<Option<Stage<'_>>> = stages.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| slots[at].take()).collect()
}

fn views<'a>(report: &'a PageReport, stages: &[Stage<'a>]) -> Vec<View<'a>> {
    let mut logged: BTreeMap<(&str, usize), Vec<&LogStep>> = BTreeMap::new();
    for step in report.log.iter().flat_map(|l| &l.steps) {
        logged.entry((&step.stage, step.line)).or_default().push(step);
    }
    let compared = report.why.as_ref().map_or(&[][..], |w| &w.steps[..]);
    let stage_of = |at: usize| report.plan.steps.get(at).map(|s| s.stage.as_str());
    let view = |(at, step): (usize, &'a StepReport)| {
        let parents = report.parents.get(at).into_iter().flatten();
        let parents = parents.filter(|p| is_work(report, **p)).filter_map(|p| stage_of(*p));
        let mut from: Vec<&str> = parents.filter(|name| *name != step.stage).collect();
        from.sort_by_key(|name| stages.iter().position(|s| s.name == *name));
        from.dedup();
        View {
            at,
            step,
            why: compared.iter().find(|w| w.name == step.name),
            log: logged.get(&(step.stage.as_str(), step.line)).cloned().unwrap_or_default(),
            from,
        }
    };
    report.plan.steps.iter().enumerate().map(view).collect()
}

/// What the bars show.
#[derive(Clone, Copy)]
struct Scale {
    timed: bool,
    whole: f64,
    /// Whether keys are told, too.
    keys: bool,
}

#[allow(clippy::cast_precision_loss, reason = "a bar's length")]
fn weight(view: &View<'_>, timed: bool) -> f64 {
    if timed { view.seconds().map_or(0.0, |s| s.as_secs_f64()) } else { view.step.reads.bytes as f64 }
}

/// One step.
fn item(view: &View<'_>, scale: Scale, room: Room) -> String {
    let step = view.step;
    let (fate, word) = view.state().unwrap_or(("", ""));
    let class = format!("step {fate}");
    let class = class.trim_end();
    let first = view.why.is_some_and(|w| w.first_cause) || view.log.iter().any(|l| l.first_miss);
    let open = if first || fate == "failed" { " open" } else { "" };
    let state = if word.is_empty() { String::new() } else { format!("<span class=\"state\">{word}</span>") };
    let from: Vec<String> = view.from.iter().map(|f| text(&words(f))).collect();
    let from = if from.is_empty() {
        String::new()
    } else {
        format!("<span class=\"from\">from {}</span>", from.join(", "))
    };
    format!(
        "<li id=\"step-{at}\" data-step=\"{at}\" class=\"{class}\"><details{open}>\n<summary><span class=\"line\">{line}</span>\
         <code title=\"{title}\">{code}</code>{from}{state}{measures}</summary>\n<div class=\"body\">\n{body}</div></details></li>\n",
        at = view.at,
        line = step.line,
        title = text(&words(&step.name)),
        code = text(&words(short(&step.text))),
        measures = measures(view, scale),
        body = body(view, room, scale.keys),
    )
}

/// The bar and its numbers.
fn measures(view: &View<'_>, scale: Scale) -> String {
    let mut numbers = Vec::new();
    if view.step.reads.files > 0 {
        numbers.push(count(view.step.reads.files, "file"));
        numbers.push(size(view.step.reads.bytes));
    }
    let seconds = view.seconds().filter(|_| view.log.iter().any(|l| l.outcome.ran()));
    numbers.extend(seconds.map(time));
    if numbers.is_empty() {
        return String::new();
    }
    let share = if scale.whole > 0.0 { weight(view, scale.timed) / scale.whole * 100.0 } else { 0.0 };
    let width = if share > 0.0 { share.max(0.5) } else { 0.0 };
    format!(
        "<span class=\"measures\"><svg aria-hidden=\"true\"><rect width=\"{width:.2}%\" height=\"100%\"/></svg><span>{}</span></span>",
        numbers.join(" · ")
    )
}

/// What unfolds.
fn body(view: &View<'_>, room: Room, keys: bool) -> String {
    let step = view.step;
    let mut out = String::new();
    for log in &view.log {
        if let Some(platform) = &log.platform {
            let what = format!("{}: {}, {}", words(platform), log.outcome.name(), time(log.seconds));
            let _ = writeln!(out, "<p>{}</p>", text(&what));
        }
        if let Some(surprise) = &log.surprise {
            let _ = writeln!(out, "<p>{}</p>", text(&words(surprise)));
        }
        if let Some(cost) = log.cost_seconds {
            let _ = writeln!(out, "<p>With all that ran on top of it, this miss cost {}.</p>", time(cost));
        }
        if let Some(error) = &log.error {
            let _ = writeln!(out, "<p class=\"problem\">{}</p>", text(&words(error)));
        }
        if !log.output.is_empty() {
            let _ = writeln!(out, "<pre>{}</pre>", text(&words(&log.output)));
        }
    }
    if let Some(why) = view.why {
        out.push_str(&causes(why, room));
    }
    if step.ignore_cache {
        out.push_str("<p>It runs anew in every build: caching is switched off for it.</p>\n");
    }
    if step.text.len() > 60 || step.end_line > step.line {
        let _ = writeln!(out, "<pre>{}</pre>", text(&words(&step.text)));
    }
    // A verb that reads no file knows no key, and nobody asked it.
    if keys {
        let key = |key: Option<Digest>| key.map_or("unknown".to_owned(), |k| k.to_string());
        let _ = writeln!(
            out,
            "<dl class=\"keys\"><dt>Content key</dt><dd><code>{}</code></dd><dt>Cache key</dt><dd><code>{}</code></dd></dl>",
            key(step.content_key),
            key(step.cache_key)
        );
    }
    for reason in step.open.iter().filter(|_| keys) {
        let _ = writeln!(out, "<p class=\"aside\">{}</p>", text(&words(reason)));
    }
    out
}

/// Why it reruns, file by file.
fn causes(why: &WhyStep, room: Room) -> String {
    let mut out = String::new();
    let lines = cause::lines(why);
    let (first, rest) = human::why::split(&lines, room.causes);
    if !first.is_empty() {
        out.push_str("<ul class=\"causes\">\n");
        first.iter().for_each(|line| out.push_str(&cause_line(line)));
        if !rest.is_empty() {
            let _ = writeln!(out, "<li>{}</li>", text(&cause::more(rest)));
        }
        out.push_str("</ul>\n");
    }
    let parents: Vec<String> =
        cause::parents(why).map(|p| format!("<code>{}</code>", text(&words(short(p))))).collect();
    if !parents.is_empty() {
        let _ = writeln!(out, "<p>It stands on what reruns: {}.</p>", parents.join(", "));
    }
    for reason in why.open.iter().filter(|_| why.verdict == Verdict::Unknown) {
        let _ = writeln!(out, "<p>It hangs on {}.</p>", text(&words(reason)));
    }
    if why.may_be_stale {
        out.push_str(
            "<p>A daemon that holds this context does not notice what changed and may show the step cached.</p>\n",
        );
    }
    out
}

fn cause_line(line: &Line) -> String {
    let pieces = line.pieces.iter().map(|piece| match piece {
        Piece::Text(t) => text(&words(t)),
        Piece::Name(n) => format!("<code><bdi>{}</bdi></code>", text(&name(n))),
    });
    let pieces: String = pieces.collect();
    let hint = line.hint.as_ref().map_or_else(String::new, |h| format!("<br>{}", text(&words(h))));
    format!("<li><b>{}</b> {pieces}{hint}</li>\n", line.kind)
}

/// What the log has beside the plan's steps.
fn others(report: &PageReport) -> String {
    let Some(log) = &report.log else { return String::new() };
    let parts = [
        ("Transfers", &log.transfers),
        ("Other work of the builder", &log.other),
        ("Steps of the log that the plan does not have", &log.not_planned),
    ];
    let mut out = String::new();
    for (title, works) in parts.into_iter().filter(|(_, works)| !works.is_empty()) {
        let _ = write!(out, "<details class=\"others\"><summary>{title}</summary>\n<ul>\n");
        for work in works {
            let bytes = if work.bytes > 0 { format!(", {}", size(work.bytes)) } else { String::new() };
            let what = format!("{}, {}{bytes}", work.outcome.name(), time(work.seconds));
            let _ = writeln!(out, "<li><code>{}</code> {what}</li>", text(&words(&work.name)));
        }
        out.push_str("</ul></details>\n");
    }
    out
}

/// An instruction's first line, with not too much of it.
pub fn short(instruction: &str) -> &str {
    let line = instruction.lines().next().unwrap_or(instruction);
    line.char_indices().nth(160).map_or(line, |(end, _)| &line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage<'a>(name: &'a str, from: &[usize]) -> Stage<'a> {
        Stage { name, steps: Vec::new(), from: from.to_vec() }
    }

    #[test]
    fn a_stage_stands_below_those_that_it_takes_from() {
        let stages = sorted(vec![stage("app", &[2, 1]), stage("base", &[]), stage("build", &[1])]);
        let shown: Vec<(&str, &[usize])> = stages.iter().map(|s| (s.name, &s.from[..])).collect();
        assert_eq!(shown, [("base", &[][..]), ("build", &[0][..]), ("app", &[0, 1][..])]);
    }

    #[test]
    fn a_circle_of_stages_ends() {
        assert_eq!(sorted(vec![stage("a", &[1]), stage("b", &[0])]).len(), 2);
    }
}
