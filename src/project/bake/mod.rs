//! Bake files → builds, by buildx's `bake` package.

mod build;
mod dates;
mod eval;
mod format;
mod functions;
mod lists;
mod matrix;
mod services;
mod syntax;
mod target;
mod templates;
mod text;
mod types;
mod value;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::matrix::Blocks;
use self::syntax::Tree;
use self::target::{Inherited, Target};
use self::world::World;
use super::compose::{self, Reading};
use super::files::Reader;
use super::{Files, Place, Project, ProjectError, ProjectKind, Surroundings, path};

/// Targets by name, or what is wrong with them.
type Targets = BTreeMap<String, Result<Target, ProjectError>>;

/// Reads Bake files, HCL or JSON, the later ones merged over the earlier ones; Compose files among them come first.
pub fn bake(files: &dyn Files, paths: &[PathBuf], around: &Surroundings) -> Project {
    let folder = around.folder.as_deref().map_or_else(|| PathBuf::from("."), path::clean);
    let (yaml, own): (Vec<PathBuf>, Vec<PathBuf>) = paths.iter().cloned().partition(|p| is_yaml(p));
    let around = Surroundings {
        folder: Some(folder.clone()),
        within: Some(around.within.clone().unwrap_or_else(|| folder.clone())),
        ..around.clone()
    };
    let mut project = match yaml.is_empty() {
        true => Project::new(ProjectKind::Bake, folder.clone()),
        false => compose::read(files, &yaml, &around, Reading::Bake),
    };
    project.kind = ProjectKind::Bake;
    project.others.clear();
    let reader = Reader::new(files, folder.clone());
    let mut trees = Vec::new();
    for path in &own {
        match tree(&reader, path) {
            Ok(tree) => trees.push(tree),
            Err(error) => project.errors.push(error),
        }
    }
    for path in reader.into_read() {
        if !project.files.contains(&path) {
            project.files.push(path);
        }
    }
    // `.env` counts for Compose files alone.
    finish(&mut project, &trees, &around.environment, &around.platform, &folder);
    project
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("yml") || e.eq_ignore_ascii_case("yaml"))
}

/// One file. What is not named `.json` is HCL.
fn tree(reader: &Reader<'_>, path: &Path) -> Result<Tree, ProjectError> {
    let text = reader.text(path)?;
    match path.extension() {
        Some(e) if e.eq_ignore_ascii_case("json") => syntax::json(&text),
        _ => syntax::hcl(text),
    }
}

/// Makes builds of the targets.
fn finish(
    project: &mut Project,
    trees: &[Tree],
    environment: &BTreeMap<String, String>,
    platform: &str,
    folder: &Path,
) {
    let world = World::new(trees, environment, platform);
    project.errors.extend(world.check_variables());
    let blocks = matrix::instances(&world, trees);
    project.errors.extend(blocks.errors.iter().cloned());
    let services: Vec<String> = project.builds.iter().map(|b| services::target_name(&b.name)).collect();
    let targets = targets(project, &world, &blocks, folder);
    let groups = groups(project, &world, &blocks, &services);
    project.groups =
        groups.iter().map(|(name, _)| (name.clone(), flat(name, &groups, &mut BTreeSet::new()))).collect();
    check_groups(project, &targets, &groups);
    project.builds.clear();
    let mut names: Vec<&String> = targets.keys().collect();
    names.sort_by(|a, b| placed(&targets, a).cmp(&placed(&targets, b)));
    for name in names {
        let mut inherited = Inherited { own: &targets, notes: &mut project.notes };
        let place = Place::whole(&"".into());
        let resolved = inherited.resolve(name, &mut BTreeMap::new(), &place);
        let built = resolved.and_then(|t| t.map(|t| build::build(name, &t, folder)).transpose());
        match built {
            Ok(Some(build)) => project.builds.push(build.link()),
            Ok(None) => {}
            Err(error) => project.errors.push(error.of(name)),
        }
    }
    mark_templates(project, &targets);
    project.check_links(|named, target| {
        let message = format!("there is no target {target}");
        ProjectError::new(&named.place, message).hint("name another target of this project")
    });
    project.errors = unique(std::mem::take(&mut project.errors));
    project.notes.extend(world.into_notes());
    project.notes.sort_by(|a, b| a.place.cmp(&b.place));
    project.notes.dedup();
}

/// Where a target begins.
fn placed<'a>(targets: &'a Targets, name: &str) -> Option<&'a Place> {
    targets.get(name).map(|t| match t {
        Ok(target) => &target.place,
        Err(error) => &error.place,
    })
}

/// Every target's own attributes: blocks of one name over each other, and those over the service of that name.
fn targets(project: &mut Project, world: &World<'_>, blocks: &Blocks, folder: &Path) -> Targets {
    let mut all = Targets::new();
    for build in &project.builds {
        all.insert(services::target_name(&build.name), Ok(services::target(build, folder)));
    }
    for (kind, name) in &blocks.order {
        if kind != "target" {
            continue;
        }
        let instances =
            world.instances.borrow().get(&(kind.clone(), name.clone())).cloned().unwrap_or_default();
        for instance in &instances {
            let own = target::own(world, instance, &mut project.notes);
            let merged = match (all.remove(name), own) {
                (Some(Ok(mut base)), Ok(own)) => {
                    base.merge(&own);
                    Ok(base)
                }
                (Some(Err(error)), _) | (_, Err(error)) => Err(error),
                (None, Ok(own)) => Ok(own),
            };
            all.insert(name.clone(), merged);
        }
    }
    all
}

