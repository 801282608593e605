//! Engines behind TLS, with certificates of two authorities.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::engine::{Address, Tls};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name)
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file(name)).expect("a certificate")
}

/// A server that shows `shown`, and wants a certificate of the authority where `strict`.
fn acceptor(shown: &str, strict: bool, h2: bool) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let mut roots = RootCertStore::empty();
    roots.add(certificate("ca.pem")).expect("an authority");
    let builder = if strict {
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(file("key.pem")).expect("a key");
    let mut config = builder.with_single_cert(vec![certificate(shown)], key).expect("a pair");
    if h2 {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    TlsAcceptor::from(Arc::new(config))
}

/// A dockerd or a buildkitd behind TLS; its port.
async fn behind_tls(kind: Kind, shown: &str, strict: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let acceptor = acceptor(shown, strict, kind == Kind::BuildKit);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                match kind {
                    Kind::Docker => serve_docker(stream, b"early").await,
                    Kind::BuildKit => {
                        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                        serve_control(stream).await;
                    }
                }
            });
        }
    });
    port
}

fn endpoint(kind: Kind, port: u16, ca: &str, cert: Option<&str>) -> Endpoint {
    let mut endpoint = Endpoint::new(&format!("tcp://127.0.0.1:{port}"), "test", kind);
    endpoint.tls = Some(Tls {
        ca: Some(file(ca)),
        cert: cert.map(file),
        key: cert.map(|_| file("key.pem")),
        verify: true,
        name: None,
    });
    endpoint
}

async fn refusal(endpoint: &Endpoint) -> EngineError {
    Engine::connect(endpoint, PATIENCE).await.expect_err("no trust")
}

#[test]
fn an_engine_that_is_trusted_and_trusts_us_is_spoken_to() {
    run(async {
        for kind in [Kind::Docker, Kind::BuildKit] {
            let port = behind_tls(kind, "server.pem", true).await;
            let endpoint = endpoint(kind, port, "ca.pem", Some("cert.pem"));
            let engine = Engine::connect(&endpoint, PATIENCE).await.expect("an engine");
            assert_eq!(engine.kind(), kind);
            let mut session = engine.open_session(&announced()).await.expect("a session");
            session.write_all(b"x").await.expect("a reader");
            session.flush().await.expect("a reader");
            let want: &[u8] = if kind == Kind::Docker { b"earlyx" } else { b"x" };
            let mut bytes = vec![0; want.len()];
            session.read_exact(&mut bytes).await.expect("an echo");
            assert_eq!(bytes, want);
        }
    });
}

#[test]
fn why_a_certificate_is_not_trusted_is_told() {
    run(async {
        for (shown, ca, why) in [
            ("server.pem", "other-ca.pem", "nobody whom we trust"),
            ("expired.pem", "ca.pem", "has expired"),
            ("elsewhere.pem", "ca.pem", "for another name"),
        ] {
            let port = behind_tls(Kind::Docker, shown, false).await;
            let error = refusal(&endpoint(Kind::Docker, port, ca, None)).await;
            assert!(matches!(error, EngineError::Tls { .. }), "{error}");
            assert!(error.to_string().contains(why) && error.hint().is_some(), "{shown}: {error}");
        }
    });
}

#[test]
fn a_name_may_be_given_and_trust_be_waived() {
    run(async {
        let port = behind_tls(Kind::Docker, "elsewhere.pem", false).await;
        let mut named = endpoint(Kind::Docker, port, "ca.pem", None);
        named.tls.as_mut().expect("TLS").name = Some("elsewhere.example".to_owned());
        Engine::connect(&named, PATIENCE).await.expect("the name of its certificate");
        let port = behind_tls(Kind::Docker, "expired.pem", false).await;
        let mut loose = endpoint(Kind::Docker, port, "other-ca.pem", None);
        loose.tls.as_mut().expect("TLS").verify = false;
        Engine::connect(&loose, PATIENCE).await.expect("any certificate");
    });
}

#[test]
fn an_engine_that_does_not_trust_us_says_so() {
    run(async {
        for (kind, cert) in
            [(Kind::Docker, None), (Kind::Docker, Some("other-cert.pem")), (Kind::BuildKit, None)]
        {
            let port = behind_tls(kind, "server.pem", true).await;
            let error = refusal(&endpoint(kind, port, "ca.pem", cert)).await;
            let text = error.to_string();
            assert!(
                text.contains("certificate") || text.contains("Certificate"),
                "{kind:?} {cert:?}: {text}"
            );
        }
    });
}

#[test]
fn certificates_that_are_missing_or_broken_are_named() {
    run(async {
        let port = behind_tls(Kind::Docker, "server.pem", false).await;
        let error = refusal(&endpoint(Kind::Docker, port, "nobody.pem", None)).await.to_string();
        assert!(error.contains("nobody.pem: no such file"), "{error}");
        let error = refusal(&endpoint(Kind::Docker, port, "key.pem", None)).await.to_string();
        assert!(error.contains("key.pem holds no certificate"), "{error}");
    });
}

#[test]
fn tls_with_one_who_does_not_speak_it_is_told() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                drop(stream.read(&mut [0; 4096]).await);
                // As Go's servers answer.
                let words =
                    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
                drop(stream.write_all(words).await);
            }
        });
        let error = refusal(&endpoint(Kind::Docker, port, "ca.pem", None)).await;
        assert!(error.to_string().contains("answers without TLS"), "{error}");
        assert!(error.hint().is_some_and(|h| h.contains("DOCKER_TLS_VERIFY")), "{error}");
        let plain = Endpoint {
            address: Address::Tcp("127.0.0.1".to_owned(), port),
            tls: None,
            ..endpoint(Kind::Docker, port, "ca.pem", None)
        };
        let error = refusal(&plain).await;
        assert!(error.to_string().contains("status 400"), "{error}");
        assert!(error.hint().is_some_and(|h| h.starts_with("it speaks TLS")), "{error}");
    });
}
