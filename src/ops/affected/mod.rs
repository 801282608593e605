//! `affected`: which builds a range of commits touches, by keys.

mod compare;
mod find;
mod side;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use self::compare::Outcome;
use self::find::{Asked, Builds};
use self::side::Side;
use crate::buildkit::Version;
use crate::error::Error;
use crate::observer::Observer;
use crate::project::Build;
use crate::report::{
    AffectedBuild, AffectedReason, AffectedReport, AffectedSummary, Change, ReasonKind, StateReport,
};

/// What is compared.
#[derive(Debug, Clone, Default)]
pub struct AffectedOptions {
    /// The revision before.
    pub base: String,
    /// The revision after; `None` for the work tree.
    pub head: Option<String>,
    /// Compose files, Bake files, Dockerfiles and folders; none for what is found in the current folder.
    pub files: Vec<PathBuf>,
    /// The context of Dockerfiles that are named; `None` for the folder of each.
    pub context: Option<PathBuf>,
    /// What base images are: references and paths.
    pub bases: Vec<(String, PathBuf)>,
    /// The engine's version of BuildKit; `None` for the newest.
    pub buildkit: Option<Version>,
    /// The environment's variables, the same for both states.
    pub environment: BTreeMap<String, String>,
    /// The folder that remembers the digests of unchanged files.
    pub index: Option<PathBuf>,
    /// So many causes of a step are told; `None` for all.
    pub causes: Option<usize>,
}

/// Tells which builds have to be built again.
///
/// # Errors
/// [`Error`] for revisions and files that can't be read at all. What is wrong with one build is part of the answer.
pub fn affected(options: &AffectedOptions, observer: &dyn Observer) -> Result<AffectedReport, Error> {
    let (before, after) = Side::both(&options.base, options.head.as_deref())?;
    let (old, new) = (find::builds(&before, options)?, find::builds(&after, options)?);
    find::check(&old, &new, options)?;
    let mut direct: BTreeMap<String, Outcome> = BTreeMap::new();
    for (name, asked) in new.all() {
        let outcome = compare::builds(&before, old.get(name), &after, asked, options, observer);
        direct.insert(name.clone(), outcome);
    }
    pass_on(&new, &mut direct);
    let mut builds: Vec<AffectedBuild> =
        new.all().filter_map(|(name, asked)| Some(document(name, asked, direct.remove(name)?))).collect();
    builds.extend(gone(&old, &new));
    let notes = notes(&before, &after, &old, &new);
    Ok(AffectedReport {
        base: before.report(),
        head: after.report(),
        files: new.files.iter().map(|f| f.display().to_string()).collect(),
        summary: summary(&builds),
        builds,
        notes,
    })
}

/// A build that uses the result of an affected one is affected.
fn pass_on(new: &Builds, direct: &mut BTreeMap<String, Outcome>) {
    let mut open: Vec<String> =
        direct.iter().filter(|(_, o)| o.is_affected()).map(|(n, _)| n.clone()).collect();
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    while let Some(changed) = open.pop() {
        for (name, asked) in new.all() {
            let Ok(build) = &asked.build else { continue };
            let uses = build.depends_on.iter().any(|d| new.unique_name(asked, d) == changed);
            if !uses || !told.insert((name.clone(), changed.clone())) {
                continue;
            }
            let Some(outcome) = direct.get_mut(name) else { continue };
            if !outcome.is_affected() {
                open.push(name.clone());
            }
            outcome.stand_on(&changed);
        }
    }
}

/// A build for the document.
fn document(name: &str, asked: &Asked, outcome: Outcome) -> AffectedBuild {
    let described = match &asked.build {
        Ok(build) => describe(build, asked.is_dockerfile),
        Err(error) => AffectedBuild {
            file: error.place.file.to_string(),
            line: Some(error.place.line).filter(|l| *l > 0),
            ..AffectedBuild::default()
        },
    };
    AffectedBuild {
        name: name.to_owned(),
        affected: outcome.is_affected(),
        change: outcome.change,
        reasons: outcome.reasons,
        ..described
    }
}

