//! The content that a checkout writes, where git's filters change it.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::{GitError, Oid, Repository};

/// A running `git cat-file --batch --filters` with the attributes of one commit.
#[derive(Debug)]
pub(super) struct Filters {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    mark: Vec<u8>,
}

impl Drop for Filters {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Filters {
    /// Starts one. Attributes are those of `commit`, not those of the work tree.
    pub(super) fn start(repository: &Repository, commit: Oid) -> Result<Self, GitError> {
        let mut command = repository.git();
        command.arg(format!("--attr-source={commit}")).args(["cat-file", "--batch", "--filters", "-z"]);
        let started = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = started.map_err(|source| GitError::NoGit { source })?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(GitError::failed("starting git", "it has no pipes"));
        };
        // No object has this name, and no file ends with git's answer to it by chance.
        let mark = format!("stowaway-{commit}-{}", std::process::id()).into_bytes();
        Ok(Self { child, questions, answers: BufReader::with_capacity(1 << 16, answers), mark })
    }

    /// What a checkout writes at `path` for `blob`.
    ///
    /// # Errors
    /// What git's end of the pipe says: a filter program that fails ends git.
    pub(super) fn content(&mut self, blob: Oid, path: &[u8]) -> io::Result<Vec<u8>> {
        // git announces the size of the blob, not of what it writes then. So the answer ends where that to a second question
        // begins, for something that isn't there.
        let mut question = format!("{blob} ").into_bytes();
        question.extend_from_slice(path);
        question.push(0);
        question.extend_from_slice(&self.mark);
        question.extend_from_slice(b" x\0");
        self.questions.write_all(&question)?;
        self.questions.flush()?;
        let mut header = Vec::new();
        self.answers.read_until(b'\n', &mut header)?;
        let end = [b"\n", &self.mark[..], b" x missing\n"].concat();
        let bare_end = [b"\n", &self.mark[..], b" missing\n"].concat();
        if header.ends_with(b" missing\n") || header.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("git can't give {blob}")));
        }
        let mut content = Vec::new();
        loop {
            if self.answers.by_ref().read_until(b'\n', &mut content)? == 0 {
                return Err(io::Error::other("git ended in the middle of a file"));
            }
            let end = [&end, &bare_end].into_iter().find(|end| content.ends_with(end));
            if let Some(end) = end {
                content.truncate(content.len() - end.len());
                return Ok(content);
            }
        }
    }
}
