//! The builder that buildx would take: its store in `DOCKER_CONFIG/buildx`.

use serde_json::Value;

use super::DoctorOptions;
use super::ask::{needs_leave, patience};
use super::problem::finding;
use crate::engine::buildx::{self, Choice, Instance, Node};
use crate::engine::{Address, Client, Container, Docker, Endpoint, block_on};
use crate::report::{BuilderHealth, DoctorFinding, NodeHealth};

/// The builder in force, unless it is Docker's own, and the engines that its remote nodes are.
pub fn current(
    client: &Client,
    options: &DoctorOptions,
    problems: &mut Vec<DoctorFinding>,
) -> (Option<BuilderHealth>, Vec<Endpoint>) {
    match buildx::choose(client, None) {
        Ok(Choice::Context) => (None, Vec::new()),
        Ok(Choice::Instance(builder)) => described(client, builder, options),
        Err(error) => {
            problems.push(finding(&error));
            (None, Vec::new())
        }
    }
}

/// The builder and its nodes.
fn described(
    client: &Client,
    builder: Instance,
    options: &DoctorOptions,
) -> (Option<BuilderHealth>, Vec<Endpoint>) {
    let mut remote = Vec::new();
    let nodes = builder.nodes.iter().map(|node| look(client, &builder, node, options, &mut remote)).collect();
    let Instance { name, driver, source, .. } = builder;
    let driver = if driver.is_empty() { "unknown".to_owned() } else { driver };
    (Some(BuilderHealth { name, driver, source, nodes }), remote)
}

/// Looks at a node: a container here and now, a remote one with the other engines.
fn look(
    client: &Client,
    builder: &Instance,
    node: &Node,
    options: &DoctorOptions,
    remote: &mut Vec<Endpoint>,
) -> NodeHealth {
    let (name, endpoint) = (node.name.clone(), node.endpoint.clone());
    let mut health = NodeHealth { name, endpoint, state: "unknown", why: None };
    match builder.endpoint(client, node) {
        Err(error) if builder.driver == "docker-container" => {
            set(&mut health, "unreachable", Some(error.why()))
        }
        Err(error) => set(&mut health, "unknown", Some(error.why())),
        Ok(_) if builder.driver == "docker" => health.state = "running",
        Ok(endpoint) => match &endpoint.address {
            Address::Container(container) => look_at(container, &mut health, options),
            _ => remote.push(endpoint),
        },
    }
    health
}

/// Asks an engine about a builder's container.
fn look_at(container: &Container, node: &mut NodeHealth, options: &DoctorOptions) {
    if needs_leave(&container.engine, options).is_some() {
        let why = "its engine is behind ssh, which runs with --connect alone";
        return set(node, "unknown", Some(why.to_owned()));
    }
    let docker = Docker::new(&container.engine, patience(&container.engine, options));
    let path = format!("/containers/{}/json", container.name);
    match block_on(docker.get(&path)).and_then(|answer| answer) {
        Err(error) => set(node, "unreachable", Some(error.why())),
        Ok(answer) if answer.status == 404 => set(node, "absent", None),
        Ok(answer) => {
            let container: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
            match container["State"]["Running"].as_bool() {
                Some(true) => set(node, "running", None),
                Some(false) => set(node, "stopped", None),
                None => set(node, "unknown", Some(format!("status {}", answer.status))),
            }
        }
    }
}

fn set(node: &mut NodeHealth, state: &'static str, why: Option<String>) {
    node.state = state;
    node.why = why;
}
