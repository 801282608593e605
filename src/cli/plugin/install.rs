//! `stowaway install-plugin`.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{DESCRIPTION, FILE, NAME, config};
use crate::cli::options::Color;
use crate::cli::{DONE, output, say};
use crate::error::Error;

/// Where every user's Docker looks, too.
const SYSTEM: &str = "/usr/local/lib/docker/cli-plugins";

/// `install-plugin`.
#[derive(Debug, Args)]
#[command(
    after_help = "The plugin is a link to this program in the folder cli-plugins of DOCKER_CONFIG, or of .docker in the home folder. A file there \
that is not stowaway's is never replaced.\n\nWith --hook, Docker 29.3 and newer suggests `docker stowaway check` on a terminal after a build \
that failed: config.json gets `\"plugins\": {\"stowaway\": {\"error-hooks\": …}}` and `\"features\": {\"hooks\": \"true\"}`, which lets other \
plugins' hooks be called, too. Everything else in it stays.\n\nExit status: 0 when it is done; 2 when it can't be."
)]
pub struct InstallVerb {
    /// Install for all users, as a copy in /usr/local/lib/docker/cli-plugins
    #[arg(long)]
    pub system: bool,
    /// Take the plugin away, and the hook
    #[arg(long)]
    pub uninstall: bool,
    /// Let Docker suggest `docker stowaway check` after a build that failed
    #[arg(long, conflicts_with_all = ["uninstall", "system"])]
    pub hook: bool,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,
}

/// Where things are.
struct Places {
    /// Docker's configuration of this user.
    docker: Option<PathBuf>,
    /// This program.
    program: PathBuf,
    /// Where the plugin goes.
    folder: PathBuf,
}

/// Installs, or takes away.
pub fn run(verb: &InstallVerb) -> Result<u8, Error> {
    let docker = docker_folder(|name| std::env::var_os(name).map(PathBuf::from));
    let folder = match (&docker, verb.system) {
        (_, true) => PathBuf::from(SYSTEM),
        (Some(docker), false) => docker.join("cli-plugins"),
        (None, false) => return Err(homeless()),
    };
    let program = std::env::current_exe()
        .and_then(|program| program.canonicalize())
        .map_err(|source| Error::read(Path::new("this program's file"), source))?;
    let places = Places { docker, program, folder };
    let done = if verb.uninstall { places.uninstall(verb)? } else { places.install(verb)? };
    say(&done);
    Ok(DONE)
}

fn homeless() -> Error {
    Error::usage("there is no folder for Docker's configuration", "set DOCKER_CONFIG or HOME")
}

/// `DOCKER_CONFIG`, or `.docker` in the home folder.
fn docker_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|path| !path.as_os_str().is_empty());
    set("DOCKER_CONFIG")
        .or_else(|| set(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(|home| home.join(".docker")))
}

impl Places {
    fn install(&self, verb: &InstallVerb) -> Result<String, Error> {
        let path = self.folder.join(file_name());
        self.refuse_foreign(&path, "install")?;
        // What can fail without a trace comes first.
        let config =
            if verb.hook { Some(self.config(|text| config::with_hook(text).map(Some))?) } else { None };
        std::fs::create_dir_all(&self.folder).map_err(|e| unwritable(&self.folder, e, verb.system))?;
        let copy = verb.system || cfg!(not(unix));
        put(&self.program, &path, copy).map_err(|e| unwritable(&path, e, verb.system))?;
        let how = if copy { "a copy of" } else { "a link to" };
        let mut done = format!("installed {}, {how} {}\n", path.display(), self.program.display());
        if let Some((path, Some(text))) = config {
            output::replace(&path, |out| out.write_all(&text)).map_err(|e| Error::write(&path, e))?;
            done.push_str(&format!(
                "{} calls it after a build that failed (Docker 29.3 and newer)\n",
                path.display()
            ));
        }
        done.push_str("try: docker stowaway build .\n");
        Ok(done)
    }

    fn uninstall(&self, verb: &InstallVerb) -> Result<String, Error> {
        let path = self.folder.join(file_name());
        self.refuse_foreign(&path, "take away")?;
        let mut done = match std::fs::remove_file(&path) {
            Ok(()) => format!("removed {}\n", path.display()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => format!("{} is not there\n", path.display()),
            Err(e) => return Err(unwritable(&path, e, verb.system)),
        };
        if !verb.system
            && let (path, Some(text)) = self.config(config::without_hook)?
        {
            output::replace(&path, |out| out.write_all(&text)).map_err(|e| Error::write(&path, e))?;
            done.push_str(&format!("{} calls it no more\n", path.display()));
        }
        Ok(done)
    }

    /// Docker's config.json, and what is to be written there.
    fn config(
        &self,
        change: impl Fn(Option<&[u8]>) -> Result<Option<Vec<u8>>, String>,
    ) -> Result<(PathBuf, Option<Vec<u8>>), Error> {
        let path = self.docker.as_ref().ok_or_else(homeless)?.join("config.json");
        let text = match std::fs::read(&path) {
            Ok(text) => Some(text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::read(&path, e)),
        };
        let changed = change(text.as_deref()).map_err(|why| Error::Usage {
            message: format!("{} is left as it is: {why}", path.display()),
            hint: Some("correct the file, or leave --hook out".to_owned()),
        })?;
        Ok((path, changed))
    }

    fn refuse_foreign(&self, path: &Path, what: &str) -> Result<(), Error> {
        if is_ours(path).map_err(|e| Error::read(path, e))? {
            return Ok(());
        }
        Err(Error::usage(
            format!("{} is not stowaway's: not going to {what} it", path.display()),
            "move the file away first",
        ))
    }
}

/// A name of the file system's.
fn file_name() -> String {
    format!("{FILE}{}", std::env::consts::EXE_SUFFIX)
}

/// There is nothing, a link to a program of this name, or a copy of this program in some version.
fn is_ours(path: &Path) -> io::Result<bool> {
    let about = match path.symlink_metadata() {
        Ok(about) => about,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(e) => return Err(e),
    };
    if about.is_symlink() {
        let target = path.read_link()?;
        let stem = target.file_stem();
        return Ok(stem == Some(NAME.as_ref()) || stem == Some(FILE.as_ref()));
    }
    if !about.is_file() {
        return Ok(false);
    }
    use bstr::ByteSlice as _;
    Ok(std::fs::read(path)?.contains_str(DESCRIPTION))
}

/// Puts a link or a copy where the plugin goes, at once.
fn put(program: &Path, path: &Path, copy: bool) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let temporary = tempfile::Builder::new().prefix(".stowaway-").suffix(".tmp").tempdir_in(folder)?;
    let made = temporary.path().join(FILE);
    if copy { std::fs::copy(program, &made).map(drop) } else { link(program, &made) }?;
    std::fs::rename(&made, path)
}

