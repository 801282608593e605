//! Recorded answers of BuildKit's own frontend (`fixtures/plan/llb.jsonl`): Dockerfiles with the graphs, names and
//! errors that it made of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::digest::Digest;
use crate::dockerfile::Dockerfile;
use crate::image::ImageConfig;

/// The images of a case; `*` is any other.
pub(super) struct Given<'a>(pub &'a Value);

impl Given<'_> {
    fn get(&self, key: &str) -> Option<Image> {
        let given = self.0.get(key)?;
        let (config, run) = (&given["config"], &given["config"]["config"]);
        let list = |v: &Value| -> Vec<String> {
            v.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let platform = Platform {
            os: text(&config["os"]),
            architecture: text(&config["architecture"]),
            ..Platform::default()
        };
        let diff_ids = list(&config["rootfs"]["diff_ids"]);
        let config = ImageConfig {
            platform,
            env: list(&run["Env"]),
            user: text(&run["User"]),
            working_dir: text(&run["WorkingDir"]),
            shell: list(&run["Shell"]),
            onbuild: list(&run["OnBuild"]),
            diff_ids: diff_ids.iter().filter_map(|d| Digest::parse(d)).collect(),
            has_nonempty_history: false,
            ..ImageConfig::default()
        };
        let root_digest = Digest::parse(given["digest"].as_str()?);
        Some(Image { name: key.into(), root_digest, config, layers: None })
    }
}

impl Images for Given<'_> {
    fn image(&self, reference: &str, _: &Platform) -> Result<Option<Image>, String> {
        Ok(self.get(reference).or_else(|| self.get("*")))
    }

    fn named(&self, name: &str, _: &Platform) -> Result<Image, String> {
        self.get(&format!("oci:{name}")).ok_or_else(|| format!("no layout {name}"))
    }
}

pub(super) fn options(case: &Value) -> PlanOptions {
    let text = |key: &str| case[key].as_str().map(str::to_owned);
    let pairs = |key: &str| -> BTreeMap<String, String> {
        let all = case[key].as_object().into_iter().flatten();
        all.map(|(k, v)| (k.clone(), v.as_str().expect("a string").to_owned())).collect()
    };
    let context = |(key, value): (String, String)| {
        let context = match value.split_once(':') {
            Some(("local", _)) => NamedContext::Local,
            Some(("oci-layout", _)) => NamedContext::OciLayout,
            Some((_, image)) => NamedContext::DockerImage(image.trim_start_matches("//").into()),
            None => panic!("context {value}"),
        };
        (key, context)
    };
    PlanOptions {
        target: text("target"),
        build_args: pairs("build_args"),
        named_contexts: pairs("contexts").into_iter().map(context).collect(),
        platform: text("platform").map(|p| Platform::parse(&p).expect("a platform")),
        build_platform: Some(Platform::parse("linux/amd64").expect("a platform")),
        ..PlanOptions::default()
    }
}

fn user(user: Option<&User>) -> Value {
    match user {
        None => Value::Null,
        Some(User::Id(id)) => json!(id),
        Some(User::Name(name, input)) => json!([name, input]),
    }
}

fn owner(owner: Option<&Owner>) -> Value {
    owner.map_or(Value::Null, |o| json!([user(o.user.as_ref()), user(o.group.as_ref())]))
}

fn action(action: &FileAction) -> Value {
    let what = match &action.kind {
        FileActionKind::Copy(c) => json!({
            "src": c.src, "dest": c.dest, "owner": owner(c.owner.as_ref()), "mode": c.mode, "modestr": c.mode_str,
            "follow": c.follow_symlink, "contents": c.dir_copy_contents, "unpack": c.attempt_unpack,
            "create": c.create_dest_path, "wild": c.allow_wildcard, "empty": c.allow_empty_wildcard,
            "ts": c.timestamp, "include": c.include_patterns, "exclude": c.exclude_patterns,
            "required": c.required_paths, "replace": c.always_replace }),
        FileActionKind::Mkdir { path, mode, parents, owner: o, timestamp } => json!({
            "mkdir": path, "mode": mode, "parents": parents, "owner": owner(o.as_ref()), "ts": timestamp }),
        FileActionKind::Mkfile { path, mode, data, owner: o, timestamp } => json!({
            "mkfile": path, "mode": mode, "data": String::from_utf8_lossy(data), "owner": owner(o.as_ref()),
            "ts": timestamp }),
    };
    json!([action.input, action.secondary, action.output, what])
}

