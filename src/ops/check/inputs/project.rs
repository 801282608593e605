//! A project → what is wrong with it, and its builds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::super::projects::DiskFiles;
use super::disk::{Disk, OnDisk, path_of};
use super::scan;
use crate::check::project::{self as rules, BuildFacts, Presence, ProjectFacts};
use crate::check::{Edit, Finding, Findings, Fix, Severity};
use crate::image::Platform;
use crate::project::{self, Build, Files, NamedRef, Project, Surroundings};

/// The files of a project, and what stands around them.
#[derive(Clone)]
pub struct Named {
    /// The files, later ones over earlier ones.
    pub paths: Vec<PathBuf>,
    /// Whether they are read as Bake does.
    pub bake: bool,
    /// What stands around them.
    pub around: Surroundings,
}

/// A project that was looked at.
pub struct Looked {
    /// It.
    pub project: Project,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// The builds that can be looked at on their own, by their places in [`Project::builds`].
    pub builds: Vec<(usize, Build)>,
    /// The texts of its files.
    pub texts: BTreeMap<String, Vec<u8>>,
}

impl Named {
    /// Reads the files.
    pub fn load(&self, files: &dyn Files) -> Project {
        if self.bake {
            project::bake(files, &self.paths, &self.around)
        } else {
            project::compose(files, &self.paths, &self.around)
        }
    }

    /// Looks at the project, and tries what is proposed.
    pub fn look(&self, project: Project, disk: &Disk) -> Looked {
        let mut looked = with_facts(project, &DiskFiles, disk);
        self.attempt(&mut looked, disk);
        looked
    }

    /// Applies all proposed changes in memory and looks again; those that don't help are dropped.
    fn attempt(&self, looked: &mut Looked, disk: &Disk) {
        let fixes: Vec<Fix> =
            looked.findings.iter().flat_map(|f| &f.help).filter_map(|h| h.fix.clone()).collect();
        if fixes.is_empty() {
            return;
        }
        let edited = Edited::of(&fixes, &looked.texts);
        let after = with_facts(self.load(&edited), &edited, disk).findings;
        let before: BTreeSet<(&str, &str)> = errors(&looked.findings).collect();
        let sound = errors(&after).all(|e| before.contains(&e));
        let left: BTreeSet<(&str, &str)> = after.iter().map(|f| (f.rule.code, f.message.as_str())).collect();
        for finding in &mut looked.findings {
            let gone = !left.contains(&(finding.rule.code, finding.message.as_str()));
            finding.help.iter_mut().filter(|h| h.fix.is_some()).for_each(|h| h.tried = sound && gone);
            finding.help.retain(|h| h.fix.is_none() || h.tried);
        }
    }
}

fn errors(findings: &[Finding]) -> impl Iterator<Item = (&str, &str)> {
    let errors = findings.iter().filter(|f| f.severity == Severity::Error);
    errors.map(|f| (f.rule.code, f.message.as_str()))
}

/// Gathers what is on disk of what a project names, and looks at it.
fn with_facts(project: Project, files: &dyn Files, disk: &Disk) -> Looked {
    let parsed: Vec<OnDisk> = project.builds.iter().map(|b| disk.dockerfile(b)).collect();
    let pairs = project.builds.iter().zip(&parsed);
    let builds: Vec<BuildFacts<'_>> = pairs
        .map(|(build, (dockerfile, parsed))| BuildFacts {
            parsed: parsed.as_deref(),
            ..on_disk(build, *dockerfile, disk)
        })
        .collect();
    let texts = texts(&project, files);
    let missing = missing(&project, &builds);
    let near =
        if missing.is_empty() { scan::Scan::default() } else { scan::below(&project.folder, &missing) };
    let facts = ProjectFacts {
        project: &project,
        builds,
        texts: texts.iter().map(|(n, b)| (n.clone(), String::from_utf8_lossy(b).into_owned())).collect(),
        dockerfiles: near.dockerfiles,
        folders: near.folders,
    };
    let mut findings = Findings::default();
    rules::find(&facts, &mut findings);
    let numbers =
        (0..project.builds.len()).filter(|n| !project.builds[*n].template && facts.can_be_checked(*n));
    let builds = numbers.filter_map(|n| Some((n, facts.as_it_can_be(n)?))).collect();
    drop(facts);
    Looked { findings: findings.0, builds, texts, project }
}

/// What is on disk of what a build names, its Dockerfile's text aside.
fn on_disk(build: &Build, dockerfile: Presence, disk: &Disk) -> BuildFacts<'static> {
    let named = build.named.iter().filter_map(|(name, v)| match &v.value {
        NamedRef::Folder(path) => Some((name.clone(), disk.presence(path))),
        _ => None,
    });
    let secret = |file: &Option<PathBuf>| file.as_deref().map_or(Presence::Elsewhere, |f| disk.presence(f));
    let bad = build.platforms.iter().enumerate();
    BuildFacts {
        context: disk.context(build),
        dockerfile,
        parsed: None,
        named: named.collect(),
        secrets: build.secrets.iter().map(|s| secret(&s.file)).collect(),
        bad_platforms: bad
            .filter_map(|(n, p)| Some((n, Platform::parse(&p.value).err()?.to_string())))
            .collect(),
    }
}

/// The names of what is not there: contexts, Dockerfiles, named contexts.
fn missing(project: &Project, builds: &[BuildFacts<'_>]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (build, facts) in project.builds.iter().zip(builds) {
        let mut paths: Vec<&Path> = Vec::new();
        let dockerfile = path_of(build);
        paths.extend(dockerfile.as_deref().filter(|_| facts.dockerfile == Presence::Missing));
        paths.extend(
            build.context.value.folder().map(PathBuf::as_path).filter(|_| facts.context == Presence::Missing),
        );
        for (name, value) in &build.named {
            if let (NamedRef::Folder(path), Some(Presence::Missing)) = (&value.value, facts.named.get(name)) {
                paths.push(path);
            }
        }
        names.extend(paths.iter().filter_map(|p| Some(p.file_name()?.to_str()?.to_owned())));
    }
    names
}

/// The texts of a project's files, those of variables left out: they may hold secrets.
fn texts(project: &Project, files: &dyn Files) -> BTreeMap<String, Vec<u8>> {
    let is_variables = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with(".env") || name.ends_with(".env")
    };
    let own = project.files.iter().filter(|p| !is_variables(p));
    own.filter_map(|p| Some((p.display().to_string(), files.read(p).ok()??))).collect()
}

/// Files on disk, some of them with changes.
struct Edited(BTreeMap<String, Vec<u8>>);

impl Edited {
    fn of(fixes: &[Fix], texts: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut edited: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut lines: BTreeMap<&str, Vec<Vec<u8>>> = BTreeMap::new();
        for fix in fixes {
            let Some(text) = texts.get(&fix.file) else { continue };
            let split = || text.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
            let lines = lines.entry(&fix.file).or_insert_with(split);
            for Edit { line, insert, .. } in &fix.edits {
                if let (Some(old), Some(new)) = (lines.get_mut(line - 1), insert.first()) {
                    *old = new.clone().into_bytes();
                }
            }
        }
        edited.extend(lines.into_iter().map(|(name, lines)| (name.to_owned(), lines.join(&b'\n'))));
        Self(edited)
    }
}

impl Files for Edited {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        match self.0.get(&path.display().to_string()) {
            Some(text) => Ok(Some(text.clone())),
            None => DiskFiles.read(path),
        }
    }

    fn stays_within(&self, path: &Path, folder: &Path) -> bool {
        DiskFiles.stays_within(path, folder)
    }
}
