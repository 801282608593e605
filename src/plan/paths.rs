//! Path arithmetic of the frontend (`util/system/path.go`) and of LLB's file actions.

use crate::gopath;

/// `path.Clean` on text.
pub(super) fn clean(path: &str) -> String {
    text(gopath::clean(path.as_bytes()))
}

/// `path.Join` on text.
pub(super) fn join(parts: &[&str]) -> String {
    let parts: Vec<&[u8]> = parts.iter().map(|p| p.as_bytes()).collect();
    text(gopath::join(&parts))
}

/// `path.Base` on text.
pub(super) fn base(path: &str) -> &str {
    let bytes = gopath::base(path.as_bytes());
    std::str::from_utf8(bytes).expect("cutting at slashes keeps UTF-8 whole")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("cutting at slashes keeps UTF-8 whole")
}

/// True when `path` is absolute in a container of `os` (`system.IsAbs`).
pub(super) fn is_abs(path: &str, os: &str) -> bool {
    without_drive(path, os, false).is_ok_and(|p| p.starts_with('/'))
}

/// `system.NormalizePath`: absolute, joined to `parent` when relative; an absolute path is not cleaned.
///
/// # Errors
/// BuildKit's text for a drive other than C: (Windows containers only).
pub(super) fn normalize(parent: &str, path: &str, os: &str, keep_slash: bool) -> Result<String, String> {
    let wrapped = |e| format!("removing drive letter: {e}");
    let original = to_slash(path, os);
    let mut parent = to_slash(parent, os);
    if parent.is_empty() {
        parent = "/".into();
    }
    parent = without_drive(&parent, os, keep_slash).map_err(wrapped)?;
    if !is_abs(&parent, os) {
        parent = join(&["/", &parent]);
    }
    let new = if original.is_empty() { &parent } else { &original };
    let mut new = without_drive(new, os, keep_slash).map_err(wrapped)?;
    if !is_abs(&new, os) {
        new = join(&[&parent, &new]);
    }
    if keep_slash {
        keep_end(&original, &mut new);
    }
    Ok(to_slash(&new, os))
}

/// Puts back a trailing `/` or `/.` that cleaning took away.
fn keep_end(original: &str, path: &mut String) {
    if original.ends_with('/') && !path.ends_with('/') {
        path.push('/');
    } else if original.ends_with("/.") {
        if path != "/" {
            path.push('/');
        }
        path.push('.');
    }
}

/// `llb.normalizePath`: what a file action's path is marshalled as.
pub(super) fn action_path(parent: &str, path: &str, keep_slash: bool) -> String {
    let mut out = clean(path);
    if !out.starts_with('/') {
        out = join(&["/", parent, &out]);
    }
    if keep_slash {
        keep_end(path, &mut out);
    }
    out
}

/// Backslashes as slashes, for Windows.
pub(super) fn to_slash(path: &str, os: &str) -> String {
    if os == "windows" { path.replace('\\', "/") } else { path.to_owned() }
}

/// Slashes as the system writes them.
pub(super) fn from_slash(path: &str, os: &str) -> String {
    if os == "windows" { path.replace('/', "\\") } else { path.to_owned() }
}

/// `CheckSystemDriveAndRemoveDriveLetter`: nothing but for Windows.
///
/// # Errors
/// BuildKit's text.
pub(super) fn without_drive(path: &str, os: &str, keep_slash: bool) -> Result<String, String> {
    if os != "windows" {
        return Ok(path.to_owned());
    }
    let slashed = to_slash(path, os);
    if path.len() == 2 && path.ends_with(':') {
        return Err(format!("No relative path specified in {}", super::text::quoted(path)));
    }
    if slashed.starts_with("//") {
        return Err("UNC paths are not supported".into());
    }
    let rest = match slashed.split_once(':') {
        None => slashed.as_str(),
        Some((drive, rest)) if drive.eq_ignore_ascii_case("c") => rest,
        Some(_) => return Err("The specified path is not on the system drive (C:)".into()),
    };
    let mut cleaned = clean(rest);
    if keep_slash && cleaned.len() > 1 && rest.ends_with('/') {
        cleaned.push('/');
    }
    Ok(cleaned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_keeps_its_trailing_slash() {
        for (path, want) in [
            ("x/.", "/w/x/."),
            ("./", "/w/"),
            ("../up/", "/up/"),
            ("//abs//y/", "/abs/y/"),
            ("/.", "/."),
            ("/x", "/x"),
        ] {
            let whole = normalize("/w", path, "linux", true).unwrap();
            assert_eq!(action_path("/w", &whole, true), want, "{path}");
        }
    }

    #[test]
    fn an_absolute_path_is_taken_as_it_is() {
        assert_eq!(normalize("/w", "/a//b/", "linux", false).unwrap(), "/a//b/");
        assert_eq!(normalize("/w", "", "linux", false).unwrap(), "/w");
        assert_eq!(normalize("w", "x", "linux", false).unwrap(), "/w/x");
    }

    #[test]
    fn windows_has_one_drive() {
        assert_eq!(normalize("/", r"C:\a\b", "windows", false).unwrap(), "/a/b");
        assert!(normalize("/", r"D:\a", "windows", false).unwrap_err().contains("system drive"));
    }
}
