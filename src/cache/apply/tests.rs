//! What operations leave behind, case by case.

use super::testing::{InMemory, archive, show, tree};
use super::*;

fn copy(src: &str, dest: &str) -> CopyAction {
    CopyAction {
        src: src.into(),
        dest: dest.into(),
        owner: None,
        mode: -1,
        mode_str: String::new(),
        follow_symlink: true,
        dir_copy_contents: true,
        attempt_unpack: false,
        create_dest_path: true,
        allow_wildcard: true,
        allow_empty_wildcard: true,
        timestamp: -1,
        include_patterns: Vec::new(),
        exclude_patterns: Vec::new(),
        required_paths: Vec::new(),
        always_replace: false,
    }
}

fn run(from: &[&str], onto: &[&str], action: CopyAction) -> Result<Vec<String>, String> {
    let (from, onto) = (tree(from), tree(onto));
    let action = FileAction { input: 0, secondary: 1, output: 0, kind: FileActionKind::Copy(action) };
    let result = apply_file_op(&[action], &[Some(&onto), Some(&from)], &InMemory);
    result.map(|t| show(&t)).map_err(|e| e.to_string())
}

#[test]
fn a_file_goes_to_a_name_or_into_a_folder() {
    assert_eq!(run(&["a"], &[], copy("/a", "/x")).unwrap(), ["x = a"]);
    assert_eq!(run(&["a"], &[], copy("/a", "/x/")).unwrap(), ["x/", "x/a = a"]);
    assert_eq!(run(&["a"], &["x/ @0700,5:6"], copy("/a", "/x")).unwrap(), ["x/ @0700,5:6", "x/a = a"]);
    assert_eq!(run(&["a"], &[], copy("/a", "/x/.")).unwrap(), ["x/", "x/a = a"]);
}

#[test]
fn a_folders_contents_keep_their_stats_but_the_target_is_new() {
    let from = ["d/ @0700,7:7", "d/e/ @0711,7:7", "d/e/f @4755,7:7"];
    let want = ["x/", "x/e/ @0711,7:7", "x/e/f = d/e/f @4755,7:7"];
    assert_eq!(run(&from, &[], copy("/d", "/x")).unwrap(), want);
}

#[test]
fn existing_subfolders_take_the_sources_metadata_but_the_target_keeps_its_own() {
    let from = ["d/ @0700", "d/e/ @0711,7:7"];
    let onto = ["x/ @0750,1:1", "x/e/ @0750,1:1", "x/e/old"];
    let want = ["x/ @0750,1:1", "x/e/ @0711,7:7", "x/e/old = x/e/old"];
    assert_eq!(run(&from, &onto, copy("/d", "/x")).unwrap(), want);
}

#[test]
fn a_folder_does_not_replace_a_file_nor_the_other_way_round() {
    let error = run(&["d/", "d/y/"], &["o/", "o/y"], copy("/d", "/o")).unwrap_err();
    assert_eq!(error, "cannot copy to non-directory: <MOUNT>/o/y");
    let error = run(&["d/", "d/y"], &["o/", "o/y/"], copy("/d", "/o")).unwrap_err();
    assert_eq!(error, "cannot replace to directory <MOUNT>/o/y with file");
    let error = run(&["a"], &["f"], copy("/a", "/f/x")).unwrap_err();
    assert_eq!(error, "mkdir /f: not a directory");
    let replace = CopyAction { always_replace: true, ..copy("/d", "/o") };
    assert_eq!(run(&["d/", "d/y/"], &["o/", "o/y"], replace).unwrap(), ["o/", "o/y/"]);
}

#[test]
fn a_destination_through_links_stays_in_the_root() {
    let onto = ["real/", "l -> /real", "up -> ../../real"];
    let want = |name: &str| {
        ["l -> /real", "real/", &format!("real/{name} = a"), "up -> ../../real"].map(String::from)
    };
    assert_eq!(run(&["a"], &onto, copy("/a", "/l/x")).unwrap(), want("x"));
    assert_eq!(run(&["a"], &onto, copy("/a", "/up")).unwrap(), want("a"));
}

