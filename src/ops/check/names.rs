//! How files are called in findings: by their paths from where the program runs.

use std::path::{Path, PathBuf};

use super::super::locate::{self, IgnoreFile, Located};
use super::super::{DockerfileInput, Request};
use super::CheckBuild;
use crate::context::GENERAL;
use crate::error::Error;
use crate::report::{CheckedBuild, PathField};

/// The request without an index, and with the default Dockerfile named from here.
pub fn here(request: &Request) -> Request {
    let mut request = Request { index: None, ..request.clone() };
    if request.dockerfile == DockerfileInput::Default {
        request.dockerfile = DockerfileInput::Path(below(&request.context, "Dockerfile"));
    }
    request
}

/// The Dockerfile and the ignore file, named from here; `inline` is what a Dockerfile's text that lies in no file is called.
///
/// # Errors
/// As [`locate::locate`].
pub fn located(request: &Request, inline: Option<&str>) -> Result<Located, Error> {
    let mut located = locate::locate(request)?;
    located.ignore = general(&request.context, located.ignore);
    if let (Some(name), DockerfileInput::Bytes(_)) = (inline, &request.dockerfile) {
        located.dockerfile = name.to_owned();
    }
    Ok(located)
}

/// An ignore file with the name of its folder in front, when it is a general one.
pub fn general(folder: &Path, ignore: IgnoreFile) -> IgnoreFile {
    let from_here = |name: String| match name.as_str() {
        GENERAL => below(folder, GENERAL).to_string_lossy().into_owned(),
        _ => name,
    };
    let plain = |path: String| path.strip_prefix("./").map(str::to_owned).unwrap_or(path);
    IgnoreFile {
        name: ignore.name.map(from_here),
        overridden: ignore.overridden.map(plain),
        unread: ignore.unread.map(plain),
        ..ignore
    }
}

/// A build that can't be read.
pub fn unread(build: &CheckBuild, error: &Error) -> CheckedBuild {
    let dockerfile = match &build.request.dockerfile {
        DockerfileInput::Default => below(&build.request.context, "Dockerfile").display().to_string(),
        DockerfileInput::Path(path) => path.display().to_string(),
        DockerfileInput::Bytes(_) => build.inline.clone().unwrap_or_else(|| "-".to_owned()),
    };
    CheckedBuild {
        name: build.name.clone().unwrap_or_else(|| dockerfile.clone()),
        context: Some(PathField::new(build.request.context.as_os_str().as_encoded_bytes())),
        dockerfile,
        target: build.request.plan.target.clone().unwrap_or_default(),
        unread: Some(error.to_string()),
    }
}

/// A file of a folder, without `./` in front.
pub fn below(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    path.strip_prefix(".").map(Path::to_owned).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_where_the_program_runs() {
        assert_eq!(below(Path::new("."), "Dockerfile"), Path::new("Dockerfile"));
        assert_eq!(below(Path::new("./web/"), ".dockerignore"), Path::new("web/.dockerignore"));
        let named = |folder: &str, name: &str| {
            let ignore = IgnoreFile { name: Some(name.to_owned()), ..IgnoreFile::default() };
            general(Path::new(folder), ignore).name.unwrap()
        };
        assert_eq!(named("web", GENERAL), "web/.dockerignore");
        assert_eq!(named(".", GENERAL), ".dockerignore");
        assert_eq!(named("web", "docker/api.dockerignore"), "docker/api.dockerignore");
    }
}
