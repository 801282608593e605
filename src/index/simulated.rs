//! A file system in memory whose clock has a grain and jumps, under an index on a real disk: whatever happens to the clock and
//! whenever files change, no digest is recalled that isn't that of the content.

use fastrand::Rng;

use super::tests::{NOW, Place, SECOND, known};
use super::{Identity, Index};

/// All files have the same size, so that only times tell.
struct File {
    content: u64,
    mtime_ns: i64,
    ctime_ns: i64,
}

struct System {
    rng: Rng,
    /// The clock, and what files get of it.
    now_ns: i64,
    grain_ns: i64,
    files: Vec<File>,
    contents: u64,
    /// How often something was recalled: a test in which nothing is would prove nothing.
    recalled: usize,
}

impl System {
    fn new(seed: u64, grain_ns: i64) -> Self {
        let mut system = Self {
            rng: Rng::with_seed(seed),
            now_ns: NOW,
            grain_ns,
            files: Vec::new(),
            contents: 0,
            recalled: 0,
        };
        for _ in 0..6 {
            let time = system.time();
            system.files.push(File { content: 0, mtime_ns: time, ctime_ns: time });
            system.change(system.files.len() - 1);
        }
        system
    }

    /// What the clock gives a file.
    fn time(&self) -> i64 {
        self.now_ns - self.now_ns.rem_euclid(self.grain_ns)
    }

    /// Another content, and sometimes the old mtime, as `cp -p` and `touch -r` set it.
    fn change(&mut self, file: usize) {
        self.contents += 1;
        let time = self.time();
        let keeps = self.rng.u8(..3) == 0;
        let file = &mut self.files[file];
        file.content = self.contents;
        file.ctime_ns = time;
        if !keeps {
            file.mtime_ns = time;
        }
    }

    /// Time passes, mostly less than a grain; `jumps` says whether the clock may be set, too.
    fn wait(&mut self, jumps: bool) {
        self.now_ns += match self.rng.u8(..8) {
            0..4 => self.rng.i64(0..20),
            4 => self.rng.i64(0..self.grain_ns),
            5 => self.rng.i64(0..3 * SECOND),
            6 => self.rng.i64(0..10 * SECOND),
            _ if !jumps => 0,
            _ => self.rng.i64(-7200 * SECOND..7200 * SECOND),
        };
    }

    /// Some files change, at once or soon.
    fn meanwhile(&mut self, most: usize) {
        for _ in 0..self.rng.usize(..=most) {
            self.wait(false);
            let file = self.rng.usize(..self.files.len());
            self.change(file);
        }
    }

    fn identity(&self, file: usize, device: u64) -> Identity {
        let File { mtime_ns, ctime_ns, .. } = self.files[file];
        Identity { device, inode: file as u64, size: 5, mtime_ns, ctime_ns, mode: 0o644, xattrs: 0 }
    }

    /// A run of the program: what it walked, recalled and read, with changes at every moment in between. `jumps` says whether the
    /// clock may be set in it.
    fn run(&mut self, place: &Place, jumps: bool) {
        let index = place.open_at(self.now_ns);
        let device = place.device();
        self.wait(jumps);
        self.meanwhile(2);
        for file in 0..self.files.len() {
            let walked = self.identity(file, device);
            if let Some(digests) = index.recall(&walked) {
                assert_eq!(digests, known(self.files[file].content), "file {file} at {}", self.now_ns);
                self.recalled += 1;
                continue;
            }
            self.meanwhile(1);
            self.read(file, &walked, &index);
        }
        self.wait(false);
        let present: Vec<Identity> = (0..self.files.len()).map(|f| self.identity(f, device)).collect();
        index.save_at(present, self.now_ns).unwrap();
    }

    /// A file is opened and read, and the digest is offered if it was still what the walk saw. It may change before and after its
    /// content is taken.
    fn read(&mut self, file: usize, walked: &Identity, index: &Index) {
        let opened = self.identity(file, walked.device) == *walked;
        self.meanwhile(1);
        let content = self.files[file].content;
        self.meanwhile(1);
        if opened {
            index.learn(walked, known(content));
        }
    }
}

/// How often something was recalled in runs with this grain.
fn recalled(grain_ns: i64, jumps: bool) -> usize {
    let mut sum = 0;
    for seed in 0..15 {
        let place = Place::new();
        let mut system = System::new(seed, grain_ns);
        for _ in 0..30 {
            system.run(&place, jumps);
            system.wait(jumps);
            if system.rng.bool() {
                system.meanwhile(3);
            }
            if system.rng.bool() {
                system.now_ns += 3 * SECOND;
            }
        }
        sum += system.recalled;
    }
    sum
}

#[test]
fn no_digest_is_wrong_on_clocks_of_any_grain() {
    for grain_ns in [1, 100, 1_000_000, 4_000_000, 10_000_000] {
        assert!(recalled(grain_ns, false) > 50, "a grain of {grain_ns} ns");
    }
}

#[test]
fn no_digest_is_wrong_when_the_clock_is_set() {
    for grain_ns in [1, 4_000_000] {
        assert!(recalled(grain_ns, true) > 20, "a grain of {grain_ns} ns");
    }
}

#[test]
fn nothing_is_remembered_on_clocks_of_whole_seconds() {
    for grain_ns in [SECOND, 2 * SECOND] {
        assert_eq!((recalled(grain_ns, false), recalled(grain_ns, true)), (0, 0));
    }
}
