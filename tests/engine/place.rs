//! The engines that there are, and how each program is told of them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::build::{self, is_entirely_cached};
use crate::compare::alone;
use crate::generated::nonce;
use crate::support::cli::{self, Run};
use crate::support::engine::engine;
use crate::support::say;

/// The first version of Docker of which BuildKit knows named contexts, cache exports by Docker itself, `SOURCE_DATE_EPOCH` and
/// OCI archives: that of BuildKit v0.13 with images in containerd's store.
const MODERN: u32 = 26;

/// An engine.
pub struct Place {
    /// What it is called in messages.
    pub name: &'static str,
    /// What is set for whoever asks it.
    env: Vec<(&'static str, String)>,
    major: u32,
}

impl Place {
    /// The one that the environment names.
    fn now() -> Self {
        Self::with("the engine", Vec::new())
    }

    /// An older one beside it.
    fn older() -> Option<Self> {
        let host = std::env::var("STOWAWAY_TEST_OLD_ENGINE").ok().filter(|h| !h.is_empty())?;
        Some(Self::with("the older engine", vec![("DOCKER_HOST", host)]))
    }

    /// One that these variables lead to.
    pub fn with(name: &'static str, env: Vec<(&'static str, String)>) -> Self {
        let mut place = Self { name, env, major: 0 };
        let version = place.docker(["version", "--format", "{{.Server.Version}}"]).expect_code(0);
        let major = version.text().split('.').next().and_then(|n| n.parse().ok());
        place.major = major.unwrap_or_else(|| panic!("a version of Docker: {}", version.text()));
        place
    }

    /// See [`MODERN`].
    pub fn is_modern(&self) -> bool {
        self.major >= MODERN
    }

    fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if !self.env.is_empty() {
            command.env_remove("BUILDX_BUILDER").env_remove("DOCKER_CONTEXT");
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)))
    }

    /// Docker's own client.
    pub fn docker<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        cli::run(self.tell(Command::new("docker").args(args)))
    }

    /// `stowaway build` with state of its own.
    pub fn ours(&self, state: &Path) -> Command {
        let mut command = build::ours(state);
        self.tell(&mut command);
        command
    }

    /// A name for an image, which goes when it is not needed any more.
    pub fn image(&self, what: &str) -> Image<'_> {
        let tag = nonce().to_lowercase();
        Image { name: format!("stowaway-test/{what}:{tag}"), place: self }
    }
}

/// Runs a test on the engine that the environment names.
pub fn on_engine(test: &str, ask: fn(&Place)) {
    if engine(test).is_some() {
        let _alone = alone();
        ask(&Place::now());
    }
}

/// Runs a test on an older engine, where there is one.
pub fn on_older_engine(test: &str, ask: fn(&Place)) {
    match Place::older() {
        Some(place) => {
            let _alone = alone();
            ask(&place);
        }
        None => say(&format!("skipped: no older engine ({test}; STOWAWAY_TEST_OLD_ENGINE is not set)")),
    }
}

/// Makes two tests of each function that takes a [`Place`]: one on the engine, one on an older engine.
macro_rules! on_every_engine {
    ($($test:ident)*) => {
        mod on_the_engine { $(#[test] fn $test() { crate::place::on_engine(stringify!($test), super::$test) })* }
        mod on_an_older_engine {
            $(#[test] fn $test() { crate::place::on_older_engine(stringify!($test), super::$test) })*
        }
    };
}
pub(crate) use on_every_engine;

/// A context and a folder for what comes of it, to be built by both programs.
pub struct Here<'a> {
    /// The engine.
    pub place: &'a Place,
    /// The context.
    pub folder: tempfile::TempDir,
    /// Everything else, our program's state too.
    pub state: tempfile::TempDir,
}

impl<'a> Here<'a> {
    /// Builds of `folder`.
    pub fn new(place: &'a Place, folder: tempfile::TempDir) -> Self {
        Self { place, folder, state: tempfile::tempdir().expect("a folder") }
    }

    /// A path beside the context.
    pub fn at(&self, name: &str) -> String {
        self.state.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Our build, not yet started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.place.ours(self.state.path());
        command.args(["--network", "none"]).args(args).arg(self.folder.path());
        command
    }

    /// Our build, which goes through.
    #[track_caller]
    pub fn mine(&self, args: &[&str]) -> Run {
        cli::run(&mut self.command(args)).expect_code(0)
    }

    /// buildx's build, which goes through.
    #[track_caller]
    pub fn theirs(&self, args: &[&str]) -> Run {
        let path = self.folder.path().to_str().expect("UTF-8");
        self.place
            .docker([&["buildx", "build", "--network", "none"][..], args, &[path]].concat())
            .expect_code(0)
    }

    /// Both builds, one after the other; the second is entirely cached.
    #[track_caller]
    pub fn both(&self, mine: &[&str], theirs: &[&str], ours_first: bool) {
        let raw = ["--progress", "rawjson"];
        let (mine, theirs) = ([mine, &raw].concat(), [theirs, &raw].concat());
        let (mine, theirs) = (|| self.mine(&mine), || self.theirs(&theirs));
        let second = if ours_first { (mine(), theirs()).1 } else { (theirs(), mine()).1 };
        is_entirely_cached(&second.stderr);
    }
}

/// An image that goes when it is not needed any more.
pub struct Image<'a> {
    /// Its name.
    pub name: String,
    place: &'a Place,
}

impl Image<'_> {
    /// The id that the engine knows it by.
    pub fn id(&self) -> String {
        let run = self.place.docker(["image", "inspect", "--format", "{{.Id}}", &self.name]).expect_code(0);
        run.text().trim_end().to_owned()
    }

    /// Its whole config, as the engine gives it away.
    pub fn config(&self) -> Value {
        let run = self.place.docker(["image", "save", &self.name]).expect_code(0);
        let mut files = BTreeMap::new();
        let mut archive = tar::Archive::new(run.stdout.as_slice());
        for entry in archive.entries().expect("a tar") {
            let mut entry = entry.expect("an entry");
            let path = entry.path().expect("a path").to_str().expect("UTF-8").to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("its bytes");
            files.insert(path, bytes);
        }
        let read = |path: &str| -> Value { serde_json::from_slice(&files[path]).expect("JSON") };
        let manifest = read("manifest.json");
        read(manifest[0]["Config"].as_str().expect("a config"))
    }
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        self.place.docker(["image", "rm", "--force", &self.name]);
    }
}
