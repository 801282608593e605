//! `--chmod`: an octal number, or symbols as in `u=rwX,go=rX`.

use super::text::quoted;

/// A mode that a copy sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chmod {
    /// `--chmod` is not given.
    Unset,
    /// Permission bits.
    Bits(i32),
    /// Verbatim.
    Symbols(String),
    /// It is given, but no number, which BuildKit up to v0.15 passes over.
    Ignored,
}

/// Reads the flag's expanded value.
///
/// # Errors
/// BuildKit's text.
pub(super) fn parse(value: &str) -> Result<Chmod, String> {
    if value.is_empty() {
        return Ok(Chmod::Unset);
    }
    let octal = value.bytes().all(|b| (b'0'..=b'7').contains(&b));
    match u32::from_str_radix(value, 8) {
        Ok(bits) if octal && bits <= 0o7777 => Ok(Chmod::Bits(i32::try_from(bits).unwrap_or(0))),
        _ if value.as_bytes()[0].is_ascii_digit() => Err(not_octal(value)),
        _ if symbols(value.as_bytes()) => Ok(Chmod::Symbols(value.to_owned())),
        _ => Err("invalid syntax".into()),
    }
}

/// Reads the flag's value as BuildKit up to v0.15 does.
pub(super) fn parse_leniently(value: &str) -> Chmod {
    let octal = value.bytes().all(|b| (b'0'..=b'7').contains(&b));
    match u32::from_str_radix(value, 8) {
        _ if value.is_empty() => Chmod::Unset,
        Ok(bits) if octal => Chmod::Bits(bits.cast_signed()),
        _ => Chmod::Ignored,
    }
}

/// BuildKit's text for a mode that should be octal.
pub(super) fn not_octal(value: &str) -> String {
    format!("invalid chmod parameter: '{value}'. it should be octal string and between 0 and 07777")
}

/// `dchapes-mode`'s grammar: clauses of who, operator and permissions, joined with commas.
fn symbols(mut rest: &[u8]) -> bool {
    loop {
        rest = skip(rest, b"augo");
        if rest.is_empty() {
            return false;
        }
        loop {
            if !b"+-=".contains(&rest[0]) {
                return false;
            }
            rest = skip(&rest[1..], b"rstwXxugo");
            match rest.first() {
                None => return true,
                Some(b',') => break,
                Some(_) => {}
            }
        }
        rest = &rest[1..];
    }
}

fn skip<'a>(text: &'a [u8], set: &[u8]) -> &'a [u8] {
    &text[text.iter().take_while(|b| set.contains(b)).count()..]
}

/// Rules of `--checksum` that the words alone tell (`convert_copy.go`); `git` when repositories can have one.
///
/// # Errors
/// BuildKit's text.
pub(super) fn check_checksum(
    checksum: &str,
    is_add: bool,
    sources: &[String],
    git: bool,
) -> Result<(), String> {
    let remote = |s: &String| super::git::is_http(s) || (git && super::git::is_git(s));
    match sources {
        _ if checksum.is_empty() => Ok(()),
        _ if !is_add => Err("checksum can't be specified for COPY".into()),
        [one] if remote(one) => Ok(()),
        [_] if !git => Err("checksum can't be specified for non-HTTP sources".into()),
        [_] => Err("checksum requires HTTP(S) or Git sources".into()),
        _ => Err("checksum can't be specified for multiple sources".into()),
    }
}

/// The text for two checksums that disagree.
pub(super) fn mismatch(flag: &str, url: &str) -> String {
    format!("checksum mismatch {} != {}", quoted(flag), quoted(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_and_symbolic_modes_are_read() {
        assert_eq!(parse("0750"), Ok(Chmod::Bits(0o750)));
        assert_eq!(parse("0"), Ok(Chmod::Bits(0)));
        for symbolic in ["u=rwX,go=rX", "+x", "a-w", "u+r-w=x", "g=u", "="] {
            assert_eq!(parse(symbolic), Ok(Chmod::Symbols(symbolic.into())), "{symbolic}");
        }
    }

    #[test]
    fn older_versions_pass_over_what_is_no_mode() {
        assert_eq!(parse_leniently(""), Chmod::Unset);
        assert_eq!(parse_leniently("750"), Chmod::Bits(0o750));
        for bad in ["u=rwX", "$MODE", "+7", "8", "77777777777777"] {
            assert_eq!(parse_leniently(bad), Chmod::Ignored, "{bad}");
        }
    }

    #[test]
    fn bad_modes_are_refused_in_buildkits_words() {
        for bad in ["77777", "9", "0x1", "1+"] {
            assert!(parse(bad).unwrap_err().starts_with("invalid chmod parameter: '"), "{bad}");
        }
        for bad in ["rwx", "u", "u+q", "u+r,", "+7", "é"] {
            assert_eq!(parse(bad).unwrap_err(), "invalid syntax", "{bad}");
        }
    }
}
