//! What was found.

use super::{Rule, Severity};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule found it.
    pub rule: &'static Rule,
    /// How bad it is: the rule's, unless a rule sees cause for another. The configuration is applied later.
    pub severity: Severity,
    /// One sentence without a full stop: what is wrong here, with names and numbers.
    pub message: String,
    /// The places, the one to blame first. Empty when no line of any file is meant (a file that should be there, say).
    pub labels: Vec<Label>,
    /// The steps that it concerns, by BuildKit's names.
    pub steps: Vec<String>,
    /// Paths below the context that it is about, sorted, a few at most; `amount` has the whole number.
    pub paths: Vec<Vec<u8>>,
    /// How many files, and how many bytes.
    pub amount: Option<Amount>,
    /// What the engine will say, where it would fail or warn itself.
    pub engine_message: Option<String>,
    /// What to do, best first.
    pub help: Vec<Help>,
    /// Builds of a project that it concerns, by their names there; filled in by the rules that look at whole projects.
    pub builds: Vec<String>,
    /// The path of a project's file that leads nowhere, for a table of all of them.
    pub reference: Option<Reference>,
}

/// A path that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Which build names it.
    pub build: String,
    /// As it is written.
    pub written: String,
    /// What it is resolved to.
    pub resolved: String,
    /// Where what is meant may lie instead, the likeliest first; empty when nothing like it is there.
    pub found: Vec<String>,
    /// What to write instead, where that is clear.
    pub fix: Option<String>,
}

/// Files and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Files; hard links, sockets and symbolic links among them.
    pub files: u64,
    /// Folders.
    pub dirs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The file, as it was named: the Dockerfile, an ignore file, a Compose file.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The last line, inclusive.
    pub end_line: usize,
    /// The column of the first byte, from 1; 0 when the line as a whole is meant.
    pub column: usize,
    /// The column behind the last byte, in the last line; 0 when the line as a whole is meant.
    pub end_column: usize,
    /// What is said at that place; may be empty.
    pub text: String,
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Help {
    /// In the imperative, without a full stop.
    pub message: String,
    /// The change that does it, where it can be written down.
    pub fix: Option<Fix>,
    /// True when the fix was applied in memory and the check repeated: the finding went away, and nothing worse came. Set by whoever tries it.
    pub tried: bool,
}

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The file, named as in [`Label::file`].
    pub file: String,
    /// Its edits, by line, none over another.
    pub edits: Vec<Edit>,
}

/// Lines that take the place of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The first line that changes, from 1; one more than the file has lines to add at its end.
    pub line: usize,
    /// How many lines go away; 0 to insert before `line`.
    pub remove: usize,
    /// The lines that come, without line ends.
    pub insert: Vec<String>,
}

/// Findings on their way.
#[derive(Debug, Clone, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Adds a finding of a rule; the rest is filled in on what this returns.
    pub fn add(&mut self, rule: &'static Rule, message: impl Into<String>) -> &mut Finding {
        self.0.push(Finding {
            rule,
            severity: rule.severity,
            message: message.into(),
            labels: Vec::new(),
            steps: Vec::new(),
            paths: Vec::new(),
            amount: None,
            engine_message: None,
            help: Vec::new(),
            builds: Vec::new(),
            reference: None,
        });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

impl Finding {
    /// Adds a place.
    pub fn at(&mut self, label: Label) -> &mut Self {
        self.labels.push(label);
        self
    }

    /// Adds help without a change that could be tried.
    pub fn help(&mut self, message: impl Into<String>) -> &mut Self {
        self.help.push(Help { message: message.into(), fix: None, tried: false });
        self
    }

    /// Adds help with a change. It is told only when it was tried and worked.
    pub fn fix(&mut self, message: impl Into<String>, fix: Fix) -> &mut Self {
        self.help.push(Help { message: message.into(), fix: Some(fix), tried: false });
        self
    }
}

impl Label {
    /// A whole line.
    pub fn line(file: &str, line: usize, text: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, end_line: line, column: 0, end_column: 0, text: text.into() }
    }

    /// The bytes from `column` (from 1), `length` of them.
    pub fn word(file: &str, line: usize, column: usize, length: usize, text: impl Into<String>) -> Self {
        Self { column, end_column: column + length, ..Self::line(file, line, text) }
    }
}