/// What a build is made from.
fn describe(build: &Build, is_dockerfile: bool) -> AffectedBuild {
    use crate::project::{ContextRef, DockerfileRef};
    let context = match &build.context.value {
        ContextRef::Folder { path, .. } => path.display().to_string(),
        ContextRef::Remote(url) => url.clone(),
    };
    let dockerfile = match &build.dockerfile.value {
        DockerfileRef::Default => match build.context.value.folder() {
            Some(folder) => Some(crate::project::join(folder, "Dockerfile").display().to_string()),
            None => Some("Dockerfile".to_owned()),
        },
        DockerfileRef::Path { path, .. } => Some(path.display().to_string()),
        DockerfileRef::Remote(url) => Some(url.clone()),
        DockerfileRef::Inline(_) => None,
    };
    AffectedBuild {
        file: build.place.file.to_string(),
        line: Some(build.place.line).filter(|l| *l > 0 && !is_dockerfile),
        context,
        dockerfile,
        target: build.target.as_ref().map_or_else(String::new, |t| t.value.clone()),
        platforms: build.platforms.iter().map(|p| p.value.clone()).collect(),
        ..AffectedBuild::default()
    }
}

/// Builds that are there no more. Where a file can't be read as a whole, they may be there nevertheless, and count as affected.
fn gone(old: &Builds, new: &Builds) -> Vec<AffectedBuild> {
    let gone = old.all().filter(|(name, asked)| asked.build.is_ok() && new.get(name).is_none());
    gone.map(|(name, asked)| {
        let outcome = match new.broken.first() {
            Some(error) => Outcome::unknown(error.to_string(), None),
            None => Outcome { change: Change::Gone, reasons: Vec::new() },
        };
        document(name, asked, outcome)
    })
    .collect()
}

/// What has to be known to read the answer.
fn notes(before: &Side, after: &Side, old: &Builds, new: &Builds) -> Vec<String> {
    let mut notes: Vec<String> = new.notes.clone();
    notes.extend(old.notes.iter().map(|n| format!("{}: {n}", before.name())));
    notes.extend(before.warnings());
    notes.extend(after.warnings());
    if new.all().next().is_some() {
        notes.push(
            "an image, URL or repository of the same name counts as the same in both states, unless --base-image tells what it is"
                .to_owned(),
        );
    }
    let mut seen = BTreeSet::new();
    notes.retain(|n| seen.insert(n.clone()));
    notes
}

fn summary(builds: &[AffectedBuild]) -> AffectedSummary {
    let mut sum = AffectedSummary::default();
    for build in builds {
        match (build.affected, build.change) {
            (true, _) => sum.affected += 1,
            (false, Change::Gone) => sum.gone += 1,
            (false, _) => sum.unaffected += 1,
        }
    }
    sum
}

impl Side {
    /// The state for the document.
    fn report(&self) -> StateReport {
        StateReport { name: self.revision_name().map(str::to_owned), revision: self.commit() }
    }
}

impl Outcome {
    /// It can't be told what became of a build.
    pub(super) fn unknown(text: String, line: Option<usize>) -> Self {
        let reason = AffectedReason { kind: ReasonKind::Error, text, line, ..AffectedReason::default() };
        Self { change: Change::Unknown, reasons: vec![reason] }
    }

    /// Whether the build has to be built again.
    fn is_affected(&self) -> bool {
        matches!(self.change, Change::Changed | Change::New | Change::Unknown)
    }

    /// It uses the result of an affected build.
    fn stand_on(&mut self, other: &str) {
        if self.change == Change::None {
            self.change = Change::Changed;
        }
        self.reasons.push(AffectedReason {
            kind: ReasonKind::StandsOn,
            text: format!("it stands on {other}"),
            build: Some(other.to_owned()),
            ..AffectedReason::default()
        });
    }
}
