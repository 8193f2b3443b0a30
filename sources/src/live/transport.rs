//! The HTTP client: kube's own parts, put together so that small requests are quick and proxies,
//! bounds and warnings are kubectl's.
//!
//! In: a cluster, a user with credentials in place, a proxy. Out: a [`kube::Client`].

use super::config::{Access, ConnectOptions};
use super::environment::Environment;
use super::error::Error;
use super::layers::{Again, BoxError, Observed, Waiting, Whole};
use super::proxy::proxy_for;
use super::text::clean;
use super::tls::{Tls, unusable};
use super::warning::Warnings;
use crate::limits::Budget;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri, header};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::config::AuthInfo;
use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::retry::RetryLayer;
use tower::{Service, ServiceBuilder, ServiceExt as _, layer::layer_fn};
use tower_http::decompression::DecompressionLayer;

/// For name, connection and handshake together, as client-go allows for the connection.
const CONNECT: Duration = Duration::from_secs(30);
/// So much is read at a time. More of a flood of interim answers is worked off before any time limit
/// is looked at.
const BUFFER: usize = 64 << 10;

/// It took longer than allowed.
#[derive(Debug, thiserror::Error)]
#[error("not done within {0:?}")]
pub(super) struct Late(pub(super) Duration);

/// It is larger than allowed.
#[derive(Debug, thiserror::Error)]
#[error("larger than {0} bytes")]
pub(super) struct TooLarge(pub(super) u64);

/// A client, and what is known of it.
pub(super) struct Transport {
    pub(super) client: kube::Client,
    /// The server as messages name it.
    pub(super) server: String,
    /// The requests that went out.
    pub(super) sent: Arc<AtomicUsize>,
    /// What may still be read.
    pub(super) budget: Arc<Budget>,
}

/// Builds the client; nothing is sent yet.
pub(super) fn build(
    access: &Access,
    options: &ConnectOptions,
    environment: &Environment,
    warnings: &Warnings,
) -> Result<Transport, Error> {
    let config = config_of(access)?;
    let proxy = proxy_for(&config.cluster_url, access.cluster.proxy_url.as_deref(), environment)?;
    let secure = |url: &Uri| url.scheme_str() == Some("https");
    let tls = Tls::of(access, secure(&config.cluster_url) || proxy.iter().any(secure))?;
    let mut server = named(&config.cluster_url);
    if let Some(proxy) = &proxy {
        server = format!("{server} (through the proxy {})", named(proxy));
    }
    let connector = tls.to_server(Road::to(proxy.as_ref(), &tls)?)?;
    let client: HyperClient<_, Body> = HyperClient::builder(TokioExecutor::new())
        .http1_max_buf_size(BUFFER)
        .build(Patient(connector));
    let sent = Arc::new(AtomicUsize::new(0));
    let observe = (warnings.clone(), Arc::clone(&sent));
    let timeout = options.request_timeout.filter(|timeout| !timeout.is_zero());
    let budget = Arc::new(Budget::new(options.limits));
    let whole = (Arc::new(Waiting::at_most(options.limits.held())), Arc::clone(&budget));
    let service = ServiceBuilder::new()
        .layer(layer_fn(move |inner| {
            let (waiting, budget) = whole.clone();
            Whole { inner, timeout, waiting, budget }
        }))
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().gzip(!config.disable_compression))
        .layer(RetryLayer::new(Again::default()))
        .layer(config.extra_headers_layer().map_err(|error| {
            // The outermost words are about the library's own set-up.
            let why = std::error::Error::source(&error).map(ToString::to_string);
            unusable(access, clean(&why.unwrap_or_else(|| error.to_string())))
        })?)
        .layer(layer_fn(move |inner| {
            let (warnings, sent) = observe.clone();
            Observed { inner, warnings, sent }
        }))
        .service(client);
    let client = ClientBuilder::new(service, access.namespace.clone()).build();
    Ok(Transport { client, server, sent, budget })
}

/// The server's URL; one without a scheme is read as client-go reads it.
fn url_of(access: &Access) -> Result<Uri, Error> {
    let (server, cluster, user) = (&access.server, &access.cluster, &access.user);
    let secure = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true)
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some();
    let server = match server.contains("://") {
        true => server.clone(),
        false if secure => format!("https://{server}"),
        false => format!("http://{server}"),
    };
    let url: Option<Uri> = server.parse().ok();
    url.filter(|url| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some_and(|h| !h.is_empty())
    })
    .ok_or_else(|| Error::Setting {
        what: format!("the server {:?}", clean(&server)),
        why: "it is not a URL such as https://10.0.0.1:6443".to_owned(),
    })
}

