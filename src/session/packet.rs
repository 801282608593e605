//! fsutil's packets (`fsutil/types/wire.proto`, `stat.proto`) with names as the bytes that they are, and their gRPC frames.
//!
//! What is sent is written straight into the buffer that goes out, without a message in between: a listing of 100,000 entries
//! is a few megabytes of such frames.

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use prost::encoding::{encode_varint, encoded_len_varint};
use tonic::Status;
use tonic::codec::{DecodeBuf, Decoder};

use crate::entry::{Entry, FileType};

/// A gRPC frame begins with a flag for compression and the length in 4 bytes.
pub(super) const PREFIX: usize = 5;

/// So much room a DATA packet needs before its bytes: the frame, and the fields' keys and numbers.
pub(super) const DATA_HEADROOM: usize = PREFIX + 2 + 6 + 6;

/// What a packet is for (`Packet.PacketType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Kind {
    /// An entry of the listing; one without a stat ends it.
    Stat = 0,
    /// The receiver wants the content of an entry.
    Req = 1,
    /// A part of a content; an empty one ends it.
    Data = 2,
    /// All is there.
    Fin = 3,
    /// The other side failed.
    Err = 4,
}

/// A packet as it is received (`Packet`).
#[derive(Clone, PartialEq, Message)]
pub(super) struct Packet {
    /// A [`Kind`].
    #[prost(enumeration = "Kind", tag = "1")]
    pub(super) kind: i32,
    /// Of [`Kind::Stat`].
    #[prost(message, optional, tag = "2")]
    pub(super) stat: Option<WireStat>,
    /// The place of the entry among all that were listed.
    #[prost(uint32, tag = "3")]
    pub(super) id: u32,
    /// Content, or the text of an error.
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) data: Bytes,
}

/// A stat as it is received (`Stat`).
#[derive(Clone, PartialEq, Message)]
pub(super) struct WireStat {
    /// Relative and clean, if the sender is honest.
    #[prost(bytes = "vec", tag = "1")]
    pub(super) path: Vec<u8>,
    /// Go's `FileMode` (see [`go_mode`]).
    #[prost(uint32, tag = "2")]
    pub(super) mode: u32,
    /// Owner.
    #[prost(uint32, tag = "3")]
    pub(super) uid: u32,
    /// Group.
    #[prost(uint32, tag = "4")]
    pub(super) gid: u32,
    /// Bytes.
    #[prost(int64, tag = "5")]
    pub(super) size: i64,
    /// Nanoseconds since 1970.
    #[prost(int64, tag = "6")]
    pub(super) mtime_ns: i64,
    /// A symlink's target, or the first name of a hard link.
    #[prost(bytes = "vec", tag = "7")]
    pub(super) linkname: Vec<u8>,
    /// Of a device.
    #[prost(int64, tag = "8")]
    pub(super) devmajor: i64,
    /// Of a device.
    #[prost(int64, tag = "9")]
    pub(super) devminor: i64,
    /// A map on the wire, which is the same as a list of pairs.
    #[prost(message, repeated, tag = "10")]
    pub(super) xattrs: Vec<Xattr>,
}

/// One extended attribute.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Xattr {
    /// Its name.
    #[prost(bytes = "vec", tag = "1")]
    pub(super) name: Vec<u8>,
    /// Its value.
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

/// The bits of Go's `FileMode` that stand for types and for what stands above the permissions.
pub(super) mod go_mode {
    /// `ModeDir`
    pub const DIR: u32 = 1 << 31;
    /// `ModeSymlink`
    pub const SYMLINK: u32 = 1 << 27;
    /// `ModeDevice`
    pub const DEVICE: u32 = 1 << 26;
    /// `ModeNamedPipe`
    pub const FIFO: u32 = 1 << 25;
    /// `ModeSetuid`
    pub const SETUID: u32 = 1 << 23;
    /// `ModeSetgid`
    pub const SETGID: u32 = 1 << 22;
    /// `ModeCharDevice`, beside [`DEVICE`]
    pub const CHAR: u32 = 1 << 21;
    /// `ModeSticky`
    pub const STICKY: u32 = 1 << 20;
}

/// The mode as it travels. A socket has lost its type by then (`fsutil/stat.go`).
pub(super) fn mode(file_type: FileType, mode: u16) -> u32 {
    let mode = u32::from(mode);
    let bit = |bit: u32, stands_for: u32| if mode & bit == 0 { 0 } else { stands_for };
    let special = bit(0o4000, go_mode::SETUID) | bit(0o2000, go_mode::SETGID) | bit(0o1000, go_mode::STICKY);
    let kind = match file_type {
        FileType::File | FileType::Socket => 0,
        FileType::Dir => go_mode::DIR,
        FileType::Symlink => go_mode::SYMLINK,
        FileType::Fifo => go_mode::FIFO,
        FileType::CharDevice => go_mode::DEVICE | go_mode::CHAR,
        FileType::BlockDevice => go_mode::DEVICE,
    };
    kind | special | (mode & 0o777)
}

