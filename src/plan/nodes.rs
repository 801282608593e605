//! The graph while it grows: nodes that refer to nodes. What a local source is asked for is known only at the end, and
//! equal nodes become one vertex then, as equal LLB operations have one digest (`client/llb/state.go`, `marshal`).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{
    Exec, ExecMount, FileAction, FileActionKind, Graph, LocalSource, Op, Owner, Source, StepSource, User,
    Variable, Vertex, VertexId,
};
use crate::dockerfile::Span;
use crate::image::Platform;

/// Index of a [`Node`].
pub(super) type NodeId = usize;
/// What a state gives: `None` for an empty scratch.
pub(super) type Output = Option<NodeId>;
/// Index of a set of paths that a source is asked for.
pub(super) type PathsId = usize;

/// One operation.
#[derive(Debug)]
pub(super) struct Node {
    pub work: Work,
    pub platform: Platform,
    pub open: Vec<String>,
    pub paths_open: bool,
    pub label: Option<Label>,
}

/// What a node does.
#[derive(Debug)]
pub(super) enum Work {
    /// A folder of the client's, with the set of paths asked for.
    Local(String, PathsId),
    /// Any other source.
    Source(Source),
    /// File actions, one after the other, on the output.
    File(Output, Vec<Draft>),
    /// A program; its first mount is that of the root.
    Exec(Box<Exec>, Vec<DraftMount>),
    /// Layers over each other.
    Merge(Vec<NodeId>),
}

/// A file action before its inputs have numbers.
#[derive(Debug)]
pub(super) struct Draft {
    /// What a copy takes its files from; `None` for other actions.
    pub source: Option<Output>,
    pub kind: FileActionKind,
}

/// A mount before its input has a number.
#[derive(Debug)]
pub(super) struct DraftMount {
    pub source: Output,
    pub mount: ExecMount,
}

/// How progress shows a node, and the step that it makes.
#[derive(Debug, Clone)]
pub(super) struct Label {
    /// BuildKit's name.
    pub name: String,
    /// The stage's name.
    pub stage: String,
    pub span: Span,
    pub instruction: String,
    pub text: String,
    pub onbuild: bool,
    pub ignore_cache: bool,
    /// Where the step stands: stage, instruction, part of the instruction.
    pub order: (usize, usize, usize),
    /// Written source and path that is looked up, with the action or mount that looks it up.
    pub sources: Vec<(String, String, Lookup)>,
    /// The variables in force.
    pub variables: Arc<Vec<Variable>>,
}

/// Which part of a node looks a source up.
#[derive(Debug, Clone)]
pub(super) enum Lookup {
    /// The action of this index.
    Action(usize),
    /// The mount at this target.
    Mount(String),
}

/// All nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
    paths: Vec<BTreeSet<String>>,
}

impl Nodes {
    /// Adds a node.
    pub fn add(&mut self, work: Work, platform: Platform, open: Vec<String>, label: Option<Label>) -> NodeId {
        self.nodes.push(Node { work, platform, open, paths_open: false, label });
        self.nodes.len() - 1
    }

    /// A new set of paths.
    pub fn new_paths(&mut self) -> PathsId {
        self.paths.push(BTreeSet::new());
        self.paths.len() - 1
    }

    /// Asks for a path.
    pub fn ask(&mut self, set: PathsId, path: String) {
        self.paths[set].insert(path);
    }

    /// Says that not even the paths are known that a node takes from its inputs.
    pub fn leave_paths_open(&mut self, id: NodeId) {
        self.nodes[id].paths_open = true;
    }

    /// Says where a step stands.
    pub fn place(&mut self, id: NodeId, order: (usize, usize, usize)) {
        if let Some(label) = &mut self.nodes[id].label {
            label.order = order;
        }
    }

