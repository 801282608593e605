//! A tree of any size → one that a page can hold: small items are gathered into their folder.
//!
//! No byte and no file is lost by that: what is gathered stands in its folder as one item for each state that the page tells apart.

use std::collections::BTreeMap;

use super::hold::HoldState;
use super::tree::Tree;

/// A node of the page.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Its name; of folders with nothing else in them, several with slashes between. Empty for what is gathered.
    pub name: Vec<u8>,
    /// How deep it lies: 0 for the top.
    pub depth: usize,
    /// What is in it, by place, the heaviest in bytes first.
    pub children: Vec<usize>,
    /// Its bytes.
    pub bytes: u64,
    /// Its files.
    pub files: u64,
    /// Bytes and files of what is in view.
    pub in_view: (u64, u64),
    /// What is known of it.
    pub state: HoldState,
}

/// The nodes of a page, each folder followed by all that is in it.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The nodes; the first one is the top.
    pub nodes: Vec<Kept>,
    /// How many files are gathered.
    pub gathered: u64,
}

/// The kind of an item that stands for several files.
pub const GATHERED: &str = "gathered";
/// So many changed files have places of their own, however small they are.
const CHANGED: usize = 4000;

/// Keeps at most about `room` items, and gathers the others.
pub fn gather(tree: &Tree, room: usize) -> Page {
    let kept = if tree.0.len() <= room { vec![true; tree.0.len()] } else { choose(tree, room) };
    let mut page = Page::default();
    // Nodes that wait to be written, with their depth and the folder of the page that they are in.
    let mut waiting = vec![(Item::Node(0), 0, None)];
    while let Some((item, depth, folder)) = waiting.pop() {
        let at = page.nodes.len();
        match item {
            Item::Node(node) => {
                let (name, node) = chain(tree, &kept, node);
                let inside = inside(tree, &kept, node);
                page.nodes.push(Kept { depth, ..of_node(tree, node, name) });
                waiting.extend(inside.into_iter().rev().map(|item| (item, depth + 1, Some(at))));
            }
            Item::Gathered(state, bytes, files) => {
                page.gathered += files;
                let in_view = if state.hidden.is_none() { (bytes, files) } else { (0, 0) };
                page.nodes.push(Kept { depth, bytes, files, in_view, state, ..Kept::default() });
            }
        }
        if let Some(folder) = folder {
            let folder: usize = folder;
            page.nodes[folder].children.push(at);
        }
    }
    page
}

/// What stands in a folder of the page.
enum Item {
    Node(usize),
    Gathered(HoldState, u64, u64),
}

fn of_node(tree: &Tree, at: usize, name: Vec<u8>) -> Kept {
    let node = &tree.0[at];
    let state = node.state.unwrap_or(HoldState { kind: "dir", ..HoldState::default() });
    Kept { name, bytes: node.bytes, files: node.files, in_view: node.in_view, state, ..Kept::default() }
}

/// The last folder of a row of folders that have nothing else in them, and its name with theirs.
fn chain(tree: &Tree, kept: &[bool], mut at: usize) -> (Vec<u8>, usize) {
    let mut name = tree.0[at].name.clone();
    while at > 0 {
        let mut filled = tree.0[at].children.iter().filter(|c| tree.0[**c].files > 0);
        match (filled.next(), filled.next()) {
            (Some(only), None) if kept[*only] && tree.0[*only].is_folder() => {
                name.push(b'/');
                name.extend(&tree.0[*only].name);
                at = *only;
            }
            _ => break,
        }
    }
    (name, at)
}

