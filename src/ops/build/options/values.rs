//! The smaller options' values: hosts, limits, entitlements, platforms, contexts, secrets, agents.

use std::net::IpAddr;

use super::text::{Bad, boolean, fields};
use crate::image::{Platform, Reference};

/// A line of `/etc/hosts` for the containers of RUN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The name.
    pub name: String,
    /// Its address; `None` for `host-gateway`, which the engine knows.
    pub address: Option<String>,
}

/// The name that stands for the engine's machine.
const GATEWAY: &str = "host-gateway";

/// Reads one `--add-host`, which may hold several (`build/utils.go` of buildx; Docker's command line splits at commas).
///
/// # Errors
/// What is wrong, in words.
pub fn hosts(text: &str) -> Result<Vec<Host>, Bad> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    fields(text)?.iter().map(|field| host(field)).collect()
}

fn host(text: &str) -> Result<Host, Bad> {
    let bad = || Bad::new(format!("invalid host {text}"));
    let split = text.split_once('=').or_else(|| text.split_once(':'));
    let (name, address) = split.filter(|(n, a)| !n.is_empty() && !a.is_empty()).ok_or_else(bad)?;
    if address == GATEWAY {
        return Ok(Host { name: name.to_owned(), address: None });
    }
    let inner = address.strip_prefix('[').and_then(|a| a.strip_suffix(']'));
    let address = inner.filter(|a| !a.is_empty()).unwrap_or(address);
    address.parse::<IpAddr>().map_err(|_| bad())?;
    Ok(Host { name: name.to_owned(), address: Some(address.to_owned()) })
}

/// Reads one `--ulimit`: `NAME=SOFT[:HARD]` (`go-units`), as the frontend takes it.
///
/// # Errors
/// What is wrong, in words.
pub fn ulimit(text: &str) -> Result<(String, String), Bad> {
    const NAMES: &[&str] = &[
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ];
    let (name, limits) = text.split_once('=').ok_or_else(|| Bad::new("write NAME=SOFT[:HARD]"))?;
    if !NAMES.contains(&name) {
        return Err(Bad::new(format!("invalid ulimit type: {name}")));
    }
    let number = |text: &str| text.parse::<i64>().map_err(|_| Bad::new(format!("`{text}` is no number")));
    let (soft, hard) = match limits.split_once(':') {
        Some((soft, hard)) => (number(soft)?, number(hard)?),
        None => (number(limits)?, number(limits)?),
    };
    if hard != -1 && (soft == -1 || soft > hard) {
        return Err(Bad::new(format!("the soft limit {soft} is over the hard limit {hard}")));
    }
    Ok((name.to_owned(), format!("{name}={soft}:{hard}")))
}

/// Checks one `--allow` (`util/entitlements` of BuildKit).
///
/// # Errors
/// What is wrong, in words.
pub fn entitlement(text: &str) -> Result<String, Bad> {
    let (key, rest) = text.split_once('=').unwrap_or((text, ""));
    match (key, text) {
        (_, "network.host" | "security.insecure") => {}
        ("device", _) if rest.is_empty() => {}
        ("device", _) => {
            for field in &fields(rest)?[1..] {
                if !field.starts_with("alias=") {
                    return Err(Bad::new("a device has nothing but an alias"));
                }
            }
        }
        _ => return Err(Bad::new(format!("unknown entitlement {text}"))),
    }
    Ok(text.to_owned())
}

/// Reads one `--platform`, which may hold several; `local` is this machine's.
///
/// # Errors
/// containerd's text.
pub fn platforms(text: &str) -> Result<Vec<Platform>, Bad> {
    let one = |part: &str| {
        if part.eq_ignore_ascii_case("local") {
            return Ok(Platform::host());
        }
        Platform::parse(part).map(|p| p.normalized()).map_err(Bad::new)
    };
    text.split(',').map(one).collect()
}

/// The name of a `--build-context`, in the form under which a Dockerfile's names are looked up.
///
/// # Errors
/// What is wrong with it as a reference.
pub fn context_name(name: &str) -> Result<String, Bad> {
    let familiar =
        Reference::parse(name).map_err(|e| Bad::new(format!("invalid context name {name}: {e}")))?.familiar();
    Ok(familiar.strip_suffix(":latest").unwrap_or(&familiar).to_owned())
}

/// A secret and where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The name that a RUN mounts it under.
    pub id: String,
    /// Where its value is; `None` for the variable of that name, else the file of that name.
    pub source: Option<SecretSource>,
}

/// Where a secret's value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In a file.
    File(String),
    /// In a variable.
    Variable(String),
}

/// Reads one `--secret` (`util/buildflags/secrets.go` of buildx).
///
/// # Errors
/// What is wrong, in words that don't repeat a value.
pub fn secret(text: &str) -> Result<Secret, Bad> {
    let (mut id, mut file, mut variable, mut of_variable) =
        (String::new(), String::new(), String::new(), false);
    for (i, field) in fields(text)?.iter().enumerate() {
        let (key, value) = super::text::pair(field, i)?;
        match key.to_lowercase().as_str() {
            "id" => id = value.to_owned(),
            "src" | "source" => file = value.to_owned(),
            "env" => variable = value.to_owned(),
            "type" if value == "env" => of_variable = true,
            "type" if value == "file" => of_variable = false,
            "type" => return Err(Bad::new("its type is neither file nor env")),
            key => return Err(Bad::new(format!("it has the unknown field `{key}`"))),
        }
    }
    if id.is_empty() {
        return Err(Bad::new("it has no id"));
    }
    if of_variable && variable.is_empty() {
        variable = std::mem::take(&mut file);
    }
    let source = match (variable.is_empty(), file.is_empty()) {
        (false, _) => Some(SecretSource::Variable(variable)),
        (true, false) => Some(SecretSource::File(file)),
        (true, true) => None,
    };
    Ok(Secret { id, source })
}