fn mount(m: &ExecMount) -> Value {
    let kind = match &m.kind {
        ExecMountKind::Bind => json!("bind"),
        ExecMountKind::Cache { id, sharing } => json!(["cache", id, sharing]),
        ExecMountKind::Tmpfs(size) => json!(["tmpfs", size]),
        ExecMountKind::Secret { id, uid, gid, mode, optional } => {
            json!(["secret", id, uid, gid, mode, optional])
        }
        ExecMountKind::Ssh { id, uid, gid, mode, optional } => json!(["ssh", id, uid, gid, mode, optional]),
    };
    json!({ "input": m.input, "sel": m.selector, "dest": m.dest, "out": m.output, "ro": m.read_only, "kind": kind })
}

fn op(op: &Op) -> Value {
    match op {
        Op::Source(Source::Local(local)) => {
            let paths: Vec<_> = local.follow_paths.iter().map(|p| String::from_utf8_lossy(p)).collect();
            json!({ "local": local.name, "follow": paths })
        }
        Op::Source(Source::Image { reference, .. }) => json!({ "image": reference }),
        Op::Source(Source::Http { url, checksum, filename, .. }) => {
            json!({ "http": url, "filename": filename, "checksum": checksum.clone().unwrap_or_default() })
        }
        Op::Source(Source::Git { keep_git_dir, checksum, .. }) => {
            json!({ "git": true, "keep": keep_git_dir, "checksum": checksum.clone().unwrap_or_default() })
        }
        Op::File(actions) => json!({ "file": actions.iter().map(action).collect::<Vec<_>>() }),
        Op::Exec(e) => json!({
            "exec": e.args, "env": e.env, "cwd": e.cwd, "user": e.user, "host": e.hostname, "net": e.network,
            "sec": e.security, "mounts": e.mounts.iter().map(mount).collect::<Vec<_>>(),
            "secretenv": e.secret_env.iter().map(|s| json!([s.id, s.name, s.optional])).collect::<Vec<_>>() }),
        Op::Merge => json!({ "merge": 2 }),
    }
}

/// The plan in the form of the fixture.
fn shown(plan: &Plan) -> Value {
    if let Some(error) = plan.errors.first() {
        return json!({ "error": error.engine_message });
    }
    // The fixture leaves out the names of BuildKit's own steps, such as that of a heredoc.
    let shown = |s: &&super::Step| !s.name.starts_with("[internal] ");
    let name = |id: usize| plan.steps.iter().filter(shown).find(|s| s.vertex.0 == id).map(|s| s.name.clone());
    let vertex = |(id, v): (usize, &Vertex)| {
        let mut out = json!({ "inputs": v.inputs.iter().map(|i| i.0).collect::<Vec<_>>(), "op": op(&v.op) });
        if let Some(name) = name(id) {
            out["name"] = name.into();
        }
        if matches!(v.op, Op::Exec(_) | Op::Source(Source::Image { .. })) {
            out["platform"] = v.platform.full().into();
        }
        out
    };
    let ops: Vec<Value> = plan.graph.vertices.iter().enumerate().map(vertex).collect();
    json!({ "ops": ops, "target": plan.target.map(|t| t.0) })
}

/// BuildKit's answer without what a plan doesn't hold: places of errors, names of what isn't a step, platforms that
/// enter no key.
fn comparable(mut answer: Value) -> Value {
    if let Some(error) = answer.get("error") {
        return json!({ "error": error });
    }
    for op in answer["ops"].as_array_mut().into_iter().flatten() {
        let what = &op["op"];
        let own_name = what.get("local").is_none() && !op["name"].as_str().is_some_and(internal);
        let platform = what.get("exec").is_some() || what.get("image").is_some();
        let op = op.as_object_mut().expect("an object");
        if !own_name {
            op.remove("name");
        }
        if !platform {
            op.remove("platform");
        }
    }
    answer
}

fn internal(name: &str) -> bool {
    let loads = name.ends_with("] OCI load from client");
    name.starts_with("[internal] ") || loads || (name.starts_with("[context ") && !name.contains('/'))
}

#[test]
fn graphs_names_and_errors_are_buildkits() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/plan/llb.jsonl");
    let text = std::fs::read_to_string(file).expect("the fixture is there");
    let mut seen = 0;
    for line in text.lines() {
        let mut record: Value = serde_json::from_str(line).expect("JSON");
        let case = record["case"].take();
        let source = case["dockerfile"].as_str().expect("a Dockerfile");
        let images = case["images"].clone();
        let want = comparable(record["llb"].take());
        let got = match Dockerfile::parse(source.as_bytes()) {
            Err(error) => json!({ "error": error.engine_message }),
            Ok(dockerfile) => {
                let plan = Plan::resolve(&dockerfile, &options(&case), &Given(&images)).expect("a plan");
                shown(&plan)
            }
        };
        let context = serde_json::to_string_pretty(&case).unwrap_or_default();
        assert_eq!(got, want, "{source}\n{context}");
        seen += 1;
    }
    assert!(seen > 150, "only {seen} cases");
}
