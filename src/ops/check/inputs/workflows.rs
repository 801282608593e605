//! The workflows of a repository → what is wrong with them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::check::ci::{self, CiFacts, Workflow};
use crate::check::{Finding, Findings};
use crate::dockerfile::Dockerfile;
use crate::project::join;

/// Where workflows lie.
const FOLDER: &str = ".github/workflows";
/// A workflow or a Dockerfile may have so many bytes.
const MOST_BYTES: u64 = 4 << 20;

/// Whether a file is a workflow by where it lies.
pub fn is_workflow(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with(FOLDER))
}

/// The repository's top for a workflow.
pub fn top_of(workflow: &Path) -> PathBuf {
    let top = workflow.ancestors().nth(3).filter(|p| !p.as_os_str().is_empty());
    top.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The workflows of a repository, by its top.
pub fn of_top(top: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(join(top, FOLDER)) else { return Vec::new() };
    let names = entries.flatten().filter_map(|e| e.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|n| n.ends_with(".yml") || n.ends_with(".yaml")).collect();
    names.sort();
    names.iter().map(|n| join(&join(top, FOLDER), n)).collect()
}

/// What is wrong with the workflows of a repository, and their texts by name.
pub fn look(top: &Path, paths: &[PathBuf]) -> (Vec<Finding>, Vec<(String, Vec<u8>)>) {
    let texts: Vec<(String, Vec<u8>)> =
        paths.iter().filter_map(|p| Some((p.display().to_string(), read(p)?))).collect();
    let workflows: Vec<_> =
        texts.iter().map(|(name, bytes)| Workflow::parse(name, &String::from_utf8_lossy(bytes))).collect();
    let wanted = ci::dockerfiles(&workflows);
    let parsed: Vec<(String, Dockerfile)> = wanted
        .into_iter()
        .filter_map(|p| {
            let file = Dockerfile::parse(&read(&join(top, &p))?).ok()?;
            Some((p, file))
        })
        .collect();
    let facts =
        CiFacts { workflows, dockerfiles: parsed.iter().map(|(p, file)| (p.clone(), file)).collect() };
    let mut found = Findings::default();
    ci::find(&facts, &mut found);
    (found.0, texts)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let meta = path.metadata().ok().filter(|m| m.is_file() && m.len() <= MOST_BYTES)?;
    (meta.len() <= MOST_BYTES).then(|| fs::read(path).ok())?
}
