//! Recorded cases: read, put on disk, and asked about. The format is that of `fixtures/buildkit/README.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::cli::{self, Run};
use super::entry::{self, Entry};
use super::mutation::Mutation;

/// One recorded case: a build, or a build and rounds of changes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub format_version: u32,
    pub kind: String,
    pub name: String,
    pub area: String,
    pub why: String,
    pub requires: Vec<String>,
    pub root_mode: String,
    pub files: Vec<Entry>,
    pub dockerfile: TextFile,
    pub ignore_files: Vec<TextFile>,
    pub build_args: BTreeMap<String, String>,
    pub target: Option<String>,
    pub secrets: BTreeMap<String, String>,
    pub contexts: BTreeMap<String, Vec<Entry>>,
    pub oci_layouts: BTreeMap<String, Layout>,
    pub frontend_opts: BTreeMap<String, String>,
    pub expected: Expected,
    #[serde(default)]
    pub rounds: Vec<Round>,
}

/// A Dockerfile or an ignore file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFile {
    pub name: String,
    pub location: String,
    pub mode: String,
    pub text: Option<String>,
}

/// A base image as an OCI layout.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    pub digest: String,
    pub files: Vec<Entry>,
}

/// What the engine did, as far as the tests ask.
#[derive(Debug, Clone, Deserialize)]
pub struct Expected {
    pub visible: Option<Vec<Value>>,
    #[serde(default)]
    pub visible_error: Option<String>,
    pub records: Value,
    #[serde(default)]
    pub records_fresh: Value,
    pub steps: Vec<Step>,
    pub error: Option<String>,
    #[serde(default)]
    pub error_alternatives: Vec<String>,
    /// What BuildKit's own checks said, sorted by line.
    #[serde(default)]
    pub warnings: Vec<Value>,
}

/// One step of the engine's progress.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    pub name: String,
    pub state: String,
}

/// A change and what the engine did then.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    pub what: String,
    pub mutations: Vec<Mutation>,
    pub expected: Expected,
}

/// Every case in a folder of `fixtures/buildkit`, by name.
pub fn load_all(folder: &str) -> Vec<Case> {
    load_folder(&format!("fixtures/buildkit/{folder}"))
}

/// Every recorded case of a folder of this package.
pub fn load_folder(folder: &str) -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&dir)
        .unwrap_or_else(|e| panic!("reading {}: {e}", dir.display()))
        .map(|f| f.expect("a directory entry").path())
        .collect();
    files.sort();
    files.iter().map(|f| load(f)).collect()
}

fn load(file: &Path) -> Case {
    let text = fs::read(file).unwrap_or_else(|e| panic!("reading {}: {e}", file.display()));
    let case: Case =
        serde_json::from_slice(&text).unwrap_or_else(|e| panic!("reading {}: {e}", file.display()));
    assert_eq!(case.format_version, 1, "{}", file.display());
    case
}

/// A case on disk. The folder goes when this is dropped.
pub struct OnDisk {
    /// The case, changed by mutations.
    pub case: Case,
    base: tempfile::TempDir,
}

impl OnDisk {
    /// Puts the case on disk.
    pub fn new(case: &Case) -> Self {
        let base = tempfile::Builder::new().prefix("stowaway-case-").tempdir().expect("a temporary folder");
        entry::set_mode(base.path(), 0o755);
        let this = Self { case: case.clone(), base };
        this.materialise();
        this
    }

    /// The context.
    pub fn context(&self) -> PathBuf {
        self.base.path().join("ctx")
    }

    /// The folder of a Dockerfile or ignore file.
    pub fn folder(&self, location: &str) -> PathBuf {
        match location {
            "context" => self.context(),
            "outside" => self.base.path().join("df"),
            other => panic!("unknown location {other:?}"),
        }
    }

