//! Go's regular expressions, said again in the words of the `regex` crate.
//!
//! Moby puts `[`, `]`, `^` and `\x` of a pattern verbatim into a Go regexp, and `{`, `|`, `}` too (`shouldEscape` means to
//! escape them, but its table has no room for bytes over 63), so their meaning is RE2's: `[!a]` is no negation, `\d` is a
//! class, `\Q` quotes, `a|b*` are alternatives, `x{2}*` counts. The `regex` crate reads some of that differently (nested
//! classes, `&&`, Unicode `\w`, no octal, stacked repetitions), so the text is parsed by Go's rules (`regexp/syntax`, flags
//! `Perl`) and written anew without anything that the two read in two ways. Only what Moby can produce is understood: no
//! flags, and the only group is `(.*/)?`.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

use crate::gopath::BadPattern;

type Rest<'a> = Peekable<Chars<'a>>;

/// Go's limit for one counted repetition and for the product of nested ones.
const REPEAT_LIMIT: u32 = 1000;

/// Writes the Go regexp `go` for the `regex` crate (`bytes::Regex`, Unicode mode on, on text that is UTF-8).
pub(super) fn translate(go: &str) -> Result<String, BadPattern> {
    let mut rest = go.chars().peekable();
    let mut writer = Writer::default();
    while let Some(c) = rest.next() {
        writer.element(c, &mut rest)?;
    }
    writer.end_alternative();
    Ok(writer.out)
}

/// What a repetition can apply to, as text for the `regex` crate.
struct Atom {
    text: String,
    /// The counts of the repetitions in it, outermost first.
    counts: Vec<u32>,
}

#[derive(Default)]
struct Writer {
    /// The finished alternatives.
    out: String,
    /// The atoms of the alternative that is being read.
    atoms: Vec<Atom>,
    after_repeat: bool,
}

impl Writer {
    fn element(&mut self, c: char, rest: &mut Rest<'_>) -> Result<(), BadPattern> {
        let after_repeat = std::mem::take(&mut self.after_repeat);
        match c {
            '[' => {
                let class = class(rest)?;
                self.push(class);
            }
            '\\' => self.escape(rest)?,
            '^' => self.push(r"\A"),
            '$' => self.push(r"\z"),
            '.' => self.push("."),
            '|' => {
                self.end_alternative();
                self.out.push('|');
            }
            '(' => {
                ".*/)".chars().try_for_each(|c| rest.next_if_eq(&c).map(drop).ok_or(BadPattern))?;
                self.push("(?:.*/)");
            }
            '*' | '?' => self.repeat(&c.to_string(), None, after_repeat)?,
            '{' => match counted(rest)? {
                Some((text, count)) => self.repeat(&text, Some(count), after_repeat)?,
                None => self.literal('{'),
            },
            c => self.literal(c),
        }
        Ok(())
    }

    fn push(&mut self, text: impl Into<String>) {
        self.atoms.push(Atom { text: text.into(), counts: Vec::new() });
    }

    fn literal(&mut self, c: char) {
        self.push(regex::escape(c.encode_utf8(&mut [0; 4])));
    }

    fn end_alternative(&mut self) {
        self.out.extend(self.atoms.drain(..).map(|atom| atom.text));
    }

    /// Repeats the last atom. Go refuses a repetition of nothing, and of what was just repeated.
    fn repeat(&mut self, how: &str, count: Option<u32>, after_repeat: bool) -> Result<(), BadPattern> {
        let atom = self.atoms.last_mut().filter(|_| !after_repeat).ok_or(BadPattern)?;
        atom.text = format!("(?:{}){how}", atom.text);
        if let Some(count) = count {
            atom.counts.insert(0, count);
            if count >= 2 && !nests_within_limit(&atom.counts) {
                return Err(BadPattern);
            }
        }
        self.after_repeat = true;
        Ok(())
    }

