//! Each rule about projects fires where it should, and nowhere else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::dockerfile::Dockerfile;
use crate::project::{
    self, ContextRef, DockerfileRef, MemoryFiles, NamedRef, Project, ProjectKind, Surroundings,
};

const PLAIN: &str =
    "FROM alpine AS build\nARG VERSION=1\nRUN x\nFROM alpine AS release\nCOPY --from=build /x /x\n";

/// A project in memory.
struct World {
    files: BTreeMap<&'static str, String>,
    folders: Vec<&'static str>,
}

impl World {
    fn of(files: &[(&'static str, &str)]) -> Self {
        let files = files.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        Self { files, folders: vec![".", "docker", "services"] }
    }

    fn project(&self) -> Project {
        let files = self.files.iter().map(|(n, t)| (PathBuf::from(n), t.clone().into_bytes())).collect();
        let files = MemoryFiles(files);
        let named = |ends: &[&str]| -> Vec<PathBuf> {
            self.files.keys().filter(|n| ends.iter().any(|e| n.ends_with(e))).map(PathBuf::from).collect()
        };
        let around = Surroundings { platform: "linux/amd64".to_owned(), ..Surroundings::default() };
        match named(&[".yaml", ".yml"]).as_slice() {
            [] => project::bake(&files, &named(&[".hcl"]), &around),
            compose => project::compose(&files, &compose[..1], &around),
        }
    }

    fn presence(&self, path: &Path) -> Presence {
        let name = path.to_str().unwrap_or_default();
        if self.files.contains_key(name) {
            Presence::File
        } else if self.folders.contains(&name) {
            Presence::Folder
        } else {
            Presence::Missing
        }
    }

    /// Code, severity, message, help of every finding.
    fn found(&self) -> Findings {
        let project = self.project();
        let parsed: Vec<Option<Dockerfile>> = project.builds.iter().map(|b| self.parsed(b)).collect();
        let builds = project.builds.iter().zip(&parsed).map(|(b, p)| self.on_disk(b, p.as_ref())).collect();
        let like = |name: &&&str| looks_like_dockerfile(name.rsplit('/').next().unwrap_or_default());
        let facts = ProjectFacts {
            project: &project,
            builds,
            texts: self.files.iter().map(|(n, t)| ((*n).to_owned(), t.clone())).collect(),
            dockerfiles: self.files.keys().filter(like).map(PathBuf::from).collect(),
            folders: self.folders.iter().map(PathBuf::from).collect(),
        };
        let mut found = Findings::default();
        find(&facts, &mut found);
        found
    }

    fn path_of(&self, build: &crate::project::Build) -> Option<PathBuf> {
        match &build.dockerfile.value {
            DockerfileRef::Default => Some(project::join(build.context.value.folder()?, "Dockerfile")),
            DockerfileRef::Path { path, .. } => Some(path.clone()),
            _ => None,
        }
    }

    fn parsed(&self, build: &crate::project::Build) -> Option<Dockerfile> {
        let text = match &build.dockerfile.value {
            DockerfileRef::Inline(text) => text,
            _ => self.files.get(self.path_of(build)?.to_str()?)?,
        };
        Dockerfile::parse(text.as_bytes()).ok()
    }

    fn on_disk<'a>(&self, build: &crate::project::Build, parsed: Option<&'a Dockerfile>) -> BuildFacts<'a> {
        let named = build.named.iter().filter_map(|(name, v)| match &v.value {
            NamedRef::Folder(path) => Some((name.clone(), self.presence(path))),
            _ => None,
        });
        let of_secret =
            |s: &crate::project::SecretRef| s.file.as_ref().map_or(Presence::Elsewhere, |f| self.presence(f));
        let bad = build.platforms.iter().enumerate().filter(|(_, p)| p.value.contains(','));
        BuildFacts {
            context: match &build.context.value {
                ContextRef::Folder { path, .. } => self.presence(path),
                ContextRef::Remote(_) => Presence::Elsewhere,
            },
            dockerfile: self.path_of(build).map_or(Presence::Elsewhere, |p| self.presence(&p)),
            parsed,
            named: named.collect(),
            secrets: build.secrets.iter().map(of_secret).collect(),
            bad_platforms: bad.map(|(n, _)| (n, "a comma".to_owned())).collect(),
        }
    }