    /// Writes everything anew.
    pub fn materialise(&self) {
        for dir in ["ctx", "df"] {
            fresh_dir(&self.base.path().join(dir));
        }
        let context = self.context();
        put_all(&context, &self.case.files);
        self.write_text(&self.case.dockerfile);
        for ignore in &self.case.ignore_files {
            self.write_text(ignore);
        }
        entry::finish_dirs(&context, &self.case.files);
        entry::set_mode(&context, entry::parse_mode(&self.case.root_mode));
        for (i, files) in self.case.contexts.values().enumerate() {
            self.materialise_beside(&format!("named-{i}"), files);
        }
        for (i, layout) in self.case.oci_layouts.values().enumerate() {
            self.materialise_beside(&format!("layout-{i}"), &layout.files);
        }
        self.write_secrets();
    }

    /// Writes the secrets' files.
    pub fn write_secrets(&self) {
        for (i, value) in self.case.secrets.values().enumerate() {
            fs::write(self.base.path().join(format!("secret-{i}")), value).expect("writing a secret");
        }
    }

    /// Writes a Dockerfile or ignore file, if it has a text.
    pub fn write_text(&self, file: &TextFile) {
        if let Some(text) = &file.text {
            Entry::text(&file.name, &file.mode, text).put(&self.folder(&file.location));
        }
    }

    fn materialise_beside(&self, name: &str, files: &[Entry]) {
        let dir = self.base.path().join(name);
        fresh_dir(&dir);
        put_all(&dir, files);
        entry::finish_dirs(&dir, files);
    }

    /// Runs `stowaway COMMAND --format json …` with the options of the case on its context.
    pub fn ask(&self, command: &str, more: &[&str]) -> Run {
        let mut child = cli::command();
        child.arg(command).args(["--format", "json"]).args(more).args(self.options()).arg(self.context());
        cli::run(&mut child)
    }

    /// The options that stand for what the case passes to the daemon.
    pub fn options(&self) -> Vec<String> {
        let (case, base) = (&self.case, self.base.path());
        let mut out = vec!["-f".to_owned(), {
            let file = self.folder(&case.dockerfile.location).join(&case.dockerfile.name);
            file.to_str().expect("a UTF-8 path").to_owned()
        }];
        if case.dockerfile.name == "Dockerfile" && case.dockerfile.location == "context" {
            out.clear();
        }
        let mut option = |name: &str, value: String| out.extend([name.to_owned(), value]);
        if let Some(target) = &case.target {
            option("--target", target.clone());
        }
        for (k, v) in &case.build_args {
            option("--build-arg", format!("{k}={v}"));
        }
        for (i, id) in case.secrets.keys().enumerate() {
            option("--secret", format!("id={id},src={}/secret-{i}", base.display()));
        }
        for (i, name) in case.contexts.keys().enumerate() {
            option("--build-context", format!("{name}={}/named-{i}", base.display()));
        }
        for (i, (name, layout)) in case.oci_layouts.iter().enumerate() {
            let value = format!("{name}=oci-layout://{}/layout-{i}@{}", base.display(), layout.digest);
            option("--build-context", value);
        }
        // The daemon that answered ran on linux/amd64.
        if !cfg!(target_arch = "x86_64") && !case.frontend_opts.contains_key("platform") {
            option("--platform", "linux/amd64".into());
        }
        for (k, v) in &case.frontend_opts {
            let (name, value) = frontend_option(k, v);
            option(name, value);
        }
        out
    }
}

fn frontend_option(name: &str, value: &str) -> (&'static str, String) {
    match (name, value) {
        ("platform", _) => ("--platform", value.to_owned()),
        ("no-cache", stages) if !stages.is_empty() => ("--no-cache-filter", stages.to_owned()),
        _ => match name.strip_prefix("build-arg:") {
            Some(arg) => ("--build-arg", format!("{arg}={value}")),
            None => panic!("no option stands for {name}={value}"),
        },
    }
}

fn put_all(root: &Path, entries: &[Entry]) {
    for entry in entries {
        entry.put(root);
    }
}

fn fresh_dir(dir: &Path) {
    entry::unlink(dir);
    fs::create_dir(dir).expect("making a folder");
    entry::set_mode(dir, 0o755);
}
