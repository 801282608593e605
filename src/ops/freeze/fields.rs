//! An operation in parts that can be compared one by one: taken from the very JSON that BuildKit hashes, so that two
//! operations have the same digest exactly when all their parts have.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::scrub::Scrub;
use crate::cache::{Part, Preimage};
use crate::digest::Digest;
use crate::plan::{FileAction, FileActionKind, Op, Source, Vertex};
use crate::snapshot::Field;

/// The parts of a vertex, sorted by name. See [`Field`] for their names.
pub fn of(vertex: &Vertex, preimage: Option<&Preimage>, scrub: &Scrub) -> Vec<Field> {
    let mut parts = Parts { fields: Vec::new(), scrub };
    let parts_of = || preimage.into_iter().flat_map(|p| &p.parts);
    match &vertex.op {
        Op::Source(source) => {
            parts.source(source, vertex);
            let keys = parts_of().filter_map(|p| if let Part::Source(keys) = p { Some(keys) } else { None });
            keys.filter(|k| !k.is_empty()).for_each(|keys| parts.add("keys", keys.join("\n")));
        }
        op => {
            let json = parts_of().find_map(|p| if let Part::Operation(json) = p { Some(json) } else { None });
            let parsed = json.and_then(|json| serde_json::from_str::<Map<String, Value>>(json).ok());
            parsed.into_iter().for_each(|json| parts.operation(op, json));
        }
    }
    parts.fields.sort();
    parts.fields
}

/// Parts under construction.
struct Parts<'s> {
    fields: Vec<Field>,
    scrub: &'s Scrub,
}

impl Parts<'_> {
    fn add(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.fields.push(Field { name: self.scrub.text(name), digest: Digest::blake3(value) });
    }

    /// What a source is asked for.
    fn source(&mut self, source: &Source, vertex: &Vertex) {
        match source {
            Source::Local(local) => {
                self.add("name", &local.name);
                self.add("paths", local.follow_paths.join(&0));
            }
            Source::Image { reference, image } => {
                let (name, digest) = reference.split_once('@').unwrap_or((reference, ""));
                self.add("reference", name);
                self.add("platform", vertex.platform.full());
                if !digest.is_empty() {
                    self.add("digest", digest);
                }
                if let Some(image) = image {
                    let layers = image.0.config.diff_ids.iter().map(ToString::to_string);
                    self.add("layers", layers.collect::<Vec<_>>().join("\n"));
                }
            }
            Source::Http { url, checksum, filename, .. } => {
                self.add("url", url);
                self.add("file name", filename);
                checksum.iter().for_each(|c| self.add("checksum", c));
            }
            Source::Git { remote, keep_git_dir, checksum } => {
                self.add("url", remote);
                self.add("keep-git-dir", keep_git_dir.to_string());
                checksum.iter().for_each(|c| self.add("checksum", c));
            }
        }
    }

    fn operation(&mut self, op: &Op, mut json: Map<String, Value>) {
        match op {
            Op::File(actions) => {
                let texts = json.remove("Actions");
                let texts = texts.iter().filter_map(Value::as_array).flatten();
                for (i, (action, text)) in actions.iter().zip(texts).enumerate() {
                    self.action(i + 1, action, text);
                }
            }
            Op::Exec(_) => {
                if let Some(Value::Object(exec)) = json.remove("Exec") {
                    self.exec(exec);
                }
                let platform = ["OS", "Arch", "Variant", "OSVersion", "OSFeatures"];
                let platform: Vec<Option<Value>> = platform.iter().map(|k| json.remove(*k)).collect();
                self.add("platform", Value::from_iter(platform.into_iter().flatten()).to_string());
            }
            Op::Merge | Op::Source(_) => {}
        }
        self.rest(&json);
    }

    /// What no name of its own has.
    fn rest(&mut self, json: &Map<String, Value>) {
        json.iter().for_each(|(key, value)| self.add(key, value.to_string()));
    }

    /// One action, whose JSON is in base64.
    fn action(&mut self, number: usize, action: &FileAction, text: &Value) {
        let kind = match &action.kind {
            FileActionKind::Copy(_) => "copy",
            FileActionKind::Mkdir { .. } => "mkdir",
            FileActionKind::Mkfile { .. } => "mkfile",
        };
        let bytes = text.as_str().and_then(|t| STANDARD.decode(t).ok()).unwrap_or_default();
        let json: Map<String, Value> = serde_json::from_slice(&bytes).unwrap_or_default();
        for (key, value) in &json {
            let name = match key.as_str() {
                "src" => "source",
                "dest" => "destination",
                "include_patterns" => "parents",
                "exclude_patterns" => "exclude",
                "required_paths" => "required",
                "attemptUnpackDockerCompatibility" => "unpack",
                other => other,
            };
            self.add(&format!("{kind} {number} {name}"), value.to_string());
        }
    }

    fn exec(&mut self, mut exec: Map<String, Value>) {
        if let Some(Value::Object(mut meta)) = exec.remove("meta") {
            if let Some(Value::Array(env)) = meta.remove("env") {
                self.environment(&env);
            }
            self.rest(&meta);
        }
        self.each(exec.remove("mounts"), "mount", "dest");
        self.each(exec.remove("secretenv"), "secret env", "name");
        self.each(exec.remove("cdiDevices"), "device", "name");
        self.rest(&exec);
    }

    /// Each variable; and their order, which enters the digest, too.
    fn environment(&mut self, env: &[Value]) {
        let mut order = String::new();
        for entry in env.iter().filter_map(Value::as_str) {
            let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
            self.add(&format!("env {name}"), value);
            order += name;
            order.push('\n');
        }
        self.add("env order", order);
    }

    /// Each object of a list under the name that it has in one of its fields; and their order.
    fn each(&mut self, list: Option<Value>, what: &str, key: &str) {
        let Some(Value::Array(list)) = list else { return };
        let mut order = String::new();
        for object in &list {
            let name = object.get(key).and_then(Value::as_str).unwrap_or_default();
            self.add(&format!("{what} {name}"), object.to_string());
            order += name;
            order.push('\n');
        }
        self.add(&format!("{what} order"), order);
    }
}
