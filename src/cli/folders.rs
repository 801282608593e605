//! Where things are kept from run to run.

use std::ffi::OsString;
use std::path::PathBuf;

/// The folder for what can be made anew: `STOWAWAY_CACHE_DIR`, else `stowaway` in `XDG_CACHE_HOME` or `~/.cache`; `None` for a
/// user without a home.
///
/// As the XDG Base Directory Specification has it, an empty variable counts as unset and a relative path there as invalid.
pub fn cache(environment: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    folder(environment, ["STOWAWAY_CACHE_DIR", "XDG_CACHE_HOME", ".cache"])
}

/// The folder for what can't be made anew: `STOWAWAY_STATE_DIR`, else `stowaway` in `XDG_STATE_HOME` or `~/.local/state`.
pub fn state(environment: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    folder(environment, ["STOWAWAY_STATE_DIR", "XDG_STATE_HOME", ".local/state"])
}

/// A folder from our own variable, from the XDG one, or from the user's home.
fn folder(environment: impl Fn(&str) -> Option<OsString>, [own, xdg, usual]: [&str; 3]) -> Option<PathBuf> {
    let given = |name| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let absolute = |name| given(name).filter(|path| path.is_absolute());
    given(own).or_else(|| {
        let home = || absolute("HOME").map(|home| home.join(usual));
        absolute(xdg).or_else(home).map(|folder| folder.join("stowaway"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], expected: Option<&str>) {
        let environment =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        assert_eq!(cache(environment), expected.map(PathBuf::from), "{variables:?}");
    }

    #[test]
    fn the_cache_folder_is_the_users_own() {
        check(&[("HOME", "/home/a")], Some("/home/a/.cache/stowaway"));
        check(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "/c")], Some("/c/stowaway"));
        check(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "")], Some("/home/a/.cache/stowaway"));
        check(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "c")], Some("/home/a/.cache/stowaway"));
        check(&[("XDG_CACHE_HOME", "/c"), ("STOWAWAY_CACHE_DIR", "here")], Some("here"));
        check(&[("STOWAWAY_CACHE_DIR", "")], None);
        check(&[], None);
    }

    #[test]
    fn the_state_folder_has_variables_of_its_own() {
        let environment = |name: &str| match name {
            "HOME" => Some("/home/a".into()),
            "STOWAWAY_CACHE_DIR" | "XDG_CACHE_HOME" => Some("/elsewhere".into()),
            _ => None,
        };
        assert_eq!(state(environment), Some("/home/a/.local/state/stowaway".into()));
        assert_eq!(state(|name| (name == "STOWAWAY_STATE_DIR").then(|| "/s".into())), Some("/s".into()));
    }
}
