//! Cache records compared: as sets of (digest, inputs) and as graphs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::Digest as _;

/// One record: its digest and, for each input, its alternatives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    pub digest: String,
    pub inputs: Vec<Vec<Link>>,
}

/// One alternative of an input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    pub digest: String,
    pub selector: String,
    /// Index of the record that it links to.
    pub record: Option<usize>,
}

/// Reads records from the JSON of a recorded case or of `plan`.
pub fn parse(records: &Value) -> Result<Vec<Record>, String> {
    let list = records.as_array().ok_or("`records` is not a list")?;
    list.iter().map(parse_record).collect()
}

fn parse_record(record: &Value) -> Result<Record, String> {
    let digest = text(record, "digest")?;
    let inputs = match record.get("inputs") {
        None | Some(Value::Null) => Vec::new(),
        Some(inputs) => {
            let inputs = inputs.as_array().ok_or("`inputs` is not a list")?;
            inputs.iter().map(parse_alternatives).collect::<Result<_, _>>()?
        }
    };
    Ok(Record { digest, inputs })
}

fn parse_alternatives(input: &Value) -> Result<Vec<Link>, String> {
    let links = input.as_array().ok_or("an input is not a list of alternatives")?;
    links
        .iter()
        .map(|link| {
            let selector = link.get("selector").and_then(Value::as_str).unwrap_or("").to_owned();
            let record =
                link.get("record").and_then(Value::as_u64).map(|n| usize::try_from(n).expect("an index"));
            Ok(Link { digest: text(link, "digest")?, selector, record })
        })
        .collect()
}

fn text(value: &Value, field: &str) -> Result<String, String> {
    let text = value.get(field).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| format!("no text `{field}` in {value}"))
}

/// Each record as a line, sorted: equal lists mean equal multisets of (digest, inputs).
pub fn lines(records: &[Record]) -> Vec<String> {
    let mut lines: Vec<String> = records.iter().map(line).collect();
    lines.sort();
    lines
}

fn line(record: &Record) -> String {
    let inputs: Vec<String> = record
        .inputs
        .iter()
        .map(|alternatives| {
            let mut links: Vec<String> = alternatives.iter().map(link_text).collect();
            links.sort();
            format!("({})", links.join(" | "))
        })
        .collect();
    format!("{} {}", short(&record.digest), inputs.join(" + ")).trim_end().to_owned()
}

fn link_text(link: &Link) -> String {
    if link.selector.is_empty() {
        short(&link.digest)
    } else {
        format!("{}[{}]", short(&link.digest), short(&link.selector))
    }
}

/// Sixteen hex digits tell digests apart and can be read.
fn short(digest: &str) -> String {
    digest.trim_start_matches("sha256:").chars().take(16).collect()
}

/// What `want` and `got` don't share, as lines; empty when they are equal as multisets and as graphs.
pub fn differences(want: &[Record], got: &[Record]) -> Vec<String> {
    let mut bad = multiset_difference("engine only", "ours only", &lines(want), &lines(got));
    if bad.is_empty() {
        match (graph(want), graph(got)) {
            (Ok(w), Ok(g)) if w == g => {}
            (Ok(_), Ok(_)) => bad.push("the same records, linked in another way (link indexes)".into()),
            (Err(e), _) | (_, Err(e)) => bad.push(e),
        }
    }
    bad
}

/// Like [`differences`], where the records in `open` may lack alternatives: links to content that a program made while the
/// build ran, which nobody can know beforehand. All that is known must be the engine's.
pub fn differences_but_for(open: &BTreeSet<&str>, want: &[Record], got: &[Record]) -> Vec<String> {
    if open.is_empty() {
        return differences(want, got);
    }
    let (mut bad, mut unknown_links) = (Vec::new(), 0);
    let mut rest: Vec<&Record> = want.iter().collect();
    for ours in got {
        let may_lack = open.contains(ours.digest.as_str());
        match rest.iter().position(|theirs| stands_for(ours, theirs, may_lack, want)) {
            Some(i) => unknown_links += links(rest.remove(i)) - links(ours),
            None => bad.push(format!("ours only: {}", line(ours))),
        }
    }
    let leaves = rest.iter().filter(|r| r.inputs.is_empty()).count();
    if leaves > unknown_links {
        bad.push(format!("{leaves} leaves of the engine are unknown, but only {unknown_links} links"));
    }
    bad.extend(rest.iter().filter(|r| !r.inputs.is_empty()).map(|r| format!("engine only: {}", line(r))));
    bad
}

