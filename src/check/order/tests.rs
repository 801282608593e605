//! Each rule with a build that breaks it and one that doesn't.

use super::super::trial::Trial;
use super::super::{Churn, Finding, Severity};
use super::find;

fn all(files: &[&str], dockerfile: &str) -> Vec<Finding> {
    Trial { files, dockerfile, ..Trial::default() }.find(find)
}

fn codes(files: &[&str], dockerfile: &str) -> Vec<&'static str> {
    all(files, dockerfile).iter().map(|f| f.rule.code).collect()
}

fn one(files: &[&str], dockerfile: &str) -> Finding {
    let found = all(files, dockerfile);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

fn fixes(finding: &Finding) -> Vec<(usize, usize, Vec<&str>)> {
    let edits = finding.help.iter().filter_map(|h| h.fix.as_ref()).flat_map(|f| &f.edits);
    edits.map(|e| (e.line, e.remove, e.insert.iter().map(String::as_str).collect())).collect()
}

const NODE: &[&str] = &["package.json", "package-lock.json", "src/a.js", "src/b.js"];

#[test]
fn everything_before_an_install_is_told_with_the_manifests_first() {
    let found = one(NODE, "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n");
    assert_eq!((found.rule.code, found.severity), ("copy-before-install", Severity::Warning));
    assert_eq!((found.labels[0].line, found.labels[1].line), (3, 4));
    let want = [(3, 0, vec!["COPY package.json package-lock.json ./", "RUN npm ci"]), (4, 1, vec![])];
    assert_eq!(fixes(&found), want);
}

#[test]
fn other_languages_are_known() {
    for (files, run) in [
        (&["requirements.txt", "a.py", "b.py"][..], "pip install -r requirements.txt"),
        (&["go.mod", "go.sum", "main.go", "x.go"], "go mod download"),
        (&["Gemfile", "a.rb", "b.rb"], "bundle install"),
        (&["composer.json", "a.php", "b.php"], "composer install"),
        (&["pom.xml", "src/A.java", "src/B.java"], "mvn dependency:go-offline"),
        (&["app.csproj", "A.cs", "B.cs"], "dotnet restore"),
    ] {
        let text = format!("FROM x\nWORKDIR /app\nCOPY . .\nRUN {run}\n");
        assert_eq!(codes(files, &text), ["copy-before-install"], "{run}");
    }
}

#[test]
fn an_install_that_has_its_manifests_first_is_quiet() {
    for text in [
        "FROM node\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n",
        "FROM node\nWORKDIR /app\nCOPY . .\nRUN --mount=type=cache,target=/root/.npm npm ci\n",
        "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm install -g serve\n",
        "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm run build\n",
        "FROM node\nWORKDIR /elsewhere\nCOPY . /app/\nRUN npm ci\n",
        "FROM node AS deps\nWORKDIR /app\nCOPY package.json ./\nRUN npm ci\nFROM deps\nCOPY . .\nRUN npm ci --omit=dev\n",
    ] {
        assert!(codes(NODE, text).is_empty(), "{text}");
    }
    let without = "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\n";
    assert!(codes(&["src/a.js", "src/b.js"], without).is_empty());
    assert!(codes(&["package.json", ".npmrc"], without).is_empty());
}

#[test]
fn workspaces_are_a_note_without_a_change() {
    let files = ["package.json", "packages/a/package.json", "packages/a/x.js", "y.js"];
    let found = one(&files, "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\n");
    assert_eq!((found.severity, found.help[0].fix.is_none()), (Severity::Note, true));
}

#[test]
fn a_folder_is_followed_to_where_the_command_runs() {
    let files = ["web/package.json", "web/a.js", "web/b.js", "x"];
    assert_eq!(codes(&files, "FROM node\nCOPY . /app\nRUN cd /app/web && npm ci\n"), ["copy-before-install"]);
    assert_eq!(codes(&files, "FROM node\nWORKDIR /app\nCOPY web ./\nRUN npm ci\n"), ["copy-before-install"]);
}

#[test]
fn an_argument_of_the_commit_above_steps_that_do_not_use_it_moves_down() {
    let text = "FROM alpine\nARG GIT_SHA\nRUN apk add git\nRUN mkdir /a && npm ci\n# which one\nRUN build $GIT_SHA\n";
    let found = one(&["a"], text);
    assert_eq!(
        (found.rule.code, found.severity, found.steps.len()),
        ("volatile-arg-early", Severity::Warning, 2)
    );
    assert_eq!(found.message, "`GIT_SHA` enters the keys of 2 RUN steps that do not use it");
    assert_eq!(fixes(&found), [(2, 1, vec![]), (5, 0, vec!["ARG GIT_SHA"])]);
}

#[test]
fn a_label_goes_down_with_its_argument() {
    let text = "FROM alpine\nARG GIT_SHA=none\nLABEL rev=$GIT_SHA\nRUN apk add git\nCMD [\"sh\"]\n";
    let found = one(&["a"], text);
    assert_eq!(found.severity, Severity::Note);
    let want = [(2, 1, vec![]), (3, 1, vec![]), (6, 0, vec!["ARG GIT_SHA=none", "LABEL rev=$GIT_SHA"])];
    assert_eq!(fixes(&found), want);
}

#[test]
fn an_argument_right_above_its_use_or_with_a_fixed_value_is_quiet() {
    for text in [
        "FROM alpine\nRUN apk add git\nARG GIT_SHA\nRUN build --rev $GIT_SHA\nRUN apk add jq\n",
        "FROM alpine\nRUN apk add git\nARG GIT_SHA\nLABEL rev=$GIT_SHA\n",
        "FROM alpine\nARG VERSION=1.2\nRUN apk add git\nRUN get $VERSION\n",
        "ARG GIT_SHA\nFROM alpine\nRUN apk add git\n",
        // Programs of the project may read it.
        "FROM alpine\nARG GIT_SHA\nRUN make\n",
        "FROM alpine\nARG GIT_SHA\nENV REV=$GIT_SHA\nRUN echo $REV\n",
    ] {
        assert!(codes(&["a"], text).is_empty(), "{text}");
    }
    let text = "FROM alpine\nARG VERSION\nRUN apk add git\nRUN get $VERSION\n";
    assert_eq!(codes(&["a"], text), ["volatile-arg-early"]);
}

#[test]
fn chmod_does_not_hide_odd_modes_from_the_key() {
    let dockerfile = "FROM scratch\nCOPY --chmod=755 run.sh /\n";
    let trial = Trial { files: &["run.sh"], dockerfile, modes: &[("run.sh", 0o775)], ..Trial::default() };
    let found = trial.find(find);
    assert_eq!(found[0].rule.code, "chmod-keeps-modes-in-key");
    assert!(
        found[0].message.contains("1 of 1 file is neither 0644 nor 0755 (`run.sh` is 0775)"),
        "{}",
        found[0].message
    );
    assert!(Trial { modes: &[], ..trial }.codes(find).is_empty());
    let plain = Trial {
        files: &["run.sh"],
        dockerfile: "FROM scratch\nCOPY run.sh /\n",
        modes: &[("run.sh", 0o775)],
        ..Trial::default()
    };
    assert!(plain.codes(find).is_empty());
}

#[test]
fn a_mount_of_the_whole_context_is_a_note() {
    let found = one(&["a", "b"], "FROM alpine\nRUN --mount=type=bind,target=/src make\n");
    assert_eq!((found.rule.code, found.severity), ("bind-mount-whole-context", Severity::Note));
    assert!(codes(&["a", "b"], "FROM alpine\nRUN --mount=type=bind,source=a,target=/a make\n").is_empty());
}

#[test]
fn a_file_that_changes_often_in_a_narrow_copy_is_told() {
    let churn = |version: usize| {
        Some(Churn { commits: 100, paths: vec![(b"VERSION".to_vec(), version), (b"build.cfg".to_vec(), 2)] })
    };
    let dockerfile = "FROM alpine\nCOPY build.cfg VERSION ./\nRUN make\n";
    let trial =
        |n| Trial { files: &["VERSION", "build.cfg"], dockerfile, churn: churn(n), ..Trial::default() };
    let found = trial(40).find(find);
    assert_eq!(found[0].rule.code, "volatile-file-early");
    assert_eq!((found[0].labels[0].line, found[0].labels[0].column), (2, 16));
    assert!(trial(4).codes(find).is_empty());
    let last = Trial { dockerfile: "FROM alpine\nRUN make\nCOPY build.cfg VERSION ./\n", ..trial(40) };
    assert!(last.codes(find).is_empty());
}
