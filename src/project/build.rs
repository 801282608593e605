//! What a project asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Note, Place, Placed, ProjectError};

/// What some files ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Which kind of files they are.
    pub kind: ProjectKind,
    /// The project's name, where the files give one.
    pub name: Option<String>,
    /// The folder that relative paths start from.
    pub folder: PathBuf,
    /// Every file that was read, in order, `.env` files too.
    pub files: Vec<PathBuf>,
    /// The builds in the order of the files. A Bake file's templates are among them.
    pub builds: Vec<Build>,
    /// Services that take an image and build none.
    pub others: Vec<Other>,
    /// Groups of a Bake file: the targets of each, groups within resolved.
    pub groups: BTreeMap<String, Vec<String>>,
    /// What is worth a word.
    pub notes: Vec<Note>,
    /// What is wrong. An error with a build takes only that build away; it is not in `builds` then.
    pub errors: Vec<ProjectError>,
}

/// Kinds of project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ProjectKind {
    /// Compose files.
    #[default]
    Compose,
    /// Bake files.
    Bake,
}

/// One build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The service's or the target's name.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// The context.
    pub context: Placed<ContextRef>,
    /// The Dockerfile.
    pub dockerfile: Placed<DockerfileRef>,
    /// The stage to build; `None` for the last one.
    pub target: Option<Placed<String>>,
    /// Build arguments. `None`: it was given without a value, and the environment has none.
    pub args: BTreeMap<String, Placed<Option<String>>>,
    /// Named contexts.
    pub named: BTreeMap<String, Placed<NamedRef>>,
    /// The platforms; empty for the builder's own.
    pub platforms: Vec<Placed<String>>,
    /// Let no step use the cache.
    pub no_cache: bool,
    /// Let no step of these stages use the cache.
    pub no_cache_filter: Vec<Placed<String>>,
    /// Where cache comes from.
    pub cache_from: Vec<CacheRef>,
    /// Secrets; values are never read.
    pub secrets: Vec<SecretRef>,
    /// ssh agents and keys by name; they are never read.
    pub ssh: Vec<Placed<String>>,
    /// What the image is called.
    pub tags: Vec<Placed<String>>,
    /// Labels that the builder adds to the image.
    pub labels: BTreeMap<String, Placed<String>>,
    /// Other options that change what is built: `network`, `shm-size`, `ulimits`, `extra-hosts`, `entitlements`.
    pub settings: BTreeMap<Setting, Placed<Vec<String>>>,
    /// The builds whose results it uses as named contexts.
    pub depends_on: Vec<String>,
    /// The profiles of the service; empty for a service that is always on.
    pub profiles: Vec<String>,
    /// It is only there for others to inherit from.
    pub template: bool,
}

/// Options that change what is built without being arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// The network of RUN steps.
    Network,
    /// The size of `/dev/shm`.
    ShmSize,
    /// Limits of RUN steps.
    Ulimits,
    /// Lines of `/etc/hosts`.
    ExtraHosts,
    /// What RUN steps may do.
    Entitlements,
}

impl Setting {
    /// Its name, as Bake files have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::ShmSize => "shm-size",
            Self::Ulimits => "ulimits",
            Self::ExtraHosts => "extra-hosts",
            Self::Entitlements => "entitlements",
        }
    }
}

/// Where a context is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextRef {
    /// A folder: as written, and resolved.
    Folder {
        /// As it is written.
        written: String,
        /// Relative to where the program runs, or absolute.
        path: PathBuf,
    },
    /// A URL, or another form that only a builder knows.
    Remote(String),
}

impl ContextRef {
    /// The folder, where it is one.
    pub fn folder(&self) -> Option<&PathBuf> {
        match self {
            Self::Folder { path, .. } => Some(path),
            Self::Remote(_) => None,
        }
    }
}

/// Where a Dockerfile is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DockerfileRef {
    /// `Dockerfile` in the context.
    #[default]
    Default,
    /// A file: as written, and resolved against the context.
    Path {
        /// As it is written.
        written: String,
        /// Relative to where the program runs, or absolute; within a remote context as written.
        path: PathBuf,
    },
    /// This text.
    Inline(String),
    /// A URL.
    Remote(String),
}

