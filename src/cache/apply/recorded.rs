//! What BuildKit's own copy code left on a real file system, for random trees and options.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use serde::Deserialize;

use super::disk::{edit_extra, file_stat, symlink_stat};
use super::testing::InMemory;
use super::*;
use crate::cache::tree::folder_stat;
use crate::entry::FileType;

#[derive(Deserialize)]
struct Case {
    seed: u64,
    src: Vec<Entry>,
    dst: Vec<Entry>,
    ops: Vec<Op>,
    #[serde(default)]
    err: String,
    #[serde(default)]
    out: Vec<Entry>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    p: String,
    t: String,
    m: u16,
    u: u32,
    g: u32,
    c: String,
    b: String,
    l: String,
    d: Vec<u64>,
    x: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Op {
    k: String,
    src: String,
    dest: String,
    mode: i32,
    modestr: String,
    follow: bool,
    contents: bool,
    unpack: bool,
    create: bool,
    wild: bool,
    empty: bool,
    replace: bool,
    inc: Vec<String>,
    exc: Vec<String>,
    uid: Option<u32>,
    gid: Option<u32>,
    user: Option<String>,
    group: Option<String>,
    parents: bool,
    data: String,
}

fn build(entries: &[Entry]) -> FileTree {
    let mut tree = FileTree::scratch();
    for entry in entries {
        let node = if entry.t == "h" {
            tree.get(entry.l.as_bytes()).expect("comes first").clone()
        } else {
            node(entry)
        };
        let (folder, name) = entry.p.rsplit_once('/').unwrap_or(("", &entry.p));
        tree.get_mut(folder.as_bytes()).expect("comes first").insert(name.as_bytes(), node);
    }
    tree
}

fn node(entry: &Entry) -> Node {
    let text = if entry.b.is_empty() {
        entry.c.clone().into_bytes()
    } else {
        base64::prelude::BASE64_STANDARD.decode(&entry.b).expect("base64")
    };
    let mut stat = match entry.t.as_str() {
        "d" => folder_stat(0),
        "l" => symlink_stat(entry.l.as_bytes()),
        _ => file_stat(0, text.len() as u64),
    };
    stat.file_type = match entry.t.as_str() {
        "p" => FileType::Fifo,
        "c" => FileType::CharDevice,
        "b" => FileType::BlockDevice,
        "s" => FileType::Socket,
        _ => stat.file_type,
    };
    if entry.t != "l" {
        stat.mode = entry.m;
    }
    (stat.uid, stat.gid) = (entry.u, entry.g);
    edit_extra(&mut stat, |extra| {
        if let [major, minor] = entry.d[..] {
            (extra.devmajor, extra.devminor) = (major, minor);
        }
        let unhex = |v: &String| {
            let bytes = v.as_bytes().chunks(2).map(|p| std::str::from_utf8(p).expect("ascii"));
            bytes.map(|p| u8::from_str_radix(p, 16).expect("hex")).collect()
        };
        extra.xattrs = entry.x.iter().map(|(k, v)| (k.clone().into_bytes(), unhex(v))).collect();
    });
    let content = if text.is_empty() { Content::Empty } else { Content::Bytes(Arc::from(text)) };
    Node::file(stat, content)
}

fn line(path: &str, node: &Node) -> String {
    let stat = &node.stat;
    let mut out = format!("{path} {:?} {:o} {}:{}", stat.file_type, stat.mode, stat.uid, stat.gid);
    let _ = write!(out, " {:?} {:?}", String::from_utf8_lossy(stat.linkname()), stat.device());
    for (name, value) in stat.xattrs() {
        let _ = write!(out, " {}={value:?}", String::from_utf8_lossy(name));
    }
    if stat.file_type == FileType::File {
        let text = super::testing::bytes(&node.content);
        assert_eq!(text.len() as u64, stat.size, "{path}");
        let _ = write!(out, " {:?}", String::from_utf8_lossy(&text));
    }
    out
}

fn lines(tree: &FileTree) -> Vec<String> {
    let mut out = vec![line("", tree.root())];
    out.extend(tree.files().iter().map(|(path, node)| line(&path.to_string(), node)));
    out.sort();
    out
}

fn wanted(entries: &[Entry]) -> Vec<String> {
    let mut out: Vec<String> = entries.iter().map(|e| line(&e.p, &node(e))).collect();
    out.sort();
    out
}

impl Op {
    fn owner(&self) -> Option<Owner> {
        let pick = |id: Option<u32>, name: &Option<String>| {
            id.map(User::Id).or_else(|| name.clone().map(|n| User::Name(n, 0)))
        };
        let owner = Owner { user: pick(self.uid, &self.user), group: pick(self.gid, &self.group) };
        (owner.user.is_some() || owner.group.is_some()).then_some(owner)
    }

    fn action(&self) -> FileAction {
        let (owner, timestamp) = (self.owner(), -1);
        let kind = match self.k.as_str() {
            "mkdir" => FileActionKind::Mkdir {
                path: self.dest.clone(),
                mode: self.mode,
                parents: self.parents,
                owner,
                timestamp,
            },
            "mkfile" => FileActionKind::Mkfile {
                path: self.dest.clone(),
                mode: self.mode,
                data: self.data.clone().into_bytes(),
                owner,
                timestamp,
            },
            _ => FileActionKind::Copy(CopyAction {
                src: self.src.clone(),
                dest: self.dest.clone(),
                owner,
                mode: self.mode,
                mode_str: self.modestr.clone(),
                follow_symlink: self.follow,
                dir_copy_contents: self.contents,
                attempt_unpack: self.unpack,
                create_dest_path: self.create,
                allow_wildcard: self.wild,
                allow_empty_wildcard: self.empty,
                timestamp,
                include_patterns: self.inc.clone(),
                exclude_patterns: self.exc.clone(),
                required_paths: Vec::new(),
                always_replace: self.replace,
            }),
        };
        FileAction { input: 0, secondary: 1, output: 0, kind }
    }
}

fn run(case: &Case) -> Result<FileTree, ApplyError> {
    let source = build(&case.src);
    let mut tree = build(&case.dst);
    for op in &case.ops {
        tree = apply_file_op(&[op.action()], &[Some(&tree), Some(&source)], &InMemory)?;
    }
    Ok(tree)
}

/// The first difference; `None` when all is equal.
fn difference(case: &Case) -> Option<String> {
    match run(case) {
        Err(error) if error.to_string() == case.err => None,
        Err(error) => Some(format!("error {:?}, expected {:?}", error.to_string(), case.err)),
        Ok(_) if !case.err.is_empty() => Some(format!("no error, expected {:?}", case.err)),
        Ok(tree) => {
            let (have, want) = (lines(&tree), wanted(&case.out));
            let more: Vec<_> = have.iter().filter(|l| !want.contains(l)).collect();
            let less: Vec<_> = want.iter().filter(|l| !have.contains(l)).collect();
            (have != want).then(|| format!("+ {more:#?}\n- {less:#?}"))
        }
    }
}

fn check(text: &str) {
    let mut report = String::new();
    for case in text.lines() {
        let case: Case = serde_json::from_str(case).expect("a case");
        if let Some(difference) = difference(&case) {
            report.push_str(&format!("case {}: {difference}\n", case.seed));
        }
    }
    assert!(report.is_empty(), "another result than BuildKit's:\n{report}");
}

#[test]
fn random_copies_leave_what_buildkits_code_leaves() {
    check(include_str!("../../../fixtures/apply/cases.jsonl"));
}
