//! What is said of a change, row by row: a tree before, a tree after, and the causes of the steps that rerun.

use std::fs;
use std::path::Path;

use stowaway::diff::{self, Baseline, Cause, Comparison, Verdict};
use stowaway::image::Platform;
use stowaway::observer::Silent;
use stowaway::ops::{self, Analysis, AnalysisOptions, Read, Request};
use stowaway::snapshot::Snapshot;

use crate::support::{entry, tree};

/// A build as it can be written in a row.
#[derive(Clone, Copy, Default)]
struct Build<'a> {
    dockerfile: &'a str,
    tree: &'a str,
    /// Empty for none.
    ignore: &'a str,
    arguments: &'a [(&'a str, &'a str)],
}

fn frozen(root: &Path, arguments: &[(&str, &str)]) -> Snapshot {
    let mut request = Request { context: root.to_owned(), ..Request::default() };
    request.plan.build_args = arguments.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    request.plan.platform = Some(Platform::parse("linux/amd64").expect("a platform"));
    let read = Read::of(&request, &Silent).expect("a context");
    let analysis =
        Analysis::of(&read, AnalysisOptions { fingerprints: true, ..AnalysisOptions::default() }, &Silent)
            .expect("keys");
    ops::freeze(&request, &analysis)
}

fn snapshot(build: Build<'_>) -> Snapshot {
    let dir = tree::on_disk(build.tree);
    let text = [("Dockerfile", build.dockerfile), (".dockerignore", build.ignore)];
    for (name, text) in text.into_iter().filter(|(_, text)| !text.is_empty()) {
        fs::write(dir.path().join(name), text).expect("writing a text");
        entry::set_mode(&dir.path().join(name), 0o644);
    }
    frozen(dir.path(), build.arguments)
}

struct Compared {
    before: Snapshot,
    now: Snapshot,
    answer: Comparison,
}

fn compare(before: Build<'_>, now: Build<'_>) -> Compared {
    let (before, now) = (snapshot(before), snapshot(now));
    let answer = diff::compare(Baseline::Snapshot(&before), &now);
    Compared { before, now, answer }
}

fn shown(cause: &Cause) -> String {
    let mut text = format!("{:?}", cause.kind).to_lowercase();
    let source = if cause.source == "context" { "" } else { &cause.source };
    if let Some(path) = &cause.path {
        text += &format!(
            " {source}{}{}",
            if source.is_empty() { "" } else { ": " },
            String::from_utf8_lossy(path)
        );
    }
    for (mark, value) in [("<", &cause.before), (">", &cause.after), ("#", &cause.detail)] {
        text += &value.as_ref().map(|v| format!(" {mark}{v}")).unwrap_or_default();
    }
    text + &cause.line.map(|l| format!(" @{l}")).unwrap_or_default()
}

impl Compared {
    /// The causes of each step that reruns, those of its own first.
    fn causes(&self) -> Vec<Vec<String>> {
        let steps = self.answer.steps.iter().filter(|s| s.verdict == Verdict::Rerun);
        steps.map(|s| s.causes.iter().map(shown).collect()).collect()
    }

    fn hints(&self) -> Vec<String> {
        diff::hints(&self.before, &self.now, &self.answer).into_iter().map(|h| h.text).collect()
    }

    fn folds(&self) -> Vec<String> {
        self.answer.steps.iter().flat_map(|s| diff::fold(&s.causes)).map(|f| f.text).collect()
    }
}

/// The causes of the only step that is not cached.
#[track_caller]
fn causes(dockerfile: &str, before: &str, now: &str) -> Vec<String> {
    let build = |tree| Build { dockerfile, tree, ..Build::default() };
    let mut all = compare(build(before), build(now)).causes();
    assert_eq!(all.len(), 1, "one step reruns: {all:?}");
    all.remove(0)
}

const COPY: &str = "FROM scratch\nCOPY src /src/\n";

