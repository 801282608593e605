//! What BuildKit's own checks remark about one instruction while the file is read (`instructions/parse.go`, `ParseInstructionWithLinter`).

use super::ast::{InstructionKind, Span, Warning};
use super::gotext::{lossy, text, to_lower, to_upper};
use super::instruction::Parsed;
use super::lines::lower;
use super::node::Node;

/// What is remarked before the instruction is understood, and so even of one that can't be.
pub(super) fn of_node(node: &Node) -> Vec<Warning> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    match lower(&node.command).as_str() {
        "maintainer" => {
            let text = "Maintainer instruction is deprecated in favor of using label";
            found.push(("MaintainerDeprecated", text.into()));
        }
        "from" => {
            found.extend(stage_name_casing(node));
            found.extend(as_casing(node));
        }
        _ => {}
    }
    found.into_iter().map(|(rule, message)| warning(rule, message, node.span, &node.comments)).collect()
}

/// What is remarked about an instruction that could be read.
pub(super) fn of_parsed(parsed: &Parsed) -> Option<Warning> {
    let (instruction, names, comments, span): (_, Vec<&str>, _, _) = match parsed {
        Parsed::Stage(stage) => ("FROM", vec![stage.name.as_deref()?], &stage.comments, stage.span),
        Parsed::Instruction(one) => match &one.kind {
            InstructionKind::Arg(args) => {
                ("ARG", args.iter().map(|a| a.name.as_str()).collect(), &one.comments, one.span)
            }
            _ => return None,
        },
    };
    let described = comments.last()?.split(' ').next()?;
    if names.is_empty() || names.contains(&described) {
        return None;
    }
    let name = if let [one] = names.as_slice() { one } else { "<arg_key>" };
    let message = format!("Comment for {instruction} should follow the format: `# {name} <description>`");
    Some(warning("InvalidDefinitionDescription", message, span, comments))
}

fn warning(rule: &'static str, message: String, span: Span, comments: &[String]) -> Warning {
    Warning { rule, message, span, comments: comments.to_vec() }
}

/// Of `FROM a x B` too, which is an error then.
fn stage_name_casing(node: &Node) -> Option<(&'static str, String)> {
    let [_, _, name] = node.args.words.as_slice() else { return None };
    let name = text(name);
    let message = || format!("Stage name '{name}' should be lowercase");
    (name != to_lower(&name)).then(|| ("StageNameCasing", message()))
}

/// `as` in the case of `from`; of a `From`, whose own case another rule is about, nothing is said.
fn as_casing(node: &Node) -> Option<(&'static str, String)> {
    let [_, word, _, ..] = node.args.words.as_slice() else { return None };
    let (from, word) = (lossy(&node.command), text(word));
    let fits = if from == to_lower(&from) {
        word == to_lower(&word)
    } else {
        from != to_upper(&from) || word == to_upper(&word)
    };
    let message = || format!("'{word}' and '{from}' keywords' casing do not match");
    (!fits).then(|| ("FromAsCasing", message()))
}

#[cfg(test)]
mod tests {
    use super::super::Dockerfile;

    fn rules(text: &str) -> Vec<(&'static str, usize)> {
        Dockerfile::remarks(text.as_bytes()).iter().map(|w| (w.rule, w.span.line)).collect()
    }

    #[test]
    fn remarks_before_an_error_are_kept() {
        let text = "FROM a as B\nMAINTAINER me\nCOPY \\\n\n x y\nNOPE\nMAINTAINER you\n";
        let want = [
            ("NoEmptyContinuation", 5),
            ("StageNameCasing", 1),
            ("FromAsCasing", 1),
            ("MaintainerDeprecated", 2),
        ];
        assert_eq!(rules(text), want);
        assert!(Dockerfile::parse(text.as_bytes()).is_err());
    }

    #[test]
    fn nothing_is_remarked_of_a_file_that_cannot_be_split_into_lines() {
        assert_eq!(rules("FROM a as B\nRUN <<E\n"), []);
    }

    #[test]
    fn as_follows_from() {
        for (text, wrong) in [
            ("FROM a AS b", false),
            ("from a as b", false),
            ("From a aS b", false),
            ("from a AS b", true),
            ("FROM a As b", true),
        ] {
            assert_eq!(rules(text) == [("FromAsCasing", 1)], wrong, "{text}");
        }
    }

    #[test]
    fn a_comment_above_an_argument_describes_it() {
        for (text, wrong) in [
            ("# A is\nARG A\nFROM a", false),
            ("# a word\nARG A\nFROM a", true),
            ("# A is\n# a word\nARG A=1 B\nFROM a", true),
            ("# a word\n#\nARG A\nFROM a", false),
            ("# a word\nFROM a", false),
            ("# a word\nFROM a AS b", true),
        ] {
            assert_eq!(rules(text).len(), usize::from(wrong), "{text}");
        }
    }
}
