//! `format("%s-%03d", …)`.

use super::functions::{Given, text_at};
use super::value::{Value, number};

/// A text may be padded so far.
const WIDEST: usize = 10_000;

/// One `%…` of a format.
#[derive(Default)]
struct Verb {
    minus: bool,
    plus: bool,
    zero: bool,
    blank: bool,
    width: Option<usize>,
    precision: Option<usize>,
    letter: char,
}

/// `format(spec, values…)`.
pub(super) fn format(args: &[Value]) -> Result<String, String> {
    let spec = text_at(args, 0)?;
    let values = &args[1..];
    let mut out = String::new();
    let mut next = 0;
    let mut chars = spec.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let (verb, index) = verb(&mut chars)?;
        next = index.unwrap_or(next);
        let value = values.get(next).ok_or_else(|| format!("there is no value for %{}", verb.letter))?;
        next += 1;
        out.push_str(&verb.apply(value)?);
    }
    if next < values.len() && !spec.contains("%[") {
        return Err("there are more values than verbs".to_owned());
    }
    Ok(out)
}

/// Reads flags, width, precision, index and letter.
fn verb(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<(Verb, Option<usize>), String> {
    let mut verb = Verb::default();
    let mut index = None;
    while let Some(c) = chars.peek().copied() {
        match c {
            '-' => verb.minus = true,
            '+' => verb.plus = true,
            ' ' => verb.blank = true,
            '#' => {}
            '0' => verb.zero = true,
            _ => break,
        }
        chars.next();
    }
    verb.width = count(chars)?;
    if chars.peek() == Some(&'.') {
        chars.next();
        verb.precision = Some(count(chars)?.unwrap_or(0));
    }
    if chars.peek() == Some(&'[') {
        chars.next();
        let at =
            count(chars)?.filter(|n| *n > 0).ok_or_else(|| "a value's number is from 1 on".to_owned())?;
        if chars.next() != Some(']') {
            return Err("a ] is missing".to_owned());
        }
        index = Some(at - 1);
    }
    verb.letter = chars.next().ok_or_else(|| "a verb is missing behind %".to_owned())?;
    Ok((verb, index))
}

fn count(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<usize>, String> {
    let mut digits = String::new();
    while let Some(c) = chars.next_if(char::is_ascii_digit) {
        digits.push(c);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    digits.parse().ok().filter(|n| *n <= WIDEST).map(Some).ok_or_else(|| format!("{digits} is too wide"))
}

impl Verb {
    fn apply(&self, value: &Value) -> Result<String, String> {
        let wrong = || format!("%{} can't show {}", self.letter, value.kind());
        let text = match self.letter {
            's' => {
                let text = value.to_text().ok_or_else(wrong)?;
                self.precision.map_or(text.clone(), |p| text.chars().take(p).collect())
            }
            'v' => match value {
                Value::Null => "null".to_owned(),
                Value::List(_) | Value::Object(_) => value.to_json_text(),
                scalar => scalar.to_text().unwrap_or_default(),
            },
            'q' => serde_json::Value::from(value.to_text().ok_or_else(wrong)?).to_string(),
            't' => value.to_bool().ok_or_else(wrong)?.to_string(),
            'd' | 'b' | 'o' | 'x' | 'X' | 'f' | 'g' | 'e' => {
                return self.number(value.to_number().ok_or_else(wrong)?);
            }
            other => return Err(format!("there is no verb %{other}")),
        };
        Ok(self.pad(text, false))
    }

    fn number(&self, n: f64) -> Result<String, String> {
        if "dboxX".contains(self.letter) && n.abs() > 9e15 {
            return Err("that number is too large".to_owned());
        }
        #[allow(clippy::cast_possible_truncation)]
        let whole = n.trunc().abs() as i64;
        let digits = match self.letter {
            'd' => whole.to_string(),
            'b' => format!("{whole:b}"),
            'o' => format!("{whole:o}"),
            'x' => format!("{whole:x}"),
            'X' => format!("{whole:X}"),
            'f' => format!("{:.*}", self.precision.unwrap_or(6), n.abs()),
            'e' => {
                let text = format!("{:.*e}", self.precision.unwrap_or(6), n.abs());
                let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let exponent: i32 = exponent.parse().unwrap_or_default();
                format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
            }
            _ => number(n.abs()),
        };
        let sign = if n < 0.0 {
            "-"
        } else if self.plus {
            "+"
        } else if self.blank {
            " "
        } else {
            ""
        };
        if self.zero && !self.minus {
            let width = self.width.unwrap_or(0).saturating_sub(sign.len());
            return Ok(format!("{sign}{digits:0>width$}"));
        }
        Ok(self.pad(format!("{sign}{digits}"), true))
    }

    fn pad(&self, text: String, _number: bool) -> String {
        let width = self.width.unwrap_or(0);
        match (self.minus, self.zero) {
            (true, _) => format!("{text:<width$}"),
            (false, true) => format!("{text:0>width$}"),
            (false, false) => format!("{text:>width$}"),
        }
    }
}

/// `formatlist(spec, lists or values…)`: a text for every place of the lists.
pub(super) fn format_list(args: &[Value]) -> Given {
    let lengths: Vec<usize> = args
        .iter()
        .skip(1)
        .filter_map(|a| if let Value::List(l) = a { Some(l.len()) } else { None })
        .collect();
    let length = lengths.first().copied().unwrap_or(1);
    if lengths.iter().any(|l| *l != length) {
        return Err("the lists have different lengths".to_owned());
    }
    let row = |at: usize| {
        let row: Vec<Value> = args
            .iter()
            .map(|a| match a {
                Value::List(list) => list.get(at).cloned().unwrap_or(Value::Null),
                value => value.clone(),
            })
            .collect();
        format(&row).map(Value::Text)
    };
    Ok(Value::List((0..length).map(row).collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_those_of_go() {
        let put = |spec: &str, value: Value| format(&[Value::text(spec), value]);
        for (spec, value, means) in [
            ("[%s]", Value::text("x"), "[x]"),
            ("%5s|", Value::text("x"), "    x|"),
            ("%-5s|", Value::text("x"), "x    |"),
            ("%.2s", Value::text("xyz"), "xy"),
            ("%03d", Value::Number(7.0), "007"),
            ("%+d", Value::Number(7.0), "+7"),
            ("%x", Value::Number(255.0), "ff"),
            ("%.1f", Value::Number(1.25), "1.2"),
            ("%q", Value::text("a\"b"), "\"a\\\"b\""),
            ("%v%%", Value::Bool(true), "true%"),
            ("%v", Value::List(vec![Value::Number(1.0)]), "[1]"),
        ] {
            assert_eq!(put(spec, value).as_deref(), Ok(means), "{spec}");
        }
        assert!(put("%d", Value::text("x")).is_err());
        assert!(put("%s %s", Value::text("x")).is_err());
        assert!(put("none", Value::text("x")).is_err());
        assert!(put("%99999999999d", Value::Number(1.0)).is_err());
    }
}
