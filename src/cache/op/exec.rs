//! ExecOp (`solver/llbsolver/ops/exec.go`).

use super::Dependency;
use crate::buildkit::{Rule, Versions};
use crate::cache::json::{Object, array};
use crate::cache::{Selector, selector};
use crate::gopath;
use crate::image::Platform;
use crate::plan::{Exec, ExecMount, ExecMountKind};

/// The operation in JSON, and how it looks at its inputs.
pub(super) fn identity(
    exec: &Exec,
    platform: &Platform,
    inputs: usize,
    versions: Versions,
) -> (String, Vec<Dependency>) {
    let json = Object::new()
        .text("Type", "buildkit.exec.v0")
        .json("Exec", Some(exec_json(exec, versions)))
        .text_always("OS", &platform.os)
        .text_always("Arch", &platform.architecture)
        .text("Variant", &platform.variant)
        .text("OSVersion", &platform.os_version)
        .texts("OSFeatures", &platform.os_features)
        .finish();
    (json, dependencies(&exec.mounts, inputs, versions))
}

fn exec_json(exec: &Exec, versions: Versions) -> String {
    let secrets = exec
        .secret_env
        .iter()
        .map(|s| Object::new().text("ID", &s.id).text("name", &s.name).flag("optional", s.optional).finish());
    let devices = exec
        .devices
        .iter()
        .map(|(name, optional)| Object::new().text("name", name).flag("optional", *optional).finish());
    Object::new()
        .json("meta", Some(meta_json(exec)))
        .json("mounts", mounts_json(&exec.mounts, versions))
        .int("network", i64::from(exec.network))
        .int("security", i64::from(exec.security))
        .json("secretenv", list(secrets))
        .json("cdiDevices", list(devices))
        .finish()
}

/// `Meta` without what `CacheMap` takes out: proxy variables, and the addresses of extra hosts.
fn meta_json(exec: &Exec) -> String {
    Object::new()
        .texts("args", &exec.args)
        .texts("env", &exec.env)
        .text("cwd", &exec.cwd)
        .text("user", &exec.user)
        .json("extraHosts", list(exec.extra_hosts.iter().map(|h| Object::new().text("Host", h).finish())))
        .text("hostname", &exec.hostname)
        .flag("removeMountStubsRecursive", true)
        .finish()
}

/// A plain root mount alone is left out, as old versions of BuildKit left out all mounts.
fn mounts_json(mounts: &[ExecMount], versions: Versions) -> Option<String> {
    if let [only] = mounts
        && only.dest == "/"
        && !only.read_only
        && only.kind == ExecMountKind::Bind
    {
        return None;
    }
    list(mounts.iter().map(|m| mount_json(m, versions)))
}

/// The mount's input as its frontend writes it.
fn input(mount: &ExecMount, versions: Versions) -> i64 {
    let special = matches!(mount.kind, ExecMountKind::Secret { .. } | ExecMountKind::Ssh { .. });
    if special && !versions.frontend.has(Rule::SecretsWithoutInput) { 0 } else { mount.input }
}

fn mount_json(mount: &ExecMount, versions: Versions) -> String {
    let number = match mount.kind {
        ExecMountKind::Bind => 0,
        ExecMountKind::Secret { .. } => 1,
        ExecMountKind::Ssh { .. } => 2,
        ExecMountKind::Cache { .. } => 3,
        ExecMountKind::Tmpfs(_) => 4,
    };
    let all = !versions.engine.has(Rule::ZerosLeftOut);
    let number_of = |object: Object, key: &str, value: i64| {
        if all { object.int_always(key, value) } else { object.int(key, value) }
    };
    let base = number_of(Object::new(), "input", input(mount, versions)).text("dest", &mount.dest);
    let base =
        number_of(base, "output", mount.output).flag("readonly", mount.read_only).int("mountType", number);
    let secret = |id: &str, owner: (u32, u32), mode: u32, optional: bool| {
        Object::new()
            .text("ID", id)
            .int("uid", i64::from(owner.0))
            .int("gid", i64::from(owner.1))
            .int("mode", i64::from(mode))
            .flag("optional", optional)
            .finish()
    };
    match &mount.kind {
        ExecMountKind::Bind => base,
        ExecMountKind::Cache { id, sharing } => base.json("cacheOpt", Some(cache_json(mount, id, *sharing))),
        ExecMountKind::Tmpfs(size) => base.json("TmpfsOpt", Some(Object::new().int("size", *size).finish())),
        ExecMountKind::Secret { id, uid, gid, mode, optional } => {
            base.json("secretOpt", Some(secret(id, (*uid, *gid), *mode, *optional)))
        }
        ExecMountKind::Ssh { id, uid, gid, mode, optional } => {
            base.json("SSHOpt", Some(secret(id, (*uid, *gid), *mode, *optional)))
        }
    }
    .finish()
}

/// A cache's id counts only when it is the default, which is the target with or without a namespace in front
/// (`checkShouldClearCacheOpts`).
fn cache_json(mount: &ExecMount, id: &str, sharing: i32) -> String {
    let default = id == mount.dest || id.split_once('/').is_some_and(|(_, rest)| rest == mount.dest);
    if default && sharing == 0 { Object::new().text("ID", id).finish() } else { Object::new().finish() }
}

/// How the mounts look at the inputs (`getMountDeps`): of several mounts of one input the last decides whether it has a
/// content key.
fn dependencies(mounts: &[ExecMount], inputs: usize, versions: Versions) -> Vec<Dependency> {
    let mut out: Vec<(Vec<String>, bool)> = vec![(Vec::new(), false); inputs];
    for mount in mounts {
        let special = matches!(
            mount.kind,
            ExecMountKind::Secret { .. } | ExecMountKind::Ssh { .. } | ExecMountKind::Tmpfs(_)
        );
        if special && versions.engine.has(Rule::SecretsWithoutInput) {
            continue;
        }
        let Some((paths, by_content)) =
            usize::try_from(input(mount, versions)).ok().and_then(|i| out.get_mut(i))
        else {
            continue;
        };
        let path = gopath::join(&[b"/", mount.selector.as_bytes()]);
        let path = String::from_utf8_lossy(&path).into_owned();
        // Content may stand for the input when nothing outside the selected path can reach the result.
        let safe = mount.output == -1 || mount.read_only || path == "/";
        *by_content = safe && mount.dest != "/";
        paths.push(path);
    }
    let dependency = |(paths, by_content): (Vec<String>, bool)| Dependency {
        content: by_content.then(|| selectors(paths.clone())),
        paths: (!paths.is_empty()).then_some(paths),
    };
    out.into_iter().map(dependency).collect()
}

/// One path that is the root stands for all, and is not followed (`toSelectors`).
fn selectors(paths: Vec<String>) -> Vec<Selector> {
    let paths = selector::dedupe_paths(paths);
    if paths.iter().any(|p| p == "/") {
        return vec![Selector::plain("/", false)];
    }
    paths.into_iter().map(|p| Selector::plain(p, true)).collect()
}

fn list(values: impl Iterator<Item = String>) -> Option<String> {
    let list = array(values);
    (list != "[]").then_some(list)
}
