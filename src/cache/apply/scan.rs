//! What one layer holds, entry by entry: each content is read once and hashed, and nothing of it is kept.

use std::io::{self, Read};

use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};

use super::decompress::decompress;
use super::layers::{OPAQUE, WHITEOUT};
use super::tar::{Archive, Header, TarError};
use crate::cache::header::{Producer, write_header};
use crate::digest::{Algorithm, Digest, Hasher, Request};
use crate::entry::{Extra, FileType, Stat};
use crate::gopath;

/// More entries are refused: what is known of them is kept in memory.
const MAX_ENTRIES: usize = 2 << 20;
/// More decompressed bytes are refused.
const MAX_BYTES: u64 = 256 << 30;

/// One thing that a layer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerEntry {
    /// It puts a file, a folder or a link there.
    Put(LayerFile),
    /// It takes away what lower layers have at this path.
    Removed(Vec<u8>),
    /// It takes away what lower layers have in this folder.
    Emptied(Vec<u8>),
}

/// A file in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFile {
    /// Its path without leading `/`.
    pub path: Vec<u8>,
    /// Its stat; of a hard link that of the file it is a name of. Times have whole seconds.
    pub stat: Stat,
    /// The file that it is another name of.
    pub hardlink: Option<Vec<u8>>,
    /// BuildKit's digest of header and content, as a client would have sent them.
    pub headed: Digest,
    /// BLAKE3 of the content of a regular file.
    pub blake3: Option<Digest>,
}

/// Why a layer can't be read.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// Its bytes can't be had.
    #[error("{0}")]
    Read(io::Error),
    /// It is no archive, or a damaged one.
    #[error("{0}")]
    Format(String),
    /// Its bytes are not those that its digest names.
    #[error("expected {expected}, but its content is {found}")]
    Digest {
        /// The digest that it should have.
        expected: Digest,
        /// The digest that it has.
        found: Digest,
    },
    /// It is larger than anybody's.
    #[error("{0}")]
    TooLarge(String),
}

/// Reads a layer, compressed or not, to its end and checks its digest. The entries come in the archive's order.
///
/// # Errors
/// [`LayerError`] when it can't be read, isn't an archive, has another digest, or is too large.
pub fn scan_layer(blob: impl Read, digest: &Digest) -> Result<Vec<LayerEntry>, LayerError> {
    let mut hashed = Hashed { inner: blob, hash: Sha256::new(), failed: None };
    let scanned = scan(&mut hashed);
    let rest = if hashed.failed.is_none() { io::copy(&mut hashed, &mut io::sink()) } else { Ok(0) };
    if let Some(error) = hashed.failed.take().or(rest.err()) {
        return Err(LayerError::Read(error));
    }
    let found = Digest { algorithm: Algorithm::Sha256, bytes: hashed.hash.finalize().into() };
    if found != *digest {
        return Err(LayerError::Digest { expected: *digest, found });
    }
    scanned
}

fn scan(blob: impl Read) -> Result<Vec<LayerEntry>, LayerError> {
    let stream = decompress(Box::new(blob)).map_err(|e| LayerError::Format(e.to_string()))?;
    let mut archive = Archive::new(stream.take(MAX_BYTES));
    let mut entries = Vec::new();
    while let Some(header) = archive.next().map_err(|e| broken(&e))? {
        let Some(entry) = read(&header, &mut archive)? else { continue };
        if entries.len() == MAX_ENTRIES {
            return Err(LayerError::TooLarge(format!("it has more than {MAX_ENTRIES} entries")));
        }
        entries.push(entry);
    }
    resolve_links(&mut entries);
    Ok(entries)
}

fn broken(error: &TarError) -> LayerError {
    LayerError::Format(error.to_string())
}

