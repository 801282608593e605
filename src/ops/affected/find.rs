//! The builds of a state: what Compose and Bake files ask for, and Dockerfiles on their own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::AffectedOptions;
use super::side::Side;
use crate::error::Error;
use crate::image::Platform;
use crate::project::{
    self, Build, Files as _, Found, NoteKind, Project, ProjectError, ProjectKind, Surroundings,
};

/// A build that is asked for, or why it can't be made.
pub struct Asked {
    /// It.
    pub build: Result<Build, ProjectError>,
    /// A Dockerfile that was named, or found; not a build of a project.
    pub is_dockerfile: bool,
    /// Which of the projects it is of.
    project: usize,
}

/// The builds of a state by unique names, in order.
#[derive(Default)]
pub struct Builds {
    builds: Vec<(String, Asked)>,
    taken: BTreeSet<String>,
    projects: usize,
    /// Every file that was read.
    pub files: Vec<PathBuf>,
    /// What is wrong with files, and what is worth a word.
    pub notes: Vec<String>,
    /// What is wrong with files as a whole: builds may be missing because of it.
    pub broken: Vec<ProjectError>,
    /// Files that were named and are not there.
    missing: BTreeSet<PathBuf>,
}

impl Builds {
    /// Every build with its name.
    pub fn all(&self) -> impl Iterator<Item = (&String, &Asked)> {
        self.builds.iter().map(|(name, asked)| (name, asked))
    }

    /// The build of a name.
    pub fn get(&self, name: &str) -> Option<&Asked> {
        self.builds.iter().find(|(other, _)| other == name).map(|(_, asked)| asked)
    }

    /// The unique name of a build that one of the same project names.
    pub fn unique_name(&self, of: &Asked, name: &str) -> String {
        let same = |(_, asked): &&(String, Asked)| {
            asked.project == of.project && asked.build.as_ref().is_ok_and(|b| b.name == name)
        };
        self.builds.iter().find(same).map_or_else(|| name.to_owned(), |(unique, _)| unique.clone())
    }

    /// Adds a build. A name that is taken gets the file's before it.
    fn add(&mut self, name: &str, file: &str, asked: Asked) {
        let mut unique = name.to_owned();
        if self.taken.contains(&unique) {
            unique = format!("{file}:{name}");
        }
        if self.taken.insert(unique.clone()) {
            self.builds.push((unique, asked));
        }
    }

    /// Adds the builds of a project that are more than templates, and those that can't be made.
    fn add_project(&mut self, project: Project) {
        let number = self.projects;
        self.projects += 1;
        for build in project.builds.into_iter().filter(|b| !b.template) {
            let file = build.place.file.to_string();
            let name = build.name.clone();
            self.add(&name, &file, Asked { build: Ok(build), is_dockerfile: false, project: number });
        }
        for error in project.errors {
            match error.build.clone() {
                Some(name) if name.starts_with('_') && project.kind == ProjectKind::Bake => {
                    self.notes.push(error.to_string());
                }
                Some(name) => {
                    let file = error.place.file.to_string();
                    self.add(
                        &name,
                        &file,
                        Asked { build: Err(error), is_dockerfile: false, project: number },
                    );
                }
                None => {
                    self.notes.push(error.to_string());
                    self.broken.push(error);
                }
            }
        }
        let told = project
            .notes
            .into_iter()
            .filter(|n| n.kind == NoteKind::Volatile || n.kind == NoteKind::UnsetVariable);
        self.notes.extend(told.map(|n| format!("{}: {}", n.place, n.message)));
        self.files.extend(project.files);
    }

    /// Adds a Dockerfile on its own.
    fn add_dockerfile(&mut self, path: &Path, context: PathBuf, name: &str) {
        let build = project::of_dockerfile(name, path, context);
        let file = path.display().to_string();
        let number = self.projects;
        self.projects += 1;
        self.files.push(path.to_owned());
        self.add(name, &file, Asked { build: Ok(build), is_dockerfile: true, project: number });
    }
}

