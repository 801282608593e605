//! Trees and selectors that BuildKit's own content hash answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Selector;
use super::local::LocalTree;
use super::testing::Memory;
use crate::buildkit::Version;
use crate::entry::{ContextPath, Entry, Extra, FileType, Stat};
use crate::observer::Silent;

fn bytes(v: &Value) -> Vec<u8> {
    STANDARD.decode(v.as_str().unwrap_or("")).unwrap()
}

fn entry(v: &Value) -> (Entry, Vec<u8>) {
    let data = bytes(&v["data"]);
    let link = bytes(&v["link"]);
    let hard = bytes(&v["hard"]);
    let file_type = match v["type"].as_str().unwrap() {
        "dir" => FileType::Dir,
        "symlink" => FileType::Symlink,
        _ => FileType::File,
    };
    let mode = if file_type == FileType::Symlink {
        0o777
    } else {
        u16::try_from(v["mode"].as_u64().unwrap()).unwrap()
    };
    let extra = (!link.is_empty()).then(|| Box::new(Extra { linkname: link, ..Extra::default() }));
    let stat = Stat { file_type, mode, uid: 0, gid: 0, size: data.len() as u64, mtime_ns: 0, extra };
    let hardlink = (!hard.is_empty()).then(|| ContextPath::new(hard).unwrap());
    (Entry { path: ContextPath::new(bytes(&v["path"])).unwrap(), stat, hardlink }, data)
}

fn texts(v: &Value) -> Vec<String> {
    v.as_array().into_iter().flatten().map(|s| s.as_str().unwrap().to_owned()).collect()
}

fn selector(v: &Value) -> Selector {
    Selector {
        path: v["path"].as_str().unwrap().to_owned(),
        wildcard: v["wildcard"].as_bool().unwrap_or(false),
        follow_links: v["follow"].as_bool().unwrap_or(false),
        include: texts(&v["include"]),
        exclude: texts(&v["exclude"]),
        required: texts(&v["required"]),
    }
}

fn answer(source: &Memory, selector: &Selector) -> String {
    let mut tree = LocalTree::new("context".into(), source, None, Version::NEWEST);
    let picked = tree.pick(selector);
    tree.hash(false, &Silent).unwrap();
    match &picked.selection {
        Ok(selection) => tree.digest(selection).to_string(),
        Err(e) => format!("error: {e}"),
    }
}

#[test]
fn random_trees_hash_as_buildkit_hashes_them() {
    let recorded = include_str!("../../fixtures/arithmetic/trees.jsonl");
    let (mut asked, mut bad) = (0, Vec::new());
    for (n, line) in recorded.lines().enumerate() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (entries, contents) = case["entries"].as_array().unwrap().iter().map(entry).unzip();
        let source = Memory(entries, contents);
        let selectors = case["selectors"].as_array().unwrap().iter();
        for (text, want) in selectors.zip(texts(&case["answers"])) {
            asked += 1;
            let got = answer(&source, &selector(text));
            if got != want {
                bad.push(format!("tree {n}, {text}\n  want {want}\n  got  {got}"));
            }
        }
    }
    assert_eq!(asked, 1440);
    assert!(bad.is_empty(), "{} differ\n{}", bad.len(), bad.join("\n"));
}
