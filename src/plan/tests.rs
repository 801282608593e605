//! What a plan promises beyond BuildKit's graph: what is open and why, steps, errors, warnings.

use super::*;
use crate::dockerfile::Dockerfile;

/// Knows no image.
struct NoImages;

impl Images for NoImages {
    fn image(&self, _: &str, _: &Platform) -> Result<Option<Image>, String> {
        Ok(None)
    }

    fn named(&self, name: &str, _: &Platform) -> Result<Image, String> {
        Err(format!("{name}: no index.json"))
    }
}

fn plan_with(text: &str, options: &PlanOptions) -> Plan {
    Plan::resolve(&Dockerfile::parse(text.as_bytes()).unwrap(), options, &NoImages).unwrap()
}

fn plan(text: &str) -> Plan {
    plan_with(text, &PlanOptions::default())
}

fn vertex<'p>(plan: &'p Plan, instruction: &str) -> &'p Vertex {
    let step = plan.steps.iter().find(|s| s.text.contains(instruction)).unwrap();
    &plan.graph.vertices[step.vertex.0]
}

const UNKNOWN: &str = "the config of base image alpine:3.19 is not known (give it with --base alpine:3.19=PATH, an OCI layout or an image config)";

#[test]
fn on_an_unknown_base_the_graph_goes_on_and_says_what_hangs_on_it() {
    let plan = plan(
        "FROM alpine:3.19\nCOPY a /a\nCOPY b /b\nCOPY c rel/\nWORKDIR /w\nUSER me\nWORKDIR /x\nCOPY d rel/\nRUN make\n",
    );
    for open in ["FROM", "COPY a /a", "COPY c rel/", "WORKDIR /w", "RUN make"] {
        assert_eq!(vertex(&plan, open).open, [UNKNOWN], "{open}");
    }
    for known in ["COPY b /b", "WORKDIR /x", "COPY d rel/"] {
        assert!(vertex(&plan, known).open.is_empty(), "{known}");
    }
    assert!(plan.errors.is_empty());
    assert_eq!(plan.steps[0].name, "[1/8] FROM docker.io/library/alpine:3.19");
}

#[test]
fn a_path_from_a_variable_of_an_unknown_base_is_not_read() {
    let plan = plan(
        "FROM alpine:3.19\nARG A=a\nENV H=$HOME/x K=v\nCOPY one /1\nCOPY $A /2\nCOPY $HOME /3\nCOPY $H /4\nCOPY $K /5\nCOPY f $H/\n",
    );
    let open = |i: &str| (vertex(&plan, i).open.is_empty(), vertex(&plan, i).paths_open);
    assert_eq!(open("COPY $A"), (true, false));
    assert_eq!(open("COPY $HOME"), (false, true));
    assert_eq!(open("COPY $H /4"), (false, true));
    assert_eq!(open("COPY $K"), (true, false));
    assert_eq!(open("COPY f"), (false, false));
}

#[test]
fn a_stage_inherits_what_is_not_known() {
    let plan =
        plan("FROM alpine:3.19 AS one\nCOPY a /a\nFROM one\nRUN x\nFROM one AS two\nCOPY b rel\nRUN y\n");
    assert_eq!(vertex(&plan, "COPY b").open, [UNKNOWN]);
    assert_eq!(vertex(&plan, "RUN y").open, [UNKNOWN]);
}

#[test]
fn files_from_an_unknown_image_are_open_and_its_step_stands_before_the_copy() {
    let plan = plan("FROM scratch\nCOPY a /\nCOPY --from=alpine:3.19 /etc /e\n");
    let names: Vec<&str> = plan.steps.iter().map(|s| s.name.as_str()).collect();
    let want = [
        "[stage-0 1/2] COPY a /",
        "FROM docker.io/library/alpine:3.19",
        "[stage-0 2/2] COPY --from=alpine:3.19 /etc /e",
    ];
    assert_eq!(names, want);
    assert_eq!(vertex(&plan, "--from").open, [UNKNOWN]);
}

#[test]
fn remote_sources_are_open_unless_a_checksum_tells_them() {
    let sum = "0".repeat(64);
    let plan = plan(&format!(
        "FROM scratch\nADD https://h.example/f /1\nADD --checksum=sha256:{sum} https://h.example/g.tgz /2\nADD https://h.example/r.git /3\n"
    ));
    let open = |wanted: &str| {
        let of = |v: &&Vertex| matches!(&v.op, Op::Source(Source::Http { url: u, .. } | Source::Git { remote: u, .. }) if u.ends_with(wanted));
        plan.graph.vertices.iter().find(of).unwrap().open.len()
    };
    assert_eq!([open("/f"), open("/g.tgz"), open("/r.git")], [1, 0, 1]);
}

#[test]
fn an_image_that_should_be_readable_stops_everything() {
    let mut options = PlanOptions::default();
    options.named_contexts.insert("base".into(), NamedContext::OciLayout);
    let dockerfile = Dockerfile::parse(b"FROM base\n").unwrap();
    let error = Plan::resolve(&dockerfile, &options, &NoImages).unwrap_err();
    assert_eq!(error.to_string(), "reading image base: base: no index.json");
}

#[test]
fn a_named_context_is_found_in_every_spelling() {
    for key in ["alpine", "alpine:latest", "docker.io/library/alpine"] {
        let mut options = PlanOptions::default();
        options.named_contexts.insert(key.into(), NamedContext::Local);
        let plan = plan_with("FROM alpine\nCOPY a /\n", &options);
        let local = |v: &Vertex| matches!(&v.op, Op::Source(Source::Local(l)) if l.name == key);
        assert!(plan.graph.vertices.iter().any(local), "{key}");
    }
}

