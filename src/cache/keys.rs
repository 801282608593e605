//! What [`keys`](super::keys) answers: for every step its keys with their preimages, and the records of an export.

use std::ops::Range;
use std::sync::Arc;

use super::Selector;
use crate::digest::Digest;
use crate::plan::VertexId;

/// Everything that is known about a plan's keys.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// One for each step of the plan, in the plan's order.
    pub steps: Vec<StepKeys>,
    /// One for each vertex of the plan's graph, known or not.
    pub vertices: Vec<VertexKeys>,
    /// The records of `application/vnd.buildkit.cacheconfig.v0` that a build of the target exported with `mode=max`
    /// would hold; sorted by digest. Empty where BuildKit exports nothing (no record has a layer).
    pub records: Vec<Record>,
    /// Why `records` may lack records or alternatives, in words; empty when they are complete.
    pub open: Vec<String>,
    /// Reasons for which the build would fail once it looks at files.
    pub errors: Vec<KeyError>,
    /// The digests of the local sources' entries, as far as they were needed.
    pub sources: Vec<SourceDigests>,
}

/// The keys of one step.
#[derive(Debug, Clone, Default)]
pub struct StepKeys {
    /// The record without inputs that the step's content link points at: what it takes from files, by content. `None`
    /// when the step takes nothing from files, or (then `open` says why) when it can't be known offline. Of several
    /// inputs with a content link this is the first; all are in the parts of `cache_key`.
    pub content_key: Option<Key>,
    /// The record that BuildKit's cache export writes for the step.
    pub cache_key: Option<Key>,
    /// What is missing to know the keys, or all links of the step's record, in words.
    pub open: Vec<String>,
    /// What the step reads from the client's folders.
    pub reads: Reads,
}

/// What is known of one vertex's records, also where no key can be known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VertexKeys {
    /// Its records: one for an operation, up to two for an image, none for a local source and for what isn't known.
    pub digests: Vec<Digest>,
    /// Why there is no record, in words; for an operation also because of an input that has none.
    pub unknown: Vec<String>,
    /// Why the vertex's own operation or source isn't fully known, in words; empty for one of which only an input isn't.
    pub open: Vec<String>,
    /// What its records are made from. With `open` not empty its [`Part::Operation`] is what is known of the operation.
    pub preimage: Preimage,
}

/// A key and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The digest of the record.
    pub digest: Digest,
    /// What it was made from.
    pub preimage: Preimage,
}

/// What a key was made from, in parts that can be compared one by one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preimage {
    /// The parts. A cache key has its [`Part::Operation`] (or [`Part::Source`]) first and then a [`Part::Input`] for
    /// every input; a content key has a [`Part::Selected`] for every selector.
    pub parts: Vec<Part>,
}

/// One part of a preimage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The operation, in the JSON that BuildKit hashes.
    Operation(String),
    /// The keys of a source, any of which identifies it: an image's manifest key and chain id.
    Source(Vec<String>),
    /// What stands for an input of the operation.
    Input(InputPart),
    /// What a selector picks from a tree.
    Selected(Selected),
    /// Something that can't be known offline.
    Opaque {
        /// Why, in words.
        reason: String,
    },
}

/// One input of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPart {
    /// The vertex that gives the input.
    pub vertex: VertexId,
    /// The records of that vertex (two for an image); empty for a local source, and when none is known.
    pub definitions: Vec<Digest>,
    /// The digest that goes with a link to those records; `None` for none.
    pub selector: Option<Digest>,
    /// The paths that `selector` was made from, in its order.
    pub paths: Vec<String>,
    /// The content key, for an input that has one and where it is known.
    pub content: Option<Key>,
    /// Why the content key of an input that has one isn't known, in words.
    pub opaque: Option<String>,
}

/// What one selector picks from a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The selector.
    pub selector: Selector,
    /// BuildKit's digest of what it picks.
    pub digest: Digest,
    /// The files behind the digest.
    pub files: Files,
}

