//! The whole way: bytes → [`Dockerfile`] (`instructions.Parse`, and what `dockerfile2llb` checks around it).

use super::ast::{Dockerfile, Instruction, InstructionKind, Span};
use super::directives::{detect_check, detect_syntax, validate_check};
use super::error::{Fault, ParseError};
use super::instruction::{self, Parsed};
use super::lines::{self, Lines};
use super::node::Node;

impl Dockerfile {
    /// Reads a Dockerfile.
    ///
    /// Bytes that are no UTF-8 are no error here, as little as in BuildKit; see [`CommandLine::not_utf8`](super::CommandLine).
    ///
    /// # Errors
    /// The first reason for which BuildKit would not even start to build.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let whole = |fault: Fault, span| {
            let engine = fault.engine_text();
            fault.in_file(bytes, span, engine)
        };
        let top = Span { line: 1, end_line: 1, column: 0 };
        if bytes.is_empty() {
            return Err(whole(Fault::new("the Dockerfile cannot be empty"), top));
        }
        let check = detect_check(bytes);
        if let Some(check) = &check {
            let options = validate_check(&check.value);
            options
                .map_err(|e| whole(Fault::new(format!("failed to parse check options: {e}")), check.span))?;
        }
        let lines = lines::read(bytes).map_err(|e| whole(binary_hint(e.fault, bytes), e.span))?;
        let last = lines.nodes.last().map_or(top, |node| node.span);
        let mut file = Self {
            escape: char::from(lines.escape),
            syntax: detect_syntax(bytes),
            check,
            global_args: Vec::new(),
            stages: Vec::new(),
            warnings: Vec::new(),
        };
        file.add_all(lines, bytes)?;
        if file.stages.is_empty() {
            return Err(whole(
                Fault::new("dockerfile contains no stages to build").hint("start with FROM"),
                last,
            ));
        }
        Ok(file)
    }

    fn add_all(&mut self, lines: Lines, bytes: &[u8]) -> Result<(), ParseError> {
        self.warnings = lines.warnings;
        for node in &lines.nodes {
            let parsed = instruction::parse(node).map_err(|fault| {
                let engine =
                    format!("dockerfile parse error on line {}: {}", node.span.line, fault.engine_text());
                binary_hint(fault, bytes).in_file(bytes, node.span, engine)
            })?;
            self.add(parsed).map_err(|fault| {
                let engine = fault.engine_text();
                fault.in_file(bytes, node.span, engine)
            })?;
        }
        Ok(())
    }

    fn add(&mut self, parsed: Parsed) -> Result<(), Fault> {
        match (parsed, self.stages.last_mut()) {
            (Parsed::Stage(stage), _) => self.stages.push(stage),
            (Parsed::Instruction(one), Some(stage)) => stage.instructions.push(one),
            (Parsed::Instruction(one), None) if matches!(one.kind, InstructionKind::Arg(_)) => {
                self.global_args.push(one)
            }
            (Parsed::Instruction(_), None) => {
                let hint = "only ARG may stand before the first FROM";
                return Err(Fault::new("no build stage in current context").hint(hint));
            }
        }
        Ok(())
    }
}

/// Says so when the file looks like no text at all.
fn binary_hint(fault: Fault, bytes: &[u8]) -> Fault {
    let start = &bytes[..bytes.len().min(8192)];
    if start.contains(&0) { fault.hint("the file has NUL bytes: it is no text") } else { fault }
}

impl Instruction {
    /// Reads the text of an ONBUILD trigger, as the build does that starts from an image with triggers (`initOnBuildTriggers`).
    /// Everything in it gets the given span, that of the FROM instruction.
    ///
    /// # Errors
    /// BuildKit's errors, which have no line of their own here.
    pub fn parse_trigger(text: &str, span: Span) -> Result<Self, ParseError> {
        let whole = |fault: Fault| {
            let engine_message = fault.engine_text();
            ParseError {
                span,
                source_line: first_line(text),
                engine_message,
                ..fault.in_file(b"", span, String::new())
            }
        };
        let lines = lines::read(text.as_bytes()).map_err(|e| whole(e.fault))?;
        let Ok([mut node]) = <[Node; 1]>::try_from(lines.nodes) else {
            return Err(whole(Fault::new("onbuild trigger should be a single expression")));
        };
        node.span = span;
        match instruction::parse(&node).map_err(whole)? {
            Parsed::Instruction(one) => Ok(one),
            Parsed::Stage(_) => Err(whole(Fault::new("*instructions.Stage is not a command type"))),
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(1024).collect()
}
