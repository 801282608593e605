//! Steps as they are written.

use super::scrub::Scrub;
use crate::digest::Digest;
use crate::plan::{Step, Variable as InForce};
use crate::snapshot::{StepState, Variable};

/// A step with nothing expanded in it.
pub fn state(step: &Step, scrub: &Scrub) -> StepState {
    StepState {
        name: name(step),
        stage: step.stage.clone(),
        line: step.span.line,
        end_line: step.span.end_line,
        instruction: step.instruction.clone(),
        text: step.text.clone(),
        vertex: step.vertex.0,
        variables: step.variables.iter().map(|v| variable(v, scrub)).collect(),
    }
}

/// BuildKit's name with the instruction as written.
pub fn name(step: &Step) -> String {
    let (prefix, shown) = match step.name.split_once("] ") {
        Some((prefix, shown)) if prefix.starts_with('[') => (format!("{prefix}] "), shown),
        _ => (String::new(), step.name.as_str()),
    };
    if prefix == "[internal] " {
        return step.name.clone();
    }
    let onbuild = if step.onbuild { "ONBUILD " } else { "" };
    let rest = shown.strip_prefix(onbuild).unwrap_or(shown);
    let link = if rest.starts_with("LINK ") { "LINK " } else { "" };
    let (_, words) = step.text.split_at(step.text.find(char::is_whitespace).unwrap_or(step.text.len()));
    format!("{prefix}{onbuild}{link}{}{words}", step.instruction)
}

fn variable(variable: &InForce, scrub: &Scrub) -> Variable {
    Variable {
        name: scrub.text(&variable.key),
        argument: variable.argument,
        line: variable.line,
        value: variable.known.then(|| Digest::blake3(&variable.value)),
    }
}
