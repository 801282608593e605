//! `$X`, `${X:-default}` and so on, by compose-go's `template` package.

/// A text with its variables put in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Substituted {
    /// The text.
    pub(in super::super) text: String,
    /// Variables that have no value and no default; they count as empty.
    pub(in super::super) unset: Vec<String>,
}

/// Why a text can't be read, or a variable must be set.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Fault {
    /// In words.
    pub(in super::super) message: String,
    /// What to do.
    pub(in super::super) hint: String,
}

/// Looks up a variable.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Defaults may hold defaults so deep.
const DEEPEST: usize = 50;

/// Puts the variables in.
///
/// # Errors
/// A `${` that is not closed or not understood, and a variable that must be set and is not.
pub(in super::super) fn substitute(text: &str, lookup: Lookup<'_>) -> Result<Substituted, Fault> {
    let mut done = Substituted::default();
    append(text, lookup, &mut done, 0)?;
    Ok(done)
}

fn append(text: &str, lookup: Lookup<'_>, done: &mut Substituted, depth: usize) -> Result<(), Fault> {
    if depth > DEEPEST {
        return Err(invalid(text));
    }
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        done.text.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        rest = if let Some(rest) = after.strip_prefix('$') {
            done.text.push('$');
            rest
        } else if after.starts_with('{') {
            let end = closing(after).ok_or_else(|| invalid(text))?;
            braced(&after[1..end], lookup, done, depth)?;
            &after[end + 1..]
        } else {
            let name = name(after);
            if name.is_empty() {
                // A dollar sign before anything else is only a dollar sign.
                done.text.push('$');
            } else {
                plain(name, lookup, done);
            }
            &after[name.len()..]
        };
    }
    done.text.push_str(rest);
    Ok(())
}

/// What stands between `${` and `}`.
fn braced(inner: &str, lookup: Lookup<'_>, done: &mut Substituted, depth: usize) -> Result<(), Fault> {
    let name = name(inner);
    let rest = &inner[name.len()..];
    if name.is_empty() {
        return Err(invalid(&format!("${{{inner}}}")));
    }
    if rest.is_empty() {
        plain(name, lookup, done);
        return Ok(());
    }
    let (not_empty, operation) = match rest.strip_prefix(':') {
        Some(operation) => (true, operation),
        None => (false, rest),
    };
    let value = lookup(name);
    let there = value.as_ref().is_some_and(|v| !not_empty || !v.is_empty());
    if let Some(default) = operation.strip_prefix('-') {
        if there {
            done.text.push_str(&value.unwrap_or_default());
            return Ok(());
        }
        return append(default, lookup, done, depth + 1);
    }
    if let Some(replacement) = operation.strip_prefix('+') {
        if there {
            return append(replacement, lookup, done, depth + 1);
        }
        done.text.push_str(&value.unwrap_or_default());
        return Ok(());
    }
    let Some(message) = operation.strip_prefix('?') else {
        return Err(invalid(&format!("${{{inner}}}")));
    };
    if there {
        done.text.push_str(&value.unwrap_or_default());
        return Ok(());
    }
    let mut reason = Substituted::default();
    append(message, lookup, &mut reason, depth + 1)?;
    Err(required(name, &reason.text))
}

/// A variable without a default.
fn plain(name: &str, lookup: Lookup<'_>, done: &mut Substituted) {
    match lookup(name) {
        Some(value) => done.text.push_str(&value),
        None => done.unset.push(name.to_owned()),
    }
}

/// The name of a variable at the beginning.
fn name(text: &str) -> &str {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    if begins { &text[..end] } else { "" }
}

/// Where the brace that `text` begins with is closed.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0usize;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            b'{' => {
                open += 1;
                // What follows an opening brace is a part of a name, never a closing brace.
                bytes.next();
            }
            _ => {}
        }
    }
    None
}

fn invalid(text: &str) -> Fault {
    Fault {
        message: format!("{text:?} is not understood"),
        hint: "write ${NAME} or ${NAME:-default}, and $$ for a dollar sign".to_owned(),
    }
}

fn required(name: &str, reason: &str) -> Fault {
    let message = match reason {
        "" => format!("required variable {name} is missing a value"),
        reason => format!("required variable {name} is missing a value: {reason}"),
    };
    Fault { message, hint: format!("set {name} in the environment or in .env") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(text: &str) -> Result<String, String> {
        let lookup = |name: &str| match name {
            "SET" => Some("set".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        substitute(text, &lookup).map(|d| d.text).map_err(|f| f.message)
    }

    #[test]
    fn every_form_means_what_compose_makes_of_it() {
        for (text, means) in [
            ("$SET-${SET}", "set-set"),
            ("[$NOT|${NOT}]", "[|]"),
            ("${NOT:-d}${EMPTY:-d}${EMPTY-d}${NOT-d}", "ddd"),
            ("${SET:+r}${EMPTY:+r}${EMPTY+r}${NOT+r}", "rr"),
            ("${NOT:-${ALSO-${SET}x}}y", "setxy"),
            ("${NOT:-a}b}", "ab}"),
            ("${NOT:-{a}}", "{a}"),
            ("$$SET $1 $", "$SET $1 $"),
            ("${SET:?no}${EMPTY?no}", "set"),
        ] {
            assert_eq!(put(text).as_deref(), Ok(means), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_or_missing_is_an_error() {
        assert_eq!(put("${NOT:?why}").unwrap_err(), "required variable NOT is missing a value: why");
        assert_eq!(put("${EMPTY:?}").unwrap_err(), "required variable EMPTY is missing a value");
        for text in ["${SET", "${}", "${1}", "${SET:x}", "${SET!}", "a ${ b}"] {
            assert!(put(text).unwrap_err().ends_with("is not understood"), "{text}");
        }
        assert!(put(&"${A:-".repeat(1000)).is_err());
        assert!(put(&format!("{}{}", "${A:-".repeat(1000), "}".repeat(1000))).is_err());
    }

    #[test]
    fn unset_variables_are_listed() {
        let done = substitute("$A ${B:-x} ${C}", &|_| None).unwrap();
        assert_eq!((done.text.as_str(), done.unset), (" x ", vec!["A".to_owned(), "C".to_owned()]));
    }
}
