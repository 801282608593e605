//! Random builds from a seed: a tree, an ignore file, a Dockerfile. The same seed gives the same build everywhere.
//!
//! `@N@` in contents, destinations and commands stands for a text that is fresh in every run, so that an engine with a
//! history has never seen the build, and what it exports belongs to this build alone.

use fastrand::Rng;

use super::tree::{Kind, Line, Tree};

/// What stands for the fresh text.
pub const NONCE: &str = "@N@";

/// What an engine can be asked to do, and to be compared in.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a thing that an engine can or can't")]
pub struct Abilities {
    /// `COPY --exclude` (not before the built-in frontend of BuildKit v0.20).
    pub exclude: bool,
    /// `COPY --parents` (not before the built-in frontend of BuildKit v0.26).
    pub parents: bool,
    /// `--chmod` in symbols (not before BuildKit v0.20).
    pub symbols: bool,
    /// Names that are not UTF-8: buildx and dockerd refuse them in the transfer.
    pub raw_names: bool,
    /// The version of BuildKit that it has, as `--buildkit` takes it.
    pub version: &'static str,
    /// `${X#a}`, `${X%a}`, `${X/a/b}`: not before BuildKit v0.17.
    pub modifiers: bool,
    /// Error texts are those of the recorded answers; elsewhere it counts only that both fail.
    pub error_texts: bool,
}

impl Abilities {
    /// The newest BuildKit's: everything.
    pub const ALL: Self = Self {
        exclude: true,
        parents: true,
        symbols: true,
        raw_names: true,
        version: "newest",
        modifiers: true,
        error_texts: true,
    };
    /// The newest BuildKit's through buildx, which sends no names that are not UTF-8.
    pub const NEWEST: Self = Self { raw_names: false, ..Self::ALL };
    /// Docker 28's (BuildKit v0.25).
    pub const DOCKER_28: Self = Self { parents: false, version: "0.25", error_texts: false, ..Self::NEWEST };
    /// Docker 26's (BuildKit v0.13).
    pub const DOCKER_26: Self =
        Self { exclude: false, modifiers: false, symbols: false, version: "0.13", ..Self::DOCKER_28 };
}

/// A random build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    pub tree: Tree,
    pub ignore: Vec<String>,
    pub dockerfile: Vec<Instruction>,
}

/// One instruction, in parts that can be taken away one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// COPY or ADD.
    Copy { keyword: &'static str, flags: Vec<String>, sources: Vec<String>, dest: String },
    /// Anything else, as written.
    Other(String),
}

impl Instruction {
    /// As it stands in the Dockerfile.
    pub fn text(&self) -> String {
        let Self::Copy { keyword, flags, sources, dest } = self else {
            let Self::Other(text) = self else { unreachable!("two kinds") };
            return text.clone();
        };
        let words: Vec<&String> = sources.iter().chain([dest]).collect();
        let odd = |w: &&String| w.contains([' ', '"', '\'', '\\', '\t']) || w.is_empty();
        let words = if words.iter().any(odd) {
            serde_json::to_string(&words).expect("strings")
        } else {
            words.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(" ")
        };
        let flags: String = flags.iter().map(|f| format!("{f} ")).collect();
        format!("{keyword} {flags}{words}")
    }
}

impl Build {
    /// The build that a seed stands for.
    pub fn from_seed(seed: u64, abilities: Abilities) -> Self {
        let mut rng = Rng::with_seed(seed);
        let tree = tree(&mut rng, abilities);
        let ignore = if rng.u8(..10) < 4 { ignore(&mut rng, &tree) } else { Vec::new() };
        let dockerfile = Writer { rng, abilities, tree: &tree, stages: Vec::new(), out: Vec::new() }.write();
        Self { tree, ignore, dockerfile }
    }

    /// The Dockerfile's text.
    pub fn dockerfile_text(&self) -> String {
        self.dockerfile.iter().map(|i| i.text() + "\n").collect()
    }

    /// True where a stage runs a program.
    pub fn runs_programs(&self) -> bool {
        self.dockerfile.iter().any(|i| i.text().starts_with("RUN "))
    }
}

impl std::fmt::Display for Build {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "--- tree\n{}--- .dockerignore", self.tree)?;
        self.ignore.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        write!(f, "--- Dockerfile\n{}", self.dockerfile_text())
    }
}