    fn codes(&self) -> Vec<&'static str> {
        self.found().0.iter().map(|f| f.rule.code).collect()
    }
}

fn compose(text: &str) -> World {
    World::of(&[("compose.yaml", text), ("Dockerfile", PLAIN), ("docker/api.Dockerfile", PLAIN)])
}

fn place(finding: &Finding) -> (usize, usize) {
    finding.labels.first().map_or((0, 0), |l| (l.line, l.column))
}

#[test]
fn a_healthy_project_gives_nothing() {
    let world = compose(
        "services:\n  api:\n    build:\n      context: .\n      dockerfile: docker/api.Dockerfile\n      target: RELEASE\n      args: {VERSION: 2, HTTP_PROXY: x, TARGETARCH: arm64, BUILDKIT_INLINE_CACHE: 1}\n      platforms: [linux/amd64]\n  db:\n    image: postgres\n",
    );
    assert_eq!(world.codes(), [""; 0]);
}

#[test]
fn a_dockerfile_that_moved_is_told_with_where_it_is_and_the_line_that_mends_it() {
    let world =
        compose("services:\n  api:\n    build:\n      context: .\n      dockerfile: old/api.Dockerfile\n");
    let found = world.found().0;
    assert_eq!(world.codes(), ["project-dockerfile-missing"]);
    assert_eq!(found[0].message, "the Dockerfile of api is not there: old/api.Dockerfile");
    assert_eq!(place(&found[0]), (5, 19));
    let reference = found[0].reference.as_ref().unwrap();
    assert_eq!(
        (reference.written.as_str(), reference.resolved.as_str()),
        ("old/api.Dockerfile", "old/api.Dockerfile")
    );
    assert_eq!(
        (reference.found.as_slice(), reference.fix.as_deref()),
        (&["docker/api.Dockerfile".to_owned()][..], Some("docker/api.Dockerfile"))
    );
    let fix = found[0].help[0].fix.as_ref().unwrap();
    assert_eq!(
        fix.edits,
        [Edit { line: 5, remove: 1, insert: vec!["      dockerfile: docker/api.Dockerfile".to_owned()] }]
    );
}

#[test]
fn a_dockerfile_that_is_nowhere_has_no_fix() {
    let world = compose(
        "services:\n  api:\n    build:\n      context: .\n      dockerfile: docker/load-tester.Dockerfile\n",
    );
    let found = world.found().0;
    assert_eq!(world.codes(), ["project-dockerfile-missing"]);
    assert_eq!(found[0].reference.as_ref().unwrap().fix, None);
    assert!(found[0].help[0].fix.is_none());
}

#[test]
fn a_context_that_is_missing_or_a_file_is_told_and_a_folder_of_a_similar_name_proposed() {
    let world = compose("services:\n  a:\n    build: ./servces\n  b:\n    build: docker/api.Dockerfile\n");
    let found = world.found().0;
    assert_eq!(world.codes(), ["project-context-missing", "project-context-missing"]);
    assert_eq!(found[0].message, "the context of a is not there: servces");
    assert_eq!(found[0].help[0].message, "write services");
    assert_eq!(found[1].message, "the context of b is a file, not a folder: docker/api.Dockerfile");
}

#[test]
fn named_contexts_and_secret_files_that_are_missing_are_told() {
    let world = compose(
        "services:\n  a:\n    build:\n      context: .\n      additional_contexts: {x: ./dcker, y: ./docker, z: docker-image://a}\n      secrets: [s, e]\nsecrets:\n  s: {file: ./token}\n  e: {environment: E}\n",
    );
    assert_eq!(world.codes(), ["project-named-context-missing", "project-secret-file-missing"]);
    assert_eq!(world.found().0[0].help[0].message, "write docker");
}

