//! `stowaway ignore`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use super::args::IgnoreArgs;
use super::progress::Progress;
use super::{DONE, FOUND, output, request};
use crate::error::Error;
use crate::ops::{self, DockerfileInput, IgnoreMode, IgnoreOptions};

/// Proposes lines, converts or tries out, and writes the answer; the status tells whether a build that works would fail.
pub fn run(args: &IgnoreArgs) -> Result<u8, Error> {
    let mut request = request(&args.build.context, &args.build.options)?;
    let given = &args.build.files;
    let several = given.iter().filter(|f| f.as_os_str() == "-").count();
    if several > 1 || several == 1 && args.test.as_deref() == Some(Path::new("-")) {
        return Err(Error::usage("standard input can be read only once", "name files for the others"));
    }
    let stdin = std::mem::take(&mut request.dockerfile);
    let dockerfiles = given.iter().map(|file| match (&stdin, file.as_os_str() == "-") {
        (DockerfileInput::Bytes(bytes), true) => DockerfileInput::Bytes(bytes.clone()),
        _ => DockerfileInput::Path(file.clone()),
    });
    let options = IgnoreOptions {
        dockerfiles: dockerfiles.collect(),
        environment: environment(),
        mode: mode(args)?,
        write: args.write,
    };
    let progress = Progress::of(&args.output);
    let report = ops::ignore(&request, &options, &progress)?;
    progress.finish();
    output::write(&report, &args.output, false)?;
    Ok(if report.failures.is_empty() { DONE } else { FOUND })
}

fn mode(args: &IgnoreArgs) -> Result<IgnoreMode, Error> {
    match &args.test {
        Some(path) => Ok(IgnoreMode::Test { name: path.display().to_string(), bytes: read(path)? }),
        None if args.from_gitignore => Ok(IgnoreMode::FromGitignore),
        None => Ok(IgnoreMode::Propose),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    if path.as_os_str() != "-" {
        return std::fs::read(path).map_err(|e| Error::read(path, e));
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|e| Error::read(Path::new("standard input"), e))
}

/// This process's environment; what is not text is no variable of a project.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
}
