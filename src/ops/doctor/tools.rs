//! The programs that builds are started with.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::engine::Client;
use crate::report::ToolHealth;

/// Looks for them.
pub fn tools(client: &Client, system: &Path) -> Vec<ToolHealth> {
    let folders: Vec<PathBuf> =
        client.variable("PATH").map(|p| std::env::split_paths(p).collect()).unwrap_or_default();
    let plugins = plugin_folders(client, system);
    let find = |name: &'static str, folders: &[PathBuf]| {
        let path = folders.iter().map(|f| f.join(name)).find(|path| path.is_file());
        ToolHealth { name, path: path.map(|p| p.display().to_string()) }
    };
    vec![
        find("docker", &folders),
        find("docker-buildx", &plugins),
        find("docker-compose", &plugins),
        find("buildctl", &folders),
        find("git", &folders),
    ]
}

/// Where Docker's client looks for its plugins (`cli-plugins/manager`).
fn plugin_folders(client: &Client, system: &Path) -> Vec<PathBuf> {
    let more = client.config()["cliPluginsExtraDirs"].as_array().into_iter().flatten();
    let mut folders: Vec<PathBuf> = more.filter_map(Value::as_str).map(PathBuf::from).collect();
    folders.extend(client.folder().map(|f| f.join("cli-plugins")));
    let usual = ["usr/local/lib", "usr/local/libexec", "usr/lib", "usr/libexec"];
    folders.extend(usual.map(|f| system.join(f).join("docker/cli-plugins")));
    folders
}