/// An agent that the build may use, and its socket or keys; without any it is the one in `SSH_AUTH_SOCK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// The name that a RUN mounts it under; empty for `default`.
    pub id: String,
    /// A socket, or private keys.
    pub paths: Vec<String>,
}

/// Reads one `--ssh`.
pub fn ssh(text: &str) -> Ssh {
    let (id, paths) = text.split_once('=').map_or((text, None), |(id, paths)| (id, Some(paths)));
    Ssh {
        id: id.to_owned(),
        paths: paths.map(|p| p.split(',').map(str::to_owned).collect()).unwrap_or_default(),
    }
}

/// What is asked of the frontend in place of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `lint`, `outline`, `targets`, or another that the frontend knows.
    pub name: String,
    /// Whether the answer is wanted as JSON.
    pub json: bool,
    /// Whether the answer's own exit status is left out.
    pub ignore_status: bool,
}

/// Reads `--call`; `None` for a build.
///
/// # Errors
/// What is wrong, in words.
pub fn call(text: &str) -> Result<Option<Call>, Bad> {
    if text.is_empty() {
        return Ok(None);
    }
    let mut call = Call { name: String::new(), json: false, ignore_status: false };
    for field in fields(text)? {
        match field.split_once('=') {
            Some(("format", format)) => call.json = format == "json",
            Some(("ignorestatus", value)) => {
                call.ignore_status =
                    boolean(value).ok_or_else(|| Bad::new("ignorestatus is true or false"))?;
            }
            Some(_) => return Err(Bad::new(format!("it has the unknown field `{field}`"))),
            None if call.name.is_empty() => call.name = field,
            None => return Err(Bad::new("it names more than one method")),
        }
    }
    // buildx's word for BuildKit's.
    if call.name == "check" {
        call.name = "lint".into();
    }
    Ok((call.name != "build").then_some(call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_addresses_or_the_gateways_name() {
        let read = hosts("a:1.2.3.4,b=::1,c:[fe80::1],d:host-gateway").unwrap();
        let pairs: Vec<_> = read.iter().map(|h| (h.name.as_str(), h.address.as_deref())).collect();
        assert_eq!(pairs, [("a", Some("1.2.3.4")), ("b", Some("::1")), ("c", Some("fe80::1")), ("d", None)]);
        for bad in ["a", "a:", ":1.2.3.4", "a:b"] {
            assert_eq!(hosts(bad), Err(Bad::new(format!("invalid host {bad}"))), "{bad}");
        }
    }

    #[test]
    fn limits_are_soft_and_hard() {
        assert_eq!(ulimit("nofile=1024").unwrap().1, "nofile=1024:1024");
        assert_eq!(ulimit("nproc=3:-1").unwrap().1, "nproc=3:-1");
        for bad in ["nofile", "files=1", "nofile=x", "nofile=2:1", "nofile=-1:5"] {
            assert!(ulimit(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn entitlements_are_buildkits() {
        for good in ["network.host", "security.insecure", "device", "device=vendor.com/gpu=0,alias=x"] {
            assert_eq!(entitlement(good).unwrap(), good);
        }
        for bad in ["network", "network.host=1", "device=a,b=c"] {
            assert!(entitlement(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn platforms_are_normal_and_local_is_this_machine() {
        let names = |text| platforms(text).unwrap().iter().map(Platform::short).collect::<Vec<_>>();
        assert_eq!(names("linux/amd64,linux/arm64/v8"), ["linux/amd64", "linux/arm64"]);
        assert_eq!(names("local"), [Platform::host().short()]);
    }

    #[test]
    fn names_of_contexts_are_familiar_references() {
        assert_eq!(context_name("docker.io/library/alpine:latest").unwrap(), "alpine");
        assert_eq!(context_name("alpine:3").unwrap(), "alpine:3");
        assert!(context_name("A B").is_err());
    }

    #[test]
    fn secrets_come_from_files_and_variables() {
        let read = |text| secret(text).unwrap().source;
        assert_eq!(read("id=a"), None);
        assert_eq!(read("id=a,src=f"), Some(SecretSource::File("f".into())));
        assert_eq!(read("id=a,type=env,src=V"), Some(SecretSource::Variable("V".into())));
        assert_eq!(read("id=a,env=V"), Some(SecretSource::Variable("V".into())));
        for bad in ["src=hunter2", "id=a,hunter2", "id=a,typ=hunter2", "id=a,type=hunter2"] {
            let Bad(why) = secret(bad).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn agents_have_sockets_or_keys() {
        assert_eq!(ssh("default"), Ssh { id: "default".into(), paths: vec![] });
        assert_eq!(ssh("x=/a,/b").paths, ["/a", "/b"]);
    }

    #[test]
    fn calls_have_a_name_and_a_format() {
        let read = call("check,format=json,ignorestatus=true").unwrap().unwrap();
        assert_eq!(read, Call { name: "lint".into(), json: true, ignore_status: true });
        assert_eq!(call("build"), Ok(None));
        assert!(call("outline,targets").is_err() && call("outline,x=y").is_err());
    }
}
