//! Which builds are looked at: those that were named, or all that are found for the context.

#[cfg(feature = "project")]
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::IgnoreOptions;
use super::world::dockerfile_path;
use crate::dockerfile::Dockerfile;
use crate::ops::{DockerfileInput, Request};

/// A build that is to be looked at.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// It.
    pub request: Request,
    /// What tells it from others of the same Dockerfile: a service, a stage.
    pub detail: Option<String>,
    /// It was asked about; else it was found.
    pub asked: bool,
}

/// So many builds are found at most.
const MOST: usize = 100;

/// Folders of a context in which Dockerfiles lie that are built from the context itself.
const FOLDERS: &[&str] =
    &["docker", "dockerfiles", ".docker", "build", "deploy", "deployment", "ops", "ci", ".ci"];

/// The builds: those of the Dockerfiles that were named; else the context's own Dockerfile, others beside it, and what Compose and
/// Bake files there ask for. Of each Dockerfile also the stages that the target doesn't need.
pub fn wanted(request: &Request, options: &IgnoreOptions) -> Vec<Wanted> {
    let with = |dockerfile: DockerfileInput| Request { dockerfile, ..request.clone() };
    let mut all: Vec<Wanted> = options
        .dockerfiles
        .iter()
        .map(|d| Wanted { request: with(d.clone()), detail: None, asked: true })
        .collect();
    if all.is_empty() {
        let found = dockerfiles(&request.context);
        let own = request.context.join("Dockerfile");
        let lower = request.context.join("dockerfile");
        let of_projects = of_projects(request, options);
        if own.exists() || lower.exists() || found.is_empty() && of_projects.is_empty() {
            all.push(Wanted { request: with(DockerfileInput::Default), detail: None, asked: true });
        }
        let others = found.into_iter().filter(|p| *p != own && *p != lower);
        let others =
            others.map(|p| Wanted { request: with(DockerfileInput::Path(p)), detail: None, asked: false });
        all.extend(others);
        all.extend(of_projects);
    }
    all.truncate(MOST);
    let mut known = BTreeSet::new();
    all.retain(|w| known.insert(identity(&w.request)));
    let stages: Vec<Wanted> = all.iter().flat_map(other_stages).collect();
    all.extend(stages.into_iter().filter(|w| known.insert(identity(&w.request))));
    if let Some(first) = all.first_mut() {
        first.asked = true;
    }
    all
}

/// What makes two requests the same build here.
fn identity(request: &Request) -> String {
    let file = dockerfile_path(request).map(|p| p.canonicalize().unwrap_or(p));
    let bytes = match &request.dockerfile {
        DockerfileInput::Bytes(bytes) => bytes.as_slice(),
        _ => &[],
    };
    let named: Vec<&String> = request.named.keys().collect();
    format!("{file:?} {bytes:?} {:?} {:?} {named:?}", request.plan.target, request.plan.build_args)
}

/// Whether a file is called as Dockerfiles are.
pub fn is_dockerfile(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !name.ends_with(".dockerignore")
        && !name.ends_with('~')
        && (name == "dockerfile"
            || name == "containerfile"
            || name.starts_with("dockerfile.")
            || name.ends_with(".dockerfile"))
}

/// Files that look like Dockerfiles, in the folder and in those that are often used for them.
fn dockerfiles(context: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in std::iter::once(context.to_owned()).chain(FOLDERS.iter().map(|f| context.join(f))) {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let files = entries.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_file()));
        let mut files: Vec<PathBuf> =
            files.filter(|e| is_dockerfile(&e.file_name().to_string_lossy())).map(|e| e.path()).collect();
        files.sort();
        found.extend(files);
    }
    found
}

/// The stages of a Dockerfile that its target doesn't need, each as a target of its own: somebody may build them.
fn other_stages(wanted: &Wanted) -> Vec<Wanted> {
    let bytes = match &wanted.request.dockerfile {
        DockerfileInput::Bytes(bytes) => Some(bytes.clone()),
        _ => dockerfile_path(&wanted.request).and_then(|p| fs::read(p).ok()),
    };
    let Some(Ok(file)) = bytes.map(|bytes| Dockerfile::parse(&bytes)) else { return Vec::new() };
    let last = file.stages.len().saturating_sub(1);
    let stages =
        file.stages.iter().enumerate().filter(|(_, stage)| stage.instructions.iter().any(takes_files));
    let targets = stages.map(|(i, stage)| (i, stage.name.clone().unwrap_or_else(|| i.to_string())));
    let mut out = Vec::new();
    for (i, target) in targets {
        let is_own = match &wanted.request.plan.target {
            Some(own) => own.eq_ignore_ascii_case(&target) || *own == i.to_string(),
            None => i == last,
        };
        if !is_own {
            let mut request = wanted.request.clone();
            request.plan.target = Some(target.clone());
            let before = wanted.detail.as_ref().map(|d| format!("{d}, ")).unwrap_or_default();
            out.push(Wanted { request, detail: Some(format!("{before}target {target}")), asked: false });
        }
    }
    out
}

/// Whether an instruction may take files of the context.
fn takes_files(instruction: &crate::dockerfile::Instruction) -> bool {
    use crate::dockerfile::InstructionKind;
    matches!(instruction.kind, InstructionKind::Copy(_) | InstructionKind::Add(_) | InstructionKind::Run(_))
}

#[cfg(not(feature = "project"))]
fn of_projects(_: &Request, _: &IgnoreOptions) -> Vec<Wanted> {
    Vec::new()
}

/// The builds that Compose and Bake files in the context's folder, or in the one above it, make of the context.
#[cfg(feature = "project")]
fn of_projects(request: &Request, options: &IgnoreOptions) -> Vec<Wanted> {
    let Ok(root) = request.context.canonicalize() else { return Vec::new() };
    let mut out = Vec::new();
    for folder in [Some(request.context.as_path()), root.parent()].into_iter().flatten() {
        for (name, theirs) in project_requests(folder, &options.environment, request) {
            if theirs.context.canonicalize().is_ok_and(|c| c == root) {
                let request = Request { context: request.context.clone(), ..theirs };
                out.push(Wanted { request, detail: Some(name), asked: false });
            }
        }
    }
    out
}

/// Every build of the project in a folder that can be made here.
#[cfg(feature = "project")]
fn project_requests(
    folder: &Path,
    environment: &BTreeMap<String, String>,
    like: &Request,
) -> Vec<(String, Request)> {
    use crate::image::Platform;
    use crate::ops::{DiskFiles, requests};
    use crate::project::{self, Found, Surroundings};
    let around = Surroundings {
        environment: environment.clone(),
        folder: Some(folder.to_owned()),
        within: None,
        platform: Platform::host().full(),
        profiles: None,
    };
    let project = match project::find(&DiskFiles, folder, environment) {
        Ok(Some(Found::Compose(paths))) => project::compose(&DiskFiles, &paths, &around),
        Ok(Some(Found::Bake(paths))) => project::bake(&DiskFiles, &paths, &around),
        _ => return Vec::new(),
    };
    let mut out = Vec::new();
    for build in project.builds.iter().filter(|b| !b.template) {
        let Ok(of_platforms) = requests(build, &like.bases, like.plan.buildkit, like.index.as_deref()) else {
            continue;
        };
        out.extend(of_platforms.into_iter().map(|request| (build.name.clone(), request)));
    }
    out
}
