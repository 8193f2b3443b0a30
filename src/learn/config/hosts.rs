//! Host names in a text, as far as it is certain that they are meant as such.
//!
//! In: a text, and the key that it stands behind. Out: every host with the port and the scheme that are
//! written with it, and the line. A word alone is a host only where its key says so: `CACHE=redis` names
//! no Service, `CACHE_HOST=redis` does. Comments name nothing.

/// What the last word of a key says of its value.
const OF_HOSTS: &[&str] = &[
    "host",
    "hosts",
    "hostname",
    "addr",
    "addrs",
    "address",
    "addresses",
    "server",
    "servers",
    "url",
    "urls",
    "uri",
    "endpoint",
    "endpoints",
    "broker",
    "brokers",
    "upstream",
];

/// Kubernetes sets it to the pod's own name, and people to the like.
const OWN_NAME: &str = "HOSTNAME";

/// The zone of names in the cluster, unless it is set otherwise.
const ZONE: &str = "cluster.local";

/// A host as a text names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Host {
    /// The name, without a dot at its end.
    pub(super) name: String,
    pub(super) port: Option<u16>,
    /// The scheme of a URL.
    pub(super) scheme: Option<String>,
    /// It cannot be anything but a host: it is in a URL, has a port, or its key says so.
    pub(super) certain: bool,
    /// The line, from 1.
    pub(super) line: usize,
}

/// A Service that a host name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meant<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// The name is of the form that only Services have.
    pub(super) in_full: bool,
    /// The zone that it names, where that is not the usual one: this cluster's, or another's.
    pub(super) zone: Option<&'a str>,
    /// It is one pod of the Service, which only those of headless Services have a name for.
    pub(super) of_pod: bool,
}

/// The Service that a host name means, seen from a namespace, if there is such a Service.
///
/// Source: docs/semantics/services.md#names-in-the-cluster.
pub(super) fn service<'a>(host: &'a str, here: &'a str) -> Option<Meant<'a>> {
    // The first of these is the mark: a zone may have such a label, too.
    let (labels, zone) = match host.split_once(".svc.") {
        Some((labels, zone)) => (labels, Some(zone)),
        None => (host.strip_suffix(".svc").unwrap_or(host), None),
    };
    let in_full = labels.len() < host.len();
    let labels: Vec<&str> = labels.split('.').collect();
    let zone = zone.filter(|zone| *zone != ZONE);
    let meant = |namespace, name, of_pod| Some(Meant { namespace, name, in_full, zone, of_pod });
    match labels[..] {
        [name] if !in_full => meant(here, name, false),
        [name, namespace] => meant(namespace, name, false),
        [_, name, namespace] if in_full => meant(namespace, name, true),
        _ => None,
    }
}

/// Every host of a text that stands behind a key; without one it may be any text.
pub(super) fn hosts(key: &str, text: &str) -> Vec<Host> {
    let mut all = Vec::new();
    if is_of_hosts(key) {
        listed(text, 1, &mut all);
    }
    for (line, number) in text.lines().zip(1..) {
        let line = without_comment(line);
        let urls = urls(line, number, &mut all);
        words(line, &urls, number, &mut all);
        if let Some((key, value)) = pair(line)
            && is_of_hosts(key)
        {
            listed(value, number, &mut all);
        }
    }
    all.sort();
    all.dedup();
    all
}

/// Whether a key says that its value names hosts: by its last word, however words are told apart.
pub(super) fn is_of_hosts(key: &str) -> bool {
    of_hosts(key).is_some()
}

/// The key of a port that goes with a key of a host: `DB_PORT` with `DB_HOST`.
pub(super) fn port_key(key: &str) -> Option<String> {
    let begin = of_hosts(key)?;
    let last = key.get(begin..)?;
    let mut letters = last.chars().map(|letter| letter.is_ascii_uppercase());
    let port = match (letters.next(), letters.next()) {
        (Some(true), Some(true)) => "PORT",
        (Some(true), _) => "Port",
        _ => "port",
    };
    Some(format!("{}{port}", key.get(..begin)?))
}

/// Where the last word of a key begins, if it says that hosts follow.
fn of_hosts(key: &str) -> Option<usize> {
    if key == OWN_NAME {
        return None;
    }
    let mut begin = 0;
    let mut before = None;
    for (at, letter) in key.char_indices() {
        let apart = matches!(letter, '_' | '-' | '.');
        let hump = letter.is_ascii_uppercase()
            && before.is_some_and(|before: char| before.is_ascii_lowercase());
        if apart {
            begin = at + letter.len_utf8();
        } else if hump {
            begin = at;
        }
        before = Some(letter);
    }
    let last = key.get(begin..)?.to_ascii_lowercase();
    OF_HOSTS.contains(&last.as_str()).then_some(begin)
}

