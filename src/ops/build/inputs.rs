//! Where a build's context, Dockerfile and named contexts are, and what the frontend is told of them (buildx `build/opt.go`, `loadInputs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layer::Layered;
use super::options::Options;
use crate::digest::Digest;
use crate::error::Error;
use crate::image::{Layout, LayoutSpec, Wanted};
use crate::ops::locate::check_folder;
use crate::project;

/// How much of standard input decides whether it is an archive.
const PEEKED: usize = 1024;
/// A Dockerfile on standard input that is larger is none.
const MAX_DOCKERFILE: u64 = 16 << 20;

/// What the engine may ask the session for, and what the frontend is told of it.
#[derive(Debug, Default)]
pub struct Inputs {
    /// For the frontend.
    pub attrs: BTreeMap<String, String>,
    /// Folders by the names under which they are asked for.
    pub locals: BTreeMap<String, PathBuf>,
    /// The Dockerfile that came from standard input: the only file of the local `dockerfile`.
    pub dockerfile: Option<Vec<u8>>,
    /// The context is empty, since standard input was the Dockerfile.
    pub empty_context: bool,
    /// The context is an archive on standard input, of which this is the beginning.
    pub archive: Option<Vec<u8>>,
    /// OCI layouts by the names of their stores.
    pub layouts: BTreeMap<String, PathBuf>,
    /// The context as an image.
    pub image: Option<Arc<Layered>>,
}

/// Finds everything; reads standard input as far as that decides what it is.
///
/// # Errors
/// [`Error`] for what is not there, can't be read or can't be meant.
pub fn find(
    options: &Options,
    stdin: &mut dyn Read,
    id: &mut dyn FnMut() -> String,
) -> Result<Inputs, Error> {
    let mut inputs = Inputs::default();
    let name = match options.context.as_str() {
        "-" => from_stdin(options, stdin, &mut inputs, id)?,
        context if Path::new(context).is_dir() => in_folder(options, context, stdin, &mut inputs)?,
        context if is_remote(context) => remote(options, context, stdin, &mut inputs)?,
        context => {
            let path = Path::new(context);
            check_folder(path, "the context")?;
            return Err(Error::usage(format!("{context} can't be a context"), "name a folder, a URL, or -"));
        }
    };
    inputs.attrs.insert("filename".into(), name);
    let mut caps = BTreeSet::new();
    if options.context != "-" && has_query(&options.context) && is_remote(&options.context) {
        caps.insert("moby.buildkit.frontend.gitquerystring");
    }
    for (name, value) in &options.named {
        caps.insert("moby.buildkit.frontend.contexts+forward");
        if is_remote(value) && has_query(value) {
            caps.insert("moby.buildkit.frontend.gitquerystring+forward");
        }
        named(name, value, &mut inputs, id)?;
    }
    if !caps.is_empty() {
        let caps: Vec<&str> = caps.into_iter().collect();
        inputs.attrs.insert("frontend.caps".into(), caps.join(","));
    }
    Ok(inputs)
}

/// What an engine fetches itself (buildx `IsRemoteURL`).
pub fn is_remote(text: &str) -> bool {
    project::is_url(text) || text.split_once('#').map_or(text, |(before, _)| before).ends_with(".git")
}

/// Whether the URL of a repository says more in its query.
fn has_query(url: &str) -> bool {
    let http = url.starts_with("http://") || url.starts_with("https://");
    let repository = !http || url.split(['#', '?']).next().is_some_and(|u| u.ends_with(".git"));
    repository && url.split('#').next().is_some_and(|u| u.contains('?'))
}

/// `-`: an archive is the context, anything else the Dockerfile of an empty one.
fn from_stdin(
    options: &Options,
    stdin: &mut dyn Read,
    inputs: &mut Inputs,
    id: &mut dyn FnMut() -> String,
) -> Result<String, Error> {
    if options.file.as_deref() == Some("-") {
        let hint = "give the context as a folder, or the Dockerfile as a file";
        return Err(Error::usage("standard input can't be both the context and the Dockerfile", hint));
    }
    let beginning = read_up_to(stdin, PEEKED as u64)?;
    if is_archive(&beginning) {
        inputs.archive = Some(beginning);
        // The engine asks the session's upload service for this address (`session/upload` of BuildKit).
        inputs.attrs.insert("context".into(), format!("http://buildkit-session/{}", id()));
        return Ok(options.file.clone().unwrap_or_else(|| "Dockerfile".into()));
    }
    if options.file.is_some() {
        let hint = "leave -f out, or give the context as a folder";
        return Err(Error::usage("both standard input and -f would be the Dockerfile", hint));
    }
    inputs.empty_context = true;
    inline(beginning, stdin, inputs)
}

/// A Dockerfile of which the beginning was read.
fn inline(mut bytes: Vec<u8>, stdin: &mut dyn Read, inputs: &mut Inputs) -> Result<String, Error> {
    bytes.extend(read_up_to(stdin, MAX_DOCKERFILE)?);
    if bytes.len() as u64 >= MAX_DOCKERFILE {
        return Err(Error::usage(
            "the Dockerfile on standard input is over 16 MiB",
            "give it as a file with -f",
        ));
    }
    inputs.dockerfile = Some(bytes);
    inputs.attrs.insert("dockerfilekey".into(), "dockerfile".into());
    Ok("Dockerfile".into())
}

