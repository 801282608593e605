//! Columns.

/// One column: its heading, and whether numbers stand at its right edge.
pub struct Column {
    /// The heading.
    pub title: &'static str,
    /// Right-aligned.
    pub right: bool,
}

/// Lays out `rows` under `columns`, with two blanks between; the cells of column `flexible` are cut so that no line is
/// longer than `width` (but never below 16 characters).
pub fn lay_out(columns: &[Column], rows: &[Vec<String>], flexible: usize, width: usize) -> Vec<String> {
    let mut widths: Vec<usize> = columns.iter().map(|c| c.title.chars().count()).collect();
    for row in rows {
        for (w, cell) in widths.iter_mut().zip(row) {
            *w = (*w).max(cell.chars().count());
        }
    }
    let others: usize = widths.iter().sum::<usize>() - widths[flexible] + 2 * (columns.len() - 1);
    widths[flexible] = widths[flexible].min(width.saturating_sub(others).max(16));
    let titles: Vec<String> = columns.iter().map(|c| c.title.to_owned()).collect();
    std::iter::once(&titles).chain(rows).map(|row| line(columns, &widths, row)).collect()
}

/// One line, without blanks at its end.
fn line(columns: &[Column], widths: &[usize], row: &[String]) -> String {
    let mut out = String::new();
    for ((column, width), cell) in columns.iter().zip(widths).zip(row) {
        let cell = cut(cell, *width);
        let blanks = " ".repeat(width - cell.chars().count());
        if !out.is_empty() {
            out.push_str("  ");
        }
        let (before, after) = if column.right { (blanks.as_str(), "") } else { ("", blanks.as_str()) };
        out.extend([before, &cell, after]);
    }
    out.truncate(out.trim_end().len());
    out
}

/// The first `width` characters, the last of them `…` when some are missing.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(width.saturating_sub(1)).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_the_width() {
        let columns = [Column { title: "n", right: true }, Column { title: "name", right: false }];
        let rows = [vec!["1".into(), "x".repeat(50)], vec!["10".into(), "ü".into()]];
        let lines = lay_out(&columns, &rows, 1, 24);
        assert_eq!(lines, [" n  name", &format!(" 1  {}…", "x".repeat(19)), "10  ü"]);
    }
}