#[test]
fn every_part_of_a_header_has_its_own_kind() {
    let before = r#"file src/a 0644 "1"
        file src/b 0644 "same"
        link src/l -> a
        file src/t 0644 "t""#;
    let now = r#"file src/a 0600 "22"
        file src/b 0755 "same"
        link src/l -> b
        link src/t -> a"#;
    assert_eq!(
        causes(COPY, before, now),
        [
            "content src/a <1 byte >2 bytes",
            "mode src/a <0644 >0600",
            "mode src/b <0644 >0755",
            "linkname src/l <a >b",
            "type src/t <file >symbolic link",
        ]
    );
}

#[test]
fn a_new_folder_is_named_with_all_that_is_in_it_and_the_folder_above_is_not() {
    let before = r#"file src/a 0644 "1""#;
    let now = r#"file src/a 0644 "1"
        file src/n/x 0644 "2"
        dir src/n/e 0755"#;
    assert_eq!(causes(COPY, before, now), ["added src/n", "added src/n/e", "added src/n/x"]);
    assert_eq!(causes(COPY, now, before), ["removed src/n", "removed src/n/e", "removed src/n/x"]);
}

#[test]
fn a_file_that_moved_is_one_cause_also_into_a_new_folder() {
    let before = r#"file src/a 0644 "same bytes"
        file src/k 0644 "k""#;
    let now = r#"file src/n/a 0644 "same bytes"
        file src/k 0644 "k""#;
    assert_eq!(causes(COPY, before, now), ["added src/n", "renamed src/n/a <src/a"]);
    let chmod = r#"file src/z 0600 "same bytes"
        file src/k 0644 "k""#;
    assert_eq!(causes(COPY, before, chmod), ["mode src/z <0644 >0600", "renamed src/z <src/a"]);
}

#[test]
fn files_that_kept_their_names_are_paired_first_and_empty_ones_never() {
    let before = r#"file src/one/a 0644 "x"
        file src/one/b 0644 "x"
        file src/e 0644 """#;
    let now = r#"file src/two/b 0644 "x"
        file src/two/c 0644 "x"
        file src/two/k 0644 "k"
        file src/f 0644 """#;
    assert_eq!(
        causes(COPY, before, now),
        [
            "removed src/e",
            "added src/f",
            "removed src/one",
            "added src/two",
            "renamed src/two/b <src/one/b",
            "renamed src/two/c <src/one/a",
            "added src/two/k",
        ]
    );
}

#[test]
fn a_renamed_folder_is_one_cause_however_deep() {
    let before = r#"file src/m/old/x/y 0644 "1"
        file src/m/old/z 0644 "2""#;
    let now = r#"file src/m/new/x/y 0644 "1"
        file src/m/new/z 0644 "2""#;
    assert_eq!(causes(COPY, before, now), ["renamed src/m/new <src/m/old #with 3 entries in it"]);
}

#[test]
fn what_a_changed_instruction_takes_in_addition_is_no_change_of_files() {
    let tree = r#"file a 0644 "a"
        file b 0644 "b""#;
    let build = |dockerfile| Build { dockerfile, tree, ..Build::default() };
    let all = compare(build("FROM scratch\nCOPY a /o/\n"), build("FROM scratch\nCOPY a b /o/\n")).causes();
    assert_eq!(all, [["instruction >b @2"]]);
    let edited =
        Build { tree: "file a 0644 \"A\"\nfile b 0644 \"b\"", ..build("FROM scratch\nCOPY a b /o/\n") };
    let all = compare(build("FROM scratch\nCOPY a /o/\n"), edited).causes();
    assert_eq!(all, [["instruction >b @2", "content a"]]);
}

#[test]
fn a_step_that_was_taken_out_is_named_where_it_is_missed() {
    let tree = "file a 0644 \"a\"\nfile b 0644 \"b\"\nfile c 0644 \"c\"";
    let build = |dockerfile| Build { dockerfile, tree, ..Build::default() };
    let before = build("FROM scratch\nCOPY a /\nCOPY b /\nCOPY c /\n");
    let all = compare(before, build("FROM scratch\nCOPY a /\nCOPY c /\n"));
    assert_eq!(all.causes(), [["instruction <COPY b / >COPY a / #it stands on another step than before @3"]]);
    assert!(all.answer.steps[1].first_cause);
}

