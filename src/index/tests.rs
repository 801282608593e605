use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::*;

/// A folder for indexes and a context, both on the file system of the temporary folder.
pub(super) struct Place {
    folder: tempfile::TempDir,
}

/// 2026-01-01, and a fraction.
pub(super) const NOW: i64 = 1_767_225_600_123_456_789;
pub(super) const SECOND: i64 = 1_000_000_000;

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("context")).unwrap();
        Self { folder }
    }

    fn indexes(&self) -> PathBuf {
        self.folder.path().join("index")
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("context")
    }

    pub(super) fn device(&self) -> u64 {
        fs::metadata(self.root()).unwrap().dev()
    }

    pub(super) fn open_at(&self, now_ns: i64) -> Index {
        let mut index = Index::open_at(&self.indexes(), &self.root(), now_ns);
        index.admit(self.device(), &self.root());
        index
    }

    fn open(&self) -> Index {
        self.open_at(NOW)
    }

    /// The state of a file that was written an hour ago.
    fn identity(&self, inode: u64) -> Identity {
        let time = NOW - 3600 * SECOND;
        let (mtime_ns, ctime_ns) = (time, time + 1);
        Identity { device: self.device(), inode, size: 5, mtime_ns, ctime_ns, mode: 0o644, xattrs: 0 }
    }

    /// Remembers these states, with digests made from their inodes.
    fn learn(&self, identities: &[Identity]) {
        let index = self.open();
        identities.iter().for_each(|i| index.learn(i, known(i.inode)));
        index.save_at(identities.iter().copied(), NOW).unwrap();
    }

    fn file(&self) -> PathBuf {
        store::file(&self.indexes(), &self.root())
    }
}

pub(super) fn known(number: u64) -> Known {
    Known {
        headed: Digest::sha256(number.to_le_bytes()),
        blake3: number.is_multiple_of(2).then(|| Digest::blake3(number.to_le_bytes())),
    }
}

#[test]
fn what_was_learned_is_recalled_in_the_next_run_and_nothing_else() {
    let place = Place::new();
    assert_eq!(place.open().recall(&place.identity(1)), None);
    let all: Vec<Identity> = (0..1000).map(|n| place.identity(n * 7)).collect();
    place.learn(&all);
    let index = place.open();
    for identity in &all {
        assert_eq!(index.recall(identity), Some(known(identity.inode)));
        assert_eq!(index.recall(&Identity { inode: identity.inode + 1, ..*identity }), None);
    }
}

#[test]
fn every_field_of_a_state_counts() {
    let place = Place::new();
    let learned = place.identity(4);
    place.learn(&[learned]);
    let index = place.open();
    let others = [
        Identity { device: learned.device + 1, ..learned },
        Identity { inode: 5, ..learned },
        Identity { size: 6, ..learned },
        Identity { mtime_ns: learned.mtime_ns + 1, ..learned },
        Identity { ctime_ns: learned.ctime_ns + 1, ..learned },
        Identity { mode: 0o755, ..learned },
        Identity { xattrs: 1, ..learned },
    ];
    assert_eq!(index.recall(&learned), Some(known(4)));
    for other in others {
        assert_eq!(index.recall(&other), None, "{other:?}");
    }
}

#[test]
fn states_that_may_change_without_a_trace_are_not_remembered() {
    let place = Place::new();
    let old = place.identity(1);
    let grain = 2 * SECOND;
    let cases = [
        (old, true),
        (Identity { mtime_ns: NOW - grain - 1, ctime_ns: NOW - grain - 1, ..old }, true),
        (Identity { ctime_ns: NOW - grain, ..old }, false),
        (Identity { mtime_ns: NOW - grain, ..old }, false),
        (Identity { mtime_ns: NOW + 3600 * SECOND, ..old }, false),
        (Identity { ctime_ns: NOW + 3600 * SECOND, ..old }, false),
        (Identity { mtime_ns: 0, ..old }, true),
        (Identity { ctime_ns: old.ctime_ns / SECOND * SECOND, ..old }, false),
        (Identity { mtime_ns: i64::MAX, ctime_ns: i64::MIN, ..old }, false),
    ];
    for (identity, remembered) in cases {
        let _ = fs::remove_dir_all(place.indexes());
        place.learn(&[identity]);
        assert_eq!(place.open().recall(&identity).is_some(), remembered, "{identity:?}");
    }
}

