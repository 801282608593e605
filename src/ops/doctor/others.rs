//! Engines that no context names: `BUILDKIT_HOST`, and sockets in their usual places.

use std::path::PathBuf;

use super::DoctorOptions;
use crate::engine::{Address, Endpoint, Kind};

/// Adds those that are not there yet.
pub fn add(endpoints: &mut Vec<Endpoint>, options: &DoctorOptions) {
    let variable = |name: &str| options.environment.get(name).filter(|v| !v.is_empty());
    if let Some(text) = variable("BUILDKIT_HOST") {
        endpoints.push(Endpoint::new(text, "BUILDKIT_HOST", Kind::BuildKit));
    }
    let runtime = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let rootless = |name: &str| runtime.as_ref().map(|r| r.join(name));
    let usual = [
        (Kind::Docker, Some(options.system.join("var/run/docker.sock"))),
        (Kind::Docker, rootless("docker.sock")),
        (Kind::BuildKit, Some(options.system.join("run/buildkit/buildkitd.sock"))),
        (Kind::BuildKit, rootless("buildkit/buildkitd.sock")),
    ];
    for (kind, path) in usual {
        let Some(path) = path.filter(|p| p.exists()) else { continue };
        let address = Address::Unix(path.clone());
        if endpoints.iter().all(|e| e.address != address) {
            let text = format!("unix://{}", path.display());
            let usual = Endpoint::new(&text, "usual place", kind);
            endpoints.push(Endpoint { explicit: false, chosen: false, ..usual });
        }
    }
}