#[test]
fn wildcards_copy_in_order_and_may_match_nothing() {
    let from = ["a1", "a2/", "a2/f", "b"];
    assert_eq!(run(&from, &[], copy("/a*", "/x/")).unwrap(), ["x/", "x/a1 = a1", "x/f = a2/f"]);
    assert_eq!(run(&from, &[], copy("/z*", "/x/")).unwrap(), [""; 0]);
    let error = run(&from, &[], copy("/missing/*", "/x/")).unwrap_err();
    assert_eq!(error, "lstat /missing: no such file or directory");
    let strict = CopyAction { allow_empty_wildcard: false, ..copy("/z*", "/x/") };
    assert_eq!(run(&from, &[], strict).unwrap_err(), "/z* not found");
}

#[test]
fn owner_and_mode_go_to_everything_that_is_made() {
    let owner = Owner { user: Some(User::Id(3)), group: None };
    let action = CopyAction { owner: Some(owner), mode: 0o640, ..copy("/d", "/x/y") };
    let want = ["x/ @0640,3:3", "x/y/ @0640,3:3", "x/y/f = d/f @0640,3:3", "x/y/l -> f @0777,3:3"];
    assert_eq!(run(&["d/", "d/f", "d/l -> f"], &[], action).unwrap(), want);
    let action = CopyAction { mode_str: "u=rwX,go=rX".into(), ..copy("/d", "/x") };
    let want = ["x/", "x/d/", "x/f = d/f", "x/g = d/g @0755"];
    assert_eq!(run(&["d/", "d/d/ @0700", "d/f @0600", "d/g @0700"], &[], action).unwrap(), want);
}

#[test]
fn names_are_looked_up_and_unknown_ones_are_root() {
    let onto = ["etc/", "etc/passwd = root:x:0:0\napp:x:100:101:", "etc/group = #app:x:1:\nwww:x:33:"];
    let owner = |user: &str, group: Option<&str>, input| {
        let group = group.map(|g| User::Name(g.into(), input));
        CopyAction {
            owner: Some(Owner { user: Some(User::Name(user.into(), input)), group }),
            ..copy("/a", "/x")
        }
    };
    let last = |action| run(&["a"], &onto, action).map(|lines| lines.last().unwrap().clone());
    assert_eq!(last(owner("app", None, 0)).unwrap(), "x = a @0644,100:101");
    assert_eq!(last(owner("app", Some("www"), 0)).unwrap(), "x = a @0644,100:33");
    assert_eq!(last(owner("nobody", Some("app"), 0)).unwrap(), "x = a");
    assert_eq!(last(owner("app", None, -1)).unwrap_err(), "invalid user index: -1");
}

#[test]
fn excluded_files_stay_behind_and_parents_come_only_with_a_file() {
    let from = ["s/", "s/a/", "s/a/b/", "s/a/b/c.txt", "s/a/d/", "s/a/d/e", "s/k"];
    let action = CopyAction { exclude_patterns: vec!["a/b".into(), "k".into()], ..copy("/s", "/x") };
    assert_eq!(run(&from, &[], action).unwrap(), ["x/", "x/a/", "x/a/d/", "x/a/d/e = s/a/d/e"]);
    let action = CopyAction { include_patterns: vec!["s/a/*/c.txt".into()], ..copy("/", "/x") };
    assert_eq!(
        run(&from, &[], action).unwrap(),
        ["x/", "x/s/", "x/s/a/", "x/s/a/b/", "x/s/a/b/c.txt = s/a/b/c.txt"]
    );
}

#[test]
fn new_files_inherit_the_group_of_a_set_group_id_folder() {
    let onto = tree(&["g/ @2775,0:50"]);
    let mkdir = |path: &str, parents| FileAction {
        input: 0,
        secondary: -1,
        output: 0,
        kind: FileActionKind::Mkdir { path: path.into(), mode: 0o755, parents, owner: None, timestamp: -1 },
    };
    let made = |action| show(&apply_file_op(&[action], &[Some(&onto)], &InMemory).unwrap());
    for parents in [true, false] {
        assert_eq!(made(mkdir("/g/a", parents)), ["g/ @2775,0:50", "g/a/ @2755,0:50"]);
    }
}

#[test]
fn a_heredoc_is_made_and_then_copied_in_one_operation() {
    let mkfile = FileAction {
        input: -1,
        secondary: -1,
        output: -1,
        kind: FileActionKind::Mkfile {
            path: "/f".into(),
            mode: 0o644,
            data: b"hi".to_vec(),
            owner: None,
            timestamp: -1,
        },
    };
    let copy = FileAction { input: 0, secondary: 1, output: 0, kind: FileActionKind::Copy(copy("f", "/x/")) };
    let onto = tree(&["y"]);
    let result = apply_file_op(&[mkfile, copy], &[Some(&onto)], &InMemory).unwrap();
    assert_eq!(show(&result), ["x/", "x/f = hi", "y = y"]);
}

