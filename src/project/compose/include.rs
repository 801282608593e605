//! `include`: other Compose files, each with its own folder and variables (compose-go's `loader/include.go`).

use std::path::PathBuf;
use std::sync::Arc;

use super::super::ProjectError;
use super::super::yaml::{Entry, Map, Node, Value};
use super::load::{Environment, Loader, Model, Reach, add_env_file};
use super::{folder_of, keys, merge};

/// Brings in what a file includes; what the file itself says wins.
pub(super) fn apply(loader: &mut Loader<'_>, model: &mut Model, reach: &Reach) -> Result<(), ProjectError> {
    let Some(entry) = model.root.remove("include") else { return Ok(()) };
    let includes = match entry.node.value {
        Value::List(list) => list,
        Value::Null => return Ok(()),
        _ => {
            return Err(ProjectError::new(&entry.node.place, "`include` must be a list")
                .hint("write `- path/to/compose.yaml` lines below it"));
        }
    };
    for include in includes {
        let imported = one(loader, &include, reach)?;
        import(model, imported)?;
    }
    Ok(())
}

/// One entry.
fn one(loader: &mut Loader<'_>, include: &Node, reach: &Reach) -> Result<Model, ProjectError> {
    let written = match include.as_map() {
        Some(_) => keys::texts(include.get("path")),
        None => keys::texts(Some(include)),
    };
    let paths: Vec<PathBuf> = written.iter().map(|p| include.resolve(&p.value)).collect();
    let (Some(main), Some(first)) = (paths.first(), written.first()) else {
        return Err(ProjectError::new(&include.place, "an include has no path").hint("write `path: FILE`"));
    };
    if super::super::is_url(&first.value) || first.value.contains("://") {
        let message = format!("{} is not on this machine; only local files are read", first.value);
        return Err(ProjectError::new(&first.place, message).hint("include a copy of it"));
    }
    if reach.stack.contains(main) {
        let chain: Vec<String> = reach.stack.iter().map(|p| p.display().to_string()).collect();
        let message = format!("files include each other: {} → {}", chain.join(" → "), main.display());
        return Err(ProjectError::new(&first.place, message).hint("take one of the includes away"));
    }
    loader.reader.check(main, &first.place)?;
    let folder = match include.get("project_directory").and_then(Node::scalar) {
        Some(folder) => include.resolve(&folder),
        None => folder_of(main),
    };
    let environment = environment(loader, include, &folder, reach)?;
    let inner = Reach { folder, environment: Arc::new(environment), stack: reach.stack.clone() };
    loader.included(&paths, &first.place, &inner)
}

/// The variables of an include: those around it, and those of its own files.
fn environment(
    loader: &Loader<'_>,
    include: &Node,
    folder: &std::path::Path,
    reach: &Reach,
) -> Result<Environment, ProjectError> {
    let files = keys::texts(include.get("env_file"));
    if files.is_empty() {
        return loader.with_env_file(folder, &reach.environment);
    }
    let mut all = (*reach.environment).clone();
    // A later file wins over an earlier one, and the environment over both.
    for file in files.iter().rev().filter(|f| f.value != "/dev/null") {
        let text = loader.reader.referred(&include.resolve(&file.value), &file.place)?;
        all = add_env_file(&text, &all)?;
    }
    Ok(all)
}

/// Puts what was included below what is there.
fn import(model: &mut Model, imported: Model) -> Result<(), ProjectError> {
    for (name, faults) in imported.faults {
        model.faults.entry(name).or_default().extend(faults);
    }
    model.errors.extend(imported.errors);
    for section in ["services", "secrets"] {
        let Some(Entry { key, node }) = imported.root.get(section).cloned() else { continue };
        let own = model.root.remove(section);
        let merged = match own {
            Some(own) if own.node.value != Value::Null => {
                let mut base = Map::from([(section.to_owned(), Entry { key, node })]);
                merge::over(&mut base, Map::from([(section.to_owned(), own)]))?;
                base.remove(section)
            }
            _ => Some(Entry { key, node }),
        };
        if let Some(entry) = merged {
            model.root.insert(section.to_owned(), entry);
        }
    }
    Ok(())
}