/// An entry; `None` for the root and for what describes other entries.
fn read(header: &Header, archive: &mut Archive<impl Read>) -> Result<Option<LayerEntry>, LayerError> {
    let path = clean(&header.name);
    if path.is_empty() || header.kind == b'g' {
        return Ok(None);
    }
    let (folder, name) = match path.iter().rposition(|b| *b == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&b""[..], &path[..]),
    };
    if name == OPAQUE {
        return Ok(Some(LayerEntry::Emptied(folder.to_vec())));
    }
    if let Some(hidden) = name.strip_prefix(WHITEOUT) {
        return Ok(Some(LayerEntry::Removed(clean(&gopath::join(&[folder, hidden])))));
    }
    let hardlink = (header.kind == b'1').then(|| clean(&header.linkname));
    let stat = stat(header)?;
    let mut head = Vec::new();
    write_header(&stat, Producer::Transfer, &mut head);
    let is_file = stat.file_type == FileType::File && hardlink.is_none();
    let mut hasher = Hasher::new(Request { headed: true, sha256: false, blake3: is_file }, &head);
    if is_file {
        archive.copy_to(&mut Sink(&mut hasher)).map_err(|e| broken(&e))?;
    }
    let digests = hasher.finish();
    let headed = digests.headed.unwrap_or_else(|| Digest::sha256(&head));
    Ok(Some(LayerEntry::Put(LayerFile { path, stat, hardlink, headed, blake3: digests.blake3 })))
}

fn clean(name: &[u8]) -> Vec<u8> {
    gopath::join(&[b"/", name])[1..].to_vec()
}

fn stat(header: &Header) -> Result<Stat, LayerError> {
    let file_type = match header.kind {
        b'0' | b'1' => FileType::File,
        b'2' => FileType::Symlink,
        b'3' => FileType::CharDevice,
        b'4' => FileType::BlockDevice,
        b'5' => FileType::Dir,
        b'6' => FileType::Fifo,
        other => return Err(LayerError::Format(format!("unhandled tar header type {other}"))),
    };
    let symlink = file_type == FileType::Symlink;
    let device = matches!(file_type, FileType::CharDevice | FileType::BlockDevice);
    let kept = |name: &[u8]| !name.starts_with(b"trusted.");
    let xattrs = header.xattrs().into_iter().filter(|(name, _)| kept(name));
    let extra = Extra {
        linkname: if symlink { header.linkname.clone() } else { Vec::new() },
        devmajor: if device { u64::from(header.devmajor as u32) } else { 0 },
        devminor: if device { u64::from(header.devminor as u32) } else { 0 },
        xattrs: xattrs.map(|(name, value)| (name.to_vec(), value.to_vec())).collect(),
        inode: None,
    };
    let size = match file_type {
        FileType::File if header.kind == b'0' => u64::try_from(header.size).unwrap_or_default(),
        FileType::Symlink => header.linkname.len() as u64,
        _ => 0,
    };
    Ok(Stat {
        file_type,
        mode: if symlink { 0o777 } else { (header.mode & 0o7777) as u16 },
        uid: header.uid as u32,
        gid: header.gid as u32,
        size,
        mtime_ns: header.mtime.saturating_mul(1_000_000_000),
        extra: Some(extra).filter(|e| *e != Extra::default()).map(Box::new),
    })
}

/// Gives hard links what the file has that they are names of. The archive has that file first.
fn resolve_links(entries: &mut [LayerEntry]) {
    let is_link = |e: &LayerEntry| matches!(e, LayerEntry::Put(f) if f.hardlink.is_some());
    if !entries.iter().any(is_link) {
        return;
    }
    let mut last: FxHashMap<Vec<u8>, usize> = FxHashMap::default();
    for at in 0..entries.len() {
        let LayerEntry::Put(file) = &entries[at] else { continue };
        let target = file.hardlink.as_ref().and_then(|t| last.get(t)).map(|t| &entries[*t]);
        let resolved = match target {
            Some(LayerEntry::Put(target)) => Some((target.stat.clone(), target.headed, target.blake3)),
            _ => None,
        };
        last.insert(file.path.clone(), at);
        if let (LayerEntry::Put(file), Some((stat, headed, blake3))) = (&mut entries[at], resolved) {
            (file.stat, file.headed, file.blake3) = (stat, headed, blake3);
        }
    }
}

/// Feeds a hasher.
struct Sink<'h>(&'h mut Hasher);

