//! TLS to the server, and to a proxy.
//!
//! In: what a kubeconfig says of a cluster and of its user, whose credentials are in place. Out:
//! connectors. kube's own would do, but brings its credential plugins and providers along, which
//! `credentials.rs` settles before: with them comes an engine for `JSONPath` and one for regular
//! expressions, a twentieth of the program.

use super::config::{Access, one_line};
use super::error::Error;
use super::text::clean;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use kube::config::AuthInfo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WantsClientCert};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// Whose certificates are taken.
enum Trust {
    /// Anyone's.
    Anyone,
    /// Those that one of these has signed.
    SignedBy(RootCertStore),
    /// Those that the system takes.
    System,
}

/// What a connection shows and takes.
pub(super) struct Tls<'a> {
    access: &'a Access,
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl<'a> Tls<'a> {
    /// Reads whom to trust. Where no connection is to be secure, nobody is asked.
    pub(super) fn of(access: &'a Access, secure: bool) -> Result<Self, Error> {
        let authority = authority(access)?;
        let trust = match authority {
            _ if access.cluster.insecure_skip_tls_verify == Some(true) => Trust::Anyone,
            Some(roots) => Trust::SignedBy(roots),
            // Reading the system's certificates for nothing takes longer than the requests.
            None if !secure => Trust::SignedBy(RootCertStore::empty()),
            None => Trust::System,
        };
        Ok(Self { access, trust, provider: Arc::new(ring::default_provider()) })
    }

    /// A connector to the server, which is shown the user's certificate.
    pub(super) fn to_server<C>(&self, road: C) -> Result<HttpsConnector<C>, Error> {
        let config = match identity(self.access)? {
            Some((chain, key)) => {
                let config = self.config()?.with_client_auth_cert(chain, key);
                config.map_err(|error| self.unusable(format!("the client certificate: {error}")))?
            }
            None => self.config()?.with_no_client_auth(),
        };
        let mut builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
        let name = self.access.cluster.tls_server_name.as_ref().filter(|name| !name.is_empty());
        if let Some(name) = name {
            let known = ServerName::try_from(name.clone());
            let known = known.map_err(|error| {
                self.unusable(format!("tls-server-name {:?}: {error}", clean(name)))
            })?;
            builder = builder.with_server_name_resolver(FixedServerNameResolver::new(known));
        }
        Ok(builder.enable_http1().wrap_connector(road))
    }

    /// A connector to a proxy, which is shown no certificate and has a name of its own.
    pub(super) fn to_proxy<C>(&self, road: C) -> Result<HttpsConnector<C>, Error> {
        let config = self.config()?.with_no_client_auth();
        let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
        Ok(builder.enable_http1().wrap_connector(road))
    }

    fn config(&self) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
        let unusable = |error: rustls::Error| self.unusable(error.to_string());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        Ok(match &self.trust {
            Trust::Anyone => {
                let anyone = AnyCertificate(Arc::clone(&self.provider));
                builder.dangerous().with_custom_certificate_verifier(Arc::new(anyone))
            }
            Trust::SignedBy(roots) => builder.with_root_certificates(roots.clone()),
            Trust::System => builder.with_platform_verifier().map_err(unusable)?,
        })
    }

    fn unusable(&self, why: String) -> Error {
        unusable(self.access, why)
    }
}

/// What is wrong with a certificate, key, header or the like of the kubeconfig.
pub(super) fn unusable(access: &Access, why: String) -> Error {
    Error::Setting {
        what: format!("the connection to {} as {}", clean(&access.server), access.login),
        why,
    }
}

/// The certificates that the server's must be signed by; `None` leaves it to the system.
fn authority(access: &Access) -> Result<Option<RootCertStore>, Error> {
    let cluster = &access.cluster;
    let wrong = |why: String| Error::Setting {
        what: format!("the certificate authority for {}", clean(&access.server)),
        why,
    };
    let data = cluster.certificate_authority_data.as_deref();
    let file = cluster.certificate_authority.as_deref();
    let Some(pem) = written("certificate-authority-data", data, file).map_err(wrong)? else {
        return Ok(None);
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| wrong(format!("it is not PEM: {error}")))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("it holds no certificate in PEM".to_owned()));
    }
    Ok(Some(roots))
}

/// A certificate with those that vouch for it, and its key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// What the user shows of himself, if it is a certificate.
fn identity(access: &Access) -> Result<Option<Identity>, Error> {
    let AuthInfo { client_certificate, client_certificate_data, .. } = &access.user;
    let AuthInfo { client_key, client_key_data, .. } = &access.user;
    let wrong = |why: String| unusable(access, why);
    let data = client_certificate_data.as_deref();
    let chain = written("client-certificate-data", data, client_certificate.as_deref());
    let data = client_key_data.as_ref().map(SecretString::expose_secret);
    let key = written("client-key-data", data, client_key.as_deref());
    let needs = |what: &str, other: &str, field: &str| {
        Err(wrong(format!("a client {what} needs its {other}: give {field} or {field}-data")))
    };
    let (chain, key) = match (chain.map_err(wrong)?, key.map_err(wrong)?) {
        (None, None) => return Ok(None),
        (Some(chain), Some(key)) => (chain, key),
        (Some(_), None) => return needs("certificate", "key", "client-key"),
        (None, Some(_)) => return needs("key", "certificate", "client-certificate"),
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let chain = chain.map_err(|error| wrong(format!("the client certificate: {error}")))?;
    if chain.is_empty() {
        return Err(wrong("the client certificate holds no certificate in PEM".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&key);
    Ok(Some((chain, key.map_err(|error| wrong(format!("the client key: {error}")))?)))
}

/// What a field holds, or the file that another one names.
fn written(field: &str, data: Option<&str>, file: Option<&str>) -> Result<Option<Vec<u8>>, String> {
    if let Some(data) = data.filter(|data| !data.is_empty()) {
        // Go reads base64 across lines.
        let decoded = STANDARD.decode(one_line(data.to_owned()));
        return decoded.map(Some).map_err(|error| format!("{field} is not base64: {error}"));
    }
    let Some(file) = file.filter(|file| !file.is_empty()) else { return Ok(None) };
    std::fs::read(file).map(Some).map_err(|error| format!("reading {}: {error}", clean(file)))
}

/// `insecure-skip-tls-verify`: anyone may be the server, so what he signs proves nothing either.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
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
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
