//! Names that look the same.

/// True when two names differ only in how an accent is written: as a letter of its own (NFD, as macOS does) or as part of
/// its letter (NFC).
pub fn same_but_for_composition(a: &[u8], b: &[u8]) -> bool {
    let (Ok(a), Ok(b)) = (std::str::from_utf8(a), std::str::from_utf8(b)) else { return false };
    if a == b {
        return false;
    }
    let (a, b) = (letters(a), letters(b));
    a.len() == b.len()
        && a.iter().zip(&b).all(|((x, accents_x), (y, accents_y))| {
            x == y && accents_x == accents_y
                || accents_x != accents_y
                    && (*accents_x > 0 && !y.is_ascii() || *accents_y > 0 && !x.is_ascii())
        })
}

/// Each letter with the number of combining accents behind it.
fn letters(text: &str) -> Vec<(char, usize)> {
    let mut out: Vec<(char, usize)> = Vec::new();
    for c in text.chars() {
        match out.last_mut() {
            Some(last) if ('\u{300}'..='\u{36f}').contains(&c) => last.1 += 1,
            _ => out.push((c, 0)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_and_decomposed_accents_look_the_same() {
        assert!(same_but_for_composition("café".as_bytes(), "cafe\u{301}".as_bytes()));
        assert!(!same_but_for_composition(b"cafe", b"caff"));
        assert!(!same_but_for_composition("café".as_bytes(), b"cafe"));
        assert!(!same_but_for_composition(b"x", b"x"));
    }
}
