//! Which steps a builder finds in what it remembers: BuildKit's way from record to record (`solver/edge.go`,
//! `solver/cachemanager.go`).
//!
//! A vertex matches a record that has its digest and, for each of its inputs, an alternative that points at a record which
//! the input's vertex matches (under the same selector), or at the input's content key. Where something isn't known offline
//! the same walk is done under several [`Policy`]s: what matches for sure, what might match, and what matches if every name
//! still stands for the same image.

use rustc_hash::FxHashMap;

use super::Verdict;
use crate::cache::{Remembered, RememberedLink, RememberedRecord};
use crate::digest::Digest;
use crate::snapshot::{ContentState, InputState, Snapshot, VertexKind};

/// What a builder that remembers some records does with each vertex.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookup {
    /// By vertex of the snapshot.
    pub vertices: Vec<Found>,
}

/// What becomes of one vertex.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether it runs.
    pub verdict: Verdict,
    /// For [`Verdict::Unknown`]: whether it runs if every name still stands for the same image, URL or repository; `None` when
    /// that doesn't decide, because it hangs on what a program writes.
    pub likely: Option<Verdict>,
    /// The records that it matches for sure, as places in [`Remembered::records`].
    pub records: Vec<usize>,
    /// A record with its digest is remembered, whatever the inputs are.
    pub own: bool,
    /// The record with its digest that fits best, as a place in [`Remembered::records`].
    pub best: Option<usize>,
    /// By input: whether it matches in that record; empty when there is none.
    pub inputs: Vec<bool>,
    /// It matches records, but none of them has a result, and it is needed.
    pub no_result: bool,
}

/// Looks up every vertex of `now` in what is remembered.
pub fn lookup(remembered: &Remembered, now: &Snapshot) -> Lookup {
    let index = Index::of(remembered);
    let walk = |policy| Walk::run(&index, now, policy);
    let sure = walk(Policy { names: Names::Known, open_contents: false });
    let likely = walk(Policy { names: Names::Same, open_contents: false });
    let likely_open = walk(Policy { names: Names::Same, open_contents: true });
    let possible = walk(Policy { names: Names::Any, open_contents: true });
    let found = |v: usize| {
        let verdict = match (sure.cached[v], possible.cached[v]) {
            (true, _) => Verdict::Cached,
            (false, false) => Verdict::Rerun,
            (false, true) => Verdict::Unknown,
        };
        let guess = match (likely.cached[v], likely_open.cached[v]) {
            (true, _) => Some(Verdict::Cached),
            (false, false) => Some(Verdict::Rerun),
            (false, true) => None,
        };
        let best = sure.best(v);
        Found {
            verdict,
            likely: guess.filter(|_| verdict == Verdict::Unknown),
            own: best.is_some(),
            best: best.as_ref().map(|(place, _)| *place),
            inputs: best.map(|(_, inputs)| inputs).unwrap_or_default(),
            no_result: verdict == Verdict::Rerun && !sure.matches[v].is_empty(),
            records: sure.matches[v].clone(),
        }
    };
    Lookup { vertices: (0..now.vertices.len()).map(found).collect() }
}

/// What counts as a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Policy {
    names: Names,
    /// A content that isn't known may be any.
    open_contents: bool,
}

/// What becomes of digests that aren't known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Only digests that are known count.
    Known,
    /// Equal stand-ins count as equal: the same name is the same image.
    Same,
    /// Anything may be behind a stand-in.
    Any,
}

/// Records by digest.
struct Index<'a> {
    remembered: &'a Remembered,
    by_digest: FxHashMap<Digest, Vec<usize>>,
    stand_ins: Vec<usize>,
}

impl<'a> Index<'a> {
    fn of(remembered: &'a Remembered) -> Self {
        let mut index = Self { remembered, by_digest: FxHashMap::default(), stand_ins: Vec::new() };
        for (place, record) in remembered.records.iter().enumerate() {
            index.by_digest.entry(record.digest).or_default().push(place);
            if record.stand_in {
                index.stand_ins.push(place);
            }
        }
        index
    }
}

/// One walk over the graph, inputs before users.
struct Walk<'a> {
    index: &'a Index<'a>,
    remembered: &'a Remembered,
    now: &'a Snapshot,
    policy: Policy,
    /// By vertex: the records that it matches, ascending.
    matches: Vec<Vec<usize>>,
    /// By vertex: whether it need not run.
    cached: Vec<bool>,
}

impl<'a> Walk<'a> {
    fn run(index: &'a Index<'a>, now: &'a Snapshot, policy: Policy) -> Self {
        let remembered = index.remembered;
        let mut walk = Self { index, remembered, now, policy, matches: Vec::new(), cached: Vec::new() };
        for vertex in 0..now.vertices.len() {
            let matches = walk.matches_of(vertex);
            walk.matches.push(matches);
        }
        walk.cached = walk.cached_vertices();
        walk
    }

