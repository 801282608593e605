//! Whole plans, made by hand, against records of a real daemon and against the rules for what can't be known.

use super::testing::{Memory, context, copy_from, copy_onto, local, plan};
use super::{CacheError, Inputs, KeyErrorKind, Keys, Part, Record, keys};
use crate::observer::Silent;
use crate::plan::{Exec, ExecMount, ExecMountKind, FileAction, FileActionKind, Op, Plan, Source};

const A: &str = "alpha\n";

fn keys_of(plan: &Plan, files: &[(&str, &str)]) -> Keys {
    let memory = Memory::new(files);
    let mut inputs = Inputs::new();
    inputs.add(&context(), &memory);
    keys(plan, &inputs, &Silent).unwrap()
}

/// Records as text: the first eight digits of every digest, and the first four of every selector.
fn outline(records: &[Record]) -> Vec<String> {
    let link = |l: &super::Link| {
        let selector = l.selector.map(|s| format!("/{}", &s.hex()[..4])).unwrap_or_default();
        format!("{}{selector}", &l.digest.hex()[..8])
    };
    let input = |i: &Vec<super::Link>| format!("[{}]", i.iter().map(link).collect::<Vec<_>>().join(" "));
    records
        .iter()
        .map(|r| r.digest.hex()[..8].to_owned() + &r.inputs.iter().map(input).collect::<String>())
        .collect()
}

fn run(mounts: Vec<ExecMount>, inputs: Vec<usize>) -> (Op, Vec<usize>) {
    let exec = Exec {
        args: ["/bin/sh", "-c", "make"].map(str::to_owned).to_vec(),
        env: Vec::new(),
        cwd: "/".into(),
        user: String::new(),
        hostname: String::new(),
        extra_hosts: Vec::new(),
        mounts,
        network: 0,
        security: 0,
        secret_env: Vec::new(),
        devices: Vec::new(),
    };
    (Op::Exec(exec), inputs)
}

fn root_mount() -> ExecMount {
    ExecMount {
        input: 0,
        selector: String::new(),
        dest: "/".into(),
        output: 0,
        read_only: false,
        kind: ExecMountKind::Bind,
    }
}

fn unknown_image() -> (Op, Vec<usize>) {
    (Op::Source(Source::Image { reference: "docker.io/library/alpine:3".into(), image: None }), Vec::new())
}

#[test]
fn a_copy_from_a_stage_has_a_link_to_its_record_and_one_to_its_content() {
    // The vector stage-from: two records and the content leaf that both copies share.
    let plan = plan(vec![local(), copy_from(0, "/a.txt", "/x/"), copy_from(1, "/x/a.txt", "/y")]);
    let keys = keys_of(&plan, &[("a.txt", A)]);
    let want = ["868d9917[b92fea5e/15f2 d9887b8c]", "b92fea5e[d9887b8c]", "d9887b8c"];
    assert_eq!(outline(&keys.records), want);
    assert!(keys.open.is_empty() && keys.errors.is_empty());
    let step = &keys.steps[2];
    assert_eq!(step.content_key.as_ref().unwrap().digest, keys.records[2].digest);
    assert_eq!(step.cache_key.as_ref().unwrap().digest, keys.records[0].digest);
    assert!(step.reads.entries.is_empty() && step.reads.files == 0);
    assert_eq!((keys.steps[1].reads.files, keys.steps[1].reads.bytes), (1, 6));
    let (name, ranges) = &keys.steps[1].reads.entries[0];
    assert_eq!((&**name, ranges[0].clone(), ranges.len()), ("context", 0..1, 1));
}

#[test]
fn only_what_a_key_needs_is_hashed() {
    let plan = plan(vec![local(), copy_from(0, "/a.txt", "/x/")]);
    let memory = Memory::new(&[("a.txt", A), ("b.txt", "b")]);
    let mut inputs = Inputs::new();
    inputs.fingerprints = true;
    inputs.add(&context(), &memory);
    let digests = keys(&plan, &inputs, &Silent).unwrap().sources.remove(0).entries;
    let first = digests[0].unwrap();
    assert_eq!(first.blake3.unwrap().bytes, *blake3::hash(A.as_bytes()).as_bytes());
    assert!(digests[1].is_none());
}

