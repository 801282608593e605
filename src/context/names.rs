//! The names in a folder, in order, without an allocation for each.

use std::ffi::CStr;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::FileType;

/// So many bytes of a listing are asked for at a time; glibc's size, with which most folders need one call.
#[cfg(any(target_os = "linux", target_os = "android"))]
const BUFFER: usize = 32 << 10;

/// The names in a folder.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// All of them, each with its NUL.
    bytes: Vec<u8>,
    names: Vec<Name>,
}

#[derive(Debug, Clone, Copy)]
struct Name {
    /// The first bytes, so that most comparisons need no more.
    key: u64,
    start: usize,
    /// Without the NUL.
    len: u16,
    is_dir: Option<bool>,
}

/// Reads listings.
#[derive(Debug)]
pub(super) struct Lister {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    buffer: Vec<std::mem::MaybeUninit<u8>>,
}

impl Default for Lister {
    fn default() -> Self {
        Self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            buffer: vec![std::mem::MaybeUninit::uninit(); BUFFER],
        }
    }
}

impl Lister {
    /// Adds the names of an open folder to `names`, as far as they can be read.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn list(&mut self, folder: BorrowedFd<'_>, names: &mut Names) -> io::Result<()> {
        let mut entries = rustix::fs::RawDir::new(folder, &mut self.buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            names.add(entry.file_name(), entry.file_type());
        }
        Ok(())
    }

    /// Adds the names of an open folder to `names`, as far as they can be read.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn list(&mut self, folder: BorrowedFd<'_>, names: &mut Names) -> io::Result<()> {
        for entry in rustix::fs::Dir::read_from(folder)? {
            let entry = entry?;
            names.add(entry.file_name(), entry.file_type());
        }
        Ok(())
    }
}

impl Names {
    fn add(&mut self, name: &CStr, file_type: FileType) {
        let (bytes, start) = (name.to_bytes(), self.bytes.len());
        // No kernel has names that long.
        let Ok(len) = u16::try_from(bytes.len()) else { return };
        if bytes == b"." || bytes == b".." {
            return;
        }
        let is_dir = match file_type {
            FileType::Unknown => None,
            other => Some(other == FileType::Directory),
        };
        self.bytes.extend_from_slice(name.to_bytes_with_nul());
        self.names.push(Name { key: key(bytes), start, len, is_dir });
    }

    pub(super) fn sort(&mut self) {
        let Self { bytes, names } = self;
        let name = |n: &Name| &bytes[n.start..n.start + usize::from(n.len)];
        names.sort_unstable_by(|a, b| a.key.cmp(&b.key).then_with(|| name(a).cmp(name(b))));
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.names.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Each name, and whether it is a folder's; not every file system says so in its listings.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&CStr, Option<bool>)> {
        self.names.iter().filter_map(|n| Some((self.name(n)?, n.is_dir)))
    }

    /// The same in pieces of at most `size` names.
    pub(super) fn pieces(&self, size: usize) -> impl Iterator<Item = Self> {
        self.names.chunks(size).map(|names| {
            let mut piece = Self::default();
            for name in names {
                let start = piece.bytes.len();
                piece.bytes.extend_from_slice(&self.bytes[name.start..=name.start + usize::from(name.len)]);
                piece.names.push(Name { start, ..*name });
            }
            piece
        })
    }

    fn name(&self, name: &Name) -> Option<&CStr> {
        CStr::from_bytes_with_nul(&self.bytes[name.start..=name.start + usize::from(name.len)]).ok()
    }
}

fn key(name: &[u8]) -> u64 {
    let mut first = [0; 8];
    let len = name.len().min(8);
    first[..len].copy_from_slice(&name[..len]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn names_come_in_order_whatever_their_first_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let mut rng = fastrand::Rng::with_seed(3);
        let mut made = std::collections::BTreeSet::new();
        for _ in 0..2000 {
            let len = rng.usize(1..20);
            made.insert((0..len).map(|_| *rng.choice(b"ab-\xff").unwrap()).collect::<Vec<u8>>());
        }
        for (i, name) in made.iter().enumerate() {
            let path = dir.path().join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name));
            if i % 5 == 0 { std::fs::create_dir(path).unwrap() } else { std::fs::write(path, "").unwrap() }
        }
        let folder = std::fs::File::open(dir.path()).unwrap();
        let mut names = Names::default();
        Lister::default().list(folder.as_fd(), &mut names).unwrap();
        names.sort();
        let listed: Vec<Vec<u8>> = names.iter().map(|(n, _)| n.to_bytes().to_vec()).collect();
        assert!(listed.iter().eq(made.iter()));
        let pieces: Vec<Names> = names.pieces(300).collect();
        let together: Vec<_> = pieces.iter().flat_map(|p| p.iter().map(|(n, d)| (n.to_owned(), d))).collect();
        assert!(together.iter().eq(names.iter().map(|(n, d)| (n.to_owned(), d)).collect::<Vec<_>>().iter()));
        assert!(names.iter().enumerate().all(|(i, (_, is_dir))| is_dir.is_none_or(|d| d == (i % 5 == 0))));
    }
}