    /// What follows a backslash outside of a class.
    fn escape(&mut self, rest: &mut Rest<'_>) -> Result<(), BadPattern> {
        let assertion = match rest.peek().copied().ok_or(BadPattern)? {
            'A' => r"\A",
            'z' => r"\z",
            'b' => r"(?-u:\b)",
            'B' => r"(?-u:\B)",
            'Q' => {
                rest.next();
                self.quoted(rest);
                return Ok(());
            }
            _ => {
                match group(rest)? {
                    Some(group) => self.push(group),
                    None => self.literal(escaped_char(rest)?),
                }
                return Ok(());
            }
        };
        rest.next();
        self.push(assertion);
        Ok(())
    }

    /// `\Q…\E`: everything is literal, up to `\E` or the end.
    fn quoted(&mut self, rest: &mut Rest<'_>) {
        while let Some(c) = rest.next() {
            if c == '\\' && rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.literal(c);
        }
    }
}

/// Go's `repeatIsValid`.
fn nests_within_limit(counts: &[u32]) -> bool {
    let mut room = REPEAT_LIMIT;
    for count in counts {
        match *count {
            0 => return true,
            count if count > room => return false,
            count => room /= count,
        }
    }
    true
}

/// `{2}`, `{2,}`, `{2,3}` from behind the brace, with the count that is limited; `None`, with nothing taken, when it is no
/// repetition and so the brace a plain character.
fn counted(rest: &mut Rest<'_>) -> Result<Option<(String, u32)>, BadPattern> {
    let mut ahead = rest.clone();
    let Some(min) = integer(&mut ahead) else { return Ok(None) };
    let mut max = Some(min);
    if ahead.next_if_eq(&',').is_some() {
        max = None;
        if ahead.peek() != Some(&'}') {
            let Some(limit) = integer(&mut ahead) else { return Ok(None) };
            max = Some(limit);
        }
    }
    if ahead.next() != Some('}') {
        return Ok(None);
    }
    *rest = ahead;
    if min > REPEAT_LIMIT || max.is_some_and(|max| max > REPEAT_LIMIT || max < min) {
        return Err(BadPattern);
    }
    let text = max.map_or_else(|| format!("{{{min},}}"), |max| format!("{{{min},{max}}}"));
    Ok(Some((text, max.unwrap_or(min))))
}

/// Digits without a leading zero; what is too big stays too big.
fn integer(rest: &mut Rest<'_>) -> Option<u32> {
    let first = rest.next().and_then(|c| c.to_digit(10))?;
    let mut value = first;
    while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
        if first == 0 {
            return None;
        }
        value = value.saturating_mul(10).saturating_add(digit);
        rest.next();
    }
    Some(value)
}

/// A class that is named by a letter behind a backslash (`\d`, `\W`, `\pL`); `None`, with nothing taken, for others.
fn group(rest: &mut Rest<'_>) -> Result<Option<String>, BadPattern> {
    let name = match rest.peek() {
        Some('d') => "[0-9]",
        Some('D') => "[^0-9]",
        Some('s') => r"[\t\n\x0C\r ]",
        Some('S') => r"[^\t\n\x0C\r ]",
        Some('w') => "[0-9A-Za-z_]",
        Some('W') => "[^0-9A-Za-z_]",
        Some('p' | 'P') => return unicode_class(rest).map(Some),
        _ => return Ok(None),
    };
    rest.next();
    Ok(Some(name.to_owned()))
}

/// `\pL`, `\p{Greek}`: a general category or a script, with case, spaces, `-` and `_` ignored.
fn unicode_class(rest: &mut Rest<'_>) -> Result<String, BadPattern> {
    let mut negated = rest.next() == Some('P');
    let mut name = rest.next().ok_or(BadPattern)?.to_string();
    if name == "{" {
        name.clear();
        loop {
            match rest.next().ok_or(BadPattern)? {
                '}' => break,
                c => name.push(c),
            }
        }
    }
    if let Some(other) = name.strip_prefix('^') {
        negated = !negated;
        name = other.to_owned();
    }
    let sign = if negated { 'P' } else { 'p' };
    unicode_table(&name).map(|property| format!(r"\{sign}{{{property}}}")).ok_or(BadPattern)
}