#[test]
fn a_program_in_between_leaves_the_content_open_and_keeps_the_definition() {
    let copy = copy_from(0, "/a.txt", "/x/");
    let plan = plan(vec![local(), copy, run(vec![root_mount()], vec![1]), copy_from(2, "/out", "/y")]);
    let keys = keys_of(&plan, &[("a.txt", A)]);
    let step = &keys.steps[3];
    assert!(step.content_key.is_none() && step.cache_key.is_some());
    assert_eq!(step.open, ["the output of [2]"]);
    assert_eq!(keys.open, step.open);
    let of = |step: usize| keys.steps[step].cache_key.as_ref().unwrap().digest;
    let record = keys.records.iter().find(|r| r.digest == of(3)).unwrap();
    assert!(record.partial && record.inputs[0].len() == 1 && record.inputs[0][0].digest == of(2));
    assert!(keys.records.iter().filter(|r| r.digest != of(3)).all(|r| !r.partial));
}

#[test]
fn an_unknown_base_leaves_cache_keys_open_and_content_keys_exact() {
    let plan = plan(vec![
        unknown_image(),
        local(),
        copy_onto(0, 1, "/a.txt", "/x/"),
        run(vec![root_mount()], vec![2]),
    ]);
    let keys = keys_of(&plan, &[("a.txt", A)]);
    let why = "the base image docker.io/library/alpine:3 is not known offline";
    for step in [0, 2, 3] {
        assert!(keys.steps[step].cache_key.is_none());
        assert_eq!(keys.steps[step].open, [why]);
    }
    assert!(keys.steps[2].content_key.as_ref().unwrap().digest.hex().starts_with("d9887b8c"));
    assert_eq!(keys.open, [why]);
    assert!(keys.records.is_empty());
}

#[test]
fn a_step_whose_own_operation_is_open_has_no_key_and_says_why() {
    let mut plan = plan(vec![local(), copy_from(0, "/a.txt", "x/")]);
    plan.graph.vertices[1].open = vec!["the working folder of the base".into()];
    let keys = keys_of(&plan, &[("a.txt", A)]);
    assert!(keys.steps[1].cache_key.is_none() && keys.steps[1].content_key.is_some());
    assert_eq!(keys.steps[1].open, ["the working folder of the base"]);
}

#[test]
fn a_build_whose_records_have_no_layers_exports_none() {
    let kind =
        FileActionKind::Mkdir { path: "/w".into(), mode: 0o755, parents: true, owner: None, timestamp: -1 };
    let mkdir = FileAction { input: -1, secondary: -1, output: 0, kind };
    let plan = plan(vec![(Op::File(vec![mkdir]), Vec::new())]);
    let keys = keys_of(&plan, &[]);
    assert!(keys.records.is_empty() && keys.open.is_empty());
    assert!(keys.steps[0].cache_key.is_some());
}

#[test]
fn a_missing_source_is_an_error_for_every_path() {
    let plan = plan(vec![
        local(),
        copy_from(0, "/nope", "/"),
        copy_from(0, "/loop", "/"),
        copy_from(0, "/no/*/x", "/"),
    ]);
    let keys = keys_of(&plan, &[("loop", "-> loop")]);
    let texts: Vec<_> = keys.errors.iter().map(|e| (e.step, e.kind, e.engine_message.as_str())).collect();
    let failed = "failed to compute cache key: failed to calculate checksum of ref <ID>::<ID>:";
    let missing = format!("{failed} \"/nope\": not found");
    let links = format!("{failed} too many links");
    let run = "lstat /no: no such file or directory";
    assert_eq!(
        texts,
        [
            (Some(1), KeyErrorKind::Missing, missing.as_str()),
            (Some(2), KeyErrorKind::TooManyLinks, links.as_str()),
            (Some(3), KeyErrorKind::Run, run)
        ]
    );
    assert_eq!(keys.errors[0].path, b"/nope");
}

