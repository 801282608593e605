//! Seeded trees for the benches, made once and kept in the target folder.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;

/// A tree of many small files.
#[derive(Debug, Clone, Copy)]
pub struct Small {
    /// How many files.
    pub files: usize,
    /// How many of them in a folder.
    pub per_folder: usize,
    /// Bytes in the largest one; the mean is half of it.
    pub largest: usize,
}

/// The folder of that name, which `make` fills when it isn't there yet.
pub fn made(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let marker = dir.with_extension("complete");
    if !marker.exists() {
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("making a folder");
        make(&dir);
        fs::write(&marker, "").expect("writing the marker");
    }
    dir
}

impl Small {
    /// The folder with the tree, made when it isn't there yet.
    pub fn folder(&self) -> PathBuf {
        let name = format!("small-{}-{}-{}", self.files, self.per_folder, self.largest);
        made(&name, |dir| self.write(dir))
    }

    fn write(&self, dir: &Path) {
        let mut rng = Rng::with_seed(42);
        let mut buffer = vec![0; self.largest];
        for i in 0..self.files {
            let folder = i / self.per_folder;
            let parent = dir.join(format!("p{}/d{}", folder % 97, folder));
            if i % self.per_folder == 0 {
                fs::create_dir_all(&parent).expect("making a folder");
            }
            let size = rng.usize(..=self.largest);
            rng.fill(&mut buffer[..size]);
            let extension = ["py", "pyc", "js", "txt"][i % 4];
            fs::write(parent.join(format!("f{i}.{extension}")), &buffer[..size]).expect("writing a file");
        }
    }
}
