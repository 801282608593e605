//! Engines behind TLS.

use std::time::Duration;

use super::endpoint::Tls;
use super::http::Response;

/// Asks for `path`. Our certificate and who vouches for the engine's come from the endpoint.
#[cfg(feature = "registry")]
pub fn get(host: &str, port: u16, tls: &Tls, path: &str, patience: Duration) -> Result<Response, String> {
    let config = ureq::Agent::config_builder()
        .tls_config(config(tls)?)
        .timeout_global(Some(patience))
        .http_status_as_error(false)
        .proxy(None)
        .build();
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let answer = ureq::Agent::new_with_config(config).get(format!("https://{host}:{port}{path}")).call();
    let mut answer = answer.map_err(|e| e.to_string())?;
    let headers = answer.headers().iter();
    let headers =
        headers.filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned()))).collect();
    let status = answer.status().as_u16();
    let body = answer.body_mut().read_to_vec().map_err(|e| e.to_string())?;
    Ok(Response { status, headers, body })
}

/// Without TLS in this program.
#[cfg(not(feature = "registry"))]
pub fn get(_: &str, _: u16, _: &Tls, _: &str, _: Duration) -> Result<Response, String> {
    Err("this program was built without TLS".to_owned())
}

/// Certificates as rustls takes them.
#[cfg(feature = "registry")]
fn config(tls: &Tls) -> Result<ureq::tls::TlsConfig, String> {
    use ureq::tls::{ClientCert, PrivateKey, RootCerts, TlsConfig};
    let mut config = TlsConfig::builder().disable_verification(!tls.verify);
    if let Some(ca) = &tls.ca {
        config = config.root_certs(RootCerts::new_with_certs(&certificates(ca)?));
    }
    if let (Some(cert), Some(key)) = (&tls.cert, &tls.key) {
        let pem = read(key)?;
        let key = PrivateKey::from_pem(&pem).map_err(|e| format!("{}: {e}", key.display()))?;
        config = config.client_cert(Some(ClientCert::new_with_certs(&certificates(cert)?, key)));
    }
    Ok(config.build())
}

#[cfg(feature = "registry")]
fn certificates(path: &std::path::Path) -> Result<Vec<ureq::tls::Certificate<'static>>, String> {
    use ureq::tls::PemItem;
    let pem = read(path)?;
    let items = ureq::tls::parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
        Ok(_) => None,
        Err(e) => Some(Err(format!("{}: {e}", path.display()))),
    });
    items.collect()
}

#[cfg(feature = "registry")]
fn read(path: &std::path::Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{}: {}", path.display(), crate::error::reason(&e)))
}