#[test]
fn a_variable_is_named_with_its_line() {
    let tree = "file a.txt 0644 \"a\"\nfile b.txt 0644 \"a\"";
    let dockerfile = "FROM scratch\nARG W=a\nENV DIR=/x\nCOPY ${W}.txt ${DIR}/f\n";
    let build = |dockerfile, arguments| Build { dockerfile, tree, arguments, ..Build::default() };
    let all = compare(build(dockerfile, &[]), build(dockerfile, &[("W", "b")])).causes();
    assert_eq!(all, [["arg #W @2"]]);
    let other = dockerfile.replace("/x", "/y");
    let all = compare(build(dockerfile, &[]), build(&other, &[])).causes();
    assert_eq!(all, [["instruction #DIR @3"]]);
    let all = compare(build(dockerfile, &[]), build(&dockerfile.replace("W=a", "W=b"), &[])).causes();
    assert_eq!(all, [["arg #W @2"]]);
}

#[test]
fn the_working_directory_is_named_where_no_word_changed() {
    let tree = "file a 0644 \"a\"";
    let build = |dockerfile| Build { dockerfile, tree, ..Build::default() };
    let all = compare(
        build("FROM scratch\nWORKDIR /x\nCOPY a ./f\n"),
        build("FROM scratch\nWORKDIR /y\nCOPY a ./f\n"),
    );
    assert_eq!(
        all.causes(),
        [
            vec!["instruction </x >/y @2"],
            vec![
                "instruction #the destination, which hangs on the working directory (WORKDIR) @3",
                "parent #[1/2] WORKDIR /y"
            ]
        ]
    );
}

#[test]
fn a_link_on_the_way_is_the_cause_and_not_what_it_leads_to() {
    let tree = |to: &str| {
        format!(
            "file v1/app 0644 \"1\"\nfile v2/app 0644 \"2\"\nfile v2/lib 0644 \"3\"\nlink current -> {to}"
        )
    };
    for dockerfile in
        ["current/app /", "current /", "./current/ /", "curr* /"].map(|c| format!("FROM scratch\nCOPY {c}\n"))
    {
        assert_eq!(
            causes(&dockerfile, &tree("v1"), &tree("v2")),
            ["linkname current <v1 >v2"],
            "{dockerfile}"
        );
    }
    assert_eq!(
        causes("FROM scratch\nCOPY v1 /v\n", &tree("v1"), &tree("v2").replace("\"1\"", "\"9\"")),
        ["content v1/app"]
    );
}

#[test]
fn ignore_rules_that_show_or_hide_are_named_with_their_lines() {
    let tree = "file docs/a.md 0644 \"a\"\nfile docs/keep.md 0644 \"k\"\nfile src/x 0644 \"x\"";
    let dockerfile = "FROM scratch\nCOPY . /o/\n";
    let build = |ignore| Build { dockerfile, tree, ignore, ..Build::default() };
    let own = "Dockerfile\n.dockerignore\n";
    let hidden = format!("{own}docs\n");
    let part = format!("{own}docs\n!docs/keep.md\n");
    assert_eq!(
        compare(build(own), build(&hidden)).causes(),
        [[
            "ignore docs >docs #docs @3",
            "ignore docs/a.md >docs #docs @3",
            "ignore docs/keep.md >docs #docs @3"
        ]]
    );
    assert_eq!(
        compare(build(&hidden), build(own)).causes(),
        [[
            "ignore docs <docs #docs @3",
            "ignore docs/a.md <docs #docs @3",
            "ignore docs/keep.md <docs #docs @3"
        ]]
    );
    assert_eq!(
        compare(build(&hidden), build(&part)).causes(),
        [["ignore docs <docs #docs @3", "ignore docs/keep.md <docs >!docs/keep.md #!docs/keep.md @4"]]
    );
}

#[test]
fn a_folder_that_is_sent_for_what_is_in_it_alone_counts_with_its_new_entry() {
    let dockerfile = "FROM scratch\nCOPY --parents p/*/package.json /w/\n";
    let before = "file p/a/package.json 0644 \"1\"\nfile p/b/x 0644 \"x\"";
    let now = "file p/a/package.json 0644 \"1\"\nfile p/b/x 0644 \"x\"\nfile p/b/package.json 0644 \"2\"";
    let all = causes(dockerfile, before, now);
    assert!(all.contains(&"added p/b/package.json".to_owned()), "{all:?}");
}

