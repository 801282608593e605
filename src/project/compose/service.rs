//! A service's `build` → a [`Build`].

use std::collections::BTreeMap;

use super::super::files::Reader;
use super::super::yaml::{Entry, Map, Node, Value};
use super::super::{
    Build, CacheRef, ContextRef, DockerfileRef, NamedRef, Note, NoteKind, Placed, ProjectError, SecretRef,
    Setting, path,
};
use super::{Reading, args, keys};

/// What a service is read with.
pub(super) struct Reads<'a> {
    /// The variables.
    pub(super) environment: &'a BTreeMap<String, String>,
    /// `secrets` of the top level.
    pub(super) secrets: &'a Map,
    /// The user's home folder.
    pub(super) home: Option<&'a str>,
    /// Where files come from.
    pub(super) reader: &'a Reader<'a>,
    /// Who reads.
    pub(super) reading: Reading,
}

/// The keys of `build`, as the specification has them.
const KEYS: [&str; 24] = [
    "additional_contexts",
    "args",
    "cache_from",
    "cache_to",
    "context",
    "dockerfile",
    "dockerfile_inline",
    "entitlements",
    "extra_hosts",
    "isolation",
    "labels",
    "network",
    "no_cache",
    "no_cache_filter",
    "platforms",
    "privileged",
    "provenance",
    "pull",
    "sbom",
    "secrets",
    "shm_size",
    "ssh",
    "tags",
    "ulimits",
];

/// The build of a service.
pub(super) fn build(
    name: &str,
    entry: &Entry,
    reads: &Reads<'_>,
    notes: &mut Vec<Note>,
) -> Result<Build, ProjectError> {
    let service = &entry.node;
    let Some(node) = service.get("build").cloned().map(keys::long_build) else {
        return Err(ProjectError::new(&entry.key, "the service builds nothing"));
    };
    check_keys(&node)?;
    let context = context(&node, reads, notes)?;
    let mut build = Build::new(name, &entry.key, context);
    build.dockerfile = dockerfile(&node, &build.context.value, reads, notes)?;
    build.target = text(&node, "target")?.filter(|t| !t.value.is_empty());
    build.args = args::arguments(service, &node, reads, notes)?;
    build.named = named(&node, reads)?;
    build.platforms = platforms(service, &node, reads)?;
    build.no_cache = flag(&node, "no_cache")?;
    build.no_cache_filter = keys::texts(node.get("no_cache_filter"));
    build.cache_from = keys::texts(node.get("cache_from"))
        .into_iter()
        .map(|t| CacheRef { text: t.value, place: t.place })
        .collect();
    build.secrets = secrets(&node, reads)?;
    build.ssh = ssh(&node);
    build.tags = tags(service, &node);
    build.labels = labels(&node)?;
    build.settings = settings(&node)?;
    build.profiles = keys::texts(service.get("profiles")).into_iter().map(|p| p.value).collect();
    if let (Reading::Bake, Some(more)) = (reads.reading, node.get("x-bake")) {
        for_bake(&mut build, service, &node, more)?;
    }
    Ok(build)
}

/// `x-bake`: what the specification has no keys for, or what is added for Bake.
fn for_bake(build: &mut Build, service: &Node, node: &Node, more: &Node) -> Result<(), ProjectError> {
    let words = |key: &str| match more.get(key) {
        Some(list) if list.as_list().is_some() => keys::texts(Some(list)),
        single => keys::texts(single)
            .iter()
            .flat_map(|t| {
                t.value.split_whitespace().map(|w| Placed::new(w.to_owned(), &t.place)).collect::<Vec<_>>()
            })
            .collect(),
    };
    let tags = words("tags");
    if !tags.is_empty() {
        build.tags = keys::texts(node.get("tags"));
        build.tags.extend(tags);
    } else if build.tags.is_empty() {
        build.tags = keys::texts(service.get("image"));
    }
    build
        .cache_from
        .extend(words("cache-from").into_iter().map(|t| CacheRef { text: t.value, place: t.place }));
    build.platforms.extend(words("platforms"));
    build.no_cache_filter.extend(words("no-cache-filter"));
    build.ssh.extend(words("ssh").into_iter().map(|t| {
        let id = t.value.split('=').next().unwrap_or_default().to_owned();
        Placed { value: id, place: t.place }
    }));
    if more.get("no-cache").is_some() {
        build.no_cache = flag(more, "no-cache")?;
    }
    for (name, entry) in more.get("contexts").and_then(keys::keyed).unwrap_or_default() {
        let value = scalar(&entry.node, &name)?;
        let target = value.strip_prefix("service:").or_else(|| value.strip_prefix("target:"));
        let reference = match (target, path::named(&value)) {
            (Some(service), _) => NamedRef::Target(service.to_owned()),
            (None, NamedRef::Folder(_)) => NamedRef::Folder(entry.node.resolve(&value)),
            (None, other) => other,
        };
        build.named.entry(name).or_insert_with(|| Placed::new(reference, &entry.node.place));
    }
    Ok(())
}