fn read_up_to(stdin: &mut dyn Read, limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = stdin.take(limit).read_to_end(&mut bytes);
    read.map_err(|e| Error::read(Path::new("standard input"), e))?;
    Ok(bytes)
}

/// bzip2, gzip, xz, or a tar: one whose first header has a right checksum, with or without pax records before it.
pub fn is_archive(beginning: &[u8]) -> bool {
    const MAGIC: [&[u8]; 3] = [b"BZh", &[0x1f, 0x8b, 0x08], &[0xfd, b'7', b'z', b'X', b'Z', 0]];
    MAGIC.iter().any(|magic| beginning.starts_with(magic)) || is_tar(beginning)
}

/// Whether 512 bytes are a tar header: the sum of its bytes, the field of the sum counted as spaces, stands in it in octal.
fn is_tar(beginning: &[u8]) -> bool {
    let Some(header) = beginning.get(..512) else { return false };
    let field = &header[148..156];
    let digits: Vec<u8> = field.iter().copied().filter(|b| (b'0'..=b'7').contains(b)).collect();
    let Ok(stated) = u32::from_str_radix(&String::from_utf8_lossy(&digits), 8) else { return false };
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    let spaces = 8 * u32::from(b' ');
    stated == sum - field.iter().map(|b| u32::from(*b)).sum::<u32>() + spaces
}

/// A folder with the Dockerfile in it, elsewhere or on standard input.
fn in_folder(
    options: &Options,
    context: &str,
    stdin: &mut dyn Read,
    inputs: &mut Inputs,
) -> Result<String, Error> {
    inputs.locals.insert("context".into(), context.into());
    match options.file.as_deref() {
        Some("-") => inline(Vec::new(), stdin, inputs),
        None => Ok(beside(Path::new(context), Path::new("Dockerfile"), inputs)),
        Some(url) if is_http(url) && !Path::new(url).exists() => Err(Error::usage(
            format!("the Dockerfile {url} is a URL; only files are sent"),
            "download it first",
        )),
        Some(path) => outside(path, inputs),
    }
}

/// A Dockerfile that is named by its path.
fn outside(path: &str, inputs: &mut Inputs) -> Result<String, Error> {
    let path = Path::new(path);
    let name = path
        .file_name()
        .ok_or_else(|| Error::usage(format!("{} is no Dockerfile", path.display()), "name a file with -f"))?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    check_folder(folder, "what holds the Dockerfile")?;
    Ok(beside(folder, Path::new(name), inputs))
}

/// The Dockerfile of that name in a folder, or `dockerfile` where there is no `Dockerfile`.
fn beside(folder: &Path, name: &Path, inputs: &mut Inputs) -> String {
    inputs.locals.insert("dockerfile".into(), folder.into());
    let there = |name: &str| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|e| e.file_name()).any(|n| n == name)
    };
    if name == Path::new("Dockerfile") && !there("Dockerfile") && there("dockerfile") {
        return "dockerfile".into();
    }
    name.to_string_lossy().into_owned()
}

