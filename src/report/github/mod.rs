//! Documents as workflow commands, which GitHub shows as annotations of files.

mod check;
mod why;

pub use check::write as check;
pub use why::write as why;

use std::io::{self, Write};

use super::path::shown;

/// GitHub shows so many annotations of each level of a step.
const LIMIT: usize = 10;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The build fails.
    Error,
    /// A step reruns.
    Warning,
    /// Good to know.
    Notice,
}

/// An annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How bad it is.
    pub level: Level,
    /// The file; none for standard input.
    pub file: Option<String>,
    /// First and last line, from 1.
    pub lines: Option<(usize, usize)>,
    /// In a few words.
    pub title: String,
    /// In all words; may have several lines.
    pub message: String,
}

/// Writes annotations, at most ten of a level: where there are more, the tenth says how many.
pub fn write(out: &mut dyn Write, annotations: &[Annotation]) -> io::Result<()> {
    for level in [Level::Error, Level::Warning, Level::Notice] {
        let of_level: Vec<&Annotation> = annotations.iter().filter(|a| a.level == level).collect();
        let shown = if of_level.len() > LIMIT { LIMIT - 1 } else { of_level.len() };
        for annotation in &of_level[..shown] {
            command(out, annotation)?;
        }
        let left = of_level.len() - shown;
        if left > 0 {
            let message = format!("and {left} more");
            command(out, &Annotation { level, file: None, lines: None, title: message.clone(), message })?;
        }
    }
    Ok(())
}

/// `::warning file=…,line=…,endLine=…,title=…::message`.
fn command(out: &mut dyn Write, annotation: &Annotation) -> io::Result<()> {
    let level = match annotation.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    let mut properties = Vec::new();
    if let Some(file) = &annotation.file {
        properties.push(format!("file={}", property(file)));
        if let Some((first, last)) = annotation.lines {
            properties.push(format!("line={first},endLine={}", last.max(first)));
        }
    }
    properties.push(format!("title={}", property(&annotation.title)));
    writeln!(out, "::{level} {}::{}", properties.join(","), data(&annotation.message))
}

/// A message, escaped as the runner unescapes it. Control characters other than line ends are shown as escapes.
fn data(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| shown(line.as_bytes())).collect();
    lines.join("\n").replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, escaped as the runner unescapes it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotation(level: Level, title: &str, message: &str) -> Annotation {
        let lines = Some((3, 4));
        Annotation {
            level,
            file: Some("a,b:c.Dockerfile".into()),
            lines,
            title: title.into(),
            message: message.into(),
        }
    }

    fn text(annotations: &[Annotation]) -> String {
        let mut out = Vec::new();
        write(&mut out, annotations).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_in_a_name_ends_a_command_or_a_property() {
        let a = annotation(Level::Warning, "100%, a: b", "one\ntwo, three: ::error::x\r\n\x1b[2Jfour");
        assert_eq!(
            text(&[a]),
            "::warning file=a%2Cb%3Ac.Dockerfile,line=3,endLine=4,title=100%25%2C a%3A b::one%0Atwo, three: ::error::x%0A\
             \"\\x1b[2Jfour\"\n"
        );
    }

    #[test]
    fn the_tenth_of_a_level_counts_the_rest() {
        let mut all: Vec<Annotation> =
            (0..25).map(|i| annotation(Level::Notice, &i.to_string(), "x")).collect();
        all.push(annotation(Level::Error, "e", "x"));
        let text = text(&all);
        assert_eq!(text.lines().count(), 11);
        assert!(text.starts_with("::error "), "the worst first");
        assert!(text.ends_with("::notice title=and 16 more::and 16 more\n"), "{text}");
    }
}