#[test]
fn an_instruction_that_fails_is_named_and_the_others_stay() {
    let plan =
        plan("FROM scratch AS s\nCOPY a /a\nCOPY https://h.example/x /b\nCOPY --chmod=9 c /c\nCOPY d /d\n");
    let [first, second] = plan.errors.as_slice() else { panic!("{:?}", plan.errors) };
    assert_eq!(first.engine_message, "source can't be a URL for COPY");
    assert_eq!(first.step.as_deref(), Some("[2/4] COPY https://h.example/x /b"));
    assert_eq!(first.span.map(|s| s.line), Some(3));
    assert_eq!((second.code, second.span.map(|s| s.line)), ("invalid-chmod", Some(4)));
    assert_eq!(plan.steps.len(), 2);
}

#[test]
fn a_target_that_is_not_there_comes_with_a_hint() {
    let options = PlanOptions { target: Some("bilder".into()), ..PlanOptions::default() };
    let plan = plan_with("FROM scratch AS builder\nCOPY a /\n", &options);
    assert_eq!(
        plan.errors[0].engine_message,
        "target stage \"bilder\" could not be found (did you mean builder?)"
    );
    assert_eq!(plan.errors[0].hint.as_deref(), Some("did you mean builder?"));
    assert!(plan.steps.is_empty() && plan.target.is_none());
}

#[test]
fn a_stage_named_in_the_wrong_case_is_suggested() {
    let plan = plan("FROM scratch AS base\nFROM Base\nCOPY a /\n");
    assert_eq!(plan.errors[0].hint.as_deref(), Some("did you mean base?"));
    assert_eq!(plan.errors[0].span.map(|s| s.line), Some(2));
}

#[test]
fn no_cache_marks_steps_and_changes_no_operation() {
    let text = "FROM scratch AS one\nCOPY a /a\nFROM one\nCOPY b /b\n";
    let options = PlanOptions { no_cache_filter: vec!["ONE".into()], ..PlanOptions::default() };
    let filtered = plan_with(text, &options);
    assert_eq!(filtered.steps.iter().map(|s| s.ignore_cache).collect::<Vec<_>>(), [true, false]);
    assert_eq!(filtered.graph, plan(text).graph);
    let all = plan_with(text, &PlanOptions { no_cache: true, ..PlanOptions::default() });
    assert!(all.steps.iter().all(|s| s.ignore_cache));
}

#[test]
fn sources_are_told_as_written_and_as_looked_up() {
    let plan = plan("FROM scratch\nARG D=dir\nCOPY $D/../x ../y <<EOF --z /d/\nhi\nEOF\n");
    assert_eq!(plan.steps[0].name, "[internal] preparing inline document");
    let sources = &plan.steps[1].sources;
    let told: Vec<(&str, &str, Option<usize>)> =
        sources.iter().map(|s| (s.written.as_str(), s.path.as_str(), s.input)).collect();
    assert_eq!(told, [("dir/../x", "/x", Some(0)), ("../y", "/y", Some(0)), ("--z", "/--z", Some(0))]);
}

#[test]
fn an_empty_stage_is_no_input() {
    let plan = plan("FROM scratch AS one\nFROM scratch\nCOPY --from=one /a /b\n");
    assert_eq!(plan.steps[0].sources[0].input, None);
    assert!(plan.graph.vertices[0].inputs.is_empty());
}

fn codes(text: &str) -> Vec<&'static str> {
    plan(text).warnings.iter().map(|w| w.code).collect()
}

#[test]
fn surprises_are_told_and_plain_files_are_quiet() {
    for (line, want) in [
        ("COPY ../x /", "outside-context"),
        ("COPY a/../../x /", "outside-context"),
        ("COPY --link --chmod=600 a /", "link-ignored"),
        ("COPY **/x /", "double-star"),
        ("COPY * /", "wildcard-flattens"),
        ("COPY --exclude=a.txt *.txt /", "exclude-not-for-sources"),
        ("COPY --exclude=*.md README.md b /", "exclude-not-for-sources"),
        ("WORKDIR rel", "relative-workdir"),
        ("COPY $NOPE/x /", "undefined-variable"),
    ] {
        assert_eq!(codes(&format!("FROM scratch\n{line}\n")), [want], "{line}");
    }
    let quiet = "FROM scratch\nARG V\nWORKDIR /w\nWORKDIR sub\nCOPY package*.json ./\nCOPY --exclude=*.md . .\nCOPY --parents **/x /\nCOPY a/../b $V/\n";
    assert_eq!(codes(quiet), [""; 0]);
}

#[test]
fn another_frontend_and_a_context_in_place_of_a_stage_are_told() {
    assert_eq!(codes("# syntax=docker/dockerfile:1\nFROM scratch\n"), ["other-frontend"]);
    let mut options = PlanOptions::default();
    options.named_contexts.insert("lib".into(), NamedContext::Local);
    let plan = plan_with("FROM scratch AS lib\nCOPY a /\nFROM scratch\nCOPY --from=lib x /\n", &options);
    let codes: Vec<&str> = plan.warnings.iter().map(|w| w.code).collect();
    assert_eq!(codes, ["context-replaces-stage", "context-shadows-stage"]);
}

#[test]
fn ten_thousand_instructions_in_a_row_are_no_trouble() {
    let text = "FROM scratch\n".to_owned() + &"COPY a b/\n".repeat(10_000);
    let plan = plan(&text);
    assert_eq!(plan.steps.len(), 10_000);
    assert_eq!(plan.steps[9_999].name, "[10000/10000] COPY a b/");
}