/// The property that Go calls `name`. Go knows scripts by their full names alone; those here have four letters in full,
/// all other names of four letters are the short ones, which only the `regex` crate knows.
fn unicode_table(name: &str) -> Option<String> {
    const SHORT: [&str; 8] = ["ahom", "cham", "kawi", "lisu", "modi", "newa", "thai", "toto"];
    let plain: String = name.chars().filter(|c| !"_- ".contains(*c)).collect::<String>().to_ascii_lowercase();
    let known = |property: &String| regex::bytes::Regex::new(&format!(r"\p{{{property}}}")).is_ok();
    if plain.is_empty() || plain.starts_with("is") || !plain.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let script = (plain.len() != 4 || SHORT.contains(&&*plain)).then(|| format!("sc={plain}"));
    Some(format!("gc={plain}")).filter(known).or_else(|| script.filter(known))
}

/// One character behind a backslash, by RE2's rules: itself if it is ASCII and no letter or digit, else a C, octal or
/// hexadecimal escape.
fn escaped_char(rest: &mut Rest<'_>) -> Result<char, BadPattern> {
    let c = rest.next().ok_or(BadPattern)?;
    match c {
        'a' => Ok('\x07'),
        'f' => Ok('\x0c'),
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        'v' => Ok('\x0b'),
        'x' => hexadecimal(rest),
        '0' => Ok(octal(0, rest)),
        // A digit alone would be a back reference.
        '1'..='7' if matches!(rest.peek(), Some('0'..='7')) => Ok(octal(u32::from(c) - 0x30, rest)),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(c),
        _ => Err(BadPattern),
    }
}

