//! The last commits: for each step a strip of hits and misses, and below it what a proposed change would do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::escape::{name, text, words};
use super::{PageReport, Room, layers};
use crate::report::{
    ChurnCommit, ChurnHistory, ChurnMark, ChurnOutcome, ChurnProposal, ChurnReport, ChurnStep, time,
};
use crate::wording::{count, thousands};

/// What the script tells of the commits of a strip.
#[derive(Debug, Serialize)]
pub struct Data {
    /// Short name, day, subject.
    commits: Vec<(String, String, String)>,
    paths: Vec<String>,
    /// The strips in the order of the page: each has its marks.
    strips: Vec<Vec<Mark>>,
}

/// Commit, outcome and reason, places of paths, how many more.
type Mark = (usize, String, Vec<usize>, usize);

/// A strip of the page.
struct Strip<'a> {
    marks: &'a [ChurnMark],
    /// The proposal that it is of.
    proposal: Option<&'a ChurnProposal>,
}

/// The commits that are drawn: the newest ones.
fn first_drawn(history: &ChurnHistory, room: Room) -> usize {
    history.commits.len().saturating_sub(room.commits)
}

/// The strips of one step: its own, then those of proposals.
fn strips<'a>(
    step: &ChurnStep,
    at: usize,
    churn: &'a ChurnReport,
    history: &'a ChurnHistory,
) -> Vec<Strip<'a>> {
    let own = history.steps.get(at).map(|marks| Strip { marks, proposal: None });
    let proposed = churn.proposals.iter().zip(&history.proposals);
    let mine = proposed
        .filter(|(p, _)| p.step == step.name)
        .map(|(proposal, marks)| Strip { marks, proposal: Some(proposal) });
    own.into_iter().chain(mine).collect()
}

impl Data {
    /// The data of all strips.
    pub fn of(churn: &ChurnReport, history: &ChurnHistory, room: Room) -> Self {
        let first = first_drawn(history, room);
        let mut paths = Paths::default();
        let mut all = Vec::new();
        for (at, step) in churn.steps.iter().enumerate() {
            for strip in strips(step, at, churn, history) {
                let drawn = strip.marks.iter().filter(|mark| mark.commit >= first);
                let told = drawn.map(|mark| {
                    let told = mark.paths.iter().map(|path| paths.place(&path.0)).collect();
                    (mark.commit - first, outcome(mark), told, mark.more_paths)
                });
                all.push(told.collect());
            }
        }
        Self {
            commits: history.commits[first..].iter().map(commit).collect(),
            paths: paths.names,
            strips: all,
        }
    }
}

/// Paths that many marks name, each once.
#[derive(Default)]
struct Paths<'a> {
    places: BTreeMap<&'a [u8], usize>,
    names: Vec<String>,
}

impl<'a> Paths<'a> {
    fn place(&mut self, path: &'a [u8]) -> usize {
        *self.places.entry(path).or_insert_with(|| {
            self.names.push(name(path));
            self.names.len() - 1
        })
    }
}

fn commit(commit: &ChurnCommit) -> (String, String, String) {
    let day = time::utc(commit.time);
    let id: String = commit.id.chars().take(10).collect();
    (id, day.split(' ').next().unwrap_or(&day).to_owned(), words(&commit.subject))
}

/// `hit`, `miss: files`, `unknown`
fn outcome(mark: &ChurnMark) -> String {
    match (mark.outcome, mark.why) {
        (ChurnOutcome::Hit, _) => "hit".to_owned(),
        (ChurnOutcome::Miss, Some(why)) => format!("miss: {why}"),
        (ChurnOutcome::Miss, None) => "miss".to_owned(),
        (ChurnOutcome::Unknown, _) => "unknown".to_owned(),
    }
}

/// The whole part; empty where nothing was replayed.
pub fn write(report: &PageReport, room: Room) -> String {
    let Some((churn, history)) = &report.churn else { return String::new() };
    let first = first_drawn(history, room);
    let drawn = history.commits.len() - first;
    let mut out = format!(
        "<section id=\"history\" aria-labelledby=\"history-name\">\n<h2 id=\"history-name\">History</h2>\n<p class=\"aside\">{}</p>\n\
         <p class=\"legend\" aria-hidden=\"true\"><span><i class=\"miss\"></i> ran</span> <span><i class=\"hit\"></i> cached</span> \
         <span><i class=\"unknown\"></i> may have run</span> <span><i class=\"none\"></i> not counted, or without the step</span></p>\n\
         <p id=\"commit\" class=\"detail scripted\" role=\"status\">Point at a strip, or move along it with the arrow keys.</p>\n",
        text(&caption(churn, history, drawn)),
    );
    let mut number = 0;
    for (at, step) in churn.steps.iter().enumerate() {
        let strips = strips(step, at, churn, history);
        let _ = writeln!(
            out,
            "<div class=\"strips\"><h3><span class=\"line\">{}</span><code title=\"{}\">{}</code></h3>",
            step.line,
            text(&words(&step.name)),
            text(&words(layers::short(&step.text))),
        );
        for strip in strips {
            out.push_str(&strip_row(step, &strip, number, (first, drawn)));
            number += 1;
        }
        out.push_str("</div>\n");
    }
    out.push_str(&tables(churn, room));
    out.push_str("</section>\n");
    out
}

