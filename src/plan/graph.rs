//! The build graph: BuildKit's LLB (`solver/pb/ops.proto`) with the fields that enter a cache key.

use crate::image::{Image, Platform};

/// Index of a vertex in its [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VertexId(pub usize);

/// Vertices, inputs before users; equal vertices stand once, as in LLB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// The vertices, by [`VertexId`].
    pub vertices: Vec<Vertex>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Vertex {
    /// What it does.
    pub op: Op,
    /// Its inputs; output 0 of each.
    pub inputs: Vec<VertexId>,
    /// The platform that it is marshalled for, in normal form (RUN's and an image's key have it); empty for operations
    /// that are the same everywhere.
    pub platform: Platform,
    /// Why the operation itself cannot be known offline, in words; empty when it is known.
    pub open: Vec<String>,
    /// Not even the paths that it takes from its inputs are known: then `open` says why, and there is no content key.
    pub paths_open: bool,
}

/// The kinds of operation that a Dockerfile makes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Op {
    /// Something that comes from outside.
    Source(Source),
    /// Copies and makes files.
    File(Vec<FileAction>),
    /// Runs a program.
    Exec(Exec),
    /// `--link`: lays its inputs over each other.
    Merge,
}

/// Where a source vertex takes its files from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A folder of the client's.
    Local(LocalSource),
    /// An image; `None` when it isn't known offline.
    Image {
        /// The normalised reference, or the named context.
        reference: String,
        /// Its config and layers.
        image: Option<Box<ImageRef>>,
    },
    /// A file behind a URL.
    Http {
        /// The URL.
        url: String,
        /// `--checksum`.
        checksum: Option<String>,
        /// The name the file gets.
        filename: String,
        /// Whether the URL's file is copied as `/`: always false for a Dockerfile.
        git_like: bool,
    },
    /// A git repository.
    Git {
        /// The URL with fragment as written.
        remote: String,
        /// `--keep-git-dir`.
        keep_git_dir: bool,
        /// `--checksum`.
        checksum: Option<String>,
    },
}

/// An [`Image`] in the graph: compared and hashed by its name and digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef(pub Image);

impl std::hash::Hash for ImageRef {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
        self.0.root_digest.hash(state);
        self.0.config.diff_ids.hash(state);
    }
}

/// A folder of the client's as a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LocalSource {
    /// `context` for the build context, else the named context's name.
    pub name: String,
    /// Only these paths (relative, sorted, may hold wildcards) are asked for; empty for all.
    pub follow_paths: Vec<Vec<u8>>,
}

/// One action of a FileOp. Indexes count the vertex's inputs first, then earlier actions; -1 for none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileAction {
    /// The state that is changed.
    pub input: i64,
    /// The state that is copied from; -1 for mkdir and mkfile.
    pub secondary: i64,
    /// 0 for the op's result, -1 otherwise.
    pub output: i64,
    /// What is done.
    pub kind: FileActionKind,
}

/// What a file action does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FileActionKind {
    /// COPY and ADD.
    Copy(CopyAction),
    /// WORKDIR, and the folder of a cache mount.
    Mkdir {
        /// Absolute path.
        path: String,
        /// Permission bits.
        mode: i32,
        /// Parents too.
        parents: bool,
        /// Owner.
        owner: Option<Owner>,
        /// Nanoseconds since 1970; -1 for unset.
        timestamp: i64,
    },
    /// A heredoc.
    Mkfile {
        /// Absolute path.
        path: String,
        /// Permission bits.
        mode: i32,
        /// Content.
        data: Vec<u8>,
        /// Owner.
        owner: Option<Owner>,
        /// Nanoseconds since 1970; -1 for unset.
        timestamp: i64,
    },
}

/// BuildKit's `FileActionCopy`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools)]
pub struct CopyAction {
    /// Source path, absolute and clean.
    pub src: String,
    /// Destination, absolute; a trailing `/` or `/.` is kept.
    pub dest: String,
    /// `--chown`.
    pub owner: Option<Owner>,
    /// `--chmod` in octal; -1 for unset.
    pub mode: i32,
    /// `--chmod` in symbols; empty for none.
    pub mode_str: String,
    /// Follows a link that the source is.
    pub follow_symlink: bool,
    /// A folder's contents are copied, not the folder.
    pub dir_copy_contents: bool,
    /// ADD: unpacks an archive.
    pub attempt_unpack: bool,
    /// Makes the destination's parents.
    pub create_dest_path: bool,
    /// Wildcards in the source count.
    pub allow_wildcard: bool,
    /// A wildcard without match is no error.
    pub allow_empty_wildcard: bool,
    /// Nanoseconds since 1970; -1 for unset.
    pub timestamp: i64,
    /// `--parents`.
    pub include_patterns: Vec<String>,
    /// `--exclude`.
    pub exclude_patterns: Vec<String>,
    /// Paths that must be there (`--parents` without wildcards).
    pub required_paths: Vec<String>,
    /// `alwaysReplaceExistingDestPaths`.
    pub always_replace: bool,
}

/// Who owns what is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The user.
    pub user: Option<User>,
    /// The group.
    pub group: Option<User>,
}

/// A user or group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum User {
    /// By number.
    Id(u32),
    /// By name, looked up in `/etc/passwd` or `/etc/group` of this input (-1 for scratch).
    Name(String, i64),
}

/// RUN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Exec {
    /// Program and arguments.
    pub args: Vec<String>,
    /// `K=V` in BuildKit's order.
    pub env: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// User; empty for root by default.
    pub user: String,
    /// Host name; empty for none.
    pub hostname: String,
    /// `--add-host` names.
    pub extra_hosts: Vec<String>,
    /// Mounts in BuildKit's marshalling order, the root mount first unless sorted otherwise there.
    pub mounts: Vec<ExecMount>,
    /// 0 sandbox, 1 host, 2 none.
    pub network: i32,
    /// 0 sandbox, 1 insecure.
    pub security: i32,
    /// Secrets as environment variables.
    pub secret_env: Vec<SecretEnv>,
    /// `--device`: CDI names with `optional`.
    pub devices: Vec<(String, bool)>,
}

/// A secret as an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretEnv {
    /// The secret.
    pub id: String,
    /// The variable.
    pub name: String,
    /// No error when it is missing.
    pub optional: bool,
}

/// A mount of RUN as marshalled (`pb.Mount`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExecMount {
    /// Index of the vertex's input; -1 for none.
    pub input: i64,
    /// Path in the input; empty for its root.
    pub selector: String,
    /// Where it appears.
    pub dest: String,
    /// Output index; -1 for none.
    pub output: i64,
    /// Read-only.
    pub read_only: bool,
    /// What it is.
    pub kind: ExecMountKind,
}

/// What a mount is, with its options.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ExecMountKind {
    /// Files of the input.
    Bind,
    /// A persistent folder.
    Cache {
        /// `namespace/id`.
        id: String,
        /// 0 shared, 1 private, 2 locked.
        sharing: i32,
    },
    /// A temporary file system of this size (0 for unlimited).
    Tmpfs(i64),
    /// A secret file.
    Secret {
        /// Its id.
        id: String,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// Permission bits.
        mode: u32,
        /// No error when it is missing.
        optional: bool,
    },
    /// The ssh agent's socket.
    Ssh {
        /// Its id.
        id: String,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// Permission bits.
        mode: u32,
        /// No error when it is missing.
        optional: bool,
    },
}