fn octal(first: u32, rest: &mut Rest<'_>) -> char {
    let mut value = first;
    for _ in 0..2 {
        let Some(digit) = rest.peek().and_then(|c| c.to_digit(8)) else { break };
        value = value * 8 + digit;
        rest.next();
    }
    char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// `\x41` or `\x{1f600}`.
fn hexadecimal(rest: &mut Rest<'_>) -> Result<char, BadPattern> {
    let mut value = 0;
    if rest.next_if_eq(&'{').is_none() {
        let mut digit = || rest.next().and_then(|c| c.to_digit(16)).ok_or(BadPattern);
        value = digit()? * 16 + digit()?;
    } else {
        let mut digits = 0;
        while rest.next_if_eq(&'}').is_none() {
            value = value * 16 + rest.next().and_then(|c| c.to_digit(16)).ok_or(BadPattern)?;
            digits += 1;
            if value > u32::from(char::MAX) {
                return Err(BadPattern);
            }
        }
        if digits == 0 {
            return Err(BadPattern);
        }
    }
    // Go takes surrogates, too. They match nothing, as this character, which no file name can hold.
    Ok(char::from_u32(value).unwrap_or('\0'))
}

/// A class, from behind its `[`.
fn class(rest: &mut Rest<'_>) -> Result<String, BadPattern> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut out = String::from(if negated { "[^" } else { "[" });
    let mut first = true;
    while first || rest.peek() != Some(&']') {
        first = false;
        class_item(rest, &mut out)?;
    }
    rest.next();
    out.push(']');
    Ok(out)
}

fn class_item(rest: &mut Rest<'_>, out: &mut String) -> Result<(), BadPattern> {
    if let Some(name) = posix_class(rest)? {
        out.push_str(&name);
        return Ok(());
    }
    if rest.peek() == Some(&'\\') {
        let mut ahead = rest.clone();
        ahead.next();
        if let Some(name) = group(&mut ahead)? {
            *rest = ahead;
            out.push_str(&name);
            return Ok(());
        }
    }
    let low = class_char(rest)?;
    let high = range_end(rest)?.unwrap_or(low);
    if high < low {
        return Err(BadPattern);
    }
    write!(out, r"\x{{{:x}}}-\x{{{:x}}}", u32::from(low), u32::from(high)).map_err(|_| BadPattern)
}

/// The upper end when a `-` follows that doesn't stand right before the `]`. (`[a-` at the end of the text is malformed
/// either way.)
fn range_end(rest: &mut Rest<'_>) -> Result<Option<char>, BadPattern> {
    let mut ahead = rest.clone();
    if ahead.next() != Some('-') || matches!(ahead.peek(), None | Some(']')) {
        return Ok(None);
    }
    *rest = ahead;
    class_char(rest).map(Some)
}

fn class_char(rest: &mut Rest<'_>) -> Result<char, BadPattern> {
    match rest.next().ok_or(BadPattern)? {
        '\\' => escaped_char(rest),
        c => Ok(c),
    }
}

/// `[:alpha:]` inside a class. `[:` without a later `:]` is two plain characters; an unknown name is an error.
fn posix_class(rest: &mut Rest<'_>) -> Result<Option<String>, BadPattern> {
    let mut ahead = rest.clone();
    if ahead.next() != Some('[') || ahead.next() != Some(':') {
        return Ok(None);
    }
    let text: String = ahead.clone().collect();
    let Some(end) = text.find(":]") else { return Ok(None) };
    let name = &text[..end];
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(BadPattern);
    }
    for _ in 0..name.chars().count() + 2 {
        ahead.next();
    }
    *rest = ahead;
    Ok(Some(format!("[:{name}:]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(go: &str, text: &str) -> bool {
        regex::bytes::Regex::new(&translate(go).unwrap()).unwrap().is_match(text.as_bytes())
    }

    #[test]
    fn a_bracket_inside_a_class_is_no_nested_class() {
        assert!(matches("^[[a]$", "["));
        assert!(matches("^[a&&b]$", "&"));
        assert!(matches("^[a[^/]*]$", "a^/]"));
        assert!(matches("^[]a]$", "]") && matches("^[a-]$", "-") && matches("^[^-a]$", "b"));
    }

    #[test]
    fn letters_behind_a_backslash_are_re2_classes_and_escapes() {
        assert!(matches(r"^\d\w\x41\101\pl$", "7_AAé"));
        assert!(!matches(r"^\w$", "é") && matches(r"^\W$", "é"));
        assert!(matches(r"^a\b.b$", "a b") && matches(r"^é\Ba$", "éa") == matches(r"^é\Ba$", "éa"));
        assert!(matches(r"^\Qa[.\E[^/]*$", "a[.x") && matches(r"^\Qa$", "a$"));
        assert!(matches(r"^[[:alpha:]]$", "q") && matches(r"^[[:^alpha:]]$", "é"));
    }

    #[test]
    fn bars_and_braces_are_alternatives_and_counts() {
        assert!(matches("^a|b[^/]*$", "ax") && matches("^a|b[^/]*$", "xb") && !matches("^a|b[^/]*$", "xa"));
        assert!(matches("^a{2,3}[^/]*$", "aax") && !matches("^a{2,}[^/]*$", "ax"));
        assert!(matches("^{js,ts}{,2}$", "{js,ts}{,2}") && matches("^a{02}$", "a{02}"));
        assert!(matches(r"^\p{greek}\P{^Lu}\x{e9}$", "αAé") && matches(r"^a{2}\Q\E{2}$", "aaaa"));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for bad in [
            r"^\p",
            r"^\pQ",
            r"^\p\{L\}",
            r"^\1",
            r"^\8",
            r"^\C",
            r"^\q",
            r"^\é",
            r"^\x4",
            r"^[z-a]$",
            "^[a",
            "^[]",
            "^[[:nope:]]$",
            r"^[\",
            "^[a-",
            r"^[\b]$",
        ] {
            assert!(translate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_dot_is_no_newline_but_a_negated_class_is() {
        assert!(!matches("^.$", "\n") && matches("^[^/]$", "\n"));
        assert!(!matches("^a$", "a\n"));
    }
}
