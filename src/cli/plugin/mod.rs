//! The same program as a plugin of Docker's command line: `docker stowaway …`.
//!
//! Docker runs `docker-stowaway [DOCKER'S OWN FLAGS] stowaway ARGUMENTS…` and asks it for its metadata before
//! (docker/cli, cli-plugins/metadata and cli-plugins/manager).

mod config;
mod flags;
mod hook;
mod install;

use std::ffi::OsString;
use std::path::Path;

use serde::Serialize;

use self::flags::Variables;
pub use self::install::{InstallVerb, run as install};
use super::output;
use crate::error::Error;

/// The name under which Docker looks for the plugin, and the word that people type.
pub const FILE: &str = "docker-stowaway";
pub const NAME: &str = "stowaway";

/// What Docker asks a plugin with.
const METADATA: &str = "docker-cli-plugin-metadata";
const HOOK: &str = "docker-cli-plugin-hooks";

/// How the program was called.
#[derive(Debug, PartialEq, Eq)]
pub enum Call {
    /// As itself, with all its arguments.
    Program(Vec<OsString>),
    /// By Docker, with the arguments after the plugin's name.
    Plugin(Vec<OsString>),
    /// By Docker with flags of its own: the program is to be run again with these variables, and the arguments from the plugin's name on.
    Again { variables: Variables, arguments: Vec<OsString> },
    /// For what the plugin is.
    Metadata,
    /// After another command of Docker's, which this tells of.
    Hook(OsString),
}

/// What Docker wants to know of a plugin.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    schema_version: &'static str,
    vendor: &'static str,
    version: &'static str,
    short_description: &'static str,
    #[serde(rename = "URL", skip_serializing_if = "str::is_empty")]
    url: &'static str,
}

/// Also the mark by which an installed copy is known.
const DESCRIPTION: &str = "Know what a build will do before it does, and build (stowaway)";

/// Reads how the program was called; `arguments` begin with its name.
///
/// # Errors
/// [`Error::Usage`] for flags of Docker's that can't be obeyed.
pub fn call(arguments: Vec<OsString>) -> Result<Call, Error> {
    let by = arguments.first().map(Path::new).and_then(Path::file_stem);
    if by != Some(FILE.as_ref()) {
        return Ok(Call::Program(arguments));
    }
    let rest = &arguments[1..];
    if rest.first().is_some_and(|first| first == METADATA) {
        return Ok(Call::Metadata);
    }
    let (variables, rest) = flags::split(rest)?;
    let mut words = rest.iter().map(|word| word.to_str().unwrap_or_default());
    match (words.next(), words.next()) {
        (Some(NAME), Some(HOOK)) => Ok(Call::Hook(rest.get(2).cloned().unwrap_or_default())),
        (Some(NAME), _) if !variables.is_empty() => Ok(Call::Again { variables, arguments: rest.to_vec() }),
        (Some(NAME), _) => Ok(Call::Plugin(rest[1..].to_vec())),
        // `docker help stowaway build`
        (Some("help"), Some(NAME)) => Ok(Call::Plugin([&rest[2..], &["--help".into()]].concat())),
        // Somebody calls the plugin by its file's name.
        _ => Ok(Call::Program(arguments)),
    }
}

/// Answers what the plugin is.
pub fn metadata() -> Result<u8, Error> {
    let metadata = Metadata {
        schema_version: "0.1.0",
        vendor: "The stowaway authors",
        version: env!("CARGO_PKG_VERSION"),
        short_description: DESCRIPTION,
        url: env!("CARGO_PKG_REPOSITORY"),
    };
    output::to_stdout(|out| {
        serde_json::to_writer(&mut *out, &metadata)?;
        writeln!(out)
    })?;
    Ok(super::DONE)
}

/// Answers what to do after a command of Docker's.
pub fn after(told: &std::ffi::OsStr) -> Result<u8, Error> {
    let reply = hook::reply(told.as_encoded_bytes())?;
    output::to_stdout(|out| {
        serde_json::to_writer(&mut *out, &reply)?;
        writeln!(out)
    })?;
    Ok(super::DONE)
}