/// The members of each group, in order, with the place of the list.
type Groups = Vec<(String, (Vec<String>, Place))>;

/// The groups: those of the files, `default` for services, and a name with a matrix for what it stands for.
fn groups(project: &mut Project, world: &World<'_>, blocks: &Blocks, services: &[String]) -> Groups {
    let mut all: Groups = Vec::new();
    if let (Some(first), false) = (project.builds.first(), services.is_empty()) {
        all.push(("default".to_owned(), (services.to_vec(), first.place.clone())));
    }
    for (kind, name) in &blocks.order {
        if kind != "group" {
            continue;
        }
        let instances =
            world.instances.borrow().get(&(kind.clone(), name.clone())).cloned().unwrap_or_default();
        for instance in &instances {
            match target::own_group(world, instance) {
                Ok(members) => {
                    // A later block of the same name replaces an earlier one.
                    all.retain(|(other, _)| other != name);
                    all.push((name.clone(), (members, instance.block.place.clone())));
                }
                Err(error) => project.errors.push(error),
            }
        }
    }
    for (name, names) in &blocks.expanded {
        if !all.iter().any(|(group, _)| group == name) {
            let place = trees_place(world, names).unwrap_or_else(|| Place::whole(&"".into()));
            all.push((name.clone(), (names.clone(), place)));
        }
    }
    all
}

/// Where the block of a matrix begins.
fn trees_place(world: &World<'_>, names: &[String]) -> Option<Place> {
    let instances = world.instances.borrow();
    let first = instances.get(&("target".to_owned(), names.first()?.clone()))?;
    Some(first.first()?.block.place.clone())
}

/// The targets of a group, groups within it resolved.
fn flat(name: &str, groups: &Groups, seen: &mut BTreeSet<String>) -> Vec<String> {
    let Some((_, (members, _))) = groups.iter().find(|(group, _)| group == name) else {
        return vec![name.to_owned()];
    };
    if !seen.insert(name.to_owned()) {
        return Vec::new();
    }
    let mut all: Vec<String> = Vec::new();
    for member in members {
        let inner = if member == name { vec![member.clone()] } else { flat(member, groups, seen) };
        for target in inner {
            if !all.contains(&target) {
                all.push(target);
            }
        }
    }
    all
}

/// Finds the targets that are only there for others to inherit from: those whose name begins with `_`, and those that others
/// inherit from while no group names them, or that say nothing about what is built.
fn mark_templates(project: &mut Project, targets: &Targets) {
    let all = targets.values().filter_map(|t| t.as_ref().ok());
    let parents: BTreeSet<String> =
        all.flat_map(|t| t.texts("inherits").unwrap_or_default()).map(|p| p.value).collect();
    let grouped: BTreeSet<&String> = project.groups.values().flatten().collect();
    for build in &mut project.builds {
        let says = targets.get(&build.name).and_then(|t| t.as_ref().ok()).is_some_and(|t| {
            ["context", "dockerfile", "dockerfile-inline", "target"]
                .iter()
                .any(|a| t.attributes.contains_key(*a))
        });
        let inherited = parents.contains(&build.name) && (!grouped.is_empty() || !says);
        build.template = !grouped.contains(&build.name) && (build.name.starts_with('_') || inherited);
    }
}

/// Every error once.
fn unique(errors: Vec<ProjectError>) -> Vec<ProjectError> {
    let mut out: Vec<ProjectError> = Vec::new();
    for error in errors {
        if !out.contains(&error) {
            out.push(error);
        }
    }
    out
}

/// Whether a group is a member of another, however deep.
fn holds(groups: &Groups, outer: &str, name: &str, seen: &mut BTreeSet<String>) -> bool {
    let members = groups.iter().find(|(group, _)| group == outer).map(|(_, (members, _))| members);
    members
        .into_iter()
        .flatten()
        .filter(|m| *m != outer)
        .any(|m| m == name || (seen.insert(m.clone()) && holds(groups, m, name, seen)))
}

/// Groups name targets that are there, and not themselves.
fn check_groups(project: &mut Project, targets: &Targets, groups: &Groups) {
    let mut errors = Vec::new();
    for (name, (members, place)) in groups {
        if holds(groups, name, name, &mut BTreeSet::new()) {
            let message = format!("the group {name} is a member of itself");
            errors.push(ProjectError::new(place, message).hint("take one of the names away"));
        }
        for member in members {
            let known = targets.contains_key(member) || groups.iter().any(|(group, _)| group == member);
            let failed = project.errors.iter().any(|e| e.build.as_ref() == Some(member));
            if !known && !failed {
                let message = format!("the group {name} names {member}, and there is no such target");
                errors
                    .push(ProjectError::new(place, message).hint("name a target of this project").of(member));
            }
        }
    }
    project.errors.extend(errors);
}
