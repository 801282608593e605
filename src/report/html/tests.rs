//! The page as a whole: its parts, its harmlessness, its size, its colours.

use std::collections::BTreeMap;

use super::*;
use crate::diff::{CauseKind, Verdict};
use crate::report::{
    Cause, CauseReport, ChurnCommit, ChurnMark, ChurnOutcome, ChurnProposal, ChurnStep, ContextSummary,
    PathField, Reads, Sent, StepReport, WhyStep, WhySummary,
};

fn step(name: &str, stage: &str, line: usize, text: &str, bytes: u64) -> StepReport {
    StepReport {
        name: name.into(),
        stage: stage.into(),
        line,
        end_line: line,
        instruction: text.split(' ').next().unwrap().into(),
        text: text.into(),
        content_key: None,
        cache_key: None,
        open: Vec::new(),
        reads: Reads { files: u64::from(bytes > 0), bytes },
        ignore_cache: false,
    }
}

fn item(path: &[u8], bytes: u64, steps: usize, hidden: Option<usize>) -> HoldItem {
    let state =
        HoldState { mode: Some(0o644), sent: hidden.is_none(), steps, hidden, ..HoldState::default() };
    HoldItem { path: path.to_vec(), bytes, state }
}

fn report(items: Vec<HoldItem>) -> PageReport {
    PageReport {
        verb: PageVerb::Plan,
        plan: PlanReport {
            context: ContextSummary { path: Some(PathField::new(".")), ..ContextSummary::default() },
            dockerfile: "Dockerfile".into(),
            target: "app".into(),
            steps: vec![
                step("[build 1/2] COPY src /src", "build", 2, "COPY src /src", 30),
                step("[build 2/2] RUN make", "build", 3, "RUN make", 0),
                step("[app 1/1] COPY --from=build /out /", "app", 5, "COPY --from=build /out /", 0),
            ],
            records: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            sent: Sent::default(),
            named_contexts: Vec::new(),
        },
        parents: vec![vec![], vec![0], vec![1]],
        hold: Hold {
            folders: vec![HoldFolder { name: "context".into(), items }],
            step_sets: vec![vec![], vec![0]],
            ignore_lines: vec![Cause {
                ignore_file: ".dockerignore".into(),
                line: 1,
                pattern: "*.md".into(),
            }],
            planned: true,
            notes: Vec::new(),
        },
        du: None,
        why: None,
        log: None,
        churn: None,
    }
}

fn small() -> PageReport {
    report(vec![
        item(b"src/main.c", 20, 1, None),
        item(b"src/util.c", 10, 1, None),
        item(b"notes.md", 40, 0, Some(0)),
    ])
}

fn html(report: &PageReport) -> String {
    let mut out = Vec::new();
    report.html(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What is between two texts.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let start = page.find(from).unwrap() + from.len();
    &page[start..start + page[start..].find(to).unwrap()]
}

fn data(page: &str) -> serde_json::Value {
    serde_json::from_str(between(page, "id=\"data\">", "</script>")).unwrap()
}

#[test]
fn the_same_values_give_the_same_bytes() {
    assert_eq!(html(&small()), html(&small()));
}

#[test]
fn the_body_of_a_small_page_is_as_kept() {
    let page = html(&small());
    insta::assert_snapshot!("small_page", between(&page, "<body", "<script type="));
    insta::assert_snapshot!("small_page_data", serde_json::to_string_pretty(&data(&page)).unwrap());
}

#[test]
fn nothing_but_the_pages_own_script_and_style_may_run_and_nothing_is_loaded() {
    let page = html(&small());
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.matches("<script>").count(), 1);
    for word in ["src=", "http://", "https://", "@import", "url("] {
        // The name of SVG's elements is an address that nobody visits.
        let page = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!page.contains(word), "{word}");
    }
    for attribute in ["style=\"", "onclick", "onload"] {
        assert!(!page.contains(attribute), "{attribute} would be refused by the policy");
    }
}

