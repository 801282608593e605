//! The flags of an instruction (`instructions/bflag.go`).

use super::error::Fault;
use super::gotext::to_lower;
use super::suggest::suggest;

/// What values a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `--link`, `--link=false`.
    Bool,
    /// `--from=x`, once.
    Text,
    /// `--exclude=x`, any number of times.
    Texts,
}

/// The flags of one line, checked.
pub(super) struct Flags {
    found: Vec<(&'static str, String)>,
}

impl Flags {
    /// Checks the words against what is known.
    pub(super) fn parse(words: &[String], known: &[(&'static str, Kind)]) -> Result<Self, Fault> {
        let mut flags = Self { found: Vec::new() };
        for word in words {
            let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(n, v)| (n, Some(v)));
            let bare = name.strip_prefix("--").unwrap_or(name);
            let Some((known_name, kind)) = known.iter().find(|(known, _)| *known == bare) else {
                return Err(unknown(name, bare, known));
            };
            if *kind != Kind::Texts && flags.is_used(known_name) {
                return Err(Fault::new(format!("duplicate flag specified: {name}")).at(name));
            }
            flags.found.push((known_name, checked(*kind, name, value)?));
        }
        Ok(flags)
    }

    fn is_used(&self, name: &str) -> bool {
        self.found.iter().any(|(n, _)| *n == name)
    }

    /// The value of a flag; `None` when it is not there.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.found.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone())
    }

    /// All values of a flag.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.found.iter().filter(|(n, _)| *n == name).map(|(_, value)| value.clone()).collect()
    }

    /// A switch; `None` when it is not there.
    pub(super) fn switch(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "true")
    }
}

fn unknown(name: &str, bare: &str, known: &[(&'static str, Kind)]) -> Fault {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    Fault::new(format!("unknown flag: {name}")).at(name).meant(suggest(bare, &names, true))
}

fn checked(kind: Kind, name: &str, value: Option<&str>) -> Result<String, Fault> {
    let missing = || Err(Fault::new(format!("missing a value on flag: {name}")).at(name));
    match (kind, value) {
        (Kind::Bool, None) => Ok("true".into()),
        (Kind::Bool, Some("")) | (_, None) => missing(),
        (Kind::Bool, Some(value)) => match to_lower(value).as_str() {
            known @ ("true" | "false") => Ok(known.into()),
            _ => Err(Fault::new(format!("expecting boolean value for flag {name}, not: {value}")).at(name)),
        },
        (_, Some(value)) => Ok(value.into()),
    }
}