/// Hosts that a value names, with commas or spaces between them, and nothing else.
fn listed(value: &str, line: usize, all: &mut Vec<Host>) {
    let mut found = Vec::new();
    for part in value.split([',', ';', ' ', '\t', '\n', '\r']).filter(|part| !part.is_empty()) {
        match host(part) {
            Some((name, port)) => {
                found.push(Host { name, port, scheme: None, certain: true, line });
            }
            None => return,
        }
    }
    all.append(&mut found);
}

/// What a line says before a comment begins.
fn without_comment(line: &str) -> &str {
    let begin = line.trim_start();
    if begin.starts_with(['#', ';']) || begin.starts_with("//") {
        return "";
    }
    let end = [" #", "\t#", " // "].iter().filter_map(|mark| line.find(mark)).min();
    end.and_then(|end| line.get(..end)).unwrap_or(line)
}

/// Key and value of a line such as `redis.host = redis`, `"host": "redis",` or `--redis-host=redis`.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().trim_start_matches("- ");
    let (key, value) = match (line.find('='), line.find(": ")) {
        (Some(equal), Some(colon)) if colon < equal => line.split_once(": ")?,
        (Some(_), _) => line.split_once('=')?,
        (None, Some(_)) => line.split_once(": ")?,
        (None, None) => return None,
    };
    let bare = |text: &'_ str| -> std::ops::Range<usize> {
        let quotes: &[char] = &['"', '\'', ' ', '\t', ','];
        let start = text.len() - text.trim_start_matches(quotes).len();
        start..text.trim_end_matches(quotes).len().max(start)
    };
    let (key, value) = (key.get(bare(key))?, value.get(bare(value))?);
    (!key.contains(' ')).then_some((key, value))
}

/// The hosts of URLs in a line, several where a scheme takes several; and where each URL is.
fn urls(line: &str, number: usize, all: &mut Vec<Host>) -> Vec<std::ops::Range<usize>> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(at) = line.get(from..).and_then(|rest| rest.find("://")).map(|at| from + at) {
        let before = line.get(..at).unwrap_or_default();
        let of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let scheme = &before[before.trim_end_matches(of_scheme).len()..];
        let after = line.get(at + 3..).unwrap_or_default();
        let ends = |c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    '/' | '?' | '#' | '"' | '\'' | '`' | ')' | '}' | '>' | '<' | ';' | '|' | '\\'
                )
        };
        let authority = after.split(ends).next().unwrap_or_default();
        let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
        for part in hosts.split(',') {
            if let Some((name, port)) = host(part)
                && !scheme.is_empty()
            {
                let scheme = Some(scheme.to_ascii_lowercase());
                all.push(Host { name, port, scheme, certain: true, line: number });
            }
        }
        let end = at + 3 + authority.len();
        places.push(at - scheme.len()..end);
        // Of several with commas between them the next begins in this one's hosts.
        from = at + 3;
    }
    places
}

/// Hosts with a port, and names that only Services have.
fn words(line: &str, urls: &[std::ops::Range<usize>], number: usize, all: &mut Vec<Host>) {
    let of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    let mut start = None;
    for (at, letter) in line.char_indices().chain([(line.len(), ' ')]) {
        if of_word(letter) {
            start.get_or_insert(at);
            continue;
        }
        let Some(begin) = start.take() else { continue };
        let in_url = urls.iter().any(|url| url.start < at && begin < url.end);
        let before = line.get(..begin).and_then(|before| before.chars().next_back());
        // A part of a path, of a variable, or of an image.
        if in_url || matches!(before, Some('/' | '$' | '{' | '%' | '\\')) {
            continue;
        }
        let Some(word) = line.get(begin..at) else { continue };
        let Some((name, port)) = host(word.trim_end_matches([':', '.'])) else { continue };
        let certain = port.is_some();
        all.push(Host { name, port, scheme: None, certain, line: number });
    }
}

