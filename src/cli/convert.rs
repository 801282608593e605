//! What was typed → what the verbs take.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::options::BuildOptions;
use crate::image::Platform;
use crate::ops::{DockerfileInput, NamedInput, Request};
use crate::plan::PlanOptions;
use crate::project::{self, NamedRef};

/// Wrong use: a value that can't be meant.
#[derive(Debug, PartialEq, Eq)]
pub struct Usage {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Usage {
    fn new(message: String, hint: &str) -> Self {
        Self { message, hint: Some(hint.to_owned()) }
    }
}

/// The request that the flags make. `environment` looks up variables for `--build-arg K`, `stdin` reads a Dockerfile.
pub fn request(
    context: &Path,
    options: &BuildOptions,
    environment: impl Fn(&str) -> Option<String>,
    stdin: impl FnOnce() -> std::io::Result<Vec<u8>>,
) -> Result<Request, Usage> {
    local_folder(context)?;
    options.secret.iter().try_for_each(|s| secret(s))?;
    options.ssh.iter().try_for_each(|s| ssh(s))?;
    let named = pairs(&options.build_context, "--build-context", "NAME=PATH")?;
    let platform = options.platform.as_deref().map(platform).transpose()?;
    #[cfg(feature = "registry")]
    let registries = options.resolve_bases.then(|| registry_options(options, &environment));
    Ok(Request {
        #[cfg(feature = "registry")]
        registries,
        context: context.to_owned(),
        dockerfile: dockerfile(options.file.as_deref(), stdin)?,
        named: named.into_iter().map(|(name, value)| (name, named_context(value))).collect(),
        bases: bases(&options.base, "--base")?,
        plan: PlanOptions {
            target: options.target.clone(),
            build_args: build_args(&options.build_arg, environment)?,
            platform,
            no_cache: options.no_cache,
            no_cache_filter: options.no_cache_filter.clone(),
            buildkit: options.buildkit,
            ..PlanOptions::default()
        },
        index: options.index.clone(),
    })
}

/// How registries are asked: with the credentials of Docker's own configuration.
#[cfg(feature = "registry")]
pub fn registry_options(
    options: &BuildOptions,
    environment: impl Fn(&str) -> Option<String>,
) -> crate::imported::RegistryOptions {
    let given = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    crate::imported::RegistryOptions {
        docker_config: given("DOCKER_CONFIG").or_else(|| Some(given("HOME")?.join(".docker"))),
        insecure: options.insecure_registry,
        ..Default::default()
    }
}

/// Only folders can be seen: not URLs, not a tar on standard input.
fn local_folder(context: &Path) -> Result<(), Usage> {
    let text = context.to_string_lossy();
    if text == "-" {
        let hint = "unpack the archive and give the folder; for a Dockerfile on standard input write `-f -`";
        return Err(Usage::new(
            "the context `-` is an archive on standard input; only local folders are seen".into(),
            hint,
        ));
    }
    if project::is_url(&text) && !context.exists() {
        let hint = "clone or download it and give the folder";
        return Err(Usage::new(format!("the context `{text}` is a URL; only local folders are seen"), hint));
    }
    Ok(())
}

/// Which Dockerfile.
fn dockerfile(
    file: Option<&Path>,
    stdin: impl FnOnce() -> std::io::Result<Vec<u8>>,
) -> Result<DockerfileInput, Usage> {
    match file {
        None => Ok(DockerfileInput::Default),
        Some(path) if path.as_os_str() == "-" => match stdin() {
            Ok(bytes) => Ok(DockerfileInput::Bytes(bytes)),
            Err(e) => {
                Err(Usage { message: format!("reading the Dockerfile from standard input: {e}"), hint: None })
            }
        },
        Some(path) if project::is_url(&path.to_string_lossy()) && !path.exists() => {
            let message = format!("the Dockerfile `{}` is a URL; only local files are read", path.display());
            Err(Usage::new(message, "download it first"))
        }
        Some(path) => Ok(DockerfileInput::Path(path.to_owned())),
    }
}

/// `K=V` as given, `K` with the environment's value; a `K` that the environment doesn't have is left out, as Docker does.
fn build_args(
    given: &[String],
    environment: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, Usage> {
    let mut args = BTreeMap::new();
    for arg in given {
        match arg.split_once('=') {
            Some(("", _)) => return Err(Usage::new(format!("--build-arg `{arg}` has no name"), "write K=V")),
            Some((key, value)) => drop(args.insert(key.to_owned(), value.to_owned())),
            None => {
                if let Some(value) = environment(arg) {
                    args.insert(arg.clone(), value);
                }
            }
        }
    }
    Ok(args)
}

/// What base images are: references and paths.
pub fn bases(given: &[String], option: &str) -> Result<Vec<(String, PathBuf)>, Usage> {
    Ok(pairs(given, option, "REF=PATH")?.into_iter().map(|(r, p)| (r, PathBuf::from(p))).collect())
}

/// Splits each `NAME=VALUE`.
fn pairs(given: &[String], option: &str, shape: &str) -> Result<Vec<(String, String)>, Usage> {
    let split = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err(Usage::new(format!("{option} `{text}` is not understood"), &format!("write {shape}"))),
    };
    given.iter().map(split).collect()
}

/// What the value of a `--build-context` is. A folder that is there is one, whatever its name looks like.
fn named_context(value: String) -> NamedInput {
    match project::named(&value) {
        NamedRef::Remote(_) if Path::new(&value).exists() => NamedInput::Folder(PathBuf::from(value)),
        reference => NamedInput::from(&reference),
    }
}

/// `OS/ARCH[/VARIANT]`, `OS` or `ARCH`.
fn platform(text: &str) -> Result<Platform, Usage> {
    if text.contains(',') {
        let message = format!("--platform `{text}` names several platforms");
        return Err(Usage::new(message, "ask for one platform at a time"));
    }
    let shape = "write OS/ARCH[/VARIANT], such as linux/arm64";
    Platform::parse(text).map_err(|why| Usage::new(format!("--platform: {why}"), shape))
}

/// `id=ID[,src=PATH|env=NAME][,type=file|env]`; nothing of it is read.
fn secret(text: &str) -> Result<(), Usage> {
    let mut id = false;
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("id", value)) if !value.is_empty() => id = true,
            Some(("src" | "source" | "env", _)) => {}
            Some(("type", "file" | "env")) => {}
            Some(("type", value)) => {
                return Err(Usage::new(
                    format!("--secret has the unsupported type `{value}`"),
                    "the types are file and env",
                ));
            }
            Some((key, _)) => {
                return Err(Usage::new(
                    format!("--secret has the unknown field `{key}`"),
                    "the fields are id, src, env and type",
                ));
            }
            None => {
                return Err(Usage::new(
                    "--secret has a field without a value".into(),
                    "write id=ID[,src=PATH]",
                ));
            }
        }
    }
    if id { Ok(()) } else { Err(Usage::new("--secret has no id".into(), "write id=ID[,src=PATH]")) }
}