fn is_http(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// A repository or an archive that the engine fetches; the Dockerfile is in it unless it is absolute or on standard input.
fn remote(
    options: &Options,
    context: &str,
    stdin: &mut dyn Read,
    inputs: &mut Inputs,
) -> Result<String, Error> {
    inputs.attrs.insert("context".into(), context.to_owned());
    match options.file.as_deref() {
        None => Ok("Dockerfile".into()),
        Some("-") => inline(Vec::new(), stdin, inputs),
        Some(path) if Path::new(path).is_absolute() => {
            inputs.attrs.insert("dockerfilekey".into(), "dockerfile".into());
            outside(path, inputs)
        }
        Some(path) => Ok(path.to_owned()),
    }
}

/// One `--build-context`.
fn named(name: &str, value: &str, inputs: &mut Inputs, id: &mut dyn FnMut() -> String) -> Result<(), Error> {
    let key = format!("context:{name}");
    let folder = Path::new(value).is_dir();
    if value.starts_with("docker-image://") || value.starts_with("target:") || !folder && is_remote(value) {
        inputs.attrs.insert(key, value.to_owned());
        return Ok(());
    }
    if let Some(layout) = value.strip_prefix("oci-layout://") {
        let spec = LayoutSpec::parse(layout)?;
        let tag = spec.tag.as_deref().unwrap_or("latest");
        let digest = layout_digest(&spec, tag)?;
        let store = id();
        inputs.attrs.insert(key, format!("oci-layout://{store}:{tag}@{digest}"));
        inputs.layouts.insert(store, spec.folder);
        return Ok(());
    }
    check_folder(Path::new(value), &format!("the named context {name}"))?;
    // Two names are taken by the build's own.
    let local = if matches!(name, "context" | "dockerfile") { format!("_{name}") } else { name.to_owned() };
    inputs.attrs.insert(key, format!("local:{local}"));
    inputs.locals.insert(local, value.into());
    Ok(())
}

fn layout_digest(spec: &LayoutSpec, tag: &str) -> Result<Digest, Error> {
    if let Some(digest) = spec.digest {
        return Ok(digest);
    }
    Ok(Layout { folder: &spec.folder }.find(&Wanted { tag: Some(tag), ..Wanted::default() })?)
}

#[cfg(test)]
mod tests {
    use super::super::options::Flags;
    use super::*;

    fn inputs(flags: Flags, stdin: &[u8]) -> Result<Inputs, Error> {
        let options = Options::parse(&flags, &|_| None)?;
        let mut n = 0;
        let mut id = || {
            n += 1;
            format!("id{n}")
        };
        find(&options, &mut &*stdin, &mut id)
    }

    fn attrs(inputs: &Inputs) -> Vec<String> {
        inputs.attrs.iter().map(|(k, v)| format!("{k}={v}")).collect()
    }

    fn flags(context: &str, file: Option<&str>) -> Flags {
        Flags { context: context.into(), file: file.map(str::to_owned), ..Flags::default() }
    }

    #[test]
    fn a_folder_is_two_locals() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("dockerfile"), "FROM scratch\n").unwrap();
        let path = folder.path().to_str().unwrap();
        let found = inputs(flags(path, None), b"").unwrap();
        assert_eq!(attrs(&found), ["filename=dockerfile"]);
        assert_eq!(found.locals.keys().collect::<Vec<_>>(), ["context", "dockerfile"]);
    }

    #[test]
    fn a_dockerfile_on_standard_input_is_a_local_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let found = inputs(flags(folder.path().to_str().unwrap(), Some("-")), b"FROM scratch\n").unwrap();
        assert_eq!(attrs(&found), ["dockerfilekey=dockerfile", "filename=Dockerfile"]);
        assert_eq!(found.dockerfile.as_deref(), Some(&b"FROM scratch\n"[..]));
    }

    #[test]
    fn a_dash_is_an_archive_or_a_dockerfile() {
        let found = inputs(flags("-", None), b"FROM scratch\n").unwrap();
        assert!(found.empty_context && found.dockerfile.is_some() && found.archive.is_none());
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(1);
        header.set_cksum();
        tar.append_data(&mut header, "a", &b"x"[..]).unwrap();
        let tar = tar.into_inner().unwrap();
        let found = inputs(flags("-", Some("sub/Dockerfile")), &tar).unwrap();
        assert_eq!(attrs(&found), ["context=http://buildkit-session/id1", "filename=sub/Dockerfile"]);
        assert_eq!(found.archive.as_deref(), Some(&tar[..1024]));
        for (archive, is) in
            [(&b"BZh9"[..], true), (b"\x1f\x8b\x08", true), (b"\xfd7zXZ\0", true), (&[0; 1024], false)]
        {
            assert_eq!(is_archive(archive), is, "{archive:?}");
        }
        assert!(inputs(flags("-", Some("-")), b"").is_err());
        assert!(inputs(flags("-", Some("x")), b"FROM scratch\n").is_err());
    }

    #[test]
    fn what_the_engine_fetches_itself_is_told_as_it_is() {
        let url = "https://github.com/a/b.git#main:sub";
        let found = inputs(flags(url, Some("x/Dockerfile")), b"").unwrap();
        assert_eq!(attrs(&found), [format!("context={url}"), "filename=x/Dockerfile".into()]);
        let found = inputs(flags("https://github.com/a/b.git?ref=x", None), b"").unwrap();
        assert_eq!(found.attrs["frontend.caps"], "moby.buildkit.frontend.gitquerystring");
        let found = inputs(flags("https://example.com/a.tar.gz?x=y", None), b"").unwrap();
        assert_eq!(found.attrs.get("frontend.caps"), None, "only repositories have queries with a meaning");
    }

    #[test]
    fn named_contexts_are_folders_images_or_addresses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let contexts =
            [format!("a={path}"), format!("context={path}"), "b=docker-image://alpine".into()].to_vec();
        let found = inputs(Flags { build_contexts: contexts, ..flags(path, None) }, b"").unwrap();
        assert_eq!(
            attrs(&found)[..3],
            ["context:a=local:a", "context:b=docker-image://alpine", "context:context=local:_context"]
        );
        assert_eq!(found.attrs["frontend.caps"], "moby.buildkit.frontend.contexts+forward");
        assert!(found.locals.contains_key("_context"));
        let missing = ["a=/nonexistent/x".to_owned()].to_vec();
        assert!(inputs(Flags { build_contexts: missing, ..flags(path, None) }, b"").is_err());
    }

    #[test]
    fn what_is_not_there_is_no_context() {
        let error = inputs(flags("/nonexistent/x", None), b"").unwrap_err();
        assert!(error.to_string().contains("/nonexistent/x"), "{error}");
    }
}
