//! TLS with an engine, by the certificates that Docker's and buildx's configuration names.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::endpoint::{Endpoint, Kind, Tls};
use super::error::EngineError;
use crate::wording::reason;

/// Agrees on TLS on a connection to `host`.
pub(super) async fn agree(
    endpoint: &Endpoint,
    tls: &Tls,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, EngineError> {
    let error = |why: String| EngineError::Tls { place: endpoint.place(), why, hint: None };
    let config = config(tls, endpoint.kind).map_err(error)?;
    let name = tls.name.as_deref().unwrap_or(host);
    let name = ServerName::try_from(name.to_owned());
    let name =
        name.map_err(|_| error("the host's name is none that a certificate could be for".to_owned()))?;
    let agreed = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    agreed.map_err(|e| match inside(&e) {
        Some(why) => refused(&endpoint.place(), why),
        None => error(reason(&e)),
    })
}

/// The reason why TLS failed, in an error that went through others.
pub(super) fn inside<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // An error of the system that wraps another one doesn't name it as its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|e| e as &(dyn std::error::Error + 'static)).or_else(|| error.source());
    }
    None
}

/// TLS that was not agreed on, in words, and what to do about it.
pub(super) fn refused(place: &str, error: &rustls::Error) -> EngineError {
    let (why, hint) = match error {
        rustls::Error::InvalidCertificate(certificate) => untrusted(certificate),
        rustls::Error::AlertReceived(alert) => alerted(*alert),
        rustls::Error::InvalidMessage(_) => (
            "it answers without TLS".to_owned(),
            Some("unset DOCKER_TLS_VERIFY and DOCKER_TLS, or correct the port (usually 2376)"),
        ),
        other => (other.to_string(), None),
    };
    EngineError::Tls { place: place.to_owned(), why, hint: hint.map(str::to_owned) }
}

fn untrusted(error: &CertificateError) -> (String, Option<&'static str>) {
    let (why, hint) = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("its certificate has expired", "have it renewed; check this machine's clock")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("its certificate is not valid yet", "check this machine's clock")
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "nobody whom we trust vouches for its certificate",
            "put the certificate of its authority into ca.pem (DOCKER_CERT_PATH, or the context)",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "its certificate is for another name",
            "use the name that the certificate is for, or have it made for this one, too",
        ),
        other => return (format!("its certificate can't be trusted: {other}"), None),
    };
    (why.to_owned(), Some(hint))
}

fn alerted(alert: AlertDescription) -> (String, Option<&'static str>) {
    const OWN: Option<&str> =
        Some("cert.pem and key.pem (DOCKER_CERT_PATH, or the context) have to be of its authority");
    match alert {
        AlertDescription::CertificateRequired => ("it wants a certificate from us".to_owned(), OWN),
        AlertDescription::BadCertificate
        | AlertDescription::UnknownCA
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateExpired
        | AlertDescription::AccessDenied => (format!("it refuses our certificate ({alert:?})"), OWN),
        other => (format!("it ended the talk: {other:?}"), None),
    }
}

/// What rustls needs to know.
fn config(tls: &Tls, kind: Kind) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
    let builder = if tls.verify {
        builder.with_root_certificates(roots(tls.ca.as_deref())?)
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
    };
    let mut config = match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => {
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|e| pem(key, &e))?;
            let made = builder.with_client_auth_cert(certificates(cert)?, secret);
            made.map_err(|e| format!("{} and {}: {e}", cert.display(), key.display()))?
        }
        _ => builder.with_no_client_auth(),
    };
    if kind == Kind::BuildKit {
        // Go's gRPC refuses a connection that did not agree on HTTP/2.
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    Ok(config)
}

/// Who may vouch for an engine: those of the file, else those whom this machine trusts.
fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let Some(ca) = ca else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    for certificate in certificates(ca)? {
        roots.add(certificate).map_err(|e| format!("{}: {e}", ca.display()))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).map_err(|e| pem(path, &e))?;
    let certificates: Vec<_> = read.collect::<Result<_, _>>().map_err(|e| pem(path, &e))?;
    if certificates.is_empty() {
        Err(format!("{} holds no certificate", path.display()))
    } else {
        Ok(certificates)
    }
}

fn pem(path: &Path, error: &rustls::pki_types::pem::Error) -> String {
    match error {
        rustls::pki_types::pem::Error::Io(e) => format!("reading {}: {}", path.display(), reason(e)),
        // What is written there may be secret: not even its parts are told.
        _ => format!("{} holds no certificate or key that can be read", path.display()),
    }
}

/// Trusts every certificate, as `DOCKER_TLS` without `DOCKER_TLS_VERIFY` asks for; that its owner has its key is looked at all the same.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
