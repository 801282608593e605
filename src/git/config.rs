//! The part of git's configuration that says what a checkout writes.

use std::collections::HashMap;

/// git's configuration: the last value of each key.
#[derive(Debug, Default)]
pub(super) struct Config {
    values: HashMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Config {
    /// Reads `git config --list -z`: `key LF value NUL`; a key without value is true.
    pub(super) fn parse(listed: &[u8]) -> Self {
        let pair = |record: &[u8]| match record.iter().position(|b| *b == b'\n') {
            Some(at) => (record[..at].to_vec(), Some(record[at + 1..].to_vec())),
            None => (record.to_vec(), None),
        };
        Self { values: listed.split(|b| *b == 0).filter(|r| !r.is_empty()).map(pair).collect() }
    }

    /// A key's value; a key without value is `true`. Section and name are in lower case.
    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        self.values.get(key.as_bytes()).map(|v| v.as_deref().unwrap_or(b"true"))
    }

    /// A key's value as git reads booleans; `None` when it is none.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let value = self.get(key)?.to_ascii_lowercase();
        match &value[..] {
            b"true" | b"yes" | b"on" | b"1" => Some(true),
            b"" | b"false" | b"no" | b"off" | b"0" => Some(false),
            _ => None,
        }
    }

    /// Whether a checkout makes CRLF of line ends where attributes don't decide.
    pub(super) fn writes_crlf(&self) -> bool {
        let crlf = self.get("core.eol").is_some_and(|v| v.eq_ignore_ascii_case(b"crlf"));
        self.flag("core.autocrlf") == Some(true) || crlf
    }

    /// Whether a filter driver has a command for checkouts.
    pub(super) fn has_filter(&self, driver: &[u8]) -> bool {
        let driver = String::from_utf8_lossy(driver);
        ["smudge", "process", "required"]
            .iter()
            .any(|name| self.get(&format!("filter.{driver}.{name}")).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_a_bare_key_is_true() {
        let config = Config::parse(b"core.eol\nlf\0core.eol\nCRLF\0core.bare\0filter.x.smudge\ncat\n-\0");
        assert!(config.writes_crlf() && config.has_filter(b"x") && !config.has_filter(b"y"));
        assert_eq!((config.flag("core.bare"), config.flag("core.eol")), (Some(true), None));
    }
}
