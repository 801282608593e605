//! What an engine can do, and which one it is.

use std::collections::BTreeMap;

use super::offer::Surroundings;
use super::solve::{Capabilities, Driver};
use crate::engine::{About, Engine, Kind};

/// The label with the address of the engine's machine (`driver/docker/driver.go` of buildx).
const GATEWAY: &str = "org.mobyproject.buildkit.worker.moby.host-gateway-ip";

/// What an engine can do.
pub fn capabilities(engine: &Engine, surroundings: &Surroundings) -> Capabilities {
    let about = engine.about();
    // Since Docker 23 and BuildKit 0.11 an engine tells its version; one that does takes attestations and several outputs, or says
    // that it doesn't.
    let tells = about.buildkit.is_some();
    Capabilities {
        driver: match engine.kind() {
            Kind::Docker => Driver::Docker,
            Kind::BuildKit => surroundings.driver,
        },
        containerd_store: about.has_containerd_store(),
        attestations: tells,
        several_exporters: tells,
        gateway: gateway(about),
        default_load: surroundings.default_load,
        loads_oci: false,
        proxies: proxies(surroundings, engine.endpoint().text.as_str()),
    }
}

fn gateway(about: &About) -> Option<String> {
    about.workers.iter().find_map(|w| w.labels.get(GATEWAY)).cloned()
}

/// Variables that Docker's configuration has for every build with an engine, or for those with this one (`storeutil.go` of buildx).
fn proxies(surroundings: &Surroundings, host: &str) -> BTreeMap<String, String> {
    let all = &surroundings.docker_config["proxies"];
    let own = if all[host].is_object() { &all[host] } else { &all["default"] };
    let names = [
        ("HTTP_PROXY", "httpProxy"),
        ("HTTPS_PROXY", "httpsProxy"),
        ("NO_PROXY", "noProxy"),
        ("FTP_PROXY", "ftpProxy"),
    ];
    let value = |key: &str| own[key].as_str().filter(|v| !v.is_empty()).map(str::to_owned);
    names.into_iter().filter_map(|(name, key)| Some((name.to_owned(), value(key)?))).collect()
}

/// Which engine it is: its workers keep their names as long as they keep their caches.
pub fn identity(engine: &Engine) -> String {
    let workers: Vec<&str> = engine.about().workers.iter().map(|w| w.id.as_str()).collect();
    format!("{:?} {}", engine.kind(), workers.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_an_engines_own_or_everybodys() {
        let docker_config = serde_json::json!({"proxies": {
            "default": {"httpProxy": "http://p", "noProxy": ""},
            "unix:///x": {"httpsProxy": "https://q"},
        }});
        let surroundings = Surroundings { docker_config, ..Surroundings::default() };
        let all = |host| proxies(&surroundings, host).into_iter().collect::<Vec<_>>();
        assert_eq!(all("unix:///y"), [("HTTP_PROXY".to_owned(), "http://p".to_owned())]);
        assert_eq!(all("unix:///x"), [("HTTPS_PROXY".to_owned(), "https://q".to_owned())]);
    }
}