/// Where a named context is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedRef {
    /// A folder.
    Folder(PathBuf),
    /// An image layout: `PATH[:TAG][@DIGEST]`.
    OciLayout(String),
    /// An image reference.
    DockerImage(String),
    /// A URL.
    Remote(String),
    /// The result of another build of the project.
    Target(String),
}

/// A place to take cache from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheRef {
    /// As text: `type=registry,ref=…`.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// A secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    /// Its name in the Dockerfile.
    pub id: String,
    /// The file, where it comes from one.
    pub file: Option<PathBuf>,
    /// The environment variable, where it comes from one.
    pub variable: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// A service without a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: Option<String>,
    /// Where it begins.
    pub place: Place,
}

impl Project {
    /// An empty project.
    pub(super) fn new(kind: ProjectKind, folder: PathBuf) -> Self {
        Self {
            kind,
            name: None,
            folder,
            files: Vec::new(),
            builds: Vec::new(),
            others: Vec::new(),
            groups: BTreeMap::new(),
            notes: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Whether the build `name` is `other`, or uses its result, however far away.
    pub fn stands_on(&self, name: &str, other: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            if name == other {
                return true;
            }
            if seen.insert(name) {
                let on = self.build(name).map(|b| b.depends_on.as_slice()).unwrap_or_default();
                open.extend(on.iter().map(String::as_str));
            }
        }
        false
    }

    /// Tells of builds that use results which nothing gives, or their own; those can't be made.
    pub(super) fn check_links(&mut self, absent: impl Fn(&Placed<NamedRef>, &str) -> ProjectError) {
        let mut bad: Vec<ProjectError> = Vec::new();
        for build in &self.builds {
            for named in build.named.values() {
                let NamedRef::Target(target) = &named.value else { continue };
                let failed = self.errors.iter().any(|e| e.build.as_ref() == Some(target));
                if self.build(target).is_none() && !failed {
                    bad.push(absent(named, target).of(&build.name));
                } else if self.stands_on(target, &build.name) {
                    let message = format!("{} uses its own result, by way of {target}", build.name);
                    let error = ProjectError::new(&named.place, message).hint("name another build");
                    bad.push(error.of(&build.name));
                }
            }
        }
        self.builds.retain(|b| !bad.iter().any(|e| e.build.as_ref() == Some(&b.name)));
        self.errors.extend(bad);
    }

    /// The build of a name.
    pub fn build(&self, name: &str) -> Option<&Build> {
        self.builds.iter().find(|b| b.name == name)
    }
}

/// A Dockerfile that no project asks for, as a build.
pub fn of_dockerfile(name: &str, dockerfile: &Path, context: PathBuf) -> Build {
    let written = dockerfile.to_string_lossy().into_owned();
    let place = Place::whole(&written.as_str().into());
    let folder = context.to_string_lossy().into_owned();
    let mut build =
        Build::new(name, &place, Placed::new(ContextRef::Folder { written: folder, path: context }, &place));
    build.dockerfile.value = DockerfileRef::Path { written, path: dockerfile.to_owned() };
    build
}

impl Build {
    /// A build that says nothing but its name and context.
    pub(super) fn new(name: &str, place: &Place, context: Placed<ContextRef>) -> Self {
        Self {
            name: name.to_owned(),
            place: place.clone(),
            context,
            dockerfile: Placed::new(DockerfileRef::Default, place),
            target: None,
            args: BTreeMap::new(),
            named: BTreeMap::new(),
            platforms: Vec::new(),
            no_cache: false,
            no_cache_filter: Vec::new(),
            cache_from: Vec::new(),
            secrets: Vec::new(),
            ssh: Vec::new(),
            tags: Vec::new(),
            labels: BTreeMap::new(),
            settings: BTreeMap::new(),
            depends_on: Vec::new(),
            profiles: Vec::new(),
            template: false,
        }
    }

    /// Fills in [`Build::depends_on`] from the named contexts.
    pub(super) fn link(mut self) -> Self {
        let targets = self.named.values().filter_map(|n| match &n.value {
            NamedRef::Target(name) => Some(name.clone()),
            _ => None,
        });
        self.depends_on = targets.collect();
        self.depends_on.sort();
        self.depends_on.dedup();
        self
    }
}
