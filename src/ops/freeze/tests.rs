//! What a frozen analysis holds, and what it must not hold.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::digest::Algorithm;
use crate::observer::Silent;
use crate::ops::AnalysisOptions;
use crate::snapshot::{ContentState, Picked, PickedFiles, StepState, VertexKind, VertexState};

/// A context with files of mode 0644.
fn context(dockerfile: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files.iter().chain([&("Dockerfile", dockerfile)]) {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    dir
}

fn frozen(root: &Path, arguments: &[(&str, &str)]) -> Snapshot {
    let mut request = Request { context: root.to_owned(), ..Request::default() };
    request.plan.build_args = arguments.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    request.plan.platform = Some(Platform::parse("linux/amd64").unwrap());
    let read = Read::of(&request, &Silent).unwrap();
    let analysis =
        Analysis::of(&read, AnalysisOptions { fingerprints: true, ..AnalysisOptions::default() }, &Silent)
            .unwrap();
    freeze(&request, &analysis)
}

fn snapshot(dockerfile: &str, files: &[(&str, &str)], arguments: &[(&str, &str)]) -> Snapshot {
    frozen(context(dockerfile, files).path(), arguments)
}

fn step<'s>(snapshot: &'s Snapshot, text: &str) -> &'s StepState {
    snapshot.steps.iter().find(|s| s.text.contains(text)).unwrap()
}

fn vertex<'s>(snapshot: &'s Snapshot, text: &str) -> &'s VertexState {
    &snapshot.vertices[step(snapshot, text).vertex]
}

