//! Paths → what is checked together: the builds of projects, Dockerfiles on their own, workflows.

mod disk;
mod orphan;
mod project;
mod scan;
mod workflows;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use self::disk::{Disk, path_of};
use self::project::{Looked, Named};
use super::super::projects::{self, DiskFiles};
use super::super::{DockerfileInput, Request};
use super::{CheckBuild, CheckInput};
use crate::check::{Findings, Label, project::UNSEEN};
use crate::error::Error;
use crate::image::Platform;
use crate::project::{Build, DockerfileRef, Project, Surroundings, clean, folder_of, join};
use crate::report::{CheckedBuild, PathField};

/// What `check` is asked about.
#[derive(Debug, Clone, Default)]
pub struct CheckPaths {
    /// Folders, Compose files, Bake files, workflows and Dockerfiles.
    pub paths: Vec<PathBuf>,
    /// Everything in a folder, even where it has a Dockerfile of its own.
    pub all: bool,
    /// The environment's variables.
    pub environment: BTreeMap<String, String>,
    /// What holds for every build: base images, and how registries are asked. Its other options hold for Dockerfiles on their own.
    pub request: Request,
}

/// Finds out what is to be checked. What is wrong with one file hides no other.
///
/// # Errors
/// [`Error`] for a path where nothing is.
pub fn check_input(asked: &CheckPaths) -> Result<CheckInput, Error> {
    let mut gather = Gather::new(asked);
    let mut bake = Vec::new();
    for path in asked.paths.iter().map(|p| clean(p)) {
        let ends = |ends: &[&str]| {
            path.extension().is_some_and(|e| ends.iter().any(|end| e.eq_ignore_ascii_case(end)))
        };
        if path.is_dir() {
            gather.folder(&path);
        } else if !path.exists() {
            let hint = "name folders, Compose files, Bake files or Dockerfiles";
            return Err(Error::usage(format!("reading {}: no such file or directory", path.display()), hint));
        } else if ends(&["yml", "yaml"]) && workflows::is_workflow(&path) {
            gather.workflows(&workflows::top_of(&path), &[path]);
        } else if ends(&["yml", "yaml"]) {
            gather.compose(&path);
        } else if ends(&["hcl", "json"]) {
            bake.push(path);
        } else {
            let context = folder_of(&path);
            gather.dockerfiles.push((path, context));
        }
    }
    if !bake.is_empty() {
        gather.bake(bake, None);
    }
    gather.orphans();
    Ok(gather.input)
}

/// What is gathered.
struct Gather<'a> {
    asked: &'a CheckPaths,
    disk: Disk,
    input: CheckInput,
    /// The same build under several names is checked once.
    known: HashMap<String, usize>,
    names: BTreeSet<String>,
    /// Dockerfiles that a project builds.
    built: BTreeSet<PathBuf>,
    /// Dockerfiles that may have to be checked on their own, and the folders that were asked about.
    dockerfiles: Vec<(PathBuf, PathBuf)>,
}

impl<'a> Gather<'a> {
    fn new(asked: &'a CheckPaths) -> Self {
        Self {
            asked,
            disk: Disk::default(),
            input: CheckInput::default(),
            known: HashMap::new(),
            names: BTreeSet::new(),
            built: BTreeSet::new(),
            dockerfiles: Vec::new(),
        }
    }

    /// A folder: a context with its Dockerfile, else everything in it.
    fn folder(&mut self, folder: &Path) {
        let own = ["Dockerfile", "dockerfile"].iter().any(|n| join(folder, n).is_file());
        if own && !self.asked.all {
            self.build(None, None, Request { context: folder.to_owned(), ..self.asked.request.clone() });
        } else {
            self.everything(folder, own);
        }
        let workflows = workflows::of_top(folder);
        self.workflows(folder, &workflows);
    }

