//! The records of a cache export, merged and ordered as BuildKit does it (`cache/remotecache/v1/chains.go`, `utils.go`).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::keys::{Link, Record};
use crate::digest::Digest;

/// A record under construction.
pub(super) type ItemId = usize;

/// A link to an item with an optional selector.
pub(super) type Alternative = (ItemId, Option<Digest>);

/// How an item is reached from one of its parents.
type Edge = (Option<Digest>, usize, Digest);

/// All records of an export.
#[derive(Debug, Default)]
pub(super) struct Export {
    items: Vec<Item>,
    roots: FxHashMap<Digest, ItemId>,
}

#[derive(Debug)]
struct Item {
    digest: Digest,
    parents: Vec<BTreeSet<Alternative>>,
    children: BTreeMap<Edge, BTreeSet<ItemId>>,
    partial: bool,
    /// The item that this one was merged into.
    merged: Option<ItemId>,
}

impl Export {
    /// Adds a record without inputs.
    pub fn root(&mut self, digest: Digest) -> ItemId {
        if let Some(id) = self.roots.get(&digest) {
            return *id;
        }
        let id = self.push(digest, 0);
        self.roots.insert(digest, id);
        id
    }

    /// Adds a record with inputs, or its alternatives to the record that it equals: one with the same digest that shares
    /// an alternative for every input.
    pub fn add(&mut self, digest: Digest, mut inputs: Vec<Vec<Alternative>>, partial: bool) -> ItemId {
        inputs.iter_mut().flatten().for_each(|(id, _)| *id = self.find(*id));
        let mut same = self.equal_items(&digest, &inputs).into_iter();
        let id = match same.next() {
            None => self.push(digest, inputs.len()),
            Some(first) => {
                same.for_each(|other| self.merge(first, other));
                let below = self.descendants(first);
                inputs.iter_mut().for_each(|i| i.retain(|(parent, _)| !below.contains(parent)));
                first
            }
        };
        self.items[id].partial |= partial;
        for (i, alternatives) in inputs.into_iter().enumerate() {
            for (parent, selector) in alternatives {
                self.link(parent, id, i, selector);
            }
        }
        id
    }

    fn push(&mut self, digest: Digest, inputs: usize) -> ItemId {
        let parents = vec![BTreeSet::new(); inputs];
        self.items.push(Item { digest, parents, children: BTreeMap::new(), partial: false, merged: None });
        self.items.len() - 1
    }

    /// The item that an id stands for after merges.
    fn find(&self, mut id: ItemId) -> ItemId {
        while let Some(next) = self.items[id].merged {
            id = next;
        }
        id
    }

    fn link(&mut self, parent: ItemId, child: ItemId, input: usize, selector: Option<Digest>) {
        let edge = (selector, input, self.items[child].digest);
        self.items[parent].children.entry(edge).or_default().insert(child);
        self.items[child].parents[input].insert((parent, selector));
    }

    fn equal_items(&self, digest: &Digest, inputs: &[Vec<Alternative>]) -> BTreeSet<ItemId> {
        let of_input = |(i, alternatives): (usize, &Vec<Alternative>)| -> Vec<&BTreeSet<ItemId>> {
            let children =
                |(id, selector): &Alternative| self.items[*id].children.get(&(*selector, i, *digest));
            alternatives.iter().filter_map(children).collect()
        };
        let sets: Vec<Vec<&BTreeSet<ItemId>>> = inputs.iter().enumerate().map(of_input).collect();
        let size = |s: &Vec<&BTreeSet<ItemId>>| s.iter().map(|s| s.len()).sum::<usize>();
        let Some(smallest) = sets.iter().min_by_key(|s| size(s)) else { return BTreeSet::new() };
        let everywhere = |id: &&ItemId| sets.iter().all(|s| s.iter().any(|s| s.contains(*id)));
        smallest.iter().copied().flatten().filter(everywhere).copied().collect()
    }

    /// Makes `other` a part of `main`.
    fn merge(&mut self, main: ItemId, other: ItemId) {
        let Item { parents, children, partial, .. } = &mut self.items[other];
        let (parents, children, partial) = (std::mem::take(parents), std::mem::take(children), *partial);
        self.items[other].merged = Some(main);
        self.items[main].partial |= partial;
        for (input, (parent, selector)) in
            parents.into_iter().enumerate().flat_map(|(i, p)| p.into_iter().map(move |p| (i, p)))
        {
            let edge = (selector, input, self.items[main].digest);
            if let Some(set) = self.items[parent].children.get_mut(&edge) {
                set.remove(&other);
            }
            self.link(parent, main, input, selector);
        }
        for ((selector, input, _), child) in
            children.into_iter().flat_map(|(e, c)| c.into_iter().map(move |c| (e, c)))
        {
            self.items[child].parents[input].remove(&(other, selector));
            self.link(main, child, input, selector);
        }
    }

    /// An item and all that hang on it: none of them may become its input.
    fn descendants(&self, id: ItemId) -> BTreeSet<ItemId> {
        let mut seen = BTreeSet::from([id]);
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            for child in self.items[id].children.values().flatten() {
                if seen.insert(*child) {
                    open.push(*child);
                }
            }
        }
        seen
    }

    /// The records in BuildKit's order. Without a record that has inputs there is none: records without inputs are
    /// exported without layers, and a config without layers isn't written.
    pub fn finish(self) -> Vec<Record> {
        if self.items.iter().all(|i| i.parents.is_empty()) {
            return Vec::new();
        }
        self.finish_all().0
    }

    /// The records in BuildKit's order, also where nothing is exported; and for each item the place of its record.
    pub fn finish_all(self) -> (Vec<Record>, Vec<usize>) {
        let mut order: Vec<ItemId> =
            (0..self.items.len()).filter(|i| self.items[*i].merged.is_none()).collect();
        order.sort_by(|a, b| self.compare(*a, *b));
        let mut place = vec![0; self.items.len()];
        for (n, id) in order.iter().enumerate() {
            place[*id] = n;
        }
        let records = order.iter().map(|id| self.record(*id, &place)).collect();
        (records, (0..place.len()).map(|id| place[self.find(id)]).collect())
    }

    fn record(&self, id: ItemId, place: &[usize]) -> Record {
        let item = &self.items[id];
        let input = |alternatives: &BTreeSet<Alternative>| {
            let link = |(id, selector): &Alternative| Link {
                record: place[*id],
                digest: self.items[*id].digest,
                selector: *selector,
            };
            let mut links: Vec<Link> = alternatives.iter().map(link).collect();
            links.sort_unstable();
            links
        };
        Record {
            digest: item.digest,
            inputs: item.parents.iter().map(input).collect(),
            partial: item.partial,
        }
    }

    /// By digest, then by number of inputs and of alternatives, then by selectors and linked digests.
    fn compare(&self, a: ItemId, b: ItemId) -> Ordering {
        let (a, b) = (&self.items[a], &self.items[b]);
        let outline = |i: &Item| (i.digest, i.parents.len());
        let detail = |i: &Item| i.parents.iter().map(|p| self.links(p)).collect::<Vec<_>>();
        outline(a).cmp(&outline(b)).then_with(|| detail(a).cmp(&detail(b)))
    }

    /// How many alternatives there are, then each as selector and linked digest.
    fn links(&self, alternatives: &BTreeSet<Alternative>) -> (usize, Vec<(Option<Digest>, Digest)>) {
        let mut links: Vec<_> = alternatives.iter().map(|(id, s)| (*s, self.items[*id].digest)).collect();
        links.sort_unstable();
        (links.len(), links)
    }
}