/// The files behind a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// Entries of a local source, as ascending ranges of indexes in its listing.
    Local {
        /// The source's name in [`Keys::sources`].
        source: Arc<str>,
        /// The entries.
        entries: Arc<[Range<usize>]>,
    },
    /// Files of a stage.
    Stage(Arc<[StageFile]>),
}

/// A file of a stage that entered a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFile {
    /// Its path in the stage, without leading `/`; empty for the root.
    pub path: Vec<u8>,
    /// BuildKit's digest of its header and content.
    pub digest: Digest,
}

/// What a step reads from the client's folders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reads {
    /// Regular files.
    pub files: u64,
    /// Their bytes together.
    pub bytes: u64,
    /// For each local source by its name in [`Keys::sources`] the entries, as ascending ranges that don't touch.
    pub entries: Vec<(Arc<str>, Vec<Range<usize>>)>,
}

/// The digests of a local source's entries.
#[derive(Debug, Clone)]
pub struct SourceDigests {
    /// Name of the source: see [`Inputs`](super::Inputs).
    pub source: Arc<str>,
    /// By index in the listing; `None` for an entry that no key needed.
    pub entries: Vec<Option<EntryDigests>>,
}

/// The digests of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryDigests {
    /// BuildKit's: over header and content.
    pub headed: Digest,
    /// BLAKE3 of the content, when [`Inputs::fingerprints`](super::Inputs::fingerprints) asked for it and the entry is a regular file.
    pub blake3: Option<Digest>,
    /// The file could not be opened; it hashes as empty, as BuildKit's client sends it.
    pub unopened: bool,
}

/// A record of a cache export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its digest. Several records may have the same: one operation on different inputs.
    pub digest: Digest,
    /// For each input of the operation its alternatives; empty for a content key and for a source.
    pub inputs: Vec<Vec<Link>>,
    /// True when an input may have more alternatives than are known.
    pub partial: bool,
}

/// One way to an input of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// The index of the record in [`Keys::records`].
    pub record: usize,
    /// The digest of that record.
    pub digest: Digest,
    /// The selector, where there is one.
    pub selector: Option<Digest>,
}

/// A reason for which the build would fail once it looks at files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyError {
    /// The step, as an index in the plan's steps; `None` when no step has that vertex as its own.
    pub step: Option<usize>,
    /// The vertex.
    pub vertex: VertexId,
    /// Which input of the vertex was looked into, where that is what failed.
    pub input: Option<usize>,
    /// What is wrong.
    pub kind: KeyErrorKind,
    /// A stable code in kebab case.
    pub code: &'static str,
    /// The path that was looked up, as BuildKit names it; empty when no path is to blame.
    pub path: Vec<u8>,
    /// BuildKit's text, without `failed to solve: `; `<ID>` stands for its random ids, `<MOUNT>` for its mount points.
    pub engine_message: String,
}

/// The kinds of [`KeyError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyErrorKind {
    /// A source is not there.
    Missing,
    /// More than 255 symbolic links on the way to a source.
    TooManyLinks,
    /// A wildcard or a pattern that can't be read.
    BadPattern,
    /// The operation itself fails when it runs.
    Run,
}

/// Why no keys could be computed at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// A file could not be read, or changed meanwhile; all of them.
    #[error("{}", list(.0))]
    Hash(Vec<crate::digest::HashError>),
    /// The plan has a local source that [`Inputs`](super::Inputs) doesn't.
    #[error("no files were given for the local source {0:?}")]
    NoSource(String),
    /// An archive or a layer could not be read.
    #[error("{0}")]
    Tree(String),
}

fn list(errors: &[crate::digest::HashError]) -> String {
    let texts: Vec<String> = errors.iter().take(10).map(ToString::to_string).collect();
    let rest = errors.len() - texts.len();
    let more = if rest == 0 { String::new() } else { format!("\n… and {rest} more") };
    texts.join("\n") + &more
}
