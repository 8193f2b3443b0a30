//! Commands that tell more of an answer, as a shell takes them.

use crate::cluster::{Port, Protocol};

/// The command that explains one flow, or without a port those at all ports, with the words that say where
/// it is read from.
pub(super) fn explain(
    arguments: &[String],
    source: &str,
    destination: &str,
    port: Option<Port>,
) -> String {
    let suffix = port.map_or_else(String::new, |port| match port.protocol {
        Protocol::Tcp => format!(":{}", port.number),
        other => format!(":{}/{other}", port.number),
    });
    let destination = match destination.parse::<std::net::Ipv6Addr>() {
        Ok(ip) if port.is_some() => format!("[{ip}]{suffix}"),
        _ => format!("{destination}{suffix}"),
    };
    explain_end(arguments, source, &destination)
}

/// The command that explains what becomes of flows to an end as it is written.
pub(super) fn explain_end(arguments: &[String], source: &str, destination: &str) -> String {
    command("explain", arguments, &[source, destination])
}

/// The command that says whether a walk leads to an end.
pub(super) fn reach(arguments: &[String], from: &str, to: &str) -> String {
    let mut words = arguments.to_vec();
    words.extend(["--to".to_owned(), to.to_owned()]);
    command("reach", &words, &[from])
}

fn command(word: &str, arguments: &[String], ends: &[&str]) -> String {
    let mut words: Vec<String> = ["kubectl", "netpol", word].map(Into::into).into();
    words.extend(arguments.iter().map(|word| quoted(word)));
    if ends.iter().any(|end| end.starts_with('-')) {
        words.push("--".to_owned());
    }
    words.extend(ends.iter().map(|end| quoted(end)));
    words.join(" ")
}

/// A command that reads what another one prints.
pub(super) fn piped(from: &[String], command: String) -> String {
    if from.is_empty() {
        return command;
    }
    let words: Vec<String> = from.iter().map(|word| quoted(word)).collect();
    format!("{} | {command}", words.join(" "))
}

/// A word as a shell takes it back, whatever is in it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+=[]~".contains(c);
    let odd_start = word.starts_with(['~', '[', '=']);
    if !word.is_empty() && !odd_start && word.chars().all(plain) && !word.contains('[') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file says never runs in the shell that a command is pasted to.
    #[test]
    fn commands_are_quoted() {
        let arguments = ["-f".to_owned(), "it's; here".to_owned()];
        let port = Port { protocol: Protocol::Udp, number: 53 };
        assert_eq!(
            explain(&arguments, "a/deploy/$(id)", "2001:db8::7", Some(port)),
            r"kubectl netpol explain -f 'it'\''s; here' 'a/deploy/$(id)' '[2001:db8::7]:53/UDP'"
        );
        assert_eq!(
            explain(&[], "-x/deploy/a", "b/deploy/c", Some(Port::tcp(80))),
            "kubectl netpol explain -- -x/deploy/a b/deploy/c:80"
        );
        let build = ["flux", "build", "a b"].map(ToOwned::to_owned);
        assert_eq!(piped(&build, "c".to_owned()), "flux build 'a b' | c");
        assert_eq!(piped(&[], "c".to_owned()), "c");
    }
}
