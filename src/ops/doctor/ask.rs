//! What an engine says about itself: `/_ping`, `/version` and `/info` of Docker, `Control/Info` of BuildKit.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::DoctorOptions;
use crate::engine::{Address, Docker, Endpoint, Engine, EngineError, Kind, Patience, block_on};
use crate::report::EngineHealth;

/// ssh may take longer than a socket.
const SSH: Duration = Duration::from_secs(15);

/// The report's row, before anybody was asked.
pub fn unasked(endpoint: &Endpoint) -> EngineHealth {
    EngineHealth {
        kind: match endpoint.kind {
            Kind::Docker => "docker",
            Kind::BuildKit => "buildkit",
        },
        endpoint: endpoint.text.clone(),
        source: endpoint.source.clone(),
        chosen: endpoint.chosen,
        transport: match (&endpoint.address, &endpoint.tls) {
            (Address::Ssh(_), _) => "ssh",
            (_, Some(tls)) if tls.verify => "tls",
            (_, Some(_)) => "tls-unverified",
            _ => "none",
        },
        ..EngineHealth::default()
    }
}

/// Asks an engine.
pub fn ask(endpoint: &Endpoint, options: &DoctorOptions) -> EngineHealth {
    let mut health = unasked(endpoint);
    if let Some(why) = needs_leave(endpoint, options) {
        health.why = Some(why.to_owned());
        return health;
    }
    let mut endpoint = endpoint.clone();
    if let Address::Ssh(ssh) = &mut endpoint.address {
        // There is nobody to answer it.
        ssh.unattended = true;
    }
    let patience = patience(&endpoint, options);
    let asked = block_on(async {
        match endpoint.kind {
            Kind::Docker => docker(&mut health, &endpoint, options, patience).await,
            Kind::BuildKit => buildkit(&mut health, &endpoint, patience).await,
        }
    });
    if let Err(error) = asked.and_then(|told| told) {
        health.reachable.get_or_insert(false);
        health.why = Some(error.why());
    }
    health
}

/// Why an engine is asked with `--connect` alone: it takes a program to reach it.
pub fn needs_leave(endpoint: &Endpoint, options: &DoctorOptions) -> Option<&'static str> {
    match endpoint.address {
        _ if options.connect => None,
        Address::Ssh(_) => Some("it is behind ssh, which runs with --connect alone"),
        Address::Program(_) => Some("it is behind another program, which runs with --connect alone"),
        _ => None,
    }
}

/// How long an engine may take.
pub fn patience(endpoint: &Endpoint, options: &DoctorOptions) -> Patience {
    let answer = match &endpoint.address {
        Address::Ssh(_) | Address::Program(_) => options.patience.max(SSH),
        _ => options.patience,
    };
    Patience { connect: options.patience, answer }
}

/// Asks a dockerd.
async fn docker(
    health: &mut EngineHealth,
    endpoint: &Endpoint,
    options: &DoctorOptions,
    patience: Patience,
) -> Result<(), EngineError> {
    let docker = Docker::new(endpoint, patience);
    let ping = docker.get("/_ping").await?;
    health.reachable = Some(true);
    health.api_version = ping.header("api-version").map(str::to_owned);
    health.os = ping.header("ostype").map(str::to_owned);
    // Docker 20 has BuildKit and doesn't say so here; Docker before 18.09 has none.
    health.buildkit = ping.header("builder-version").map(|v| v == "2");
    let version: Value = docker.json("/version", &docker.get("/version").await?)?;
    health.version = text(&version, "Version");
    health.api_version = text(&version, "ApiVersion").or(health.api_version.take());
    health.os = text(&version, "Os").or(health.os.take());
    health.architecture = text(&version, "Arch");
    health.buildkit =
        health.buildkit.filter(|is| *is).or_else(|| health.api_version.as_deref().map(has_buildkit));
    if health.buildkit == Some(true) {
        // Those before Docker 23 don't tell, which is no fault.
        let engine = Engine::connect(endpoint, patience).await.ok();
        health.buildkit_version = engine.and_then(|e| e.about().buildkit.clone());
    }
    info(health, &docker.json("/info", &docker.get("/info").await?)?, options);
    Ok(())
}

/// Asks a buildkitd.
async fn buildkit(
    health: &mut EngineHealth,
    endpoint: &Endpoint,
    patience: Patience,
) -> Result<(), EngineError> {
    let engine = Engine::connect(endpoint, patience).await?;
    health.reachable = Some(true);
    health.buildkit = Some(true);
    health.buildkit_version = engine.about().buildkit.clone();
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_has_buildkit_since_18_09() {
        assert_eq!(["1.38", "1.39", "1.51", "2.0", "x"].map(has_buildkit), [false, true, true, true, false]);
    }
}