const NAMES: &[&str] = &[
    "a",
    "b",
    "c.txt",
    "d.txt",
    "e.md",
    "sub",
    "deep",
    "src",
    "a b",
    "a-b",
    "a.b",
    "ab",
    "A",
    ".hidden",
    "\u{e9}",
    "\u{fc}\u{4e2d}.txt",
    "x",
    "y.go",
    "z.py",
    "100%",
    "it's",
    "n+1",
    "main.rs",
    "-dash",
    "~",
    "node_modules",
    "__pycache__",
    "m.pyc",
];
const FILE_MODES: &[u32] = &[0o644, 0o644, 0o644, 0o755, 0o600, 0o400, 0o4755, 0o2711, 0o777, 0];
const DIR_MODES: &[u32] = &[0o755, 0o755, 0o755, 0o700, 0o1777, 0o2775, 0o711];

const EXPANDED_DESTS: &[&str] =
    &["/@N@/$A/", "/@N@/${A}b/", "/@N@/${A:+set}${A:-unset}/", "\"/@N@/$A c/\"/", "/@N@/\\$A/"];
const MODIFIED_DESTS: &[&str] = &[
    "/@N@/${B#*/}/",
    "/@N@/${B##*/}/",
    "/@N@/${B%/*}/",
    "/@N@/${B%%/*}/",
    "/@N@/${B/s/t}/",
    "/@N@/${B//s/}/",
];

fn pick<'a, T>(rng: &mut Rng, list: &'a [T]) -> &'a T {
    &list[rng.usize(..list.len())]
}

fn tree(rng: &mut Rng, abilities: Abilities) -> Tree {
    let mut tree = Tree::default();
    let mut dirs: Vec<Vec<u8>> = vec![Vec::new()];
    let mut files: Vec<Vec<u8>> = Vec::new();
    for _ in 0..rng.usize(1..16) {
        let mut path = pick(rng, &dirs).clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        let name = *pick(rng, NAMES);
        path.extend_from_slice(name.as_bytes());
        if abilities.raw_names && rng.u8(..40) == 0 {
            path.push(0xff);
        }
        if tree.lines.iter().any(|l| l.path == path) {
            continue;
        }
        let kind = kind(rng, &path, &mut dirs, &mut files, &tree);
        tree.lines.push(Line { path, kind, owner: None });
    }
    tree
}

fn kind(rng: &mut Rng, path: &[u8], dirs: &mut Vec<Vec<u8>>, files: &mut Vec<Vec<u8>>, tree: &Tree) -> Kind {
    match rng.u8(..20) {
        0..=5 => {
            dirs.push(path.to_vec());
            Kind::Dir { mode: *pick(rng, DIR_MODES) }
        }
        6..=8 => Kind::Link { target: link_target(rng, tree) },
        9 if !files.is_empty() => Kind::Hard { first: pick(rng, files).clone() },
        10 if rng.bool() => Kind::Fifo { mode: *pick(rng, FILE_MODES) },
        10 => Kind::Sock { mode: *pick(rng, FILE_MODES) },
        _ => {
            files.push(path.to_vec());
            let unit = if rng.u8(..10) == 0 {
                Vec::new()
            } else {
                format!("{} {NONCE}\n", rng.u32(..)).into_bytes()
            };
            Kind::File { mode: *pick(rng, FILE_MODES), unit, times: if rng.u8(..10) == 0 { 2000 } else { 1 } }
        }
    }
}

/// A small tar, packed or not, and now and then cut off.
fn archive(rng: &mut Rng) -> Vec<u8> {
    use std::io::Write as _;
    let mut tar = tar::Builder::new(Vec::new());
    for (i, name) in ["t", "t/a", "t/b", "l", "t/sub/c"].iter().enumerate() {
        if rng.u8(..5) == 0 {
            continue;
        }
        let mut header = tar::Header::new_ustar();
        header.set_mode(*pick(rng, &[0o644, 0o755, 0o600]));
        header.set_mtime(0);
        header.set_uid(rng.u64(..3));
        header.set_gid(0);
        header.set_size(0);
        let data = format!("content {}", rng.u8(..));
        match i {
            0 => {
                header.set_entry_type(tar::EntryType::Directory);
                tar.append_data(&mut header, name, &[][..]).expect("a tar in memory");
            }
            3 => {
                header.set_entry_type(tar::EntryType::Symlink);
                tar.append_link(&mut header, name, "t/a").expect("a tar in memory");
            }
            _ => {
                header.set_size(data.len() as u64);
                tar.append_data(&mut header, name, data.as_bytes()).expect("a tar in memory");
            }
        }
    }
    let mut bytes = tar.into_inner().expect("a tar in memory");
    if rng.bool() {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gz.write_all(&bytes).expect("in memory");
        bytes = gz.finish().expect("in memory");
    }
    if rng.u8(..8) == 0 {
        bytes.truncate(bytes.len() / 2);
    }
    bytes
}

