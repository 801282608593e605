//! One question for each room on the way from a folder to keys.

use divan::Bencher;
use stowaway::digest::{Request, hash_files};
use stowaway::observer::Silent;
use stowaway::pattern::IgnoreFile;

mod data;

fn main() {
    divan::main();
}
