//! Where an archive goes: bytes by writes, large files from page cache to pipe, socket or file without a copy in this
//! process where the system can do that.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use rustix::io::Errno;

use super::Sink;

/// How a pipe is widened, so that its reader is woken less often. What an ordinary user may have at most.
const PIPE: usize = 1 << 20;
/// So much is asked for at once, so that a cancelled run ends soon.
const STEP: u64 = 8 << 20;
/// Buffer of the way that works everywhere.
const BUFFER: usize = 256 * 1024;

/// An open sink.
pub enum Out<'a> {
    /// A descriptor, and the quickest way to it that hasn't failed yet.
    Descriptor(BorrowedFd<'a>, Way),
    /// A writer.
    Writer(&'a mut (dyn Write + Send)),
}

/// How the content of a file gets to a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Pages are moved into a pipe.
    Splice,
    /// From file to file, on some file systems without a copy.
    CopyFileRange,
    /// Within the kernel.
    SendFile,
    /// Through a buffer.
    Copy,
}

/// What went wrong on the way.
pub enum SendError {
    /// The file has fewer bytes.
    Short,
    /// The file can't be read.
    Read(io::Error),
    /// The sink can't be written.
    Write(io::Error),
}

impl<'a> Out<'a> {
    /// Opens a sink.
    pub fn new(sink: Sink<'a>) -> Self {
        match sink {
            Sink::Writer(writer) => Self::Writer(writer),
            Sink::Descriptor(fd) => Self::Descriptor(fd, system::way(fd)),
        }
    }

    /// Whether files can be sent without reading them.
    pub fn sends_files(&self) -> bool {
        matches!(self, Self::Descriptor(_, way) if *way != Way::Copy)
    }

    /// Writes all of it.
    pub fn write(&mut self, mut data: &[u8]) -> io::Result<()> {
        let fd = match self {
            Self::Writer(writer) => return writer.write_all(data),
            Self::Descriptor(fd, _) => *fd,
        };
        while !data.is_empty() {
            match rustix::io::write(fd, data) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => data = &data[n..],
                Err(error) => pause(error)?,
            }
        }
        Ok(())
    }

    /// Writes out what a writer has kept.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Writer(writer) => writer.flush(),
            Self::Descriptor(..) => Ok(()),
        }
    }

    /// Sends so many bytes of a file from `at` on, and tells how many they were: all of them, or a step.
    pub fn send(&mut self, file: &File, at: u64, length: u64) -> Result<u64, SendError> {
        let step = length.min(STEP);
        loop {
            let Self::Descriptor(fd, way) = self else { return self.copy(file, at, step) };
            if *way == Way::Copy {
                return self.copy(file, at, step);
            }
            match system::send(*way, *fd, file, at, step as usize) {
                Ok(0) if at_end(file, at) => return Err(SendError::Short),
                Ok(n) if n > 0 => return Ok(n as u64),
                Err(Errno::INTR) => {}
                Err(error @ Errno::AGAIN) => pause(error).map_err(SendError::Write)?,
                Err(error) if !is_refusal(error) => return Err(SendError::Write(error.into())),
                _ => *way = next(*way),
            }
        }
    }

    fn copy(&mut self, file: &File, at: u64, length: u64) -> Result<u64, SendError> {
        let mut buffer = vec![0; BUFFER.min(length as usize)];
        let n = loop {
            match file.read_at(&mut buffer, at) {
                Ok(0) => return Err(SendError::Short),
                Ok(n) => break n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(SendError::Read(e)),
            }
        };
        self.write(&buffer[..n]).map_err(SendError::Write)?;
        Ok(n as u64)
    }
}

/// Goes on after a signal; waits a little where the other side keeps a descriptor from blocking; fails otherwise.
fn pause(error: Errno) -> io::Result<()> {
    match error {
        Errno::INTR => Ok(()),
        Errno::AGAIN => {
            std::thread::sleep(Duration::from_millis(1));
            Ok(())
        }
        other => Err(other.into()),
    }
}

/// Some kernels answer 0 for files that aren't at their end, but can't be sent this way.
fn at_end(file: &File, at: u64) -> bool {
    file.metadata().is_ok_and(|meta| meta.len() <= at)
}

/// Whether an error says that this way doesn't lead there: other ways remain, down to plain reads and writes, and these
/// meet the error again if it was none of the way. Nothing was sent when it appears.
fn is_refusal(error: Errno) -> bool {
    !matches!(error, Errno::PIPE | Errno::CONNRESET | Errno::NOSPC | Errno::DQUOT | Errno::FBIG)
}

fn next(way: Way) -> Way {
    match way {
        Way::CopyFileRange => Way::SendFile,
        Way::Splice | Way::SendFile | Way::Copy => Way::Copy,
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use super::{BorrowedFd, Errno, File, PIPE, Way};
    use rustix::fs::{FileType, copy_file_range, fstat, sendfile};
    use rustix::pipe::{SpliceFlags, fcntl_setpipe_size, splice};

    /// The quickest way to a descriptor.
    pub fn way(fd: BorrowedFd<'_>) -> Way {
        match fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            Ok(FileType::Fifo) => {
                // Refused where a user has widened too many pipes; it works as it is, too.
                let _ = fcntl_setpipe_size(fd, PIPE);
                Way::Splice
            }
            Ok(FileType::RegularFile) => Way::CopyFileRange,
            Ok(FileType::Socket) => Way::SendFile,
            _ => Way::Copy,
        }
    }

    /// Sends bytes of a file that way.
    pub fn send(
        way: Way,
        to: BorrowedFd<'_>,
        file: &File,
        mut at: u64,
        length: usize,
    ) -> Result<usize, Errno> {
        match way {
            Way::Splice => splice(file, Some(&mut at), to, None, length, SpliceFlags::MORE),
            Way::CopyFileRange => copy_file_range(file, Some(&mut at), to, None, length),
            Way::SendFile => sendfile(to, file, Some(&mut at), length),
            Way::Copy => Err(Errno::INVAL),
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use super::{BorrowedFd, Errno, File, Way};

    /// There is no way but through a buffer.
    pub fn way(_: BorrowedFd<'_>) -> Way {
        Way::Copy
    }

    /// Never called: see [`way`].
    pub fn send(_: Way, _: BorrowedFd<'_>, _: &File, _: u64, _: usize) -> Result<usize, Errno> {
        Err(Errno::INVAL)
    }
}
