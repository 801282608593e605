//! Submodules: the commit of another repository, in the work tree or below `.git/modules`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use super::command::{output, read};
use super::{GitError, Leaf, LeafKind, Oid, Repository};

impl Repository {
    /// The names of a revision's submodules by path, as its `.gitmodules` says.
    pub(super) fn submodule_names(
        &self,
        leaves: &BTreeMap<Vec<u8>, Leaf>,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, GitError> {
        let Some(file) = leaves.get(&b".gitmodules"[..]).filter(|l| l.kind != LeafKind::Submodule) else {
            return Ok(BTreeMap::new());
        };
        let mut command = self.git();
        command.args(["config", "--list", "-z"]).arg(format!("--blob={}", file.object));
        let listed = output(&mut command)?;
        // One that can't be read names no submodule, as for a checkout.
        let pair = |record: &[u8]| {
            let at = record.iter().position(|b| *b == b'\n')?;
            let name = record[..at].strip_prefix(b"submodule.")?.strip_suffix(b".path")?;
            Some((record[at + 1..].to_vec(), name.to_vec()))
        };
        Ok(listed.stdout.split(|b| *b == 0).filter_map(pair).collect())
    }

    /// The repository of a submodule that has a commit; `None` when none has.
    pub(super) fn submodule(
        &self,
        path: &[u8],
        name: Option<&[u8]>,
        commit: Oid,
    ) -> Result<Option<Arc<Self>>, GitError> {
        let folder = self.top().join(OsStr::from_bytes(path));
        if !self.is_bare() && folder.join(".git").exists() {
            let found = Self::find(&folder)
                .ok()
                .filter(|r| r.top().canonicalize().ok() == folder.canonicalize().ok());
            if let Some(found) = found
                && found.has(commit)?
            {
                return Ok(Some(Arc::new(found)));
            }
        }
        // git itself refuses names that lead elsewhere.
        let safe =
            |n: &&[u8]| !n.is_empty() && n.split(|b| *b == b'/').all(|c| !matches!(c, b"" | b"." | b".."));
        let Some(name) = name.filter(safe) else { return Ok(None) };
        let git_folder = self.common_folder().join("modules").join(OsStr::from_bytes(name));
        if !git_folder.join("HEAD").is_file() {
            return Ok(None);
        }
        let found = Self::of_git_folder(git_folder);
        Ok(found.has(commit)?.then(|| Arc::new(found)))
    }

    /// Of `paths` those that a sparse checkout leaves out; none where the checkout isn't sparse.
    pub(super) fn left_out(&self, paths: &[&[u8]]) -> Result<Vec<Vec<u8>>, GitError> {
        if self.is_bare() || self.config()?.flag("core.sparsecheckout") != Some(true) {
            return Ok(Vec::new());
        }
        let question: Vec<u8> = paths.iter().flat_map(|p| [p, &b"\0"[..]].concat()).collect();
        let mut command = self.git();
        command.args(["sparse-checkout", "check-rules", "-z"]);
        let Ok(answer) = super::command::read_with(&mut command, &question, "reading the sparse checkout")
        else {
            return Ok(Vec::new());
        };
        let kept: std::collections::HashSet<&[u8]> = answer.split(|b| *b == 0).collect();
        Ok(paths.iter().filter(|p| !kept.contains(**p)).map(|p| p.to_vec()).collect())
    }

    /// The version of git, for messages.
    pub fn version(&self) -> Result<String, GitError> {
        let text = read(self.git().arg("--version"), "asking git for its version")?;
        Ok(String::from_utf8_lossy(&text).trim().to_owned())
    }
}
