//! Random changes of a build on disk.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fastrand::Rng;

use crate::support::entry;

/// What was done, for reports.
#[derive(Debug, Clone)]
pub struct Change {
    what: String,
    /// An engine that holds the context may not notice it, and then goes on with what is stale.
    pub unnoticed: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Changes something of the build in `context`; every new content and name has `fresh` in it, so that no builder has seen it.
pub fn change(rng: &mut Rng, context: &Path, fresh: &str) -> Change {
    loop {
        let done = match rng.u8(..16) {
            0..=3 => on_file(rng, context, |path| edit(path, fresh)),
            4 => on_file(rng, context, |path| edit_unnoticed(path, fresh)),
            5 => on_file(rng, context, chmod),
            6 => on_file(rng, context, touch),
            7 => on_file(rng, context, |path| rename(path, fresh)),
            8 => on_file(rng, context, delete),
            9 | 10 => add(rng, context, fresh),
            11 => on_folder(rng, context, chmod_folder),
            12 => on_folder(rng, context, |path| rename(path, fresh)),
            13 => ignore(rng, context),
            _ => instruction(rng, context, fresh),
        };
        if let Some(done) = done {
            return done;
        }
    }
}

fn done(verb: &str, path: &Path) -> Option<Change> {
    Some(Change { what: format!("{verb} {}", path.display()), unnoticed: false })
}

/// The entries below a folder, without the files of the build itself.
fn entries(context: &Path, wanted: impl Fn(&fs::Metadata) -> bool + Copy) -> Vec<PathBuf> {
    let Ok(list) = fs::read_dir(context) else { return Vec::new() };
    let mut names: Vec<PathBuf> = list.flatten().map(|e| e.path()).collect();
    names.sort();
    let mut out = Vec::new();
    for path in names {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            out.extend(entries(&path, wanted));
        }
        if wanted(&meta) && !path.ends_with("Dockerfile") && !path.ends_with(".dockerignore") {
            out.push(path);
        }
    }
    out
}

fn one(rng: &mut Rng, list: &[PathBuf]) -> Option<PathBuf> {
    (!list.is_empty()).then(|| list[rng.usize(..list.len())].clone())
}

fn on_file(rng: &mut Rng, context: &Path, act: impl Fn(&Path) -> Option<Change>) -> Option<Change> {
    act(&one(rng, &entries(context, fs::Metadata::is_file))?)
}

fn on_folder(rng: &mut Rng, context: &Path, act: impl Fn(&Path) -> Option<Change>) -> Option<Change> {
    act(&one(rng, &entries(context, fs::Metadata::is_dir))?)
}

fn edit(path: &Path, fresh: &str) -> Option<Change> {
    fs::write(path, format!("edited {fresh}\n")).expect("writing");
    done("edit", path)
}

/// Other bytes of the same size under the same time.
fn edit_unnoticed(path: &Path, fresh: &str) -> Option<Change> {
    let data = fs::read(path).expect("reading");
    let time = fs::metadata(path).and_then(|m| m.modified()).expect("a time");
    let mut other: Vec<u8> = fresh.bytes().rev().cycle().take(data.len()).collect();
    if other == data || data.is_empty() {
        return None;
    }
    other.rotate_left(1);
    fs::write(path, &other).expect("writing");
    fs::File::options().write(true).open(path).and_then(|f| f.set_modified(time)).expect("the old time");
    Some(Change { unnoticed: true, ..done("edit without a trace", path)? })
}

fn chmod(path: &Path) -> Option<Change> {
    let mode = fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
    entry::set_mode(path, mode ^ 0o111);
    done("chmod", path)
}

fn chmod_folder(path: &Path) -> Option<Change> {
    let mode = fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
    entry::set_mode(path, mode ^ 0o005);
    Some(Change { unnoticed: true, ..done("chmod the folder", path)? })
}

fn touch(path: &Path) -> Option<Change> {
    let time = std::time::SystemTime::now() + std::time::Duration::from_secs(7);
    fs::File::open(path).and_then(|f| f.set_modified(time)).ok()?;
    done("touch", path)
}

fn rename(path: &Path, fresh: &str) -> Option<Change> {
    fs::rename(path, path.with_file_name(format!("r{fresh}"))).expect("renaming");
    done("rename", path)
}

fn delete(path: &Path) -> Option<Change> {
    fs::remove_file(path).expect("removing");
    done("delete", path)
}

fn add(rng: &mut Rng, context: &Path, fresh: &str) -> Option<Change> {
    let mut folders = entries(context, fs::Metadata::is_dir);
    folders.push(context.to_owned());
    let path = one(rng, &folders)?.join(format!("{fresh}.{}", if rng.bool() { "txt" } else { "pyc" }));
    fs::write(&path, fresh).expect("writing");
    entry::set_mode(&path, 0o644);
    done("add", &path)
}

fn ignore(rng: &mut Rng, context: &Path) -> Option<Change> {
    let path = one(rng, &entries(context, |_| true))?;
    let relative = path.strip_prefix(context).ok()?.to_str()?;
    // A line of an ignore file has blanks at its ends taken off, and characters of its own.
    if relative.contains(['*', '?', '[', '\\', '!', '\n', '#']) || relative.trim() != relative {
        return None;
    }
    let file = context.join(".dockerignore");
    let mut text = fs::read_to_string(&file).unwrap_or_default();
    text.push_str(relative);
    text.push('\n');
    fs::write(&file, text).expect("writing");
    done("ignore", &path)
}

/// Changes a word of an instruction.
fn instruction(rng: &mut Rng, context: &Path, fresh: &str) -> Option<Change> {
    let file = context.join("Dockerfile");
    let text = fs::read_to_string(&file).expect("a Dockerfile");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let place = rng.usize(..lines.len());
    let line = &mut lines[place];
    if line.starts_with("RUN ") && !line.contains("<<") && !line.contains("--mount") {
        line.push_str(&format!(" {fresh}"));
    } else if line.starts_with("ENV ") && line.contains('=') && !line.contains('"') {
        line.push_str(fresh);
    } else if line.starts_with("FROM ") {
        lines.insert(place + 1, format!("LABEL fresh={fresh}"));
    } else {
        return None;
    }
    let what = lines[place].clone();
    fs::write(&file, lines.join("\n") + "\n").expect("writing");
    Some(Change { what: format!("line {}: {what}", place + 1), unnoticed: false })
}