    fn everything(&mut self, folder: &Path, own: bool) {
        let scan = scan::below(folder, &BTreeSet::new());
        let mut bake: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        scan.bake.into_iter().for_each(|p| bake.entry(folder_of(&p)).or_default().push(p));
        for (folder, mut paths) in bake {
            // The override files come last, as buildx reads them.
            paths.sort_by_key(|p| p.to_string_lossy().contains(".override."));
            self.bake(paths, Some(folder));
        }
        let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        scan.compose.into_iter().for_each(|p| folders.entry(folder_of(&p)).or_default().push(p));
        for (folder, paths) in folders {
            self.compose_files(&folder, &paths);
        }
        self.dockerfiles.extend(scan.dockerfiles.into_iter().map(|p| (p, folder.to_owned())));
        let nothing =
            self.input.builds.is_empty() && self.input.found.is_empty() && self.dockerfiles.is_empty();
        if nothing && !own && self.input.others.is_empty() {
            // What BuildKit says of a context without a Dockerfile.
            self.build(None, None, Request { context: folder.to_owned(), ..self.asked.request.clone() });
        }
    }

    /// The Compose files of a folder: the default one with its override, the others on their own.
    fn compose_files(&mut self, folder: &Path, paths: &[PathBuf]) {
        let files = DiskFiles;
        let none = BTreeMap::new();
        let default = match crate::project::find(&files, folder, &none) {
            Ok(Some(crate::project::Found::Compose(default))) => default,
            Ok(Some(crate::project::Found::Bake(all))) => all
                .into_iter()
                .filter(|p| p.extension().is_some_and(|e| e != "hcl" && e != "json"))
                .take(1)
                .collect(),
            _ => Vec::new(),
        };
        if !default.is_empty() && default.iter().all(|p| paths.contains(p)) {
            let named = self.named(default.clone(), false, None);
            let project = named.load(&DiskFiles);
            self.project(&named, project);
        }
        paths.iter().filter(|p| !default.contains(p)).for_each(|p| self.compose(p));
    }

    /// A Compose file on its own, or over the default one when it can only be meant so.
    fn compose(&mut self, path: &Path) {
        let named = self.named(vec![path.to_owned()], false, None);
        let project = named.load(&DiskFiles);
        if !project.errors.is_empty()
            && let Some(base) = self.base_of(path)
        {
            let over = self.named(vec![base, path.to_owned()], false, None);
            let both = over.load(&DiskFiles);
            if both.errors.len() < project.errors.len() {
                self.project(&over, both);
                return;
            }
        }
        self.project(&named, project);
    }

    /// The default Compose file beside another one.
    fn base_of(&self, path: &Path) -> Option<PathBuf> {
        let folder = folder_of(path);
        let names = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
        let base = names.iter().map(|n| join(&folder, n)).find(|p| p.is_file())?;
        (base != path).then_some(base)
    }

    fn bake(&mut self, paths: Vec<PathBuf>, folder: Option<PathBuf>) {
        let named = self.named(paths, true, folder);
        let project = named.load(&DiskFiles);
        self.project(&named, project);
    }

    fn named(&self, paths: Vec<PathBuf>, bake: bool, folder: Option<PathBuf>) -> Named {
        let around = Surroundings {
            environment: self.asked.environment.clone(),
            within: paths.first().map(|p| within(&folder_of(p))),
            folder,
            platform: Platform::host().full(),
            profiles: None,
        };
        Named { paths, bake, around }
    }

    /// Looks at a project, and adds its builds.
    fn project(&mut self, named: &Named, project: Project) {
        let Looked { project, findings, builds, texts } = named.look(project, &self.disk);
        let unique: BTreeMap<String, String> = self.unique_names(&project);
        let name_of = |name: &String| unique.get(name).unwrap_or(name).clone();
        self.input.texts.extend(texts);
        for finding in findings {
            let concerned = finding.builds.iter().map(name_of).collect();
            self.input.found.push((finding, concerned));
        }
        let can: BTreeSet<usize> = builds.iter().map(|(n, _)| *n).collect();
        for (number, build) in project.builds.iter().enumerate() {
            if !build.template && !can.contains(&number) {
                self.input.others.push(unchecked(build, &name_of(&build.name)));
            }
        }
        let failed: BTreeSet<&String> = project.errors.iter().filter_map(|e| e.build.as_ref()).collect();
        for name in failed {
            self.input.others.push(CheckedBuild { name: name_of(name), ..CheckedBuild::default() });
        }
        for (_, build) in builds {
            let name = name_of(&build.name);
            self.add(&build, name);
        }
    }

