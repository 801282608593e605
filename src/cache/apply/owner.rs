//! `--chown` (`solver/llbsolver/ops/user_linux.go`): names are looked up in the files of a tree, unknown ones are root.

use std::io::Read;

use super::ContentReader;
use super::disk::lookup;
use super::error::{ApplyError, Errno, mounted};
use super::mkdir::Ids;
use super::rootpath::root_path;
use crate::cache::tree::{Content, FileTree};
use crate::entry::FileType;
use crate::pattern::trim_space;
use crate::plan::{Owner, User};

const MAX_FILE: u64 = 10 << 20;
/// `bufio.Scanner`'s limit on a line of `/etc/passwd`, and the one that is set for `/etc/group`.
const MAX_PASSWD_LINE: usize = 64 << 10;
const MAX_GROUP_LINE: usize = 1 << 20;

/// The ids of an owner. `tree` gives the input that a name is looked up in.
pub(super) fn ids(
    owner: &Owner,
    tree: impl Fn(i64) -> Result<FileTree, ApplyError>,
    contents: &dyn ContentReader,
) -> Result<Ids, ApplyError> {
    let mut ids = Ids { uid: 0, gid: 0 };
    match &owner.user {
        None => {}
        Some(User::Id(id)) => ids = Ids { uid: *id, gid: *id },
        Some(User::Name(name, input)) => {
            let text = read(&tree(*input)?, "/etc/passwd", contents)?;
            let found = find(&text, name, MAX_PASSWD_LINE, false)?;
            if let Some(fields) = found {
                ids = Ids { uid: atoi(fields.get(2)), gid: atoi(fields.get(3)) };
            }
        }
    }
    match &owner.group {
        None => {}
        Some(User::Id(id)) => ids.gid = *id,
        Some(User::Name(name, input)) => {
            let text = read(&tree(*input)?, "/etc/group", contents)?;
            let found = find(&text, name, MAX_GROUP_LINE, true)?;
            if let Some(fields) = found {
                ids.gid = atoi(fields.get(2));
            }
        }
    }
    Ok(ids)
}

/// The content of a file; empty when it isn't there.
fn read(tree: &FileTree, path: &str, contents: &dyn ContentReader) -> Result<Vec<u8>, ApplyError> {
    // Here a path through a file is as good as missing (`ENOTDIR`), also while links are resolved.
    let resolved = match root_path(tree, path.as_bytes()) {
        Err(ApplyError::Fails { code: "path-not-a-directory", .. }) => return Ok(Vec::new()),
        other => other?,
    };
    let node = match lookup(tree, &resolved, true, false) {
        Err(Errno::NoEntry | Errno::NotDir) => return Ok(Vec::new()),
        Err(error) => return Err(error.at("open", mounted(&resolved).as_bytes())),
        Ok((_, node)) => node,
    };
    let shown = mounted(&resolved);
    if node.stat.file_type != FileType::File {
        return Err(ApplyError::fails("bad-user-file", format!("{shown} is not a regular file")));
    }
    let mut text = Vec::new();
    let content: &Content = &node.content;
    let failed = |e| ApplyError::read(format!("reading {path} of a stage"), e);
    contents.open(content).map_err(failed)?.take(MAX_FILE + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_FILE {
        return Err(ApplyError::fails("bad-user-file", format!("{shown:?} exceeds {MAX_FILE} bytes")));
    }
    Ok(text)
}

/// The fields of the first line whose first field is `name`.
fn find<'t>(
    text: &'t [u8],
    name: &str,
    max_line: usize,
    comments: bool,
) -> Result<Option<Vec<&'t [u8]>>, ApplyError> {
    let mut found = None;
    for line in text.split_inclusive(|b| *b == b'\n') {
        if line.len() - usize::from(line.ends_with(b"\n")) >= max_line {
            return Err(ApplyError::fails("bad-user-file", "bufio.Scanner: token too long"));
        }
        let line = trim_space(line);
        if line.is_empty() || (comments && line[0] == b'#') {
            continue;
        }
        let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
        if found.is_none() && fields[0] == name.as_bytes() {
            found = Some(fields);
        }
    }
    Ok(found)
}

/// Go's `strconv.Atoi` with its error ignored: 0 for what is no number, the nearest one for what is too large.
fn atoi(field: Option<&&[u8]>) -> u32 {
    let text = field.and_then(|f| std::str::from_utf8(f).ok()).unwrap_or_default();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    let limit = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    // `lchown` takes the lower 32 bits.
    text.parse::<i64>().unwrap_or(limit) as u32
}
