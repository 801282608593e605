//! What might spare rebuilds: candidates, which a replay then tries.

use std::collections::{BTreeMap, BTreeSet};

use super::edit::{Edit, Instruction, words};
use super::moment::Moment;
use super::tally::Row;
use crate::pattern::Matcher;

/// A candidate, and why it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What would be done.
    pub edit: Edit,
    /// The step that it is for, as its place among the steps.
    pub step: usize,
    /// For an ignore line and a narrower COPY: the pattern.
    pub pattern: Option<String>,
}

/// A pattern, and in how many commits a step ran only because of what it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlyBecause {
    /// The pattern, as it may stand in an ignore file.
    pub pattern: String,
    /// Commits.
    pub commits: usize,
}

/// So many candidates are tried for one step.
const PER_STEP: usize = 2;
/// So many candidates are tried in all.
const IN_ALL: usize = 6;

/// Folders and files that images seldom need.
const SELDOM: &[&str] = &[
    "doc",
    "docs",
    "documentation",
    "test",
    "tests",
    "__tests__",
    "spec",
    "e2e",
    "examples",
    "example",
    "samples",
    "benches",
    "benchmarks",
    ".github",
    ".gitlab",
    ".circleci",
    ".vscode",
    ".idea",
    ".devcontainer",
    ".husky",
    ".gitlab-ci.yml",
    ".gitignore",
    ".editorconfig",
    ".pre-commit-config.yaml",
    "Jenkinsfile",
    "README.md",
    "README",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Dockerfile",
    ".dockerignore",
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yaml",
    "compose.yml",
    "**/*.md",
    "**/*.rst",
];

/// Endings of files that aren't what a program is made of.
const NO_CODE: &[&str] = &[
    "md", "rst", "txt", "adoc", "png", "jpg", "jpeg", "gif", "svg", "pdf", "json", "yaml", "yml", "toml",
    "lock", "ini", "cfg", "csv", "html", "css",
];

/// The patterns that alone made a step run, the most frequent first.
pub fn only_because(row: &Row) -> Vec<OnlyBecause> {
    let of_context = row.paths.iter().flatten().filter(|(local, _)| local == "context");
    let names: BTreeSet<String> = of_context.flat_map(|(_, path)| patterns(path)).collect();
    let mut out = Vec::new();
    for pattern in names {
        let Ok(matcher) = Matcher::new(&[&pattern]) else { continue };
        let commits = alone(row, &matcher).into_iter().filter(|alone| *alone).count();
        if commits > 0 {
            out.push(OnlyBecause { pattern, commits });
        }
    }
    // Of two that say the same, the wider one comes first and the other is left out.
    out.sort_by(|a, b| b.commits.cmp(&a.commits).then(a.pattern.len().cmp(&b.pattern.len())));
    let mut kept: Vec<OnlyBecause> = Vec::new();
    for one in out {
        let wider =
            |k: &OnlyBecause| one.pattern.starts_with(&format!("{}/", k.pattern)) || k.pattern == one.pattern;
        if !kept.iter().any(|k| wider(k) && k.commits >= one.commits) {
            kept.push(one);
        }
    }
    kept
}

/// For each commit whose files made a step run: whether a matcher matches all of them.
fn alone(row: &Row, matcher: &Matcher) -> Vec<bool> {
    let matches = |(local, path): &(String, Vec<u8>)| {
        local == "context" && matcher.matches_or_parent(path).unwrap_or(false)
    };
    row.paths.iter().map(|set| set.iter().all(matches)).collect()
}

/// The patterns that a path suggests: its folders, its ending, itself at the top.
fn patterns(path: &[u8]) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(path) else { return Vec::new() };
    if text.contains(['*', '?', '[', ']', '\\', '!', '#', '\n', '\r', ' ']) {
        return Vec::new();
    }
    let parts: Vec<&str> = text.split('/').collect();
    let mut out: Vec<String> = (1..parts.len().min(3)).map(|n| parts[..n].join("/")).collect();
    if parts.len() == 1 {
        out.push(text.to_owned());
    }
    if let Some((stem, ending)) = parts.last().and_then(|name| name.rsplit_once('.'))
        && !stem.is_empty()
        && !ending.is_empty()
    {
        out.push(format!("**/*.{ending}"));
    }
    out
}

/// What is worth a try, by what the replay found.
pub fn candidates(rows: &[Row], newest: &Moment) -> Vec<Candidate> {
    let mut out = Vec::new();
    let mut seen: Vec<Edit> = Vec::new();
    for row in rows.iter().filter(|r| r.missed > 1) {
        let found = ignores(row, rows, newest).into_iter().chain(manifests(row, rows, newest));
        for candidate in found {
            if !seen.contains(&candidate.edit) {
                seen.push(candidate.edit.clone());
                out.push(candidate);
            }
        }
    }
    out.truncate(IN_ALL);
    out
}