impl io::Write for Sink<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.update(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hashes what is read through it, and keeps the source's own error apart from those of a decoder.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buf) {
            Ok(n) => {
                self.hash.update(&buf[..n]);
                Ok(n)
            }
            Err(error) => {
                let shown = io::Error::new(error.kind(), error.to_string());
                if error.kind() != io::ErrorKind::Interrupted {
                    self.failed = Some(error);
                }
                Err(shown)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::apply::testing::archive;
    use std::io::Write as _;

    fn scanned(bytes: &[u8]) -> Result<Vec<LayerEntry>, LayerError> {
        scan_layer(bytes, &Digest::sha256(bytes))
    }

    fn put(entry: &LayerEntry) -> &LayerFile {
        match entry {
            LayerEntry::Put(file) => file,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn files_have_the_digests_of_the_files_that_were_sent() {
        let entries = scanned(&archive(&["d/", "d/a.txt = alpha\n", "d/l -> a.txt"])).unwrap();
        let file = put(&entries[1]);
        assert_eq!((&file.path[..], file.stat.size), (&b"d/a.txt"[..], 6));
        assert_eq!(file.blake3, Some(Digest::blake3("alpha\n")));
        let head = "namemode420uid0gid0size6typeflag0linknameunamegnamedevmajor0devminor0";
        assert_eq!(file.headed, Digest::sha256(format!("{head}alpha\n")));
        assert_eq!(put(&entries[2]).stat.linkname(), b"a.txt");
        assert_eq!(put(&entries[0]).blake3, None);
    }

    #[test]
    fn every_compression_is_read() {
        let plain = archive(&["a = alpha\n"]);
        let want = scanned(&plain).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        assert_eq!(scanned(&gzip.finish().unwrap()).unwrap(), want);
        assert_eq!(scanned(&zstd::encode_all(&plain[..], 1).unwrap()).unwrap(), want);
    }

    #[test]
    fn whiteouts_are_told_from_files() {
        let entries = scanned(&archive(&["d/.wh.gone", "d/.wh..wh..opq", ".wh.x"])).unwrap();
        let want = [
            LayerEntry::Removed(b"d/gone".to_vec()),
            LayerEntry::Emptied(b"d".to_vec()),
            LayerEntry::Removed(b"x".to_vec()),
        ];
        assert_eq!(entries, want);
    }

    #[test]
    fn a_hard_link_has_what_its_file_has() {
        let entries = scanned(&archive(&["a = alpha\n @0600,1:2", "b => a"])).unwrap();
        let (a, b) = (put(&entries[0]), put(&entries[1]));
        assert_eq!((b.hardlink.as_deref(), &b.stat, b.headed), (Some(&b"a"[..]), &a.stat, a.headed));
        assert_eq!(b.blake3, Some(Digest::blake3("alpha\n")));
    }

    #[test]
    fn the_last_content_of_a_path_is_what_later_links_name() {
        let entries = scanned(&archive(&["a = one", "a = two", "b => a"])).unwrap();
        assert_eq!(put(&entries[2]).blake3, Some(Digest::blake3("two")));
    }

    #[test]
    fn a_path_that_climbs_out_stays_in_the_layer() {
        let entries = scanned(&archive(&["../../x = 1"])).unwrap();
        assert_eq!(put(&entries[0]).path, b"x");
    }

    #[test]
    fn damaged_layers_are_refused() {
        let bytes = archive(&["a = alpha\n"]);
        let wrong = scan_layer(&bytes[..], &Digest::sha256(b"other")).unwrap_err();
        assert!(matches!(wrong, LayerError::Digest { .. }), "{wrong}");
        let cut = scanned(&bytes[..513]).unwrap_err();
        assert_eq!(cut.to_string(), "unexpected EOF");
        let noise: Vec<u8> = (0..2048_u32).map(|i| (i * 7 % 251) as u8).collect();
        assert_eq!(scanned(&noise).unwrap_err().to_string(), "archive/tar: invalid tar header");
    }

    #[test]
    fn an_error_of_the_source_is_told_as_such() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the line is dead"))
            }
        }
        let error = scan_layer(Broken, &Digest::sha256(b"")).unwrap_err();
        assert!(matches!(error, LayerError::Read(_)), "{error}");
        assert_eq!(error.to_string(), "the line is dead");
    }
}