/// Scheme, host and port: what stands before an `@` is a secret.
fn named(url: &Uri) -> String {
    let scheme = url.scheme_str().unwrap_or_default();
    let host = url.host().unwrap_or_default();
    match url.port_u16() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

/// The URL without user information, which no library below needs to know, and that information,
/// decoded.
fn split_user(url: Uri) -> (Uri, Option<(String, String)>) {
    let Some((user, host)) = url.authority().and_then(|it| it.as_str().rsplit_once('@')) else {
        return (url, None);
    };
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let user = (decoded(name), decoded(password));
    let Ok(authority) = host.parse() else { return (url, Some(user)) };
    let mut parts = url.clone().into_parts();
    parts.authority = Some(authority);
    (Uri::from_parts(parts).unwrap_or(url), Some(user))
}

/// The header that tells a user and a password.
fn basic((user, password): &(String, String)) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn config_of(access: &Access) -> Result<Config, Error> {
    let cluster = &access.cluster;
    let (url, user) = split_user(url_of(access)?);
    let mut config = Config::new(url);
    config.default_namespace.clone_from(&access.namespace);
    config.auth_info = access.user.clone();
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.headers.push((header::USER_AGENT, HeaderValue::from_static(user_agent())));
    config
        .headers
        .extend(login(access, user.as_ref())?.map(|login| (header::AUTHORIZATION, login)));
    Ok(config)
}

/// What the user is known by, where that is a token or a password. What the server's URL has goes
/// before, as in Go: `http.Client` sets it before any round tripper of client-go is asked.
fn login(access: &Access, of_url: Option<&(String, String)>) -> Result<Option<HeaderValue>, Error> {
    let AuthInfo { username, password, token, .. } = &access.user;
    let text = match (of_url, username, password, token) {
        (Some(of_url), ..) => basic(of_url),
        (_, Some(user), Some(password), _) => {
            basic(&(user.clone(), password.expose_secret().to_owned()))
        }
        (.., Some(token)) => format!("Bearer {}", token.expose_secret()),
        _ => return Ok(None),
    };
    let header = HeaderValue::try_from(text);
    let mut header = header
        .map_err(|_| unusable(access, "a token cannot have control characters".to_owned()))?;
    header.set_sensitive(true);
    Ok(Some(header))
}

fn user_agent() -> &'static str {
    use std::env::consts::{ARCH, OS};
    use std::sync::LazyLock;
    static AGENT: LazyLock<String> =
        LazyLock::new(|| format!("kubectl-netpol/{} ({OS}/{ARCH})", env!("CARGO_PKG_VERSION")));
    &AGENT
}

type Tcp = <HttpConnector as Service<Uri>>::Response;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// The way to the server: straight, or through a proxy.
#[derive(Clone)]
enum Road {
    Straight(HttpConnector),
    Http(Tunnel<HttpConnector>),
    Https(Tunnel<HttpsConnector<HttpConnector>>),
    Socks(SocksV5<HttpConnector>),
}

impl Road {
    fn to(proxy: Option<&Uri>, tls: &Tls<'_>) -> Result<Self, Error> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // Without it, each small request waits some 40 ms for the other side's delayed ACK.
        tcp.set_nodelay(true);
        let Some(proxy) = proxy else { return Ok(Self::Straight(tcp)) };
        let (proxy, login) = split_user(proxy.clone());
        let basic = login.as_ref().and_then(|login| {
            let mut basic = HeaderValue::from_str(&basic(login)).ok()?;
            basic.set_sensitive(true);
            Some(basic)
        });
        Ok(match proxy.scheme_str() {
            Some("socks5" | "socks5h") => {
                let socks = SocksV5::new(proxy, tcp);
                Self::Socks(match login {
                    Some((user, password)) => socks.with_auth(user, password),
                    None => socks,
                })
            }
            Some("https") => {
                let tunnel = Tunnel::new(proxy, tls.to_proxy(tcp)?);
                Self::Https(match basic {
                    Some(basic) => tunnel.with_auth(basic),
                    None => tunnel,
                })
            }
            _ => {
                let tunnel = Tunnel::new(proxy, tcp);
                Self::Http(match basic {
                    Some(basic) => tunnel.with_auth(basic),
                    None => tunnel,
                })
            }
        })
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Service<Uri> for Road {
    type Response = MaybeHttpsStream<Tcp>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let road = self.clone();
        Box::pin(async move {
            Ok(match road {
                Self::Straight(tcp) => MaybeHttpsStream::Http(tcp.oneshot(server).await?),
                Self::Http(tunnel) => MaybeHttpsStream::Http(tunnel.oneshot(server).await?),
                Self::Https(tunnel) => tunnel.oneshot(server).await?,
                Self::Socks(socks) => MaybeHttpsStream::Http(socks.oneshot(server).await?),
            })
        })
    }
}

/// A connector that does not wait for ever.
#[derive(Clone)]
struct Patient<C>(C);

impl<C> Service<Uri> for Patient<C>
where
    C: Service<Uri, Error = BoxError>,
    C::Future: Send + 'static,
    C::Response: 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let connecting = self.0.call(server);
        Box::pin(async move {
            let late = |_| Err(Late(CONNECT).into());
            tokio::time::timeout(CONNECT, connecting).await.unwrap_or_else(late)
        })
    }
}
