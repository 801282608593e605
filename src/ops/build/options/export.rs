//! `--output`, `--load` and `--push` (buildx `util/buildflags/export.go`, `build/opt.go`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::text::{Bad, boolean, fields, pair};

/// What becomes of a build's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// `image`, `docker`, `oci`, `local`, `tar`, `cacheonly`, or what else an engine knows.
    pub kind: String,
    /// The exporter's attributes.
    pub attrs: BTreeMap<String, String>,
    /// Where the client puts what it is sent.
    pub target: Target,
}

/// Where a result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Nowhere but into the engine's store or a registry.
    Engine,
    /// Into a file of the client's.
    File(PathBuf),
    /// To standard output.
    Stdout,
    /// Into a folder of the client's, as files; `delete` removes what is not in the result.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Whether what else is in it goes.
        delete: bool,
    },
    /// Into a folder of the client's, as a content store.
    Store(PathBuf),
    /// Into a Docker engine's image store: the one that builds, or, for other builders, the one that the Docker context names.
    Load,
}

/// Reads `--output`.
///
/// # Errors
/// What is wrong, in words.
pub fn export(text: &str) -> Result<Export, Bad> {
    let split = fields(text)?;
    let bare = split.len() == 1 && split[0] == text && !text.starts_with("type=");
    if bare && text != "-" {
        return finish("local".into(), text.to_owned(), BTreeMap::new());
    }
    if bare {
        return finish("tar".into(), "-".into(), BTreeMap::new());
    }
    let (mut kind, mut destination, mut attrs) = (String::new(), String::new(), BTreeMap::new());
    for (i, field) in split.iter().enumerate() {
        let (key, value) = pair(field, i)?;
        match key.to_lowercase().trim() {
            "type" => kind = value.to_owned(),
            "dest" => destination = value.to_owned(),
            key => drop(attrs.insert(key.to_owned(), value.to_owned())),
        }
    }
    finish(kind, destination, attrs)
}

/// What a type and a destination mean together.
fn finish(kind: String, destination: String, mut attrs: BTreeMap<String, String>) -> Result<Export, Bad> {
    let tar = attrs.get("tar").and_then(|t| boolean(t)).unwrap_or(true);
    let target = match kind.as_str() {
        "" => return Err(Bad::new("it has no type")),
        "local" => Target::Folder { path: folder(&kind, &destination)?, delete: deletes(&attrs)? },
        "oci" | "docker" if !tar => Target::Store(folder(&kind, &destination)?),
        "docker" if destination.is_empty() => Target::Load,
        "tar" | "oci" | "docker" if destination.is_empty() || destination == "-" => Target::Stdout,
        "tar" | "oci" | "docker" => Target::File(destination.into()),
        // Its destination means nothing, as for buildx.
        _ => Target::Engine,
    };
    if kind == "registry" {
        attrs.insert("push".into(), "true".into());
        return Ok(Export { kind: "image".into(), attrs, target });
    }
    Ok(Export { kind, attrs, target })
}

fn folder(kind: &str, destination: &str) -> Result<PathBuf, Bad> {
    match destination {
        "" => Err(Bad::new(format!("dest is required for the {kind} exporter"))),
        "-" => Err(Bad::new(format!("dest cannot be standard output for the {kind} exporter"))),
        path => Ok(path.into()),
    }
}

/// `mode=copy|delete` of the local exporter.
fn deletes(attrs: &BTreeMap<String, String>) -> Result<bool, Bad> {
    match attrs.get("mode").map(String::as_str) {
        None | Some("" | "copy") => Ok(false),
        Some("delete") => Ok(true),
        Some(_) => Err(Bad::new("mode of the local exporter is copy or delete")),
    }
}

/// Adds what `--push` and `--load` ask for.
pub fn shorthands(exports: &mut Vec<Export>, push: bool, load: bool) {
    let added = |kind: &str, target| Export { kind: kind.to_owned(), attrs: BTreeMap::new(), target };
    if push {
        if !exports.iter().any(|e| e.kind == "image") {
            exports.push(added("image", Target::Engine));
        }
        for image in exports.iter_mut().filter(|e| e.kind == "image") {
            image.attrs.insert("push".into(), "true".into());
        }
    }
    // buildx takes `dest` out of the attributes before it looks for it there, so that any docker export is one that loads.
    if load && !exports.iter().any(|e| e.kind == "docker") {
        exports.push(added("docker", Target::Load));
    }
}

impl Export {
    /// Whether an attribute is set to true.
    pub fn is(&self, attr: &str) -> bool {
        self.attrs.get(attr).and_then(|v| boolean(v)) == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, String, Target) {
        let Export { kind, attrs, target } = export(text).unwrap();
        let attrs: Vec<String> = attrs.into_iter().map(|(k, v)| format!("{k}={v}")).collect();
        (kind, attrs.join(" "), target)
    }

    #[test]
    fn a_bare_word_is_a_folder_and_a_dash_a_tar_on_standard_output() {
        let folder = Target::Folder { path: "out".into(), delete: false };
        assert_eq!(read("out"), ("local".into(), String::new(), folder));
        assert_eq!(read("-"), ("tar".into(), String::new(), Target::Stdout));
    }

    #[test]
    fn types_decide_where_the_result_goes() {
        for (text, kind, attrs, target) in [
            ("type=docker", "docker", "", Target::Load),
            ("type=docker,dest=x.tar", "docker", "", Target::File("x.tar".into())),
            ("type=oci", "oci", "", Target::Stdout),
            ("type=oci,dest=d,tar=false", "oci", "tar=false", Target::Store("d".into())),
            ("type=registry", "image", "push=true", Target::Engine),
            ("type=image,Name=a,push=true", "image", "name=a push=true", Target::Engine),
            ("type=cacheonly", "cacheonly", "", Target::Engine),
            (
                "type=local,dest=o,mode=delete",
                "local",
                "mode=delete",
                Target::Folder { path: "o".into(), delete: true },
            ),
        ] {
            assert_eq!(read(text), (kind.into(), attrs.into(), target), "{text}");
        }
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for (text, why) in [
            ("dest=x,mode=copy", "it has no type"),
            ("type=local", "dest is required for the local exporter"),
            ("type=local,dest=-", "dest cannot be standard output for the local exporter"),
            ("type=tar,x", "field 2 is not KEY=VALUE"),
            ("type=local,dest=o,mode=move", "mode of the local exporter is copy or delete"),
        ] {
            assert_eq!(export(text), Err(Bad::new(why)), "{text}");
        }
    }

    #[test]
    fn push_goes_to_the_image_that_is_there_and_load_adds_one() {
        let mut exports = vec![export("type=image").unwrap()];
        shorthands(&mut exports, true, true);
        let kinds: Vec<_> = exports.iter().map(|e| (e.kind.as_str(), e.is("push"))).collect();
        assert_eq!(kinds, [("image", true), ("docker", false)]);
        let mut file = vec![export("type=docker,dest=x").unwrap()];
        shorthands(&mut file, false, true);
        assert_eq!(file.len(), 1);
    }
}
