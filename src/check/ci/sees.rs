//! docker/build-push-action without `context` builds the commit, not the folder that was checked out and changed.

use super::super::Severity;
use super::{CiBuild, Findings, How, Step, rules};

/// Commands that make files which a build would want.
const MAKES: [&str; 19] = [
    "npm run build",
    "yarn build",
    "pnpm build",
    "pnpm run build",
    "go build",
    "cargo build",
    "mvn ",
    "./mvnw",
    "gradle",
    "dotnet publish",
    "make ",
    "sed -i",
    "curl -o",
    "curl -O",
    "wget ",
    "unzip ",
    "tar x",
    "cp ",
    "mv ",
];

/// Looks at one build.
pub(super) fn find(build: &CiBuild<'_>, found: &mut Findings) {
    if build.how != How::Action || build.step.with("context").is_some() {
        return;
    }
    let before = build.before();
    let Some(checkout) = before.iter().position(|s| s.is("actions/checkout")) else { return };
    let mut changed: Vec<Change<'_>> = before[checkout..].iter().filter_map(changes).collect();
    changed.sort_by_key(|change| !change.certain);
    let Some(Change { step, word, why, certain }) = changed.into_iter().next() else { return };
    let message =
        format!("{} builds the commit on GitHub, not the folder that was checked out: {why}", build.name());
    let finding = found.add(&rules::GIT_CONTEXT, message);
    if !certain {
        // The build may do the same once more, and need nothing of it.
        finding.severity = Severity::Note;
    }
    finding.at(build.label("docker/build-push-action", "no `context` is given"));
    let file = &build.workflow.file;
    finding.at(match build.workflow.locate(step, &word) {
        Some((line, column)) => {
            super::Label::word(file, line, column, word.len(), "the build doesn't see what comes of this")
        }
        None => super::Label::line(file, step.place.line, "the build doesn't see what comes of this"),
    });
    finding.help("build the folder: context: .");
}

/// What a step changes in the folder.
struct Change<'a> {
    step: &'a Step,
    /// The words that do it.
    word: String,
    why: &'static str,
    /// Whether the build is surely meant to see it.
    certain: bool,
}

/// What a step changes in the folder.
fn changes(step: &Step) -> Option<Change<'_>> {
    let certain = |word: &str, why| Change { step, word: word.to_owned(), why, certain: true };
    if step.is("actions/checkout") {
        let reference = step.with("ref")?;
        // The action builds the event's own commit as well.
        let own = ["github.sha", "github.ref", "github.head_ref", "pull_request.head"]
            .iter()
            .any(|r| reference.value.contains(r));
        return (!own).then(|| certain(&reference.value, "another revision is checked out"));
    }
    if step.is("actions/download-artifact") {
        return Some(certain("actions/download-artifact", "downloaded files are not in it"));
    }
    let run = step.run.as_ref()?;
    let lines = || run.value.lines().map(str::trim);
    if let Some(line) = lines().find(|l| starts_a_command(l, "sed -i")) {
        return Some(certain(line, "files that are changed before are as they were"));
    }
    let line = lines().find(|l| makes(l))?;
    Some(Change { certain: false, ..certain(line, "files that are made before are not in it") })
}

/// Whether a line of a script makes files in the folder, or changes them.
fn makes(line: &str) -> bool {
    if line.starts_with('#') || line.starts_with("echo") && !line.contains('>') {
        return false;
    }
    MAKES.iter().any(|m| starts_a_command(line, m)) || redirects(line)
}

fn starts_a_command(line: &str, command: &str) -> bool {
    let bare = command.trim_end();
    line == bare
        || line.split("&&").flat_map(|p| p.split(';')).any(|p| {
            let p = p.trim_start();
            p == bare
                || p.strip_prefix(bare)
                    .is_some_and(|rest| rest.starts_with([' ', ':', '\t']) || bare == "tar x")
        })
}

/// Whether output goes to a file of the folder: by name, neither a device nor one of the runner's own files.
fn redirects(line: &str) -> bool {
    let Some((_, rest)) = line.rsplit_once('>') else { return false };
    let target = rest.trim().trim_matches(['"', '\'']);
    let first = target.split_whitespace().next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    !first.is_empty()
        && first.chars().all(plain)
        && !first.starts_with('/')
        && !line.contains(['=', '[', '('])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_make_files_are_told_from_others() {
        for line in [
            "npm run build",
            "cd web && npm run build",
            "make dist",
            "echo 1 > version.txt",
            "cp a b",
            "tar xzf a.tgz",
            "./gradlew; gradle build",
        ] {
            assert!(makes(line), "{line}");
        }
        for line in [
            "echo hello",
            "# cp a b",
            "echo \"tag=1\" >> $GITHUB_OUTPUT",
            "echo x > /dev/null",
            "docker login 2>&1",
            "npm test",
            "npm ci",
            "if [ 1 -gt 0 ]; then",
            "makeup x",
        ] {
            assert!(!makes(line), "{line}");
        }
    }
}
