//! What `check` found, in the formats that other programs read: each against its schema, and as its reader unescapes it.

use serde_json::Value;

use crate::support::cli::stowaway_in;
use crate::support::schema::Schema;
use crate::support::tree::on_disk;

/// A source that an ignore line hides, in a file whose name every format has to escape, and one that is nowhere.
const TREE: &str = r##"
    file  "a b,c:100%.Dockerfile"  0644 "FROM scratch AS one\n# grün\nCOPY doc.md /x/\nCOPY nowhere /y/\n"
    file  .dockerignore            0644 "# what stays\n*.md\n"
    file  doc.md                   0644 "hello\n"
"##;
const FILE: &str = "a b,c:100%.Dockerfile";

fn told(tree: &str, format: &str) -> String {
    let dir = on_disk(tree);
    let run = stowaway_in(dir.path(), ["check", "-f", FILE, "--format", format]).expect_code(1);
    run.text().to_owned()
}

fn json(tree: &str, format: &str) -> Value {
    serde_json::from_str(&told(tree, format)).expect("JSON")
}

#[track_caller]
fn fits(schema: &str, value: &Value) {
    let errors = Schema::named(schema).errors(value);
    assert!(errors.is_empty(), "{}\n{value:#}", errors.join("\n"));
}

fn results(log: &Value) -> &Vec<Value> {
    log["runs"][0]["results"].as_array().expect("results")
}

#[test]
fn sarif_fits_the_schema_and_points_at_both_files() {
    let log = json(TREE, "sarif");
    fits("sarif-2.1.0.json", &log);
    let results = results(&log);
    assert!(results.len() >= 2, "{log:#}");
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().expect("rules");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("an index");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(rules[index]["help"]["markdown"].is_string());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b%2Cc%3A100%25.Dockerfile");
        assert_eq!(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
    }
    let hidden = results.iter().find(|r| r["ruleId"] == "copy-source-missing").expect("the hidden source");
    assert_eq!(hidden["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
    let related = &hidden["relatedLocations"][0]["physicalLocation"];
    assert_eq!(
        (&related["artifactLocation"]["uri"], &related["region"]["startLine"]),
        (&".dockerignore".into(), &2.into()),
        "{hidden:#}"
    );
}

#[test]
fn a_validator_that_takes_everything_would_be_none() {
    let mut log = json(TREE, "sarif");
    log["runs"][0]["results"][0]["level"] = "fatal".into();
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0.into();
    log["runs"][0]["results"][1]["message"] = Value::Null;
    log["runs"][0]["surprise"] = true.into();
    let errors = Schema::named("sarif-2.1.0.json").errors(&log).join("\n");
    for wrong in ["/level: ", "/startLine: 0 is under 1", "results/1/message: ", "surprise is not allowed"] {
        assert!(errors.contains(wrong), "{wrong}: {errors}");
    }
}

#[test]
fn a_finding_is_known_again_when_lines_move() {
    let prints = |tree: &str| -> Vec<String> {
        let log = json(tree, "sarif");
        let print = |r: &Value| {
            r["partialFingerprints"]["stowawayFinding/v1"].as_str().expect("a fingerprint").to_owned()
        };
        results(&log).iter().map(print).collect()
    };
    let before = prints(TREE);
    let after = prints(&TREE.replace("# grün", "# one\\n\\n# two\\n# three"));
    assert_eq!(before, after);
    let mut unique = before.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), before.len(), "every finding has its own");
    assert_ne!(before, prints(&TREE.replace("nowhere", "elsewhere")), "another source is another finding");
}

#[test]
fn columns_count_characters() {
    let tree = TREE.replace("COPY nowhere /y/", "COPY ä.txt nowhere /y/") + "file ä.txt 0644\n";
    let log = json(&tree, "sarif");
    let region = |r: &Value| r["locations"][0]["physicalLocation"]["region"].clone();
    let missing = results(&log).iter().map(region).find(|r| r["startLine"] == 4).expect("line 4");
    assert_eq!((&missing["startColumn"], &missing["endColumn"]), (&12.into(), &19.into()), "{missing}");
}

