//! Paths of builds that lead nowhere.

use std::path::Path;

use super::{BuildFacts, Findings, Fix, Presence, ProjectFacts, Reference, near, rules};
use crate::project::{Build, ContextRef, DockerfileRef, NamedRef, Place, SecretRef, join};

/// So many places are named where something else may be meant.
const MOST_NAMED: usize = 3;

/// Contexts, Dockerfiles, named contexts and secrets that are not there.
pub(super) fn find(facts: &ProjectFacts<'_>, found: &mut Findings) {
    for (build, on_disk) in facts.pairs() {
        context(facts, build, on_disk, found);
        dockerfile(facts, build, on_disk, found);
        named(facts, build, on_disk, found);
        for (secret, presence) in build.secrets.iter().zip(&on_disk.secrets) {
            secret_file(facts, build, secret, *presence, found);
        }
    }
}

fn context(facts: &ProjectFacts<'_>, build: &Build, on_disk: &BuildFacts<'_>, found: &mut Findings) {
    let ContextRef::Folder { written, path } = &build.context.value else { return };
    let what = match on_disk.context {
        Presence::Missing => "is not there",
        Presence::File => "is a file, not a folder",
        Presence::Folder | Presence::Elsewhere => return,
    };
    let message = format!("the context of {} {what}: {}", build.name, path.display());
    let finding = found.add(&rules::CONTEXT_MISSING, message);
    finding.builds.push(build.name.clone());
    let missing = Missing { facts, build, place: &build.context.place, written, path };
    let folder = &facts.project.folder;
    missing.tell(
        finding,
        folder,
        near::folders(path, &facts.folders),
        "make the folder, or name another one",
    );
}

fn dockerfile(facts: &ProjectFacts<'_>, build: &Build, on_disk: &BuildFacts<'_>, found: &mut Findings) {
    let Some(context) = build.context.value.folder().filter(|_| on_disk.context == Presence::Folder) else {
        return;
    };
    let default = join(context, "Dockerfile");
    let (written, path) = match &build.dockerfile.value {
        DockerfileRef::Default => ("", default.as_path()),
        DockerfileRef::Path { written, path } => (written.as_str(), path.as_path()),
        DockerfileRef::Inline(_) | DockerfileRef::Remote(_) => return,
    };
    let what = match on_disk.dockerfile {
        Presence::Missing => "is not there",
        Presence::Folder => "is a folder",
        Presence::File | Presence::Elsewhere => return,
    };
    let message = format!("the Dockerfile of {} {what}: {}", build.name, path.display());
    let finding = found.add(&rules::DOCKERFILE_MISSING, message);
    finding.builds.push(build.name.clone());
    let mut there = near::dockerfiles(path, &build.name, &facts.dockerfiles);
    if there.is_empty() && written.is_empty() {
        // One beside where it is looked for, of another name.
        there = facts.dockerfiles.iter().filter(|p| p.parent() == Some(context)).cloned().collect();
    }
    let missing = Missing { facts, build, place: &build.dockerfile.place, written, path };
    missing.tell(finding, context, there, "commit the file, or take the build away");
}

fn named(facts: &ProjectFacts<'_>, build: &Build, on_disk: &BuildFacts<'_>, found: &mut Findings) {
    for (name, value) in &build.named {
        let NamedRef::Folder(path) = &value.value else { continue };
        let what = match on_disk.named.get(name) {
            Some(Presence::Missing) => "is not there",
            Some(Presence::File) => "is a file, not a folder",
            _ => continue,
        };
        let message = format!("the named context {name} of {} {what}: {}", build.name, path.display());
        let finding = found.add(&rules::NAMED_CONTEXT_MISSING, message);
        finding.builds.push(build.name.clone());
        let written = facts.written(&value.place, path);
        let missing = Missing { facts, build, place: &value.place, written: &written, path };
        let folder = &facts.project.folder;
        missing.tell(
            finding,
            folder,
            near::folders(path, &facts.folders),
            "make the folder, or name another one",
        );
    }
}

fn secret_file(
    facts: &ProjectFacts<'_>,
    build: &Build,
    secret: &SecretRef,
    presence: Presence,
    found: &mut Findings,
) {
    let Some(path) = secret.file.as_ref().filter(|_| presence == Presence::Missing) else { return };
    let message =
        format!("the file of the secret {} of {} is not there: {}", secret.id, build.name, path.display());
    let finding = found.add(&rules::SECRET_FILE_MISSING, message);
    finding.builds.push(build.name.clone());
    if let Some(label) = facts.label_at(&secret.place, "") {
        finding.at(label);
    }
    finding.help("make the file before building; it is left out of git for good reason");
}

/// A path that leads nowhere.
struct Missing<'a, 'f> {
    facts: &'a ProjectFacts<'f>,
    build: &'a Build,
    place: &'a Place,
    /// As written; empty for a default.
    written: &'a str,
    path: &'a Path,
}

impl Missing<'_, '_> {
    /// Tells what it is resolved to, where what is meant may lie, and what to write. Paths are written relative to `base`.
    fn tell(
        &self,
        finding: &mut super::Finding,
        base: &Path,
        there: Vec<std::path::PathBuf>,
        otherwise: &str,
    ) {
        let resolved = self.path.display().to_string();
        let said = if self.written.is_empty() { String::new() } else { format!("resolved to {resolved}") };
        let label = match self.written {
            "" => self.facts.label_at(self.place, said),
            written => self.facts.label(self.place, written, said),
        };
        if let Some(label) = label {
            finding.at(label);
        }
        let fix = match there.as_slice() {
            [one] => near::relative(base, one),
            _ => None,
        };
        match (&fix, there.as_slice()) {
            (_, []) => drop(finding.help(otherwise)),
            (Some(new), _) => self.propose(finding, new),
            (None, several) => {
                let list: Vec<String> =
                    several.iter().take(MOST_NAMED).map(|p| p.display().to_string()).collect();
                finding.help(format!("did you mean {}?", list.join(" or ")));
            }
        }
        finding.reference = Some(Reference {
            build: self.build.name.clone(),
            written: if self.written.is_empty() { "Dockerfile".to_owned() } else { self.written.to_owned() },
            resolved,
            found: there.iter().map(|p| p.display().to_string()).collect(),
            fix,
        });
    }

    fn propose(&self, finding: &mut super::Finding, new: &str) {
        let fix: Option<Fix> = match self.written {
            "" => None,
            written => self.facts.replace(self.place, written, new),
        };
        match fix {
            Some(fix) => drop(finding.fix(format!("write {new}"), fix)),
            None => drop(finding.help(format!("write {new} there"))),
        }
    }
}

impl ProjectFacts<'_> {
    /// How a path is written at a place: the longest end of it that stands there.
    fn written(&self, place: &Place, path: &Path) -> String {
        let text = near::relative(&self.project.folder, path).unwrap_or_else(|| path.display().to_string());
        let plain = self.label(place, &text, "").filter(|l| l.column > 0);
        let dotted = format!("./{text}");
        match plain {
            None if self.label(place, &dotted, "").is_some_and(|l| l.column > 0) => dotted,
            _ => text,
        }
    }
}
