//! `.env` files → variables, by compose-go's `dotenv` package.

use std::collections::BTreeMap;

use super::compose::template;

/// The variables of a file. Values refer to `environment` and to the variables above them, which the environment wins over.
///
/// # Errors
/// The line, from 1, and what is wrong with it.
pub(super) fn parse(
    text: &str,
    environment: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, (usize, String)> {
    let text = text.replace("\r\n", "\n");
    let mut parser = Parser { rest: &text, line: 1, out: BTreeMap::new(), environment };
    while parser.statement()? {}
    Ok(parser.out)
}

struct Parser<'a> {
    rest: &'a str,
    line: usize,
    out: BTreeMap<String, String>,
    environment: &'a BTreeMap<String, String>,
}

impl<'a> Parser<'a> {
    /// Reads one variable; false at the end.
    fn statement(&mut self) -> Result<bool, (usize, String)> {
        self.skip_blank();
        if self.rest.is_empty() {
            return Ok(false);
        }
        if let Some(rest) = self.rest.strip_prefix("export").filter(|r| r.starts_with([' ', '\t'])) {
            self.rest = rest.trim_start_matches([' ', '\t']);
        }
        let end = self.rest.find(['=', ':', '\n']).unwrap_or(self.rest.len());
        let key = self.rest[..end].trim_end();
        self.check_key(key)?;
        let inherited = !self.rest[end..].starts_with(['=', ':']);
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        if inherited {
            self.line += 1;
            if let Some(value) = self.environment.get(key) {
                self.out.insert(key.to_owned(), value.clone());
            }
            return Ok(true);
        }
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\u{b}', '\u{c}']);
        let value = self.value()?;
        self.out.insert(key.to_owned(), value);
        Ok(true)
    }

    /// Skips empty lines and comments.
    fn skip_blank(&mut self) {
        loop {
            let trimmed = self.rest.trim_start();
            self.line += self.rest[..self.rest.len() - trimmed.len()].matches('\n').count();
            self.rest = trimmed;
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest = self.rest.find('\n').map_or("", |at| &self.rest[at..]);
        }
    }

    fn check_key(&self, key: &str) -> Result<(), (usize, String)> {
        let fine = |c: char| c.is_alphanumeric() || "_.-[]".contains(c);
        match key.chars().find(|c| !fine(*c)) {
            Some(c) => Err((self.line, format!("unexpected character {c:?} in the name of a variable"))),
            None if key.is_empty() => Err((self.line, "a variable without a name".to_owned())),
            None => Ok(()),
        }
    }

    fn value(&mut self) -> Result<String, (usize, String)> {
        match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            _ => {
                let (value, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                let line = self.line;
                self.rest = rest;
                self.line += 1;
                let value = value.split(" #").next().unwrap_or_default().trim_end();
                self.expand(value, line)
            }
        }
    }

    /// A value in quotes, which may go over several lines.
    fn quoted(&mut self, quote: char) -> Result<String, (usize, String)> {
        let line = self.line;
        let mut value = String::new();
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            self.line += usize::from(c == '\n');
            if c == quote && !escaped {
                self.rest = &self.rest[at + 1..];
                return if quote == '"' { self.expand(&escapes(&value), line) } else { Ok(value) };
            }
            if c == '\\' && !escaped {
                escaped = true;
                continue;
            }
            if escaped && c != quote {
                value.push('\\');
            }
            escaped = false;
            value.push(c);
        }
        Err((line, format!("a value that begins with {quote} has no end")))
    }

    fn expand(&self, value: &str, line: usize) -> Result<String, (usize, String)> {
        let lookup = |name: &str| self.environment.get(name).or_else(|| self.out.get(name)).cloned();
        template::substitute(value, &lookup).map(|done| done.text).map_err(|why| (line, why.message))
    }
}

/// `\n`, `\t`, `\"`, `\\`, `\$`, `\0…` and so on; others stay as they are.
fn escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('v') => out.push('\u{b}'),
            Some('\\') => out.push('\\'),
            Some('"') => out.push('"'),
            // A dollar sign that stays one.
            Some('$') => out.push_str("$$"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let environment = BTreeMap::from([("HOME".to_owned(), "/h".to_owned())]);
        parse(text, &environment).unwrap().into_iter().map(|(k, v)| format!("{k}={v}")).collect()
    }

    #[test]
    fn values_are_plain_quoted_or_inherited() {
        let text = "# all kinds\nA=1 # one\nexport B = two words\nC: yaml\nD=\"x\\ny $A ${HOME}\"\nE='$A \\n'\nHOME\nNOT\nF=\nG=a#b\n";
        assert_eq!(
            read(text),
            ["A=1", "B=two words", "C=yaml", "D=x\ny 1 /h", "E=$A \\n", "F=", "G=a#b", "HOME=/h"]
        );
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        let none = BTreeMap::new();
        assert_eq!(parse("A=1\nB C=2\n", &none).unwrap_err().0, 2);
        assert_eq!(parse("A=1\n\nB=\"x\n\n", &none).unwrap_err().0, 3);
        assert_eq!(
            parse("A=${B:?no B}\n", &none).unwrap_err().1,
            "required variable B is missing a value: no B"
        );
    }
}