#[test]
fn what_is_copied_whole_is_shared() {
    let from = tree(&["d/", "d/e/", "d/e/f"]);
    let action =
        FileAction { input: -1, secondary: 0, output: 0, kind: FileActionKind::Copy(copy("/d", "/x")) };
    let result = apply_file_op(&[action], &[Some(&from)], &InMemory).unwrap();
    assert!(std::ptr::eq(result.get(b"x/e/f").unwrap(), from.get(b"d/e/f").unwrap()));
}

fn add(bytes: Vec<u8>, onto: &[&str], action: CopyAction) -> Result<Vec<String>, String> {
    let mut from = FileTree::scratch();
    let len = bytes.len() as u64;
    let node = Node::file(file_stat(0o600, len), Content::Bytes(bytes.into()));
    from.get_mut(b"").unwrap().insert(b"a.tar", node);
    let onto = tree(onto);
    let kind = FileActionKind::Copy(CopyAction { attempt_unpack: true, ..action });
    let action = FileAction { input: 0, secondary: 1, output: 0, kind };
    let result = apply_file_op(&[action], &[Some(&onto), Some(&from)], &InMemory);
    result.map(|t| show(&t)).map_err(|e| e.to_string())
}

#[test]
fn an_archive_is_unpacked_over_what_is_there() {
    let entries = ["d/ @0700,1:2", "d/f @0640,3:4", "p/q/r", "l -> /d", "h => d/f @0640,3:4", ".wh.old"];
    let shown =
        add(archive(&entries), &["x/", "x/old", "x/d/", "x/d/g", "x/l/"], copy("/a.tar", "/x")).unwrap();
    let want = [
        "x/",
        "x/.wh.old = .wh.old",
        "x/d/ @0700,1:2",
        "x/d/f = d/f @0640,3:4",
        "x/d/g = x/d/g",
        "x/h = d/f @0640,3:4",
        "x/l -> /d",
        "x/old = x/old",
        "x/p/",
        "x/p/q/",
        "x/p/q/r = p/q/r",
    ];
    assert_eq!(shown, want);
}

#[test]
fn an_archive_stays_in_its_folder() {
    let shown = add(archive(&["../../e", "l -> /", "l/f", "/g"]), &[], copy("/a.tar", "/x/y")).unwrap();
    assert_eq!(shown, ["x/", "x/y/", "x/y/e = ../../e", "x/y/f = l/f", "x/y/g = /g", "x/y/l -> /"]);
}

#[test]
fn what_is_no_archive_is_copied_and_a_truncated_one_fails() {
    let whole = archive(&["f = 0123456789"]);
    assert_eq!(add(b"text".to_vec(), &[], copy("/a.tar", "/x")).unwrap(), ["x = text @0600"]);
    assert_eq!(add(Vec::new(), &[], copy("/a.tar", "/x")).unwrap(), ["x =  @0600"]);
    assert_eq!(add(whole[..516].to_vec(), &[], copy("/a.tar", "/x")).unwrap_err(), "unexpected EOF");
    assert!(add(whole[..100].to_vec(), &[], copy("/a.tar", "/x")).unwrap()[0].starts_with("x = f"));
    let mut odd = ::tar::Header::new_gnu();
    odd.set_path("f").unwrap();
    odd.set_size(0);
    odd.set_entry_type(::tar::EntryType::Continuous);
    odd.set_cksum();
    let error = add(odd.as_bytes().to_vec(), &[], copy("/a.tar", "/x")).unwrap_err();
    assert_eq!(error, "unhandled tar header type 55");
}

#[test]
fn chown_goes_to_everything_in_an_archive() {
    let owner = Owner { user: Some(User::Id(9)), group: None };
    let action = CopyAction { owner: Some(owner), ..copy("/a.tar", "/x") };
    assert_eq!(
        add(archive(&["p/f @4755,1:1"]), &[], action).unwrap(),
        ["x/ @0755,9:9", "x/p/", "x/p/f = p/f @4755,9:9"]
    );
}
