//! `--from-gitignore`: what the `.gitignore` files of a repository say, as lines of an ignore file.

mod class;
mod convert;
mod judge;
mod rule;
#[cfg(test)]
mod tests;

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

pub use self::convert::{Converted, convert};
pub use self::judge::{File, Judge, Place};
use super::block;
use super::effect;
use super::outcome::Outcome;
use super::world::World;
use super::{Answer, CONVERTED, report, try_out};
use crate::context::Context;
use crate::entry::{Entry, FileType, Source as _};
use crate::error::Error;
use crate::observer::Observer;
use crate::report::{IgnoreLine, IgnoreReport, PathField};

const NAME: &[u8] = b".gitignore";

/// Converts the files of the context, and of the folders above it up to the top of the repository.
pub fn answer(world: &mut World, observer: &dyn Observer) -> Result<Answer, Error> {
    let old = world.target.bytes.clone();
    let shown = world.under(old.as_deref())?;
    let (before, shown): (Vec<Outcome>, Arc<Context>) = world.outcomes(shown, observer)?;
    let mut report = report(world, "from-gitignore", &before);
    let mut files = above(world.base.root())?;
    let ignored: Vec<bool> = {
        let judge = Judge::of(&files);
        (0..files.len()).map(|file| judge.context_is_ignored(file)).collect()
    };
    for (file, _) in files.iter().zip(&ignored).filter(|(_, ignored)| **ignored) {
        let name = String::from_utf8_lossy(&file.name);
        report.remarks.push(format!("`{name}` ignores the context itself, and is left out"));
    }
    let mut leave = ignored.into_iter();
    files.retain(|_| !leave.next().unwrap_or(false));
    files.extend(below(&world.base)?);
    let made = convert(&files, world.base.entries());
    let lines: Vec<String> = made.lines.iter().map(|(line, _)| line.clone()).collect();
    let bytes = block::with(old.as_deref().unwrap_or_default(), CONVERTED, &lines);
    fill_in(&mut report, world, &files, made);
    try_out(world, &before, &shown, &bytes, &mut report, observer)?;
    let other = world.under(Some(&bytes))?;
    let file = world.target_below().and_then(|path| effect::position(shown.entries(), &path));
    let stays =
        file.filter(|at| effect::position(other.entries(), shown.entries()[*at].path.as_bytes()).is_some());
    if let Some(at) = stays.filter(|_| Some(&bytes) != old.as_ref()) {
        effect::takes_file(world, at, &before, &mut report);
    }
    if report.added.as_ref().is_some_and(|a| a.total.files > 0) && old.is_some() {
        report.remarks.push(
            "`!` lines bring back files that the other lines of the file hide: they stand behind those"
                .to_owned(),
        );
    }
    Ok(Answer { report, bytes: Some(bytes) })
}

fn fill_in(report: &mut IgnoreReport, world: &World, files: &[File], made: Converted) {
    let line = |(line, from): (String, String)| IgnoreLine {
        line,
        kind: "converted".to_owned(),
        what: Some(from),
        ..IgnoreLine::default()
    };
    report.gitignores = files.iter().map(|f| PathField::new(&f.name)).collect();
    let ignored = Judge::of(files).ignored(world.base.entries());
    report.saved = effect::sum(world.base.entries(), |at| ignored[at].is_some());
    report.exact = Some(made.exact);
    report.remarks.extend(made.remarks);
    report.lines = made.lines.into_iter().map(line).collect();
}

/// The `.gitignore` files of a context, outer ones first.
fn below(context: &Context) -> Result<Vec<File>, Error> {
    let mut files = Vec::new();
    let own = |e: &&Entry| e.stat.file_type == FileType::File && e.path.name() == NAME;
    for entry in context.entries().iter().filter(own) {
        let name = entry.path.as_bytes().to_vec();
        let bytes = context.tree().read(&name).map_err(|e| Error::read(&context.on_disk(&name), e))?;
        let folder = entry.path.parent().map_or_else(Vec::new, |p| p.as_bytes().to_vec());
        files.push(File { name, place: Place::Below(folder), lines: lines(&bytes) });
    }
    let depth = |f: &File| f.name.iter().filter(|b| **b == b'/').count();
    files.sort_by_key(depth);
    Ok(files)
}

/// Those of the folders above, when the context lies in a repository.
fn above(root: &Path) -> Result<Vec<File>, Error> {
    let Some(top) = root.ancestors().find(|folder| folder.join(".git").exists()) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for folder in root.ancestors().skip(1).take_while(|folder| folder.starts_with(top)) {
        let path = folder.join(".gitignore");
        if !path.symlink_metadata().is_ok_and(|m| m.is_file()) {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(|e| Error::read(&path, e))?;
        let way = root.strip_prefix(folder).map(|w| w.as_os_str().as_bytes().to_vec()).unwrap_or_default();
        let up = "../".repeat(way.split(|b| *b == b'/').count());
        let name = format!("{up}.gitignore").into_bytes();
        files.push(File { name, place: Place::Above(way), lines: lines(&bytes) });
    }
    files.reverse();
    Ok(files)
}

/// The lines of a file, without a byte order mark.
pub fn lines(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.split(|b| *b == b'\n').map(|l| crate::pattern::runes(l).into_owned()).collect()
}