/// Which commits these are.
fn caption(churn: &ChurnReport, history: &ChurnHistory, drawn: usize) -> String {
    let day = |c: &Option<ChurnCommit>| c.as_ref().map_or_else(String::new, |c| commit(c).1);
    let all = if drawn < history.commits.len() {
        format!("{} of {}", thousands(drawn), count(history.commits.len(), "commit"))
    } else {
        count(drawn, "commit")
    };
    let left_out = if churn.not_counted > 0 {
        format!(" {} not counted.", thousands(churn.not_counted))
    } else {
        String::new()
    };
    format!("{all}, oldest at the left, from {} to {}.{left_out}", day(&churn.oldest), day(&churn.newest))
}

/// One strip with its numbers.
fn strip_row(step: &ChurnStep, strip: &Strip<'_>, number: usize, (first, drawn): (usize, usize)) -> String {
    let (class, label) = match strip.proposal {
        None => ("", told(step.missed, step.commits)),
        Some(p) => (" proposed", told(p.after, p.commits)),
    };
    let proposal = strip.proposal.map_or_else(String::new, |p| {
        let edit: Vec<String> = p.edit.iter().map(|line| text(&words(line))).collect();
        let what = match p.kind.as_str() {
            "ignore" => "with this line in the ignore file",
            "narrow" => "with a narrower COPY",
            _ => "with manifests copied first",
        };
        format!("<div class=\"change\">{what} <code>{}</code></div>", edit.join("\n"))
    });
    format!(
        "{proposal}<div class=\"strip{class}\"><svg data-strip=\"{number}\" viewBox=\"0 0 {} 10\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{label}\">{}</svg><span>{label}</span></div>\n",
        drawn.max(1),
        drawing(strip.marks, first, drawn),
    )
}

fn told(missed: usize, commits: usize) -> String {
    format!("{} of {}", thousands(missed), thousands(commits))
}

/// The marks as shapes: a miss is high, a hit is low, so that they differ without colours, too.
fn drawing(marks: &[ChurnMark], first: usize, drawn: usize) -> String {
    let width = if drawn > 150 { 1.0 } else { 0.85 };
    let mut shapes = [
        (ChurnOutcome::Hit, String::new()),
        (ChurnOutcome::Miss, String::new()),
        (ChurnOutcome::Unknown, String::new()),
    ];
    for mark in marks {
        let Some(at) = mark.commit.checked_sub(first) else { continue };
        let top = match mark.outcome {
            ChurnOutcome::Hit => 7.5,
            ChurnOutcome::Miss => 0.0,
            ChurnOutcome::Unknown => 4.0,
        };
        if let Some((_, path)) = shapes.iter_mut().find(|(outcome, _)| *outcome == mark.outcome) {
            let _ = write!(path, "M{at} {top}h{width}V10h-{width}z");
        }
    }
    let class = |outcome| match outcome {
        ChurnOutcome::Hit => "hit",
        ChurnOutcome::Miss => "miss",
        ChurnOutcome::Unknown => "unknown",
    };
    let drawn = shapes.iter().filter(|(_, path)| !path.is_empty());
    drawn.map(|(outcome, path)| format!("<path class=\"{}\" d=\"{path}\"/>", class(*outcome))).collect()
}

/// The same in numbers, with paths.
fn tables(churn: &ChurnReport, room: Room) -> String {
    let mut out = String::from(
        "<details class=\"tables\" open>\n<summary>The history as a table</summary>\n<div class=\"wide\"><table>\n\
         <caption>How often each step ran</caption>\n<thead><tr><th scope=\"col\">Step</th><th scope=\"col\">Commits</th>\
         <th scope=\"col\">Ran</th><th scope=\"col\">Itself to blame</th><th scope=\"col\">May have run</th>\
         <th scope=\"col\">Because of</th></tr></thead>\n<tbody>\n",
    );
    for step in &churn.steps {
        let paths = step.paths.iter().take(room.rows).map(|p| format!("{} ({})", name(&p.path.0), p.commits));
        let causes = step.causes.iter().filter(|c| c.kind != "files" || step.paths.is_empty());
        let causes = causes.map(|c| format!("{} ({})", c.kind, c.commits));
        let because: Vec<String> = causes.chain(paths).collect();
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">line {} <code>{}</code></th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            step.line,
            text(&words(layers::short(&step.text))),
            step.commits,
            step.missed,
            step.own,
            step.unknown,
            text(&because.join(", ")),
        );
    }
    out.push_str("</tbody></table></div>\n");
    if !churn.proposals.is_empty() {
        out.push_str("<h3>What would spare rebuilds</h3>\n<ul>\n");
        for proposal in &churn.proposals {
            let edit: Vec<String> = proposal.edit.iter().map(|l| text(&words(l))).collect();
            let _ = writeln!(
                out,
                "<li>{}<pre>{}</pre></li>",
                text(&words(&proposal.sentence().replace('`', ""))),
                edit.join("\n")
            );
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</details>\n");
    out
}
