//! Which sources of ADD and which named contexts are git repositories (`dfgitutil.ParseGitRef`, `gitutil.ParseURL`).

use std::sync::LazyLock;

use regex::Regex;

use super::text::{parse_bool, quoted};
use super::url::{Query, Url, pairs};

static PROTOCOL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^[a-zA-Z0-9]+://").expect("a valid expression"));
/// `sshutil.gitSSHRegex`: `git@host:path`.
static SCP: LazyLock<Regex> = LazyLock::new(|| {
    let scp = r"^([a-zA-Z0-9_-]+)@([a-zA-Z0-9.-]+):(.*?)(?:\?(.*?))?(?:#(.*))?$";
    Regex::new(scp).expect("a valid expression")
});

/// A git source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct GitRef {
    /// `github.com/…`: taken for a local path everywhere but as the build context.
    pub like_local: bool,
    /// `?checksum=` or `?commit=`; empty for none.
    pub checksum: String,
    /// `?keep-git-dir=`.
    pub keep_git_dir: Option<bool>,
    reference: String,
    sub_dir: String,
}

/// What a source is.
pub(super) enum Git {
    /// No git repository.
    No,
    /// A repository.
    Yes(GitRef),
    /// A repository with a query that isn't understood.
    Bad(String),
}

/// Tells whether `text` names a repository.
pub(super) fn detect(text: &str) -> Git {
    let Some((query, fragment, like_local)) = remote(text) else { return Git::No };
    let (reference, sub_dir) = fragment.split_once(':').unwrap_or((&fragment, ""));
    let sub_dir = crate::gopath::join(&[b"/", sub_dir.as_bytes()]);
    let mut found = GitRef {
        like_local,
        reference: reference.into(),
        sub_dir: String::from_utf8_lossy(&sub_dir[1..]).into_owned(),
        ..GitRef::default()
    };
    match found.load(&query) {
        Ok(()) => Git::Yes(found),
        Err(why) => Git::Bad(why),
    }
}

/// The query and the fragment of a repository's URL; `None` for what is no repository.
fn remote(text: &str) -> Option<(Query, String, bool)> {
    if text.starts_with("./") || text.starts_with("../") {
        return None;
    }
    if text.starts_with("github.com/") {
        let url = Url::parse(text)?;
        return Some((url.pairs(), url.fragment, true));
    }
    if let Some(found) = PROTOCOL.find(text) {
        let scheme = found.as_str().trim_end_matches("://").to_lowercase();
        if !["http", "https", "ssh", "git"].contains(&scheme.as_str()) {
            return None;
        }
        let url = Url::parse(text)?;
        let web = scheme.starts_with("http");
        return (!web || url.path.ends_with(b".git")).then(|| (url.pairs(), url.fragment, false));
    }
    let found = SCP.captures(text)?;
    let (query, whole) = pairs(found.get(4).map_or("", |m| m.as_str()));
    let fragment = found.get(5).map_or("", |m| m.as_str());
    whole.then(|| (query, fragment.to_owned(), false))
}

impl GitRef {
    /// Reads the query (`loadQuery`); pairs in the order of the URL, where BuildKit's order is random.
    fn load(&mut self, query: &[(String, String)]) -> Result<(), String> {
        let (mut tag, mut branch) = (String::new(), String::new());
        for (i, (key, value)) in query.iter().enumerate() {
            if query.iter().skip(i + 1).any(|(k, _)| k == key) {
                return Err(format!("query {} has multiple values", quoted(key)));
            }
            if value.is_empty() && !["submodules", "keep-git-dir", "fetch-by-commit"].contains(&key.as_str())
            {
                return Err(format!("query {} has no value", quoted(key)));
            }
            match key.as_str() {
                "ref" => self.set_reference(value)?,
                "tag" => tag.clone_from(value),
                "branch" => branch.clone_from(value),
                "subdir" if !self.sub_dir.is_empty() && self.sub_dir != *value => {
                    return Err(format!("subdir conflicts: {} vs {}", quoted(&self.sub_dir), quoted(value)));
                }
                "subdir" => self.sub_dir.clone_from(value),
                "checksum" | "commit" => self.checksum.clone_from(value),
                "keep-git-dir" => self.keep_git_dir = Some(flag(key, value)?),
                "submodules" | "fetch-by-commit" => {
                    flag(key, value)?;
                }
                "mtime" if value == "checkout" || value == "commit" => {}
                "mtime" => {
                    return Err(format!(
                        "invalid mtime value: {} (must be \"checkout\" or \"commit\")",
                        quoted(value)
                    ));
                }
                _ => return Err(format!("unexpected query {}", quoted(key))),
            }
        }
        if !tag.is_empty() {
            self.set_reference(&prefixed("refs/tags/", &tag))?;
        }
        if !branch.is_empty() && !tag.is_empty() {
            return Err("branch conflicts with tag".into());
        }
        if !branch.is_empty() {
            self.set_reference(&prefixed("refs/heads/", &branch))?;
        }
        Ok(())
    }

    fn set_reference(&mut self, new: &str) -> Result<(), String> {
        if !self.reference.is_empty() && self.reference != new {
            return Err(format!("ref conflicts: {} vs {}", quoted(&self.reference), quoted(new)));
        }
        new.clone_into(&mut self.reference);
        Ok(())
    }
}

fn prefixed(prefix: &str, name: &str) -> String {
    if name.starts_with(prefix) { name.into() } else { format!("{prefix}{name}") }
}

fn flag(key: &str, value: &str) -> Result<bool, String> {
    if value.is_empty() {
        return Ok(true);
    }
    parse_bool(value).ok_or_else(|| format!("invalid {key} value: {}", quoted(value)))
}

/// `isHTTPSource`: a URL that is no repository.
pub(super) fn is_http(text: &str) -> bool {
    (text.starts_with("http://") || text.starts_with("https://")) && !is_git(text)
}

/// `isGitSource`: a repository, `github.com/…` included.
pub(super) fn is_git(text: &str) -> bool {
    matches!(detect(text), Git::Yes(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_told_from_files() {
        for yes in [
            "https://github.com/a/b.git",
            "https://github.com/a/b.git#main:sub",
            "git@github.com:a/b",
            "ssh://h/x",
            "git://h/x",
            "a@b:c",
        ] {
            assert!(matches!(detect(yes), Git::Yes(g) if !g.like_local), "{yes}");
        }
        for no in ["https://h/a.tgz", "./a@b:c", "a/b", "ftp://h/x.git", "a@b", "http://h/%zz.git"] {
            assert!(matches!(detect(no), Git::No), "{no}");
        }
        assert!(matches!(detect("github.com/a/b"), Git::Yes(g) if g.like_local));
    }

    #[test]
    fn a_bad_query_is_told_in_buildkits_words() {
        for (text, want) in [
            ("https://h/a.git?x=1", r#"unexpected query "x""#),
            ("https://h/a.git?ref=", r#"query "ref" has no value"#),
            ("https://h/a.git?tag=1&branch=2", "branch conflicts with tag"),
            ("https://h/a.git?keep-git-dir=maybe", r#"invalid keep-git-dir value: "maybe""#),
            ("https://h/a.git?ref=a#b", r#"ref conflicts: "b" vs "a""#),
        ] {
            assert!(matches!(detect(text), Git::Bad(why) if why == want), "{text}");
        }
    }
}
