//! Lines → instructions (`instructions/parse.go`).

use super::ast::{
    Argument, CommandLine, Device, InlineFile, Instruction, InstructionKind, KeyValue, Mount, Run, Stage,
};
use super::error::Fault;
use super::flags::{Flags, Kind};
use super::gotext::{is_as, is_regex_space, quote, text, to_lower, to_upper, trim};
use super::lines::lower;
use super::mount::MountError;
use super::node::Node;
use super::suggest::suggest;
use super::{copy, gotext, healthcheck};

/// What a line turns out to be.
pub(super) enum Parsed {
    /// FROM.
    Stage(Stage),
    /// All others.
    Instruction(Instruction),
}

const COMMANDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Understands one line.
pub(super) fn parse(node: Node) -> Result<Parsed, Fault> {
    if lower(&node.command) == "from" {
        return stage(&node).map(Parsed::Stage);
    }
    Ok(Parsed::Instruction(Instruction {
        kind: kind(&node)?,
        keyword: text(&node.command),
        text: text(trim(&node.original)),
        span: node.span,
        comments: node.comments,
        heredocs: node.heredocs,
    }))
}

fn kind(node: &Node) -> Result<InstructionKind, Fault> {
    use InstructionKind as I;
    Ok(match lower(&node.command).as_str() {
        "add" => I::Add(copy::add(node)?),
        "arg" => I::Arg(arg(node)?),
        "cmd" => I::Cmd(command_line(node, &[])?.1),
        "copy" => I::Copy(copy::copy(node)?),
        "entrypoint" => I::Entrypoint(command_line(node, &[])?.1),
        "env" => I::Env(key_values(node, "ENV")?),
        "expose" => I::Expose(expose(node)?),
        "healthcheck" => I::Healthcheck(healthcheck::parse(node)?),
        "label" => I::Label(key_values(node, "LABEL")?),
        "maintainer" => I::Maintainer(single(node, "MAINTAINER")?),
        "onbuild" => I::Onbuild(onbuild(node)?),
        "run" => I::Run(run(node)?),
        "shell" => I::Shell(shell(node)?),
        // Flags are not even looked at.
        "stopsignal" => I::Stopsignal(exactly_one(node, "STOPSIGNAL")?),
        "user" => I::User(single(node, "USER")?),
        "volume" => I::Volume(volume(node)?),
        "workdir" => I::Workdir(single(node, "WORKDIR")?),
        _ => return Err(unknown(&node.command)),
    })
}

fn unknown(word: &[u8]) -> Fault {
    let command = text(word);
    let mut suggestion = suggest(&command, &COMMANDS, false);
    if std::str::from_utf8(word).is_err() {
        // Such a word equals neither its upper nor its lower case, so BuildKit gives it no case back.
        suggestion = suggestion.map(|s| to_lower(&s));
    }
    Fault::new(format!("unknown instruction: {command}")).at(command).meant(suggestion)
}

fn no_flags(node: &Node) -> Result<(), Fault> {
    Flags::parse(&node.flags, &[]).map(drop)
}

fn at_least_one(node: &Node, command: &str) -> Result<(), Fault> {
    if node.args.words.is_empty() {
        return Err(Fault::new(format!("{command} requires at least one argument")));
    }
    Ok(())
}

fn exactly_one(node: &Node, command: &str) -> Result<String, Fault> {
    match node.args.words.as_slice() {
        [one] => Ok(text(one)),
        _ => Err(Fault::new(format!("{command} requires exactly one argument"))),
    }
}

fn single(node: &Node, command: &str) -> Result<String, Fault> {
    let word = exactly_one(node, command)?;
    no_flags(node)?;
    Ok(word)
}

fn stage(node: &Node) -> Result<Stage, Fault> {
    let (base, name) = match node.args.words.as_slice() {
        [base] => (base, None),
        [base, word, name] if is_as(word) => (base, Some(stage_name(name)?)),
        _ => return Err(Fault::new("FROM requires either one or three arguments")),
    };
    let flags = Flags::parse(&node.flags, &[("platform", Kind::Text)])?;
    Ok(Stage {
        name,
        keyword: text(&node.command),
        base_name: text(base),
        // An empty one is as good as none.
        platform: flags.text("platform").filter(|p| !p.is_empty()),
        text: text(trim(&node.original)),
        span: node.span,
        comments: node.comments.clone(),
        instructions: Vec::new(),
    })
}

/// In lower case: `^[a-z][a-z0-9-_.]*$`.
fn stage_name(word: &[u8]) -> Result<String, Fault> {
    let name = to_lower(&gotext::lossy(word));
    let valid = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
    if valid {
        return Ok(name);
    }
    let quoted = quote(word);
    let reason =
        format!("invalid name for build stage: {quoted}, name can't start with a number or contain symbols");
    Err(Fault::new(reason).at(text(word)))
}

fn arg(node: &Node) -> Result<Vec<Argument>, Fault> {
    at_least_one(node, "ARG")?;
    let words = node.args.words.iter().map(|word| text(word));
    words
        .map(|word| match word.split_once('=') {
            Some(("", _)) => Err(Fault::new("ARG names can not be blank").at(&*word)),
            Some((name, default)) => Ok(Argument { name: name.into(), default: Some(default.into()) }),
            None => Ok(Argument { name: word, default: None }),
        })
        .collect()
}