    fn matches_of(&self, vertex: usize) -> Vec<usize> {
        let state = &self.now.vertices[vertex];
        // Dependents can't find records through a vertex that is forced to run (`edge.go`, `processExecReq`).
        if state.kind == VertexKind::Local || state.ignore_cache {
            return Vec::new();
        }
        let fits = |place: &usize| {
            let record = &self.remembered.records[*place];
            self.same_operation(vertex, record)
                && record.inputs.len() == state.inputs.len()
                && state.inputs.iter().zip(&record.inputs).all(|(i, alternatives)| {
                    self.by_definition(i, alternatives) || self.by_content(i, record, alternatives)
                })
        };
        let mut matches: Vec<usize> = self.candidates(vertex).into_iter().filter(fits).collect();
        matches.sort_unstable();
        matches.dedup();
        matches
    }

    /// The records that may have the vertex's digest.
    fn candidates(&self, vertex: usize) -> Vec<usize> {
        let own = || self.own(vertex);
        if self.policy.names == Names::Any && own().any(|r| r.stand_in) {
            return (0..self.remembered.records.len()).collect();
        }
        let equal = own().filter_map(|r| self.index.by_digest.get(&r.digest)).flatten().copied();
        let any: &[usize] = if self.policy.names == Names::Any { &self.index.stand_ins } else { &[] };
        equal.chain(any.iter().copied()).collect()
    }

