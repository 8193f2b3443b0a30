//! A stand-in for a kubelet, to which the real API server brings `exec`: it runs the command on this
//! machine, whatever container was meant.
//!
//! In: a cluster. Out: a Node that says where it is, and that it speaks WebSocket
//! (`ExtendWebSocketsToKubelet`, from Kubernetes 1.36 on), so that no SPDY is needed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread;

use super::{ControlPlane, expect_success};

/// Channels of `v5.channel.k8s.io`.
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;

/// Starts one as a Node of this name that runs commands as they are; it ends with the process.
pub(crate) fn kubelet(cluster: &ControlPlane, node: &str) {
    kubelet_of(cluster, node, |_, command| command.output());
}

/// The same for one that runs a command in the pod of this name as it is told.
pub(crate) fn kubelet_of<R>(cluster: &ControlPlane, node: &str, run: R)
where
    R: Fn(&str, &mut Command) -> io::Result<Output> + Copy + Send + 'static,
{
    let key = KeyPair::generate().expect("a key");
    let names = vec!["127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).expect("names").self_signed(&key);
    let certificate = certificate.expect("a certificate").pem();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM")],
            PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("PEM"),
        );
    let config = Arc::new(config.expect("a server"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || {
                let tls = ServerConnection::new(config).ok()?;
                serve(&mut StreamOwned::new(tls, tcp), run)
            });
        }
    });
    let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}});
    cluster.apply_with(&[], &object.to_string());
    let status = json!({"status": {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "declaredFeatures": ["ExtendWebSocketsToKubelet"],
    }});
    expect_success(
        cluster
            .kubectl(cluster.admin())
            .args(["patch", "node", node, "--subresource=status", "--type=merge"])
            .args(["-p", &status.to_string()]),
    );
}

/// One connection: `GET /exec/NAMESPACE/POD/CONTAINER?command=…`.
fn serve(
    stream: &mut (impl Read + Write),
    run: impl Fn(&str, &mut Command) -> io::Result<Output>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let path = head.split(' ').nth(1)?;
    let query = path.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let words: Vec<String> =
        query.split('&').filter_map(|pair| pair.strip_prefix("command=")).map(plain).collect();
    let accept = header("Sec-WebSocket-Key")? + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, accept.as_bytes()));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).ok()?;
    let pod = path.split('/').nth(3)?;
    let status = match run(pod, Command::new(words.first()?).args(&words[1..])) {
        Ok(output) => {
            frame(stream, STDOUT, &output.stdout)?;
            frame(stream, STDERR, &output.stderr)?;
            json!({"metadata": {}, "status": "Success"})
        }
        Err(error) => {
            let message =
                format!("exec: {:?}: executable file not found in $PATH: {error}", words[0]);
            json!({"metadata": {}, "status": "Failure", "reason": "InternalError", "message": message})
        }
    };
    frame(stream, STATUS, status.to_string().as_bytes())?;
    // Closed for no particular reason.
    stream.write_all(&[0x88, 2, 0x03, 0xe8]).ok()?;
    stream.flush().ok()?;
    let _ = stream.read(&mut [0; 64]);
    Some(())
}

/// A frame of bytes of a channel.
fn frame(stream: &mut impl Write, channel: u8, bytes: &[u8]) -> Option<()> {
    let length = u16::try_from(bytes.len() + 1).ok()?;
    let mut all = vec![0x82, 126];
    all.extend(length.to_be_bytes());
    all.push(channel);
    all.extend(bytes);
    stream.write_all(&all).and_then(|()| stream.flush()).ok()
}

/// A word of a query.
fn plain(word: &str) -> String {
    let mut bytes = word.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next().unwrap_or(b'0'), bytes.next().unwrap_or(b'0')];
                let digits = std::str::from_utf8(&digits).unwrap_or("00");
                u8::from_str_radix(digits, 16).unwrap_or_default()
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}