/// The builds of a state.
pub fn builds(side: &Side, options: &AffectedOptions) -> Result<Builds, Error> {
    let mut all = Builds::default();
    if options.files.is_empty() {
        folder(&mut all, side, options, Path::new("."))?;
        return Ok(all);
    }
    let (mut compose, mut bake) = (Vec::new(), Vec::new());
    for path in options.files.iter().map(|p| project::clean(p)) {
        let ends = |ends: &[&str]| {
            path.extension().is_some_and(|e| ends.iter().any(|end| e.eq_ignore_ascii_case(end)))
        };
        if ends(&["yml", "yaml"]) {
            compose.push(path);
        } else if ends(&["hcl", "json"]) {
            bake.push(path);
        } else if side.is_folder(&path) {
            folder(&mut all, side, options, &path)?;
        } else if read(side, &path)?.is_some() {
            let context = match &options.context {
                Some(context) => project::clean(context),
                None => project::folder_of(&path),
            };
            all.add_dockerfile(&path, context, &path.display().to_string());
        } else {
            all.missing.insert(path);
        }
    }
    for (paths, is_bake) in [(compose, false), (bake, true)] {
        let mut there = Vec::new();
        for path in paths {
            match read(side, &path)? {
                Some(_) => there.push(path),
                None => drop(all.missing.insert(path)),
            }
        }
        if !there.is_empty() {
            let around = surroundings(side, options, None);
            all.add_project(load(side, &there, &around, is_bake));
        }
    }
    Ok(all)
}

/// A file that was named.
fn read(side: &Side, path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let hint = "make it readable, or leave it out";
    side.read(path).map_err(|why| Error::usage(format!("reading {}: {why}", path.display()), hint))
}

/// What is found in a folder.
fn folder(all: &mut Builds, side: &Side, options: &AffectedOptions, folder: &Path) -> Result<(), Error> {
    let found = project::find(side, folder, &options.environment).map_err(|why| {
        Error::usage(
            format!("reading {}: {why}", folder.display()),
            "make the files readable, or name others",
        )
    })?;
    let around = surroundings(side, options, Some(folder.to_owned()));
    match found {
        Some(Found::Bake(paths)) => all.add_project(load(side, &paths, &around, true)),
        Some(Found::Compose(paths)) => all.add_project(load(side, &paths, &around, false)),
        Some(Found::Dockerfile(path)) => {
            let name = folder.display().to_string();
            all.add_dockerfile(&path, folder.to_owned(), &name);
        }
        None => drop(all.missing.insert(folder.to_owned())),
    }
    Ok(())
}

fn load(side: &Side, paths: &[PathBuf], around: &Surroundings, is_bake: bool) -> Project {
    if is_bake { project::bake(side, paths, around) } else { project::compose(side, paths, around) }
}

/// Files may include what lies in the same repository.
fn surroundings(side: &Side, options: &AffectedOptions, folder: Option<PathBuf>) -> Surroundings {
    Surroundings {
        environment: options.environment.clone(),
        folder,
        within: Some(side.top_from_here()),
        platform: Platform::host().full(),
        profiles: None,
    }
}

/// Something must be there in one of the states.
pub fn check(old: &Builds, new: &Builds, options: &AffectedOptions) -> Result<(), Error> {
    if let (Some(error), true) = (new.broken.first(), old.builds.is_empty() && new.builds.is_empty()) {
        let hint = error.hint.clone().unwrap_or_else(|| "mend the file".to_owned());
        return Err(Error::usage(error.to_string(), &hint));
    }
    let Some(path) = old.missing.intersection(&new.missing).next() else { return Ok(()) };
    let hint = "name Compose files, Bake files, Dockerfiles or folders that have one";
    if options.files.is_empty() || path.is_dir() {
        let what = "there is no Compose file, no Bake file and no Dockerfile";
        return Err(Error::usage(format!("{what} in {}", path.display()), hint));
    }
    Err(Error::usage(format!("reading {}: no such file in either state", path.display()), hint))
}