fn link_target(rng: &mut Rng, tree: &Tree) -> Vec<u8> {
    let any = |rng: &mut Rng| tree.lines.get(rng.usize(..tree.lines.len().max(1))).map(|l| l.path.clone());
    match rng.u8(..8) {
        0 => pick(rng, NAMES).as_bytes().to_vec(),
        1 => b"..".to_vec(),
        2 => [b"../".to_vec(), any(rng).unwrap_or_default()].concat(),
        3 => [b"/".to_vec(), any(rng).unwrap_or_default()].concat(),
        4 => b".".to_vec(),
        _ => any(rng).filter(|p| !p.is_empty()).unwrap_or_else(|| b"nowhere".to_vec()),
    }
}

/// A path of the tree as text; names that are not UTF-8 cannot be written in a Dockerfile. Now and then one that isn't there.
fn some_path(rng: &mut Rng, tree: &Tree) -> String {
    let paths = tree.lines.iter().filter_map(|l| std::str::from_utf8(&l.path).ok());
    // A quote would have to be escaped everywhere.
    let paths: Vec<&str> = paths.filter(|p| !p.contains('\'')).collect();
    match paths.is_empty() || rng.u8(..60) == 0 {
        true => (*pick(rng, NAMES)).to_owned(),
        false => (*pick(rng, &paths)).to_owned(),
    }
}

/// A path with a part of it made a wildcard.
fn wildcard(rng: &mut Rng, path: &str) -> String {
    let (dir, name) = path.rsplit_once('/').map_or(("", path), |(d, n)| (d, n));
    let first = name.chars().next().unwrap_or('a');
    let name = match rng.u8(..6) {
        0 => "*".to_owned(),
        1 => format!("{first}*"),
        2 => name.rsplit_once('.').map_or_else(|| "*".to_owned(), |(_, ext)| format!("*.{ext}")),
        3 => format!("[{first}-z]*"),
        4 => format!("?{}", name.chars().skip(1).collect::<String>()),
        _ => "[^.]*".to_owned(),
    };
    let dir = if !dir.is_empty() && rng.u8(..5) == 0 { "*" } else { dir };
    if dir.is_empty() { name } else { format!("{dir}/{name}") }
}

fn ignore(rng: &mut Rng, tree: &Tree) -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..rng.usize(1..4) {
        let path = some_path(rng, tree);
        let base = path.rsplit('/').next().unwrap_or("a").to_owned();
        let pattern = match rng.u8(..9) {
            0 => "*".to_owned(),
            1 => format!("**/{base}"),
            2 => wildcard(rng, &path),
            3 => format!("{path}/"),
            4 => format!("/{path}"),
            5 => format!("**/{}", wildcard(rng, &base)),
            6 => format!("{path}/**"),
            7 => format!("./{path}"),
            _ => path,
        };
        let not = if rng.u8(..4) == 0 { "!" } else { "" };
        lines.push(format!("{not}{pattern}"));
    }
    if rng.u8(..6) == 0 {
        lines.insert(0, "# a comment".to_owned());
    }
    lines
}

/// A stage that was begun: its name and the paths that it is known to hold.
struct Stage {
    name: String,
    paths: Vec<String>,
    has_shell: bool,
}

struct Writer<'a> {
    rng: Rng,
    abilities: Abilities,
    tree: &'a Tree,
    stages: Vec<Stage>,
    out: Vec<Instruction>,
}

