//! `.stowaway.toml`: which severities findings have in a project, and what is asked for beyond the rules.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::CheckOptions;
use super::size::parse_size;
use crate::check::{Asked, Finding, RULES, Severity, rule};
use crate::dockerfile::suggest;
use crate::error::Error;

/// The name of the configuration.
const NAME: &str = ".stowaway.toml";

/// What a project's configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Severities by code; `None` for a rule that is off.
    pub severities: BTreeMap<&'static str, Option<Severity>>,
    /// Findings of this severity and worse make the exit status 1.
    pub threshold: Option<Severity>,
    /// What is asked for beyond the rules.
    pub asked: Asked,
}

/// Configurations by file, each read once.
#[derive(Debug, Default)]
pub struct Configs(BTreeMap<PathBuf, Config>);

/// What is wrong, and where in the file.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    span: Range<usize>,
    message: String,
    hint: Option<String>,
}

impl Configs {
    /// The configuration of a context: `given`, or the nearest one.
    ///
    /// # Errors
    /// A file that can't be read, and what of it can't be understood, with line and column.
    pub fn of(&mut self, context: &Path, given: Option<&Path>) -> Result<Config, Error> {
        let Some(file) = given.map(Path::to_owned).or_else(|| nearest(context)) else {
            return Ok(Config::default());
        };
        if let Some(config) = self.0.get(&file) {
            return Ok(config.clone());
        }
        let bytes = fs::read(&file).map_err(|e| Error::read(&file, e))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            Error::read(&file, std::io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
        })?;
        let config = parse(&text).map_err(|wrong| located(&file, &text, wrong))?;
        self.0.insert(file, config.clone());
        Ok(config)
    }

    /// The strictest threshold of those that were read.
    pub fn threshold(&self) -> Option<Severity> {
        self.0.values().filter_map(|c| c.threshold).min()
    }
}

impl Config {
    /// With what was asked for on the command line: a size takes the place of the file's, paths are added.
    pub fn with(mut self, options: &CheckOptions) -> Self {
        self.asked.max_context = options.asked.max_context.or(self.asked.max_context);
        self.asked.require.extend(options.asked.require.iter().cloned());
        self
    }

    /// A finding with its final severity; `None` when its rule is off.
    pub fn judge(&self, finding: Finding) -> Option<Finding> {
        match self.severities.get(finding.rule.code) {
            None => Some(finding),
            Some(severity) => severity.map(|severity| Finding { severity, ..finding }),
        }
    }
}

/// `.stowaway.toml` in the context or above it, up to the folder that has `.git`; without a repository in the context alone.
fn nearest(context: &Path) -> Option<PathBuf> {
    let own = context.join(NAME);
    if own.is_file() {
        return Some(own.strip_prefix(".").map(Path::to_owned).unwrap_or(own));
    }
    let whole = context.canonicalize().ok()?;
    let root = whole.ancestors().position(|folder| folder.join(".git").exists())?;
    whole.ancestors().take(root + 1).map(|folder| folder.join(NAME)).find(|file| file.is_file())
}

/// Wrong use, with the place.
fn located(file: &Path, text: &str, wrong: Wrong) -> Error {
    let start = wrong.span.start.min(text.len());
    let start = (0..=start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let before = &text[..start];
    let line = before.matches('\n').count() + 1;
    let column = start - before.rfind('\n').map_or(0, |at| at + 1) + 1;
    let message = format!("reading {}: line {line}, column {column}: {}", file.display(), wrong.message);
    Error::Usage { message, hint: wrong.hint }
}

/// Reads a configuration.
fn parse(text: &str) -> Result<Config, Wrong> {
    let table = DeTable::parse(text).map_err(|e| Wrong {
        span: e.span().unwrap_or_default(),
        message: e.message().lines().collect::<Vec<_>>().join(", "),
        hint: None,
    })?;
    let mut config = Config::default();
    for (key, value) in in_order(table.get_ref()) {
        match &**key.get_ref() {
            "check" => read_check(table_of(value)?, &mut config)?,
            other => return Err(unknown(key.span(), "table", other, &["check"])),
        }
    }
    Ok(config)
}

/// `[check]`.
fn read_check(table: &DeTable<'_>, config: &mut Config) -> Result<(), Wrong> {
    const KEYS: [&str; 4] = ["severity", "threshold", "max-context", "require"];
    for (key, value) in in_order(table) {
        match &**key.get_ref() {
            "severity" => read_severities(table_of(value)?, config)?,
            "threshold" => config.threshold = Some(threshold(value)?),
            "max-context" => config.asked.max_context = Some(size(value)?),
            "require" => config.asked.require = paths(value)?,
            other => return Err(unknown(key.span(), "key", other, &KEYS)),
        }
    }
    Ok(())
}

/// `[check.severity]`.
fn read_severities(table: &DeTable<'_>, config: &mut Config) -> Result<(), Wrong> {
    for (key, value) in in_order(table) {
        let Some(rule) = rule(key.get_ref()) else {
            let codes: Vec<&str> = RULES.iter().copied().flatten().map(|r| r.code).collect();
            return Err(unknown(key.span(), "code", key.get_ref(), &codes));
        };
        let severity = match text_of(value)? {
            "off" => None,
            name => Some(severity(name).ok_or_else(|| odd(value, name, "off, note, warning or error"))?),
        };
        config.severities.insert(rule.code, severity);
    }
    Ok(())
}

/// The entries in the order in which they are written, so that it is the first mistake that is told.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn threshold(value: &Spanned<DeValue<'_>>) -> Result<Severity, Wrong> {
    let name = text_of(value)?;
    severity(name).ok_or_else(|| odd(value, name, "note, warning or error"))
}

