//! `.token_seed` beside Docker's config: a random seed for each registry, shared with buildx
//! (`session/auth/authprovider/tokenseed.go`).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

/// The file is never longer.
const MAX_LENGTH: u64 = 4 << 20;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Seed {
    seed: String,
}

/// The seeds. `Debug` shows none.
pub(super) struct Seeds {
    folder: PathBuf,
    known: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl std::fmt::Debug for Seeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seeds")
    }
}

impl Seeds {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, known: Mutex::default() }
    }

    /// The seed for a registry; a new one is written down where the folder can be written to, and else holds for this build.
    pub fn get(&self, host: &str) -> io::Result<Vec<u8>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seed) = known.get(host) {
            return Ok(seed.clone());
        }
        let seed = match self.stored(host) {
            Ok(seed) => seed,
            Err(e) if cant_write(&e) => self.read()?.get(host).and_then(decode).map_or_else(random, Ok)?,
            Err(e) => return Err(e),
        };
        known.insert(host.into(), seed.clone());
        Ok(seed)
    }

    fn stored(&self, host: &str) -> io::Result<Vec<u8>> {
        fs::create_dir_all(&self.folder)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.folder.join(".token_seed.lock"))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)?;
        let mut seeds = self.read()?;
        if let Some(seed) = seeds.get(host).and_then(decode) {
            return Ok(seed);
        }
        let seed = random()?;
        seeds.insert(host.into(), Seed { seed: STANDARD.encode(&seed) });
        self.write(&seeds)?;
        Ok(seed)
    }

    /// What is there; a file that a crash left half-written is as good as none.
    fn read(&self) -> io::Result<BTreeMap<String, Seed>> {
        let mut bytes = Vec::new();
        match File::open(self.folder.join(".token_seed")) {
            Ok(file) => file.take(MAX_LENGTH).read_to_end(&mut bytes)?,
            Err(e) if absent(&e) || cant_write(&e) => 0,
            Err(e) => return Err(e),
        };
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Only for this user's eyes; whole or not at all.
    fn write(&self, seeds: &BTreeMap<String, Seed>) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".token_seed.").tempfile_in(&self.folder)?;
        file.write_all(&serde_json::to_vec_pretty(seeds)?)?;
        file.persist(self.folder.join(".token_seed")).map_err(|e| e.error)?;
        Ok(())
    }
}

fn decode(seed: &Seed) -> Option<Vec<u8>> {
    STANDARD.decode(&seed.seed).ok()
}

fn random() -> io::Result<Vec<u8>> {
    let mut seed = vec![0; 16];
    SystemRandom::new().fill(&mut seed).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(seed)
}

fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn cant_write(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_seed_stays_and_is_for_the_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let seeds = || Seeds::new(folder.path().join("docker"));
        let first = seeds().get("r.io").unwrap();
        assert_eq!(first.len(), 16);
        assert_eq!(seeds().get("r.io").unwrap(), first);
        assert_ne!(seeds().get("other.io").unwrap(), first);
        let path = folder.path().join("docker/.token_seed");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, r#"{"r.io": {"Seed": "AAECAw=="}}"#).unwrap();
        assert_eq!(seeds().get("r.io").unwrap(), [0, 1, 2, 3], "buildx's own file");
        fs::write(&path, "{").unwrap();
        assert_eq!(seeds().get("r.io").unwrap().len(), 16);
    }

    #[test]
    fn where_nothing_can_be_written_a_seed_holds_for_the_build() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let seeds = Seeds::new(file.join("docker"));
        let first = seeds.get("r.io").unwrap();
        assert_eq!(seeds.get("r.io").unwrap(), first);
    }
}
