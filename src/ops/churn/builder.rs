//! A builder that forgets nothing: which vertices of a build it runs, when it has built all the ones before.
//!
//! It goes from record to record as BuildKit does (`solver/cachemanager.go`, `solver/edge.go`): a vertex is found by its digest
//! and, for each input, by a record of the input's vertex or by the input's content. What is found in one way is known in the
//! other ways from then on. So a commit that brings back what an earlier one had runs nothing.

use rustc_hash::FxHashMap;

use super::moment::{Content, Moment, Node, NodeInput};
use crate::digest::Digest;

/// What becomes of a vertex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its result is remembered, or nobody asks for it.
    Cached,
    /// It runs.
    Ran,
    /// That hangs on what a program writes.
    Unknown,
}

/// What became of one vertex, and whether it is itself to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// What becomes of it.
    pub outcome: Outcome,
    /// No record has its digest: it is another operation than all before.
    pub new_operation: bool,
    /// It takes something from the client's folders that no record of its operation has.
    pub new_content: bool,
}

/// A record, as its place among all.
type Place = u32;

/// One way to an input of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    Record(Place, Option<Digest>),
    Content(Digest),
}

/// One input of an operation.
type Input = (Digest, usize);

/// All that was built so far.
#[derive(Debug, Default)]
pub struct Builder {
    /// By record: it has a result.
    results: Vec<bool>,
    /// Records of vertices without inputs.
    roots: FxHashMap<Digest, Place>,
    /// Records of an operation by a way to one of its inputs.
    links: FxHashMap<(Input, Way), Vec<Place>>,
    /// All records of an operation.
    operations: FxHashMap<Digest, Vec<Place>>,
}

impl Builder {
    /// Builds; says what became of each vertex.
    pub fn build(&mut self, moment: &Moment) -> Vec<Fate> {
        let found = self.find(moment);
        let needed = self.needed(moment, &found);
        let mut unknown = vec![false; moment.nodes.len()];
        let mut fates = Vec::with_capacity(moment.nodes.len());
        for (v, node) in moment.nodes.iter().enumerate() {
            let runs = needed[v] && !self.hit(node, &found[v]) && !node.is_local;
            unknown[v] = runs && !node.ignore_cache && self.may_match(node, &found, &unknown);
            let outcome = match (runs, unknown[v]) {
                (false, _) => Outcome::Cached,
                (true, false) => Outcome::Ran,
                (true, true) => Outcome::Unknown,
            };
            let new_operation = !node.digests.iter().any(|d| self.operations.contains_key(d));
            fates.push(Fate { outcome, new_operation, new_content: self.has_new_content(moment, node) });
        }
        self.learn(moment, found);
        fates
    }

    /// By vertex the records that it matches.
    fn find(&self, moment: &Moment) -> Vec<Vec<Place>> {
        let mut found: Vec<Vec<Place>> = Vec::with_capacity(moment.nodes.len());
        for node in &moment.nodes {
            let places =
                if node.is_local || node.ignore_cache { Vec::new() } else { self.places(node, &found) };
            found.push(places);
        }
        found
    }

    fn places(&self, node: &Node, found: &[Vec<Place>]) -> Vec<Place> {
        if node.inputs.is_empty() {
            return node.digests.iter().filter_map(|d| self.roots.get(d)).copied().collect();
        }
        let Some(digest) = node.digests.first() else { return Vec::new() };
        let mut common: Option<Vec<Place>> = None;
        for input in 0..node.inputs.len() {
            let here = self.places_of_input(*digest, node, input, found);
            common = Some(match common {
                None => here,
                Some(before) => before.into_iter().filter(|p| here.binary_search(p).is_ok()).collect(),
            });
        }
        common.unwrap_or_default()
    }

