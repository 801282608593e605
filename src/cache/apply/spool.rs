//! Contents of archives and layers, put one behind the other into a temporary file.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::sync::Arc;

use super::tar::{Archive, TarError};
use crate::cache::tree::Content;

/// A temporary file that goes when the last content in it goes.
pub(super) struct Spool {
    file: Arc<File>,
    writer: BufWriter<Arc<File>>,
    end: u64,
}

impl Spool {
    pub fn new() -> io::Result<Self> {
        let file = Arc::new(tempfile::tempfile()?);
        Ok(Self { writer: BufWriter::with_capacity(256 << 10, file.clone()), file, end: 0 })
    }

    /// Takes the content of the archive's present entry; gives it with its length.
    pub fn take(&mut self, archive: &mut Archive<impl Read>) -> Result<(Content, u64), TarError> {
        let len = archive.copy_to(&mut self.writer)?;
        let offset = self.end;
        self.end += len;
        let content =
            if len == 0 { Content::Empty } else { Content::Range { file: self.file.clone(), offset, len } };
        Ok((content, len))
    }

    /// Writes what is buffered: before that, contents can't be read.
    pub fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
