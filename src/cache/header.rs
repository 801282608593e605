//! The header that is hashed in front of a file's content (`cache/contenthash/tarsum.go`, `filehash.go`).

use std::io::Write as _;

use crate::digest::Digest;
use crate::entry::{FileType, Stat};

/// Who made a stat, which decides what of it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Producer {
    /// A client sent it (`source/local`): everything as sent.
    Transfer,
    /// BuildKit looked at a snapshot (`filehash_unix.go`): a device's numbers are left out (the guard there can never
    /// be true for a device), and a symlink's mode is 0777.
    Scan,
}

/// The header of a directory that nobody looked at: the root of a transferred tree (`checksum.go`, `HandleChange`).
pub fn unseen_root() -> Digest {
    Digest::sha256(b"")
}

/// Appends the header of an entry.
pub fn write_header(stat: &Stat, producer: Producer, out: &mut Vec<u8>) {
    let scan = producer == Producer::Scan;
    let symlink = stat.file_type == FileType::Symlink;
    let mode = if scan && symlink { stat.mode | 0o777 } else { stat.mode };
    let size = if stat.file_type == FileType::File { stat.size } else { 0 };
    let (major, minor) = if scan { (0, 0) } else { stat.device() };
    put(out, format_args!("namemode{mode}uid{}gid{}size{size}typeflag", stat.uid, stat.gid));
    out.push(type_flag(stat.file_type));
    out.extend_from_slice(b"linkname");
    if symlink {
        out.extend_from_slice(stat.linkname());
    }
    put(out, format_args!("unamegnamedevmajor{major}devminor{minor}"));
    for (name, value) in hashed_xattrs(stat) {
        out.extend_from_slice(name);
        out.extend_from_slice(value);
    }
}

/// The digest of an entry without content.
pub fn bare_digest(stat: &Stat, producer: Producer) -> Digest {
    let mut header = Vec::new();
    write_header(stat, producer, &mut header);
    Digest::sha256(header)
}

/// The extended attributes that are part of a header.
pub fn hashed_xattrs(stat: &Stat) -> impl Iterator<Item = &(Vec<u8>, Vec<u8>)> {
    stat.xattrs().iter().filter(|(name, _)| is_hashed(name))
}

/// Extended attributes of the kernel's security modules depend on the machine, but a file's capabilities are its own.
fn is_hashed(xattr: &[u8]) -> bool {
    xattr == b"security.capability" || !xattr.starts_with(b"security.") && !xattr.starts_with(b"system.")
}

/// The type byte of a tar header; a socket counts as a regular file.
fn type_flag(file_type: FileType) -> u8 {
    match file_type {
        FileType::File | FileType::Socket => b'0',
        FileType::Symlink => b'2',
        FileType::CharDevice => b'3',
        FileType::BlockDevice => b'4',
        FileType::Dir => b'5',
        FileType::Fifo => b'6',
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a vector cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Extra;

    fn stat(file_type: FileType, mode: u16, extra: Extra) -> Stat {
        Stat { file_type, mode, uid: 0, gid: 0, size: 6, mtime_ns: 7, extra: Some(Box::new(extra)) }
    }

    fn header(stat: &Stat, producer: Producer) -> String {
        let mut out = Vec::new();
        write_header(stat, producer, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_files_header_has_mode_and_size_in_decimal() {
        assert_eq!(
            header(&stat(FileType::File, 0o644, Extra::default()), Producer::Transfer),
            "namemode420uid0gid0size6typeflag0linknameunamegnamedevmajor0devminor0"
        );
    }

    #[test]
    fn a_devices_numbers_count_only_where_a_client_sent_them() {
        let device =
            stat(FileType::CharDevice, 0o600, Extra { devmajor: 1, devminor: 3, ..Extra::default() });
        assert!(
            header(&device, Producer::Transfer)
                .ends_with("size0typeflag3linknameunamegnamedevmajor1devminor3")
        );
        assert!(header(&device, Producer::Scan).ends_with("devmajor0devminor0"));
    }

    #[test]
    fn capabilities_and_user_attributes_count_and_labels_do_not() {
        let xattrs = ["security.capability", "security.selinux", "system.posix_acl_access", "user.a"]
            .map(|n| (n.as_bytes().to_vec(), b"=v".to_vec()));
        let file = stat(FileType::File, 0, Extra { xattrs: xattrs.to_vec(), ..Extra::default() });
        assert!(header(&file, Producer::Scan).ends_with("devminor0security.capability=vuser.a=v"));
    }

    #[test]
    fn a_symlink_has_its_target_and_a_socket_is_an_empty_file() {
        let link = stat(FileType::Symlink, 0o777, Extra { linkname: b"x/y".to_vec(), ..Extra::default() });
        assert_eq!(
            header(&link, Producer::Scan),
            "namemode511uid0gid0size0typeflag2linknamex/yunamegnamedevmajor0devminor0"
        );
        assert!(
            header(&stat(FileType::Socket, 0o755, Extra::default()), Producer::Transfer)
                .contains("size0typeflag0")
        );
    }
}