fn links(record: &Record) -> usize {
    record.inputs.iter().map(Vec::len).sum()
}

/// Equal, or, where that is allowed, short of links to leaves.
fn stands_for(ours: &Record, theirs: &Record, may_lack: bool, all: &[Record]) -> bool {
    if !may_lack {
        return line(ours) == line(theirs);
    }
    let is_leaf =
        |l: &Link| l.selector.is_empty() && all.iter().any(|r| r.digest == l.digest && r.inputs.is_empty());
    let covers = |ours: &Vec<Link>, theirs: &Vec<Link>| {
        let known = |l: &Link| ours.iter().any(|o| o.digest == l.digest && o.selector == l.selector);
        let kept = theirs.iter().filter(|l| known(l)).count();
        kept == ours.len() && theirs.iter().all(|l| known(l) || is_leaf(l))
    };
    ours.digest == theirs.digest
        && ours.inputs.len() == theirs.inputs.len()
        && ours.inputs.iter().zip(&theirs.inputs).all(|(o, t)| covers(o, t))
}

/// Lines that only one side has, counted.
pub fn multiset_difference(left: &str, right: &str, want: &[String], got: &[String]) -> Vec<String> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for line in want {
        *counts.entry(line).or_default() += 1;
    }
    for line in got {
        *counts.entry(line).or_default() -= 1;
    }
    let side = |n: i64| if n > 0 { left } else { right };
    let differing = counts.iter().filter(|(_, n)| **n != 0);
    differing.map(|(line, n)| format!("{}: {line}", side(*n))).collect()
}

/// The sorted digests of what hangs below each record. The digest of a record alone can be ambiguous: two records may
/// share it and differ in what they hang on, so this follows the indexes of the links.
fn graph(records: &[Record]) -> Result<Vec<String>, String> {
    let mut memo = vec![None; records.len()];
    let mut all = Vec::with_capacity(records.len());
    for i in 0..records.len() {
        all.push(below(records, i, &mut memo, 0)?);
    }
    all.sort();
    Ok(all)
}

fn below(
    records: &[Record],
    i: usize,
    memo: &mut Vec<Option<String>>,
    depth: usize,
) -> Result<String, String> {
    if let Some(done) = &memo[i] {
        return Ok(done.clone());
    }
    if depth > records.len() {
        return Err(format!("the links from record {i} run in a circle"));
    }
    let mut text = records[i].digest.clone();
    for alternatives in &records[i].inputs {
        let mut parts = Vec::new();
        for link in alternatives {
            parts.push(format!("{} {}", link_target(records, link, memo, depth)?, link.selector));
        }
        parts.sort();
        text.push_str(&format!("({})", parts.join("|")));
    }
    let digest = format!("{:x}", Hex(&sha2::Sha256::digest(text)));
    memo[i] = Some(digest.clone());
    Ok(digest)
}

fn link_target(
    records: &[Record],
    link: &Link,
    memo: &mut Vec<Option<String>>,
    depth: usize,
) -> Result<String, String> {
    let index = link.record.ok_or_else(|| format!("a link to {} has no index `record`", link.digest))?;
    match records.get(index) {
        Some(target) if target.digest == link.digest => below(records, index, memo, depth + 1),
        _ => Err(format!("the link to {} has the index {index} of another record", link.digest)),
    }
}

struct Hex<'a>(&'a [u8]);

impl std::fmt::LowerHex for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}