#[test]
fn a_change_that_was_tried_is_a_fix() {
    let dir = on_disk(
        r#"
        file Dockerfile        0644 "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"a.js\"]\n"
        file package.json      0644 "{}"
        file package-lock.json 0644 "{}"
        file a.js              0644 "1"
        file b.js              0644 "2"
        file lib/c.js          0644 "3"
        file lib/d.js          0644 "4"
        "#,
    );
    let run = stowaway_in(dir.path(), ["check", "--format", "sarif"]);
    let log = run.json().expect("a log");
    fits("sarif-2.1.0.json", &log);
    let result = results(&log).iter().find(|r| r["ruleId"] == "copy-before-install").expect("a finding");
    let change = &result["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], "Dockerfile");
    let edit = &change["replacements"][0];
    assert!(edit["insertedContent"]["text"].as_str().is_some_and(|t| t.ends_with('\n')), "{edit}");
    assert_eq!(edit["deletedRegion"]["startColumn"], 1, "whole lines: {edit}");
}

#[test]
fn gitlabs_report_fits_its_schema() {
    let report = json(TREE, "gitlab");
    let entries = report.as_array().expect("an array");
    assert!(entries.len() >= 2);
    for entry in entries {
        fits("gitlab-codequality.json", entry);
        assert_eq!(entry["location"]["path"], FILE);
        assert!(entry["location"]["lines"]["begin"].as_u64() >= Some(1));
        assert!(
            ["info", "minor", "major", "critical", "blocker"]
                .contains(&entry["severity"].as_str().expect("a severity"))
        );
        assert_eq!(entry["fingerprint"].as_str().expect("a fingerprint").len(), 64);
    }
}

#[test]
fn annotations_are_escaped_as_the_runner_unescapes_them() {
    let text = told(TREE, "github");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() >= 2, "{text}");
    for line in &lines {
        assert!(line.starts_with("::"), "one annotation a line: {line}");
    }
    let hidden = lines.iter().find(|l| l.contains("line=3,")).expect("the hidden source");
    assert!(
        hidden.starts_with("::error file=a b%2Cc%3A100%25.Dockerfile,line=3,endLine=3,title="),
        "{hidden}"
    );
    assert!(hidden.contains("%0A.dockerignore:2: "), "the second file is named: {hidden}");
}

#[test]
fn markdown_is_short_first_and_folds_the_rest() {
    let text = told(TREE, "markdown");
    assert!(text.starts_with("### "), "{text}");
    let folded = text.find("<details>").expect("details");
    assert!(text[..folded].contains("| error | `a b,c:100%.Dockerfile:3` |"), "{text}");
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
}

#[test]
fn a_thousand_findings_stay_within_githubs_limits() {
    let copies: String = (0..1000).map(|i| format!("COPY nowhere-{i} /x/\\n")).collect();
    let tree = format!("file \"{FILE}\" 0644 \"FROM scratch\\n{copies}\"\n");
    let page = told(&tree, "markdown");
    assert!(page.len() < 65_536, "{}", page.len());
    assert!(page.contains("more_"), "what is left out is counted");
    assert!(told(&tree, "github").lines().count() <= 30);
    fits("sarif-2.1.0.json", &json(&tree, "sarif"));
}

#[test]
fn without_findings_all_formats_are_still_whole() {
    let dir = on_disk(
        "file Dockerfile 0644 \"FROM scratch\\nCOPY a /\\n\"\nfile a 0644\nfile .dockerignore 0644 \"Dockerfile\\n.dockerignore\\n\"\n",
    );
    let run = |format: &str| {
        stowaway_in(dir.path(), ["check", "--format", format]).expect_code(0).text().to_owned()
    };
    fits("sarif-2.1.0.json", &serde_json::from_str(&run("sarif")).expect("JSON"));
    assert_eq!(run("gitlab").trim(), "[]");
    assert_eq!(run("github"), "");
    assert!(run("markdown").starts_with("### "));
}