    /// The records of an operation that have one of an input's ways, ascending.
    fn places_of_input(&self, digest: Digest, node: &Node, input: usize, found: &[Vec<Place>]) -> Vec<Place> {
        let ways = ways(node, input, found);
        let linked = ways.iter().filter_map(|way| self.links.get(&((digest, input), *way)));
        let mut places: Vec<Place> = linked.flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    fn hit(&self, node: &Node, places: &[Place]) -> bool {
        places.iter().any(|p| node.is_source || self.results[*p as usize])
    }

    /// Which vertices somebody asks for: the inputs of what runs, and what a content has to be computed from.
    fn needed(&self, moment: &Moment, found: &[Vec<Place>]) -> Vec<bool> {
        let mut needed = vec![false; moment.nodes.len()];
        if let Some(target) = moment.target {
            needed[target] = true;
        }
        for (v, node) in moment.nodes.iter().enumerate().rev() {
            if !needed[v] {
                continue;
            }
            let hit = self.hit(node, &found[v]);
            for (i, input) in node.inputs.iter().enumerate() {
                needed[input.vertex] |= !hit || !self.by_record(node, i, found, &found[v]);
            }
        }
        needed
    }

    /// Whether a match was found through a record of an input's vertex.
    fn by_record(&self, node: &Node, input: usize, found: &[Vec<Place>], own: &[Place]) -> bool {
        let Some(digest) = node.digests.first() else { return false };
        let from = &node.inputs[input];
        found[from.vertex].iter().any(|place| {
            let way = Way::Record(*place, from.selector);
            let linked = self.links.get(&((*digest, input), way));
            linked.is_some_and(|places| places.iter().any(|p| own.contains(p)))
        })
    }

    /// Whether it may match a record with a result after all, once programs have written the same as before.
    fn may_match(&self, node: &Node, found: &[Vec<Place>], unknown: &[bool]) -> bool {
        let Some(digest) = node.digests.first() else { return false };
        let Some(all) = self.operations.get(digest) else { return false };
        let open = |i: usize| node.inputs[i].content == Content::Open || unknown[node.inputs[i].vertex];
        let places: Vec<Option<Vec<Place>>> = (0..node.inputs.len())
            .map(|i| (!open(i)).then(|| self.places_of_input(*digest, node, i, found)))
            .collect();
        let fits = |p: &Place| {
            let known = |o: &Option<Vec<Place>>| o.as_ref().is_none_or(|o| o.binary_search(p).is_ok());
            self.results[*p as usize] && places.iter().all(known)
        };
        places.iter().any(Option::is_none) && all.iter().any(fits)
    }

    /// Whether it takes something from the client's folders that its operation never took before.
    fn has_new_content(&self, moment: &Moment, node: &Node) -> bool {
        let Some(digest) = node.digests.first() else { return false };
        let local = |input: &NodeInput| moment.nodes[input.vertex].is_local;
        node.inputs.iter().enumerate().filter(|(_, i)| local(i)).any(|(i, input)| match input.content {
            Content::Known(content) => !self.links.contains_key(&((*digest, i), Way::Content(content))),
            Content::None | Content::Open => false,
        })
    }

    /// Takes note of everything that is there after the build.
    fn learn(&mut self, moment: &Moment, mut found: Vec<Vec<Place>>) {
        for (v, node) in moment.nodes.iter().enumerate() {
            if node.is_local {
                continue;
            }
            if found[v].is_empty() {
                found[v] = self.add(node);
            }
            for place in found[v].clone() {
                self.results[place as usize] |= node.has_result;
                self.link(node, place, &found);
            }
        }
    }

    fn add(&mut self, node: &Node) -> Vec<Place> {
        let mut places = Vec::new();
        for digest in &node.digests {
            let Ok(place) = Place::try_from(self.results.len()) else { break };
            self.results.push(false);
            self.operations.entry(*digest).or_default().push(place);
            if node.inputs.is_empty() {
                self.roots.insert(*digest, place);
            }
            places.push(place);
        }
        places
    }

    fn link(&mut self, node: &Node, place: Place, found: &[Vec<Place>]) {
        let Some(digest) = node.digests.first() else { return };
        for input in 0..node.inputs.len() {
            for way in ways(node, input, found) {
                let places = self.links.entry(((*digest, input), way)).or_default();
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
    }
}

/// The ways to an input: through the records that its vertex matches, and by content.
fn ways(node: &Node, input: usize, found: &[Vec<Place>]) -> Vec<Way> {
    let input = &node.inputs[input];
    let records = found[input.vertex].iter().map(|p| Way::Record(*p, input.selector));
    let content = match input.content {
        Content::Known(digest) => Some(Way::Content(digest)),
        Content::None | Content::Open => None,
    };
    records.chain(content).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::sha256(text)
    }

    fn node(name: &str, inputs: Vec<(usize, Content)>) -> Node {
        Node {
            digests: vec![digest(name)],
            inputs: inputs
                .into_iter()
                .map(|(vertex, content)| NodeInput { vertex, selector: None, content })
                .collect(),
            is_source: false,
            is_local: false,
            ignore_cache: false,
            has_result: true,
        }
    }

    /// FROM a base, COPY of some content, RUN, and in another stage COPY of what it wrote.
    fn moment(base: &str, content: &str) -> Moment {
        let local = Node { is_local: true, digests: Vec::new(), ..node("", vec![]) };
        let base = Node { is_source: true, ..node(base, vec![]) };
        let copy = node("copy", vec![(1, Content::None), (0, Content::Known(digest(content)))]);
        let run = node("run", vec![(2, Content::None)]);
        let take = node("take", vec![(3, Content::Open)]);
        Moment { nodes: vec![local, base, copy, run, take], target: Some(4), ..Moment::default() }
    }

    fn outcomes(builder: &mut Builder, moment: &Moment) -> Vec<Outcome> {
        builder.build(moment).into_iter().skip(1).map(|f| f.outcome).collect()
    }

    use Outcome::{Cached, Ran, Unknown};

    #[test]
    fn what_was_there_before_is_found_again_whenever_it_comes_back() {
        let mut builder = Builder::default();
        assert_eq!(outcomes(&mut builder, &moment("b", "1")), [Ran; 4]);
        assert_eq!(outcomes(&mut builder, &moment("b", "1")), [Cached; 4]);
        assert_eq!(outcomes(&mut builder, &moment("b", "2")), [Cached, Ran, Ran, Unknown]);
        assert_eq!(outcomes(&mut builder, &moment("b", "1")), [Cached; 4]);
        assert_eq!(outcomes(&mut builder, &moment("b", "2")), [Cached; 4]);
    }

    #[test]
    fn another_base_reruns_all_that_stands_on_it() {
        let mut builder = Builder::default();
        builder.build(&moment("b", "1"));
        let fates = builder.build(&moment("c", "1"));
        assert_eq!(fates[2].outcome, Ran);
        assert!(fates[1].new_operation && !fates[2].new_operation && !fates[2].new_content);
    }

    #[test]
    fn a_vertex_that_ignores_the_cache_runs_every_time() {
        let mut builder = Builder::default();
        let mut always = moment("b", "1");
        always.nodes[3].ignore_cache = true;
        builder.build(&always);
        assert_eq!(outcomes(&mut builder, &always), [Cached, Cached, Ran, Unknown]);
    }

    #[test]
    fn what_fails_leaves_no_result() {
        let mut builder = Builder::default();
        let mut broken = moment("b", "1");
        broken.nodes[3].has_result = false;
        broken.nodes[4].has_result = false;
        builder.build(&broken);
        assert_eq!(outcomes(&mut builder, &moment("b", "1")), [Cached, Cached, Ran, Ran]);
    }
}
