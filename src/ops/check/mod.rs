//! `check`: what is wrong with builds, told before anyone builds.
//!
//! No file's content is hashed: what a step takes and why it fails hang on names alone.

mod attempt;
mod checker;
mod config;
mod gather;
#[cfg(feature = "project")]
mod inputs;
mod look;
mod merge;
mod names;
mod size;
mod walks;

#[cfg(feature = "project")]
pub use inputs::{CheckPaths, check_input};
pub use size::parse_size;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::attempt::Tries;
use self::checker::{Checker, Judged};
use self::config::{Config, Configs};
use self::merge::Found;
use self::walks::Walks;
use super::Request;
use super::analysis::Read;
use crate::check::{Asked, Finding, Severity};
use crate::error::Error;
use crate::observer::Observer;
use crate::report::{CheckCounts, CheckReport, CheckedBuild, FindingReport, PathField};

/// What is checked together.
#[derive(Debug, Clone, Default)]
pub struct CheckInput {
    /// The builds.
    pub builds: Vec<CheckBuild>,
    /// Builds that can't be checked here, and why; what is wrong with them may be among `found`.
    pub others: Vec<CheckedBuild>,
    /// What is known beforehand, of the files that ask for the builds: each with the names of the builds that it concerns.
    pub found: Vec<(Finding, Vec<String>)>,
    /// The texts of these files, as labels name them.
    pub texts: BTreeMap<String, Vec<u8>>,
}

/// A build to check.
#[derive(Debug, Clone, Default)]
pub struct CheckBuild {
    /// Its name: a service or target; `None` to take the Dockerfile's.
    pub name: Option<String>,
    /// Other names of the very same build.
    pub also: Vec<String>,
    /// What Dockerfile's text that lies in no file of its own is called.
    pub inline: Option<String>,
    /// What is built.
    pub request: Request,
}

/// How it is checked.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Findings of this severity and worse make the exit status 1; `None` for what the configuration says, else errors.
    pub threshold: Option<Severity>,
    /// What is asked for beyond the rules, on top of the configuration.
    pub asked: Asked,
    /// The configuration; `None` to look for `.stowaway.toml` beside the context and above it, up to the repository's root.
    pub config: Option<PathBuf>,
}

/// Checks builds. With more than one, a build that can't be read doesn't keep the others from being checked.
///
/// # Errors
/// [`Error`] for a configuration that can't be understood, and for input that can't be read, when there is only one build.
pub fn check(
    input: &CheckInput,
    options: &CheckOptions,
    observer: &dyn Observer,
) -> Result<CheckReport, Error> {
    let alone = input.builds.len() == 1 && input.others.is_empty() && input.found.is_empty();
    let mut configs = Configs::default();
    let mut builds = Vec::new();
    let (mut walks, mut tries) = (Walks::default(), Tries::default());
    let mut found = Found::beforehand(input, &configs.of(Path::new("."), options.config.as_deref())?);
    for build in &input.builds {
        let config = configs.of(&build.request.context, options.config.as_deref())?;
        let checked = match one(build, config.with(options), (&mut walks, &mut tries), &mut found, observer) {
            Ok(checked) => checked,
            Err(error) if alone => return Err(error),
            Err(error) => names::unread(build, &error),
        };
        let also = build.also.iter().map(|name| CheckedBuild { name: name.clone(), ..checked.clone() });
        builds.extend(also.collect::<Vec<_>>());
        builds.push(checked);
    }
    builds.extend(input.others.iter().cloned());
    let threshold = options.threshold.or(configs.threshold()).unwrap_or(Severity::Error);
    let suppressed = found.suppressed;
    let findings = found.report();
    Ok(CheckReport { builds, counts: counts(&findings, suppressed), findings, threshold })
}

/// Checks one build.
fn one(
    build: &CheckBuild,
    config: Config,
    (walks, tries): (&mut Walks, &mut Tries),
    found: &mut Found,
    observer: &dyn Observer,
) -> Result<CheckedBuild, Error> {
    let request = names::here(&build.request);
    let located = names::located(&request, build.inline.as_deref())?;
    let mut load = |name: &str, root: &Path, ignore| walks.load(name, root, ignore, observer);
    let read = Read::loaded(&request, located, names::general, &mut load)?;
    let mut checker = Checker {
        request: &request,
        config: &config,
        read,
        hidden: walks.hidden(),
        looked: None,
        churn: None,
    };
    let Judged { mut findings, suppressed } = checker.find()?;
    attempt::attempt(&mut checker, tries, &mut findings);
    let read = &checker.read;
    let checked = CheckedBuild {
        name: build.name.clone().unwrap_or_else(|| read.located.dockerfile.clone()),
        context: Some(PathField::new(request.context.as_os_str().as_encoded_bytes())),
        dockerfile: read.located.dockerfile.clone(),
        target: read.plan.as_ref().map_or_else(String::new, |p| p.target_name.clone()),
        unread: None,
    };
    let names: Vec<&String> = std::iter::once(&checked.name).chain(&build.also).collect();
    found.add(read, findings, suppressed, &names);
    walks.keep(checker.read, checker.hidden);
    Ok(checked)
}

/// How many findings there are of each severity.
fn counts(findings: &[FindingReport], suppressed: u64) -> CheckCounts {
    let of = |severity| findings.iter().filter(|f| f.severity == severity).count() as u64;
    CheckCounts {
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
        notes: of(Severity::Note),
        suppressed,
    }
}
