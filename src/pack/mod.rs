//! A reproducible tar of a [`Source`](crate::entry::Source): its order, owner 0:0 without names, times as asked for, and not one
//! byte that depends on the machine, the hour or the number of threads.
//!
//! POSIX ustar with pax records only where ustar can't say it: names that are too long or not ASCII, sizes from 8 GiB on, times
//! that are no whole seconds, extended attributes. Two zero blocks end the archive; it isn't padded to records of
//! 10,240 bytes, as tapes wanted them.
//!
//! [`write()`] packs, [`verify`] compares an archive by whomever with a listing.

mod archive;
mod compress;
mod content;
mod error;
mod header;
mod large;
mod line;
mod name;
mod options;
mod out;
mod pax;
mod tasks;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod verify;
#[cfg(test)]
mod verify_tests;
mod write;

pub use error::{PackError, VerifyError};
pub use options::{Compression, Mtime, Options, Sink, Summary};
pub use verify::{Difference, What, verify};
pub use write::write;

/// Bytes of a header, and what contents are padded to.
const BLOCK: usize = 512;

/// What follows the last member: two zero blocks.
const END: usize = 2 * BLOCK;