    /// Turns everything that `target` needs into a graph.
    pub fn lower(&self, target: Output) -> Lowered {
        let mut lowered = Lowered::default();
        let mut ids: HashMap<NodeId, VertexId> = HashMap::new();
        let mut known: HashMap<Vertex, VertexId> = HashMap::new();
        for node in self.order(target) {
            let vertex = self.vertex(&self.nodes[node], &ids);
            let next = VertexId(known.len());
            let id = *known.entry(vertex).or_insert_with_key(|vertex| {
                lowered.graph.vertices.push(vertex.clone());
                lowered.labels.push(None);
                next
            });
            if let Some(label) = &self.nodes[node].label {
                lowered.labels[id.0] = Some(label.clone());
            }
            ids.insert(node, id);
        }
        lowered.target = target.map(|t| ids[&t]);
        lowered
    }

    /// The nodes in the order in which LLB marshals them: depth first, inputs before users. Of equal ones the last names
    /// the vertex.
    fn order(&self, target: Output) -> Vec<NodeId> {
        let mut done = vec![false; self.nodes.len()];
        let mut out = Vec::new();
        let mut stack: Vec<(NodeId, Vec<NodeId>)> = target.map(|t| (t, self.inputs(t))).into_iter().collect();
        while let Some((node, inputs)) = stack.last_mut() {
            match inputs.pop() {
                Some(next) if !done[next] => {
                    let inputs = self.inputs(next);
                    stack.push((next, inputs));
                }
                Some(_) => {}
                None => {
                    let node = *node;
                    if !std::mem::replace(&mut done[node], true) {
                        out.push(node);
                    }
                    stack.pop();
                }
            }
        }
        out
    }

    /// The inputs in reverse of the order in which LLB visits them (`FileOp.Inputs` begins with the last action).
    fn inputs(&self, node: NodeId) -> Vec<NodeId> {
        let mut inputs: Vec<NodeId> = match &self.nodes[node].work {
            Work::Local(..) | Work::Source(_) => Vec::new(),
            Work::File(base, actions) => {
                let sources = actions.iter().rev().filter_map(|a| a.source.flatten());
                base.iter().copied().chain(sources).collect()
            }
            Work::Exec(_, mounts) => mounts.iter().filter_map(|m| m.source).collect(),
            Work::Merge(inputs) => inputs.clone(),
        };
        inputs.reverse();
        inputs
    }

    fn vertex(&self, node: &Node, ids: &HashMap<NodeId, VertexId>) -> Vertex {
        let mut inputs = Inputs { ids, list: Vec::new() };
        let op = match &node.work {
            Work::Local(name, set) => {
                Op::Source(Source::Local(LocalSource { name: name.clone(), follow_paths: self.follow(*set) }))
            }
            Work::Source(source) => Op::Source(source.clone()),
            Work::File(base, actions) => file_op(*base, actions, &mut inputs),
            Work::Exec(exec, mounts) => exec_op(exec, mounts, &mut inputs),
            Work::Merge(merged) => {
                inputs.list = merged.iter().map(|i| ids[i]).collect();
                Op::Merge
            }
        };
        Vertex {
            op,
            inputs: inputs.list,
            platform: node.platform.clone(),
            open: node.open.clone(),
            paths_open: node.paths_open,
        }
    }

    /// `normalizeContextPaths`: relative and sorted; empty when everything is wanted.
    fn follow(&self, set: PathsId) -> Vec<Vec<u8>> {
        let paths = &self.paths[set];
        if paths.contains("/") {
            return Vec::new();
        }
        let mut out: Vec<Vec<u8>> =
            paths.iter().map(|p| crate::gopath::join(&[b".", p.as_bytes()])).collect();
        out.sort();
        out
    }
}

/// The inputs of a vertex, each once.
struct Inputs<'a> {
    ids: &'a HashMap<NodeId, VertexId>,
    list: Vec<VertexId>,
}