#[cfg(unix)]
fn link(program: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(program, path)
}

#[cfg(not(unix))]
fn link(program: &Path, path: &Path) -> io::Result<()> {
    std::fs::copy(program, path).map(drop)
}

fn unwritable(path: &Path, source: io::Error, system: bool) -> Error {
    if source.kind() == io::ErrorKind::PermissionDenied && system {
        return Error::usage(
            format!("writing {}: permission denied", path.display()),
            "run it as root, or without --system for this user alone",
        );
    }
    Error::write(path, source)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const VERB: InstallVerb =
        InstallVerb { system: false, uninstall: false, hook: false, color: Color::Never };

    fn places(folder: &Path) -> Places {
        let program = folder.join("stowaway");
        std::fs::write(&program, format!("program {DESCRIPTION} of some version")).expect("a program");
        Places { docker: Some(folder.join("docker")), program, folder: folder.join("docker/cli-plugins") }
    }

    #[test]
    fn a_link_is_put_replaced_and_taken_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = places(folder.path());
        let plugin = places.folder.join(FILE);
        for _ in 0..2 {
            places.install(&VERB).expect("installed");
            assert_eq!(plugin.read_link().expect("a link"), places.program);
        }
        assert_eq!(
            std::fs::read_dir(&places.folder).expect("a folder").count(),
            1,
            "nothing else stays behind"
        );
        assert!(places.uninstall(&VERB).expect("removed").starts_with("removed"));
        assert!(plugin.symlink_metadata().is_err());
        assert!(places.uninstall(&VERB).expect("nothing to do").contains("is not there"));
    }

    #[test]
    fn a_copy_of_an_earlier_version_is_replaced_and_a_foreign_file_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = places(folder.path());
        let plugin = places.folder.join(FILE);
        std::fs::create_dir_all(&places.folder).expect("a folder");
        std::fs::copy(&places.program, &plugin).expect("a copy");
        places.install(&VERB).expect("installed");
        assert!(plugin.is_symlink());
        std::fs::remove_file(&plugin).expect("removed");
        std::fs::write(&plugin, "#!/bin/sh\necho mine\n").expect("a file");
        for verb in [&VERB, &InstallVerb { uninstall: true, ..VERB }] {
            let refused = if verb.uninstall { places.uninstall(verb) } else { places.install(verb) };
            assert!(refused.expect_err("refused").to_string().contains("is not stowaway's"));
        }
        assert_eq!(std::fs::read_to_string(&plugin).expect("a file"), "#!/bin/sh\necho mine\n");
        std::fs::remove_file(&plugin).expect("removed");
        std::os::unix::fs::symlink("/usr/bin/env", &plugin).expect("a link");
        assert!(places.install(&VERB).is_err());
    }

    #[test]
    fn the_hook_is_written_with_the_plugin_and_goes_with_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let places = places(folder.path());
        let config = folder.path().join("docker/config.json");
        std::fs::create_dir_all(folder.path().join("docker")).expect("a folder");
        std::fs::write(&config, r#"{"auths":{"r":{"auth":"eDp5"}}}"#).expect("a config");
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).expect("a mode");
        places.install(&InstallVerb { hook: true, ..VERB }).expect("installed");
        let text = std::fs::read_to_string(&config).expect("a config");
        assert!(text.contains("error-hooks") && text.contains("eDp5"), "{text}");
        assert_eq!(config.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
        places.uninstall(&VERB).expect("removed");
        let text = std::fs::read_to_string(&config).expect("a config");
        assert!(!text.contains("error-hooks") && text.contains("eDp5"), "{text}");
    }

    #[test]
    fn a_config_that_is_not_understood_leaves_everything_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = places(folder.path());
        std::fs::create_dir_all(folder.path().join("docker")).expect("a folder");
        std::fs::write(folder.path().join("docker/config.json"), "{").expect("a config");
        let refused = places.install(&InstallVerb { hook: true, ..VERB }).expect_err("refused");
        assert!(refused.to_string().contains("is left as it is"), "{refused}");
        assert!(!places.folder.exists());
    }

    #[test]
    fn dockers_folder_is_found_where_docker_finds_it() {
        let found = |set: &[(&str, &str)]| {
            docker_folder(|name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| PathBuf::from(v)))
        };
        assert_eq!(found(&[("DOCKER_CONFIG", "/c"), ("HOME", "/h")]), Some("/c".into()));
        assert_eq!(found(&[("DOCKER_CONFIG", ""), ("HOME", "/h")]), Some("/h/.docker".into()));
        assert_eq!(found(&[]), None);
    }
}
