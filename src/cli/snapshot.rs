//! `stowaway snapshot`.

use std::path::Path;

use super::args::SnapshotArgs;
use super::options::Format;
use super::progress::Progress;
use super::{DONE, folders, output, request, say, warn};
use crate::error::Error;
use crate::ops;
use crate::report::{Document as _, Look, PathField, SnapshotReport, WarningReport};
use crate::snapshot::{Kept, Snapshot, Store};

/// Takes a snapshot and writes it where the flags say, or keeps it.
pub fn run(args: &SnapshotArgs) -> Result<u8, Error> {
    let file = args.output.output.as_deref();
    let to_stdout = file == Some(Path::new("-"));
    if to_stdout && args.output.format == Format::Json {
        let hint = "name a file for the snapshot, or leave --format json out";
        return Err(Error::usage("-o - and --format json would both write to standard output", hint));
    }
    let request = request(&args.build.context, &args.build.options)?;
    let progress = Progress::of(&args.output);
    let mut taken = ops::snapshot(&request, &progress)?;
    progress.finish();
    let (path, bytes) = match file {
        Some(_) if to_stdout => (None, write_out(&taken.snapshot)?),
        Some(path) => (Some(path.to_owned()), write_file(path, &taken.snapshot)?),
        None => {
            let Kept { path, bytes } = store()?.keep(&taken.snapshot)?;
            (Some(path), bytes)
        }
    };
    if let Some(file) = file.filter(|f| taken.is_changed_by(f)) {
        taken.warnings.push(in_context(file));
    }
    warn(&taken.warnings, &args.output);
    let report = SnapshotReport {
        path: path.map(|p| PathField::new(p.as_os_str().as_encoded_bytes())),
        bytes,
        target: taken.snapshot.subject.target,
        steps: taken.snapshot.steps.len() as u64,
        sent: taken.sent,
        warnings: taken.warnings,
    };
    tell(&report, args)?;
    Ok(DONE)
}

/// A snapshot that is a part of the next build.
fn in_context(file: &Path) -> WarningReport {
    let file = file.display();
    let message = format!(
        "{file} lies in the context and is sent with it, which the next comparison will tell as a change: write it elsewhere, or name it in the ignore file"
    );
    WarningReport { line: None, code: "snapshot-in-context".into(), message }
}

/// The store of this user.
pub(super) fn store() -> Result<Store, Error> {
    let folder = folders::state(|name| std::env::var_os(name)).ok_or_else(|| {
        let hint = "set STOWAWAY_STATE_DIR to a folder, or write the snapshot to a file with -o";
        Error::usage("there is no folder to keep snapshots in: HOME is not set", hint)
    })?;
    Ok(Store::new(folder.join("snapshots")))
}

fn write_out(snapshot: &Snapshot) -> Result<u64, Error> {
    let bytes = snapshot.to_bytes();
    output::to_stdout(|out| out.write_all(&bytes))?;
    Ok(bytes.len() as u64)
}

fn write_file(path: &Path, snapshot: &Snapshot) -> Result<u64, Error> {
    let bytes = snapshot.to_bytes();
    output::replace(path, |out| out.write_all(&bytes)).map_err(|e| Error::write(path, e))?;
    Ok(bytes.len() as u64)
}

/// Says what was written: to programs on standard output, to people beside it.
fn tell(report: &SnapshotReport, args: &SnapshotArgs) -> Result<(), Error> {
    if args.output.format == Format::Json {
        return output::to_stdout(|out| report.json(out));
    }
    if !args.output.quiet {
        let mut text = Vec::new();
        // A vector takes every byte.
        let _ = report.human(&mut text, &Look::default());
        say(&String::from_utf8_lossy(&text));
    }
    Ok(())
}
