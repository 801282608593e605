//! Files → one tree: read, interpolated, included, extended, merged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::files::{Reader, Text};
use super::super::yaml::{self, Entry, Map, Node, Value};
use super::super::{DEEPEST_FILE, Note, Place, ProjectError, dotenv, path};
use super::{extends, include, interpolate, merge};

/// The variables that are put in.
pub(super) type Environment = BTreeMap<String, String>;

/// One tree.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// The top level.
    pub(super) root: Map,
    /// What is wrong with a service's build, by service.
    pub(super) faults: BTreeMap<String, Vec<ProjectError>>,
    /// What is wrong elsewhere.
    pub(super) errors: Vec<ProjectError>,
}

/// Reads the files of one project.
pub(super) struct Loader<'a> {
    /// Where files come from.
    pub(super) reader: &'a Reader<'a>,
    notes: Vec<Note>,
    /// Extended files by path and folder, so that each is read once.
    bases: BTreeMap<(PathBuf, PathBuf), Arc<Model>>,
}

/// How a file is read.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// The folder that its paths are relative to.
    pub(super) folder: PathBuf,
    /// The variables.
    pub(super) environment: Arc<Environment>,
    /// The files that led here.
    pub(super) stack: Vec<PathBuf>,
}

impl<'a> Loader<'a> {
    /// A loader that has read nothing.
    pub(super) fn new(reader: &'a Reader<'a>) -> Self {
        Self { reader, notes: Vec::new(), bases: BTreeMap::new() }
    }

    /// What is worth a word.
    pub(super) fn into_notes(self) -> Vec<Note> {
        self.notes
    }

    /// The whole project, and the variables that were put in.
    pub(super) fn project(
        &mut self,
        paths: &[PathBuf],
        folder: &Path,
        environment: &Environment,
    ) -> Result<(Model, Arc<Environment>), ProjectError> {
        let environment = Arc::new(self.with_env_file(folder, environment)?);
        let reach = Reach { folder: folder.to_owned(), environment, stack: Vec::new() };
        let mut model = Model::default();
        for path in paths {
            let text = self.reader.text(path)?;
            self.file(path, &text, &reach, &mut model)?;
        }
        default_contexts(&mut model.root, folder);
        Ok((model, reach.environment))
    }

    /// The environment, and what `.env` in the folder adds to it.
    pub(super) fn with_env_file(
        &self,
        folder: &Path,
        environment: &Environment,
    ) -> Result<Environment, ProjectError> {
        let path = path::join(folder, ".env");
        let place = Place::whole(&path.to_string_lossy().into());
        match self.reader.referred_if_there(&path, &place) {
            Ok(Some(text)) => add_env_file(&text, environment),
            Ok(None) => Ok(environment.clone()),
            Err(error) => Err(error),
        }
    }

    /// Several files that one `include` names.
    pub(super) fn included(
        &mut self,
        paths: &[PathBuf],
        place: &Place,
        reach: &Reach,
    ) -> Result<Model, ProjectError> {
        let mut model = Model::default();
        for path in paths {
            let text = self.reader.referred(path, place)?;
            self.file(path, &text, reach, &mut model)?;
        }
        default_contexts(&mut model.root, &reach.folder);
        Ok(model)
    }

    /// One file, merged over what there is.
    fn file(
        &mut self,
        path: &Path,
        text: &Text,
        reach: &Reach,
        model: &mut Model,
    ) -> Result<(), ProjectError> {
        if reach.stack.len() >= DEEPEST_FILE {
            let message = format!("files include each other deeper than {DEEPEST_FILE}");
            return Err(ProjectError::new(&Place::whole(&text.name), message));
        }
        for document in yaml::parse(&text.name, &text.text)? {
            let mut own = self.interpolated(document, reach)?;
            let mut inner = reach.clone();
            inner.stack.push(path.to_owned());
            include::apply(self, &mut own, &inner)?;
            extends::apply(self, path, &mut own, &inner);
            merge::over(&mut model.root, own.root)?;
            for (name, faults) in own.faults {
                model.faults.entry(name).or_default().extend(faults);
            }
            model.errors.extend(own.errors);
        }
        Ok(())
    }

    /// A document with its variables put in.
    pub(super) fn interpolated(&mut self, mut document: Node, reach: &Reach) -> Result<Model, ProjectError> {
        let mut model = Model::default();
        let mut pass = interpolate::Pass {
            environment: &reach.environment,
            base: reach.folder.as_path().into(),
            notes: &mut self.notes,
            model: &mut model,
        };
        pass.document(&mut document);
        let place = document.place;
        match document.value {
            Value::Map(root) => model.root = root,
            Value::Null => {}
            _ => {
                return Err(ProjectError::new(&place, "a Compose file must be a mapping")
                    .hint("begin with `services:`"));
            }
        }
        check_sections(&model.root)?;
        Ok(model)
    }

    /// The services of an extended file. Paths in it are relative to its own folder.
    pub(super) fn base(
        &mut self,
        file: &Path,
        place: &Place,
        reach: &Reach,
    ) -> Result<Arc<Model>, ProjectError> {
        let folder = super::folder_of(file);
        let key = (file.to_owned(), folder.clone());
        if let Some(base) = self.bases.get(&key) {
            return Ok(Arc::clone(base));
        }
        let text = self.reader.referred(file, place)?;
        let inner = Reach { folder, ..reach.clone() };
        let mut model = Model::default();
        for document in yaml::parse(&text.name, &text.text)? {
            let own = self.interpolated(document, &inner)?;
            merge::over(&mut model.root, own.root)?;
            model.faults.extend(own.faults);
            model.errors.extend(own.errors);
        }
        let base = Arc::new(model);
        self.bases.insert(key, Arc::clone(&base));
        Ok(base)
    }
}

/// The environment, and what an environment file adds to it.
pub(super) fn add_env_file(text: &Text, environment: &Environment) -> Result<Environment, ProjectError> {
    let own = dotenv::parse(&text.text, environment).map_err(|(line, why)| {
        ProjectError::new(&Place::new(&text.name, line, 0), why).hint("write NAME=value, a line each")
    })?;
    let mut all = environment.clone();
    for (name, value) in own {
        all.entry(name).or_insert(value);
    }
    Ok(all)
}

/// `services` and `secrets` are mappings, and so is each service.
fn check_sections(root: &Map) -> Result<(), ProjectError> {
    for section in ["services", "secrets"] {
        let Some(entry) = root.get(section) else { continue };
        if !matches!(entry.node.value, Value::Map(_) | Value::Null) {
            let message = format!("`{section}` must be a mapping, and is {}", entry.node.kind());
            return Err(ProjectError::new(&entry.node.place, message).hint("write `name:` lines below it"));
        }
    }
    Ok(())
}

/// A build without a context has the folder of its project.
fn default_contexts(root: &mut Map, folder: &Path) {
    let Some(Entry { node: Node { value: Value::Map(services), .. }, .. }) = root.get_mut("services") else {
        return;
    };
    for entry in services.values_mut() {
        let Value::Map(service) = &mut entry.node.value else { continue };
        let Some(Entry { key, node }) = service.get_mut("build") else { continue };
        let Value::Map(build) = &mut node.value else { continue };
        let missing = build.get("context").is_none_or(|e| e.node.value == Value::Null);
        if missing {
            let mut node = Node::text(".", key);
            node.base = Some(folder.into());
            build.insert("context".to_owned(), Entry { key: key.clone(), node });
        }
    }
}
