//! Random operations that BuildKit's own `CacheMap` answered.

use serde_json::Value;

use super::{CacheMap, cache_map};
use crate::buildkit::Versions;
use crate::digest::Digest;
use crate::image::Platform;
use crate::plan::{
    CopyAction, Exec, ExecMount, ExecMountKind, FileAction, FileActionKind, Op, Owner, SecretEnv, User,
    Vertex, VertexId,
};

fn text(v: &Value) -> String {
    v.as_str().unwrap_or("").to_owned()
}

fn texts(v: &Value) -> Vec<String> {
    list(v).map(text).collect()
}

fn list(v: &Value) -> impl Iterator<Item = &Value> {
    v.as_array().into_iter().flatten()
}

fn int<T: TryFrom<i64>>(v: &Value) -> T {
    T::try_from(v.as_i64().unwrap_or(0)).ok().expect("a number of the field's type")
}

fn flag(v: &Value) -> bool {
    v.as_bool().unwrap_or(false)
}

fn user(v: &Value) -> Option<User> {
    match v.get("id") {
        _ if v.is_null() => None,
        Some(id) => Some(User::Id(int(id))),
        None => Some(User::Name(text(&v["name"]), int(&v["input"]))),
    }
}

fn owner(v: &Value) -> Option<Owner> {
    (!v.is_null()).then(|| Owner { user: user(&v["user"]), group: user(&v["group"]) })
}

fn action(v: &Value) -> FileAction {
    let of = |name: &str| v.get(name);
    let kind = if let Some(m) = of("mkdir") {
        FileActionKind::Mkdir {
            path: text(&m["path"]),
            mode: int(&m["mode"]),
            parents: flag(&m["parents"]),
            owner: owner(&m["owner"]),
            timestamp: int(&m["timestamp"]),
        }
    } else if let Some(m) = of("mkfile") {
        FileActionKind::Mkfile {
            path: text(&m["path"]),
            mode: int(&m["mode"]),
            data: text(&m["data"]).into_bytes(),
            owner: owner(&m["owner"]),
            timestamp: int(&m["timestamp"]),
        }
    } else {
        FileActionKind::Copy(copy(&v["copy"]))
    };
    FileAction { input: int(&v["input"]), secondary: int(&v["secondary"]), output: int(&v["output"]), kind }
}

fn copy(v: &Value) -> CopyAction {
    CopyAction {
        src: text(&v["src"]),
        dest: text(&v["dest"]),
        owner: owner(&v["owner"]),
        mode: int(&v["mode"]),
        mode_str: text(&v["mode_str"]),
        follow_symlink: flag(&v["follow"]),
        dir_copy_contents: flag(&v["contents"]),
        attempt_unpack: flag(&v["unpack"]),
        create_dest_path: flag(&v["create"]),
        allow_wildcard: flag(&v["wild"]),
        allow_empty_wildcard: flag(&v["empty"]),
        timestamp: int(&v["timestamp"]),
        include_patterns: texts(&v["include"]),
        exclude_patterns: texts(&v["exclude"]),
        required_paths: texts(&v["required"]),
        always_replace: flag(&v["replace"]),
    }
}

fn mount(v: &Value) -> ExecMount {
    let of = |name: &str| v.get(name);
    let kind = if let Some(c) = of("cache") {
        ExecMountKind::Cache { id: text(&c["id"]), sharing: int(&c["sharing"]) }
    } else if let Some(size) = of("tmpfs") {
        ExecMountKind::Tmpfs(int(size))
    } else if let Some(s) = of("secret") {
        let (uid, gid, mode) = (int(&s["uid"]), int(&s["gid"]), int(&s["mode"]));
        ExecMountKind::Secret { id: text(&s["id"]), uid, gid, mode, optional: flag(&s["optional"]) }
    } else if let Some(s) = of("ssh") {
        let (uid, gid, mode) = (int(&s["uid"]), int(&s["gid"]), int(&s["mode"]));
        ExecMountKind::Ssh { id: text(&s["id"]), uid, gid, mode, optional: flag(&s["optional"]) }
    } else {
        ExecMountKind::Bind
    };
    ExecMount {
        input: int(&v["input"]),
        selector: text(&v["selector"]),
        dest: text(&v["dest"]),
        output: int(&v["output"]),
        read_only: flag(&v["readonly"]),
        kind,
    }
}

fn exec(v: &Value) -> Exec {
    let secret =
        |s: &Value| SecretEnv { id: text(&s["id"]), name: text(&s["name"]), optional: flag(&s["optional"]) };
    Exec {
        args: texts(&v["args"]),
        env: texts(&v["env"]),
        cwd: text(&v["cwd"]),
        user: text(&v["user"]),
        hostname: text(&v["hostname"]),
        extra_hosts: texts(&v["hosts"]),
        mounts: list(&v["mounts"]).map(mount).collect(),
        network: int(&v["network"]),
        security: int(&v["security"]),
        secret_env: list(&v["secretenv"]).map(secret).collect(),
        devices: list(&v["devices"]).map(|d| (text(&d["name"]), flag(&d["optional"]))).collect(),
    }
}

fn vertex(v: &Value) -> Vertex {
    let op = match v.get("file") {
        Some(actions) => Op::File(list(actions).map(action).collect()),
        None => Op::Exec(exec(&v["exec"])),
    };
    let platform = Platform {
        os: text(&v["exec"]["os"]),
        architecture: text(&v["exec"]["arch"]),
        variant: text(&v["exec"]["variant"]),
        os_version: text(&v["exec"]["osversion"]),
        os_features: texts(&v["exec"]["osfeatures"]),
    };
    let inputs = (0..int(&v["n"])).map(VertexId).collect();
    Vertex { op, inputs, platform, open: Vec::new(), paths_open: false }
}

#[test]
fn operations_have_the_digests_and_selectors_that_buildkit_gives_them() {
    for line in include_str!("../../../fixtures/arithmetic/ops.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let CacheMap::Operation { json, inputs, .. } = cache_map(&vertex(&case), Versions::default()) else {
            panic!("an operation")
        };
        assert_eq!(Digest::sha256(&json).to_string(), text(&case["digest"]), "{json}\n{line}");
        let want: Vec<(String, bool)> =
            list(&case["deps"]).map(|d| (text(&d["selector"]), flag(&d["content"]))).collect();
        let got: Vec<(String, bool)> = inputs
            .iter()
            .map(|d| (d.selector().map(|s| s.to_string()).unwrap_or_default(), d.content.is_some()))
            .collect();
        assert_eq!(got, want, "{json}\n{line}");
    }
}
