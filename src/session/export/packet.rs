//! fsutil's packets (`fsutil/types`) with names as bytes, and the messages of a plain stream.

use bytes::Bytes;
use prost::Message;

/// A piece of an archive (`moby.filesync.v1.BytesMessage`).
#[derive(Clone, PartialEq, Message)]
pub(super) struct BytesMessage {
    #[prost(bytes = "bytes", tag = "1")]
    pub data: Bytes,
}

/// The types of packets.
pub(super) mod kind {
    pub const STAT: i32 = 0;
    pub const REQ: i32 = 1;
    pub const DATA: i32 = 2;
    pub const FIN: i32 = 3;
    pub const ERR: i32 = 4;
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Packet {
    #[prost(int32, tag = "1")]
    pub kind: i32,
    /// None after the last of all.
    #[prost(message, optional, tag = "2")]
    pub stat: Option<Stat>,
    #[prost(uint32, tag = "3")]
    pub id: u32,
    #[prost(bytes = "bytes", tag = "4")]
    pub data: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Stat {
    #[prost(bytes = "bytes", tag = "1")]
    pub path: Bytes,
    /// Go's `os.FileMode`.
    #[prost(uint32, tag = "2")]
    pub mode: u32,
    #[prost(uint32, tag = "3")]
    pub uid: u32,
    #[prost(uint32, tag = "4")]
    pub gid: u32,
    #[prost(int64, tag = "5")]
    pub size: i64,
    /// In nanoseconds.
    #[prost(int64, tag = "6")]
    pub mtime: i64,
    #[prost(bytes = "bytes", tag = "7")]
    pub linkname: Bytes,
    #[prost(int64, tag = "8")]
    pub devmajor: i64,
    #[prost(int64, tag = "9")]
    pub devminor: i64,
    #[prost(message, repeated, tag = "10")]
    pub xattrs: Vec<Xattr>,
}

/// An entry of a map.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Xattr {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

/// What kind of file a mode means, as the receiver tells them apart (`RootDiskWriter.HandleChange`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    Char,
    Block,
    Pipe,
    Link,
    File,
    /// A socket or something unknown: nobody can make it.
    Other,
}

const DIR: u32 = 1 << 31;
const SYMLINK: u32 = 1 << 27;
const DEVICE: u32 = 1 << 26;
const PIPE: u32 = 1 << 25;
const SOCKET: u32 = 1 << 24;
const SETUID: u32 = 1 << 23;
const SETGID: u32 = 1 << 22;
const CHAR: u32 = 1 << 21;
const STICKY: u32 = 1 << 20;
const IRREGULAR: u32 = 1 << 19;

impl Stat {
    pub fn kind(&self) -> Kind {
        let has = |bit| self.mode & bit != 0;
        match () {
            () if has(DIR) => Kind::Folder,
            () if has(DEVICE) && has(CHAR) => Kind::Char,
            () if has(PIPE) => Kind::Pipe,
            () if has(DEVICE) => Kind::Block,
            () if has(SYMLINK) => Kind::Link,
            () if has(SOCKET) || has(IRREGULAR) || has(CHAR) => Kind::Other,
            () => Kind::File,
        }
    }

    /// The mode as the system has it, without the type.
    pub fn permissions(&self) -> u32 {
        let bit = |from, to| if self.mode & from != 0 { to } else { 0 };
        (self.mode & 0o777) | bit(SETUID, 0o4000) | bit(SETGID, 0o2000) | bit(STICKY, 0o1000)
    }
}

impl Packet {
    pub fn request(id: u32) -> Self {
        Self { kind: kind::REQ, id, ..Self::default() }
    }

    pub fn fin() -> Self {
        Self { kind: kind::FIN, ..Self::default() }
    }

    pub fn error(why: &str) -> Self {
        Self { kind: kind::ERR, data: Bytes::copy_from_slice(why.as_bytes()), ..Self::default() }
    }

    pub fn bytes(&self) -> Bytes {
        self.encode_to_vec().into()
    }
}
