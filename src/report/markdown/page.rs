//! A page of bounded length.

use std::io::{self, Write};

/// GitHub takes 65,536 characters in a comment and 1 MiB in a job's summary; the smaller one counts, in bytes, less what
/// the words at the end need.
const LIMIT: usize = 65_000;

/// A page: what does not fit is left out as a whole, so that no markup stays open.
#[derive(Debug)]
pub struct Page {
    text: String,
    limit: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self { text: String::new(), limit: LIMIT }
    }
}

impl Page {
    /// Adds `block` if it fits.
    pub fn push(&mut self, block: &str) -> bool {
        let fits = self.text.len() + block.len() <= self.limit;
        if fits {
            self.text.push_str(block);
        }
        fits
    }

    /// Adds blocks while they fit and fewer than `share` bytes have been added; says in a last line how many `what`s are
    /// missing.
    pub fn push_all(
        &mut self,
        blocks: impl IntoIterator<Item = String>,
        share: usize,
        last: impl Fn(usize) -> String,
    ) {
        let start = self.text.len();
        let mut left = 0;
        for block in blocks {
            let over = self.text.len() - start + block.len() > share;
            if left > 0 || over || !self.push(&block) {
                left += 1;
            }
        }
        if left > 0 {
            // There is room for it: see LIMIT.
            self.text.push_str(&last(left));
        }
    }

    /// Writes the page.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut page = Page::default();
        page.push_all((0..100_000).map(|i| format!("- {i}\n")), usize::MAX, |n| format!("and {n} more\n"));
        assert!(page.text.len() < 65_536);
        let last: Vec<&str> = page.text.lines().rev().take(2).collect();
        let shown: usize = last[1][2..].parse().unwrap();
        assert_eq!(last[0], format!("and {} more", 100_000 - shown - 1));
    }

    #[test]
    fn a_share_leaves_room_for_others() {
        let mut page = Page::default();
        page.push_all(["a".repeat(50), "b".repeat(60), "c".into()], 100, |n| format!("{n}"));
        assert_eq!(page.text, format!("{}2", "a".repeat(50)), "the order is kept: nothing after a gap");
    }
}