fn key_values(node: &Node, command: &str) -> Result<Vec<KeyValue>, Fault> {
    no_flags(node)?;
    at_least_one(node, command)?;
    let (triples, _) = node.args.words.as_chunks::<3>();
    triples
        .iter()
        .map(|[key, value, separator]| {
            if key.is_empty() {
                return Err(Fault::new(format!("{command} names can not be blank")));
            }
            Ok(KeyValue { key: text(key), value: text(value), legacy: separator.is_empty() })
        })
        .collect()
}

fn expose(node: &Node) -> Result<Vec<String>, Fault> {
    at_least_one(node, "EXPOSE")?;
    no_flags(node)?;
    let mut ports = node.args.words.clone();
    ports.sort_unstable();
    Ok(ports.iter().map(|port| text(port)).collect())
}

fn volume(node: &Node) -> Result<Vec<String>, Fault> {
    at_least_one(node, "VOLUME")?;
    no_flags(node)?;
    let volumes: Vec<String> = node.args.words.iter().map(|volume| text(trim(volume))).collect();
    if volumes.iter().any(String::is_empty) {
        return Err(Fault::new("VOLUME specified can not be an empty string"));
    }
    Ok(volumes)
}

fn shell(node: &Node) -> Result<Vec<String>, Fault> {
    no_flags(node)?;
    at_least_one(node, "SHELL")?;
    if !node.args.json {
        let hint = "write it as SHELL [\"/bin/sh\", \"-c\"]";
        return Err(Fault::new("SHELL requires the arguments to be in JSON form").hint(hint));
    }
    Ok(node.args.words.iter().map(|word| text(word)).collect())
}

/// Flags and command of RUN, CMD and ENTRYPOINT.
fn command_line(node: &Node, known: &[(&'static str, Kind)]) -> Result<(Flags, CommandLine), Fault> {
    let flags = Flags::parse(&node.flags, known)?;
    let file = |heredoc: &super::ast::Heredoc| InlineFile {
        name: heredoc.name.clone(),
        data: heredoc.content.clone(),
        chomp: heredoc.chomp,
    };
    let line = CommandLine {
        words: node.args.words.iter().map(|word| text(word)).collect(),
        prepend_shell: !node.args.json,
        files: node.heredocs.iter().map(file).collect(),
        not_utf8: node.args.words.iter().any(|word| std::str::from_utf8(word).is_err()),
    };
    Ok((flags, line))
}

fn run(node: &Node) -> Result<Run, Fault> {
    let known =
        [("device", Kind::Texts), ("mount", Kind::Texts), ("network", Kind::Text), ("security", Kind::Text)];
    let (flags, command) = command_line(node, &known)?;
    let devices = flags
        .texts("device")
        .iter()
        .map(|d| Device::parse(d).map_err(|e| mount_fault(e, d)))
        .collect::<Result<_, _>>()?;
    let mounts = flags.texts("mount");
    for mount in &mounts {
        Mount::parse(mount, None).map_err(|e| mount_fault(e, mount))?;
    }
    let (network, security) = (flags.text("network"), flags.text("security"));
    if let Some(mode) = network.as_deref().filter(|mode| !matches!(*mode, "default" | "none" | "host")) {
        return Err(Fault::new(format!("invalid network mode {}", quote(mode.as_bytes()))).at(mode));
    }
    if let Some(mode) = security.as_deref().filter(|mode| !matches!(*mode, "sandbox" | "insecure")) {
        return Err(Fault::new(format!("security {} is not valid", quote(mode.as_bytes()))).at(mode));
    }
    Ok(Run { command, mounts, network, security, devices })
}

fn mount_fault(error: MountError, value: &str) -> Fault {
    match error {
        MountError::Invalid { reason, suggestion } => Fault::new(reason).at(value).meant(suggestion),
        MountError::Lex(error) => Fault::new(error.to_string()).at(value),
    }
}

/// The trigger's text: the line behind ONBUILD, and its here-documents.
fn onbuild(node: &Node) -> Result<String, Fault> {
    let Some(child) = &node.child else {
        return Err(Fault::new("ONBUILD requires at least one argument"));
    };
    no_flags(node)?;
    let trigger = to_upper(&text(trim(&child.command)));
    match trigger.as_str() {
        "ONBUILD" => return Err(Fault::new("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")),
        "MAINTAINER" | "FROM" => {
            return Err(
                Fault::new(format!("{trigger} isn't allowed as an ONBUILD trigger")).at(text(&child.command))
            );
        }
        _ => {}
    }
    let mut out = text(without_onbuild(&node.original));
    for heredoc in &node.heredocs {
        out.push('\n');
        out.push_str(&gotext::lossy(&heredoc.content));
        out.push_str(&heredoc.name);
    }
    Ok(out)
}

/// Without `(?i)^\s*ONBUILD\s*`.
fn without_onbuild(line: &[u8]) -> &[u8] {
    let blanks = |s: &[u8]| s.iter().take_while(|b| is_regex_space(**b)).count();
    let start = &line[blanks(line)..];
    match start.split_at_checked("ONBUILD".len()) {
        Some((word, rest)) if word.eq_ignore_ascii_case(b"ONBUILD") => &rest[blanks(rest)..],
        _ => line,
    }
}