#[test]
fn names_from_outside_do_nothing() {
    let evil = "<script>alert(1)</script>";
    let mut report = report(vec![
        item(evil.as_bytes(), 20, 1, None),
        item(b"</script><img onerror=x>", 20, 1, None),
        item(b"a\x1b[31m\x00b\"'\n", 20, 1, None),
        item(b"\xff\xfe", 20, 0, Some(0)),
        item("tx\u{202e}cod.exe".as_bytes(), 20, 0, None),
    ]);
    report.plan.dockerfile = evil.into();
    report.plan.target = evil.into();
    report.hold.ignore_lines[0].pattern = evil.into();
    for step in &mut report.plan.steps {
        (step.stage, step.text, step.name) = (evil.into(), format!("RUN {evil}"), evil.into());
        step.open.push(evil.into());
    }
    let page = html(&report);
    assert_eq!(page.matches("<script").count(), 2, "the data and the script");
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<img") && !page.contains('\u{1b}') && !page.contains('\u{202e}'));
    let names = data(&page)["nodes"]["name"].to_string();
    assert!(
        names.contains(r#"\\xff\\xfe"#)
            && names.contains(r"\\u{202e}")
            && names.contains("<script>alert(1)<"),
        "{names}"
    );
}

#[test]
fn a_page_of_a_hundred_thousand_files_is_smaller_than_two_megabytes() {
    let long = "n".repeat(60);
    let file = |i: u64| {
        let path = format!("packages/{}/{long}-{}/{long}-{i}.ts", i % 300, i / 300 % 20);
        item(path.as_bytes(), i * 7919 % 100_000, usize::from(i.is_multiple_of(2)), None)
    };
    let page = html(&report((0..100_000).map(file).collect()));
    assert!(page.len() < 2_000_000, "{}", page.len());
    assert!(page.contains("of the smallest files are gathered into their folders"));
    let nodes = &data(&page)["nodes"];
    assert_eq!(nodes["files"][0], 100_000);
    assert!(nodes["name"].as_array().unwrap().len() > 2_000, "there is something left to see");
}

#[test]
fn a_page_of_an_empty_context_and_of_no_plan_is_a_page() {
    let mut empty = report(Vec::new());
    empty.plan.steps.clear();
    empty.parents.clear();
    empty.hold = Hold::default();
    let page = html(&empty);
    assert!(page.contains("</html>"));
    assert_eq!(data(&page)["measure"], "files");
}

fn why() -> WhyReport {
    let cause = |kind, path: &str| CauseReport {
        path: Some(PathField::new(path)),
        kind,
        source: None,
        step: None,
        before: None,
        after: None,
        line: None,
        detail: None,
        unnoticed: false,
        hint: None,
        fold: None,
    };
    let steps = vec![
        WhyStep {
            name: "[build 1/2] COPY src /src".into(),
            verdict: Verdict::Rerun,
            first_cause: true,
            causes: (0..500).map(|i| cause(CauseKind::Content, &format!("src/<{i}>"))).collect(),
            ..WhyStep::default()
        },
        WhyStep { name: "[build 2/2] RUN make".into(), verdict: Verdict::Unknown, ..WhyStep::default() },
    ];
    WhyReport { summary: WhySummary::of(&steps), steps, ..WhyReport::default() }
}

#[test]
fn causes_unfold_below_their_step_and_are_not_without_end() {
    let page = html(&PageReport { verb: PageVerb::Why, why: Some(why()), ..small() });
    let step = between(&page, "id=\"step-0\"", "</li>\n<li id=\"step-1\"");
    assert!(step.contains("class=\"step rerun\"><details open>") && step.contains("reruns</span>"), "{step}");
    assert!(step.contains("src/&lt;0&gt;") && step.contains("and 300 more: 300 content"));
    assert!(page.find("id=\"layers\"") < page.find("id=\"hold\""), "what reruns comes first");
}

fn history(commits: usize) -> (ChurnReport, ChurnHistory) {
    let mark = |commit: usize| ChurnMark {
        commit,
        outcome: if commit.is_multiple_of(3) { ChurnOutcome::Miss } else { ChurnOutcome::Hit },
        why: commit.is_multiple_of(3).then_some("files"),
        paths: if commit.is_multiple_of(3) { vec![PathField::new("src/<b>")] } else { Vec::new() },
        more_paths: 0,
    };
    let marks: Vec<ChurnMark> = (0..commits).map(mark).collect();
    let name = "[build 1/2] COPY src /src";
    let churn = ChurnReport {
        commits,
        steps: vec![ChurnStep {
            name: name.into(),
            text: "COPY src /src".into(),
            commits,
            ..ChurnStep::default()
        }],
        proposals: vec![ChurnProposal {
            kind: "ignore".into(),
            step: name.into(),
            edit: vec!["<i>".into()],
            ..ChurnProposal::default()
        }],
        ..ChurnReport::default()
    };
    let commit = |i: usize| ChurnCommit { id: format!("{i:040x}"), time: 0, subject: format!("<u>{i}") };
    let strips = ChurnHistory {
        commits: (0..commits).map(commit).collect(),
        steps: vec![marks.clone()],
        proposals: vec![marks],
        touched: Vec::new(),
    };
    (churn, strips)
}

#[test]
fn a_proposal_stands_below_the_strip_of_its_step() {
    let page = html(&PageReport { verb: PageVerb::Churn, churn: Some(history(30)), ..small() });
    let strips = between(&page, "<div class=\"strips\">", "<details");
    assert_eq!(strips.matches("data-strip=").count(), 2);
    assert!(strips.contains("with this line in the ignore file <code>&lt;i&gt;</code>"), "{strips}");
    let data = data(&page);
    assert_eq!(data["history"]["strips"][0][0], serde_json::json!([0, "miss: files", [0], 0]));
    assert_eq!(data["history"]["paths"], serde_json::json!(["src/<b>"]));
    assert!(page.find("id=\"history\"") < page.find("id=\"hold\""));
}

#[test]
fn of_a_long_history_the_newest_commits_are_drawn() {
    let page = html(&PageReport { verb: PageVerb::Churn, churn: Some(history(3000)), ..small() });
    assert!(page.len() < 2_000_000 && page.contains("400 of 3,000 commits"), "{}", page.len());
    assert_eq!(data(&page)["history"]["commits"].as_array().unwrap().len(), 400);
}

/// Contrast as WCAG 2 defines it.
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let linear = |c: f64| if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    let light = |c: [f64; 3]| 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
    let (a, b) = (light(a), light(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The colours of one of the style's two palettes.
fn palette(text: &str) -> BTreeMap<&str, [f64; 3]> {
    let mut out = BTreeMap::new();
    for (name, value) in text.split("--").filter_map(|part| part.split_once(": #")) {
        let digits = u32::from_str_radix(&value[..6], 16).unwrap();
        out.insert(name, [16, 8, 0].map(|shift| f64::from(digits >> shift & 0xff) / 255.0));
    }
    out
}

#[test]
fn words_can_be_read_on_every_colour_by_day_and_by_night() {
    let style = include_str!("assets/page.css");
    let (day, night) = style.split_once("@media (prefers-color-scheme: dark)").unwrap();
    for (time, palette) in [("day", palette(day)), ("night", palette(night.split("@media").next().unwrap()))]
    {
        let on = |text: &str, ground: &str| {
            let contrast = contrast(palette[text], palette[ground]);
            assert!(contrast >= 4.5, "{text} on {ground} by {time}: {contrast:.2}");
        };
        for fill in [
            "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "none", "hidden", "stripe", "s1", "s2", "s3",
            "s4",
        ] {
            on("label", fill);
        }
        for text in ["ink", "soft", "accent", "rerun", "cached", "unknown", "failed"] {
            on(text, "page");
            on(text, "panel");
        }
        on("ink", "faint");
        on("soft", "faint");
    }
}
