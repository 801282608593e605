//! A target with all that it inherits → a [`Build`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::compose::located;
use super::super::path::{clean, is_url, join, named};
use super::super::{
    Build, CacheRef, ContextRef, DockerfileRef, NamedRef, Placed, ProjectError, SecretRef, Setting,
};
use super::target::Target;
use super::value::{Value, parse_bool};

/// The build of a target. Paths are relative to `folder`.
pub(super) fn build(name: &str, target: &Target, folder: &Path) -> Result<Build, ProjectError> {
    let mut build = Build::new(name, &target.place, context(target, folder)?);
    build.dockerfile = dockerfile(target, &build.context.value, folder)?;
    build.target = target.text("target")?.filter(|t| !t.value.is_empty());
    build.args = texts(target, "args")?
        .into_iter()
        .map(|(name, v)| (name, Placed { value: Some(v.value), place: v.place }))
        .collect();
    build.labels = texts(target, "labels")?;
    build.named = contexts(target, folder)?;
    build.platforms = target.texts("platforms")?;
    build.no_cache = flag(target, "no-cache")?;
    build.no_cache_filter = target.texts("no-cache-filter")?;
    build.tags = target.texts("tags").unwrap_or_default();
    build.cache_from = cache_from(target);
    build.secrets = secrets(target, folder);
    build.ssh = ssh(target);
    build.settings = settings(target)?;
    Ok(build)
}

/// A path, relative to the folder that Bake runs in; `cwd://` says just that.
fn path(written: &str, folder: &Path) -> PathBuf {
    join(folder, written.strip_prefix("cwd://").unwrap_or(written))
}

fn context(target: &Target, folder: &Path) -> Result<Placed<ContextRef>, ProjectError> {
    let written = target.text("context")?.unwrap_or_else(|| Placed::new(".".to_owned(), &target.place));
    let Placed { value: written, place } = written;
    if written == "-" {
        return Err(
            ProjectError::new(&place, "a context can't come from standard input").hint("name a folder")
        );
    }
    let reference = if is_url(&written) || (written.contains("://") && !written.starts_with("cwd://")) {
        ContextRef::Remote(written)
    } else {
        let path = path(&written, folder);
        ContextRef::Folder { written, path }
    };
    Ok(Placed { value: reference, place })
}

/// The inline one wins.
fn dockerfile(
    target: &Target,
    context: &ContextRef,
    folder: &Path,
) -> Result<Placed<DockerfileRef>, ProjectError> {
    if let Some(inline) = target.text("dockerfile-inline")? {
        return Ok(Placed::new(DockerfileRef::Inline(inline.value), &inline.place));
    }
    let Some(Placed { value: written, place }) = target.text("dockerfile")?.filter(|d| !d.value.is_empty())
    else {
        return Ok(Placed::new(DockerfileRef::Default, &target.place));
    };
    if written == "-" {
        return Err(
            ProjectError::new(&place, "a Dockerfile can't come from standard input").hint("name a file")
        );
    }
    let reference = match written.strip_prefix("cwd://") {
        Some(rest) => DockerfileRef::Path { path: join(folder, rest), written: written.clone() },
        None => located(&written, &written, context),
    };
    Ok(Placed { value: reference, place })
}

/// The entries of a map as text.
fn texts(target: &Target, name: &str) -> Result<BTreeMap<String, Placed<String>>, ProjectError> {
    let one = |(key, v): (&String, &Placed<Value>)| match v.value.to_text() {
        Some(text) => Ok((key.clone(), Placed::new(text, &v.place))),
        None => Err(ProjectError::new(
            &v.place,
            format!("`{name}`: {key} must be text, and is {}", v.value.kind()),
        )
        .hint("write it with jsonencode(…) or join(…)")),
    };
    target.maps.get(name).into_iter().flatten().map(one).collect()
}

/// Named contexts; one that is empty is taken away.
fn contexts(target: &Target, folder: &Path) -> Result<BTreeMap<String, Placed<NamedRef>>, ProjectError> {
    let all = texts(target, "contexts")?.into_iter().filter(|(_, v)| !v.value.is_empty());
    let one = |(name, v): (String, Placed<String>)| {
        let reference = match named(&v.value) {
            NamedRef::Folder(_) => NamedRef::Folder(path(&v.value, folder)),
            NamedRef::OciLayout(spec) => NamedRef::OciLayout(layout(&spec, folder)),
            other => other,
        };
        (name, Placed { value: reference, place: v.place })
    };
    Ok(all.map(one).collect())
}

