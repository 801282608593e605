//! Which files a checkout doesn't write as they are: by git's attributes.

use std::collections::BTreeMap;

use super::command::read_with;
use super::{GitError, Oid, Repository};

/// What a checkout does with the content of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Conversion {
    /// git's own filters change it: line ends, `$Id$`, an encoding, a filter program. The attributes that say so, by name.
    Filter(Vec<(String, Vec<u8>)>),
    /// The blob is a pointer of Git LFS, whose content is elsewhere.
    Lfs,
}

/// The attributes that change contents.
const ASKED: &[&str] = &["text", "eol", "crlf", "ident", "working-tree-encoding", "filter"];

impl Repository {
    /// Those of `paths` that a checkout of `commit` doesn't write as they are. `has_attributes` says whether the revision has
    /// attribute files of its own.
    pub(super) fn conversions(
        &self,
        commit: Oid,
        paths: &[&[u8]],
        has_attributes: bool,
    ) -> Result<BTreeMap<Vec<u8>, Conversion>, GitError> {
        let config = self.config()?;
        if paths.is_empty() || !has_attributes && !config.writes_crlf() && !self.has_other_attributes() {
            return Ok(BTreeMap::new());
        }
        let mut question = Vec::new();
        for path in paths {
            question.extend_from_slice(path);
            question.push(0);
        }
        let mut command = self.git();
        command.arg(format!("--attr-source={commit}"));
        command.args(["check-attr", "-z", "--stdin"]).args(ASKED);
        let answer = read_with(&mut command, &question, "reading git's attributes")?;
        let fields: Vec<&[u8]> = answer.split(|b| *b == 0).collect();
        let mut out = BTreeMap::new();
        for one in fields.chunks_exact(3 * ASKED.len()) {
            let values: Vec<&[u8]> = one.chunks_exact(3).map(|triple| triple[2]).collect();
            let by_name: Vec<(&str, &[u8])> = ASKED.iter().copied().zip(values).collect();
            if let Some(conversion) = conversion(&by_name, config.writes_crlf(), |d| config.has_filter(d)) {
                out.insert(one[0].to_vec(), conversion);
            }
        }
        Ok(out)
    }

    /// Whether there are attribute files that no revision holds: of the repository, the user or the machine. Where that can't
    /// be told cheaply, yes.
    fn has_other_attributes(&self) -> bool {
        let own = self.common_folder().join("info/attributes").exists();
        let named = self.config().is_ok_and(|c| c.get("core.attributesfile").is_some());
        let home = std::env::var_os("XDG_CONFIG_HOME")
            .map(std::path::PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|h| std::path::Path::new(&h).join(".config")));
        let user = home.is_some_and(|h| h.join("git/attributes").exists());
        own || named || user || std::path::Path::new("/etc/gitattributes").exists()
    }
}

/// What the attributes of one path make of its content.
fn conversion(
    values: &[(&str, &[u8])],
    writes_crlf: bool,
    has_filter: impl Fn(&[u8]) -> bool,
) -> Option<Conversion> {
    let get = |name: &str| values.iter().find(|(n, _)| *n == name).map_or(&b""[..], |(_, v)| v);
    let given = |name: &str| !matches!(get(name), b"unspecified" | b"unset" | b"");
    if get("filter") == b"lfs" {
        return Some(Conversion::Lfs);
    }
    // What is text is for git to say; here it is enough to see that a line end may change.
    let is_binary = get("text") == b"unset" || get("text") == b"unspecified" && get("crlf") == b"unset";
    let names_crlf = get("eol") == b"crlf" || writes_crlf && get("eol") != b"lf";
    let lines = !is_binary && names_crlf;
    let filter = given("filter") && get("filter") != b"set" && has_filter(get("filter"));
    if !(lines || filter || given("ident") || given("working-tree-encoding")) {
        return None;
    }
    Some(Conversion::Filter(values.iter().map(|(n, v)| ((*n).to_owned(), v.to_vec())).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(&str, &str)], writes_crlf: bool) -> Option<&'static str> {
        let all: Vec<(&str, &[u8])> = ASKED
            .iter()
            .map(|name| {
                let given = values.iter().find(|(n, _)| n == name);
                (*name, given.map_or(&b"unspecified"[..], |(_, v)| v.as_bytes()))
            })
            .collect();
        conversion(&all, writes_crlf, |driver| driver == b"crypt").map(|c| match c {
            Conversion::Filter(_) => "filter",
            Conversion::Lfs => "lfs",
        })
    }

    #[test]
    fn only_what_a_checkout_changes_goes_through_filters() {
        assert_eq!(of(&[], false), None);
        assert_eq!(of(&[("text", "auto")], false), None);
        assert_eq!(of(&[("text", "set"), ("eol", "lf")], true), None);
        assert_eq!(of(&[("eol", "crlf")], false), Some("filter"));
        assert_eq!(of(&[("text", "unset"), ("eol", "crlf")], true), None);
        assert_eq!(of(&[], true), Some("filter"));
        assert_eq!(of(&[("ident", "set")], false), Some("filter"));
        assert_eq!(of(&[("working-tree-encoding", "UTF-16")], false), Some("filter"));
        assert_eq!(of(&[("filter", "crypt")], false), Some("filter"));
        assert_eq!(of(&[("filter", "unknown")], false), None);
        assert_eq!(of(&[("filter", "lfs"), ("text", "unset")], false), Some("lfs"));
    }
}