/// What the page shows in a folder, the heaviest first.
fn inside(tree: &Tree, kept: &[bool], folder: usize) -> Vec<Item> {
    let mut out = Vec::new();
    let mut small: BTreeMap<HoldState, (u64, u64, usize, usize)> = BTreeMap::new();
    for child in tree.0[folder].children.iter().copied().filter(|c| tree.0[*c].files > 0) {
        if kept[child] {
            out.push(Item::Node(child));
        } else {
            each_file(tree, child, |at| {
                let node = &tree.0[at];
                let state = node.state.unwrap_or_default();
                let sum = small.entry(HoldState { kind: GATHERED, mode: None, ..state }).or_default();
                *sum = (sum.0 + node.bytes, sum.1 + 1, sum.2 + 1, at);
            });
        }
    }
    let direct = |at: usize| tree.0[at].parent == folder;
    out.extend(small.into_iter().map(|(state, (bytes, files, count, last))| {
        // One alone may as well have its own name.
        if count == 1 && direct(last) { Item::Node(last) } else { Item::Gathered(state, bytes, files) }
    }));
    let weight = |item: &Item| match item {
        Item::Node(at) => (tree.0[*at].bytes, tree.0[*at].files),
        Item::Gathered(_, bytes, files) => (*bytes, *files),
    };
    out.sort_by_key(|item| std::cmp::Reverse(weight(item)));
    out
}

/// Every file at or below a node.
fn each_file(tree: &Tree, from: usize, mut found: impl FnMut(usize)) {
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if tree.0[at].is_folder() {
            open.extend(&tree.0[at].children);
        } else {
            found(at);
        }
    }
}

/// Which nodes are kept, a kept one's folders among them: a third of the room is for the heaviest folders, a third for the heaviest files,
/// a third for the heaviest of every folder; and changed files beside that.
fn choose(tree: &Tree, room: usize) -> Vec<bool> {
    let mut kept = vec![false; tree.0.len()];
    kept[0] = true;
    let third = (room / 3).max(1);
    let weight = |at: &usize| share(tree, *at);
    let (mut folders, files): (Vec<usize>, Vec<usize>) =
        (1..tree.0.len()).filter(|at| tree.0[*at].files > 0).partition(|at| tree.0[*at].is_folder());
    // Stable, and a folder stands before what is in it, so that whatever is kept has its folders.
    folders.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    folders.iter().take(third).for_each(|at| kept[*at] = true);
    let open = |kept: &[bool], at: usize| kept[tree.0[at].parent];
    let mut files: Vec<usize> = files;
    files.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    files
        .iter()
        .filter(|at| open(&kept, **at))
        .take(third)
        .copied()
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|at| kept[at] = true);
    each_folders_heaviest(tree, &files, third, &mut kept);
    let mut changed: Vec<usize> = files
        .into_iter()
        .filter(|at| tree.0[*at].state.is_some_and(|s| s.changed.is_some() || s.commits > 0))
        .collect();
    changed.sort_by_key(|at| std::cmp::Reverse(tree.0[*at].state.map(|s| (s.changed.is_some(), s.commits))));
    for at in changed.into_iter().take(CHANGED.min(room)) {
        let mut at = at;
        while !kept[at] {
            kept[at] = true;
            at = tree.0[at].parent;
        }
    }
    kept
}

/// Keeps as many of each folder's heaviest files as there is room for, the same number in all.
fn each_folders_heaviest(tree: &Tree, files: &[usize], room: usize, kept: &mut [bool]) {
    let mut seen = vec![0_usize; tree.0.len()];
    let mut by_rank: Vec<Vec<usize>> = Vec::new();
    for at in files {
        let parent = tree.0[*at].parent;
        let rank = seen[parent];
        seen[parent] += 1;
        if kept[parent] && !kept[*at] {
            by_rank.resize_with(by_rank.len().max(rank + 1), Vec::new);
            by_rank[rank].push(*at);
        }
    }
    by_rank.into_iter().flatten().take(room).for_each(|at| kept[at] = true);
}

/// How much of the whole a node is, by bytes and by files.
#[allow(clippy::cast_precision_loss, reason = "compared, never told")]
fn share(tree: &Tree, at: usize) -> f64 {
    let part = |n: u64, of: u64| if of == 0 { 0.0 } else { n as f64 / of as f64 };
    part(tree.0[at].bytes, tree.0[0].bytes) + part(tree.0[at].files, tree.0[0].files)
}