#[test]
fn files_of_a_stage_are_named_with_the_stage_and_are_no_first_cause() {
    let dockerfile = "FROM scratch AS one\nCOPY src /x/\nFROM scratch\nCOPY --from=one /x/a /a\n";
    let build = |tree| Build { dockerfile, tree, ..Build::default() };
    let all = compare(build("file src/a 0644 \"1\""), build("file src/a 0644 \"2\""));
    assert_eq!(
        all.causes(),
        [
            vec!["content src/a"],
            vec!["content [one 1/1] COPY src /x/: x/a", "parent #[one 1/1] COPY src /x/"]
        ]
    );
    assert!(!all.answer.steps[1].first_cause);
    let beside = "file src/a 0644 \"1\"\nfile src/b 0644 \"b\"";
    assert_eq!(compare(build("file src/a 0644 \"1\""), build(beside)).causes(), [["added src/b"]]);
}

#[test]
fn a_source_that_is_missing_is_said_to_be() {
    let build = |tree| Build { dockerfile: "FROM scratch\nCOPY a /\nCOPY b /\n", tree, ..Build::default() };
    let all = compare(build("file a 0644 \"a\"\nfile b 0644 \"b\""), build("file a 0644 \"a\"")).causes();
    assert_eq!(all.len(), 1);
    assert!(all[0].iter().any(|c| c.starts_with("missing b ")), "{all:?}");
}

#[test]
fn an_empty_context_that_gets_a_file_names_it() {
    let own = "FROM scratch\nCOPY . /o/\n";
    let build =
        |tree| Build { dockerfile: own, tree, ignore: "Dockerfile\n.dockerignore\n", ..Build::default() };
    assert_eq!(compare(build(""), build("file a 0644 \"\"")).causes(), [["added a"]]);
}

/// A Python service that copies everything.
const PYTHON: &str = "FROM scratch\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n";

#[test]
fn litter_gets_an_ignore_line_that_was_tried() {
    let before = "file requirements.txt 0644 \"flask\"\nfile app/main.py 0644 \"1\"";
    let litter = format!("{before}\nfile app/__pycache__/main.cpython-312.pyc 0644 \"pyc\"");
    let build = |tree| Build { dockerfile: PYTHON, tree, ..Build::default() };
    let hints = compare(build(before), build(&litter)).hints();
    assert_eq!(hints[0], "add `**/__pycache__` to .dockerignore: [2/3] COPY . . would have been cached");
    // Here a real change came with it: no ignore line helps, but the packages need not be fetched again.
    let edited = litter.replace("\"1\"", "\"2\"");
    let hints = compare(build(before), build(&edited)).hints();
    assert_eq!(hints.len(), 1, "{hints:?}");
    assert!(
        hints[0].starts_with("`COPY requirements.txt ./` above line 3: [3/3] RUN pip install"),
        "{hints:?}"
    );
    let other = edited.replace("flask", "django");
    assert_eq!(compare(build(before), build(&other)).hints(), [""; 0]);
}

#[test]
fn no_line_is_proposed_that_takes_away_what_a_step_names() {
    let dockerfile = "FROM scratch\nCOPY . /o/\nCOPY docs/a.md /a\n";
    let build = |tree| Build { dockerfile, tree, ..Build::default() };
    let (one, two) = ("file docs/a.md 0644 \"1\"\nfile docs/b.md 0644 \"1\"", "file docs/a.md 0644 \"1\"");
    assert_eq!(compare(build(one), build(two)).hints(), [""; 0]);
    let dockerfile = "FROM scratch\nCOPY . /o/\n";
    let build = |tree| Build { dockerfile, tree, ..Build::default() };
    assert_eq!(
        compare(build(one), build(two)).hints(),
        [
            "add `docs` to .dockerignore, if the image does not need it: [1/1] COPY . /o/ would have been cached"
        ]
    );
}