#[test]
fn copies_of_equal_content_from_different_places_are_one_record() {
    let first = copy_from(0, "/d/a.txt", "/x/");
    let second = copy_from(0, "/e/a.txt", "/x/");
    let plan = plan(vec![local(), first, second, copy_onto(1, 2, "/x/a.txt", "/y")]);
    let keys = keys_of(&plan, &[("d/", ""), ("d/a.txt", A), ("e/", ""), ("e/a.txt", A)]);
    let of = |step: usize| keys.steps[step].cache_key.as_ref().unwrap().digest;
    assert_eq!(of(1), of(2));
    assert_eq!(keys.records.len(), 3);
}

#[test]
fn a_copy_of_a_copy_that_gives_the_same_does_not_become_its_own_input() {
    let plan = plan(vec![local(), copy_from(0, "/a.txt", "/x/"), copy_from(1, "/x/a.txt", "/x/")]);
    assert_eq!(outline(&keys_of(&plan, &[("a.txt", A)]).records), ["b92fea5e[d9887b8c]", "d9887b8c"]);
}

#[test]
fn keys_keep_what_they_were_made_from() {
    let plan = plan(vec![local(), copy_from(0, "/a.txt", "/x/")]);
    let keys = keys_of(&plan, &[("a.txt", A)]);
    let parts = &keys.steps[1].cache_key.as_ref().unwrap().preimage.parts;
    let [Part::Operation(json), Part::Input(input)] = &parts[..] else { panic!("{parts:?}") };
    assert!(
        json.starts_with(r#"{"Type":"buildkit.file.v0","Actions":["eyJzcmMi"#)
            && json.ends_with(r#""indexes":[[-1,0,0]]}"#)
    );
    assert_eq!((input.vertex.0, &input.paths[..]), (0, &["/a.txt".to_owned()][..]));
    assert_eq!(input.content, keys.steps[1].content_key);
    let [Part::Selected(selected)] = &input.content.as_ref().unwrap().preimage.parts[..] else { panic!() };
    assert_eq!(selected.digest, keys.sources[0].entries[0].unwrap().headed);
}

#[test]
fn a_local_source_without_files_is_an_error() {
    let plan = plan(vec![local()]);
    let error = keys(&plan, &Inputs::new(), &Silent).unwrap_err();
    assert_eq!(error, CacheError::NoSource("context".into()));
}

#[test]
fn ten_thousand_copies_into_one_folder_take_neither_long_nor_much() {
    let mut vertices = vec![local(), copy_from(0, "/a.txt", "/d/0")];
    vertices.extend((1..10_000).map(|n| copy_onto(n, 0, "/a.txt", &format!("/d/{n}"))));
    let keys = keys_of(&plan(vertices), &[("a.txt", A)]);
    assert_eq!((keys.records.len(), keys.errors.len(), keys.steps.len()), (10_001, 0, 10_001));
}

#[test]
fn a_source_that_only_the_copy_itself_looks_up_is_missed_on_an_unknown_base_too() {
    let (Op::File(mut actions), inputs) = copy_onto(0, 1, "/d", "/x/") else { unreachable!("a copy") };
    let (Op::File(mut below), _) = copy_onto(2, 1, "/d/nope", "/x/") else { unreachable!("a copy") };
    actions[0].output = -1;
    below[0].input = 2;
    actions.append(&mut below);
    let plan =
        plan(vec![unknown_image(), local(), (Op::File(actions), inputs), copy_onto(2, 1, "/d/gone", "/")]);
    let keys = keys_of(&plan, &[("d/", ""), ("d/a", A)]);
    let told: Vec<_> = keys.errors.iter().map(|e| (e.step, e.kind, e.engine_message.as_str())).collect();
    let checksum =
        "failed to compute cache key: failed to calculate checksum of ref <ID>::<ID>: \"/d/gone\": not found";
    assert_eq!(
        told,
        [
            (Some(2), KeyErrorKind::Run, "lstat /d/nope: no such file or directory"),
            (Some(3), KeyErrorKind::Missing, checksum)
        ]
    );
}