#[test]
fn a_file_system_that_nobody_vouched_for_is_not_remembered() {
    let place = Place::new();
    let identity = place.identity(1);
    let index = Index::open_at(&place.indexes(), &place.root(), NOW);
    index.learn(&identity, known(1));
    index.save_at([identity], NOW).unwrap();
    assert!(!place.file().exists());
    place.learn(&[identity]);
    assert_eq!(Index::open_at(&place.indexes(), &place.root(), NOW).recall(&identity), None);
}

#[test]
#[cfg(target_os = "linux")]
fn file_systems_without_lasting_inodes_or_own_times_are_not_trusted() {
    assert_eq!(volume::volume(1, Path::new("/proc/self/stat")), None);
    assert_eq!(volume::volume(1, Path::new("/nonexistent")), None);
    let here = tempfile::tempdir().unwrap();
    assert_eq!(volume::volume(1, here.path()), volume::volume(1, here.path()));
    assert_ne!(volume::volume(1, here.path()), volume::volume(2, here.path()));
}

#[test]
fn a_damaged_index_is_as_good_as_none() {
    let place = Place::new();
    let all: Vec<Identity> = (0..8).map(|n| place.identity(n)).collect();
    place.learn(&all);
    let whole = fs::read(place.file()).unwrap();
    let is_empty = |bytes: &[u8]| {
        fs::write(place.file(), bytes).unwrap();
        let index = place.open();
        all.iter().all(|i| index.recall(i).is_none()) && index.table.records().next().is_none()
    };
    assert!(!is_empty(&whole));
    for length in 0..whole.len() {
        assert!(is_empty(&whole[..length]), "cut to {length} bytes");
    }
    let mut rng = fastrand::Rng::with_seed(7);
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << rng.u8(..8);
        assert!(is_empty(&damaged), "byte {at}");
    }
    assert!(is_empty(&[whole.clone(), vec![0]].concat()) && is_empty(&[whole.clone(), whole].concat()));
    // It is made anew.
    place.learn(&all);
    assert_eq!(place.open().recall(&all[3]), Some(known(3)));
}

#[test]
fn a_file_that_is_not_only_ours_is_not_read() {
    let place = Place::new();
    let identity = place.identity(2);
    place.learn(&[identity]);
    assert_eq!(fs::metadata(place.file()).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(place.open().recall(&identity), None);
    // Nor a link to one, nor what is no file.
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o600)).unwrap();
    let elsewhere = place.indexes().join("elsewhere");
    fs::rename(place.file(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.file()).unwrap();
    assert_eq!(place.open().recall(&identity), None);
    fs::remove_file(place.file()).unwrap();
    fs::create_dir(place.file()).unwrap();
    assert_eq!(place.open().recall(&identity), None);
}

#[test]
fn an_index_of_another_context_is_not_taken_over() {
    let (one, two) = (Place::new(), Place::new());
    let identity = one.identity(2);
    one.learn(&[identity]);
    fs::create_dir(two.indexes()).unwrap();
    fs::copy(one.file(), two.file()).unwrap();
    assert_eq!(two.open().recall(&identity), None);
    // The same path, but another folder; the first one lives on, so that the second gets another inode.
    fs::rename(one.root(), one.folder.path().join("before")).unwrap();
    fs::create_dir(one.root()).unwrap();
    assert_eq!(one.open().recall(&identity), None);
}

