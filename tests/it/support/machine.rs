//! What this machine can offer to recorded cases, and how loud a skip is.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::entry;

/// True for the super-user.
pub fn is_root() -> bool {
    // SAFETY is the standard library's: the owner of a file just made is who we are.
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| {
        use std::os::unix::fs::MetadataExt;
        let probe = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::metadata(probe.path()).expect("its stat").uid() == 0
    })
}

/// True in CI as root, where nothing may be skipped.
pub fn must_not_skip() -> bool {
    std::env::var_os("CI").is_some_and(|v| v == "true" || v == "1") && is_root()
}

/// The first requirement that this machine does not meet.
pub fn lacks(requires: &[String]) -> Option<&str> {
    requires.iter().map(String::as_str).find(|r| !offers(r))
}

fn offers(requirement: &str) -> bool {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let p = dir.path();
    match requirement {
        "root" => is_root(),
        "xattr" => xattrs_work(p),
        "hardlink" => {
            fs::write(p.join("a"), "").and_then(|()| fs::hard_link(p.join("a"), p.join("b"))).is_ok()
        }
        "fifo" => std::panic::catch_unwind(|| entry::make_fifo(&p.join("f"))).is_ok(),
        "socket" => std::panic::catch_unwind(|| entry::make_socket(&p.join("s"))).is_ok(),
        "case-sensitive" => keeps_apart(p, "a".as_ref(), "A".as_ref()),
        "no-unicode-normalisation" => keeps_apart(p, "caf\u{e9}".as_ref(), "cafe\u{301}".as_ref()),
        "non-utf8-names" => {
            use std::os::unix::ffi::OsStrExt;
            fs::write(p.join(std::ffi::OsStr::from_bytes(b"a\xff")), "").is_ok()
        }
        "mtime" => mtimes_are_kept(p),
        other => panic!("unknown requirement {other:?}"),
    }
}

fn keeps_apart(dir: &Path, a: &std::ffi::OsStr, b: &std::ffi::OsStr) -> bool {
    fs::write(dir.join(a), "a").expect("a file");
    fs::symlink_metadata(dir.join(b)).is_err()
}

fn xattrs_work(dir: &Path) -> bool {
    let file = dir.join("x");
    fs::write(&file, "").expect("a file");
    rustix::fs::lsetxattr(&file, "user.probe", b"v", rustix::fs::XattrFlags::empty()).is_ok()
}

fn mtimes_are_kept(dir: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let file = dir.join("m");
    fs::write(&file, "").expect("a file");
    entry::set_mtime(&file, 1_234_567_890_123_456_789);
    fs::metadata(&file).expect("its stat").mtime_nsec() == 123_456_789
}
