//! `SOURCE_DATE_EPOCH`: the time that WORKDIR gives its folder (`epoch.go`).

use super::args::BuildArgs;
use super::env::EnvList;
use super::problem::Fail;
use crate::dockerfile::{Dockerfile, InstructionKind};

const KEY: &str = "SOURCE_DATE_EPOCH";

/// The time for new folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Epoch {
    /// None given.
    Unset,
    /// Nanoseconds since 1970.
    At(i64),
    /// It is that of something remote; why it isn't known.
    Open(String),
}

impl Epoch {
    /// As `FileActionMkDir.timestamp`: -1 for unset.
    pub fn nanoseconds(&self) -> i64 {
        if let Self::At(ns) = self { *ns } else { -1 }
    }
}

/// What the value means when it is no number.
pub(super) enum Named {
    /// A folder or an image: no time.
    NoTime,
    /// Something remote.
    Remote,
    /// Nothing of that name.
    Unknown,
}

/// Reads the epoch and writes its number back into the arguments, as BuildKit does. `named` looks up named contexts.
///
/// # Errors
/// A value that is neither a number nor a name.
pub(super) fn resolve(
    build_args: &mut BuildArgs,
    globals: &mut EnvList,
    dockerfile: &Dockerfile,
    named: impl Fn(&str) -> Result<Named, Fail>,
) -> Result<Epoch, Fail> {
    let global = globals.value(KEY).filter(|v| !v.is_empty());
    let Some(value) = build_args.get(KEY).map(String::as_str).or(global).map(str::to_owned) else {
        return Ok(Epoch::Unset);
    };
    if value.is_empty() {
        write_back(build_args, globals, None);
        return Ok(Epoch::Unset);
    }
    if let Some(seconds) = number(&value) {
        write_back(build_args, globals, Some(seconds));
        return Ok(Epoch::At(seconds.wrapping_mul(1_000_000_000)));
    }
    let found = if value == "context" { Named::NoTime } else { named(&value)? };
    match found {
        Named::NoTime => {
            write_back(build_args, globals, None);
            Ok(Epoch::Unset)
        }
        Named::Remote => Ok(open(globals, &value)),
        Named::Unknown => {
            from_stage(dockerfile, &value)?;
            Ok(open(globals, &value))
        }
    }
}

/// The epoch where it can only be a number, before [`Rule::EpochNames`](crate::buildkit::Rule::EpochNames): that of the build
/// argument, or with `default` of the global ARG.
///
/// # Errors
/// A value that is no number.
pub(super) fn number_of(build_args: &BuildArgs, globals: &EnvList, default: bool) -> Result<Epoch, Fail> {
    let given = build_args.get(KEY).map(String::as_str).filter(|v| !v.is_empty());
    let value = given.or_else(|| globals.value(KEY).filter(|v| default && !v.is_empty()));
    let Some(value) = value else { return Ok(Epoch::Unset) };
    match number(value) {
        Some(seconds) => Ok(Epoch::At(seconds.wrapping_mul(1_000_000_000))),
        None => Err(Fail::new("source-date-epoch", format!("invalid SOURCE_DATE_EPOCH: {value}"))),
    }
}

fn open(globals: &mut EnvList, value: &str) -> Epoch {
    if globals.get(KEY).is_some() {
        globals.set(KEY, value, false);
    }
    Epoch::Open(format!("SOURCE_DATE_EPOCH is the time of {value}, which is remote"))
}

fn write_back(build_args: &mut BuildArgs, globals: &mut EnvList, seconds: Option<i64>) {
    match seconds {
        Some(seconds) => {
            build_args.entry(KEY.into()).and_modify(|v| *v = seconds.to_string());
            if globals.get(KEY).is_some() {
                globals.set(KEY, &seconds.to_string(), true);
            }
        }
        None => {
            build_args.remove(KEY);
            globals.remove(KEY);
        }
    }
}

/// `strconv.ParseInt`, base 10.
fn number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A stage that is nothing but one remote ADD on scratch.
fn from_stage(dockerfile: &Dockerfile, value: &str) -> Result<(), Fail> {
    let fail = |text: String| Fail::new("source-date-epoch", text);
    let named =
        |s: &&crate::dockerfile::Stage| s.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(value));
    let Some(stage) = dockerfile.stages.iter().find(named) else {
        return Err(fail(format!("invalid SOURCE_DATE_EPOCH: {value}")));
    };
    let one = "SOURCE_DATE_EPOCH stage must contain exactly one remote ADD";
    let check = || {
        if stage.base_name != "scratch" {
            return Err("SOURCE_DATE_EPOCH stage must use FROM scratch".to_owned());
        }
        let mut adds = 0;
        for instruction in &stage.instructions {
            match &instruction.kind {
                InstructionKind::Arg(_) => {}
                InstructionKind::Add(_) if adds > 0 => return Err(one.into()),
                InstructionKind::Add(add) if !add.contents.is_empty() || add.sources.len() != 1 => {
                    return Err(format!("{one} source"));
                }
                InstructionKind::Add(_) => adds += 1,
                _ => {
                    let name = &instruction.keyword;
                    let why = "SOURCE_DATE_EPOCH stage does not meet source-only requirements";
                    return Err(format!("{why}: unsupported {name} instruction"));
                }
            }
        }
        if adds == 0 { Err(one.into()) } else { Ok(()) }
    };
    check().map_err(|text| fail(text).at(Some(stage.span)))
}