#[test]
fn two_machines_with_other_umasks_are_one_line() {
    let tree = |file: &str, folder: &str| {
        let line = |i: usize| format!("file src/f{i} 0{file} \"{i}\"\n");
        format!("dir src 0{folder}\n") + &(0..30).map(line).collect::<String>()
    };
    let build = |tree| Build { dockerfile: COPY, tree, ..Build::default() };
    let all = compare(build(&tree("644", "755")), build(&tree("664", "775")));
    assert_eq!(
        all.folds(),
        [
            "31 files differ only in mode: 0664 and 0775 here, 0644 and 0755 there: umask 0002 here, 0022 there"
        ]
    );
}

#[test]
fn what_an_engine_would_overlook_is_said_for_the_whole() {
    let dir = tree::on_disk("file src/a 0644 \"1\"\nfile src/b 0644 \"b\"\ndir src/d 0755");
    fs::write(dir.path().join("Dockerfile"), COPY).expect("writing a Dockerfile");
    let before = frozen(dir.path(), &[]);
    entry::set_mode(&dir.path().join("src/d"), 0o700);
    let now = frozen(dir.path(), &[]);
    let answer = diff::compare(Baseline::Snapshot(&before), &now);
    assert!(answer.steps[0].may_be_stale);
    let stale = answer.stale.expect("a note");
    assert_eq!(stale.paths, [("context".to_owned(), b"src/d".to_vec())]);
    // With a change that is noticed the step reruns for sure, and still serves the old mode.
    fs::write(dir.path().join("src/b"), "longer").expect("writing");
    let answer = diff::compare(Baseline::Snapshot(&before), &frozen(dir.path(), &[]));
    assert!(!answer.steps[0].may_be_stale && answer.stale.is_some());
}

#[test]
fn with_records_alone_the_input_that_does_not_fit_is_named() {
    let build = |dockerfile, tree| Build { dockerfile, tree, ..Build::default() };
    let before = snapshot(build(COPY, "file src/a 0644 \"1\""));
    let against = |now: &Snapshot| {
        let answer = diff::compare(Baseline::Records(&before.remembered), now);
        (answer.steps[0].verdict, answer.steps[0].causes.iter().map(shown).collect::<Vec<_>>())
    };
    assert_eq!(against(&before), (Verdict::Cached, Vec::new()));
    let (verdict, causes) = against(&snapshot(build(COPY, "file src/a 0644 \"2\"")));
    assert_eq!(
        (verdict, causes),
        (Verdict::Rerun, vec!["content #the files are not those that the cache was made from".to_owned()])
    );
    let (verdict, causes) =
        against(&snapshot(build("FROM scratch\nCOPY src /o/\n", "file src/a 0644 \"1\"")));
    assert_eq!(
        (verdict, causes),
        (Verdict::Rerun, vec!["notremembered #the cache knows no such operation @2".to_owned()])
    );
}

#[test]
fn a_checkout_with_other_line_endings_is_told_from_an_edit() {
    let dir =
        tree::on_disk("file src/a 0644 \"one\\ntwo\\n\"\nfile src/b 0644 \"1\\n\"\nfile src/c 0644 \"1\\n\"");
    fs::write(dir.path().join("Dockerfile"), COPY).expect("writing a Dockerfile");
    let before = frozen(dir.path(), &[]);
    for (name, text) in [("a", "one\r\ntwo\r\n"), ("b", "1\r\n"), ("c", "22\r\n")] {
        fs::write(dir.path().join("src").join(name), text).expect("writing");
    }
    let now = frozen(dir.path(), &[]);
    let mut answer = diff::compare(Baseline::Snapshot(&before), &now);
    let request = Request { context: dir.path().to_owned(), ..Request::default() };
    let read = Read::of(&request, &Silent).expect("a context");
    assert_eq!(ops::hints(&read, &before, &now, &mut answer), []);
    let folds = diff::fold(&answer.steps[0].causes);
    assert_eq!(folds.len(), 1);
    assert_eq!(folds[0].text, "2 files differ only in their line endings: CRLF here, LF there");
    assert!(folds[0].fix.as_ref().is_some_and(|f| f.contains(".gitattributes")));
}