impl Inputs<'_> {
    /// The number of an input; -1 for none.
    fn number(&mut self, output: Output) -> i64 {
        let Some(id) = output.map(|o| self.ids[&o]) else { return -1 };
        let at = self.list.iter().position(|i| *i == id).unwrap_or_else(|| {
            self.list.push(id);
            self.list.len() - 1
        });
        count(at)
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).expect("far fewer inputs than that")
}

/// `FileOp.Marshal`: inputs first, then actions count.
fn file_op(base: Output, drafts: &[Draft], inputs: &mut Inputs<'_>) -> Op {
    let base = inputs.number(base);
    let secondaries: Vec<i64> = drafts.iter().map(|d| d.source.map_or(-1, |s| inputs.number(s))).collect();
    let first = count(inputs.list.len());
    let mut actions = Vec::with_capacity(drafts.len());
    for (i, (draft, secondary)) in drafts.iter().zip(secondaries).enumerate() {
        let mut kind = draft.kind.clone();
        owner_of(&mut kind).iter_mut().for_each(|o| o.look_up_in(base));
        actions.push(FileAction {
            input: if i == 0 { base } else { first + count(i) - 1 },
            secondary,
            output: if i + 1 == drafts.len() { 0 } else { -1 },
            kind,
        });
    }
    Op::File(actions)
}

fn owner_of(kind: &mut FileActionKind) -> &mut Option<Owner> {
    match kind {
        FileActionKind::Copy(copy) => &mut copy.owner,
        FileActionKind::Mkdir { owner, .. } | FileActionKind::Mkfile { owner, .. } => owner,
    }
}

impl Owner {
    fn look_up_in(&mut self, base: i64) {
        for part in [&mut self.user, &mut self.group].into_iter().flatten() {
            if let User::Name(_, input) = part {
                *input = base;
            }
        }
    }
}

fn exec_op(exec: &Exec, drafts: &[DraftMount], inputs: &mut Inputs<'_>) -> Op {
    let mut exec = exec.clone();
    for draft in drafts {
        let input = inputs.number(draft.source);
        exec.mounts.push(ExecMount { input, ..draft.mount.clone() });
    }
    Op::Exec(exec)
}

/// A graph and the labels of its vertices.
#[derive(Debug, Default)]
pub(super) struct Lowered {
    pub graph: Graph,
    pub target: Option<VertexId>,
    /// By vertex.
    pub labels: Vec<Option<Label>>,
}

impl Lowered {
    /// The steps, in the order of the Dockerfile.
    pub fn steps(&self) -> Vec<super::Step> {
        let labels = self.labels.iter().enumerate();
        let mut labels: Vec<(usize, &Label)> = labels.filter_map(|(i, l)| Some((i, l.as_ref()?))).collect();
        labels.sort_by_key(|(_, l)| l.order);
        labels.into_iter().map(|(i, label)| self.step(i, label)).collect()
    }

    fn step(&self, vertex: usize, label: &Label) -> super::Step {
        let op = &self.graph.vertices[vertex].op;
        let source = |(written, path, lookup): &(String, String, Lookup)| StepSource {
            written: written.clone(),
            path: path.clone(),
            input: looked_up(op, lookup),
        };
        super::Step {
            name: label.name.clone(),
            stage: label.stage.clone(),
            span: label.span,
            instruction: label.instruction.clone(),
            text: label.text.clone(),
            vertex: VertexId(vertex),
            onbuild: label.onbuild,
            ignore_cache: label.ignore_cache,
            sources: label.sources.iter().map(source).collect(),
            variables: label.variables.clone(),
        }
    }
}

fn looked_up(op: &Op, lookup: &Lookup) -> Option<usize> {
    let input = match (op, lookup) {
        (Op::File(actions), Lookup::Action(i)) => actions.get(*i)?.secondary,
        (Op::Exec(exec), Lookup::Mount(target)) => {
            exec.mounts.iter().rev().find(|m| m.dest == *target)?.input
        }
        _ => return None,
    };
    usize::try_from(input).ok()
}