/// The names of the parts in which two steps differ.
fn moved(before: &VertexState, after: &VertexState) -> Vec<String> {
    let gone = before.fields.iter().filter(|f| !after.fields.contains(f));
    let come = after.fields.iter().filter(|f| !before.fields.contains(f));
    let mut names: Vec<String> = gone.chain(come).map(|f| f.name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn entries_have_the_fingerprints_of_what_a_key_needed() {
    let s = snapshot("FROM scratch\nCOPY a d /x/\n", &[("a", "alpha\n"), ("d/b", "beta\n"), ("c", "")], &[]);
    let source = &s.sources[0];
    let paths: Vec<String> = source.entries.iter().map(|e| e.path.to_string()).collect();
    assert_eq!(paths, ["a", "d", "d/b"], "only what is asked for is sent");
    assert_eq!(source.contents, [Some(Digest::blake3("alpha\n")), None, Some(Digest::blake3("beta\n"))]);
    let ContentState::Known { picked, .. } = &vertex(&s, "COPY").inputs[0].content else { panic!("unknown") };
    let ranges = |p: &Picked| match &p.files {
        PickedFiles::Local { source: 0, entries } => format!("{entries:?}"),
        other => panic!("{other:?}"),
    };
    assert_eq!(picked.iter().map(ranges).collect::<Vec<_>>(), ["[0..1]", "[1..3]"]);
}

#[test]
fn records_are_those_of_an_export_with_results_for_steps_alone() {
    let s = snapshot("FROM scratch\nCOPY a /x/\n", &[("a", "alpha\n")], &[]);
    let [record] = vertex(&s, "COPY").records[..] else { panic!("one record") };
    let copy = &s.remembered.records[record];
    assert!(copy.result && !copy.partial && !copy.stand_in);
    let link = copy.inputs[0][0];
    let content = &s.remembered.records[link.record];
    assert!(!content.result && content.inputs.is_empty() && link.selector.is_none());
    let ContentState::Known { record, .. } = &vertex(&s, "COPY").inputs[0].content else { panic!("unknown") };
    assert_eq!(content.digest, *record);
}

#[test]
fn an_unknown_base_has_the_same_stand_in_as_long_as_its_name_is_the_same() {
    let text = "FROM alpine:3.19\nCOPY a /a\nRUN make\n";
    let records = |text: &str| {
        let s = snapshot(text, &[("a", "alpha\n")], &[]);
        let of = |v: usize| s.remembered.records[s.vertices[v].records[0]].clone();
        let at = |word| step(&s, word).vertex;
        [of(at("FROM")), of(at("COPY")), of(at("RUN"))]
    };
    let [base, copy, run] = records(text);
    assert!(base.stand_in && run.stand_in && copy.stand_in && copy.partial && base.inputs.is_empty());
    assert_eq!(records(text), [base.clone(), copy, run.clone()]);
    let [other_base, _, other_run] = records(&text.replace("3.19", "3.20"));
    assert!(other_base.digest != base.digest && other_run.digest != run.digest);
    let [same_base, _, other_run] = records(&text.replace("make", "make all"));
    assert!(same_base.digest == base.digest && other_run.digest != run.digest);
}

#[test]
fn an_operation_that_is_known_on_an_unknown_base_has_its_real_digest() {
    let real = |base: &str| {
        let s = snapshot(&format!("FROM {base}\nCOPY a /a\nCOPY b /b\n"), &[("a", ""), ("b", "")], &[]);
        let record = s.remembered.records[vertex(&s, "COPY b").records[0]].clone();
        assert_eq!(record.digest.algorithm, Algorithm::Sha256);
        (record.digest, record.stand_in, record.partial)
    };
    assert_eq!(real("alpine").0, real("scratch").0);
    assert_eq!((real("alpine").1, real("alpine").2), (false, true));
}

#[test]
fn what_fails_has_no_result() {
    let s = snapshot("FROM scratch\nCOPY a /a\nCOPY nope /b\nCOPY a /c\n", &[("a", "")], &[]);
    let result = |text| s.remembered.records[vertex(&s, text).records[0]].result;
    assert_eq!([result("a /a"), result("nope"), result("a /c")], [true, false, false]);
    assert_eq!(vertex(&s, "nope").inputs[1].content, ContentState::Failed);
    let [failure] = &s.failures[..] else { panic!("{:?}", s.failures) };
    assert_eq!((failure.code.as_str(), &failure.path[..]), ("copy-source-missing", &b"nope"[..]));
    assert_eq!(failure.step.map(|i| s.steps[i].line), Some(3));
}

#[test]
fn a_step_is_compared_part_by_part() {
    let with = |dockerfile: &str, text: &str| vertex(&snapshot(dockerfile, &[("a", "")], &[]), text).clone();
    let run = |line: &str| with(&format!("FROM scratch\nENV A=1\n{line}\n"), "RUN");
    let base = run("RUN x");
    assert_eq!(moved(&base, &run("RUN y")), ["args"]);
    assert_eq!(moved(&base, &run("RUN --network=none x")), ["network"]);
    assert_eq!(moved(&base, &run("ENV A=2\nRUN x")), ["env A"]);
    assert_eq!(moved(&base, &run("ENV B=2\nRUN x")), ["env B", "env order"]);
    assert_eq!(moved(&base, &run("USER 7\nRUN x")), ["user"]);
    let cached = moved(&base, &run("RUN --mount=type=cache,target=/c x"));
    assert_eq!(cached, ["mount /", "mount /c", "mount order"]);
    let copy = |line: &str| with(&format!("FROM scratch\n{line}\n"), "COPY");
    let base = copy("COPY a /x/");
    assert_eq!(moved(&base, &copy("COPY a /y/")), ["copy 1 destination"]);
    assert_eq!(moved(&base, &copy("COPY --chown=1 a /x/")), ["copy 1 owner"]);
    assert_eq!(moved(&base, &copy("COPY --chmod=600 a /x/")), ["copy 1 mode"]);
    assert_eq!(moved(&base, &copy("COPY a /x/")), [""; 0]);
}

#[test]
fn steps_know_their_variables_and_the_lines_that_set_them() {
    let text = "ARG V=1\nFROM scratch AS one\nENV E=x\nARG V\nFROM one\nARG W\nARG U=u\nCOPY a /$E\n";
    let s = snapshot(text, &[("a", "")], &[("W", "given")]);
    let variables: Vec<(&str, bool, Option<usize>)> =
        step(&s, "COPY").variables.iter().map(|v| (v.name.as_str(), v.argument, v.line)).collect();
    let path = ("PATH", false, None);
    assert_eq!(
        variables,
        [("V", true, Some(4)), path, ("E", false, Some(3)), ("W", true, Some(6)), ("U", true, Some(7))]
    );
    let given = step(&s, "COPY").variables.iter().find(|v| v.name == "W").unwrap();
    assert_eq!(given.value, Some(Digest::blake3("given")));
    assert_eq!(s.arguments["W"], Digest::blake3("given"));
}

/// Where a value may end up: a Dockerfile each, `{}` for nothing, all with `ARG M` in front of the first line.
const USES: [&str; 25] = [
    "RUN echo $M",
    "RUN <<EOF\n$M\nEOF",
    "ENV E=$M ${M}_KEY=1\nRUN env",
    "LABEL l=$M $M=1\nRUN x",
    "WORKDIR /srv/$M\nRUN x",
    "WORKDIR /srv/$M\nWORKDIR below\nCOPY a x/",
    "USER $M\nWORKDIR /x",
    "RUN --mount=type=cache,target=/c/$M --mount=type=secret,id=$M,env=$M x",
    "RUN --mount=source=$M,target=/b x",
    "RUN --mount=source=a,target=/b/$M x",
    "COPY a /x/$M/",
    "COPY $M/nope /x/",
    "COPY a* $M*/$M /x/",
    "COPY --exclude=$M a /x/",
    "COPY --chown=$M a /x/",
    "COPY --chmod=$M a /x/",
    "COPY <<EOF /h/$M\nbody $M\nEOF",
    "ADD http://host/$M /y",
    "ADD https://u:$M@host/r.git /z",
    "ADD --checksum=$M http://host/x /z",
    "COPY --from=base /$M/etc /e",
    "STOPSIGNAL $M",
    "EXPOSE $M",
    "VOLUME $M",
    "ONBUILD RUN $M\nFROM scratch\nCOPY --from=one / /",
];

#[test]
fn no_value_of_a_build_argument_is_kept() {
    for value in ["s3cret-Marker", "s3cret/deep//Marker", "a b s3cret \"x\" Marker", "/s3cret/../Marker/"] {
        for used in USES {
            for base in ["scratch", "alpine:3", "alpine:$M", "$M"] {
                let rest =
                    "COPY a /w/$M/\nFROM one\nCOPY --from=one /w /y\nCOPY --from=one /w/$M/no /\nRUN x\n";
                let text = format!("ARG M\nFROM alpine AS base\nFROM {base} AS one\nARG M\n{used}\n{rest}");
                check_kept(&text, value);
            }
        }
    }
}

fn check_kept(text: &str, value: &str) {
    let dir = context(text, &[("a", "alpha\n")]);
    let frozen = frozen(dir.path(), &[("M", value)]);
    // Once as its parts, in which no path is cut; and once as what a file holds when it is unpacked.
    let debug = bytes_as_text(&format!("{frozen:?}"));
    let payload = zstd::decode_all(&frozen.to_bytes()[68..]).unwrap();
    for held in [debug, String::from_utf8_lossy(&payload).into_owned()] {
        let held = held.to_lowercase();
        let at = held.find("s3cret").or(held.find("marker"));
        let around = at.map(|at| {
            held[..at].chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect::<String>()
        });
        assert!(at.is_none(), "{value:?} is kept of\n{text}\n…{}…", around.unwrap_or_default());
    }
}

/// Debug output with its lists of numbers as text.
fn bytes_as_text(debug: &str) -> String {
    let list = regex::Regex::new(r"\[(\d+(?:, \d+)*)\]").unwrap();
    let text = |c: &regex::Captures<'_>| {
        let bytes: Option<Vec<u8>> = c[1].split(", ").map(|n| n.parse().ok()).collect();
        bytes.map_or_else(|| c[0].to_owned(), |b| format!("{:?}", String::from_utf8_lossy(&b)))
    };
    list.replace_all(debug, text).into_owned()
}

#[test]
fn files_of_a_stage_are_listed_without_the_values_in_their_paths() {
    let text = "FROM scratch AS one\nARG D\nCOPY a /opt/$D/\nFROM scratch\nCOPY --from=one /opt /opt\n";
    let s = snapshot(text, &[("a", "alpha\n")], &[("D", "marker")]);
    let ContentState::Known { picked, .. } = &vertex(&s, "--from").inputs[0].content else {
        panic!("unknown")
    };
    let PickedFiles::Stage(files) = &picked[0].files else { panic!("no stage") };
    let paths: Vec<&[u8]> = files.iter().map(|f| &f.path[..]).collect();
    assert_eq!(paths, [&b"opt"[..], b"opt/${D}", b"opt/${D}/a"]);
}

#[test]
fn kinds_names_and_texts_are_those_of_the_dockerfile() {
    let text = "ARG B=alpine\nFROM $B AS one\nRUN --network=none \\\n  make \\\n  all\nFROM scratch\nCOPY --link --from=one /a /b\n\
        COPY a /\nCOPY --link <<EOF /e\nx\nEOF\n";
    let s = snapshot(text, &[("a", "")], &[]);
    let names: Vec<&str> = s.steps.iter().map(|s| s.name.as_str()).collect();
    let want = [
        "[one 1/2] FROM $B AS one",
        "[one 2/2] RUN --network=none   make   all",
        "[stage-1 1/3] COPY --link --from=one /a /b",
        "[stage-1 2/3] COPY a /",
        "[internal] preparing inline document",
        "[stage-1 3/3] COPY --link <<EOF /e",
        "[stage-1 3/3] LINK COPY --link <<EOF /e",
    ];
    assert_eq!(names, want);
    use VertexKind::{Exec, File, Image, Merge};
    let kinds: Vec<VertexKind> = s.steps.iter().map(|step| s.vertices[step.vertex].kind).collect();
    assert_eq!(kinds, [Image, Exec, File, File, File, File, Merge]);
}
