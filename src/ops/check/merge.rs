//! The findings of several builds → one list, each told once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::super::analysis::Read;
use super::CheckInput;
use super::config::Config;
use crate::check::{self, Finding, Findings, Silence};
use crate::report::FindingReport;

/// What was found, each with the names of its builds.
pub struct Found {
    /// The files that findings point into.
    pub texts: Texts,
    /// The findings.
    pub findings: Vec<(Finding, Vec<String>)>,
    /// How many are not told.
    pub suppressed: u64,
}

/// The texts of files by the names that labels have for them.
pub struct Texts(BTreeMap<String, Vec<u8>>);

impl Texts {
    /// Adds the Dockerfile and the ignore files of a build.
    pub fn add(&mut self, read: &Read) {
        if let Ok(bytes) = &read.located.bytes {
            self.0.insert(read.located.dockerfile.clone(), bytes.clone());
        }
        let named = read.locals().map(|local| &local.found);
        for ignore in std::iter::once(&read.located.ignore).chain(named) {
            if let Some(name) = &ignore.name {
                self.0.insert(name.clone(), ignore.bytes.clone());
            }
        }
    }

    /// The bytes of a file.
    pub fn get(&self, file: &str) -> Option<&[u8]> {
        self.0.get(file).map(Vec::as_slice)
    }

    /// Lines of a file, from the first to the last, without their ends.
    pub fn lines(&self, file: &str, first: usize, last: usize) -> Vec<String> {
        let lines = self
            .get(file)
            .unwrap_or_default()
            .split(|b| *b == b'\n')
            .map(|l| l.strip_suffix(b"\r").unwrap_or(l));
        let wanted = lines.skip(first.saturating_sub(1)).take((last + 1).saturating_sub(first));
        wanted.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }
}

impl Found {
    /// What is known beforehand, with the configuration and the comments of those files applied.
    pub fn beforehand(input: &CheckInput, config: &Config) -> Self {
        let mut comments = Findings::default();
        let silences: Vec<Silence> = input
            .texts
            .iter()
            .flat_map(|(file, bytes)| check::silences_of_file(file, bytes, None, &mut comments))
            .collect();
        let comments = comments.0.into_iter().map(|f| (f, Vec::new()));
        let all: Vec<_> = input.found.iter().cloned().chain(comments).collect();
        let count = all.len();
        let told = all.into_iter().filter(|(f, _)| !silences.iter().any(|s| s.covers(f)));
        let findings: Vec<_> = told.filter_map(|(f, builds)| Some((config.judge(f)?, builds))).collect();
        let suppressed = (count - findings.len()) as u64;
        Self { texts: Texts(input.texts.clone()), findings, suppressed }
    }

    /// Adds what was found in a build of these names.
    pub fn add(&mut self, read: &Read, findings: Vec<Finding>, suppressed: u64, builds: &[&String]) {
        let builds: Vec<String> = builds.iter().map(|name| (*name).clone()).collect();
        self.texts.add(read);
        self.suppressed += suppressed;
        self.findings.extend(findings.into_iter().map(|f| (f, builds.clone())));
    }

    /// All of them as the report has them: each told once with all its builds, by file and line, those without a place last.
    pub fn report(self) -> Vec<FindingReport> {
        let Self { texts, findings, .. } = self;
        let mut merged: Vec<(Finding, Vec<String>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (finding, builds) in findings {
            match places.entry(sameness(&finding)) {
                Entry::Vacant(free) => {
                    free.insert(merged.len());
                    merged.push((finding, builds));
                }
                Entry::Occupied(at) => {
                    let names = &mut merged[*at.get()].1;
                    builds.into_iter().for_each(|b| {
                        if !names.contains(&b) {
                            names.push(b)
                        }
                    });
                }
            }
        }
        merged.sort_by(|(a, _), (b, _)| place(a).cmp(&place(b)));
        let lines = |file: &str, first, last| texts.lines(file, first, last);
        merged.into_iter().map(|(finding, builds)| FindingReport::new(finding, builds, lines)).collect()
    }
}

/// What makes findings of several builds the same: rule, severity, message and places.
fn sameness(finding: &Finding) -> String {
    format!("{} {:?} {:?} {:?}", finding.rule.code, finding.severity, finding.message, finding.labels)
}

/// Where a finding stands among the others.
fn place(finding: &Finding) -> (bool, &str, usize, usize, &'static str) {
    match finding.labels.first() {
        Some(label) => (false, &label.file, label.line, label.column, finding.rule.code),
        None => (true, "", 0, 0, finding.rule.code),
    }
}
