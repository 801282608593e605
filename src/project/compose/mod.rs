//! Compose files → builds, by the Compose specification and what compose-go makes of it.

mod args;
mod extends;
mod include;
mod interpolate;
mod keys;
mod load;
mod merge;
mod service;
pub(super) mod template;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::load::{Loader, Model};
pub(super) use self::service::located;
use super::files::Reader;
use super::yaml::{Entry, Map, Node};
use super::{
    Files, MOST_BUILDS, Note, NoteKind, Other, Place, Project, ProjectError, ProjectKind, Surroundings, path,
};

/// Who reads the files: `docker compose build`, or `docker buildx bake`, which gives services' own environment to arguments and
/// has its own additions under `x-bake`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Compose itself.
    Compose,
    /// Bake.
    Bake,
}

/// Reads Compose files, the later ones merged over the earlier ones.
pub fn compose(files: &dyn Files, paths: &[PathBuf], around: &Surroundings) -> Project {
    read(files, paths, around, Reading::Compose)
}

/// Reads Compose files for whoever wants them.
pub(super) fn read(files: &dyn Files, paths: &[PathBuf], around: &Surroundings, reading: Reading) -> Project {
    let first = paths.first().map_or_else(|| PathBuf::from("."), |p| path::folder_of(p));
    let folder = around.folder.as_deref().map_or(first, path::clean);
    let within = around.within.as_deref().map_or_else(|| folder.clone(), path::clean);
    let mut project = Project::new(ProjectKind::Compose, folder.clone());
    let reader = Reader::new(files, within);
    let mut loader = Loader::new(&reader);
    let outcome = loader.project(paths, &folder, &around.environment);
    project.notes = loader.into_notes();
    match outcome {
        Ok((model, environment)) => {
            project.name = name(&model, &environment);
            finish(&mut project, model, &environment, around, &reader, reading);
        }
        Err(error) => project.errors.push(error),
    }
    project.files = reader.into_read();
    project.notes.sort_by(|a, b| a.place.cmp(&b.place));
    project.notes.dedup();
    project
}

/// The project's name: `COMPOSE_PROJECT_NAME`, or `name:`.
fn name(model: &Model, environment: &BTreeMap<String, String>) -> Option<String> {
    let set = environment.get("COMPOSE_PROJECT_NAME").filter(|n| !n.is_empty()).cloned();
    set.or_else(|| model.root.get("name").and_then(|e| e.node.scalar()))
}

/// Makes builds of the services.
fn finish(
    project: &mut Project,
    model: Model,
    environment: &BTreeMap<String, String>,
    around: &Surroundings,
    reader: &Reader<'_>,
    reading: Reading,
) {
    let Model { root, faults, errors } = model;
    project.errors.extend(errors);
    note_version(&root, &mut project.notes);
    let empty = Map::new();
    let services = root.get("services").and_then(|e| e.node.as_map()).unwrap_or(&empty);
    let reads = service::Reads {
        environment,
        secrets: root.get("secrets").and_then(|e| e.node.as_map()).unwrap_or(&empty),
        home: around.environment.get("HOME").map(String::as_str),
        reader,
        reading,
    };
    let mut failed: Vec<ProjectError> = faults
        .into_iter()
        .filter(|(name, _)| services.get(name).is_some_and(|e| is_on(&e.node, around)))
        .flat_map(|(name, errors)| errors.into_iter().map(move |e| e.of(&name)))
        .collect();
    let mut ordered: Vec<(&String, &Entry)> = services.iter().collect();
    ordered.sort_by(|a, b| a.1.key.cmp(&b.1.key));
    if ordered.len() > MOST_BUILDS {
        let place = &ordered[MOST_BUILDS].1.key;
        failed.push(ProjectError::new(place, format!("the project has more than {MOST_BUILDS} services")));
        ordered.truncate(MOST_BUILDS);
    }
    for (name, entry) in ordered {
        if failed.iter().any(|e| e.build.as_ref() == Some(name)) || !is_on(&entry.node, around) {
            continue;
        }
        one(project, name, entry, &reads, &mut failed);
    }
    project.errors.extend(failed);
    if reading == Reading::Compose {
        project.check_links(|named, target| unlinked(target, &named.place, services));
    }
}

/// One service.
fn one(
    project: &mut Project,
    name: &str,
    entry: &Entry,
    reads: &service::Reads<'_>,
    failed: &mut Vec<ProjectError>,
) {
    if entry.node.get("build").is_none() {
        let image = entry.node.get("image").and_then(Node::scalar);
        project.others.push(Other { name: name.to_owned(), image, place: entry.key.clone() });
        return;
    }
    match service::build(name, entry, reads, &mut project.notes) {
        Ok(build) => project.builds.push(build.link()),
        Err(error) => failed.push(error.of(name)),
    }
}

/// Whether a service's profiles are on.
fn is_on(service: &Node, around: &Surroundings) -> bool {
    let Some(on) = &around.profiles else { return true };
    let own = keys::texts(service.get("profiles"));
    own.is_empty() || own.iter().any(|p| on.contains(&p.value) || on.iter().any(|o| o == "*"))
}

/// `version:` means nothing.
fn note_version(root: &Map, notes: &mut Vec<Note>) {
    if let Some(entry) = root.get("version") {
        let message = "`version` is obsolete and means nothing".to_owned();
        notes.push(Note { place: entry.key.clone(), kind: NoteKind::ObsoleteVersion, message });
    }
}

/// Why a service's result can't be used.
fn unlinked(target: &str, place: &Place, services: &Map) -> ProjectError {
    let (message, hint) = if services.contains_key(target) {
        let hint = format!("give {target} a `build`, or use docker-image:// and its image");
        (format!("the service {target} is used as a context, but builds nothing"), hint)
    } else {
        (format!("there is no service {target}"), "name a service of this project".to_owned())
    };
    ProjectError::new(place, message).hint(hint)
}

/// The folder of a file, as paths in it are relative to.
fn folder_of(file: &Path) -> PathBuf {
    path::folder_of(file)
}
