//! Reads the members of a tar by whomever: ustar, pax, GNU, old; plain or compressed.
//!
//! Headers are the `tar` crate's. The stream is our own, because that crate splits pax records at line feeds, which values may
//! have, and has no limit for records.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read};

use tar::Header;

use super::{BLOCK, VerifyError, pax};

/// No more bytes than these are taken into memory for names and records of one member.
const MAX_RECORDS: u64 = 8 << 20;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file with its content.
    File,
    /// A further name of a file.
    Link,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Dir,
    /// A named pipe.
    Fifo,
}

/// A member as its header and records describe it.
#[derive(Debug)]
pub struct Member {
    /// Its name as it stands there.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// The target of a link.
    pub link: Vec<u8>,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u16,
    /// Owner and group.
    pub owner: (u64, u64),
    /// Bytes of content.
    pub size: u64,
    /// Major and minor number.
    pub device: (u64, u64),
    /// Extended attributes, sorted.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// What stands in front of a member and belongs to it.
#[derive(Default)]
struct Before {
    records: Records,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

/// A stream of members.
pub struct Archive<'r> {
    input: Box<dyn Read + 'r>,
    /// Bytes of the archive (not compressed) that were read.
    offset: u64,
    /// Bytes of the present member's content that weren't read, and its padding.
    content: u64,
    padding: u64,
    global: Records,
}

impl<'r> Archive<'r> {
    /// Opens an archive; its first bytes tell whether and how it is compressed.
    pub fn new(reader: &'r mut dyn Read) -> Result<Self, VerifyError> {
        let mut input = BufReader::with_capacity(256 * 1024, reader);
        let start = input.fill_buf().map_err(|e| broken(0, e.to_string()))?;
        let input: Box<dyn Read> = match start {
            [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let zstd = zstd::Decoder::with_buffer(input).map_err(|e| broken(0, e.to_string()))?;
                Box::new(zstd)
            }
            _ => Box::new(input),
        };
        Ok(Self { input, offset: 0, content: 0, padding: 0, global: Records::new() })
    }

    /// The next member; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Member>, VerifyError> {
        let mut before = Before::default();
        loop {
            self.skip()?;
            let Some(block) = self.block()? else { return Ok(None) };
            let header = Header::from_byte_slice(&block);
            let size = header.entry_size().map_err(|e| self.broken(e.to_string()))?;
            match header.entry_type().as_byte() {
                b'x' => before.records = self.records(size)?,
                b'g' => {
                    let records = self.records(size)?;
                    self.global.extend(records);
                }
                b'L' => before.name = Some(self.long(size)?),
                b'K' => before.link = Some(self.long(size)?),
                // The label of a volume is no file.
                b'V' => self.expect(size),
                _ => return self.member(header, before).map(Some),
            }
        }
    }