fn severity(name: &str) -> Option<Severity> {
    [Severity::Note, Severity::Warning, Severity::Error].into_iter().find(|s| s.name() == name)
}

/// Bytes as a number, or with a unit as text.
fn size(value: &Spanned<DeValue<'_>>) -> Result<u64, Wrong> {
    if let Some(number) = value.get_ref().as_integer() {
        return u64::from_str_radix(number.as_str(), number.radix())
            .map_err(|_| odd(value, number.as_str(), "a number of bytes"));
    }
    let text = text_of(value)?;
    parse_size(text).map_err(|hint| Wrong { hint: Some(hint), ..odd(value, text, "a size") })
}

fn paths(value: &Spanned<DeValue<'_>>) -> Result<Vec<Vec<u8>>, Wrong> {
    let list = value.get_ref().as_array().ok_or_else(|| wrong_type(value, "a list of paths"))?;
    list.iter().map(|path| Ok(text_of(path)?.as_bytes().to_vec())).collect()
}

fn table_of<'t, 'i>(value: &'t Spanned<DeValue<'i>>) -> Result<&'t DeTable<'i>, Wrong> {
    value.get_ref().as_table().ok_or_else(|| wrong_type(value, "a table"))
}

fn text_of<'t>(value: &'t Spanned<DeValue<'_>>) -> Result<&'t str, Wrong> {
    value.get_ref().as_str().ok_or_else(|| wrong_type(value, "text in quotes"))
}

fn wrong_type(value: &Spanned<DeValue<'_>>, wanted: &str) -> Wrong {
    let message = format!("this should be {wanted}, and is of the type {}", value.get_ref().type_str());
    Wrong { span: value.span(), message, hint: None }
}

fn odd(value: &Spanned<DeValue<'_>>, text: &str, wanted: &str) -> Wrong {
    Wrong { span: value.span(), message: format!("`{text}` is not {wanted}"), hint: None }
}

fn unknown(span: Range<usize>, what: &str, name: &str, options: &[&str]) -> Wrong {
    let hint = match suggest(name, options, false) {
        Some(near) => format!("did you mean `{near}`?"),
        None if options.len() < 8 => format!("there are: {}", options.join(", ")),
        None => "`stowaway check --list-rules` lists the codes".to_owned(),
    };
    Wrong { span, message: format!("unknown {what} `{name}`"), hint: Some(hint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_be_set_is_read() {
        let text = "[check]\nthreshold = \"warning\"\nmax-context = \"2KiB\"\nrequire = [\"a\", \"b/c\"]\n\
                    [check.severity]\ndockerfile-missing = \"off\"\ndockerfile-syntax = \"note\"\n";
        let config = parse(text).unwrap();
        assert_eq!(config.threshold, Some(Severity::Warning));
        assert_eq!(config.asked.max_context, Some(2048));
        assert_eq!(config.asked.require, [b"a".to_vec(), b"b/c".to_vec()]);
        let severities: Vec<_> = config.severities.into_iter().collect();
        assert_eq!(severities, [("dockerfile-missing", None), ("dockerfile-syntax", Some(Severity::Note))]);
        assert_eq!(parse("check.max-context = 0x10\n").unwrap().asked.max_context, Some(16));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_column() {
        let told = |text: &str| {
            let error = located(Path::new("c.toml"), text, parse(text).unwrap_err());
            (error.to_string(), error.hint().unwrap_or_default())
        };
        let (message, hint) = told("[check]\n\"é\".x = 1\ntreshold = \"note\"\n");
        assert_eq!(message, "reading c.toml: line 2, column 1: unknown key `é`");
        assert_eq!(hint, "there are: severity, threshold, max-context, require");
        let (message, hint) = told("[check]\n  treshold = \"note\"\n");
        assert_eq!(
            (message.as_str(), hint.as_str()),
            ("reading c.toml: line 2, column 3: unknown key `treshold`", "did you mean `threshold`?")
        );
        for (text, place) in [
            ("[check]\nthreshold = 1\n", "line 2, column 13: this should be text in quotes"),
            ("[check.severity]\nnope-nope = \"off\"\n", "line 2, column 1: unknown code `nope-nope`"),
            ("[check.severity]\ndockerfile-missing = \"fatal\"\n", "line 2, column 22: `fatal` is not off"),
            ("[check]\nmax-context = \"lots\"\n", "line 2, column 15: `lots` is not a size"),
            ("[check]\nmax-context = -1\n", "line 2, column 15: `-1` is not a number of bytes"),
            ("[check\n", "line 1, column 7"),
            ("[build]\n", "line 1, column 2: unknown table `build`"),
        ] {
            assert!(told(text).0.contains(place), "{}", told(text).0);
        }
    }

    #[test]
    fn the_nearest_one_up_to_the_repository_counts() {
        let dir = tempfile::tempdir().unwrap();
        let (inner, context) = (dir.path().join("repo"), dir.path().join("repo/web"));
        fs::create_dir_all(&context).unwrap();
        fs::write(dir.path().join(NAME), "").unwrap();
        assert_eq!(nearest(&context), None, "without a repository only the context's own counts");
        fs::create_dir(inner.join(".git")).unwrap();
        assert_eq!(nearest(&context), None, "what lies above the repository doesn't count");
        fs::write(inner.join(NAME), "").unwrap();
        assert_eq!(nearest(&context), Some(inner.canonicalize().unwrap().join(NAME)));
        fs::write(context.join(NAME), "").unwrap();
        assert_eq!(nearest(&context), Some(context.join(NAME)));
    }
}