/// Runs the program again in place of this one, with Docker's flags as the variables that stand for them.
pub fn again(variables: Variables, arguments: Vec<OsString>) -> Error {
    let failed = |source| Error::read(Path::new(FILE), source);
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(e) => return failed(e),
    };
    let mut command = std::process::Command::new(program);
    command.args(arguments);
    for (name, value) in variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    replace(command, failed)
}

#[cfg(unix)]
fn replace(mut command: std::process::Command, failed: impl Fn(std::io::Error) -> Error) -> Error {
    use std::os::unix::process::CommandExt as _;
    failed(command.arg0(FILE).exec())
}

#[cfg(not(unix))]
fn replace(mut command: std::process::Command, failed: impl Fn(std::io::Error) -> Error) -> Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(e) => failed(e),
    }
}

/// Docker says through a socket when the plugin is to end; a terminal's own signals reach both. The end of the connection counts as SIGINT.
#[cfg(target_os = "linux")]
pub fn listen() {
    use std::io::Read as _;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixStream};

    let Some(name) = std::env::var_os("DOCKER_CLI_PLUGIN_SOCKET") else { return };
    let name = name.as_encoded_bytes();
    let address = match name.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(Path::new(&*String::from_utf8_lossy(name))),
    };
    // An older Docker, or one that has gone away: then there is nobody to listen to.
    let Ok(mut stream) = address.and_then(|address| UnixStream::connect_addr(&address)) else { return };
    std::thread::spawn(move || {
        let mut byte = [0];
        while stream.read(&mut byte).is_ok_and(|n| n > 0) {}
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT);
    });
}

/// Docker's other platforms send signals.
#[cfg(not(target_os = "linux"))]
pub fn listen() {}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(words: &str) -> Call {
        call(words.split(' ').map(Into::into).collect()).expect("a call")
    }

    fn words(words: &str) -> Vec<OsString> {
        words.split(' ').filter(|w| !w.is_empty()).map(Into::into).collect()
    }

    #[test]
    fn under_its_own_name_it_is_no_plugin() {
        let words = "/usr/bin/stowaway stowaway docker-cli-plugin-metadata";
        assert_eq!(called(words), Call::Program(self::words(words)));
    }

    #[test]
    fn docker_calls_it_by_the_name_of_the_plugin() {
        assert_eq!(called("/x/docker-stowaway docker-cli-plugin-metadata"), Call::Metadata);
        assert_eq!(called("docker-stowaway stowaway build -t x ."), Call::Plugin(words("build -t x .")));
        assert_eq!(called("docker-stowaway.exe stowaway"), Call::Plugin(vec![]));
        assert_eq!(called("docker-stowaway help stowaway build"), Call::Plugin(words("build --help")));
        assert_eq!(called("docker-stowaway stowaway docker-cli-plugin-hooks {}"), Call::Hook("{}".into()));
        assert_eq!(called("docker-stowaway plan ."), Call::Program(words("docker-stowaway plan .")));
    }

    #[test]
    fn dockers_own_flags_become_variables() {
        let again = called("docker-stowaway --context far -D stowaway build --context x .");
        let variables = vec![("DOCKER_HOST", None), ("DOCKER_CONTEXT", Some(OsString::from("far")))];
        assert_eq!(again, Call::Again { variables, arguments: words("stowaway build --context x .") });
        assert!(call(words("docker-stowaway --tlscacert /a/ca.pem stowaway build")).is_err());
    }

    #[test]
    fn metadata_is_what_docker_reads() {
        let metadata =
            Metadata { schema_version: "0.1.0", vendor: "v", version: "1", short_description: "d", url: "" };
        let text = serde_json::to_string(&metadata).expect("JSON");
        assert_eq!(text, r#"{"SchemaVersion":"0.1.0","Vendor":"v","Version":"1","ShortDescription":"d"}"#);
    }
}