/// Only keys that the specification has, or that begin with `x-`.
fn check_keys(node: &Node) -> Result<(), ProjectError> {
    let Value::Map(map) = &node.value else {
        return Err(
            ProjectError::new(&node.place, "`build` must be a path or a mapping").hint("write `build: .`")
        );
    };
    for (key, entry) in map {
        if key.starts_with("x-") || key == "target" || KEYS.contains(&key.as_str()) {
            continue;
        }
        let error = ProjectError::new(&entry.key, format!("`build` has no key `{key}`"));
        let near = KEYS.iter().chain(&["target"]).find(|k| alike(k, key));
        return Err(match near {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("Compose rejects keys that it doesn't know; own ones begin with `x-`"),
        });
    }
    Ok(())
}

/// Two names that differ in case, separators or one letter.
fn alike(a: &str, b: &str) -> bool {
    let plain =
        |s: &str| s.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let (a, b) = (plain(a), plain(b));
    if a == b || a.strip_suffix('s') == Some(&b) || b.strip_suffix('s') == Some(&a) {
        return true;
    }
    let front = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let back = a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count();
    let longest = a.len().max(b.len());
    longest > 3 && a.len().abs_diff(b.len()) <= 1 && front + back + 1 >= longest
}

/// The context: a folder, a URL, or another form that only a builder knows.
fn context(
    node: &Node,
    reads: &Reads<'_>,
    notes: &mut Vec<Note>,
) -> Result<Placed<ContextRef>, ProjectError> {
    let Some(entry) = node.as_map().and_then(|m| m.get("context")) else {
        return Err(ProjectError::new(&node.place, "the build has no context").hint("write `context: .`"));
    };
    let written = scalar(&entry.node, "context")?;
    if written.contains("://") || written.starts_with("service:") || path::is_url(&written) {
        return Ok(Placed::new(ContextRef::Remote(written), &entry.node.place));
    }
    note_absolute(&written, &entry.node, notes);
    let path = entry.node.resolve(&home(&written, reads));
    Ok(Placed::new(ContextRef::Folder { written, path }, &entry.node.place))
}

fn note_absolute(written: &str, node: &Node, notes: &mut Vec<Note>) {
    if written.starts_with(['/', '~']) {
        let message = format!("the absolute path {written} is another one on other machines");
        notes.push(Note { place: node.place.clone(), kind: NoteKind::AbsolutePath, message });
    }
}

/// `~` is the user's home folder.
fn home(written: &str, reads: &Reads<'_>) -> String {
    match (written.strip_prefix('~'), reads.home) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ => written.to_owned(),
    }
}

/// The Dockerfile, relative to the context.
fn dockerfile(
    node: &Node,
    context: &ContextRef,
    reads: &Reads<'_>,
    notes: &mut Vec<Note>,
) -> Result<Placed<DockerfileRef>, ProjectError> {
    let inline = node.get("dockerfile_inline");
    let file = node.get("dockerfile").filter(|n| n.scalar().is_some_and(|s| !s.is_empty()));
    match (inline, file) {
        (Some(inline), Some(_)) => {
            Err(ProjectError::new(&inline.place, "a build has either `dockerfile` or `dockerfile_inline`")
                .hint("take one of them away"))
        }
        (Some(inline), None) => {
            Ok(Placed::new(DockerfileRef::Inline(scalar(inline, "dockerfile_inline")?), &inline.place))
        }
        (None, Some(file)) => {
            let written = scalar(file, "dockerfile")?;
            note_absolute(&written, file, notes);
            Ok(Placed::new(located(&home(&written, reads), &written, context), &file.place))
        }
        (None, None) => Ok(Placed::new(DockerfileRef::Default, &node.place)),
    }
}

