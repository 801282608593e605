//! One instruction's line, split but not yet understood (`newNodeFromLine` and the line parsers of `parser/line_parsers.go`).

use super::ast::{Heredoc, Span};
use super::error::Fault;
use super::gotext::{is_space_byte, quote, split_blanks, split_once_blank, trim_start};
use super::json::{self, NoStrings};
use super::lines::lower;
use super::words::{Split, quoted_words, split_command};

/// A line of the file, keyword and arguments told apart.
pub(super) struct Node {
    /// The keyword as written.
    pub(super) command: Vec<u8>,
    /// The joined line.
    pub(super) original: Vec<u8>,
    pub(super) flags: Vec<String>,
    pub(super) args: Args,
    /// ONBUILD: the keyword of the instruction in it, and that one's form.
    pub(super) child: Option<Child>,
    pub(super) heredocs: Vec<Heredoc>,
    pub(super) comments: Vec<String>,
    pub(super) span: Span,
}

/// The instruction in an ONBUILD.
pub(super) struct Child {
    /// Its keyword as written.
    pub(super) command: Vec<u8>,
    /// Written as a JSON array.
    json: bool,
}

/// The words behind keyword and flags. ENV and LABEL have three for each variable: name, value, and `=` or nothing.
#[derive(Default)]
pub(super) struct Args {
    pub(super) words: Vec<Vec<u8>>,
    /// Written as a JSON array.
    pub(super) json: bool,
}

impl Args {
    fn words(words: Vec<Vec<u8>>) -> Self {
        Self { words, json: false }
    }
}

impl Node {
    /// Splits a joined line.
    pub(super) fn read(line: &[u8], escape: u8) -> Result<Self, Fault> {
        let split = split_command(line, escape);
        let (args, child) = if lower(split.command) == "onbuild" && !split.rest.is_empty() {
            (Args::default(), Some(onbuild(split.rest, escape)?))
        } else {
            (arguments(&split, escape)?, None)
        };
        Ok(Self {
            command: split.command.to_vec(),
            original: line.to_vec(),
            flags: split.flags,
            args,
            child,
            heredocs: Vec::new(),
            comments: Vec::new(),
            span: Span::default(),
        })
    }

    /// Whether here-documents belong to it (`canContainHeredoc`): ADD, COPY and RUN, also below ONBUILD, but not in JSON form.
    pub(super) fn may_have_heredocs(&self) -> bool {
        let (command, json) = match &self.child {
            Some(child) => (&child.command, child.json),
            None => (&self.command, self.args.json),
        };
        !json && matches!(lower(command).as_str(), "add" | "copy" | "run")
    }
}

/// The instruction in an ONBUILD. The whole chain of `ONBUILD ONBUILD …` is read (in a loop, whatever its length), because an error at its
/// end is reported before the chain itself.
fn onbuild(rest: &[u8], escape: u8) -> Result<Child, Fault> {
    let first = split_command(rest, escape).command.to_vec();
    let (mut rest, mut depth) = (rest, 1);
    loop {
        let split = split_command(rest, escape);
        if lower(split.command) == "onbuild" && !split.rest.is_empty() {
            (rest, depth) = (split.rest, depth + 1);
            continue;
        }
        let json = arguments(&split, escape)?.json;
        return Ok(Child { command: first, json: json && depth == 1 });
    }
}

fn arguments(split: &Split<'_>, escape: u8) -> Result<Args, Fault> {
    let rest = split.rest;
    match lower(split.command).as_str() {
        "add" | "copy" | "volume" => json_or(rest, words),
        "cmd" | "entrypoint" | "run" | "shell" => json_or(rest, whole),
        "arg" => Ok(Args::words(quoted_words(rest, escape).into_iter().map(String::into_bytes).collect())),
        "env" => variables(rest, "ENV", escape),
        "label" => variables(rest, "LABEL", escape),
        "expose" | "from" => Ok(Args::words(words(rest))),
        "healthcheck" => healthcheck(rest),
        "maintainer" | "stopsignal" | "user" | "workdir" => Ok(Args::words(whole(rest))),
        _ => Ok(Args::default()),
    }
}

/// `parseString`.
fn whole(rest: &[u8]) -> Vec<Vec<u8>> {
    if rest.is_empty() { Vec::new() } else { vec![rest.to_vec()] }
}

/// `parseStringsWhitespaceDelimited`: quotes do not group.
fn words(rest: &[u8]) -> Vec<Vec<u8>> {
    if rest.is_empty() { Vec::new() } else { split_blanks(rest).into_iter().map(<[u8]>::to_vec).collect() }
}

/// A JSON array of strings; what is no JSON is read by `otherwise`.
fn json_or(rest: &[u8], otherwise: fn(&[u8]) -> Vec<Vec<u8>>) -> Result<Args, Fault> {
    match json::string_array(trim_start(rest)) {
        Ok(strings) => Ok(Args { words: strings.into_iter().map(String::into_bytes).collect(), json: true }),
        Err(NoStrings::NotJson) => Ok(Args::words(otherwise(rest))),
        Err(NoStrings::NotStrings) => {
            Err(Fault::new("when using JSON array syntax, arrays must be comprised of strings only").at("["))
        }
    }
}

/// `parseNameVal`: `name=value …`, or the old form `name value` when the first word has no `=`.
fn variables(rest: &[u8], command: &str, escape: u8) -> Result<Args, Fault> {
    let words = quoted_words(rest, escape);
    let Some(first) = words.first() else { return Ok(Args::default()) };
    if !first.contains('=') {
        let (name, Some(value)) = split_once_blank(rest) else {
            return Err(Fault::new(format!("{command} must have two arguments")));
        };
        return Ok(Args::words(vec![name.to_vec(), value.to_vec(), Vec::new()]));
    }
    let mut out = Vec::with_capacity(words.len() * 3);
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            let quoted = quote(word.as_bytes());
            let reason = format!("Syntax error - can't find = in {quoted}. Must be of the form: name=value");
            return Err(Fault::new(reason).at(word));
        };
        out.extend([name.into(), value.into(), b"=".to_vec()]);
    }
    Ok(Args::words(out))
}

/// `parseHealthConfig`: a type, and a command that may be JSON. Blanks are looked for byte by byte.
fn healthcheck(rest: &[u8]) -> Result<Args, Fault> {
    let end = rest.iter().position(|b| is_space_byte(*b)).unwrap_or(rest.len());
    if end == 0 {
        return Ok(Args::default());
    }
    let start = rest[end..].iter().position(|b| !is_space_byte(*b)).map_or(rest.len(), |n| end + n);
    let mut args = json_or(&rest[start..], whole)?;
    args.words.insert(0, rest[..end].to_vec());
    Ok(args)
}