    /// Reads on in the content of the present member; 0 at its end.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, VerifyError> {
        let most = usize::try_from(self.content).map_or(out.len(), |left| left.min(out.len()));
        self.fill(&mut out[..most])?;
        self.content -= most as u64;
        Ok(most)
    }

    fn expect(&mut self, size: u64) {
        self.content = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    /// Reads over what is left of the present member.
    fn skip(&mut self) -> Result<(), VerifyError> {
        let mut buffer = [0; 16 * 1024];
        while self.read(&mut buffer)? > 0 {}
        self.content = std::mem::take(&mut self.padding);
        while self.read(&mut buffer)? > 0 {}
        Ok(())
    }

    /// The next header; `None` at the first zero block, and where the file ends without one.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, VerifyError> {
        let mut block = [0; BLOCK];
        if self.read_some(&mut block[..1])? == 0 {
            return Ok(None);
        }
        self.fill(&mut block[1..])?;
        if block.iter().all(|b| *b == 0) {
            return Ok(None);
        }
        let sum = |part: &[u8]| part.iter().map(|b| u32::from(*b)).sum::<u32>();
        let found = sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]);
        match Header::from_byte_slice(&block).cksum() {
            Ok(said) if said == found => Ok(Some(block)),
            _ => Err(self.broken("no header of a tar (its checksum is wrong)".into())),
        }
    }

    /// The records of an extended header.
    fn records(&mut self, size: u64) -> Result<Records, VerifyError> {
        let bytes = self.whole(size)?;
        pax::parse(&bytes).ok_or_else(|| self.broken("records of an extended header that are none".into()))
    }

    /// A long name in GNU's way, without the NUL behind it.
    fn long(&mut self, size: u64) -> Result<Vec<u8>, VerifyError> {
        let mut bytes = self.whole(size)?;
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        bytes.truncate(end);
        Ok(bytes)
    }

    /// The content of something that stands in front of a member.
    fn whole(&mut self, size: u64) -> Result<Vec<u8>, VerifyError> {
        if size > MAX_RECORDS {
            return Err(self.broken(format!("an extended header of {size} bytes")));
        }
        self.expect(size);
        let mut bytes = vec![0; size as usize];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    fn member(&mut self, header: &Header, before: Before) -> Result<Member, VerifyError> {
        let broken = |e: io::Error| broken(self.offset, e.to_string());
        let mut records = self.global.clone();
        records.extend(before.records);
        // An empty value takes a record of a global header back; an attribute may well be empty.
        records.retain(|key, value| !value.is_empty() || key.starts_with(pax::XATTR));
        let text = |key: &str| records.get(key.as_bytes()).cloned();
        let name = text("path").or(before.name).unwrap_or_else(|| header.path_bytes().into_owned());
        let link = text("linkpath").or(before.link);
        let link =
            link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned)).unwrap_or_default();
        if records.keys().any(|key| key.starts_with(b"GNU.sparse.")) || header.entry_type().is_gnu_sparse() {
            return Err(VerifyError::Sparse { name: String::from_utf8_lossy(&name).into_owned() });
        }
        let number = |key, field: io::Result<u64>| match pax::number(&records, key) {
            Some(number) => Ok(number),
            None => field.map_err(broken),
        };
        let kind = self.kind(header, &name)?;
        let device = |field: io::Result<Option<u32>>| field.map(|n| u64::from(n.unwrap_or(0)));
        let is_device = matches!(kind, Kind::CharDevice | Kind::BlockDevice);
        let (major, minor) = match is_device {
            true => (device(header.device_major()), device(header.device_minor())),
            false => (Ok(0), Ok(0)),
        };
        let member = Member {
            kind,
            link,
            mode: (header.mode().map_err(broken)? & 0o7777) as u16,
            owner: (number("uid", header.uid())?, number("gid", header.gid())?),
            size: if kind == Kind::File { number("size", header.entry_size())? } else { 0 },
            device: (number("SCHILY.devmajor", major)?, number("SCHILY.devminor", minor)?),
            xattrs: pax::xattrs(&records),
            name,
        };
        self.expect(member.size);
        Ok(member)
    }

    /// A type that has no content has none whatever its size says (so reads Go); the name of an old tar's directory ends
    /// with a slash.
    fn kind(&self, header: &Header, name: &[u8]) -> Result<Kind, VerifyError> {
        Ok(match header.entry_type().as_byte() {
            0 | b'0' if name.ends_with(b"/") => Kind::Dir,
            0 | b'0' | b'7' => Kind::File,
            b'1' => Kind::Link,
            b'2' => Kind::Symlink,
            b'3' => Kind::CharDevice,
            b'4' => Kind::BlockDevice,
            b'5' => Kind::Dir,
            b'6' => Kind::Fifo,
            other => return Err(self.broken(format!("a member of the unknown type {:?}", char::from(other)))),
        })
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), VerifyError> {
        let mut done = 0;
        while done < out.len() {
            match self.read_some(&mut out[done..])? {
                0 => return Err(self.broken("it ends in the middle of a member".into())),
                n => done += n,
            }
        }
        Ok(())
    }

    fn read_some(&mut self, out: &mut [u8]) -> Result<usize, VerifyError> {
        loop {
            match self.input.read(out) {
                Ok(n) => {
                    self.offset += n as u64;
                    return Ok(n);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(self.broken(e.to_string())),
            }
        }
    }

    fn broken(&self, why: String) -> VerifyError {
        broken(self.offset, why)
    }
}

fn broken(offset: u64, why: String) -> VerifyError {
    VerifyError::Archive { offset, why }
}