#[test]
fn an_unknown_target_is_told_with_the_stage_that_is_meant() {
    let world = compose("services:\n  a:\n    build:\n      context: .\n      target: relase\n");
    let found = world.found().0;
    assert_eq!(world.codes(), ["project-target-unknown"]);
    assert_eq!(found[0].help[0].message, "write release");
    assert_eq!(found[0].engine_message.as_deref(), Some("target stage \"relase\" could not be found"));
    assert_eq!(compose("services:\n  a: {build: {context: ., target: \"0\"}}\n").codes(), [""; 0]);
    assert_eq!(
        compose("services:\n  a: {build: {context: ., target: \"2\"}}\n").codes(),
        ["project-target-unknown"]
    );
}

#[test]
fn an_argument_that_nothing_declares_is_a_warning_and_one_of_another_stage_a_note() {
    let world = compose("services:\n  a:\n    build:\n      context: .\n      args:\n        VERSON: 3\n");
    let found = world.found().0;
    assert_eq!(world.codes(), ["project-argument-unknown"]);
    assert_eq!(
        (found[0].severity, found[0].help[0].message.as_str()),
        (Severity::Warning, "did you mean VERSION?")
    );
    assert_eq!(place(&found[0]), (6, 9));
    let text = "FROM alpine AS a\nARG X=1\nFROM alpine\nRUN y\n";
    let world = World::of(&[
        ("compose.yaml", "services: {a: {build: {context: ., args: {X: 1}}}}\n"),
        ("Dockerfile", text),
    ]);
    assert_eq!(world.found().0[0].severity, Severity::Note);
}

#[test]
fn arguments_of_a_shared_list_are_told_only_when_nobody_uses_them() {
    let text = "x-args: &args\n  VERSION: 1\n  NOBODY: 2\nservices:\n  a:\n    build:\n      context: .\n      args: *args\n  b:\n    build:\n      context: docker\n      dockerfile_inline: FROM alpine\n      args: *args\n";
    let world = compose(text);
    let messages: Vec<String> = world.found().0.iter().map(|f| f.message.clone()).collect();
    assert_eq!(
        messages,
        ["the Dockerfile of a declares no ARG NOBODY", "the Dockerfile of b declares no ARG NOBODY"]
    );
}

#[test]
fn arguments_are_not_judged_in_another_language_or_below_triggers() {
    for text in ["# syntax=example/other\nFROM a\n", "FROM node:onbuild\n", "FROM a\nONBUILD ARG X\n"] {
        let world = World::of(&[
            ("compose.yaml", "services: {a: {build: {context: ., args: {X: 1}}}}\n"),
            ("Dockerfile", text),
        ]);
        assert_eq!(world.codes(), [""; 0], "{text}");
    }
}

#[test]
fn an_argument_that_gets_no_value_is_a_note() {
    let text = "ARG G=1\nFROM alpine\nARG G\nARG X\nARG TARGETARCH\nRUN y\n";
    let world = World::of(&[("compose.yaml", "services: {a: {build: .}}\n"), ("Dockerfile", text)]);
    let found = world.found().0;
    assert_eq!(world.codes(), ["project-argument-without-value"]);
    assert_eq!(found[0].message, "the ARG X of a has no value: no default, and none is given");
    let given = World::of(&[
        ("compose.yaml", "services: {a: {build: {context: ., args: {X: 1}}}}\n"),
        ("Dockerfile", text),
    ]);
    assert_eq!(given.codes(), [""; 0]);
}

#[test]
fn a_platform_that_is_none_is_told() {
    let text = "target \"a\" {\n  platforms = [\"linux/amd64,linux/arm64\"]\n}\n";
    let world = World::of(&[("docker-bake.hcl", text), ("Dockerfile", PLAIN)]);
    assert_eq!(world.codes(), ["project-platform-invalid"]);
    assert_eq!(place(&world.found().0[0]), (2, 17));
}

