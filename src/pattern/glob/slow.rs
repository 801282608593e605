//! The slow, obvious way to match judges the fast ones: every pattern that is no plain text is a regexp, and nothing else is looked
//! at (`patternmatcher.go`, `compile` and `match`).

use fastrand::Rng;

use super::*;

/// What Moby does, without any short cut.
fn slow(pattern: &str, path: &[u8]) -> Result<bool, BadPattern> {
    let (shape, pieces) = read(pattern);
    let text = pattern.as_bytes();
    Ok(match shape {
        Shape::Exact => path == text,
        Shape::Prefix => path.starts_with(&text[..text.len() - 2]),
        Shape::Suffix => path.ends_with(&text[2..]) || text[2..].first() == Some(&b'/') && path == &text[3..],
        Shape::Regexp => {
            let mut go = String::from("^");
            pieces.iter().for_each(|piece| piece.write_go(&mut go));
            go.push('$');
            let regex = regex::bytes::Regex::new(&regexp::translate(&go)?).map_err(|_| BadPattern)?;
            regex.is_match(runes(path).as_bytes())
        }
    })
}

fn text(rng: &mut Rng, words: &[&str], most: usize) -> String {
    (0..rng.usize(1..=most)).map(|_| words[rng.usize(..words.len())]).collect()
}

/// Half of the paths are made from the pattern, so that many match.
fn path(rng: &mut Rng, pattern: &str) -> Vec<u8> {
    const WORDS: &[&str] = &["a", "b", "ab", "/", ".", "x.c", "é", "\n", "\u{fffd}", "|", "{2}"];
    let path = if rng.bool() {
        let gap = text(rng, WORDS, 3);
        pattern.replace("**/", "*").replace("**", "*").replace('*', &gap).replace('?', "b").replace('\\', "")
    } else {
        text(rng, WORDS, 6)
    };
    let mut path = path.into_bytes();
    if rng.u8(..10) == 0 && !path.is_empty() {
        let at = rng.usize(..path.len());
        path[at] = 0xff;
    }
    path
}

/// How many of the answers were yes and no: a test in which one of them is missing would prove little.
fn compared(seed: u64, words: &[&str], patterns: usize) -> (usize, usize) {
    let mut rng = Rng::with_seed(seed);
    let (mut yes, mut no) = (0, 0);
    for _ in 0..patterns {
        let text = text(&mut rng, words, 5);
        let pattern = Pattern::new(text.clone().into(), false, 0);
        for _ in 0..16 {
            let path = path(&mut rng, &text);
            let fast = pattern.matches(&path);
            assert_eq!(fast, slow(&text, &path), "{text:?} on {:?}", bstr::BStr::new(&path));
            match fast {
                Ok(true) => yes += 1,
                _ => no += 1,
            }
        }
    }
    (yes, no)
}

#[test]
fn short_cuts_of_usual_patterns_match_what_the_regexp_matches() {
    let (yes, no) = compared(1, &["a", "b", "ab", "/", "*", "**/", "**", ".c", "?"], 700);
    assert!(yes > 1000 && no > 1000, "{yes} yes, {no} no");
}

#[test]
fn short_cuts_of_odd_patterns_match_what_the_regexp_matches() {
    let odd = [
        "a", "b", "/", "*", "**/", "é", "\\*", "\\a", "[ab]", "[^a]", "|", "{2}", "^", "$", "+", "(",
        "\u{fffd}", "\n",
    ];
    let (yes, no) = compared(2, &odd, 700);
    assert!(yes > 200 && no > 1000, "{yes} yes, {no} no");
}
