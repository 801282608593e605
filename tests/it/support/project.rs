//! The projects of `fixtures/projects`, copied to a fresh folder, because a checkout's modes depend on the umask.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::generate::Abilities;
use super::{entry, layout};

/// A project and the builds of it that are tested.
#[derive(Debug)]
pub struct Project {
    pub name: &'static str,
    pub builds: &'static [Build],
}

/// One build of a project.
#[derive(Debug)]
pub struct Build {
    pub dockerfile: &'static str,
    pub more: &'static [&'static str],
    /// True when the engine can't build it.
    pub fails: bool,
    /// What an engine must be able to do for it.
    pub needs: Option<Need>,
}

/// Something that not every engine can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `COPY --parents`.
    Parents,
}

impl Need {
    /// Whether an engine with these abilities can.
    pub fn offered_by(self, can: Abilities) -> bool {
        match self {
            Self::Parents => can.parents,
        }
    }
}

const fn build(dockerfile: &'static str, needs: Option<Need>) -> Build {
    Build { dockerfile, more: &[], fails: false, needs }
}

/// Every project.
pub const ALL: &[Project] = &[
    Project {
        name: "alpine-services",
        builds: &[
            build("dockerfiles/auth.alpine.Dockerfile", None),
            build("dockerfiles/auth.staging.Dockerfile", None),
            build("dockerfiles/auth.staging.alpine.Dockerfile", None),
            build("dockerfiles/backend.alpine.Dockerfile", None),
            build("dockerfiles/backend.staging.Dockerfile", None),
            build("dockerfiles/backend.staging.alpine.Dockerfile", None),
            build("dockerfiles/frontend.alpine.Dockerfile", None),
            build("dockerfiles/frontend.staging.Dockerfile", None),
            build("dockerfiles/frontend.staging.alpine.Dockerfile", None),
            Build { fails: true, ..build("dockerfiles/migration.alpine.Dockerfile", None) },
            build("dockerfiles/migration.staging.alpine.Dockerfile", None),
        ],
    },
    Project {
        name: "go-service",
        builds: &[
            build("Dockerfile", None),
            Build { more: &["--target", "test"], ..build("Dockerfile", None) },
            Build { more: &["--target", "assets", "--build-arg", "VERSION=2"], ..build("Dockerfile", None) },
        ],
    },
    Project {
        name: "node-monorepo",
        builds: &[build("Dockerfile", None), build("parents.Dockerfile", Some(Need::Parents))],
    },
    Project { name: "python-service", builds: &[build("Dockerfile", None)] },
    Project { name: "rust-workspace", builds: &[build("Dockerfile", None)] },
    Project {
        name: "static-site",
        builds: &[
            build("Dockerfile", None),
            Build { more: &["--build-arg", "THEME=none"], ..build("Dockerfile", None) },
            Build { more: &["--target", "preview"], ..build("Dockerfile", None) },
        ],
    },
];

/// A copy of a project, gone when dropped.
pub struct OnDisk {
    base: tempfile::TempDir,
    name: &'static str,
}

impl OnDisk {
    /// Copies a project: folders 0755, files 0644 or, where they can be run, 0755.
    pub fn new(name: &'static str) -> Self {
        let base =
            tempfile::Builder::new().prefix("stowaway-project-").tempdir().expect("a temporary folder");
        entry::set_mode(base.path(), 0o755);
        let this = Self { base, name };
        copy(&folder(name), &this.context());
        this
    }

    /// The context.
    pub fn context(&self) -> PathBuf {
        self.base.path().join(self.name)
    }

    /// The options of one of its builds, with stand-ins for the base images, which `salt` makes others.
    pub fn options(&self, build: &Build, salt: &str) -> Vec<String> {
        let file = self.context().join(build.dockerfile);
        let text = fs::read_to_string(&file).expect("the Dockerfile is text");
        let mut options = layout::stand_ins(self.base.path(), &text, salt);
        if build.dockerfile != "Dockerfile" {
            options.extend(["-f".to_owned(), file.to_str().expect("UTF-8").to_owned()]);
        }
        options.extend(build.more.iter().map(|o| (*o).to_owned()));
        options
    }
}

/// Where a project lies.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects").join(name)
}

fn copy(from: &Path, to: &Path) {
    let kind = fs::symlink_metadata(from).expect("a stat");
    if kind.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from).expect("a link"), to).expect("a link");
    } else if kind.is_dir() {
        fs::create_dir(to).expect("a folder");
        entry::set_mode(to, 0o755);
        for child in fs::read_dir(from).expect("a folder") {
            let name = child.expect("an entry").file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::copy(from, to).expect("a file");
        entry::set_mode(to, if kind.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 });
    }
}