/// Whether the receiver may ask for the content (`fileCanRequestData`): hard links and sockets look like regular files.
pub(super) fn has_content(file_type: FileType) -> bool {
    matches!(file_type, FileType::File | FileType::Socket)
}

/// Writes the frame of an entry's STAT. `scratch` is there to be reused.
pub(super) fn put_stat(out: &mut Vec<u8>, scratch: &mut Vec<u8>, entry: &Entry) {
    scratch.clear();
    stat_fields(scratch, entry);
    let packet = 1 + encoded_len_varint(scratch.len() as u64) + scratch.len();
    put_prefix(out, packet);
    put_bytes(out, 2, scratch);
}

fn stat_fields(out: &mut Vec<u8>, entry: &Entry) {
    let stat = &entry.stat;
    let linkname = entry.hardlink.as_ref().map_or(stat.linkname(), |first| first.as_bytes());
    let (major, minor) = stat.device();
    put_bytes(out, 1, entry.path.as_bytes());
    put_number(out, 2, mode(stat.file_type, stat.mode).into());
    put_number(out, 3, stat.uid.into());
    put_number(out, 4, stat.gid.into());
    put_number(out, 5, stat.size);
    put_number(out, 6, stat.mtime_ns.cast_unsigned());
    if !linkname.is_empty() {
        put_bytes(out, 7, linkname);
    }
    put_number(out, 8, major);
    put_number(out, 9, minor);
    for (name, value) in stat.xattrs() {
        let pair = Xattr { name: name.clone(), value: value.clone() };
        put_bytes(out, 10, &pair.encode_to_vec());
    }
}

/// Writes the frame of a packet that has only a kind, and perhaps an id: the end of the list, a REQ, a FIN, the end of a file.
pub(super) fn put_short(out: &mut Vec<u8>, kind: Kind, id: u32) {
    let number = |value: u64| if value == 0 { 0 } else { 1 + encoded_len_varint(value) };
    put_prefix(out, number(kind as u64) + number(id.into()));
    put_number(out, 1, kind as u64);
    put_number(out, 3, id.into());
}

/// Writes the frame of an ERR.
pub(super) fn put_error(out: &mut Vec<u8>, text: &str) {
    let packet =
        Packet { kind: Kind::Err.into(), data: Bytes::copy_from_slice(text.as_bytes()), ..Packet::default() };
    put_prefix(out, packet.encoded_len());
    out.extend(packet.encode_to_vec());
}

/// What stands before `len` bytes of content in the frame of a DATA; at most [`DATA_HEADROOM`] bytes.
pub(super) fn put_data_head(out: &mut impl BufMut, id: u32, len: usize) {
    let id_len = if id == 0 { 0 } else { 1 + encoded_len_varint(id.into()) };
    put_prefix(out, 2 + id_len + 1 + encoded_len_varint(len as u64) + len);
    put_number(out, 1, Kind::Data as u64);
    put_number(out, 3, id.into());
    out.put_u8(4 << 3 | 2);
    encode_varint(len as u64, out);
}

/// How many bytes [`put_data_head`] writes.
pub(super) fn data_head_len(id: u32, len: usize) -> usize {
    let id_len = if id == 0 { 0 } else { 1 + encoded_len_varint(id.into()) };
    PREFIX + 2 + id_len + 1 + encoded_len_varint(len as u64)
}

fn put_prefix(out: &mut impl BufMut, len: usize) {
    out.put_u8(0);
    out.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
}

/// A number, left out when it is 0, as proto3 does.
fn put_number(out: &mut impl BufMut, field: u8, value: u64) {
    if value != 0 {
        out.put_u8(field << 3);
        encode_varint(value, out);
    }
}

fn put_bytes(out: &mut impl BufMut, field: u8, bytes: &[u8]) {
    out.put_u8(field << 3 | 2);
    encode_varint(bytes.len() as u64, out);
    out.put_slice(bytes);
}

/// Takes packets out of a gRPC stream ([`tonic::Streaming`] does the frames and their limit).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Packets;

