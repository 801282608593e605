//! Bytes → instructions' lines (`parser.Parse`): comments, continuations, here-documents.

use super::ast::{Heredoc, Span, Warning};
use super::directives::{DirectiveParser, MAX_LINE, next_line};
use super::error::Fault;
use super::gotext::{lossy, text, to_lower, trim, trim_start};
use super::heredoc::{self, Announced};
use super::node::Node;

/// The lines of a file.
pub(super) struct Lines {
    pub(super) escape: u8,
    pub(super) nodes: Vec<Node>,
    pub(super) warnings: Vec<Warning>,
}

/// Why a file can't be split into lines.
pub(super) struct LineFault {
    pub(super) fault: Fault,
    pub(super) span: Span,
}

/// Reads a whole file.
pub(super) fn read(file: &[u8]) -> Result<Lines, LineFault> {
    let mut reader = Reader::new(file);
    while let Some(line) = reader.next() {
        reader.line(line)?;
    }
    reader.finish()
}

struct Reader<'a> {
    rest: &'a [u8],
    /// Number of the current line.
    number: usize,
    directives: DirectiveParser,
    comments: Vec<String>,
    lines: Lines,
}

fn fault(fault: Fault, line: usize, end_line: usize) -> LineFault {
    LineFault { fault, span: Span { line, end_line, column: 0 } }
}

impl<'a> Reader<'a> {
    fn new(file: &'a [u8]) -> Self {
        Self {
            rest: file,
            number: 0,
            directives: DirectiveParser::new("#"),
            comments: Vec::new(),
            lines: Lines { escape: b'\\', nodes: Vec::new(), warnings: Vec::new() },
        }
    }

