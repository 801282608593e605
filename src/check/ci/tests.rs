//! Each rule about workflows fires where it should, and nowhere else.

use super::super::{Finding, Severity};
use super::*;

const BUILDX: &str = "      - uses: docker/setup-buildx-action@v3\n";
const STAGES: &str = "FROM golang AS build\nRUN go build\nFROM alpine AS base\nRUN apk add x\nFROM base\nCOPY --from=build /x /x\n";

/// A workflow of one job with these steps.
fn steps(steps: &str) -> String {
    format!(
        "on: push\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4\n{steps}"
    )
}

/// A step of the action with these inputs.
fn action(with: &str) -> String {
    let lines: String = with.lines().map(|l| format!("          {l}\n")).collect();
    format!("      - uses: docker/build-push-action@v6\n        with:\n{lines}")
}

fn found_in(texts: &[&str], dockerfile: &str) -> Vec<Finding> {
    let parsed = Dockerfile::parse(dockerfile.as_bytes()).unwrap();
    let workflows: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(n, t)| Workflow::parse(&format!(".github/workflows/{n}.yml"), t))
        .collect();
    let dockerfiles = dockerfiles(&workflows).into_iter().map(|p| (p, &parsed)).collect();
    let mut found = Findings::default();
    find(&CiFacts { workflows, dockerfiles }, &mut found);
    found.0
}

fn codes(text: &str) -> Vec<&'static str> {
    found_in(&[text], "FROM alpine\nRUN x\n").iter().map(|f| f.rule.code).collect()
}

fn place(finding: &Finding) -> (usize, usize) {
    finding.labels.first().map_or((0, 0), |l| (l.line, l.column))
}

const GOOD: &str = "context: .\ncache-from: type=gha\ncache-to: type=gha,mode=max";

#[test]
fn a_healthy_workflow_gives_nothing() {
    assert_eq!(codes(&steps(&format!("{BUILDX}{}", action(GOOD)))), [""; 0]);
    assert_eq!(codes(&steps("      - run: docker build -t x . && docker push x\n")), [""; 0]);
    assert_eq!(codes("on: push\n"), [""; 0]);
    assert_eq!(codes(""), [""; 0]);
}

fn matrix(with: &str) -> String {
    let text = steps(&format!("{BUILDX}{}", action(with)));
    text.replace("    runs-on", "    strategy:\n      matrix:\n        app: [a, b]\n    runs-on")
}

#[test]
fn jobs_of_a_matrix_without_a_scope_of_their_own_overwrite_each_other() {
    let shared =
        "context: ${{ matrix.app }}\ncache-to: |\n  type=registry,ref=x,mode=max\n  type=gha,mode=max";
    let found = found_in(&[&matrix(shared)], "FROM a\n");
    assert_eq!(found.iter().map(|f| f.rule.code).collect::<Vec<_>>(), ["ci-cache-scope-shared"]);
    assert_eq!(place(&found[0]), (16, 13));
    let fixed = "context: ${{ matrix.app }}\ncache-to: type=gha,mode=max,scope=constant";
    assert_eq!(codes(&matrix(fixed)), ["ci-cache-scope-shared"]);
    for fine in [
        "context: ${{ matrix.app }}\ncache-to: type=gha,mode=max,scope=${{ matrix.app }}",
        "context: ${{ matrix.app }}\ncache-to: type=gha,mode=max,scope=${{ github.ref_name }}-${{ env.APP }}",
        "context: ${{ matrix.app }}\ncache-to: type=registry,ref=x,mode=max",
        "context: .\ncache-to: type=gha,mode=max",
    ] {
        assert_eq!(codes(&matrix(fine)), [""; 0], "{fine}");
    }
}

#[test]
fn two_images_with_one_scope_overwrite_each_other() {
    let one =
        |context: &str, more: &str| action(&format!("context: {context}\ncache-to: type=gha,mode=max{more}"));
    let text = steps(&format!("{BUILDX}{}{}", one("a", ""), one("b", "")));
    let found = found_in(&[&text], "FROM a\n");
    assert_eq!(found.iter().map(|f| f.rule.code).collect::<Vec<_>>(), ["ci-cache-scope-shared"]);
    assert_eq!(found[0].labels.iter().map(|l| l.line).collect::<Vec<_>>(), [15, 11]);
    assert_eq!(codes(&steps(&format!("{BUILDX}{}{}", one("a", ",scope=a"), one("b", ",scope=b")))), [""; 0]);
    assert_eq!(codes(&steps(&format!("{BUILDX}{}{}", one("a", ""), one("a", "")))), [""; 0]);
}

#[test]
fn a_script_has_no_way_to_githubs_cache_unless_it_is_exposed() {
    let run =
        "      - run: |\n          echo x\n          docker buildx build --cache-to type=gha,mode=max .\n";
    let found = found_in(&[&steps(&format!("{BUILDX}{run}"))], "FROM a\n");
    assert_eq!(found.iter().map(|f| f.rule.code).collect::<Vec<_>>(), ["ci-gha-cache-in-run"]);
    assert_eq!(place(&found[0]), (10, 42));
    let exposed = "      - uses: crazy-max/ghaction-github-runtime@v3\n";
    assert_eq!(codes(&steps(&format!("{BUILDX}{exposed}{run}"))), [""; 0]);
    assert_eq!(codes(&steps(&format!("{BUILDX}{}", run.replace("gha,", "local,dest=/tmp/x,")))), [""; 0]);
}