/// A Dockerfile's path, relative to the context.
pub(in super::super) fn located(path: &str, written: &str, context: &ContextRef) -> DockerfileRef {
    if path::is_url(path) {
        return DockerfileRef::Remote(path.to_owned());
    }
    let path = match context.folder() {
        Some(folder) => path::join(folder, path),
        None => path.into(),
    };
    DockerfileRef::Path { written: written.to_owned(), path }
}

fn scalar(node: &Node, key: &str) -> Result<String, ProjectError> {
    node.scalar().ok_or_else(|| {
        ProjectError::new(&node.place, format!("`{key}` must be text, and is {}", node.kind()))
            .hint("put quotes around it")
    })
}

fn text(node: &Node, key: &str) -> Result<Option<Placed<String>>, ProjectError> {
    node.get(key).map(|n| scalar(n, key).map(|t| Placed::new(t, &n.place))).transpose()
}

fn flag(node: &Node, key: &str) -> Result<bool, ProjectError> {
    let Some(value) = node.get(key) else { return Ok(false) };
    match scalar(value, key)?.to_ascii_lowercase().as_str() {
        "true" | "1" | "t" | "yes" | "y" | "on" => Ok(true),
        "false" | "0" | "f" | "no" | "n" | "off" | "" => Ok(false),
        other => Err(ProjectError::new(&value.place, format!("`{key}` is true or false, not {other:?}"))
            .hint("write true or false")),
    }
}

/// Named contexts; `service:NAME` is another service's result.
fn named(node: &Node, reads: &Reads<'_>) -> Result<BTreeMap<String, Placed<NamedRef>>, ProjectError> {
    let Some(contexts) = node.get("additional_contexts") else { return Ok(BTreeMap::new()) };
    let map = keys::keyed(contexts).ok_or_else(|| {
        ProjectError::new(&contexts.place, "`additional_contexts` must be a mapping or a list of NAME=PATH")
    })?;
    let one = |(name, entry): (String, Entry)| {
        let value = scalar(&entry.node, &name)?;
        let target = value.strip_prefix("service:").or_else(|| value.strip_prefix("target:"));
        let reference = match target {
            Some(service) => NamedRef::Target(service.to_owned()),
            None => match path::named(&value) {
                NamedRef::Folder(_) if value.contains("://") => NamedRef::Remote(value),
                NamedRef::Folder(_) => NamedRef::Folder(entry.node.resolve(&home(&value, reads))),
                other => other,
            },
        };
        Ok((name, Placed::new(reference, &entry.node.place)))
    };
    map.into_iter().map(one).collect()
}

/// `platforms`, which the service's own platform must be among, or that one alone.
fn platforms(service: &Node, node: &Node, reads: &Reads<'_>) -> Result<Vec<Placed<String>>, ProjectError> {
    let own = keys::texts(node.get("platforms"));
    let of_service = keys::texts(service.get("platform"));
    if reads.reading == Reading::Bake {
        return Ok(own);
    }
    match (own.first(), of_service.first()) {
        (None, _) => Ok(of_service),
        (Some(first), Some(wanted)) if own.iter().all(|p| p.value != wanted.value) => {
            let message = format!("`platforms` must have the service's own platform, {}", wanted.value);
            Err(ProjectError::new(&first.place, message).hint("add it, or take `platform` away"))
        }
        _ => Ok(own),
    }
}

/// `tags`, and the service's image.
fn tags(service: &Node, node: &Node) -> Vec<Placed<String>> {
    let tags = keys::texts(node.get("tags"));
    if tags.is_empty() { keys::texts(service.get("image")) } else { tags }
}

fn labels(node: &Node) -> Result<BTreeMap<String, Placed<String>>, ProjectError> {
    let Some(labels) = node.get("labels") else { return Ok(BTreeMap::new()) };
    let filled = |v: Placed<Option<String>>| Placed { value: v.value.unwrap_or_default(), place: v.place };
    Ok(args::pairs(labels, "labels")?.into_iter().map(|(name, value)| (name, filled(value))).collect())
}