#[test]
fn an_index_of_another_version_machine_or_future_is_not_trusted() {
    let place = Place::new();
    let identity = place.identity(2);
    let device = place.open().lasting(&identity).unwrap();
    let records = [Record { identity: device, known: known(2), unseen: 0 }];
    let recalled = |bytes: &[u8]| {
        fs::create_dir_all(place.indexes()).unwrap();
        fs::write(place.file(), bytes).unwrap();
        fs::set_permissions(place.file(), fs::Permissions::from_mode(0o600)).unwrap();
        place.open().recall(&identity).is_some()
    };
    let here = store::place(&place.root());
    assert!(recalled(&format::encode(&here, NOW, &records)));
    assert!(!recalled(&format::encode(&[7; 32], NOW, &records)));
    assert!(!recalled(&format::encode(&here, NOW + 1, &records)));
    let mut newer = format::encode(&here, NOW, &records);
    newer[7] += 1;
    let end = newer.len() - 32;
    let sum = *blake3::hash(&newer[..end]).as_bytes();
    newer[end..].copy_from_slice(&sum);
    assert!(!recalled(&newer));
}

#[test]
fn nothing_is_written_when_nothing_was_learned_or_the_clock_was_set_back() {
    let place = Place::new();
    let identity = place.identity(2);
    place.open().save_at([identity], NOW).unwrap();
    assert!(!place.indexes().exists());
    let index = place.open();
    index.learn(&identity, known(2));
    index.save_at([identity], NOW - 1).unwrap();
    assert!(!place.indexes().exists());
    place.learn(&[identity]);
    let before = fs::metadata(place.file()).unwrap();
    place.open().save_at([identity], NOW).unwrap();
    let after = fs::metadata(place.file()).unwrap();
    assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
}

#[test]
fn a_new_state_replaces_the_old_one_and_other_files_are_kept() {
    let place = Place::new();
    let (a, b) = (place.identity(1), place.identity(2));
    place.learn(&[a, b]);
    let changed = Identity { ctime_ns: a.ctime_ns + 5, ..a };
    let index = place.open();
    index.learn(&changed, known(10));
    index.save_at([changed, b], NOW).unwrap();
    let index = place.open();
    assert_eq!(
        (index.recall(&a), index.recall(&changed), index.recall(&b)),
        (None, Some(known(10)), Some(known(2)))
    );
    assert_eq!(index.table.records().count(), 2);
}

#[test]
fn files_that_are_not_seen_are_forgotten_after_a_while() {
    let place = Place::new();
    let (hidden, seen) = (place.identity(1), place.identity(2));
    place.learn(&[hidden, seen]);
    for round in 0..=merge::PATIENCE {
        assert!(place.open().recall(&hidden).is_some(), "round {round}");
        let index = place.open();
        index.learn(&place.identity(100 + u64::from(round)), known(1));
        index.save_at([seen], NOW).unwrap();
    }
    assert!(place.open().recall(&hidden).is_none());
    assert!(place.open().recall(&seen).is_some());
}

#[test]
fn a_file_that_is_seen_again_starts_its_patience_anew() {
    let place = Place::new();
    let (a, b) = (place.identity(1), place.identity(2));
    place.learn(&[a]);
    for round in 0..40_u64 {
        let index = place.open();
        index.learn(&Identity { ctime_ns: b.ctime_ns + round as i64, ..b }, known(1));
        let present = if round % 5 == 0 { vec![a] } else { Vec::new() };
        index.save_at(present, NOW).unwrap();
    }
    assert!(place.open().recall(&a).is_some());
}

#[test]
fn a_file_that_changed_unread_is_forgotten_at_once() {
    let place = Place::new();
    let (a, b) = (place.identity(1), place.identity(2));
    place.learn(&[a]);
    let index = place.open();
    index.learn(&b, known(2));
    index.save_at([Identity { size: 9, ..a }, b], NOW).unwrap();
    assert_eq!(place.open().table.records().count(), 1);
}

#[test]
fn hard_links_are_one_record_and_devices_keep_their_inodes_apart() {
    let place = Place::new();
    let identity = place.identity(3);
    place.learn(&[identity, identity, identity]);
    assert_eq!(place.open().table.records().count(), 1);
    let on = |device, number| Record {
        identity: Identity { device, ..identity },
        known: known(number),
        unseen: 0,
    };
    let merged = merge::merge([on(1, 1)].into_iter(), vec![on(2, 2)], [on(1, 1).identity].into_iter());
    assert_eq!(merged, [on(2, 2), on(1, 1)]);
}