/// `default` or `ID[=SOCKET|KEY[,KEY]]`; nothing of it is read.
fn ssh(text: &str) -> Result<(), Usage> {
    let id = text.split('=').next().unwrap_or_default();
    if id.is_empty() {
        return Err(Usage::new("--ssh has no id".into(), "write default, or ID=SOCKET"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::args::{Cli, Command};
    use super::*;

    fn convert(flags: &[&str]) -> Result<Request, Usage> {
        let cli = Cli::try_parse_from(["stowaway", "plan"].iter().chain(flags)).unwrap();
        let Command::Plan(args) = cli.command else { panic!("plan") };
        let environment = |k: &str| (k == "HOME_SET").then(|| "from outside".to_owned());
        request(&args.build.context, &args.build.options, environment, || Ok(b"FROM scratch\n".to_vec()))
    }

    #[test]
    fn a_build_arg_without_a_value_takes_the_environments() {
        let request =
            convert(&["--build-arg", "A=1=2", "--build-arg", "HOME_SET", "--build-arg", "NOT_SET"]).unwrap();
        let args: Vec<_> = request.plan.build_args.into_iter().collect();
        assert_eq!(args, [("A".into(), "1=2".into()), ("HOME_SET".into(), "from outside".into())]);
    }

    #[test]
    fn named_contexts_are_told_apart() {
        let request = convert(&[
            "--build-context=a=../x",
            "--build-context=b=oci-layout:///l@sha256:1",
            "--build-context=c=docker-image://alpine",
            "--build-context=d=https://example.com/x.git",
            "--build-context=e=target:base",
        ])
        .unwrap();
        let named: Vec<NamedInput> = request.named.into_values().collect();
        assert_eq!(
            named,
            [
                NamedInput::Folder("../x".into()),
                NamedInput::OciLayout("/l@sha256:1".into()),
                NamedInput::DockerImage("alpine".into()),
                NamedInput::Remote("https://example.com/x.git".into()),
                NamedInput::Other("target:base".into()),
            ]
        );
    }

    #[test]
    fn only_local_folders_are_seen() {
        for context in ["-", "https://github.com/a/b.git", "git@github.com:a/b.git"] {
            let error = convert(&[context]).unwrap_err();
            assert!(error.message.contains("only local folders are seen"), "{error:?}");
        }
    }

    #[test]
    fn a_dockerfile_can_come_from_standard_input() {
        assert_eq!(
            convert(&["-f", "-"]).unwrap().dockerfile,
            DockerfileInput::Bytes(b"FROM scratch\n".to_vec())
        );
    }

    #[test]
    fn secrets_and_ssh_are_checked_and_their_values_not_repeated() {
        assert!(
            convert(&["--secret", "id=a,src=/nonexistent", "--ssh", "default", "--ssh", "x=/sock"]).is_ok()
        );
        for bad in ["src=/hunter2", "id=a,hunter2", "id=a,typ=hunter2", "id="] {
            let error = convert(&["--secret", bad]).unwrap_err();
            assert!(!error.message.contains("hunter2"), "{error:?}");
        }
        assert!(convert(&["--ssh", "=x"]).is_err());
    }

    #[test]
    fn a_platform_has_an_operating_system_and_a_processor() {
        let request = convert(&["--platform", "linux/arm64/v8"]).unwrap();
        assert_eq!(request.plan.platform.unwrap().architecture, "arm64");
        assert!(convert(&["--platform", "linux/amd64,linux/arm64"]).is_err());
        assert!(convert(&["--platform", "a/b/c/d"]).is_err());
    }
}