/// Ignore lines, or where another step needs the files, a narrower COPY.
fn ignores(row: &Row, rows: &[Row], newest: &Moment) -> Vec<Candidate> {
    let main = main_ending(row, newest);
    let may = |one: &&OnlyBecause| {
        one.commits > 1
            && (SELDOM.contains(&one.pattern.as_str())
                || !has_code(&one.pattern, row, newest, main.as_deref()))
    };
    let mut out = Vec::new();
    let mut spared = vec![false; row.paths.len()];
    for one in only_because(row).iter().filter(may) {
        let Ok(matcher) = Matcher::new(&[&one.pattern]) else { continue };
        let alone = alone(row, &matcher);
        let more = alone.iter().zip(&spared).filter(|(alone, spared)| **alone && !**spared).count();
        if more < 2 || takes_all(row, newest, &matcher) {
            continue;
        }
        let others = rows.iter().filter(|r| r.index != row.index);
        let needed = others.into_iter().any(|r| takes(r, newest, &matcher) && names(r, &one.pattern));
        let edit = match needed {
            false => Edit::Ignore { line: one.pattern.clone() },
            true => match copies_everything(row) {
                true => Edit::Narrow { copy: instruction(row), exclude: vec![one.pattern.clone()] },
                false => continue,
            },
        };
        out.push(Candidate { edit, step: row.index, pattern: Some(one.pattern.clone()) });
        spared.iter_mut().zip(alone).for_each(|(spared, alone)| *spared |= alone);
        if out.len() == PER_STEP {
            break;
        }
    }
    out
}

fn instruction(row: &Row) -> Instruction {
    Instruction { stage: row.stage.clone(), text: row.text.clone() }
}

/// What a step takes from the context now.
fn taken<'m>(row: &Row, newest: &'m Moment) -> impl Iterator<Item = &'m [u8]> + use<'m> {
    let taken = newest.steps.get(row.index).map(|s| s.taken.clone()).unwrap_or_default();
    taken.into_iter().flat_map(move |(sent, ranges)| {
        let (local, paths) = &newest.sent[sent];
        let all = ranges.into_iter().flatten().map(|i| paths[i].as_bytes());
        all.filter(move |_| local == "context")
    })
}

fn takes(row: &Row, newest: &Moment, matcher: &Matcher) -> bool {
    taken(row, newest).any(|path| matcher.matches_or_parent(path).unwrap_or(false))
}

/// Whether nothing would be left of what a step takes, but folders that held it.
fn takes_all(row: &Row, newest: &Moment, matcher: &Matcher) -> bool {
    let paths: Vec<&[u8]> = taken(row, newest).collect();
    // What a folder holds stands right behind it.
    let holds =
        |folder: &[u8], next: &[u8]| next.starts_with(folder) && next.get(folder.len()) == Some(&b'/');
    let empty = |at: usize| paths.get(at + 1).is_none_or(|next| !holds(paths[at], next));
    let leaves = (0..paths.len()).filter(|at| empty(*at)).map(|at| paths[at]);
    leaves.into_iter().all(|path| matcher.matches_or_parent(path).unwrap_or(false))
}

/// Whether a step has a pattern's path in its words, and so means what it takes.
fn names(row: &Row, pattern: &str) -> bool {
    let word = |w: &str| {
        let w = w.trim_start_matches("./").trim_end_matches('/');
        w == pattern || w.starts_with(&format!("{pattern}/"))
    };
    words(&row.text).is_some_and(|(_, sources, _)| sources.into_iter().any(word))
}

fn copies_everything(row: &Row) -> bool {
    words(&row.text).is_some_and(|(flags, sources, _)| {
        matches!(sources[..], ["." | "./" | "/"]) && !flags.iter().any(|f| f.starts_with("--from"))
    })
}

/// The ending of most of the files that a step takes, of those that programs are made of.
fn main_ending(row: &Row, newest: &Moment) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for path in taken(row, newest) {
        if let Some(ending) = ending(path).filter(|e| !NO_CODE.contains(e)) {
            *counts.entry(ending.to_owned()).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(ending, _)| ending)
}

fn ending(path: &[u8]) -> Option<&str> {
    let name = path.rsplit(|b| *b == b'/').next()?;
    let (stem, ending) = std::str::from_utf8(name).ok()?.rsplit_once('.')?;
    (!stem.is_empty()).then_some(ending)
}

/// Whether a pattern matches files that the program is made of.
fn has_code(pattern: &str, row: &Row, newest: &Moment, main: Option<&str>) -> bool {
    let Ok(matcher) = Matcher::new(&[pattern]) else { return true };
    let Some(main) = main else { return false };
    let matching = taken(row, newest).filter(|path| matcher.matches_or_parent(path).unwrap_or(false));
    let touched = row.paths.iter().flatten().map(|(_, path)| path.as_slice());
    let touched = touched.filter(|path| matcher.matches_or_parent(path).unwrap_or(false));
    matching.chain(touched).any(|path| ending(path) == Some(main) || is_manifest(path))
}

