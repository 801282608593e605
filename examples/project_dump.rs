use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use serde_json::{Value, json};
use stowaway::project::*;
fn words(build: &Build) -> Value {
    let context = match &build.context.value { ContextRef::Folder { path, .. } => path.display().to_string(), ContextRef::Remote(url) => url.clone() };
    let (dockerfile, inline) = match &build.dockerfile.value {
        DockerfileRef::Default => (None, None), DockerfileRef::Path { path, .. } => (Some(path.display().to_string()), None),
        DockerfileRef::Inline(text) => (None, Some(text.clone())), DockerfileRef::Remote(url) => (Some(url.clone()), None) };
    let named = |n: &NamedRef| match n { NamedRef::Folder(path) => path.display().to_string(), NamedRef::OciLayout(s) => format!("oci-layout://{s}"), NamedRef::DockerImage(i) => format!("docker-image://{i}"), NamedRef::Remote(u) => u.clone(), NamedRef::Target(n) => format!("target:{n}") };
    json!({ "context": context, "dockerfile": dockerfile, "dockerfile-inline": inline, "target": build.target.as_ref().map(|t| t.value.clone()),
        "args": build.args.iter().filter_map(|(k, v)| Some((k.clone(), v.value.clone()?))).collect::<BTreeMap<_, _>>(),
        "contexts": build.named.iter().map(|(k, v)| (k.clone(), named(&v.value))).collect::<BTreeMap<_, _>>(),
        "platforms": build.platforms.iter().map(|p| p.value.clone()).collect::<Vec<_>>(),
        "tags": build.tags.iter().map(|p| p.value.clone()).collect::<Vec<_>>(),
        "labels": build.labels.iter().map(|(k,v)| (k.clone(), v.value.clone())).collect::<BTreeMap<_, _>>(),
        "no-cache": build.no_cache, "no-cache-filter": build.no_cache_filter.iter().map(|p| p.value.clone()).collect::<Vec<_>>() })
}
fn main() {
    let mut args = std::env::args().skip(1);
    let around = Surroundings { environment: std::env::vars().collect(), platform: "linux/amd64".into(), ..Default::default() };
    let (kind, dirs): (String, Vec<String>) = (args.next().unwrap(), args.collect());
    let root = std::env::current_dir().unwrap();
    for dir in dirs {
        std::env::set_current_dir(root.join(&dir)).unwrap();
        let project = match find(&stowaway::ops::DiskFiles, Path::new("."), &around.environment).unwrap().unwrap() {
            Found::Bake(p) => bake(&stowaway::ops::DiskFiles, &p, &around), Found::Compose(p) => compose(&stowaway::ops::DiskFiles, &p, &around), Found::Dockerfile(p) => panic!("{p:?}") };
        let _ = (&kind, PathBuf::new());
        let builds: BTreeMap<String, Value> = project.builds.iter().map(|b| (b.name.clone(), words(b))).collect();
        let errors: Vec<String> = project.errors.iter().map(|e| e.to_string()).collect();
        println!("{}", json!({"dir": dir, "builds": builds, "errors": errors}));
    }
}