    /// The next line with its newline.
    fn next(&mut self) -> Option<&'a [u8]> {
        let (line, rest) = next_line(self.rest)?;
        self.rest = rest;
        self.number += 1;
        Some(line)
    }

    /// Takes a line that does not continue another one.
    fn line(&mut self, line: &'a [u8]) -> Result<(), LineFault> {
        let line = if self.number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        let trimmed = trim_start(trim_newline(line));
        if is_comment(line) {
            self.comment(line, trimmed)?;
            return Ok(());
        }
        self.directives.line(trimmed).map_err(|e| self.here(Fault::new(e)))?;
        let (part, ends) = self.without_continuation(trimmed);
        if ends && part.is_empty() {
            return Ok(());
        }
        let column = line.len() - trim_start(line).len() + 1;
        let start = Span { line: self.number, end_line: self.number, column };
        let joined = if ends { part.to_vec() } else { self.join(part.to_vec()) };
        self.instruction(&joined, start)
    }

    fn here(&self, error: Fault) -> LineFault {
        fault(error, self.number, self.number)
    }

    /// A comment is kept for the instruction below it, an empty one forgets those above. A directive is none.
    fn comment(&mut self, line: &[u8], trimmed: &[u8]) -> Result<(), LineFault> {
        match self.directives.line(trimmed) {
            Err(error) => return Err(self.here(Fault::new(error))),
            Ok(Some((name, value))) if name == "escape" => return self.set_escape(value),
            Ok(Some(_)) => return Ok(()),
            Ok(None) => {}
        }
        // BuildKit drops the line's first byte, be it the `#` or a blank before it.
        match trim(&line[1..]) {
            b"" => self.comments.clear(),
            comment => self.comments.push(text(comment)),
        }
        Ok(())
    }

    fn set_escape(&mut self, value: &[u8]) -> Result<(), LineFault> {
        match value {
            [escape @ (b'\\' | b'`')] => {
                self.lines.escape = *escape;
                Ok(())
            }
            other => {
                let reason = format!("invalid escape token '{}' does not match ` or \\", lossy(other));
                Err(self.here(Fault::new(reason).at(text(other))))
            }
        }
    }

    /// The line without the escape character that it ends with, and whether the instruction ends here. An escape character behind
    /// another one, even an escaped one, does not continue the line.
    fn without_continuation<'b>(&self, line: &'b [u8]) -> (&'b [u8], bool) {
        let escape = self.lines.escape;
        let end = line.iter().rposition(|b| !matches!(b, b' ' | b'\t')).map_or(0, |last| last + 1);
        match line[..end].split_last() {
            Some((last, before)) if *last == escape && before.last() != Some(&escape) => (before, false),
            _ => (line, true),
        }
    }

    /// Joins the lines that continue the current one.
    fn join(&mut self, mut joined: Vec<u8>) -> Vec<u8> {
        let mut empty_line = false;
        while let Some(line) = self.next() {
            if is_comment(line) {
                continue;
            }
            let line = trim_newline(line);
            if trim_start(line).is_empty() {
                empty_line = true;
                continue;
            }
            let (part, ends) = self.without_continuation(line);
            joined.extend_from_slice(part);
            if ends {
                break;
            }
        }
        if empty_line {
            self.lines.warnings.push(Warning {
                rule: "NoEmptyContinuation",
                message: "Empty continuation line".into(),
                span: Span { line: self.number, end_line: self.number, column: 0 },
                comments: Vec::new(),
            });
        }
        joined
    }

    fn instruction(&mut self, line: &[u8], start: Span) -> Result<(), LineFault> {
        let mut node = Node::read(line, self.lines.escape).map_err(|e| fault(e, start.line, self.number))?;
        if node.may_have_heredocs() && line.windows(2).any(|pair| pair == b"<<") {
            let announced = heredoc::announced_in(line)
                .map_err(|e| fault(Fault::new(e.to_string()), start.line, self.number))?;
            for one in announced {
                node.heredocs.push(self.heredoc(one, start)?);
            }
        }
        node.comments = std::mem::take(&mut self.comments);
        node.span = Span { end_line: self.number, ..start };
        self.lines.nodes.push(node);
        Ok(())
    }

    /// Takes the lines of one here-document.
    fn heredoc(&mut self, announced: Announced, start: Span) -> Result<Heredoc, LineFault> {
        let Announced { name, file_descriptor, expand, chomp } = announced;
        let (first, mut content) = (self.number + 1, Vec::new());
        while let Some(line) = self.next() {
            let mut end = trim_newline(line);
            if chomp {
                end = &end[end.iter().take_while(|b| **b == b'\t').count()..];
            }
            if end == name.as_bytes() {
                let span = Span { line: first, end_line: self.number, column: 1 };
                return Ok(Heredoc { name, file_descriptor, expand, chomp, content, span });
            }
            content.extend_from_slice(line);
        }
        let hint = format!("close it with a line that holds {name} alone");
        Err(fault(Fault::new("unterminated heredoc").at("<<").hint(hint), start.line, self.number))
    }

    fn finish(self) -> Result<Lines, LineFault> {
        let too_long = !self.rest.is_empty();
        let error = if self.lines.nodes.is_empty() {
            "file with no instructions".to_owned()
        } else if too_long {
            format!("dockerfile line greater than max allowed size of {}", MAX_LINE - 1)
        } else {
            return Ok(self.lines);
        };
        let line = if too_long { self.number + 1 } else { self.number.max(1) };
        let mut error = Fault::new(error);
        if too_long {
            error = error
                .hint(format!("line {line} is longer than the {} bytes that a line may have", MAX_LINE - 1));
        }
        Err(fault(error, line, line))
    }
}

fn is_comment(line: &[u8]) -> bool {
    trim_start(line).first() == Some(&b'#')
}

/// `bytes.TrimRight(line, "\r\n")`.
fn trim_newline(line: &[u8]) -> &[u8] {
    &line[..line.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |last| last + 1)]
}

/// The keyword in lower case.
pub(super) fn lower(command: &[u8]) -> String {
    to_lower(&lossy(command))
}