/// An image layout's folder is relative like any other.
fn layout(spec: &str, folder: &Path) -> String {
    let end = spec.find(['@', ':']).unwrap_or(spec.len());
    format!("{}{}", path(&spec[..end], folder).display(), &spec[end..])
}

fn flag(target: &Target, name: &str) -> Result<bool, ProjectError> {
    let Some(Placed { value, place }) = target.attributes.get(name) else { return Ok(false) };
    let flag = match value {
        Value::Bool(b) => Some(*b),
        other => other.to_text().as_deref().and_then(parse_bool),
    };
    flag.ok_or_else(|| {
        ProjectError::new(place, format!("`{name}` is true or false")).hint("write true or false")
    })
}

/// The entries of a list: text as it is, objects as `key=value` with commas.
fn entries(target: &Target, name: &str) -> Vec<Placed<Value>> {
    let Some(Placed { value, place }) = target.attributes.get(name) else { return Vec::new() };
    match value {
        Value::List(list) => list.iter().map(|v| Placed::new(v.clone(), place)).collect(),
        single => vec![Placed::new(single.clone(), place)],
    }
}

/// `type=…,ref=…`.
fn cache_from(target: &Target) -> Vec<CacheRef> {
    let text = |v: &Value| match v {
        Value::Object(map) => {
            let fields = map.iter().filter_map(|(k, v)| Some(format!("{k}={}", v.to_text()?)));
            fields.collect::<Vec<_>>().join(",")
        }
        other => other.to_text().unwrap_or_default(),
    };
    let all =
        entries(target, "cache-from").into_iter().map(|e| CacheRef { text: text(&e.value), place: e.place });
    all.filter(|c| !c.text.is_empty()).collect()
}

/// A field of `id=…,src=…` or of an object.
fn field(value: &Value, names: &[&str]) -> Option<String> {
    match value {
        Value::Object(map) => names.iter().find_map(|n| map.get(*n)?.to_text()),
        other => other.to_text()?.split(',').find_map(|f| {
            let (name, value) = f.split_once('=')?;
            names.contains(&name.trim()).then(|| value.to_owned())
        }),
    }
}

fn secrets(target: &Target, folder: &Path) -> Vec<SecretRef> {
    let one = |e: Placed<Value>| {
        let file = field(&e.value, &["src", "source"]);
        let variable = field(&e.value, &["env"]);
        let id = field(&e.value, &["id"]).or_else(|| variable.clone())?;
        let file = file.map(|f| if f.starts_with('~') { f.into() } else { clean(&path(&f, folder)) });
        Some(SecretRef { id, file, variable, place: e.place })
    };
    entries(target, "secret").into_iter().filter_map(one).collect()
}

fn ssh(target: &Target) -> Vec<Placed<String>> {
    let one = |e: Placed<Value>| {
        let id = match &e.value {
            Value::Object(map) => {
                map.get("id").and_then(Value::to_text).unwrap_or_else(|| "default".to_owned())
            }
            other => other.to_text()?.split('=').next()?.to_owned(),
        };
        Some(Placed { value: id, place: e.place })
    };
    entries(target, "ssh").into_iter().filter_map(one).collect()
}

/// What else changes the result.
fn settings(target: &Target) -> Result<BTreeMap<Setting, Placed<Vec<String>>>, ProjectError> {
    let mut all = BTreeMap::new();
    for setting in [Setting::Network, Setting::ShmSize] {
        if let Some(text) = target.text(setting.name())?.filter(|t| !t.value.is_empty()) {
            all.insert(setting, Placed::new(vec![text.value], &text.place));
        }
    }
    for setting in [Setting::Ulimits, Setting::Entitlements] {
        let texts = target.texts(setting.name())?;
        if let Some(first) = texts.first() {
            let place = first.place.clone();
            all.insert(setting, Placed { value: texts.into_iter().map(|t| t.value).collect(), place });
        }
    }
    let hosts = texts(target, Setting::ExtraHosts.name())?;
    if let Some(place) = hosts.values().next().map(|h| h.place.clone()) {
        let value = hosts.into_iter().map(|(host, address)| format!("{host}={}", address.value)).collect();
        all.insert(Setting::ExtraHosts, Placed { value, place });
    }
    Ok(all)
}
