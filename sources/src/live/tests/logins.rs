//! Whom we trust and what we show: certificates, names, passwords and tokens.

use super::super::{Environment, Selection, Target, connect};
use super::{Files, Reply, Server, quiet, reply, run, with_file};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::server::WebPkiClientVerifier;
use serde::de::IgnoredAny;
use std::sync::Arc;

/// An authority, and a certificate with its key that it signed, all in PEM.
struct Signed {
    authority: String,
    certificate: String,
    key: String,
}

fn signed(names: &[&str]) -> Signed {
    let names = || names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names()).unwrap().signed_by(&key, &authority).unwrap();
    Signed { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

fn roots(pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    roots
}

fn no_pods() -> Reply {
    reply(200, r#"{"kind": "PodList", "metadata": {}, "items": []}"#)
}

/// A server for these names, which takes clients without a certificate or with one of this authority.
fn server(own: &Signed, clients: &Signed) -> Server {
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(
        roots(&clients.authority).into(),
        Arc::clone(&provider),
    );
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap(),
        );
    Server::secure(config.unwrap(), no_pods())
}

/// Lists pods with this kubeconfig; the error where that fails.
fn listed(files: &Files, url: &str, cluster: &str, user: &str) -> Result<(), String> {
    let text = format!(
        "current-context: a\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
         clusters: [{{name: a, cluster: {{server: '{url}'{cluster}}}}}]\n\
         users: [{{name: a, user: {{{user}}}}}]\n"
    );
    let options = with_file(&files.write("config", &text));
    run(async {
        let connection = connect(&options, &Environment::default(), quiet()).await;
        let connection = connection.map_err(|error| error.to_string())?;
        let pods = Target::of("v1", "pods").within("shop");
        let list = connection.list::<IgnoredAny>(&pods, &Selection::default()).await;
        list.map(|_| ()).map_err(|error| error.to_string())
    })
}

#[test]
fn the_server_s_certificate_is_checked() {
    let (own, other) = (signed(&["127.0.0.1", "localhost"]), signed(&["elsewhere"]));
    let server = server(&own, &other);
    let url = format!("https://127.0.0.1:{}", server.address.port());
    let files = Files::new();
    files.write("ca.pem", &own.authority);
    files.write("other.pem", &other.authority);
    let data = format!(", certificate-authority-data: {}", STANDARD.encode(&own.authority));
    for cluster in [
        ", certificate-authority: ca.pem",
        &data,
        ", insecure-skip-tls-verify: true",
        ", certificate-authority: ca.pem, tls-server-name: localhost",
    ] {
        assert_eq!(listed(&files, &url, cluster, ""), Ok(()), "{cluster}");
    }
    for (cluster, expected) in [
        ("", "certificate is not signed by the certificate authority"),
        (", certificate-authority: other.pem", "certificate is not signed by the certificate"),
        (
            ", certificate-authority: ca.pem, tls-server-name: elsewhere",
            "for other names (127.0.0.1, localhost)",
        ),
        (", tls-server-name: 'a b'", "tls-server-name \"a b\": invalid dns name"),
        (", certificate-authority: none.pem", "none.pem: No such file"),
        (", certificate-authority: config", "it holds no certificate in PEM"),
        (", certificate-authority-data: '%'", "certificate-authority-data is not base64"),
    ] {
        let said = listed(&files, &url, cluster, "").unwrap_err();
        assert!(said.contains(expected), "{cluster}: {said}");
    }
}

#[test]
fn the_client_s_certificate_is_shown() {
    let (own, client) = (signed(&["127.0.0.1"]), signed(&["jane"]));
    let server = server(&own, &client);
    let url = format!("https://127.0.0.1:{}", server.address.port());
    let files = Files::new();
    for (name, content) in
        [("ca.pem", &own.authority), ("jane.pem", &client.certificate), ("jane.key", &client.key)]
    {
        files.write(name, content);
    }
    let ca = ", certificate-authority: ca.pem";
    let by_data = format!(
        "client-certificate-data: {}, client-key-data: {}",
        STANDARD.encode(&client.certificate),
        STANDARD.encode(&client.key)
    );
    let by_file = "client-certificate: jane.pem, client-key: jane.key";
    for (user, shown) in [("", "0"), (by_file, "1"), (&by_data, "1")] {
        assert_eq!(listed(&files, &url, ca, user), Ok(()), "{user}");
        assert_eq!(server.served().last().unwrap().header("certificates"), [shown], "{user}");
    }
    let another = STANDARD.encode(KeyPair::generate().unwrap().serialize_pem());
    let another = format!("client-certificate: jane.pem, client-key-data: {another}");
    for (user, expected) in [
        ("client-certificate: jane.pem", "a client certificate needs its key: give client-key or"),
        ("client-key: jane.key", "a client key needs its certificate: give client-certificate"),
        ("client-certificate: jane.key, client-key: jane.key", "holds no certificate in PEM"),
        ("client-certificate: jane.pem, client-key: jane.pem", "the client key: "),
        (&another, "the client certificate: "),
    ] {
        let said = listed(&files, &url, ca, user).unwrap_err();
        assert!(said.starts_with("the connection to https://127.0.0.1:"), "{said}");
        assert!(said.contains(expected) && !said.contains("BEGIN"), "{user}: {said}");
    }
}

/// Secrets are sent as they are, and never told.
#[test]
fn passwords_and_tokens_are_headers() {
    let server = Server::start(|_, _| no_pods());
    let files = Files::new();
    for (user, header) in [
        ("username: jane, password: 'p:w'", "Basic amFuZTpwOnc="),
        ("token: t0ken", "Bearer t0ken"),
    ] {
        assert_eq!(listed(&files, &server.url(), "", user), Ok(()));
        assert_eq!(server.served().last().unwrap().header("authorization"), [header]);
    }
    let said = listed(&files, &server.url(), "", "token: \"sec\\nret\"").unwrap_err();
    assert!(said.ends_with("a token cannot have control characters"), "{said}");
}
