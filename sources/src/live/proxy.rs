//! Which proxy leads to the server, as Go's `net/http` decides it for kubectl.
//!
//! In: the cluster's `proxy-url`, the proxy variables and the server. Out: a proxy, or none.

use super::environment::Environment;
use super::error::Error;
use http::Uri;
use ipnet::IpNet;
use std::net::IpAddr;

/// The schemes that a proxy may have.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// The proxy for `server`. One in the kubeconfig is for all requests; `NO_PROXY` is about the
/// variables alone. `ALL_PROXY` is nothing to kubectl, and so nothing here.
pub(super) fn proxy_for(
    server: &Uri,
    of_cluster: Option<&str>,
    environment: &Environment,
) -> Result<Option<Uri>, Error> {
    if let Some(proxy) = of_cluster.filter(|proxy| !proxy.is_empty()) {
        return parse(proxy).map(Some).ok_or_else(|| unusable("proxy-url in the kubeconfig"));
    }
    let (name, proxy) = match server.scheme_str() {
        Some("https") => ("HTTPS_PROXY", &environment.https_proxy),
        _ => ("HTTP_PROXY", &environment.http_proxy),
    };
    let Some(proxy) = proxy.as_deref().filter(|proxy| !proxy.is_empty()) else { return Ok(None) };
    let host = server.host().unwrap_or_default();
    let port = server.port_u16().unwrap_or(if name == "HTTPS_PROXY" { 443 } else { 80 });
    if !goes_by_proxy(host, port, environment.no_proxy.as_deref().unwrap_or_default()) {
        return Ok(None);
    }
    let parsed = parse(proxy).or_else(|| parse(&format!("http://{proxy}")));
    parsed.map(Some).ok_or_else(|| unusable(name))
}

fn parse(proxy: &str) -> Option<Uri> {
    let uri: Uri = proxy.parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| SCHEMES.contains(scheme))?;
    if uri.host()?.is_empty() {
        return None;
    }
    if scheme.starts_with("socks5") && uri.port().is_none() {
        // The connector would take the port of HTTP.
        return format!("{scheme}://{}:1080", uri.authority()?).parse().ok();
    }
    Some(uri)
}

/// Without the value: it may hold a password.
fn unusable(what: &str) -> Error {
    Error::Setting {
        what: what.to_owned(),
        why: format!("it is not the URL of a proxy; its scheme is one of {}", SCHEMES.join(", ")),
    }
}

/// Source: golang.org/x/net/http/httpproxy, `config.useProxy` and `config.init`.
fn goes_by_proxy(host: &str, port: u16, no_proxy: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let ip = host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
    if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
        return false;
    }
    !no_proxy.split(',').any(|entry| excepts(&entry.trim().to_ascii_lowercase(), &host, ip, port))
}

fn excepts(entry: &str, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(net) = entry.parse::<IpNet>() {
        return ip.is_some_and(|ip| net.contains(&ip));
    }
    let (name, only_port) = split_port(entry);
    if only_port.is_some_and(|only| only != port.to_string()) || name.is_empty() {
        return false;
    }
    if let Ok(only) = name.parse::<IpAddr>() {
        return ip == Some(only.to_canonical());
    }
    // `example.com` is the name and what is below it; `.example.com` and `*.example.com` only that.
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => {
            host == name
                || host.strip_suffix(name).is_some_and(|subdomain| subdomain.ends_with('.'))
        }
    }
}

/// `host:port` and `[v6]:port`; a bare IPv6 address has no port.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if name.starts_with('[') && name.ends_with(']') => {
            (&name[1..name.len() - 1], Some(port))
        }
        Some((name, port)) if !name.contains(':') => (name, Some(port)),
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of `httpproxy`'s own test, and the ones around them.
    #[test]
    fn no_proxy_as_go_reads_it() {
        let list = "foobar.com, .barbaz.net, *.wild.org, 192.168.1.1, 192.168.1.2:81, 10.0.0.0/8, \
                    2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, \
                    2002:db8:a::45/64, only.port:6443,, :90, 172.16.0.0/33";
        for (host, port, by_proxy) in [
            ("localhost", 80, false),
            ("127.0.0.1", 80, false),
            ("127.0.0.2", 80, false),
            ("[::1]", 80, false),
            ("[::2]", 80, true),
            ("192.168.1.1", 80, false),
            ("192.168.1.2", 80, true),
            ("192.168.1.2", 81, false),
            ("192.168.1.3", 80, true),
            ("10.0.0.2", 443, false),
            ("11.0.0.2", 443, true),
            ("[2001:db8::52:0:1]", 80, false),
            ("[2001:db8::52:0:2]", 443, false),
            ("[2001:db8::52:0:2]", 80, true),
            ("[2001:db8::52:0:3]", 443, true),
            ("[2002:db8:a::123]", 80, false),
            ("[fe80::424b:c8be:1643:a1b6]", 80, true),
            ("barbaz.net", 80, true),
            ("www.barbaz.net", 80, false),
            ("foobar.com", 80, false),
            ("FOObar.COM", 80, false),
            ("www.foobar.com", 80, false),
            ("foofoobar.com", 80, true),
            ("baz.com", 80, true),
            ("wild.org", 80, true),
            ("a.b.wild.org", 80, false),
            ("only.port", 6443, false),
            ("sub.only.port", 6443, false),
            ("only.port", 443, true),
            ("::ffff:10.1.1.1", 443, false),
        ] {
            assert_eq!(goes_by_proxy(host, port, list), by_proxy, "{host}:{port}");
        }
        assert!(goes_by_proxy("example.com", 443, ""));
        assert!(!goes_by_proxy("example.com", 443, "a, *"));
    }

    #[test]
    fn where_a_proxy_is_named() {
        let environment = Environment {
            https_proxy: Some("proxy.example:3128".into()),
            http_proxy: Some("socks5://127.0.0.1:1080".into()),
            no_proxy: Some("api.example,".into()),
            ..Environment::default()
        };
        let proxy = |server: &str, of_cluster: Option<&str>| {
            let proxy = proxy_for(&server.parse().unwrap(), of_cluster, &environment);
            proxy
                .map(|proxy| proxy.map(|proxy| proxy.to_string()))
                .map_err(|error| error.to_string())
        };
        let found = |proxy: &str| Ok(Some(proxy.to_owned()));
        assert_eq!(proxy("https://other.example:6443", None), found("http://proxy.example:3128/"));
        assert_eq!(proxy("http://other.example", None), found("socks5://127.0.0.1:1080/"));
        assert_eq!(proxy("https://api.example:6443", None), Ok(None));
        let socks = Some("socks5h://me:x@p");
        assert_eq!(proxy("https://api.example", socks), found("socks5h://me:x@p:1080/"));
        // client-go passes the kubeconfig's proxy as it is, past NO_PROXY.
        assert_eq!(proxy("https://api.example", Some("https://p:8443")), found("https://p:8443/"));
        assert_eq!(
            proxy("https://api.example", Some("ftp://user:secret@p")),
            Err("proxy-url in the kubeconfig: it is not the URL of a proxy; its scheme is one of \
                 http, https, socks5, socks5h"
                .to_owned())
        );
    }
}