#[cfg(test)]
mod tests {
    use super::super::hold::{Hold, HoldFolder, HoldItem};
    use super::*;

    fn tree(items: impl IntoIterator<Item = (String, u64, HoldState)>) -> Tree {
        let item = |(path, bytes, state): (String, u64, HoldState)| HoldItem {
            path: path.into_bytes(),
            bytes,
            state,
        };
        let items = items.into_iter().map(item).collect();
        Tree::of(&Hold { folders: vec![HoldFolder { name: "context".into(), items }], ..Hold::default() })
    }

    fn many(folders: u64, files: u64) -> Tree {
        let path = move |i: u64| (format!("d{}/f{i}", i % folders), i * 7 % 1000, HoldState::default());
        tree((0..folders * files).map(path))
    }

    fn sums(page: &Page) -> (u64, u64) {
        let leaves = page.nodes.iter().filter(|n| n.state.kind != "dir");
        leaves.fold((0, 0), |(bytes, files), n| (bytes + n.bytes, files + n.files))
    }

    #[test]
    fn no_byte_and_no_file_is_lost() {
        let tree = many(50, 40);
        for room in [1, 3, 10, 100, 1000, 10_000] {
            let page = gather(&tree, room);
            assert_eq!(sums(&page), (tree.0[0].bytes, 2000), "room {room}");
            let gathered: u64 = page.nodes.iter().filter(|n| n.state.kind == GATHERED).map(|n| n.files).sum();
            assert_eq!(page.gathered, gathered);
            for node in &page.nodes {
                let bytes: u64 = node.children.iter().map(|c| page.nodes[*c].bytes).sum();
                assert!(node.children.is_empty() || node.bytes == bytes, "a folder weighs what is in it");
            }
        }
    }

    #[test]
    fn a_page_keeps_to_its_room_and_to_the_heaviest() {
        let tree = many(50, 40);
        let page = gather(&tree, 300);
        assert!(page.nodes.len() < 400, "{}", page.nodes.len());
        let heaviest = page.nodes.iter().filter(|n| n.state.kind == "file").map(|n| n.bytes).max();
        assert_eq!(heaviest, Some(999));
        assert!(gather(&tree, 10_000).gathered == 0);
    }

    #[test]
    fn what_changed_keeps_its_name_however_small_it_is() {
        let state = HoldState { changed: Some("content"), ..HoldState::default() };
        let small = ("d7/deep/er/small".to_owned(), 1, state);
        let others = (0..2000).map(|i| (format!("d{}/f{i}", i % 50), 1000, HoldState::default()));
        let page = gather(&tree(others.chain([small])), 30);
        assert!(page.nodes.iter().any(|n| n.name == b"small"));
    }

    #[test]
    fn what_is_gathered_is_apart_by_state() {
        let hidden = HoldState { hidden: Some(0), ..HoldState::default() };
        let file =
            |i: u64| (format!("f{i:03}"), 1, if i.is_multiple_of(3) { hidden } else { HoldState::default() });
        let page = gather(&tree((0..300).map(file)), 9);
        let gathered: Vec<_> = page.nodes.iter().filter(|n| n.state.kind == GATHERED).collect();
        assert_eq!(gathered.len(), 2);
        assert!(gathered.iter().any(|n| n.state.hidden == Some(0)));
    }

    #[test]
    fn folders_with_nothing_else_in_them_are_one() {
        let page = gather(
            &tree([
                ("src/main/java/A".to_owned(), 1, HoldState::default()),
                ("b".to_owned(), 1, HoldState::default()),
            ]),
            100,
        );
        let names: Vec<_> =
            page.nodes.iter().map(|n| String::from_utf8_lossy(&n.name).into_owned()).collect();
        assert_eq!(names, ["", "b", "src/main/java", "A"]);
    }
}