#[test]
fn the_oldest_indexes_make_room_and_nothing_else_is_touched() {
    let place = Place::new();
    fs::create_dir(place.indexes()).unwrap();
    let name = |n: usize| place.indexes().join(format!("{n:032x}.index"));
    for n in 0..70 {
        let file = fs::File::create(name(n)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600 + n as u64)).unwrap();
    }
    let ancient = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    for other in ["notes.txt", "x.index", ".stowaway-index-old"] {
        fs::File::create(place.indexes().join(other)).unwrap().set_modified(ancient).unwrap();
    }
    fs::write(place.indexes().join(".stowaway-index-young"), "").unwrap();
    place.learn(&[place.identity(1)]);
    let left: Vec<bool> = (0..70).map(|n| name(n).exists()).collect();
    assert!(left[..63].iter().all(|l| *l) && left[63..].iter().all(|l| !*l), "{left:?}");
    assert!(place.file().exists());
    let there = |name: &str| place.indexes().join(name).exists();
    assert!(there("notes.txt") && there("x.index") && there(".stowaway-index-young"));
    assert!(!there(".stowaway-index-old"));
}

#[test]
fn indexes_that_are_too_large_together_make_room() {
    let place = Place::new();
    fs::create_dir(place.indexes()).unwrap();
    for n in 0..4_u64 {
        let file = fs::File::create(place.indexes().join(format!("{n:032x}.index"))).unwrap();
        // Without blocks on disk.
        file.set_len(400 << 20).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(60 * (4 - n))).unwrap();
    }
    place.learn(&[place.identity(1)]);
    assert_eq!(fs::read_dir(place.indexes()).unwrap().count(), 3);
    assert!(place.indexes().join(format!("{:032x}.index", 3)).exists() && place.file().exists());
}

#[test]
fn an_index_in_use_looks_young() {
    let place = Place::new();
    place.learn(&[place.identity(2)]);
    let old = SystemTime::now() - Duration::from_secs(40 * 24 * 3600);
    fs::File::open(place.file()).unwrap().set_modified(old).unwrap();
    let index = place.open_at(now());
    index.save([]).unwrap();
    let age = fs::metadata(place.file()).unwrap().modified().unwrap().elapsed().unwrap_or_default();
    assert!(age < Duration::from_secs(3600), "{age:?}");
    assert!(place.open_at(now()).recall(&place.identity(2)).is_some());
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_harmless() {
    let place = Place::new();
    fs::write(place.indexes(), "a file stands where the folder should").unwrap();
    let index = place.open();
    index.learn(&place.identity(1), known(1));
    assert!(index.save_at([], NOW).is_err());
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 2);
}

#[test]
fn an_identity_is_that_of_a_file_in_one_state() {
    let place = Place::new();
    let path = place.root().join("f");
    fs::write(&path, "12345").unwrap();
    let of = |meta: &Metadata| Identity {
        device: meta.dev(),
        inode: meta.ino(),
        size: meta.size(),
        mtime_ns: nanoseconds(meta.mtime(), meta.mtime_nsec()),
        ctime_ns: nanoseconds(meta.ctime(), meta.ctime_nsec()),
        mode: (meta.mode() & 0o7777) as u16,
        xattrs: 0,
    };
    let meta = fs::metadata(&path).unwrap();
    let identity = of(&meta);
    assert!(identity.is_of(&meta));
    assert!(!identity.is_of(&fs::metadata(place.root()).unwrap()));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!identity.is_of(&fs::metadata(&path).unwrap()));
}

#[test]
fn attributes_are_hashed_without_mixing_names_and_values() {
    let attribute = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    assert_eq!(xattrs_hash(&[]), 0);
    let hashes = [
        xattrs_hash(&[attribute("user.a", "")]),
        xattrs_hash(&[attribute("user.a", "b")]),
        xattrs_hash(&[attribute("user.ab", "")]),
        xattrs_hash(&[attribute("user.a", ""), attribute("b", "")]),
    ];
    let distinct: std::collections::BTreeSet<_> = hashes.iter().collect();
    assert_eq!(distinct.len(), 4);
}
