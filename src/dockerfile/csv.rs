//! One line of comma separated values, as `--mount` and `--device` hold them (`go-csvvalue`).

/// Splits the line; the error is Go's text.
pub(super) fn fields(line: &str) -> Result<Vec<String>, String> {
    let line = line.strip_suffix('\n').map_or(line, |l| l.strip_suffix('\r').unwrap_or(l));
    if line.is_empty() {
        return Err("EOF".into());
    }
    let (mut out, mut at) = (Vec::new(), 0);
    loop {
        let (field, end) = if line[at..].starts_with('"') { quoted(line, at + 1)? } else { bare(line, at)? };
        out.push(field);
        match end {
            Some(next) => at = next,
            None => return Ok(out),
        }
    }
}

/// A field without quotes, and where the next one starts.
fn bare(line: &str, at: usize) -> Result<(String, Option<usize>), String> {
    let rest = &line[at..];
    let (field, next) = rest.split_once(',').map_or((rest, None), |(f, _)| (f, Some(at + f.len() + 1)));
    match field.find('"') {
        Some(column) => Err(problem(at + column, "bare \" in non-quoted-field")),
        None => Ok((field.to_owned(), next)),
    }
}

/// A field in quotes, from behind the first quote.
fn quoted(line: &str, mut at: usize) -> Result<(String, Option<usize>), String> {
    const MISSING: &str = "extraneous or missing \" in quoted-field";
    let mut out = String::new();
    loop {
        let Some(end) = line[at..].find('"') else { return Err(problem(at, MISSING)) };
        out.push_str(&line[at..at + end]);
        at += end + 1;
        match line[at..].chars().next() {
            Some('"') => {
                out.push('"');
                at += 1;
            }
            Some(',') => return Ok((out, Some(at + 1))),
            None => return Ok((out, None)),
            Some(_) => return Err(problem(at - 1, MISSING)),
        }
    }
}

fn problem(at: usize, what: &str) -> String {
    format!("parse error on line 1, column {}: {what}", at + 1)
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn quoted_fields_hold_commas_and_doubled_quotes() {
        assert_eq!(
            fields(r#"a=b,"c=d,""e""",,f"#),
            Ok(vec!["a=b".into(), "c=d,\"e\"".into(), String::new(), "f".into()])
        );
        assert_eq!(fields("a,\r\n"), Ok(vec!["a".into(), String::new()]));
    }

    #[test]
    fn errors_tell_the_column() {
        assert_eq!(fields(""), Err("EOF".into()));
        assert_eq!(
            fields("a,b\"c"),
            Err("parse error on line 1, column 4: bare \" in non-quoted-field".into())
        );
        assert_eq!(
            fields("\"a\"b"),
            Err("parse error on line 1, column 3: extraneous or missing \" in quoted-field".into())
        );
        assert_eq!(
            fields("\"a"),
            Err("parse error on line 1, column 2: extraneous or missing \" in quoted-field".into())
        );
    }
}
