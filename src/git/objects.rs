//! Blobs through long-lived `git cat-file --batch` processes: one for each thread that reads.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Mutex;

use rustc_hash::FxHashMap;

use super::command::read_with;
use super::{GitError, Oid, Repository};

/// Processes that wait for a question.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<Vec<Batch>>,
}

/// A running `git cat-file --batch`.
#[derive(Debug)]
struct Batch {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        // It may still be writing an answer that nobody reads.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Batch {
    fn start(repository: &Repository) -> io::Result<Self> {
        let mut command = repository.git();
        let mut child =
            command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(questions), Some(answers)) => {
                Ok(Self { child, questions, answers: BufReader::with_capacity(1 << 16, answers) })
            }
            _ => Err(io::Error::other("git has no pipes")),
        }
    }

    /// Asks for an object; gives its size, and its content is next.
    fn ask(&mut self, object: Oid) -> io::Result<u64> {
        self.questions.write_all(format!("{object}\n").as_bytes())?;
        self.questions.flush()?;
        let mut line = Vec::new();
        self.answers.read_until(b'\n', &mut line)?;
        let line = String::from_utf8_lossy(&line);
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [_, _, size] => size.parse().map_err(|_| io::Error::other(format!("git said {line:?}"))),
            [_, "missing"] => {
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("git has no object {object}")))
            }
            _ => Err(io::Error::other(format!("git ended while it was asked for {object}"))),
        }
    }
}

/// The content of a blob, as git hands it over.
#[derive(Debug)]
pub struct BlobReader<'r> {
    pool: &'r Pool,
    batch: Option<Batch>,
    left: u64,
}

impl Read for BlobReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(batch) = self.batch.as_mut().filter(|_| self.left > 0) else { return Ok(0) };
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let n = batch.answers.read(&mut buffer[..most])?;
        if n == 0 && most > 0 {
            self.batch = None;
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "git ended in the middle of a file"));
        }
        self.left -= n as u64;
        if self.left == 0 {
            self.give_back();
        }
        Ok(n)
    }
}

impl BlobReader<'_> {
    /// Lets the process wait for the next question, once its answer is read to the end.
    fn give_back(&mut self) {
        let Some(mut batch) = self.batch.take() else { return };
        let mut newline = [0];
        if batch.answers.read_exact(&mut newline).is_ok() && newline == *b"\n" {
            self.pool.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(batch);
        }
    }
}

impl Repository {
    /// Opens a blob. A blob that isn't there is [`io::ErrorKind::InvalidData`], because it is no missing file.
    ///
    /// # Errors
    /// What the system says, and what git says.
    pub fn open(&self, blob: Oid) -> io::Result<BlobReader<'_>> {
        let idle = self.pool.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop();
        let mut batch = idle.map_or_else(|| Batch::start(self), Ok)?;
        let left = batch.ask(blob)?;
        let mut reader = BlobReader { pool: &self.pool, batch: Some(batch), left };
        if left == 0 {
            reader.give_back();
        }
        Ok(reader)
    }

    /// A whole blob.
    ///
    /// # Errors
    /// [`GitError::MissingObject`] and what else keeps git from reading it.
    pub fn blob(&self, blob: Oid, what: &str) -> Result<Vec<u8>, GitError> {
        let mut bytes = Vec::new();
        let read = self.open(blob).and_then(|mut reader| reader.read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok(bytes),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                Err(GitError::MissingObject { object: blob.to_string(), what: what.to_owned() })
            }
            Err(e) => Err(GitError::failed(format!("reading {what} from git"), e.to_string())),
        }
    }

    /// The sizes of blobs; those that aren't there are left out.
    ///
    /// # Errors
    /// [`GitError`] when git fails.
    pub fn sizes(&self, blobs: &[Oid]) -> Result<FxHashMap<Oid, u64>, GitError> {
        if blobs.is_empty() {
            return Ok(FxHashMap::default());
        }
        let mut question = String::with_capacity(blobs.len() * 41);
        for blob in blobs {
            question.push_str(&format!("{blob}\n"));
        }
        let mut command = self.git();
        command.args(["cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer"]);
        let answer = read_with(&mut command, question.as_bytes(), "reading the sizes of files from git")?;
        let size = |line: &[u8]| {
            let (name, size) = line.split_at(line.iter().position(|b| *b == b' ')?);
            Some((Oid::parse(name)?, std::str::from_utf8(size).ok()?.trim().parse().ok()?))
        };
        Ok(answer.split(|b| *b == b'\n').filter_map(size).collect())
    }
}
