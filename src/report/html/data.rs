//! What the script reads: the nodes in columns, the rows of their layouts, steps and commits, as JSON in the page.

use std::collections::BTreeMap;

use serde::Serialize;

use super::gather::{Kept, Page};
use super::hold::HoldState;
use super::treemap::{self, Shape};
use super::{PageReport, PageVerb, Room, escape, history, layers};
use crate::report::Cause;

/// Everything.
#[derive(Debug, Serialize)]
pub struct Data<'a> {
    /// How the hold is coloured to begin with.
    colour: &'static str,
    /// What else it can be coloured by.
    colours: Vec<&'static str>,
    /// What areas stand for to begin with.
    measure: &'static str,
    nodes: Columns,
    states: Vec<State>,
    /// Sets of steps.
    sets: &'a [Vec<usize>],
    ignore: Vec<Line<'a>>,
    rows: Rows,
    gathered: u64,
    planned: bool,
    steps: Vec<Step<'a>>,
    /// Commits that were replayed.
    commits: usize,
    history: Option<history::Data>,
}

/// A column for each thing that is known of a node. Nodes stand in order, a folder before what is in it.
#[derive(Debug, Default, Serialize)]
struct Columns {
    name: Vec<String>,
    depth: Vec<usize>,
    bytes: Vec<u64>,
    files: Vec<u64>,
    /// A place in `states`.
    state: Vec<usize>,
}

/// What is known of a node beside its weight.
#[derive(Debug, Serialize)]
struct State {
    kind: &'static str,
    mode: Option<String>,
    fate: &'static str,
    set: usize,
    hidden: Option<usize>,
    changed: Option<&'static str>,
    commits: usize,
}

/// A line of an ignore file.
#[derive(Debug, Serialize)]
struct Line<'a> {
    file: &'a str,
    line: usize,
    pattern: String,
}

/// The rows of every folder by what areas stand for, one text for each shape: folders apart by `;`, rows by `,`.
#[derive(Debug, Default, Serialize)]
struct Rows {
    bytes: Vec<String>,
    files: Vec<String>,
    bytes_in_view: Vec<String>,
    files_in_view: Vec<String>,
}

/// A step of the plan.
#[derive(Debug, Serialize)]
struct Step<'a> {
    name: String,
    line: usize,
    stage: &'a str,
    parents: &'a [usize],
}

impl<'a> Data<'a> {
    /// The data of a page whose items were gathered.
    pub fn of(report: &'a PageReport, page: &Page, room: Room) -> Self {
        let (nodes, states) = columns(page, report.hold.planned);
        Self {
            colour: first_colour(report),
            colours: colours(report),
            measure: first_measure(report, page),
            nodes,
            states,
            sets: &report.hold.step_sets,
            ignore: report.hold.ignore_lines.iter().map(line).collect(),
            rows: rows(&page.nodes),
            gathered: page.gathered,
            planned: report.hold.planned,
            steps: steps(report),
            commits: report.churn.as_ref().map_or(0, |(_, history)| history.commits.len()),
            history: report.churn.as_ref().map(|(churn, strips)| history::Data::of(churn, strips, room)),
        }
    }

    /// As it stands in the page.
    pub fn written(&self) -> String {
        // Only text and numbers: nothing of it can fail.
        escape::data(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// The colourings that tell something.
fn colours(report: &PageReport) -> Vec<&'static str> {
    let hold = &report.hold;
    let mut out = Vec::new();
    if hold.planned {
        out.push("step");
    }
    out.push("use");
    if !hold.ignore_lines.is_empty() {
        out.push("ignore");
    }
    if report.why.is_some() {
        out.push("changed");
    }
    if report.churn.is_some() {
        out.push("churn");
    }
    out
}

fn first_colour(report: &PageReport) -> &'static str {
    match report.verb {
        PageVerb::Why => "changed",
        PageVerb::Churn => "churn",
        PageVerb::Report if report.why.is_some() => "changed",
        PageVerb::Plan | PageVerb::Report if report.hold.planned => "step",
        _ => "use",
    }
}

/// What is hidden can outweigh all else, so that it has no area but where it is the matter.
fn first_measure(report: &PageReport, page: &Page) -> &'static str {
    let top = page.nodes.first().map_or((0, 0), |top| (top.bytes, top.in_view.0));
    match (report.verb, top) {
        (_, (0, _)) => "files",
        (PageVerb::Du, _) | (_, (_, 0)) => "bytes",
        _ => "bytes_in_view",
    }
}

fn columns(page: &Page, planned: bool) -> (Columns, Vec<State>) {
    let mut places: BTreeMap<HoldState, usize> = BTreeMap::new();
    let mut states = Vec::new();
    let mut nodes = Columns::default();
    for node in &page.nodes {
        let state = *places.entry(node.state).or_insert_with(|| {
            states.push(state(&node.state, planned));
            states.len() - 1
        });
        nodes.name.push(if node.name.is_empty() { String::new() } else { escape::name(&node.name) });
        nodes.depth.push(node.depth);
        nodes.bytes.push(node.bytes);
        nodes.files.push(node.files);
        nodes.state.push(state);
    }
    (nodes, states)
}

fn state(state: &HoldState, planned: bool) -> State {
    State {
        kind: state.kind,
        mode: state.mode.map(|mode| format!("{mode:04o}")),
        fate: state.fate(planned).words(),
        set: state.steps,
        hidden: state.hidden,
        changed: state.changed,
        commits: state.commits,
    }
}

fn line(cause: &Cause) -> Line<'_> {
    Line { file: &cause.ignore_file, line: cause.line, pattern: escape::words(&cause.pattern) }
}

fn steps(report: &PageReport) -> Vec<Step<'_>> {
    let parents = |at: usize| report.parents.get(at).map_or(&[][..], Vec::as_slice);
    let step = |(at, step): (usize, &'_ crate::report::StepReport)| Step {
        name: escape::words(layers::short(&step.name)),
        line: step.line,
        stage: "",
        parents: parents(at),
    };
    report.plan.steps.iter().enumerate().map(step).collect()
}

/// The layouts of all folders.
fn rows(nodes: &[Kept]) -> Rows {
    let folders: Vec<&Kept> = nodes.iter().filter(|n| !n.children.is_empty()).collect();
    let one = |shape: Shape, weight: fn(&Kept) -> u64| {
        let folder = |folder: &&Kept| {
            let mut weights: Vec<u64> = folder.children.iter().map(|c| weight(&nodes[*c])).collect();
            // The script sorts in the same way: descending, equal ones in the order in which they stand.
            weights.sort_by_key(|w| std::cmp::Reverse(*w));
            treemap::written(&treemap::rows(&weights, shape))
        };
        folders.iter().map(folder).collect::<Vec<_>>().join(";")
    };
    let all = |weight| Shape::ALL.iter().map(|shape| one(*shape, weight)).collect();
    Rows {
        bytes: all(|n| n.bytes),
        files: all(|n| n.files),
        bytes_in_view: all(|n| n.in_view.0),
        files_in_view: all(|n| n.in_view.1),
    }
}
