//! `stowaway pack`.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use clap::ValueEnum;

use super::args::PackArgs;
use super::options::{Format, umask};
use super::progress::Progress;
use super::{DONE, environment, output, request, say, warn};
use crate::digest::Algorithm;
use crate::error::Error;
use crate::ops::{self, Modes, Mtime, PackOptions, Packable};
use crate::pack::{PackError, Sink, Summary};
use crate::report::{Document as _, Look, PackReport, PathField};

/// The reader of a pipe has gone away: what a shell reports of a program that SIGPIPE ends.
const CLOSED: u8 = 141;

/// `--mtime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// One that needs no more than the context.
    Mtime(Mtime),
    /// The variable's.
    SourceDateEpoch,
}

/// `--digest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DigestName {
    /// BLAKE3
    Blake3,
    /// SHA-256, which is slower, as `sha256sum` and OCI have it
    Sha256,
    /// None: large files then needn't pass through this program
    None,
}

/// The last second that has a year of four digits.
const LATEST: i64 = 253_402_300_799;

/// Reads `--mtime`.
pub fn time(text: &str) -> Result<Time, String> {
    match text {
        "git" => Ok(Time::Mtime(Mtime::Git)),
        "content" => Ok(Time::Mtime(Mtime::Content)),
        "SOURCE_DATE_EPOCH" => Ok(Time::SourceDateEpoch),
        _ => match seconds(text) {
            Some(seconds) => Ok(Time::Mtime(Mtime::Fixed(seconds))),
            None => Err("write git, content, SOURCE_DATE_EPOCH, or seconds since 1970".to_owned()),
        },
    }
}

fn seconds(text: &str) -> Option<i64> {
    text.trim().parse().ok().filter(|seconds| (0..=LATEST).contains(seconds))
}

/// Reads `--normalize-modes`.
pub fn modes(text: &str) -> Result<Modes, String> {
    match text.strip_prefix("umask") {
        None if text == "git" => Ok(Modes::Git),
        Some("") => Ok(Modes::Umask(0o022)),
        Some(rest) if rest.starts_with(':') => umask(&rest[1..]).map(Modes::Umask),
        _ => Err("write git, umask, or umask:OCTAL such as umask:002".to_owned()),
    }
}

/// Writes a tar.
pub fn run(args: &PackArgs) -> Result<u8, Error> {
    write(args, &options(args)?)
}

fn options(args: &PackArgs) -> Result<PackOptions, Error> {
    // What nobody is told needn't be computed.
    let told = !args.output.quiet || args.output.format == Format::Json;
    Ok(PackOptions {
        mtime: match args.mtime {
            Time::Mtime(mtime) => mtime,
            Time::SourceDateEpoch => Mtime::Fixed(source_date_epoch()?),
        },
        modes: args.normalize_modes.unwrap_or_default(),
        used: args.used,
        context_only: args.context_only,
        compression: args.compress,
        digest: match args.digest {
            DigestName::Blake3 if told => Some(Algorithm::Blake3),
            DigestName::Sha256 if told => Some(Algorithm::Sha256),
            _ => None,
        },
        left_out: args.output.output.clone(),
    })
}

fn source_date_epoch() -> Result<i64, Error> {
    let hint = "set it to seconds since 1970, such as `git log -1 --format=%ct` says them";
    match environment("SOURCE_DATE_EPOCH") {
        None => Err(Error::usage("SOURCE_DATE_EPOCH is not set", hint)),
        Some(text) => seconds(&text)
            .ok_or_else(|| Error::usage(format!("SOURCE_DATE_EPOCH is `{text}`, which is no time"), hint)),
    }
}

fn write(args: &PackArgs, options: &PackOptions) -> Result<u8, Error> {
    let file = args.output.output.as_deref().filter(|path| *path != Path::new("-"));
    if file.is_none() && io::stdout().is_terminal() {
        let hint = "write it to a file with -o, or into a pipe, such as `stowaway pack | docker build -`";
        return Err(Error::usage("standard output is a terminal, and a tar is nothing to look at", hint));
    }
    let request = request(&args.build.context, &args.build.options)?;
    let progress = Progress::of(&args.output);
    let packable = Packable::of(&request, options, &progress)?;
    let packed = match file {
        Some(path) => to_file(&packable, options, path, &progress),
        None => {
            let stdout = io::stdout().lock();
            let sink = Sink::Descriptor(stdout.as_fd());
            ops::pack(&packable, options, sink, None, &progress).map_err(|error| match error {
                Error::Pack(PackError::Write(source)) => Error::write(Path::new("standard output"), source),
                error => error,
            })
        }
    };
    progress.finish();
    let summary = match packed {
        Err(Error::Pack(PackError::Closed)) => return Ok(CLOSED),
        packed => packed?,
    };
    warn(&packable.warnings, &args.output);
    let path = file.map(|p| PathField::new(p.as_os_str().as_encoded_bytes()));
    tell(&packable.report(path, options, &summary), args, file.is_some())?;
    Ok(DONE)
}

/// Writes the tar to a file that is replaced at once or not at all.
fn to_file(
    packable: &Packable,
    options: &PackOptions,
    path: &Path,
    progress: &Progress,
) -> Result<Summary, Error> {
    let write = |file: &File| ops::pack(packable, options, Sink::Descriptor(file.as_fd()), None, progress);
    output::replace_file(path, |file| Ok(write(file)?)).map_err(|failure| match failure {
        Failure::File(source) | Failure::Pack(Error::Pack(PackError::Write(source))) => {
            Error::write(path, source)
        }
        Failure::Pack(error) => error,
    })
}

/// Why a file was not replaced.
enum Failure {
    Pack(Error),
    File(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Pack(error)
    }
}

/// Says what was written: to programs on standard output unless the tar is there, to people beside it.
fn tell(report: &PackReport, args: &PackArgs, stdout_is_free: bool) -> Result<(), Error> {
    let mut text = Vec::new();
    // A vector takes every byte.
    let _ = match args.output.format {
        Format::Json if stdout_is_free => return output::to_stdout(|out| report.json(out)),
        Format::Json => report.json(&mut text),
        _ if args.output.quiet => return Ok(()),
        _ => report.human(&mut text, &Look { verbose: args.output.verbose, ..Look::default() }),
    };
    say(&String::from_utf8_lossy(&text));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_or_a_word() {
        assert_eq!(time("0"), Ok(Time::Mtime(Mtime::Fixed(0))));
        assert_eq!(time("1700000000"), Ok(Time::Mtime(Mtime::Fixed(1_700_000_000))));
        assert_eq!(time("git"), Ok(Time::Mtime(Mtime::Git)));
        assert_eq!(time("SOURCE_DATE_EPOCH"), Ok(Time::SourceDateEpoch));
        assert!(["", "-1", "now", "1e9", "253402300800"].iter().all(|t| time(t).is_err()));
    }

    #[test]
    fn modes_are_gits_or_a_umasks() {
        assert_eq!(modes("git"), Ok(Modes::Git));
        assert_eq!(modes("umask"), Ok(Modes::Umask(0o022)));
        assert_eq!(modes("umask:002"), Ok(Modes::Umask(0o002)));
        assert!(["", "umask:", "umask:9", "umask022", "none"].iter().all(|m| modes(m).is_err()));
    }
}