impl Decoder for Packets {
    type Item = Packet;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Packet>, Status> {
        let message = message.copy_to_bytes(message.remaining());
        let packet = Packet::decode(message);
        packet.map(Some).map_err(|e| Status::internal(format!("failed to unmarshal a packet: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{ContextPath, Extra, Stat};

    fn entry() -> Entry {
        let extra = Extra {
            linkname: b"t\xff".to_vec(),
            devmajor: 3,
            devminor: 70_000,
            xattrs: vec![(b"user.a".to_vec(), vec![0, 255]), (b"user.b".to_vec(), Vec::new())],
            inode: None,
        };
        let stat = Stat {
            file_type: FileType::Symlink,
            mode: 0o7754,
            uid: 0,
            gid: 0,
            size: 1 << 40,
            mtime_ns: -5,
            extra: Some(Box::new(extra)),
        };
        Entry { path: ContextPath::new(&b"d/n\xff\xfe"[..]).unwrap(), stat, hardlink: None }
    }

    /// The packet of a frame that must be all of `bytes`.
    fn unframe(bytes: &[u8]) -> Packet {
        assert_eq!(bytes[0], 0);
        assert_eq!(u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize, bytes.len() - PREFIX);
        Packet::decode(&bytes[PREFIX..]).unwrap()
    }

    #[test]
    fn a_stat_keeps_every_byte_of_its_names_and_all_its_fields() {
        let (mut out, mut scratch) = (Vec::new(), Vec::new());
        put_stat(&mut out, &mut scratch, &entry());
        let stat = unframe(&out).stat.unwrap();
        let special = go_mode::SETUID | go_mode::SETGID | go_mode::STICKY;
        assert_eq!((&stat.path[..], &stat.linkname[..]), (&b"d/n\xff\xfe"[..], &b"t\xff"[..]));
        assert_eq!(stat.mode, go_mode::SYMLINK | special | 0o754);
        assert_eq!((stat.size, stat.mtime_ns, stat.devmajor, stat.devminor), (1 << 40, -5, 3, 70_000));
        assert_eq!(stat.xattrs.len(), 2);
        assert_eq!(stat.xattrs[0], Xattr { name: b"user.a".to_vec(), value: vec![0, 255] });
    }

    #[test]
    fn a_second_name_points_at_the_first_one() {
        let mut entry = entry();
        entry.stat.file_type = FileType::File;
        entry.hardlink = Some(ContextPath::new(&b"a"[..]).unwrap());
        let (mut out, mut scratch) = (Vec::new(), b"left over".to_vec());
        put_stat(&mut out, &mut scratch, &entry);
        assert_eq!(unframe(&out).stat.unwrap().linkname, b"a");
    }

    #[test]
    fn sockets_lose_their_type_and_devices_have_two_bits() {
        assert_eq!(mode(FileType::Socket, 0o755), 0o755);
        assert_eq!(mode(FileType::CharDevice, 0o600), go_mode::DEVICE | go_mode::CHAR | 0o600);
        assert_eq!(mode(FileType::BlockDevice, 0o600), go_mode::DEVICE | 0o600);
        assert_eq!(mode(FileType::Dir, 0o1777), go_mode::DIR | go_mode::STICKY | 0o777);
        assert_eq!(mode(FileType::Fifo, 0o644), go_mode::FIFO | 0o644);
    }

    #[test]
    fn short_packets_are_those_that_go_writes() {
        let short = |kind, id| {
            let mut out = Vec::new();
            put_short(&mut out, kind, id);
            out
        };
        assert_eq!(short(Kind::Stat, 0), [0, 0, 0, 0, 0]);
        assert_eq!(short(Kind::Fin, 0), [0, 0, 0, 0, 2, 8, 3]);
        assert_eq!(short(Kind::Req, 300), [0, 0, 0, 0, 5, 8, 1, 24, 0xac, 2]);
        let end = unframe(&short(Kind::Data, 7));
        assert_eq!((end.kind(), end.id, end.data.len()), (Kind::Data, 7, 0));
    }

    #[test]
    fn the_head_of_content_says_how_long_it_is_and_fits_the_headroom() {
        for id in [0, 1, 127, 128, u32::MAX] {
            for len in [1, 127, 128, 16_384, 512 << 10] {
                let mut out = Vec::new();
                put_data_head(&mut out, id, len);
                assert_eq!(out.len(), data_head_len(id, len));
                assert!(out.len() <= DATA_HEADROOM);
                out.resize(out.len() + len, 7);
                let packet = unframe(&out);
                assert_eq!((packet.kind(), packet.id, packet.data.len()), (Kind::Data, id, len));
            }
        }
    }

    #[test]
    fn an_error_carries_its_text() {
        let mut out = Vec::new();
        put_error(&mut out, "no such thing");
        let packet = unframe(&out);
        assert_eq!((packet.kind(), &packet.data[..]), (Kind::Err, &b"no such thing"[..]));
    }
}
