//! Which step of the plan a vertex of a log is.

use std::collections::{BTreeMap, BTreeSet};

use crate::diff::Verdict;
use crate::log::StepName;
use crate::plan::Plan;
use crate::report::{StepOutcome, WhyStep};

/// A step of the plan.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// As BuildKit's progress shows it.
    pub name: &'a str,
    /// The instruction as written.
    pub text: &'a str,
}

/// Where a vertex belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is this step.
    Step(usize),
    /// It has this step's words and stage, but stands elsewhere in it.
    Moved(usize),
    /// It is a step that the plan does not have.
    Stranger,
    /// It is no step.
    NoStep,
}

impl Place {
    /// The step of the plan.
    pub fn step(&self) -> Option<usize> {
        match self {
            Self::Step(step) | Self::Moved(step) => Some(*step),
            Self::Stranger | Self::NoStep => None,
        }
    }
}

/// The place of the vertex `name`: the platform in a name does not count; an image's digest does not count, since only the
/// builder knows it; where the words differ, the instruction as written decides, its variables standing for anything.
pub fn place(known: &[Known<'_>], name: &str) -> Place {
    let Some(logged) = StepName::parse(name) else { return Place::NoStep };
    let text = words(logged.text);
    let planned = |i: usize| StepName::parse(known[i].name);
    let same_stage = |i: &usize| planned(*i).is_some_and(|p| p.stage == logged.stage);
    let same_words = |i: &usize| {
        planned(*i).is_some_and(|p| {
            let own = words(p.text);
            own == text || undigested(&own) == undigested(&text) || matches(&words(known[*i].text), &text)
        })
    };
    let mut found = (0..known.len()).filter(same_stage).filter(same_words);
    let here = |i: &usize| planned(*i).is_some_and(|p| (p.index, p.total) == (logged.index, logged.total));
    match found.clone().find(here) {
        Some(step) => Place::Step(step),
        None => match (found.next(), found.next()) {
            (Some(step), None) => Place::Moved(step),
            _ => Place::Stranger,
        },
    }
}

/// Text with single blanks: continued lines bring their indentation into names.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `FROM alpine@sha256:…` without the digest.
fn undigested(text: &str) -> &str {
    match text.split_once("@sha256:") {
        Some((before, _)) if before.starts_with("FROM ") => before,
        _ => text,
    }
}

/// Whether `text` is what `written` becomes when its variables stand for something.
fn matches(written: &str, text: &str) -> bool {
    let pieces = literals(written);
    let [first, middle @ .., last] = &pieces[..] else { return false };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for piece in middle {
        match rest.find(piece.as_str()) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

/// What stands between variables: `COPY a /x/$A` → `COPY a /x/`, `` ; one piece alone has no variable.
fn literals(written: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut rest = written;
    while let Some(at) = rest.find('$') {
        pieces.last_mut().expect("never empty").push_str(&rest[..at]);
        pieces.push(String::new());
        rest = &rest[at + 1..];
        let end = match rest.strip_prefix('{') {
            Some(inner) => inner.find('}').map_or(rest.len(), |end| end + 2),
            None => rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len()),
        };
        rest = &rest[end..];
    }
    pieces.last_mut().expect("never empty").push_str(rest);
    pieces
}

/// For each step of the plan those that it stands on: its inputs in the graph, through what is no step of its own.
pub fn parents(plan: &Plan) -> Vec<BTreeSet<usize>> {
    // Equal operations are one vertex: it is a step of each.
    let mut steps_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, step) in plan.steps.iter().enumerate() {
        steps_of.entry(step.vertex.0).or_default().push(i);
    }
    let mut all = Vec::new();
    for step in &plan.steps {
        let mut parents = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open: Vec<usize> = plan.graph.vertices[step.vertex.0].inputs.iter().map(|i| i.0).collect();
        while let Some(vertex) = open.pop() {
            if !seen.insert(vertex) {
                continue;
            }
            match steps_of.get(&vertex) {
                Some(steps) => parents.extend(steps),
                None => open.extend(plan.graph.vertices[vertex].inputs.iter().map(|i| i.0)),
            }
        }
        all.push(parents);
    }
    all
}

/// Whether a vertex fetches something from the client.
pub fn is_transfer(name: &str) -> bool {
    name.starts_with("[internal] load build ") || name.ends_with("] load from client")
}

/// What to say where the log and the comparison differ.
pub fn surprise(outcome: StepOutcome, why: &WhyStep) -> Option<String> {
    match (outcome, why.verdict) {
        (StepOutcome::Ran, Verdict::Cached) => Some(
            "its key is that of the baseline, so that no input is to blame: the builder did not have the result (another \
             builder, a pruned cache, or none imported)"
                .to_owned(),
        ),
        (StepOutcome::Cached, Verdict::Rerun) if why.may_be_stale => Some(
            "the builder did not notice what changed and took a stale result; a clean one reruns the step".to_owned(),
        ),
        (StepOutcome::Cached, Verdict::Rerun) => {
            Some("it differs from the baseline, but the builder knew this state from another build".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Known<'static>; 5] = [
        Known { name: "[build 1/3] FROM docker.io/library/alpine:3.19", text: "FROM alpine:3.19" },
        Known { name: "[build 2/3] COPY a.txt /a/amd64/", text: "COPY a.txt /a/$TARGETARCH/" },
        Known { name: "[build 3/3] RUN make   all", text: "RUN make all" },
        Known { name: "[stage-1 1/2] COPY x /", text: "COPY x /" },
        Known { name: "[stage-1 2/2] COPY x /", text: "COPY x /" },
    ];

    fn at(name: &str) -> Place {
        place(&KNOWN, name)
    }

    #[test]
    fn the_same_name_is_the_same_step() {
        assert_eq!(at("[build 3/3] RUN make all"), Place::Step(2));
        assert_eq!(at("[stage-1 2/2] COPY x /"), Place::Step(4), "the place in the stage tells twins apart");
    }

    #[test]
    fn platforms_digests_and_values_of_variables_do_not_count() {
        assert_eq!(at("[build 1/3] FROM docker.io/library/alpine:3.19@sha256:abc"), Place::Step(0));
        assert_eq!(at("[linux/arm64 build 2/3] COPY a.txt /a/arm64/"), Place::Step(1));
    }

    #[test]
    fn a_step_that_moved_is_known_by_its_words() {
        assert_eq!(at("[build 4/7] RUN make all"), Place::Moved(2));
        assert_eq!(at("[stage-1 3/3] COPY x /"), Place::Stranger, "it could be either");
    }

    #[test]
    fn other_words_and_other_stages_are_strangers() {
        assert_eq!(at("[build 3/3] RUN make test"), Place::Stranger);
        assert_eq!(at("[other 3/3] RUN make all"), Place::Stranger);
        assert_eq!(at("[build 2/3] COPY a.txt /b/amd64/"), Place::Stranger);
        assert_eq!(at("[internal] load build context"), Place::NoStep);
        assert_eq!(at("exporting to image"), Place::NoStep);
    }

    #[test]
    fn variables_stand_for_anything_and_the_rest_for_itself() {
        assert!(matches("COPY ${A:-x} /$B/c", "COPY one /two/c"));
        assert!(matches("RUN $X", "RUN "));
        assert!(!matches("COPY $A /c", "COPY one /d"));
        assert!(!matches("COPY a /c", "COPY a /c"), "equal words are not its matter");
    }
}