impl Writer<'_> {
    fn write(mut self) -> Vec<Instruction> {
        let stages = self.rng.usize(1..4);
        if self.rng.u8(..5) == 0 {
            self.other("ARG WHERE=global");
        }
        for i in 0..stages {
            self.from(i);
            for _ in 0..self.rng.usize(1..5) {
                self.instruction();
            }
        }
        self.out
    }

    fn other(&mut self, text: impl Into<String>) {
        self.out.push(Instruction::Other(text.into()));
    }

    fn from(&mut self, i: usize) {
        let name = format!("s{i}");
        let (base, has_shell, paths) = match self.rng.u8(..10) {
            0..=1 if i > 0 => {
                let earlier = pick(&mut self.rng, &self.stages);
                (earlier.name.clone(), earlier.has_shell, earlier.paths.clone())
            }
            2..=4 => {
                ("python:3.12-alpine".to_owned(), true, vec!["/etc/group".to_owned(), "/etc".to_owned()])
            }
            _ => ("scratch".to_owned(), false, Vec::new()),
        };
        self.other(format!("FROM {base} AS {name}"));
        self.stages.push(Stage { name, paths, has_shell });
    }

    fn instruction(&mut self) {
        let shell = self.stages.last().expect("begun").has_shell;
        match self.rng.u8(..20) {
            0 => self.workdir(),
            1 => self.env(),
            2 | 3 if shell => self.run(),
            4 => self.heredoc(),
            5 if self.rng.bool() => self.other("USER 1000:1000"),
            5 => self.onbuild(),
            6..=9 if self.stages.len() > 1 => self.copy_from(),
            _ => self.copy(),
        }
    }

    /// A trigger, which fires in a stage that is made from this one.
    fn onbuild(&mut self) {
        let path = some_path(&mut self.rng, self.tree);
        let line =
            *pick(&mut self.rng, &["WORKDIR /@N@/on", "ENV WHERE=/@N@/on", "COPY . /@N@/on/", "LABEL a=b"]);
        match self.rng.bool() && !path.contains(' ') {
            true => self.other(format!("ONBUILD COPY {path} /@N@/on/")),
            false => self.other(format!("ONBUILD {line}")),
        }
    }

    fn workdir(&mut self) {
        let dir = *pick(&mut self.rng, &["/@N@/w", "w/x", "/", "../up", "/@N@/a/./b/"]);
        // The folder of a relative one is not known here, so it is never copied from.
        self.other(format!("WORKDIR {dir}"));
        if dir == "/@N@/w" {
            self.stages.last_mut().expect("begun").paths.push("/@N@/w".into());
        }
    }

    fn env(&mut self) {
        let line = *pick(
            &mut self.rng,
            &[
                "ENV WHERE=/@N@/env",
                "ARG WHERE=/@N@/arg",
                "ARG UNUSED=1",
                "ENV A=1 WHERE=/@N@/two",
                "ENV B=us/r/sb/in A='x y'",
                "env b=1 \\\n  # inside\n  A=\"$WHERE\" \\\n  B=${A:-none}/s/$b",
                "ARG A=2 B=s/s",
                "ENV A a b  c",
                "ARG WHERE",
            ],
        );
        self.other(line);
    }

    fn run(&mut self) {
        let path = some_path(&mut self.rng, self.tree);
        let plain = !path.contains([' ', '\'', ',', '"', '%']);
        let line = match self.rng.u8(..7) {
            0 => "RUN --mount=type=cache,target=/cache touch /@N@-cached".to_owned(),
            1 if plain => {
                format!("RUN --mount=type=bind,source={path},target=/mnt touch /@N@-bound")
            }
            2 => "RUN --mount=target=/mnt touch /@N@-all".to_owned(),
            3 => "RUN --mount=type=tmpfs,target=/t --network=none touch /@N@-tmp".to_owned(),
            4 => "RUN [\"/bin/sh\", \"-c\", \"touch /@N@-exec\"]".to_owned(),
            _ => "RUN mkdir -p /@N@/run && touch /@N@/run/x".to_owned(),
        };
        self.other(line);
    }

    fn heredoc(&mut self) {
        let quote = if self.rng.bool() { "'" } else { "" };
        let chmod = if self.rng.u8(..4) == 0 { "--chmod=0600 " } else { "" };
        self.other(format!("COPY {chmod}<<{quote}EOF{quote} /@N@/here\nsome $WHERE text\nEOF"));
        self.stages.last_mut().expect("begun").paths.push("/@N@/here".into());
    }

    fn copy(&mut self) {
        let add = self.rng.u8(..5) == 0;
        let mut flags = self.flags();
        let parents = !add && self.abilities.parents && self.rng.u8(..6) == 0;
        if parents {
            flags.push("--parents".into());
        }
        if self.abilities.exclude && self.rng.u8(..5) == 0 {
            flags.push(format!("--exclude={}", self.exclude_pattern()));
        }
        let count = if self.rng.u8(..4) == 0 { self.rng.usize(2..4) } else { 1 };
        let sources: Vec<String> = (0..count).map(|_| self.source(parents)).collect();
        let dest = self.dest(&sources);
        let keyword = if add { "ADD" } else { "COPY" };
        self.out.push(Instruction::Copy { keyword, flags, sources, dest });
    }

    fn exclude_pattern(&mut self) -> String {
        let path = some_path(&mut self.rng, self.tree);
        let base = path.rsplit('/').next().unwrap_or("a").to_owned();
        let pattern = match self.rng.u8(..5) {
            0 => format!("**/{base}"),
            1 => wildcard(&mut self.rng, &base),
            2 => format!("!{base}"),
            3 => path,
            _ => base,
        };
        pattern.replace(' ', "?")
    }

    fn source(&mut self, parents: bool) -> String {
        let path = some_path(&mut self.rng, self.tree);
        match self.rng.u8(..20) {
            0..=5 => ".".to_owned(),
            6 | 15..=17 => wildcard(&mut self.rng, &path),
            7 => format!("./{path}"),
            8 => format!("/{path}"),
            9 => format!("{path}/"),
            10 => format!("../{path}"),
            11 => format!("{path}/."),
            12 if parents => format!("**/{}", path.rsplit('/').next().unwrap_or("a")),
            13 if parents => path.replacen('/', "/./", 1),
            _ => path,
        }
    }

    fn flags(&mut self) -> Vec<String> {
        let mut flags = Vec::new();
        if self.rng.u8(..6) == 0 {
            let modes = if self.abilities.symbols {
                &["644", "0755", "u=rwX,go=rX", "0"][..]
            } else {
                &["644", "0755"]
            };
            flags.push(format!("--chmod={}", pick(&mut self.rng, modes)));
        }
        if self.rng.u8(..6) == 0 {
            let shell = self.stages.last().expect("begun").has_shell;
            let owners: &[&str] =
                if shell { &["netra:staff", "netra", "1:2", "root"] } else { &["1:2", "7", "0:0", "65534"] };
            flags.push(format!("--chown={}", pick(&mut self.rng, owners)));
        }
        if self.rng.u8(..8) == 0 {
            flags.push("--link".into());
        }
        flags
    }

    fn dest(&mut self, sources: &[String]) -> String {
        let many = sources.len() > 1 || sources[0].contains(['*', '?', '[']);
        let dest = match self.rng.u8(..10) {
            9 => self.expanded_dest(),
            0 => "./",
            1 => "/@N@/d/",
            2 => "/@N@/",
            3 => "${WHERE:-/@N@/default}/",
            4 => "rel/@N@/",
            5 if !many => "/@N@/one",
            6 if !many => "/@N@/d/f",
            7 if !many => ".",
            _ => "/@N@/x/y/",
        };
        if dest.starts_with("/@N@/") && !many {
            self.stages.last_mut().expect("begun").paths.push(dest.trim_end_matches('/').to_owned());
        }
        dest.to_owned()
    }

    /// A destination with a variable in it.
    fn expanded_dest(&mut self) -> &'static str {
        let modified = self.abilities.modifiers && self.rng.bool();
        let list = if modified { MODIFIED_DESTS } else { EXPANDED_DESTS };
        list[self.rng.usize(..list.len())]
    }

    fn copy_from(&mut self) {
        let earlier = self.rng.usize(..self.stages.len() - 1);
        let (name, paths) = (self.stages[earlier].name.clone(), self.stages[earlier].paths.clone());
        let mut flags = self.flags();
        let by_number = self.rng.u8(..6) == 0;
        flags.insert(0, if by_number { format!("--from={earlier}") } else { format!("--from={name}") });
        let source = match self.rng.u8(..6) {
            0 => "/".to_owned(),
            1 => "/@N@*".to_owned(),
            2 => "/@N@/*".to_owned(),
            _ if paths.is_empty() => "/".to_owned(),
            _ => pick(&mut self.rng, &paths).clone(),
        };
        let sources = vec![source];
        let dest = self.dest(&sources);
        // A link or a second step at the same place gives the step a key of its own only with a fresh destination.
        let dest = if dest.contains(NONCE) { dest } else { format!("/@N@/from-{name}/") };
        self.out.push(Instruction::Copy { keyword: "COPY", flags, sources, dest });
    }
}
