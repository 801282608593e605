//! Golden folders (`fixtures/compose`, `fixtures/bake`): files in, `result.json` out; `recorded.json` is what Compose's and Bake's own
//! code made of the same files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;

fn fixtures(kind: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fixtures", kind].iter().collect()
}

/// Every file of a case, named relative to it.
fn load(root: &Path, below: &Path, files: &mut MemoryFiles) {
    for entry in std::fs::read_dir(root.join(below)).unwrap().map(Result::unwrap) {
        let path = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            load(root, &path, files);
        } else {
            files.0.insert(path.clone(), std::fs::read(root.join(&path)).unwrap());
        }
    }
}

fn case(root: &Path) -> Project {
    let mut files = MemoryFiles::default();
    load(root, Path::new(""), &mut files);
    let lines = |name: &str| -> Vec<String> {
        let bytes = files.0.get(Path::new(name)).cloned().unwrap_or_default();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    };
    let mut environment: BTreeMap<String, String> = lines("environment")
        .iter()
        .filter_map(|l| l.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    environment.entry("HOME".to_owned()).or_insert_with(|| "/home/dev".to_owned());
    let profiles = Some(lines("profiles")).filter(|p| !p.is_empty());
    let around =
        Surroundings { environment, platform: "linux/amd64".to_owned(), profiles, ..Surroundings::default() };
    match find(&files, Path::new("."), &around.environment).unwrap().expect("files") {
        Found::Bake(paths) => bake(&files, &paths, &around),
        Found::Compose(paths) => compose(&files, &paths, &around),
        Found::Dockerfile(path) => panic!("only {}", path.display()),
    }
}

fn at<T>(placed: &Placed<T>, value: impl Into<Value>) -> Value {
    json!([value.into(), placed.place.to_string()])
}

fn texts(list: &[Placed<String>]) -> Value {
    list.iter().map(|t| at(t, t.value.clone())).collect()
}

fn of_context(context: &ContextRef) -> Value {
    match context {
        ContextRef::Folder { path, .. } => path.display().to_string().into(),
        ContextRef::Remote(url) => json!({"remote": url}),
    }
}

fn of_dockerfile(dockerfile: &DockerfileRef) -> Value {
    match dockerfile {
        DockerfileRef::Default => Value::Null,
        DockerfileRef::Path { path, .. } => path.display().to_string().into(),
        DockerfileRef::Inline(text) => json!({"inline": text}),
        DockerfileRef::Remote(url) => json!({"remote": url}),
    }
}

fn of_named(named: &NamedRef) -> Value {
    match named {
        NamedRef::Folder(path) => path.display().to_string().into(),
        NamedRef::OciLayout(spec) => json!({"oci-layout": spec}),
        NamedRef::DockerImage(image) => json!({"image": image}),
        NamedRef::Remote(url) => json!({"remote": url}),
        NamedRef::Target(name) => json!({"target": name}),
    }
}

fn of_secret(secret: &SecretRef) -> Value {
    json!({"id": secret.id, "file": secret.file.as_ref().map(|f| f.display().to_string()), "variable": secret.variable,
        "place": secret.place.to_string()})
}

fn of_build(build: &Build) -> Value {
    let mut all = json!({
        "name": build.name,
        "place": build.place.to_string(),
        "context": at(&build.context, of_context(&build.context.value)),
        "dockerfile": at(&build.dockerfile, of_dockerfile(&build.dockerfile.value)),
        "target": build.target.as_ref().map(|t| at(t, t.value.clone())),
        "args": build.args.iter().map(|(k, v)| (k.clone(), at(v, v.value.clone()))).collect::<BTreeMap<_, _>>(),
        "named": build.named.iter().map(|(k, v)| (k.clone(), at(v, of_named(&v.value)))).collect::<BTreeMap<_, _>>(),
        "platforms": texts(&build.platforms),
        "no_cache": build.no_cache,
        "no_cache_filter": texts(&build.no_cache_filter),
        "cache_from": build.cache_from.iter().map(|c| c.text.clone()).collect::<Vec<_>>(),
        "secrets": build.secrets.iter().map(of_secret).collect::<Vec<_>>(),
        "ssh": texts(&build.ssh),
        "tags": texts(&build.tags),
        "labels": build.labels.iter().map(|(k, v)| (k.clone(), at(v, v.value.clone()))).collect::<BTreeMap<_, _>>(),
        "settings": build.settings.iter().map(|(k, v)| (k.name(), at(v, v.value.clone()))).collect::<BTreeMap<_, _>>(),
        "depends_on": build.depends_on,
        "profiles": build.profiles,
        "template": build.template,
    });
    // What says nothing is left out.
    let empty = |v: &Value| match v {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    if let Value::Object(map) = &mut all {
        map.retain(|_, v| !empty(v));
    }
    all
}

fn of_project(project: &Project) -> Value {
    let error = |e: &ProjectError| json!({"error": e.to_string(), "hint": e.hint, "build": e.build});
    json!({
        "name": project.name,
        "files": project.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
        "builds": project.builds.iter().map(of_build).collect::<Vec<_>>(),
        "others": project.others.iter().map(|o| json!([o.name, o.image, o.place.to_string()])).collect::<Vec<_>>(),
        "groups": project.groups,
        "notes": project.notes.iter().map(|n| format!("{}: {}", n.place, n.message)).collect::<Vec<_>>(),
        "errors": project.errors.iter().map(error).collect::<Vec<_>>(),
    })
}

/// The cases of a kind.
fn cases(kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(fixtures(kind)).unwrap().map(|e| e.unwrap().path());
    let mut all: Vec<PathBuf> = entries.filter(|p| p.is_dir()).collect();
    all.sort();
    assert!(all.len() > 5, "fixtures/{kind}");
    all
}

fn golden(kind: &str) {
    let mut bad = String::new();
    for root in cases(kind) {
        let text = serde_json::to_string_pretty(&of_project(&case(&root))).unwrap() + "\n";
        let path = root.join("result.json");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != text {
            bad.push_str(&format!("{}:\n{text}\n", path.display()));
        }
    }
    assert!(bad.is_empty(), "other than in the golden files (UPDATE_GOLDEN=1 writes them anew):\n{bad}");
}

#[test]
fn compose_files_ask_for_what_the_golden_files_say() {
    golden("compose");
}

#[test]
fn bake_files_ask_for_what_the_golden_files_say() {
    golden("bake");
}

/// What Compose and Bake themselves make of the same build, in the words of Bake.
fn in_their_words(build: &Build) -> Value {
    let context = match &build.context.value {
        ContextRef::Folder { path, .. } => path.display().to_string(),
        ContextRef::Remote(url) => url.clone(),
    };
    let (dockerfile, inline) = match &build.dockerfile.value {
        DockerfileRef::Default => (None, None),
        DockerfileRef::Path { path, .. } => (Some(path.display().to_string()), None),
        DockerfileRef::Inline(text) => (None, Some(text.clone())),
        DockerfileRef::Remote(url) => (Some(url.clone()), None),
    };
    let named = |n: &NamedRef| match n {
        NamedRef::Folder(path) => path.display().to_string(),
        NamedRef::OciLayout(spec) => format!("oci-layout://{spec}"),
        NamedRef::DockerImage(image) => format!("docker-image://{image}"),
        NamedRef::Remote(url) => url.clone(),
        NamedRef::Target(name) => format!("target:{name}"),
    };
    json!({
        "context": context,
        "dockerfile": dockerfile,
        "dockerfile-inline": inline,
        "target": build.target.as_ref().map(|t| t.value.clone()),
        "args": build.args.iter().filter_map(|(k, v)| Some((k.clone(), v.value.clone()?))).collect::<BTreeMap<_, _>>(),
        "contexts": build.named.iter().map(|(k, v)| (k.clone(), named(&v.value))).collect::<BTreeMap<_, _>>(),
        "platforms": build.platforms.iter().map(|p| p.value.clone()).collect::<Vec<_>>(),
        "no-cache": build.no_cache,
        "no-cache-filter": build.no_cache_filter.iter().map(|p| p.value.clone()).collect::<Vec<_>>(),
    })
}

#[test]
fn builds_are_those_that_compose_and_bake_make_themselves() {
    let mut compared = 0;
    for root in cases("compose").into_iter().chain(cases("bake")) {
        let Ok(bytes) = std::fs::read(root.join("recorded.json")) else { continue };
        let recorded: BTreeMap<String, Value> = serde_json::from_slice(&bytes).unwrap();
        let project = case(&root);
        let own: BTreeMap<String, Value> =
            project.builds.iter().map(|b| (b.name.clone(), in_their_words(b))).collect();
        assert_eq!(own, recorded, "{}", root.display());
        compared += recorded.len();
    }
    assert!(compared > 30, "{compared} builds");
}