/// A host name with its port, if a word is that and nothing else.
fn host(word: &str) -> Option<(String, Option<u16>)> {
    let (name, port) = match word.split_once(':') {
        None => (word, None),
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, Some(port.parse().ok().filter(|number| *number != 0)?))
        }
        Some(_) => return None,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (name.len() <= 253 && name.split('.').all(label)).then(|| (name.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::{hosts, port_key, service};

    /// Every host of a text that is certain, as `name:port`, with its scheme.
    fn certain(key: &str, text: &str) -> Vec<String> {
        let all = hosts(key, text).into_iter().filter(|host| host.certain);
        let told = all.map(|host| {
            let scheme = host.scheme.map(|scheme| format!("{scheme}://")).unwrap_or_default();
            let port = host.port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{scheme}{}{port}", host.name)
        });
        told.collect()
    }

    #[test]
    fn urls_and_ports_are_certain() {
        for (text, expected) in [
            ("http://web.shop.svc:8080/x?y=z", &["http://web.shop.svc:8080"][..]),
            ("jdbc:postgresql://db:5432/shop", &["postgresql://db:5432"]),
            ("postgres://user:p@ss@db/shop", &["postgres://db"]),
            ("mongodb://a:27017,b:27018/x", &["mongodb://a:27017", "mongodb://b:27018"]),
            ("a=http://web,http://api", &["http://api", "http://web"]),
            ("user:pw@tcp(db:3306)/shop", &["db:3306"]),
            ("redis:6379", &["redis:6379"]),
            ("server redis.data:6379;", &["redis.data:6379"]),
            ("nats, db", &[]),
            ("http://${DB_HOST}:80", &[]),
            ("$(HOST):80", &[]),
            ("/etc/redis:6379", &[]),
            ("registry.example.com/redis:6379", &[]),
            ("12:30", &["12:30"]),
            ("http://db:http", &[]),
            ("http://db:0", &[]),
            ("http://db:70000", &[]),
            ("# http://old:80", &[]),
            ("x # was http://old:80", &[]),
            ("// http://old:80", &[]),
        ] {
            assert_eq!(certain("", text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_alone_is_a_host_where_its_key_says_so() {
        for (key, text, expected) in [
            ("DB_HOST", "db", &["db"][..]),
            ("DB_HOST", "db.data.svc.cluster.local.", &["db.data.svc.cluster.local"]),
            ("dbHost", "db", &["db"]),
            ("redis.servers", "a,b", &["a", "b"]),
            ("DB_HOST", "see the docs of Redis", &[]),
            ("CACHE", "redis", &[]),
            ("CACHE_TYPE", "redis", &[]),
            ("HOSTNAME", "web", &[]),
            ("GHOST", "web", &[]),
            ("", "redis.host=redis\ntype=redis", &["redis"]),
            ("", "  host: \"redis\"", &["redis"]),
            ("", "{\"host\": \"redis\",", &[]),
            ("", "--db-host=db", &["db"]),
            ("", "# host: redis", &[]),
        ] {
            assert_eq!(certain(key, text), expected, "{key} {text}");
        }
        assert_eq!(port_key("DB_HOST").as_deref(), Some("DB_PORT"));
        assert_eq!(port_key("dbHost").as_deref(), Some("dbPort"));
        assert_eq!(port_key("db.host").as_deref(), Some("db.port"));
        assert_eq!(port_key("DB"), None);
    }

    #[test]
    fn forms_of_the_cluster() {
        let meant = |host| {
            let it = service(host, "a")?;
            Some((it.namespace, it.name, it.in_full, it.of_pod, it.zone))
        };
        assert_eq!(meant("db"), Some(("a", "db", false, false, None)));
        assert_eq!(meant("db.b"), Some(("b", "db", false, false, None)));
        assert_eq!(meant("db.b.svc"), Some(("b", "db", true, false, None)));
        assert_eq!(meant("db.b.svc.cluster.local"), Some(("b", "db", true, false, None)));
        assert_eq!(meant("db-0.db.b.svc"), Some(("b", "db", true, true, None)));
        let home = Some("k8s.home.arpa");
        assert_eq!(meant("db.b.svc.k8s.home.arpa"), Some(("b", "db", true, false, home)));
        assert_eq!(meant("db-0.db.b.svc.k8s.home.arpa"), Some(("b", "db", true, true, home)));
        for other in [
            "db.cluster.local",
            "db.b.cluster.local",
            "x.db.b",
            "a.b.c.d.svc",
            "db.svc",
            "svc.svc.x",
        ] {
            assert_eq!(meant(other), None, "{other}");
        }
    }
}
