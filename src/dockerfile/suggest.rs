//! "did you mean": BuildKit's `util/suggest`.

use super::gotext::{to_lower, to_upper};

/// The option that `value` was probably meant to be: the first of the nearest ones, less than three edits away.
///
/// `None` as well when `value` is one of the options: then it is not the spelling that is wrong. Without `case_sensitive`, both are
/// compared in lower case and the answer takes the case of `value`. BuildKit goes through some of its option lists in random order, so
/// of several equally near options it may name another one.
pub fn suggest(value: &str, options: &[&str], case_sensitive: bool) -> Option<String> {
    let fold = |s: &str| if case_sensitive { s.to_owned() } else { to_lower(s) };
    let wanted: Vec<char> = fold(value).chars().collect();
    let (mut best, mut nearest) = (None, 3);
    for option in options {
        let option = fold(option);
        let chars: Vec<char> = option.chars().collect();
        if chars == wanted {
            return None;
        }
        // The length differs by at least as much as there are edits: this keeps a long word cheap.
        if chars.len().abs_diff(wanted.len()) < nearest {
            let distance = levenshtein(&wanted, &chars);
            if distance < nearest {
                (best, nearest) = (Some(option), distance);
            }
        }
    }
    let best = best.filter(|b| !b.is_empty())?;
    Some(if case_sensitive { best } else { match_case(best, value) })
}

/// The text that BuildKit appends to an error.
pub(super) fn did_you_mean(suggestion: &str) -> String {
    format!(" (did you mean {suggestion}?)")
}

fn match_case(found: String, original: &str) -> String {
    if original == to_lower(original) {
        to_lower(&found)
    } else if original == to_upper(original) {
        to_upper(&found)
    } else {
        found
    }
}

fn levenshtein(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_in_the_case_of_the_question() {
        let names = ["ADD", "COPY", "RUN"];
        assert_eq!(suggest("COPPY", &names, false).as_deref(), Some("COPY"));
        assert_eq!(suggest("coppy", &names, false).as_deref(), Some("copy"));
        assert_eq!(suggest("Coppy", &names, false).as_deref(), Some("copy"));
        assert_eq!(suggest("FETCH", &names, false), None);
    }

    #[test]
    fn an_exact_match_means_that_the_spelling_is_right() {
        assert_eq!(suggest("copy", &["COPY"], false), None);
        assert_eq!(suggest("copy", &["COPY"], true), None);
        assert_eq!(suggest("cop", &["copy", "cop"], true), None);
    }
}