#[test]
fn a_cache_without_the_stages_that_do_the_work_is_told() {
    let text = |to: &str, more: &str| {
        steps(&format!("{BUILDX}{}", action(&format!("context: .\n{more}cache-to: {to}"))))
    };
    for to in ["type=gha", "type=registry,ref=x,mode=min", "type=local,dest=x"] {
        let found = found_in(&[&text(to, "")], STAGES);
        assert_eq!(found.iter().map(|f| f.rule.code).collect::<Vec<_>>(), ["ci-cache-mode-min"], "{to}");
        assert!(found[0].message.contains("the stage build out"), "{}", found[0].message);
    }
    for (to, more, dockerfile) in [
        ("type=gha,mode=max", "", STAGES),
        ("type=inline", "", STAGES),
        ("type=gha", "", "FROM a AS b\nRUN x\nFROM b\nRUN y\n"),
        ("type=gha", "target: base\n", STAGES),
        ("type=gha", "file: ${{ x }}\n", STAGES),
    ] {
        assert!(found_in(&[&text(to, more)], dockerfile).is_empty(), "{to} {more}");
    }
}

#[test]
fn the_commit_is_built_where_a_changed_folder_is_meant() {
    let build = action("push: true");
    let told = |before: &str| {
        let found = found_in(&[&steps(&format!("{before}{build}"))], "FROM a\n");
        found.iter().map(|f| (f.rule.code, f.severity)).collect::<Vec<_>>()
    };
    let warned = [("ci-git-context", Severity::Warning)];
    assert_eq!(told("      - uses: actions/download-artifact@v4\n"), warned);
    assert_eq!(told("      - run: sed -i s/a/b/ Dockerfile\n"), warned);
    assert_eq!(told("      - run: npm run build\n"), [("ci-git-context", Severity::Note)]);
    assert_eq!(told("      - run: npm ci && npm test\n"), []);
    assert_eq!(told(""), []);
    let with_context = format!("      - uses: actions/download-artifact@v4\n{}", action("context: ."));
    assert_eq!(codes(&steps(&with_context)), [""; 0]);
}

#[test]
fn another_revision_that_is_checked_out_is_not_the_commit_that_is_built() {
    let text = |reference: &str| {
        format!(
            "jobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n        with:\n          ref: {reference}\n{}",
            action("push: true")
        )
    };
    assert_eq!(codes(&text("develop")), ["ci-git-context"]);
    assert_eq!(codes(&text("${{ github.sha }}")), [""; 0]);
}

#[test]
fn a_cache_that_no_workflow_writes_is_always_empty() {
    let reads = steps(&format!("{BUILDX}{}", action("context: .\ncache-from: type=gha,scope=a")));
    let writes = |scope: &str| {
        steps(&format!(
            "{BUILDX}{}",
            action(&format!("context: .\ncache-to: type=gha,mode=max,scope={scope}"))
        ))
    };
    let all = |texts: &[&str]| found_in(texts, "FROM a\n").iter().map(|f| f.rule.code).collect::<Vec<_>>();
    assert_eq!(all(&[&reads]), ["ci-cache-never-written"]);
    assert_eq!(all(&[&reads, &writes("b")]), ["ci-cache-never-written"]);
    assert_eq!(all(&[&reads, &writes("a")]), [""; 0]);
    assert_eq!(all(&[&reads, &writes("${{ github.job }}")]), [""; 0]);
    let registry = steps(&format!("{BUILDX}{}", action("context: .\ncache-from: user/app:cache")));
    assert_eq!(all(&[&registry]), [""; 0]);
}

#[test]
fn a_cache_is_not_exported_by_the_engines_own_builder() {
    let found = found_in(&[&steps(&action("context: .\ncache-to: type=gha,mode=max"))], "FROM a\n");
    assert_eq!(found.iter().map(|f| f.rule.code).collect::<Vec<_>>(), ["ci-cache-without-builder"]);
    let run = "      - run: docker build --cache-to=type=registry,ref=x,mode=max .\n";
    assert_eq!(codes(&steps(run)), ["ci-cache-without-builder"]);
    for fine in
        ["      - uses: ./.github/actions/prepare\n", "      - run: docker buildx create --use\n", BUILDX]
    {
        assert_eq!(codes(&steps(&format!("{fine}{run}"))), [""; 0], "{fine}");
    }
    assert_eq!(codes(&steps(&action("context: .\ncache-to: type=inline"))), [""; 0]);
    let own = steps(run).replace("ubuntu-24.04", "[self-hosted, linux]");
    assert_eq!(codes(&own), [""; 0]);
}

#[test]
fn a_cache_that_may_not_be_used_is_told() {
    let text = |no: &str| steps(&format!("{BUILDX}{}", action(&format!("{GOOD}\nno-cache: {no}"))));
    let found = found_in(&[&text("true")], "FROM a\n");
    assert_eq!(found.iter().map(|f| f.rule.code).collect::<Vec<_>>(), ["ci-cache-unused"]);
    assert_eq!(found[0].labels.len(), 2);
    assert_eq!(codes(&text("false")), [""; 0]);
    assert_eq!(codes(&text("${{ inputs.clean }}")), [""; 0]);
}

#[test]
fn a_workflow_that_is_not_yaml_is_told_with_its_line_and_hides_no_other() {
    let found = found_in(
        &["jobs:\n  a: [\n", &steps(&action("context: .\ncache-to: type=gha,mode=max"))],
        "FROM a\n",
    );
    let told: Vec<_> = found.iter().map(|f| f.rule.code).collect();
    assert_eq!(told, ["ci-workflow-invalid", "ci-cache-without-builder"]);
    assert!(found[0].labels[0].line >= 2);
}

#[test]
fn every_rule_has_a_page_with_two_examples() {
    for rule in RULES {
        assert!(rule.page.matches("```").count() >= 4 && rule.page.contains("Put right"), "{}", rule.code);
        assert!(!rule.summary.ends_with('.'), "{}", rule.code);
    }
}
