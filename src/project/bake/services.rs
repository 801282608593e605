//! Compose services as targets, for Bake files that go with them.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::super::{Build, ContextRef, DockerfileRef, NamedRef, Placed, Setting};
use super::target::Target;
use super::value::Value;

/// A service's name as a target's.
pub(super) fn target_name(service: &str) -> String {
    service.replace('.', "_")
}

/// A service's build as a target.
pub(super) fn target(build: &Build, folder: &Path) -> Target {
    let mut target =
        Target { place: build.place.clone(), attributes: BTreeMap::new(), maps: BTreeMap::new() };
    let mut set = |name: &str, value: Value, place: &super::super::Place| {
        target.attributes.insert(name.to_owned(), Placed::new(value, place));
    };
    let context = match &build.context.value {
        ContextRef::Folder { path, .. } => relative(path, folder),
        ContextRef::Remote(url) => url.clone(),
    };
    set("context", Value::Text(context), &build.context.place);
    match &build.dockerfile.value {
        DockerfileRef::Default => {}
        DockerfileRef::Path { written, .. } => {
            set("dockerfile", Value::text(written), &build.dockerfile.place)
        }
        DockerfileRef::Remote(url) => set("dockerfile", Value::text(url), &build.dockerfile.place),
        DockerfileRef::Inline(text) => set("dockerfile-inline", Value::text(text), &build.dockerfile.place),
    }
    if let Some(stage) = &build.target {
        set("target", Value::text(&stage.value), &stage.place);
    }
    if build.no_cache {
        set("no-cache", Value::Bool(true), &build.place);
    }
    let lists = [
        ("platforms", &build.platforms),
        ("no-cache-filter", &build.no_cache_filter),
        ("tags", &build.tags),
        ("ssh", &build.ssh),
    ];
    for (name, list) in lists {
        if let Some(first) = list.first() {
            set(name, Value::List(list.iter().map(|t| Value::text(&t.value)).collect()), &first.place);
        }
    }
    if let Some(first) = build.cache_from.first() {
        set(
            "cache-from",
            Value::List(build.cache_from.iter().map(|c| Value::text(&c.text)).collect()),
            &first.place,
        );
    }
    if let Some(first) = build.secrets.first() {
        set("secret", Value::List(build.secrets.iter().map(|s| secret(s, folder)).collect()), &first.place);
    }
    for (setting, values) in build.settings.iter().filter(|(s, _)| **s != Setting::ExtraHosts) {
        let value = match (setting, values.value.first()) {
            (Setting::Network | Setting::ShmSize, Some(only)) => Value::text(only),
            _ => Value::List(values.value.iter().map(Value::text).collect()),
        };
        set(setting.name(), value, &values.place);
    }
    maps(build, folder, &mut target);
    target
}

/// The attributes that are maps.
fn maps(build: &Build, folder: &Path, target: &mut Target) {
    let args = build.args.iter().filter_map(|(name, v)| {
        let value = Value::text(v.value.as_ref()?);
        Some((name.clone(), Placed::new(value, &v.place)))
    });
    target.maps.insert("args".to_owned(), args.collect());
    let labels =
        build.labels.iter().map(|(name, v)| (name.clone(), Placed::new(Value::text(&v.value), &v.place)));
    target.maps.insert("labels".to_owned(), labels.collect());
    let named = build
        .named
        .iter()
        .map(|(name, v)| (name.clone(), Placed::new(Value::Text(context(&v.value, folder)), &v.place)));
    target.maps.insert("contexts".to_owned(), named.collect());
    if let Some(hosts) = build.settings.get(&Setting::ExtraHosts) {
        let pairs = hosts.value.iter().filter_map(|h| h.split_once('='));
        let entries =
            pairs.map(|(host, address)| (host.to_owned(), Placed::new(Value::text(address), &hosts.place)));
        target.maps.insert("extra-hosts".to_owned(), entries.collect());
    }
}

/// A named context as Bake writes it.
fn context(named: &NamedRef, folder: &Path) -> String {
    match named {
        NamedRef::Folder(path) => relative(path, folder),
        NamedRef::OciLayout(spec) => format!("oci-layout://{spec}"),
        NamedRef::DockerImage(image) => format!("docker-image://{image}"),
        NamedRef::Remote(url) => url.clone(),
        NamedRef::Target(service) => format!("target:{}", target_name(service)),
    }
}

fn secret(secret: &super::super::SecretRef, folder: &Path) -> Value {
    let mut map = BTreeMap::from([("id".to_owned(), Value::text(&secret.id))]);
    if let Some(file) = &secret.file {
        map.insert("src".to_owned(), Value::Text(relative(file, folder)));
    }
    if let Some(variable) = &secret.variable {
        map.insert("env".to_owned(), Value::text(variable));
    }
    Value::Object(map)
}

/// A path as seen from a folder. Both are cleaned, and relative to the same place where they are relative.
fn relative(path: &Path, folder: &Path) -> String {
    if path.is_absolute() || folder == Path::new(".") {
        return path.display().to_string();
    }
    let mut own: Vec<Component<'_>> = path.components().filter(|c| *c != Component::CurDir).collect();
    let mut from: Vec<Component<'_>> = folder.components().collect();
    let common = own.iter().zip(&from).take_while(|(a, b)| a == b).count();
    own.drain(..common);
    from.drain(..common);
    let up = from.iter().map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(own).collect();
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_folder() {
        for (path, folder, seen) in
            [("a/b", "a", "b"), ("a", "a", "."), ("b", "a", "../b"), ("/x", "a", "/x"), ("x", ".", "x")]
        {
            assert_eq!(relative(Path::new(path), Path::new(folder)), seen, "{path} from {folder}");
        }
    }
}
