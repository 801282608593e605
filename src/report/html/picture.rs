//! The hold as a drawing that needs no script: the same layout from the top, coloured by what becomes of the files.

use std::fmt::Write as _;

use super::escape::{name, text};
use super::gather::{Kept, Page};
use super::hold::Fate;
use super::treemap::{self, Area, Shape};
use crate::wording::{count, size};

/// The drawing's own units.
const WHOLE: Area = Area { x: 0.0, y: 0.0, width: 1000.0, height: 560.0 };
/// Height of a folder's name.
const HEAD: f64 = 17.0;
/// So many boxes are drawn.
const MOST: usize = 400;

/// The drawing; empty where no file has a byte.
pub fn write(page: &Page, planned: bool) -> String {
    if page.nodes.first().is_none_or(|top| top.bytes == 0) {
        return String::new();
    }
    let mut out = format!(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Files and folders by bytes; the tables below have the numbers\">\n",
        WHOLE.width, WHOLE.height
    );
    // Boxes that wait, the widest first, so that what is left out is small.
    let mut waiting = vec![(0, WHOLE)];
    let mut drawn = 0;
    while let Some((at, area)) = waiting.pop() {
        let node = &page.nodes[at];
        let inner = inside(area).filter(|_| !node.children.is_empty() && drawn < MOST);
        let inner = if at == 0 { Some(WHOLE) } else { inner };
        if at > 0 {
            out.push_str(&item(page, node, area, inner.is_some(), planned));
            drawn += 1;
        }
        if let Some(inner) = inner {
            let items =
                placed(page, node, inner).into_iter().filter(|(_, a)| a.width > 3.0 && a.height > 3.0);
            waiting.extend(items);
            waiting.sort_by(|(_, a), (_, b)| (a.width * a.height).total_cmp(&(b.width * b.height)));
        }
    }
    out.push_str("</svg>");
    out
}

/// Where a folder's items go, when there is room.
fn inside(area: Area) -> Option<Area> {
    let inner =
        Area { x: area.x + 2.0, y: area.y + HEAD, width: area.width - 4.0, height: area.height - HEAD - 2.0 };
    Some(inner).filter(|a| a.width > 30.0 && a.height > 16.0)
}

/// A folder's items in their places.
fn placed(page: &Page, folder: &Kept, area: Area) -> Vec<(usize, Area)> {
    let weights: Vec<u64> = folder.children.iter().map(|c| page.nodes[*c].bytes).collect();
    let shape = match area.width / area.height {
        ratio if ratio > 1.4 => Shape::Wide,
        ratio if ratio < 0.7 => Shape::Tall,
        _ => Shape::Square,
    };
    let areas = treemap::place(&treemap::rows(&weights, shape), &weights, area);
    folder.children.iter().copied().zip(areas).collect()
}

/// One box with its name, which an element of its own size cuts.
fn item(page: &Page, node: &Kept, area: Area, open: bool, planned: bool) -> String {
    let label = label(node);
    let class = if open { "ground" } else { class(fate(page, node, planned)) };
    let mut out = format!(
        "<svg x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}, {}</title><rect class=\"fill-{class}\" width=\"100%\" height=\"100%\"/>",
        area.x,
        area.y,
        (area.width - 1.0).max(1.0),
        (area.height - 1.0).max(1.0),
        text(&label),
        size(node.bytes),
    );
    if area.width > 40.0 && area.height > 15.0 {
        let _ = write!(out, "<text x=\"4\" y=\"12.5\">{}</text>", text(&cut(&label, area.width)));
    }
    out.push_str("</svg>\n");
    out
}

/// As much of a name as has room; nothing measures text here, so that a character counts as wide ones are.
fn cut(label: &str, width: f64) -> String {
    const CHARACTER: f64 = 7.5;
    let room = (0..label.len()).take_while(|n| (*n as f64 + 1.0) * CHARACTER + 8.0 <= width).count();
    if label.chars().count() <= room {
        return label.to_owned();
    }
    label.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

fn label(node: &Kept) -> String {
    if node.name.is_empty() { count(node.files, "smaller file") } else { name(&node.name) }
}

/// What becomes of most of a node's bytes.
fn fate(page: &Page, node: &Kept, planned: bool) -> Fate {
    let mut node = node;
    // The heaviest file of the heaviest folder: a box that isn't drawn in full is small.
    while let Some(first) = node.children.first() {
        node = &page.nodes[*first];
    }
    node.state.fate(planned)
}

fn class(fate: Fate) -> &'static str {
    match fate {
        Fate::Used | Fate::InView => "c0",
        Fate::Unused => "c1",
        Fate::NotSent => "none",
        Fate::Hidden => "hidden",
    }
}

/// What the colours of the drawing stand for.
pub fn legend(page: &Page, planned: bool) -> String {
    let mut fates: Vec<Fate> =
        page.nodes.iter().filter(|n| n.children.is_empty()).map(|n| n.state.fate(planned)).collect();
    fates.sort_unstable();
    fates.dedup();
    let one = |fate: &Fate| {
        format!("<li><span class=\"swatch {}\"></span><span>{}</span></li>", class(*fate), fate.words())
    };
    fates.iter().map(one).collect()
}
