//! The findings of several builds → one list, each told once.

use std::collections::BTreeMap;

use super::super::analysis::Read;
use crate::check::Finding;
use crate::report::FindingReport;

/// What was found, each with the names of its builds.
pub struct Found {
    /// The files that findings point into.
    pub texts: Texts,
    /// The findings.
    pub findings: Vec<(Finding, Vec<String>)>,
}

/// The texts of files by the names that labels have for them.
pub struct Texts(BTreeMap<String, Vec<u8>>);

impl Texts {
    /// These files.
    pub fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self(files)
    }

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
    /// All of them as the report has them: by file and line, those without a place last.
    pub fn report(self) -> Vec<FindingReport> {
        let Self { texts, findings } = self;
        let mut merged: Vec<(Finding, Vec<String>)> = Vec::new();
        for (finding, builds) in findings {
            match merged.iter_mut().find(|(other, _)| *other == finding) {
                Some((_, names)) => {
                    for build in builds {
                        if !names.contains(&build) {
                            names.push(build);
                        }
                    }
                }
                None => merged.push((finding, builds)),
            }
        }
        merged.sort_by(|(a, _), (b, _)| place(a).cmp(&place(b)));
        let lines = |file: &str, first, last| texts.lines(file, first, last);
        merged.into_iter().map(|(finding, builds)| FindingReport::new(finding, builds, lines)).collect()
    }
}

/// Where a finding stands among the others.
fn place(finding: &Finding) -> (bool, &str, usize, usize, &'static str) {
    match finding.labels.first() {
        Some(label) => (false, &label.file, label.line, label.column, finding.rule.code),
        None => (true, "", 0, 0, finding.rule.code),
    }
}