    /// The vertex's own records.
    fn own(&self, vertex: usize) -> impl Iterator<Item = &'a RememberedRecord> {
        let now = self.now;
        now.vertices[vertex].records.iter().map(|r| &now.remembered.records[*r])
    }

    /// Whether the vertex has the record's digest.
    fn same_operation(&self, vertex: usize, record: &RememberedRecord) -> bool {
        let state = &self.now.vertices[vertex];
        self.own(vertex).any(|own| {
            let equal = own.digest == record.digest && own.stand_in == record.stand_in;
            match (own.stand_in || record.stand_in, self.policy.names) {
                (false, _) | (true, Names::Same) => equal,
                (true, Names::Known) => false,
                // The words of a program are known also where its base isn't: other words are another operation.
                (true, Names::Any) => {
                    equal || !(own.stand_in && record.stand_in && state.kind == VertexKind::Exec)
                }
            }
        })
    }

    /// Whether an alternative points at a record that the input's vertex matches.
    fn by_definition(&self, input: &InputState, alternatives: &[RememberedLink]) -> bool {
        let matches = &self.matches[input.vertex];
        alternatives.iter().any(|a| a.selector == input.selector && matches.binary_search(&a.record).is_ok())
    }

    /// Whether an alternative points at the input's content.
    fn by_content(
        &self,
        input: &InputState,
        record: &RememberedRecord,
        alternatives: &[RememberedLink],
    ) -> bool {
        // Where a content was known when this was recorded, it is not that which is missing.
        let unknown_then = || record.partial && self.contents(alternatives).next().is_none();
        let may_be_any = self.policy.open_contents && unknown_then();
        match &input.content {
            ContentState::None | ContentState::Failed => false,
            ContentState::Known { record: content, .. } => {
                may_be_any || self.contents(alternatives).any(|digest| digest == *content)
            }
            ContentState::Open(_) => {
                self.policy.open_contents && (record.partial || self.contents(alternatives).next().is_some())
            }
        }
    }

    /// The content keys among alternatives.
    fn contents(&self, alternatives: &[RememberedLink]) -> impl Iterator<Item = Digest> {
        let roots = alternatives.iter().filter(|a| a.selector.is_none());
        let records = roots.map(|a| &self.remembered.records[a.record]);
        records.filter(|r| r.inputs.is_empty() && !r.stand_in).map(|r| r.digest)
    }

    /// Which vertices need not run: those with a result, and those that nobody asks for because of it.
    fn cached_vertices(&self) -> Vec<bool> {
        let vertices = &self.now.vertices;
        let mut needed = vec![false; vertices.len()];
        if let Some(target) = self.now.target {
            needed[target] = true;
        }
        let hit = |v: usize| {
            let is_source = vertices[v].inputs.is_empty() && vertices[v].kind != VertexKind::File;
            self.matches[v].iter().any(|r| is_source || self.remembered.records[*r].result)
        };
        for vertex in (0..vertices.len()).rev() {
            if !needed[vertex] {
                continue;
            }
            for (place, input) in vertices[vertex].inputs.iter().enumerate() {
                // A content key is made from the input itself.
                needed[input.vertex] |= !hit(vertex) || !self.found_by_definition(vertex, place, input);
            }
        }
        (0..vertices.len()).map(|v| hit(v) || !needed[v] && !self.matches[v].is_empty()).collect()
    }

    fn found_by_definition(&self, vertex: usize, place: usize, input: &InputState) -> bool {
        let records = self.matches[vertex].iter().map(|r| &self.remembered.records[*r]);
        records.into_iter().any(|r| self.by_definition(input, &r.inputs[place]))
    }

    /// The record with the vertex's digest that fits best, and which inputs match in it.
    fn best(&self, vertex: usize) -> Option<(usize, Vec<bool>)> {
        let state = &self.now.vertices[vertex];
        let same = |place: &usize| {
            let record = &self.remembered.records[*place];
            record.inputs.len() == state.inputs.len() && self.same_operation(vertex, record)
        };
        let inputs = |place: usize| {
            let record = &self.remembered.records[place];
            let pairs = state.inputs.iter().zip(&record.inputs);
            let matches = pairs.map(|(i, a)| self.by_definition(i, a) || self.by_content(i, record, a));
            (place, matches.collect::<Vec<bool>>())
        };
        let records = self.candidates(vertex).into_iter().filter(same).map(inputs);
        records.max_by_key(|(_, inputs)| inputs.iter().filter(|m| **m).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Picked, VertexState};

    /// A graph that is built up vertex by vertex, with the records that building it leaves behind.
    #[derive(Default, Clone)]
    struct Graph(Snapshot);

    /// An input: the vertex, and its content if it has a key.
    type Input<'a> = (usize, ContentState, Option<&'a str>);

    fn digest(text: &str) -> Digest {
        Digest::sha256(text)
    }

    fn content(text: &str) -> ContentState {
        ContentState::Known { record: digest(text), picked: Vec::<Picked>::new() }
    }

    fn written() -> ContentState {
        ContentState::Open("what a program wrote".into())
    }

    impl Graph {
        fn local(&mut self) -> usize {
            self.push(VertexState { kind: VertexKind::Local, ..VertexState::default() })
        }

        fn image(&mut self, name: &str, known: bool) -> usize {
            let record = self.record(name, Vec::new(), !known, false);
            self.push(VertexState {
                kind: VertexKind::Image,
                records: vec![record],
                ..VertexState::default()
            })
        }

        /// An operation; on something unknown it is a stand-in, as its record's digest would be.
        fn step(&mut self, kind: VertexKind, name: &str, known: bool, inputs: &[Input<'_>]) -> usize {
            let alternatives = |graph: &mut Self, (vertex, content, selector): &Input<'_>| {
                let selector = selector.map(digest);
                let records = graph.0.vertices[*vertex].records.clone();
                let mut links: Vec<RememberedLink> =
                    records.into_iter().map(|record| RememberedLink { record, selector }).collect();
                if let ContentState::Known { record, .. } = content {
                    let root = RememberedRecord {
                        digest: *record,
                        inputs: Vec::new(),
                        result: false,
                        partial: false,
                        stand_in: false,
                    };
                    graph.0.remembered.records.push(root);
                    let record = graph.0.remembered.records.len() - 1;
                    links.push(RememberedLink { record, selector: None });
                }
                links
            };
            let links = inputs.iter().map(|i| alternatives(self, i)).collect();
            let partial = inputs.iter().any(|i| matches!(i.1, ContentState::Open(_)));
            let record = self.record(name, links, !known, partial);
            let inputs = inputs.iter().map(|(vertex, content, selector)| InputState {
                vertex: *vertex,
                content: content.clone(),
                selector: selector.map(digest),
            });
            let inputs = inputs.collect();
            self.push(VertexState { kind, records: vec![record], inputs, ..VertexState::default() })
        }

        fn record(
            &mut self,
            name: &str,
            inputs: Vec<Vec<RememberedLink>>,
            stand_in: bool,
            partial: bool,
        ) -> usize {
            let record = RememberedRecord { digest: digest(name), inputs, result: true, partial, stand_in };
            self.0.remembered.records.push(record);
            self.0.remembered.records.len() - 1
        }

        fn push(&mut self, vertex: VertexState) -> usize {
            self.0.vertices.push(vertex);
            self.0.target = Some(self.0.vertices.len() - 1);
            self.0.vertices.len() - 1
        }

        fn verdicts(&self, before: &Self) -> Vec<Verdict> {
            lookup(&before.0.remembered, &self.0).vertices.into_iter().map(|f| f.verdict).collect()
        }
    }

    /// `FROM base`, `COPY`, `RUN`, and a stage that takes what the program wrote.
    fn build(base: &str, known: bool, file: &str, run: &str) -> Graph {
        let mut graph = Graph::default();
        let local = graph.local();
        let base = graph.image(base, known);
        let none = || ContentState::None;
        let copy =
            graph.step(VertexKind::File, "copy", true, &[(base, none(), None), (local, content(file), None)]);
        let run = graph.step(VertexKind::Exec, run, known, &[(copy, none(), Some("/"))]);
        let out = graph.step(VertexKind::File, "from", true, &[(run, written(), Some("/out"))]);
        graph.step(VertexKind::Exec, "last", true, &[(out, none(), Some("/"))]);
        graph
    }

    use Verdict::{Cached, Rerun, Unknown};

    #[test]
    fn nothing_changed_nothing_reruns() {
        let graph = build("base", true, "a", "make");
        assert_eq!(graph.verdicts(&graph)[1..], [Cached; 5]);
    }

    #[test]
    fn what_hangs_on_a_programs_output_is_unknown() {
        let (before, after) = (build("base", true, "a", "make"), build("base", true, "b", "make"));
        assert_eq!(after.verdicts(&before)[1..], [Cached, Rerun, Rerun, Unknown, Unknown]);
        assert_eq!(lookup(&before.0.remembered, &after.0).vertices[4].likely, None);
    }

    #[test]
    fn an_unknown_base_leaves_open_what_stands_on_it_but_not_what_changed() {
        let (before, after) = (build("base", false, "a", "make"), build("base", false, "b", "make"));
        let same = lookup(&before.0.remembered, &before.0).vertices;
        assert_eq!(same.iter().map(|f| f.verdict).collect::<Vec<_>>()[1..], [Unknown; 5]);
        assert_eq!(same.iter().map(|f| f.likely).collect::<Vec<_>>()[1..], [Some(Cached); 5]);
        assert_eq!(after.verdicts(&before)[1..4], [Unknown, Rerun, Rerun]);
        let other = build("base", false, "a", "make -j");
        assert_eq!(other.verdicts(&before)[1..4], [Unknown, Unknown, Rerun]);
    }

    #[test]
    fn what_a_record_lacks_is_not_the_content_that_it_has() {
        let (mut before, after) = (build("base", false, "a", "make"), build("base", false, "b", "make"));
        let place = before.0.vertices[2].records[0];
        before.0.remembered.records[place].partial = true;
        assert_eq!(after.verdicts(&before)[1..4], [Unknown, Rerun, Rerun]);
    }

    #[test]
    fn another_name_of_an_unknown_base_may_be_the_same_image() {
        let (before, after) = (build("base:1", false, "a", "make"), build("base:2", false, "a", "make"));
        let found = lookup(&before.0.remembered, &after.0).vertices;
        assert_eq!((found[1].verdict, found[1].likely), (Unknown, Some(Rerun)));
        let known = build("base:2", true, "a", "make");
        assert_eq!(known.verdicts(&build("base:1", true, "a", "make"))[1..3], [Rerun, Rerun]);
    }

    #[test]
    fn dependents_of_a_forced_step_find_it_by_content_only() {
        let before = build("base", true, "a", "make");
        let mut after = before.clone();
        after.0.vertices[2].ignore_cache = true;
        assert_eq!(after.verdicts(&before)[1..], [Cached, Rerun, Rerun, Unknown, Unknown]);
        after.0.vertices[4].inputs[0].content = content("out");
        let mut known = before.clone();
        known.0.remembered.records.push(RememberedRecord {
            digest: digest("out"),
            inputs: Vec::new(),
            result: false,
            partial: false,
            stand_in: false,
        });
        let root = known.0.remembered.records.len() - 1;
        let place = known.0.vertices[4].records[0];
        let out = &mut known.0.remembered.records[place];
        out.inputs[0].push(RememberedLink { record: root, selector: None });
        out.partial = false;
        assert_eq!(after.verdicts(&known)[1..], [Cached, Rerun, Rerun, Cached, Cached]);
    }

    #[test]
    fn a_later_result_makes_earlier_ones_unneeded() {
        let mut before = build("base", true, "a", "make");
        let without = |graph: &mut Graph, vertex: usize| {
            let place = graph.0.vertices[vertex].records[0];
            graph.0.remembered.records[place].result = false;
        };
        let after = before.clone();
        (2..5).for_each(|v| without(&mut before, v));
        assert_eq!(after.verdicts(&before)[1..], [Cached; 5]);
        without(&mut before, 5);
        let found = lookup(&before.0.remembered, &after.0).vertices;
        assert!(found[2..].iter().all(|f| f.verdict == Rerun && f.no_result), "{found:#?}");
    }

    #[test]
    fn the_input_that_does_not_match_is_named() {
        let (before, after) = (build("base", true, "a", "make"), build("base", true, "b", "make"));
        let found = lookup(&before.0.remembered, &after.0).vertices;
        assert_eq!((found[2].own, found[2].inputs.as_slice()), (true, &[true, false][..]));
        let unheard = build("base", true, "a", "cc");
        assert!(!lookup(&before.0.remembered, &unheard.0).vertices[3].own);
    }
}
