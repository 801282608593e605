//! What an engine says about itself: `/_ping`, `/version` and `/info` of Docker, `Control/Info` of BuildKit.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::endpoint::{Address, Endpoint, Kind};
use super::http::{self, Response};
use super::patience::within;
use super::{DoctorOptions, h2, stream, tls};
use crate::error::reason;
use crate::report::EngineHealth;

/// ssh may take longer than a socket.
const SSH: Duration = Duration::from_secs(15);

/// Asks an engine.
pub fn ask(endpoint: &Endpoint, options: &DoctorOptions) -> EngineHealth {
    let mut health = endpoint.health();
    let patience = match &endpoint.address {
        Address::Ssh(_) if !options.connect => {
            health.why = Some("it is behind ssh, which runs with --connect alone".to_owned());
            return health;
        }
        Address::Ssh(_) => options.patience.max(SSH),
        _ => options.patience,
    };
    let told = match endpoint.kind {
        Kind::Docker => docker(&mut health, endpoint, options, patience),
        Kind::BuildKit => buildkit(&mut health, endpoint, patience),
    };
    if let Err(why) = told {
        health.reachable.get_or_insert(false);
        health.why = Some(why);
    }
    health
}

/// Asks a dockerd.
fn docker(
    health: &mut EngineHealth,
    endpoint: &Endpoint,
    options: &DoctorOptions,
    patience: Duration,
) -> Result<(), String> {
    let ping = get(endpoint, "/_ping", patience)?;
    health.reachable = Some(true);
    health.api_version = ping.header("api-version").map(str::to_owned);
    health.os = ping.header("ostype").map(str::to_owned);
    // Docker 20 has BuildKit and doesn't say so here; Docker before 18.09 has none.
    health.buildkit = ping.header("builder-version").map(|v| v == "2");
    let version = json(endpoint, "/version", patience)?;
    health.version = text(&version, "Version");
    health.api_version = text(&version, "ApiVersion").or(health.api_version.take());
    health.os = text(&version, "Os").or(health.os.take());
    health.architecture = text(&version, "Arch");
    health.buildkit =
        health.buildkit.filter(|is| *is).or_else(|| health.api_version.as_deref().map(has_buildkit));
    if health.buildkit == Some(true) {
        // Those before Docker 23 don't tell, which is no fault.
        health.buildkit_version = buildkit_version(endpoint, patience, true).ok().flatten();
    }
    info(health, &json(endpoint, "/info", patience)?, options);
    Ok(())
}

/// Asks a buildkitd.
fn buildkit(health: &mut EngineHealth, endpoint: &Endpoint, patience: Duration) -> Result<(), String> {
    health.buildkit_version = buildkit_version(endpoint, patience, false)?;
    health.reachable = Some(true);
    health.buildkit = Some(true);
    if endpoint.tls.is_some() {
        health.reachable = None;
        health.why = Some("it listens; what it says over TLS was not asked".to_owned());
    }
    Ok(())
}

/// The version of a BuildKit: through Docker's `/grpc`, or its own socket.
fn buildkit_version(endpoint: &Endpoint, patience: Duration, docker: bool) -> Result<Option<String>, String> {
    let (address, tls) = (endpoint.address.clone(), endpoint.tls.is_some());
    let asked = within(patience, move || -> io::Result<Option<String>> {
        let mut stream = stream::connect(&address, patience)?;
        if tls {
            return Ok(None);
        }
        if docker && http::upgrade(&mut *stream, "/grpc")? != 101 {
            return Ok(None);
        }
        h2::version(&mut *stream)
    });
    answered(asked, patience)
}

/// Whether an engine with this version of the interface has BuildKit: Docker 18.09 and later.
fn has_buildkit(api: &str) -> bool {
    let mut numbers = api.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (1, 39)
}

/// What `/info` tells.
fn info(health: &mut EngineHealth, info: &Value, options: &DoctorOptions) {
    health.memory = info["MemTotal"].as_u64();
    health.cpus = info["NCPU"].as_u64();
    health.root = text(info, "DockerRootDir");
    let status = info["DriverStatus"].as_array().into_iter().flatten();
    let containerd =
        status.filter_map(|row| row[1].as_str()).any(|v| v.starts_with("io.containerd.snapshotter"));
    health.storage =
        text(info, "Driver").map(|driver| if containerd { format!("{driver} (containerd)") } else { driver });
    let warnings = info["Warnings"].as_array().into_iter().flatten();
    health.warnings = warnings.filter_map(Value::as_str).map(str::to_owned).collect();
    let name = text(info, "Name");
    health.root_is_local =
        health.root.as_ref().map(|root| is_here(name.as_deref(), Path::new(root), options));
}

/// An engine that bears this machine's name and has a folder that is here has it here: one behind a socket that was handed
/// into a container, or in a virtual machine, doesn't.
fn is_here(name: Option<&str>, root: &Path, options: &DoctorOptions) -> bool {
    let here = std::fs::read_to_string(options.system.join("proc/sys/kernel/hostname")).unwrap_or_default();
    name.is_some_and(|name| name == here.trim()) && root.is_dir()
}

fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Asks for a document.
fn json(endpoint: &Endpoint, path: &str, patience: Duration) -> Result<Value, String> {
    let response = get(endpoint, path, patience)?;
    if response.status != 200 {
        let body = String::from_utf8_lossy(&response.body);
        let words: String = body.chars().filter(|c| !c.is_control()).take(200).collect();
        return Err(format!("{path}: status {}: {words}", response.status));
    }
    serde_json::from_slice(&response.body).map_err(|e| format!("{path}: {e}"))
}

/// Asks for anything.
pub fn get(endpoint: &Endpoint, path: &str, patience: Duration) -> Result<Response, String> {
    let (address, tls, path) = (endpoint.address.clone(), endpoint.tls.clone(), path.to_owned());
    if let (Address::Tcp(host, port), Some(tls)) = (&address, tls) {
        return tls::get(host, *port, &tls, &path, patience);
    }
    answered(within(patience, move || http::get(&mut *stream::connect(&address, patience)?, &path)), patience)
}

/// An answer, or why there is none.
fn answered<T>(asked: Option<io::Result<T>>, patience: Duration) -> Result<T, String> {
    let late = || format!("no answer within {} s", patience.as_secs());
    match asked {
        None => Err(late()),
        Some(Err(e)) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Err(late())
        }
        Some(answer) => answer.map_err(|e| reason(&e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_has_buildkit_since_18_09() {
        assert_eq!(["1.38", "1.39", "1.51", "2.0", "x"].map(has_buildkit), [false, true, true, true, false]);
    }
}
