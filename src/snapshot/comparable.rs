//! Whether two snapshots are of one build, so that a comparison tells anything.

use std::collections::BTreeSet;

use super::{Snapshot, Subject};

/// Two snapshots that have nothing to do with each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is of another build: of {before}, and not of {now}; {why}")]
pub struct Incomparable {
    /// What the earlier one is of.
    pub before: String,
    /// What is looked at now.
    pub now: String,
    /// Why they can't be one.
    pub why: String,
}

/// Compares what two snapshots are of. What differs but can be compared comes back as notes.
///
/// * The same folder is always the same context: its Dockerfile, target and platform may be others, each for a note.
/// * A context elsewhere (on another machine, in another checkout) is the same one when its Dockerfile has the same name, and
///   they have an instruction and, where both have files, a file in common.
///
/// # Errors
/// [`Incomparable`] when they are of different builds.
pub fn comparable(before: &Snapshot, now: &Snapshot) -> Result<Vec<String>, Incomparable> {
    let (a, b) = (&before.subject, &now.subject);
    let mut notes = Vec::new();
    if a.context != b.context {
        elsewhere(before, now)?;
        let text = |s: &Subject| String::from_utf8_lossy(&s.context).into_owned();
        notes.push(format!("the baseline was taken in {}, this is {}", text(a), text(b)));
    }
    let parts = [
        ("Dockerfile", &a.dockerfile, &b.dockerfile),
        ("target", &a.target, &b.target),
        ("platform", &a.platform, &b.platform),
    ];
    for (what, before, now) in parts {
        if before != now {
            notes.push(format!("the baseline has the {what} {before}, this has {now}"));
        }
    }
    Ok(notes)
}

fn elsewhere(before: &Snapshot, now: &Snapshot) -> Result<(), Incomparable> {
    let (a, b) = (&before.subject, &now.subject);
    let refuse = |why: String| Err(Incomparable { before: name(a), now: name(b), why });
    if !same_dockerfile(&a.dockerfile, &b.dockerfile) {
        return refuse(format!("the Dockerfile is {} there and {} here", a.dockerfile, b.dockerfile));
    }
    if nothing_common(&instructions(before), &instructions(now)) {
        return refuse("they have no instruction in common".to_owned());
    }
    if nothing_common(&files(before), &files(now)) {
        return refuse("they have no file in common".to_owned());
    }
    Ok(())
}

/// What a build is called in a message: its context and its Dockerfile.
fn name(subject: &Subject) -> String {
    format!("{} in {}", subject.dockerfile, String::from_utf8_lossy(&subject.context))
}

/// Both have some, and none is the same.
fn nothing_common<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> bool {
    !a.is_empty() && !b.is_empty() && a.is_disjoint(b)
}

/// The instructions but FROM, which says little of a build.
fn instructions(snapshot: &Snapshot) -> BTreeSet<&str> {
    snapshot.steps.iter().filter(|s| s.instruction != "FROM").map(|s| s.text.as_str()).collect()
}

/// The files that are sent, but those that every build has.
fn files(snapshot: &Snapshot) -> BTreeSet<&[u8]> {
    let entries = snapshot.sources.iter().flat_map(|s| &s.entries).filter(|e| !e.stat.is_dir());
    let usual = |path: &[u8]| path == b".dockerignore" || path == snapshot.subject.dockerfile.as_bytes();
    entries.map(|e| e.path.as_bytes()).filter(|p| !usual(p)).collect()
}

/// The same name; of one outside of the context, whose folder says nothing elsewhere, the last part of it.
fn same_dockerfile(a: &str, b: &str) -> bool {
    let outside = |name: &str| name.starts_with('/') || name.starts_with("..");
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    a == b || (outside(a) && outside(b) && last(a) == last(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{ContextPath, Entry, FileType, Stat};
    use crate::snapshot::{SourceState, StepState};

    fn snapshot(context: &str, dockerfile: &str, target: &str, text: &str, file: &str) -> Snapshot {
        let stat =
            Stat { file_type: FileType::File, mode: 0, uid: 0, gid: 0, size: 0, mtime_ns: 0, extra: None };
        let path = ContextPath::new(file.as_bytes()).unwrap();
        let entries = vec![Entry { path, stat, hardlink: None }];
        let step = |instruction: &str, text: &str| StepState {
            instruction: instruction.into(),
            text: text.into(),
            ..StepState::default()
        };
        Snapshot {
            subject: Subject {
                context: context.into(),
                dockerfile: dockerfile.into(),
                target: target.into(),
                platform: "linux/amd64".into(),
                ..Subject::default()
            },
            sources: vec![SourceState { local: "context".into(), entries, ..SourceState::default() }],
            steps: vec![step("FROM", "FROM scratch"), step("COPY", text)],
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_same_folder_is_the_same_context_whatever_else_changed() {
        let before = snapshot("/a", "Dockerfile", "one", "COPY a /", "a");
        assert_eq!(comparable(&before, &before), Ok(Vec::new()));
        let now = snapshot("/a", "Dockerfile", "two", "COPY b /", "b");
        assert_eq!(comparable(&before, &now).unwrap(), ["the baseline has the target one, this has two"]);
    }

    #[test]
    fn another_machine_is_a_note() {
        let before = snapshot("/ci/app", "Dockerfile", "one", "COPY a /", "a");
        let now = snapshot("/home/me/app", "Dockerfile", "one", "COPY a /", "a");
        let note = "the baseline was taken in /ci/app, this is /home/me/app";
        assert_eq!(comparable(&before, &now).unwrap(), [note]);
    }

    #[test]
    fn a_dockerfile_outside_of_the_context_may_lie_elsewhere() {
        assert!(same_dockerfile("/tmp/1/Dockerfile", "../Dockerfile"));
        assert!(!same_dockerfile("/tmp/1/Dockerfile", "/tmp/1/Other"));
        assert!(!same_dockerfile("a/Dockerfile", "b/Dockerfile"));
    }

    #[test]
    fn another_build_is_refused_with_both_named() {
        let before = snapshot("/x/app", "Dockerfile", "one", "COPY a /", "a");
        let refused = |now: &Snapshot| comparable(&before, now).unwrap_err().to_string();
        let start = "it is of another build: of Dockerfile in /x/app, and not of ";
        let other = snapshot("/y", "b/Dockerfile", "one", "COPY a /", "a");
        let why = "the Dockerfile is Dockerfile there and b/Dockerfile here";
        assert_eq!(refused(&other), format!("{start}b/Dockerfile in /y; {why}"));
        let other = snapshot("/y", "Dockerfile", "one", "COPY b /", "a");
        assert_eq!(refused(&other), format!("{start}Dockerfile in /y; they have no instruction in common"));
        let other = snapshot("/y", "Dockerfile", "one", "COPY a /", "b");
        assert_eq!(refused(&other), format!("{start}Dockerfile in /y; they have no file in common"));
    }
}
