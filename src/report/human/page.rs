//! The little Markdown that rules' pages are written in, for a terminal: paragraphs, headings, lists, code.

use std::io::{self, Write};

use super::{Look, Tone, wrap};

/// Writes a page. Code stays as it is, indented; other text is wrapped.
pub fn write(out: &mut dyn Write, page: &str, look: &Look) -> io::Result<()> {
    let mut paragraph = String::new();
    let mut code = false;
    for line in page.trim().lines() {
        let fence = line.trim_start().starts_with("```");
        if fence || code {
            flush(out, &mut paragraph, look)?;
            if !fence {
                writeln!(out, "{}", look.paint(Tone::Hint, format!("    {line}").trim_end()))?;
            }
            code ^= fence;
        } else if line.trim().is_empty() {
            flush(out, &mut paragraph, look)?;
            writeln!(out)?;
        } else if let Some(title) = line.strip_prefix('#') {
            flush(out, &mut paragraph, look)?;
            writeln!(out, "{}", look.paint(Tone::Strong, title.trim_start_matches('#').trim()))?;
        } else {
            let item = line.trim_start().starts_with(['-', '*', '|']) || line.trim_start().starts_with("1.");
            if item {
                flush(out, &mut paragraph, look)?;
            }
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line.trim());
        }
    }
    flush(out, &mut paragraph, look)
}

/// Writes what has gathered; later lines of an item stand below its first word.
fn flush(out: &mut dyn Write, paragraph: &mut String, look: &Look) -> io::Result<()> {
    let text = plain(&std::mem::take(paragraph));
    if text.is_empty() {
        return Ok(());
    }
    let indent = if text.starts_with("- ") || text.starts_with("* ") { "  " } else { "" };
    let lines = wrap(&text, look.width.saturating_sub(indent.len()).clamp(20, 100));
    writeln!(out, "{}", lines.join(&format!("\n{indent}")))
}

/// Without the marks of stress and of links.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for (i, part) in text.split('`').enumerate() {
        if i > 0 {
            out.push('`');
        }
        if i % 2 == 1 { out.push_str(part) } else { out.push_str(&part.replace("**", "")) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_indented_and_text_is_wrapped() {
        let page = "Why **it** matters: `a**b`\nand more.\n\n```dockerfile\nCOPY . .\n\nRUN x\n```\n- one\n- two\n  words\n## Put right\n";
        let mut out = Vec::new();
        write(&mut out, page, &Look { width: 24, ..Look::default() }).unwrap();
        let want =
            "Why it matters: `a**b`\nand more.\n\n    COPY . .\n\n    RUN x\n- one\n- two words\nPut right\n";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }
}