    /// Names that are taken get the file's before them.
    fn unique_names(&mut self, project: &Project) -> BTreeMap<String, String> {
        let built =
            project.builds.iter().filter(|b| !b.template).map(|b| (b.name.clone(), b.place.file.to_string()));
        let failed = project.errors.iter().filter_map(|e| Some((e.build.clone()?, e.place.file.to_string())));
        let mut unique = BTreeMap::new();
        for (name, file) in built.chain(failed) {
            if unique.contains_key(&name) {
                continue;
            }
            let taken = !self.names.insert(name.clone());
            let full = if taken { format!("{file}:{name}") } else { name.clone() };
            unique.insert(name, full);
        }
        unique
    }

    /// One build of a project: a request for each of its platforms.
    fn add(&mut self, build: &Build, name: String) {
        let asked = &self.asked.request;
        match projects::requests(build, &asked.bases, asked.plan.buildkit, None) {
            Ok(requests) => {
                self.built.extend(path_of(build));
                let inline = match &build.dockerfile.value {
                    DockerfileRef::Inline(_) => Some(format!("{} ({name})", build.place.file)),
                    _ => None,
                };
                for request in requests {
                    #[cfg(feature = "registry")]
                    let request = Request { registries: self.asked.request.registries.clone(), ..request };
                    self.build(Some(name.clone()), inline.clone(), request);
                }
            }
            Err(why) => {
                let mut found = Findings::default();
                let finding = found.add(&UNSEEN, why.message);
                if why.place.line > 0 {
                    finding.at(Label::line(&why.place.file, why.place.line, ""));
                }
                self.input.found.extend(found.0.into_iter().map(|f| (f, vec![name.clone()])));
                self.input.others.push(unchecked(build, &name));
            }
        }
    }

    /// Adds a build; the same one under another name is checked once.
    fn build(&mut self, name: Option<String>, inline: Option<String>, request: Request) {
        let key = format!("{request:?}");
        match (self.known.get(&key), name) {
            (Some(at), Some(name)) => {
                let first = &mut self.input.builds[*at];
                if first.name.as_ref() != Some(&name) && !first.also.contains(&name) {
                    first.also.push(name);
                }
            }
            (Some(_), None) => {}
            (None, name) => {
                self.known.insert(key, self.input.builds.len());
                self.input.builds.push(CheckBuild { name, inline, also: Vec::new(), request });
            }
        }
    }

    /// Dockerfiles that no project builds.
    fn orphans(&mut self) {
        let mut seen = BTreeSet::new();
        for (path, asked) in std::mem::take(&mut self.dockerfiles) {
            if self.built.contains(&path) || !seen.insert(path.clone()) {
                continue;
            }
            let context = orphan::context_of(&path, &asked);
            let dockerfile = DockerfileInput::Path(path);
            self.build(None, None, Request { context, dockerfile, ..self.asked.request.clone() });
        }
    }

    fn workflows(&mut self, top: &Path, paths: &[PathBuf]) {
        if paths.is_empty() {
            return;
        }
        let (findings, texts) = workflows::look(top, paths);
        self.input.found.extend(findings.into_iter().map(|f| (f, Vec::new())));
        self.input.texts.extend(texts);
    }
}

/// Files may include what lies in the same repository: the folder above that has `.git`, else their own.
fn within(folder: &Path) -> PathBuf {
    let mut at = folder.to_owned();
    for _ in 0..32 {
        if at.join(".git").exists() {
            return at;
        }
        let above = join(&at, "..");
        let same = |a: &Path, b: &Path| a.canonicalize().ok() == b.canonicalize().ok();
        if above == at || same(&above, &at) {
            break;
        }
        at = above;
    }
    folder.to_owned()
}

/// A build that is not checked on its own.
fn unchecked(build: &Build, name: &str) -> CheckedBuild {
    CheckedBuild {
        name: name.to_owned(),
        context: build.context.value.folder().map(|p| PathField::new(p.as_os_str().as_encoded_bytes())),
        dockerfile: path_of(build).map_or_else(String::new, |p| p.display().to_string()),
        target: build.target.as_ref().map_or_else(String::new, |t| t.value.clone()),
        unread: None,
    }
}
