//! FileOp (`solver/llbsolver/ops/file.go`).

use std::collections::{BTreeMap, BTreeSet};

use super::Dependency;
use crate::buildkit::{Rule, Version};
use crate::cache::json::{self, Object};
use crate::cache::{Selector, selector};
use crate::gopath;
use crate::plan::{CopyAction, FileAction, FileActionKind, Owner, User};

/// The selectors of each input.
type Selectors = BTreeMap<usize, Vec<Selector>>;

/// The operation in JSON, and how it looks at its inputs.
pub(super) fn identity(actions: &[FileAction], inputs: usize, version: Version) -> (String, Vec<Dependency>) {
    let mut selectors = Selectors::new();
    let texts: Vec<String> =
        actions.iter().map(|a| action_json(a, inputs, version, &mut selectors)).collect();
    let json = Object::new()
        .text("Type", "buildkit.file.v0")
        .json("Actions", Some(json::array(texts.iter().map(|t| json::base64(t.as_bytes())))))
        .json("indexes", indexes(actions))
        .finish();
    // An input that an action changes has neither selector nor content key.
    let changed: BTreeSet<usize> = actions.iter().filter_map(|a| usize::try_from(a.input).ok()).collect();
    let dependency = |i| match selectors.remove(&i) {
        Some(list) if !changed.contains(&i) => {
            Dependency { paths: Some(selector::file_paths(&list)), content: Some(selector::dedupe(list)) }
        }
        _ => Dependency::default(),
    };
    (json, (0..inputs).map(dependency).collect())
}

fn action_json(action: &FileAction, inputs: usize, version: Version, selectors: &mut Selectors) -> String {
    match &action.kind {
        FileActionKind::Copy(copy) => {
            select_owner(copy.owner.as_ref(), selectors);
            let from = usize::try_from(action.secondary).ok().filter(|i| *i < inputs);
            if let Some(i) = from {
                selectors.entry(i).or_default().push(copy_selector(copy, version));
            }
            copy_json(copy, from.is_some(), version)
        }
        FileActionKind::Mkdir { path, mode, parents, owner, timestamp } => {
            select_owner(owner.as_ref(), selectors);
            Object::new()
                .text("path", path)
                .int("mode", i64::from(*mode))
                .flag("makeParents", *parents)
                .json("owner", owner_json(owner.as_ref(), version))
                .int("timestamp", *timestamp)
                .finish()
        }
        FileActionKind::Mkfile { path, mode, data, owner, timestamp } => {
            select_owner(owner.as_ref(), selectors);
            Object::new()
                .text("path", path)
                .int("mode", i64::from(*mode))
                .bytes("data", data)
                .json("owner", owner_json(owner.as_ref(), version))
                .int("timestamp", *timestamp)
                .finish()
        }
    }
}

/// The fields of `FileActionCopy` in the order of `ops.pb.go`. Where the source is selected by content only its base
/// name is part of the operation.
fn copy_json(copy: &CopyAction, selected: bool, version: Version) -> String {
    let base = String::from_utf8_lossy(gopath::base(copy.src.as_bytes()));
    Object::new()
        .text("src", if selected { &base } else { &copy.src })
        .text("dest", &copy.dest)
        .json("owner", owner_json(copy.owner.as_ref(), version))
        .int("mode", i64::from(copy.mode))
        .flag("followSymlink", copy.follow_symlink)
        .flag("dirCopyContents", copy.dir_copy_contents)
        .flag("attemptUnpackDockerCompatibility", copy.attempt_unpack)
        .flag("createDestPath", copy.create_dest_path)
        .flag("allowWildcard", copy.allow_wildcard)
        .flag("allowEmptyWildcard", copy.allow_empty_wildcard)
        .int("timestamp", copy.timestamp)
        .texts("include_patterns", &copy.include_patterns)
        .texts("exclude_patterns", &copy.exclude_patterns)
        .flag("alwaysReplaceExistingDestPaths", copy.always_replace)
        .text("modeStr", &copy.mode_str)
        .texts("required_paths", required(copy, version))
        .finish()
}

/// Paths that must be there; an engine that doesn't know the field drops it.
fn required(copy: &CopyAction, version: Version) -> &[String] {
    if version.has(Rule::RequiredPaths) { &copy.required_paths } else { &[] }
}

fn copy_selector(copy: &CopyAction, version: Version) -> Selector {
    Selector {
        path: copy.src.clone(),
        wildcard: copy.allow_wildcard && gopath::has_wildcard(copy.src.as_bytes()),
        follow_links: copy.follow_symlink,
        include: copy.include_patterns.clone(),
        exclude: copy.exclude_patterns.clone(),
        required: required(copy, version).to_vec(),
    }
}

/// `ChownOpt`, whose users have an encoder of their own (`solver/pb/json.go`).
fn owner_json(owner: Option<&Owner>, version: Version) -> Option<String> {
    let user = |user: &User| Object::new().json("User", Some(user_json(user, version))).finish();
    owner.map(|o| {
        Object::new()
            .json("user", o.user.as_ref().map(user))
            .json("group", o.group.as_ref().map(user))
            .finish()
    })
}

/// One of the two kinds of a user: how their names are spelled, and whether zeros are left out, came with the Go code that was
/// made from the protocol (gogo until v0.16, Go's own in v0.17) before it was fixed by hand.
fn user_json(user: &User, version: Version) -> String {
    let named = |name: &str, input: i64| Object::new().text("name", name).int("input", input).finish();
    let named_always =
        |name: &str, input: i64| Object::new().text("name", name).int_always("input", input).finish();
    let object = Object::new();
    match user {
        User::Id(id) if version.has(Rule::LowerCaseOwners) => object.int("byId", i64::from(*id)),
        User::Id(id) if version.has(Rule::ZerosLeftOut) => object.int_always("ByID", i64::from(*id)),
        User::Id(id) => object.int("byID", i64::from(*id)),
        User::Name(name, input) if version.has(Rule::LowerCaseOwners) => {
            object.json("byName", Some(named(name, *input)))
        }
        User::Name(name, input) if version.has(Rule::ZerosLeftOut) => {
            object.json("ByName", Some(named(name, *input)))
        }
        User::Name(name, input) => object.json("byName", Some(named_always(name, *input))),
    }
    .finish()
}

/// A name is looked up in the input; an index below zero is an error there that nobody looks at.
fn select_owner(owner: Option<&Owner>, selectors: &mut Selectors) {
    let Some(owner) = owner else { return };
    for (user, path) in [(&owner.user, "/etc/passwd"), (&owner.group, "/etc/group")] {
        if let Some(User::Name(_, input)) = user {
            let Ok(input) = usize::try_from(*input) else { return };
            selectors.entry(input).or_default().push(Selector::plain(path, true));
        }
    }
}

/// `[input, secondary, output]` of every action; `None` for the most common pattern, which older versions of BuildKit
/// did not write (`isDefaultIndexes`).
fn indexes(actions: &[FileAction]) -> Option<String> {
    let n = actions.len();
    let usual = |(i, a): (usize, &FileAction)| {
        let input = if i == 0 { 0 } else { n + i - 1 };
        usize::try_from(a.input) == Ok(input)
            && matches!(a.secondary, -1 | 1)
            && a.output == if i + 1 == n { 0 } else { -1 }
    };
    if n > 0 && actions.iter().enumerate().all(usual) {
        return None;
    }
    let triples = actions.iter().map(|a| format!("[{},{},{}]", a.input, a.secondary, a.output));
    (n > 0).then(|| json::array(triples))
}
