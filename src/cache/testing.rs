//! Folders in memory and graphs by hand, for tests.

use std::io;

use crate::entry::{ContextPath, Entry, Extra, FileType, Source, Stat};
use crate::image::Platform;
use crate::plan::{
    self, CopyAction, FileAction, FileActionKind, Graph, LocalSource, Op, Plan, Vertex, VertexId,
};

/// Entries with their contents.
pub(super) struct Memory(pub Vec<Entry>, pub Vec<Vec<u8>>);

impl Source for Memory {
    fn entries(&self) -> &[Entry] {
        &self.0
    }

    fn open(&self, entry: &Entry) -> io::Result<Box<dyn io::Read + Send + '_>> {
        let i = self.0.iter().position(|e| e.path == entry.path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(&self.1[i][..]))
    }
}

impl Memory {
    /// Regular files of mode 0644, sorted by path; folders (0755) have a path with a trailing `/`, links `-> target`.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let (entries, contents) = files.iter().map(|(path, content)| entry(path, content)).unzip();
        Self(entries, contents)
    }
}

fn entry(path: &str, content: &str) -> (Entry, Vec<u8>) {
    let target = content.strip_prefix("-> ");
    let (file_type, mode) = match (path.ends_with('/'), target) {
        (true, _) => (FileType::Dir, 0o755),
        (_, Some(_)) => (FileType::Symlink, 0o777),
        _ => (FileType::File, 0o644),
    };
    let extra = target.map(|t| Box::new(Extra { linkname: t.into(), ..Extra::default() }));
    let size = content.len() as u64;
    let stat = Stat { file_type, mode, uid: 0, gid: 0, size, mtime_ns: 0, extra };
    let path = ContextPath::new(path.trim_end_matches('/').as_bytes()).unwrap();
    (Entry { path, stat, hardlink: None }, content.as_bytes().to_vec())
}

/// The local source `context` without a path filter.
pub(super) fn context() -> LocalSource {
    LocalSource { name: "context".into(), follow_paths: Vec::new() }
}

/// A plan of these vertices in which each is a step; the last is the target.
pub(super) fn plan(vertices: Vec<(Op, Vec<usize>)>) -> Plan {
    let platform = Platform { os: "linux".into(), architecture: "amd64".into(), ..Platform::default() };
    let vertex = |(op, inputs): (Op, Vec<usize>)| Vertex {
        op,
        inputs: inputs.into_iter().map(VertexId).collect(),
        platform: platform.clone(),
        open: Vec::new(),
        paths_open: false,
    };
    let vertices: Vec<Vertex> = vertices.into_iter().map(vertex).collect();
    let step = |n: usize| plan::Step {
        name: format!("[{n}]"),
        stage: String::new(),
        span: crate::dockerfile::Span::default(),
        instruction: "COPY".into(),
        text: String::new(),
        vertex: VertexId(n),
        onbuild: false,
        ignore_cache: false,
        sources: Vec::new(),
        variables: std::sync::Arc::default(),
    };
    Plan {
        versions: crate::buildkit::Versions::default(),
        target: vertices.len().checked_sub(1).map(VertexId),
        steps: (0..vertices.len()).map(step).collect(),
        graph: Graph { vertices },
        target_name: "0".into(),
        image: plan::TargetImage::default(),
        errors: Vec::new(),
        warnings: Vec::new(),
        lints: Vec::new(),
    }
}

/// The context as a vertex.
pub(super) fn local() -> (Op, Vec<usize>) {
    (Op::Source(plan::Source::Local(context())), Vec::new())
}

/// `COPY src dest` on scratch, from a vertex.
pub(super) fn copy_from(vertex: usize, src: &str, dest: &str) -> (Op, Vec<usize>) {
    (Op::File(vec![copy(-1, 0, src, dest)]), vec![vertex])
}

/// `COPY src dest` on a base, from a vertex.
pub(super) fn copy_onto(base: usize, vertex: usize, src: &str, dest: &str) -> (Op, Vec<usize>) {
    (Op::File(vec![copy(0, 1, src, dest)]), vec![base, vertex])
}

fn copy(input: i64, secondary: i64, src: &str, dest: &str) -> FileAction {
    let copy = CopyAction {
        src: src.into(),
        dest: dest.into(),
        owner: None,
        mode: -1,
        mode_str: String::new(),
        follow_symlink: true,
        dir_copy_contents: true,
        attempt_unpack: false,
        create_dest_path: true,
        allow_wildcard: true,
        allow_empty_wildcard: true,
        timestamp: -1,
        include_patterns: Vec::new(),
        exclude_patterns: Vec::new(),
        required_paths: Vec::new(),
        always_replace: false,
    };
    FileAction { input, secondary, output: 0, kind: FileActionKind::Copy(copy) }
}
