//! The page's head: what it is about, and the numbers that matter most.

use super::escape::{name, text, words};
use super::hold::Fate;
use super::tree::Tree;
use super::{PageReport, PageVerb};
use crate::report::{ErrorReport, human, shown};
use crate::wording::{count, size, thousands};

/// The title, as plain text.
pub fn title(report: &PageReport) -> String {
    let target = Some(&report.plan.target).filter(|t| !t.is_empty());
    let target = target.map_or_else(String::new, |t| format!(", target {}", shown(t.as_bytes())));
    format!("{}{target}", shown(report.plan.dockerfile.as_bytes()))
}

/// Title, subject and numbers.
pub fn head(report: &PageReport, tree: &Tree) -> String {
    let path = report.plan.context.path.as_ref().map_or_else(String::new, |p| name(&p.0));
    let figures: String = figures(report, tree)
        .into_iter()
        .map(|(label, value, more)| {
            format!("<div><dt>{label}</dt><dd>{value}<span>{}</span></dd></div>\n", text(&more))
        })
        .collect();
    format!(
        "<header>\n<p class=\"verb\">stowaway {}</p>\n<h1>{}</h1>\n<p class=\"subject\">context <code>{}</code>{}</p>\n\
         <dl class=\"figures\">\n{figures}</dl>\n{}</header>\n",
        report.verb.name(),
        text(&title(report)),
        text(&path),
        text(&subject(report)),
        problems(report),
    )
}

/// What the verb compares with or reads.
fn subject(report: &PageReport) -> String {
    let mut out = String::new();
    if let Some(log) = &report.log {
        out.push_str(&format!(", log {}", shown(log.log.name.as_bytes())));
    }
    if let Some(why) = &report.why {
        out.push_str(&format!(", against {}", words(&human::why::baseline(&why.baseline))));
    }
    if let Some((churn, history)) = &report.churn {
        let revision = shown(churn.revision.as_bytes());
        out.push_str(&format!(", {} up to {revision}", count(history.commits.len(), "commit")));
    }
    out
}

type Figure = (&'static str, String, String);

fn figures(report: &PageReport, tree: &Tree) -> Vec<Figure> {
    let of = |fates: &[Fate]| {
        let states = tree.0.iter().filter(|n| !n.is_folder());
        let mine = states.filter(|n| n.state.is_some_and(|s| fates.contains(&s.fate(report.hold.planned))));
        mine.fold((0, 0), |(bytes, files), n| (bytes + n.bytes, files + n.files))
    };
    let figure = |label, fates: &[Fate]| -> Figure {
        let (bytes, files) = of(fates);
        (label, size(bytes), count(files, "file"))
    };
    let mut out = vec![figure("In view", &[Fate::InView, Fate::Used, Fate::Unused, Fate::NotSent])];
    if report.hold.planned {
        out.push(figure("Sent", &[Fate::Used, Fate::Unused]));
    }
    out.push(figure("Hidden", &[Fate::Hidden]));
    out.extend(steps(report));
    out
}

/// Steps, and what becomes of them.
fn steps(report: &PageReport) -> Vec<Figure> {
    let mut out = vec![("Steps", thousands(report.plan.steps.len()), String::new())];
    if let Some(why) = &report.why {
        let s = &why.summary;
        let unknown = if s.unknown > 0 { format!(", {} unknown", s.unknown) } else { String::new() };
        out[0].2 = format!("{} cached, {} rerun{unknown}", s.cached, s.rerun);
    }
    if let Some(log) = &report.log {
        let s = &log.summary;
        let others = [(s.failed, "failed"), (s.canceled, "canceled"), (s.waiting, "not begun")];
        let others: String =
            others.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!(", {n} {what}")).collect();
        out[0].2 = format!("{} cached, {} ran{others}", s.cached, s.ran);
        let time = crate::report::log::time(log.log.seconds);
        out.push(("Build", time, format!("{} of misses", crate::report::log::time(s.missed_seconds))));
    }
    if let (Some((churn, _)), PageVerb::Churn) = (&report.churn, report.verb) {
        let missed: usize = churn.steps.iter().map(|s| s.missed).sum();
        out.push(("Step runs", thousands(missed), format!("in {}", count(churn.commits, "commit"))));
    }
    out
}

/// Why the build would fail, and what surprises.
fn problems(report: &PageReport) -> String {
    let mut out = String::new();
    for error in &report.plan.errors {
        out.push_str(&format!("<p class=\"problem\"><b>error</b> {}</p>\n", text(&error_text(error))));
    }
    for warning in &report.plan.warnings {
        let line = warning.line.map_or_else(String::new, |l| format!("line {l}: "));
        let message = words(&warning.message);
        out.push_str(&format!("<p class=\"problem quiet\"><b>note</b> {}</p>\n", text(&(line + &message))));
    }
    let notes = [
        Some(&report.hold.notes),
        report.du.as_ref().map(|r| &r.notes),
        report.why.as_ref().map(|r| &r.notes),
        report.log.as_ref().map(|r| &r.notes),
        report.churn.as_ref().map(|(r, _)| &r.notes),
    ];
    for note in notes.into_iter().flatten().flatten() {
        out.push_str(&format!("<p class=\"problem quiet\"><b>note</b> {}</p>\n", text(&words(note))));
    }
    if let Some(why) = &report.why {
        for hint in &why.hints {
            out.push_str(&format!(
                "<p class=\"problem quiet\"><b>hint</b> {}</p>\n",
                text(&words(&hint.text))
            ));
        }
    }
    if let Some(limit) = report.du.as_ref().and_then(|d| d.limit) {
        let verdict = if limit.exceeded { "more" } else { "no more" };
        let said = format!("{} are sent, {verdict} than the limit of {}", size(limit.bytes), size(limit.max));
        let class = if limit.exceeded { "problem" } else { "problem quiet" };
        out.push_str(&format!("<p class=\"{class}\"><b>limit</b> {said}</p>\n"));
    }
    out
}

fn error_text(error: &ErrorReport) -> String {
    let file = error.file.as_ref().map_or_else(String::new, |f| format!("{} ", shown(f.as_bytes())));
    let line = error.line.map_or_else(String::new, |l| format!("line {l}: "));
    let cause = error
        .cause
        .as_ref()
        .map_or_else(String::new, |c| format!(" ({} line {}: {})", c.ignore_file, c.line, words(&c.pattern)));
    let hint = error.hint.as_ref().map_or_else(String::new, |h| format!("; {h}"));
    format!("{file}{line}{}{cause}{hint}", words(&error.message))
}
