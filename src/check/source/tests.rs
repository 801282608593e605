//! Each rule with a build that breaks it and one that doesn't.

use super::super::trial::Trial;
use super::super::{Finding, Severity};
use super::find;

fn codes(files: &[&str], ignore: &str, dockerfile: &str) -> Vec<&'static str> {
    Trial { files, ignore, dockerfile, ..Trial::default() }.codes(find)
}

fn one(files: &[&str], ignore: &str, dockerfile: &str) -> Finding {
    let found = Trial { files, ignore, dockerfile, ..Trial::default() }.find(find);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

fn fixes(finding: &Finding) -> Vec<(usize, usize, Vec<&str>)> {
    let edits = finding.help.iter().filter_map(|h| h.fix.as_ref()).flat_map(|f| &f.edits);
    edits.map(|e| (e.line, e.remove, e.insert.iter().map(String::as_str).collect())).collect()
}

#[test]
fn a_hidden_source_has_labels_in_both_files_and_a_line_that_brings_it_back() {
    let found = one(&["config/app.yml"], "*.md\n**/*.yml\n", "FROM scratch\nCOPY config/app.yml /etc/\n");
    assert_eq!((found.rule.code, found.severity), ("copy-source-missing", Severity::Error));
    let places: Vec<_> = found.labels.iter().map(|l| (&*l.file, l.line, l.column, l.end_column)).collect();
    assert_eq!(places, [("Dockerfile", 2, 6, 20), (".dockerignore", 2, 1, 9)]);
    assert_eq!(fixes(&found), [(3, 0, vec!["!config/app.yml"])]);
}

#[test]
fn a_line_that_hides_the_source_alone_is_removed() {
    let found = one(&["app.yml"], "app.yml\n", "FROM scratch\nCOPY app.yml /etc/\n");
    assert_eq!(fixes(&found), [(1, 1, vec![])]);
}

#[test]
fn a_source_in_a_folder_that_is_not_entered_can_be_brought_back() {
    let found = one(&["docs/a [1].md"], "docs\n", "FROM scratch\nCOPY [\"docs/a [[]1].md\", \"/\"]\n");
    assert_eq!(found.rule.code, "wildcard-without-match");
    let found = one(&["docs/a.md"], "docs\n", "FROM scratch\nCOPY docs/a.md /\n");
    assert_eq!(fixes(&found), [(2, 0, vec!["!docs/a.md"])]);
}

#[test]
fn a_misspelt_source_is_replaced_where_it_stands() {
    let found = one(&["requirements.txt"], "", "FROM scratch\nCOPY \\\n  requirement.txt /app/\n");
    assert_eq!((found.labels[0].line, found.labels[0].column), (3, 3));
    assert_eq!(fixes(&found), [(3, 1, vec!["  requirements.txt /app/"])]);
    let found = one(&["README.md"], "", "FROM scratch\nCOPY readme.md /\n");
    assert_eq!(fixes(&found), [(2, 1, vec!["COPY README.md /"])]);
}

#[test]
fn what_a_stage_may_make_is_proposed_from_there() {
    let text = "FROM alpine AS build\nWORKDIR /app\nRUN make\nFROM scratch\nCOPY dist /srv/\n";
    let found = one(&["a"], "", text);
    assert!(found.help[0].message.contains("COPY --from=build /app/dist"), "{:?}", found.help);
}

#[test]
fn flags_and_wildcards_with_a_match_are_no_missing_files() {
    let text = "FROM scratch\nCOPY --chown=netra:netra frontend/package*.json ./\n";
    assert!(codes(&["frontend/package.json"], "", text).is_empty());
}

#[test]
fn a_source_outside_is_told_where_it_is_looked_up() {
    assert_eq!(codes(&["x"], "", "FROM scratch\nCOPY ../x /\n"), ["outside-context"]);
    assert!(codes(&["a/x"], "", "FROM scratch\nCOPY a/../a/x /\n").is_empty());
}

#[test]
fn an_absolute_source_is_a_note() {
    let found = one(&["etc/a"], "", "FROM scratch\nCOPY /etc/a /b\n");
    assert_eq!((found.rule.code, found.severity), ("absolute-source", Severity::Note));
    assert!(codes(&["etc/a"], "", "FROM scratch\nCOPY / /b\nCOPY etc/a /c\n").is_empty());
}

#[test]
fn two_stars_are_one_level_without_parents() {
    assert_eq!(codes(&["a/x.py"], "", "FROM scratch\nCOPY **/*.py /b/\n"), ["double-star"]);
    let text = "# syntax=docker/dockerfile:1.20\nFROM scratch\nCOPY --parents **/*.py /b/\n";
    assert!(codes(&["a/x.py"], "", text).is_empty());
}

#[test]
fn a_wildcard_flattens_only_where_it_matches_folders() {
    let found = one(&["src/a/x", "src/b"], "", "FROM scratch\nCOPY src/* /b/\n");
    assert_eq!(found.rule.code, "wildcard-flattens");
    assert!(found.message.contains("the folder `src/a`"), "{}", found.message);
    assert!(codes(&["src/a", "src/b"], "", "FROM scratch\nCOPY src/* /b/\n").is_empty());
}

#[test]
fn excludes_that_name_what_a_wildcard_matches_do_nothing() {
    let head = "# syntax=docker/dockerfile:1.20\nFROM scratch\n";
    let text = format!("{head}COPY --exclude=*.test.js src/*.js /b/\n");
    assert_eq!(codes(&["src/a.js", "src/a.test.js"], "", &text), ["exclude-not-for-sources"]);
    assert!(codes(&["src/a.js", "src/b.js"], "", &text).is_empty());
    let text = format!("{head}COPY --exclude=*.test.js src /b/\n");
    assert!(codes(&["src/a.js", "src/a.test.js"], "", &text).is_empty());
}

#[test]
fn a_wildcard_without_match_names_the_line_that_hides_what_it_would_match() {
    let found = one(&["n/a.conf"], "\n**/*.conf\n", "FROM scratch\nCOPY n/*.conf /b/\n");
    assert_eq!((found.rule.code, found.labels.len()), ("wildcard-without-match", 2));
    assert_eq!((&*found.labels[1].file, found.labels[1].line), (".dockerignore", 2));
    assert!(codes(&["n/a.conf"], "", "FROM scratch\nCOPY n/*.conf /b/\n").is_empty());
}

#[test]
fn files_that_are_written_as_optional_are_not_missed() {
    let text = "FROM scratch\nCOPY package.json yarn.lock* package-lock.json* .npmr[c] ./\n";
    assert!(codes(&["package.json"], "", text).is_empty());
    assert_eq!(codes(&["a"], "", "FROM scratch\nCOPY requirements*.txt ./\n"), ["wildcard-without-match"]);
}

#[test]
fn a_folder_of_which_all_is_hidden_arrives_empty() {
    let found = one(&["assets/a", "assets/b/c", "x"], "assets/*\n", "FROM scratch\nCOPY assets /a\n");
    assert_eq!(found.rule.code, "copy-source-emptied");
    assert!(codes(&["assets/"], "", "FROM scratch\nCOPY assets /a\n").is_empty());
    assert!(codes(&["assets/a"], "assets/*\n", "FROM scratch\nCOPY . /a\n").is_empty());
}

#[test]
fn hidden_files_of_a_named_folder_are_told_when_somebody_may_miss_them() {
    let found = one(&["config/a.yml", "config/b"], "**/*.yml\n", "FROM scratch\nCOPY config /a\n");
    assert_eq!((found.rule.code, found.severity), ("copy-source-partly-hidden", Severity::Note));
    assert!(found.message.contains("without 1 of its 2 files"), "{}", found.message);
    let healthy =
        ["src/a.js", "src/a.test.js", "src/__pycache__/x.pyc", "src/README.md", "src/.env", "src/gen/x"];
    let ignore = "**/*.test.js\n**/__pycache__\n**/*.md\n**/.env\nsrc/gen\n";
    assert!(codes(&healthy, ignore, "FROM scratch\nCOPY src /a\nCOPY . /b\n").is_empty());
}

#[test]
fn a_link_to_what_is_hidden_leads_nowhere() {
    let found = one(&["app/l -> ../shared/x", "shared/x"], "shared\n", "FROM scratch\nCOPY app /a\n");
    assert_eq!((found.rule.code, found.labels.len()), ("link-target-hidden", 2));
    assert!(codes(&["app/l -> ../shared/x", "shared/x"], "", "FROM scratch\nCOPY . /a\n").is_empty());
}

#[test]
fn a_link_that_leads_out_is_a_note_and_one_into_the_image_is_none() {
    let found = one(&["app/l -> ../../x"], "", "FROM scratch\nCOPY app /a\n");
    assert_eq!(found.rule.code, "link-target-outside");
    assert!(
        codes(&["app/l -> /usr/bin/python3", "app/d -> gone"], "", "FROM scratch\nCOPY app /a\n").is_empty()
    );
}

#[test]
fn a_folder_under_the_name_of_a_file_is_told() {
    let found = one(&["nginx/nginx.conf"], "", "FROM scratch\nCOPY nginx /etc/nginx/nginx.conf\n");
    assert_eq!(found.rule.code, "folder-as-file");
    assert!(found.help[0].message.contains("`nginx/nginx.conf`"));
    let healthy = "FROM scratch\nCOPY conf.d /etc/nginx/conf.d\nCOPY nginx /etc/nginx\nCOPY conf.d /a.js/\n";
    assert!(codes(&["nginx/nginx.conf", "conf.d/a"], "", healthy).is_empty());
}

#[test]
fn several_folders_come_together_and_may_clash() {
    let found = one(&["src/a", "lib/b"], "", "FROM scratch\nCOPY src lib /app/\n");
    assert_eq!((found.rule.code, found.severity), ("folder-contents-merged", Severity::Note));
    let found = one(&["src/x/a", "lib/x/a"], "", "FROM scratch\nCOPY src lib /app/\n");
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.message.contains("`x/a`"), "{}", found.message);
    assert!(codes(&["src/a", "b"], "", "FROM scratch\nCOPY src b /app/\n").is_empty());
}

#[test]
fn several_files_under_one_name_overwrite_each_other() {
    let found = one(&["a", "b"], "", "FROM scratch\nCOPY a b /config\n");
    assert_eq!((found.rule.code, found.severity), ("sources-overwrite", Severity::Warning));
    for healthy in [
        "FROM scratch\nCOPY a b /config/\n",
        "FROM scratch\nWORKDIR /config\nCOPY a b ./\nCOPY a b /config\n",
        "FROM alpine\nCOPY a b /usr/local/bin\n",
        "FROM alpine\nRUN mkdir -p /config\nCOPY a b /config\n",
        "FROM scratch\nCOPY a /config\n",
    ] {
        assert!(codes(&["a", "b"], "", healthy).is_empty(), "{healthy}");
    }
}

#[test]
fn bind_mounts_are_looked_at_like_sources() {
    let text = "FROM alpine\nRUN --mount=type=bind,source=go.mod,target=/go.mod true\n";
    let found = one(&["go.mods"], "", text);
    assert_eq!(found.rule.code, "copy-source-missing");
    assert_eq!(fixes(&found), [(2, 1, vec!["RUN --mount=type=bind,source=go.mods,target=/go.mod true"])]);
    assert!(codes(&["go.mod"], "", text).is_empty());
}
