//! Recorded answers of Moby's own matcher.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::*;

/// One list of patterns and what `patternmatcher` says; all paths and patterns in base64.
#[derive(Deserialize)]
struct Row {
    patterns: Vec<String>,
    /// The error of `New`.
    error: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    /// For each name the answer of `MatchesOrParentMatches`: `0`, `1`, `E`.
    #[serde(default)]
    alone: String,
    /// For each name those of `MatchesUsingParentResults`, from the first component down, up to an error.
    #[serde(default)]
    walked: Vec<String>,
}

fn bytes(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

fn letter(answer: Result<bool, crate::gopath::BadPattern>) -> char {
    match answer {
        Ok(true) => '1',
        Ok(false) => '0',
        Err(_) => 'E',
    }
}

fn walk(matcher: &Matcher, name: &[u8]) -> String {
    let (mut answers, mut info) = (String::new(), None);
    for end in (0..=name.len()).filter(|i| matches!(name.get(*i), None | Some(b'/'))) {
        let answer = matcher.matches_with_parent(&name[..end], info.as_ref());
        answers.push(letter(answer.clone().map(|(matched, _)| matched)));
        let Ok((_, below)) = answer else { break };
        info = Some(below);
    }
    answers
}

#[test]
fn recorded_lists_match_as_moby_says() {
    let text = include_str!("../../fixtures/client/patterns.jsonl");
    for (number, line) in text.lines().enumerate() {
        let row: Row = serde_json::from_str(line).unwrap();
        let patterns: Vec<Vec<u8>> = row.patterns.iter().map(|p| bytes(p)).collect();
        let matcher = Matcher::new(&patterns);
        assert_eq!(matcher.is_err(), row.error.is_some(), "row {}", number + 1);
        let Ok(matcher) = matcher else { continue };
        let names: Vec<Vec<u8>> = row.names.iter().map(|n| bytes(n)).collect();
        let alone: String = names.iter().map(|n| letter(matcher.matches_or_parent(n))).collect();
        let walked: Vec<String> = names.iter().map(|n| walk(&matcher, n)).collect();
        assert_eq!((alone, walked), (row.alone, row.walked), "row {}", number + 1);
    }
}

#[test]
fn an_explanation_agrees_with_the_walk() {
    let text = include_str!("../../fixtures/client/patterns.jsonl");
    for line in text.lines() {
        let row: Row = serde_json::from_str(line).unwrap();
        let patterns: Vec<Vec<u8>> = row.patterns.iter().map(|p| bytes(p)).collect();
        let Ok(matcher) = Matcher::new(&patterns) else { continue };
        for (name, walked) in row.names.iter().zip(&row.walked) {
            let name = bytes(name);
            let explained = matcher.explain(&name);
            assert_eq!(letter(explained.clone().map(|e| e.decision.matched)), walked.chars().last().unwrap());
            let Ok(Explanation { decision: Decision { by: Some(by), matched }, at }) = explained else {
                continue;
            };
            let pattern = &matcher.patterns()[by];
            assert_eq!((pattern.negated(), pattern.matches(&at)), (!matched, Ok(true)));
            assert!(at == name || name.starts_with(&[&at[..], b"/"].concat()));
        }
    }
}
