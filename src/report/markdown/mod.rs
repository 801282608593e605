//! Documents as Markdown that GitHub shows: names from outside can't become markup, and a page is never longer than a
//! comment may be.

mod affected;
mod check;
mod churn;
mod du;
mod ignore;
mod page;
mod why;

pub use affected::write as affected;
pub use check::write as check;
pub use churn::write as churn;
pub use du::write as du;
pub use ignore::write as ignore;
pub use page::Page;
pub use why::write as why;

use super::cause::Piece;
use super::human::cut;
use super::path::shown;

/// A name is cut after so many characters.
const NAME: usize = 240;

/// A name as a code span: its fence is longer than any run of backticks in it.
pub fn code(name: &[u8]) -> String {
    let name = cut(&shown(name), NAME);
    let longest = name.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A code span loses one blank at each end when it has them at both.
    let edge = |c: char| c == '`' || c == ' ';
    let blank = if name.is_empty() || name.starts_with(edge) || name.ends_with(edge) { " " } else { "" };
    format!("{fence}{blank}{name}{blank}{fence}")
}

/// A table splits its cells before it looks for code spans.
pub fn cell(markdown: &str) -> String {
    markdown.replace('|', "\\|")
}

/// A name in a line of HTML, where Markdown is not read.
pub fn html_code(name: &str) -> String {
    format!("<code>{}</code>", html(&cut(&shown(name.as_bytes()), NAME)))
}

/// Text in a line of HTML.
pub fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Words that may have names in backticks.
pub fn text(words: &str) -> String {
    let words = shown(words.as_bytes());
    if words.matches('`').count() % 2 == 1 {
        return escape(&words);
    }
    let piece = |(i, part): (usize, &str)| match i % 2 {
        1 if !part.is_empty() => code(part.as_bytes()),
        1 => String::new(),
        _ => escape(part),
    };
    words.split('`').enumerate().map(piece).collect()
}

/// A sentence of the program's words and of names.
pub fn sentence(pieces: &[Piece]) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(words) => escape(words),
        Piece::Name(name) => code(name),
    };
    pieces.iter().map(piece).collect()
}

/// Text without any markup: what could start some is escaped. A zero-width blank keeps `@name` from calling somebody.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("@\u{200b}"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_backticks_stays_one_code_span() {
        assert_eq!(code(b"src/a.py"), "`src/a.py`");
        assert_eq!(code(b"a`b``c"), "```a`b``c```");
        assert_eq!(code(b"`"), "`` ` ``");
        assert_eq!(code(b""), "`  `");
        assert_eq!(code(b"a\nb"), "`\"a\\nb\"`", "a line's end can't end the span");
    }

    #[test]
    fn a_pipe_does_not_end_a_cell() {
        assert_eq!(cell(&code(b"a|b")), "`a\\|b`");
    }

    #[test]
    fn names_in_backticks_survive_and_the_rest_is_no_markup() {
        assert_eq!(text("add `**/x` to *it* <b>"), "add `**/x` to \\*it\\* &lt;b&gt;");
        assert_eq!(text("odd ` one"), "odd \\` one");
        assert_eq!(text("ping @all"), "ping @\u{200b}all");
    }

    #[test]
    fn html_is_escaped_where_markdown_is_not_read() {
        assert_eq!(
            html_code("RUN a > b && </summary>"),
            "<code>RUN a &gt; b &amp;&amp; &lt;/summary&gt;</code>"
        );
    }
}
