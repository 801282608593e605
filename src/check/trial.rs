//! Builds for the tests of rules: files on disk and a Dockerfile → facts.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::steps;
use super::{Churn, Facts, Failure, Finding, Findings, FolderFacts, IgnoreFacts, StepFacts, Taken};
use crate::context::{Context, ContextOptions};
use crate::dockerfile::Dockerfile;
use crate::entry::{Entry, Source as _};
use crate::gopath;
use crate::image::{Image, Platform};
use crate::observer::Silent;
use crate::pattern::IgnoreFile;
use crate::plan::{Images, Plan, PlanOptions};

/// A build to be looked at.
#[derive(Default)]
pub(super) struct Trial<'t> {
    /// Paths; `a/` is a folder, `a -> b` a link, all others are files of one byte.
    pub files: &'t [&'t str],
    pub ignore: &'t str,
    pub dockerfile: &'t str,
    /// A general ignore file that is not read.
    pub unread: Option<&'t str>,
    /// A general ignore file that is overridden.
    pub overridden: Option<&'t str>,
    pub churn: Option<Churn>,
    pub modes: &'t [(&'t str, u32)],
}

/// Knows no image.
struct NoImages;

impl Images for NoImages {
    fn image(&self, _: &str, _: &Platform) -> Result<Option<Image>, String> {
        Ok(None)
    }

    fn named(&self, name: &str, _: &Platform) -> Result<Image, String> {
        Err(name.to_owned())
    }
}

impl Trial<'_> {
    /// What a group of rules finds.
    pub fn find(&self, find: fn(&Facts<'_>, &mut Findings)) -> Vec<Finding> {
        let dir = tempfile::tempdir().unwrap();
        self.write(dir.path());
        let ignore = IgnoreFile::parse(".dockerignore", self.ignore.as_bytes()).unwrap();
        let context = Context::load(dir.path(), Some(ignore), &ContextOptions::default(), &Silent).unwrap();
        let parsed = Dockerfile::parse(self.dockerfile.as_bytes()).unwrap();
        let plan = Plan::resolve(&parsed, &PlanOptions::default(), &NoImages).unwrap();
        let ignore = IgnoreFacts {
            name: (!self.ignore.is_empty()).then_some(".dockerignore"),
            bytes: self.ignore.as_bytes(),
            reason: "",
            overridden: self.overridden,
            unread: self.unread,
        };
        let hidden = context.ignored(false).unwrap();
        let folder = FolderFacts { name: "context", path: ".".into(), context: &context, ignore, hidden };
        let mut facts = Facts {
            dockerfile: "Dockerfile",
            bytes: self.dockerfile.as_bytes(),
            parsed: Some(&parsed),
            plan: Some(&plan),
            folders: vec![folder],
            churn: self.churn.clone(),
            ..Facts::default()
        };
        facts.failures = failures(&facts);
        facts.steps = step_facts(&facts, &context, &plan);
        let mut found = Findings::default();
        find(&facts, &mut found);
        found.0
    }

    /// The codes of what a group of rules finds, in order.
    pub fn codes(&self, find: fn(&Facts<'_>, &mut Findings)) -> Vec<&'static str> {
        self.find(find).iter().map(|f| f.rule.code).collect()
    }

    fn write(&self, root: &Path) {
        for file in self.files {
            let (path, target) =
                file.split_once(" -> ").map_or((*file, None), |(path, target)| (path, Some(target)));
            let at = root.join(path);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            match target {
                Some(target) => symlink(target, &at).unwrap(),
                None if path.ends_with('/') => fs::create_dir_all(&at).unwrap(),
                None => {
                    fs::write(&at, "x").unwrap();
                    fs::set_permissions(&at, fs::Permissions::from_mode(0o644)).unwrap();
                }
            }
        }
        for (path, mode) in self.modes {
            fs::set_permissions(root.join(path), fs::Permissions::from_mode(*mode)).unwrap();
        }
    }
}

/// Sources that are neither there nor wildcards.
fn failures(facts: &Facts<'_>) -> Vec<Failure> {
    let missing = |u: &steps::Use<'_>| !u.path().is_empty() && !u.is_wildcard() && u.named().is_empty();
    let uses = steps::uses(facts);
    let failing = uses.iter().filter(|u| missing(u));
    failing
        .map(|u| {
            let hidden = u.folder.context.explain(u.path()).unwrap().cause;
            Failure {
                file: None,
                line: Some(u.step.span.line),
                column: None,
                step: Some(u.step.name.clone()),
                code: "copy-source-missing".into(),
                message: format!("{} does not exist", u.subject()),
                engine_message: "not found".into(),
                hint: None,
                cause: hidden.map(|c| (c.ignore_file, c.line, c.text.trim().to_owned())),
                path: u.source.path.clone().into_bytes(),
            }
        })
        .collect()
}

/// What each step takes: all that is at or below its sources.
fn step_facts<'a>(facts: &Facts<'_>, context: &'a Context, plan: &'a Plan) -> Vec<StepFacts<'a>> {
    let uses = steps::uses(facts);
    let all: &'a [Entry] = context.entries();
    let taken_by = |index: usize| {
        let paths: Vec<&[u8]> = uses.iter().filter(|u| u.index == index).map(steps::Use::path).collect();
        let is = |path: &[u8], entry: &[u8]| {
            path.is_empty()
                || path == entry
                || entry.strip_prefix(path).is_some_and(|r| r.starts_with(b"/"))
                || gopath::matches(path, entry) == Ok(true)
        };
        let takes = |e: &Entry| {
            let mut ends: Vec<&[u8]> = vec![e.path.as_bytes()];
            ends.extend(
                e.path
                    .as_bytes()
                    .iter()
                    .enumerate()
                    .filter(|(_, b)| **b == b'/')
                    .map(|(i, _)| &e.path.as_bytes()[..i]),
            );
            paths.iter().any(|p| ends.iter().any(|end| is(p, end)))
        };
        let runs: Vec<&'a [Entry]> = all.iter().filter(|e| takes(e)).map(std::slice::from_ref).collect();
        (!runs.is_empty()).then_some(Taken { folder: 0, entries: runs }).into_iter().collect()
    };
    plan.steps.iter().enumerate().map(|(i, step)| StepFacts { step, taken: taken_by(i) }).collect()
}