#[test]
fn an_unset_variable_warns_within_a_build_and_is_a_note_elsewhere() {
    let world = compose(
        "services:\n  a:\n    build:\n      context: .\n      args: {VERSION: \"${X}\"}\n    environment: {P: \"${Y}\", Z: \"${Z:-z}\"}\n",
    );
    let found = world.found().0;
    let told: Vec<_> = found.iter().map(|f| (f.rule.code, f.severity, f.labels[0].line)).collect();
    assert_eq!(
        told,
        [("project-variable-unset", Severity::Warning, 5), ("project-variable-unset", Severity::Note, 6)]
    );
}

#[test]
fn an_obsolete_version_and_an_absolute_path_are_notes() {
    let mut world = compose("version: \"3\"\nservices:\n  a:\n    build: /srv/a\n");
    world.folders.push("/srv/a");
    world.files.insert("/srv/a/Dockerfile", PLAIN.to_owned());
    let found = world.found().0;
    let told: Vec<_> = found.iter().map(|f| (f.rule.code, f.severity)).collect();
    assert_eq!(
        told,
        [("project-version-obsolete", Severity::Note), ("project-path-absolute", Severity::Note)]
    );
}

#[test]
fn builds_that_differ_only_in_their_tags_are_a_note_and_others_are_not() {
    let world = compose(
        "services:\n  a: {build: ., image: a}\n  b: {build: {context: ., dockerfile: Dockerfile}, image: b}\n  c: {build: {context: ., args: {VERSION: 3}}}\n",
    );
    let found = world.found().0;
    assert_eq!(world.codes(), ["project-builds-equal"]);
    assert_eq!(found[0].message, "a, b build the same image");
    assert_eq!(found[0].labels.len(), 2);
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_line_and_column() {
    let found = compose("services:\n  a:\n    build: [.\n").found().0;
    assert_eq!(found[0].rule.code, "project-file-invalid");
    assert!(found[0].labels[0].line >= 3 && found[0].labels[0].column > 0, "{found:?}");
    let world = World::of(&[("docker-bake.hcl", "target \"a\" {\n  args = {\n"), ("Dockerfile", PLAIN)]);
    assert_eq!(world.codes(), ["project-file-invalid"]);
    assert!(world.found().0[0].labels[0].line >= 1);
}

#[test]
fn what_is_wrong_with_one_build_hides_no_other() {
    let world = compose(
        "services:\n  a:\n    build: {context: ., dockerfle: x}\n  b:\n    build: {context: [x]}\n  c:\n    build: {context: ., target: nope}\n",
    );
    let codes = world.codes();
    assert_eq!(codes, ["project-build-invalid", "project-build-invalid", "project-target-unknown"]);
    assert_eq!(world.found().0[0].help[0].message, "did you mean `dockerfile`?");
}

#[test]
fn values_that_change_by_themselves_and_circles_of_targets_are_told() {
    let text = "target \"a\" {\n  inherits = [\"b\"]\n  args = { VERSION = timestamp() }\n}\ntarget \"b\" {\n  inherits = [\"a\"]\n  output = [nothing(1)]\n}\n";
    let codes = World::of(&[("docker-bake.hcl", text), ("Dockerfile", PLAIN)]).codes();
    for code in ["project-value-volatile", "project-inherits-itself"] {
        assert!(codes.contains(&code), "{code}: {codes:?}");
    }
}

#[test]
fn a_part_that_says_nothing_about_what_is_built_is_only_told_of() {
    let text = "target \"a\" {\n  output = [nothing(1)]\n}\n";
    let world = World::of(&[("docker-bake.hcl", text), ("Dockerfile", PLAIN)]);
    assert_eq!(world.codes(), ["project-part-unread"]);
    assert_eq!(world.project().kind, ProjectKind::Bake);
}

#[test]
fn every_rule_has_a_page_with_two_examples() {
    for rule in RULES {
        assert!(rule.page.matches("```").count() >= 4 && rule.page.contains("Put right"), "{}", rule.code);
        assert!(!rule.summary.ends_with('.'), "{}", rule.code);
    }
}