/// What installs packages, and the files that say which.
const INSTALLERS: &[(&[&str], &[&str])] = &[
    (
        &["npm ci", "npm install", "npm i"],
        &["package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"],
    ),
    (
        &["yarn install", "yarn --frozen-lockfile", "yarn --immutable"],
        &["package.json", "yarn.lock", ".yarnrc.yml"],
    ),
    (
        &["pnpm install", "pnpm i", "pnpm fetch"],
        &["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc"],
    ),
    (&["poetry install"], &["pyproject.toml", "poetry.lock"]),
    (&["uv sync"], &["pyproject.toml", "uv.lock"]),
    (&["pipenv install", "pipenv sync"], &["Pipfile", "Pipfile.lock"]),
    (&["go mod download"], &["go.mod", "go.sum"]),
    (&["bundle install"], &["Gemfile", "Gemfile.lock"]),
    (&["composer install"], &["composer.json", "composer.lock"]),
    (&["cargo fetch"], &["Cargo.toml", "Cargo.lock"]),
    (&["mvn dependency:"], &["pom.xml"]),
];

fn is_manifest(path: &[u8]) -> bool {
    INSTALLERS.iter().flat_map(|(_, files)| *files).any(|f| f.as_bytes() == path)
}

/// The files that a program which installs packages reads.
fn manifests_of(run: &str) -> Vec<String> {
    let words = |command: &str| {
        run.match_indices(command).any(|(at, _)| {
            let end = run[at + command.len()..].chars().next();
            end.is_none_or(|c| !c.is_alphanumeric() && c != '-') || command.ends_with(':')
        })
    };
    let mut files: Vec<String> = Vec::new();
    for (commands, own) in INSTALLERS {
        if commands.iter().any(|c| words(c)) {
            files.extend(own.iter().map(|f| (*f).to_owned()));
        }
    }
    if run.contains("pip install") || run.contains("pip3 install") {
        let mut rest = run.split_whitespace();
        while let Some(word) = rest.next() {
            let file = match word {
                "-r" | "--requirement" | "-c" | "--constraint" => rest.next(),
                _ => word.strip_prefix("-r").or_else(|| word.strip_prefix("--requirement=")),
            };
            files.extend(file.map(|f| f.trim_start_matches("./").to_owned()));
        }
    }
    files
}

/// Copying the files that an installation needs first.
fn manifests(row: &Row, rows: &[Row], newest: &Moment) -> Option<Candidate> {
    if row.instruction != "RUN" {
        return None;
    }
    let there: BTreeSet<&[u8]> = newest
        .sent
        .iter()
        .filter(|(local, _)| local == "context")
        .flat_map(|(_, paths)| paths.iter().map(|p| p.as_bytes()))
        .collect();
    let files: Vec<String> =
        manifests_of(&row.text).into_iter().filter(|f| there.contains(f.as_bytes())).collect();
    let before = rows.iter().rev().filter(|r| r.index < row.index && r.stage == row.stage);
    let copy =
        before.into_iter().find(|r| r.instruction == "COPY" && r.missed > 0 && copies_everything(r))?;
    let edit = Edit::Manifests { copy: instruction(copy), run: instruction(row), files };
    let some = matches!(&edit, Edit::Manifests { files, .. } if !files.is_empty());
    some.then_some(Candidate { edit, step: row.index, pattern: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(sets: &[&[&str]]) -> Row {
        let place = |p: &&str| ("context".to_owned(), p.as_bytes().to_vec());
        Row { paths: sets.iter().map(|s| s.iter().map(place).collect()).collect(), ..Row::default() }
    }

    #[test]
    fn patterns_count_where_they_alone_are_to_blame() {
        let row = row(&[
            &["docs/a.md"],
            &["docs/b.md", "docs/x/c.png"],
            &["src/a.rs", "docs/a.md"],
            &["README.md"],
        ]);
        let found = only_because(&row);
        let of = |p: &str| found.iter().find(|o| o.pattern == p).map(|o| o.commits);
        assert_eq!(
            (of("docs"), of("**/*.md"), of("src"), of("README.md")),
            (Some(2), Some(2), None, Some(1))
        );
        assert_eq!(of("docs/x"), None);
    }

    #[test]
    fn what_an_installation_reads_is_known() {
        assert_eq!(manifests_of("RUN go mod download && true"), ["go.mod", "go.sum"]);
        assert_eq!(manifests_of("RUN pip install --no-cache-dir -r requirements.txt"), ["requirements.txt"]);
        assert_eq!(manifests_of("RUN pip install -rreq/base.txt"), ["req/base.txt"]);
        assert!(manifests_of("RUN npm install-test-x").is_empty() && manifests_of("RUN make").is_empty());
    }
}
