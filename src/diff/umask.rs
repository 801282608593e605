//! Modes that one umask explains: git writes files with 0666 or 0777 and folders with 0777, less the umask.

use std::collections::BTreeSet;

use super::Cause;

/// A mode before and now.
pub(super) type Modes = (u16, u16);

/// Two umasks that explain all of the differences.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Umasks {
    here: u16,
    there: u16,
    modes: Vec<Modes>,
}

/// The modes of a cause that tells them.
pub(super) fn modes(cause: &Cause) -> Option<Modes> {
    let parse = |text: &Option<String>| u16::from_str_radix(text.as_deref()?, 8).ok();
    Some((parse(&cause.before)?, parse(&cause.after)?))
}

/// The umasks under which the same checkout gives the modes of both sides; `None` when there are none.
pub(super) fn find(modes: &[Modes]) -> Option<Umasks> {
    let full = |mode: u16| if mode & 0o100 == 0 { 0o666 } else { 0o777 };
    let mask = |of: fn(&Modes) -> u16| modes.iter().map(of).fold(0, |mask, m| mask | full(m) & !m);
    let fits = |mask: u16, of: fn(&Modes) -> u16| modes.iter().map(of).all(|m| m == full(m) & !mask);
    let same_kind = modes.iter().all(|(b, n)| full(*b) == full(*n));
    let (here, there) = (mask(|m| m.1), mask(|m| m.0));
    let explained = same_kind && fits(here, |m| m.1) && fits(there, |m| m.0) && here != there;
    explained.then(|| Umasks { here, there, modes: modes.to_vec() })
}

impl Umasks {
    /// `0664 here, 0644 there: umask 0002 here, 0022 there`
    pub fn text(&self) -> String {
        let list = |of: fn(&Modes) -> u16| {
            let distinct: BTreeSet<u16> = self.modes.iter().map(of).collect();
            distinct.iter().map(|m| format!("{m:04o}")).collect::<Vec<_>>().join(" and ")
        };
        let (here, there) = (list(|m| m.1), list(|m| m.0));
        format!("{here} here, {there} there: umask {:04o} here, {:04o} there", self.here, self.there)
    }

    /// How to get rid of the difference. `--chmod` is no way (`SURPRISES.md`, 24): the mode on disk stays part of the key.
    pub fn fix(&self) -> String {
        let extra = self.there & !self.here;
        let remove = match (extra & 0o070 != 0, extra & 0o007 != 0) {
            _ if extra & !0o022 != 0 || extra == 0 => None,
            (true, true) => Some("go-w"),
            (true, false) => Some("g-w"),
            _ => Some("o-w"),
        };
        let normalise = remove
            .map_or_else(String::new, |r| format!(", or normalise before the build (`chmod -R {r} .`)"));
        format!(
            "check out under one umask on both machines (`umask {:04o}` before `git clone`){normalise}; `COPY --chmod` does \
             not help: the mode on disk stays part of the key",
            self.there
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_programs_and_folders_agree_on_one_umask() {
        let found = find(&[(0o644, 0o664), (0o755, 0o775)]).unwrap();
        assert_eq!((found.here, found.there), (0o002, 0o022));
        assert!(found.fix().contains("chmod -R g-w ."));
        let found = find(&[(0o664, 0o600), (0o775, 0o700)]).unwrap();
        assert_eq!((found.here, found.there), (0o077, 0o002));
        assert!(!found.fix().contains("chmod -R"));
    }

    #[test]
    fn what_no_umask_does_is_none() {
        assert_eq!(find(&[(0o644, 0o755)]), None);
        assert_eq!(find(&[(0o644, 0o664), (0o755, 0o755)]), None);
        assert_eq!(find(&[(0o644, 0o4664)]), None);
    }
}
