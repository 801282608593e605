//! The hold as tables: the heaviest folders and files, and what each line of the ignore file hides. They are there without scripts, too.

use std::fmt::Write as _;

use super::escape::{name, text, words};
use super::hold::{Fate, HoldState};
use super::tree::Tree;
use super::{PageReport, Room};
use crate::wording::{size, thousands};

/// All tables.
pub fn write(report: &PageReport, tree: &Tree, room: Room) -> String {
    let mut out = String::from("<details class=\"tables\" open>\n<summary>The hold as tables</summary>\n");
    out.push_str(&folders(report, tree, room));
    out.push_str(&files(report, tree, room));
    out.push_str(&ignore_lines(report, tree, room));
    out.push_str("</details>\n");
    out
}

/// A table with a caption: the first column is a heading of its row, the others numbers unless they are words.
fn table(caption: &str, columns: &[&str], rows: &[Vec<String>], left_out: usize) -> String {
    let mut out = format!("<div class=\"wide\"><table>\n<caption>{caption}</caption>\n<thead><tr>");
    for column in columns {
        let _ = write!(out, "<th scope=\"col\">{column}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            let cell = text(cell);
            let _ = match at {
                0 => write!(out, "<tr><th scope=\"row\"><bdi>{cell}</bdi></th>"),
                _ => write!(out, "<td>{cell}</td>"),
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if left_out > 0 {
        let _ = writeln!(out, "<p class=\"aside\">and {} more</p>", thousands(left_out));
    }
    out
}

/// The weights of a folder's files by what becomes of them.
type Sums = [(u64, u64); 3];

fn folders(report: &PageReport, tree: &Tree, room: Room) -> String {
    let mut sums: Vec<Sums> = vec![Sums::default(); tree.0.len()];
    for at in (0..tree.0.len()).rev() {
        let node = &tree.0[at];
        if let Some(state) = node.state.filter(|_| !node.is_folder()) {
            sums[at][part(&state, report.hold.planned)] = (node.bytes, node.files);
        }
        if at > 0 {
            let mine = sums[at];
            for (sum, one) in sums[node.parent].iter_mut().zip(mine) {
                *sum = (sum.0 + one.0, sum.1 + one.1);
            }
        }
    }
    let mut folders: Vec<usize> =
        (0..tree.0.len()).filter(|at| *at == 0 || tree.0[*at].is_folder() && tree.0[*at].files > 0).collect();
    folders.sort_by_key(|at| std::cmp::Reverse((tree.0[*at].bytes, tree.0[*at].files)));
    let left_out = folders.len().saturating_sub(room.rows);
    folders.truncate(room.rows);
    let row = |at: &usize| {
        let node = &tree.0[*at];
        let path = if *at == 0 { ".".to_owned() } else { name(&tree.path(*at)) };
        let [used, other, hidden] =
            sums[*at].map(|(bytes, _)| if bytes > 0 { size(bytes) } else { "–".to_owned() });
        vec![path, size(node.bytes), thousands(node.files), used, other, hidden]
    };
    let columns = if report.hold.planned {
        ["Folder", "Bytes", "Files", "Used", "Not used", "Hidden"]
    } else {
        ["Folder", "Bytes", "Files", "Used", "In view", "Hidden"]
    };
    table("Folders, the heaviest first", &columns, &folders.iter().map(row).collect::<Vec<_>>(), left_out)
}

/// Which column of the table of folders a file counts in.
fn part(state: &HoldState, planned: bool) -> usize {
    match state.fate(planned) {
        Fate::Used => 0,
        Fate::Unused | Fate::NotSent | Fate::InView => 1,
        Fate::Hidden => 2,
    }
}

fn files(report: &PageReport, tree: &Tree, room: Room) -> String {
    let mut files: Vec<usize> = (0..tree.0.len()).filter(|at| !tree.0[*at].is_folder() && *at > 0).collect();
    files.sort_by_key(|at| std::cmp::Reverse(tree.0[*at].bytes));
    let left_out = files.len().saturating_sub(room.rows);
    files.truncate(room.rows);
    let row = |at: &usize| {
        let node = &tree.0[*at];
        let state = node.state.unwrap_or_default();
        let mode = state.mode.map_or_else(String::new, |mode| format!("{mode:04o}"));
        let size = if state.kind == "file" { size(node.bytes) } else { state.kind.to_owned() };
        vec![name(&tree.path(*at)), size, mode, told(report, &state)]
    };
    let columns = ["File", "Bytes", "Mode", "Taken by, or hidden by"];
    table("Files, the heaviest first", &columns, &files.iter().map(row).collect::<Vec<_>>(), left_out)
}

/// What becomes of a file, in words.
fn told(report: &PageReport, state: &HoldState) -> String {
    if let Some(line) = state.hidden.and_then(|at| report.hold.ignore_lines.get(at)) {
        return format!("hidden by {} line {}: {}", line.ignore_file, line.line, words(&line.pattern));
    }
    let set = report.hold.step_sets.get(state.steps).map_or(&[][..], Vec::as_slice);
    let steps: Vec<String> = set
        .iter()
        .filter_map(|at| report.plan.steps.get(*at))
        .map(|step| format!("line {} {}", step.line, step.instruction))
        .collect();
    if steps.is_empty() { state.fate(report.hold.planned).words().to_owned() } else { steps.join(", ") }
}

fn ignore_lines(report: &PageReport, tree: &Tree, room: Room) -> String {
    let lines = &report.hold.ignore_lines;
    if lines.is_empty() {
        return String::new();
    }
    let mut sums = vec![(0_u64, 0_u64); lines.len()];
    for node in tree.0.iter().filter(|n| !n.is_folder()) {
        if let Some(sum) = node.state.and_then(|s| s.hidden).and_then(|at| sums.get_mut(at)) {
            *sum = (sum.0 + node.bytes, sum.1 + node.files);
        }
    }
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(sums[*at]));
    let row = |at: &usize| {
        let (bytes, files) = sums[*at];
        vec![
            words(&lines[*at].pattern),
            size(bytes),
            thousands(files),
            format!("{} line {}", lines[*at].ignore_file, lines[*at].line),
        ]
    };
    let rows: Vec<Vec<String>> = order.iter().take(room.rows).map(row).collect();
    let left_out = lines.len().saturating_sub(room.rows);
    table("What the ignore file hides", &["Pattern", "Bytes", "Files", "Where"], &rows, left_out)
}
