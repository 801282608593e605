//! How registries and the servers that give tokens for them are asked over HTTP.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

/// How long a connection may take.
pub const CONNECT: Duration = Duration::from_secs(10);

/// How a server is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http {
    /// Takes certificates that nobody vouches for.
    pub insecure: bool,
    /// Uses the proxies that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name.
    pub proxies: bool,
    /// How long a server may be silent.
    pub patience: Duration,
}

/// A client; a `local` server is asked without proxy and, with plain HTTP, without reading this machine's certificates.
pub fn agent(options: &Http, local: bool) -> Agent {
    let proxy = if options.proxies && !local { Proxy::try_from_env() } else { None };
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(proxy)
        .user_agent(concat!("stowaway/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT.min(options.patience)))
        .timeout_connect(Some(CONNECT.min(options.patience)))
        .timeout_per_read(Some(options.patience))
        .timeout_per_write(Some(options.patience))
        .timeout_recv_response(Some(options.patience))
        .timeout_recv_body(Some(answer_time(options.patience, None)));
    if local {
        return config.build().into();
    }
    let tls = TlsConfig::builder().root_certs(roots()).disable_verification(options.insecure).build();
    config.tls_config(tls).build().into()
}

/// The certificates that this machine trusts, or else Mozilla's.
fn roots() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    let certificates = found.iter().map(|c| Certificate::from_der(c).to_owned()).collect();
    RootCerts::Specific(Arc::new(certificates))
}

/// How long an answer of a size may take in all: a server that lets it drip holds nobody for ever.
pub fn answer_time(patience: Duration, size: Option<u64>) -> Duration {
    const SLOWEST: u64 = 16 << 10;
    patience.saturating_mul(4).saturating_add(Duration::from_secs(size.unwrap_or(0) / SLOWEST))
}

/// The value of `Authorization` for a name and a password.
pub fn basic(user: &str, password: &str) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {encoded}")
}

/// `localhost` and loopback addresses, with or without a port.
pub fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_registries_are_told_by_their_names() {
        for (host, want) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:1", true),
            ("127.8.9.1", true),
            ("[::1]:5000", true),
            ("localhost.example.com", false),
            ("docker.io", false),
            ("192.168.0.1:5000", false),
        ] {
            assert_eq!(is_local(host), want, "{host}");
        }
    }
}