/// `default`, `ID` and `ID=path`, as a list or a mapping: only the names.
fn ssh(node: &Node) -> Vec<Placed<String>> {
    let Some(ssh) = node.get("ssh") else { return Vec::new() };
    let map = keys::keyed(ssh).unwrap_or_default();
    map.into_iter().map(|(id, entry)| Placed::new(id, &entry.key)).collect()
}

/// Secrets by name; where they come from stands at the top level.
fn secrets(node: &Node, reads: &Reads<'_>) -> Result<Vec<SecretRef>, ProjectError> {
    let Some(list) = node.get("secrets").and_then(Node::as_list) else { return Ok(Vec::new()) };
    list.iter().map(|secret| one_secret(secret, reads)).collect()
}

fn one_secret(secret: &Node, reads: &Reads<'_>) -> Result<SecretRef, ProjectError> {
    let source = match secret.as_map() {
        Some(_) => secret.get("source").and_then(Node::scalar),
        None => secret.scalar(),
    };
    let source = source.ok_or_else(|| ProjectError::new(&secret.place, "a secret has no name"))?;
    let Some(entry) = reads.secrets.get(&source) else {
        return Err(ProjectError::new(&secret.place, format!("there is no secret {source}"))
            .hint("add it to `secrets` at the top level"));
    };
    let target = secret.get("target").and_then(Node::scalar).filter(|_| reads.reading == Reading::Compose);
    let file = entry.node.get("file").and_then(|f| f.scalar().map(|path| f.resolve(&home(&path, reads))));
    let variable = entry.node.get("environment").and_then(Node::scalar);
    Ok(SecretRef { id: target.unwrap_or(source), file, variable, place: secret.place.clone() })
}

/// What else changes the result.
fn settings(node: &Node) -> Result<BTreeMap<Setting, Placed<Vec<String>>>, ProjectError> {
    let mut all = BTreeMap::new();
    let mut add = |setting, node: &Node, values: Vec<String>| {
        if !values.is_empty() {
            all.insert(setting, Placed::new(values, &node.place));
        }
    };
    for (setting, key) in [(Setting::Network, "network"), (Setting::ShmSize, "shm_size")] {
        if let Some(value) = node.get(key) {
            add(setting, value, vec![scalar(value, key)?]);
        }
    }
    if let Some(hosts) = node.get("extra_hosts") {
        add(Setting::ExtraHosts, hosts, extra_hosts(hosts));
    }
    if let Some(list) = node.get("entitlements") {
        add(Setting::Entitlements, list, keys::texts(Some(list)).into_iter().map(|t| t.value).collect());
    }
    if let Some(limits) = node.get("ulimits") {
        add(Setting::Ulimits, limits, ulimits(limits));
    }
    if let Some(privileged) = node.get("privileged").filter(|n| n.value == Value::Bool(true)) {
        add(Setting::Entitlements, privileged, vec!["security.insecure".to_owned()]);
    }
    Ok(all)
}

/// `host=address`, from a list, or a mapping to one address or several.
fn extra_hosts(node: &Node) -> Vec<String> {
    let mut all = Vec::new();
    match &node.value {
        Value::Map(map) => {
            for (host, entry) in map {
                all.extend(keys::texts(Some(&entry.node)).into_iter().map(|a| format!("{host}={}", a.value)));
            }
        }
        _ => {
            for text in keys::texts(Some(node)) {
                let pair = text.value.split_once('=').or_else(|| text.value.split_once(':'));
                all.extend(pair.map(|(host, address)| format!("{host}={address}")));
            }
        }
    }
    all.sort();
    all
}

/// `name=soft:hard`.
fn ulimits(node: &Node) -> Vec<String> {
    let one = |(name, entry): (&String, &Entry)| {
        let part = |key| entry.node.get(key).and_then(Node::scalar).unwrap_or_default();
        match entry.node.scalar() {
            Some(both) => format!("{name}={both}:{both}"),
            None => format!("{name}={}:{}", part("soft"), part("hard")),
        }
    };
    node.as_map().into_iter().flatten().map(one).collect()
}
