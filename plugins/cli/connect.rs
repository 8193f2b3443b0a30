//! kubectl's flags that choose a cluster and who one is there.

use clap::Args;
use netpol_sources::limits::Limits;
use netpol_sources::live::ConnectOptions;
use secrecy::{ExposeSecret as _, SecretString};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The heading of these flags in help: one each, since a heading for all would spill over.
const HEADING: &str = "Cluster";

/// How to reach a cluster; each flag means what it means in kubectl.
#[derive(Args, Clone, Debug, Default)]
pub struct ConnectArgs {
    /// Path of the kubeconfig file
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig
    #[arg(long, global = true, help_heading = HEADING, value_name = "NAME")]
    pub context: Option<String>,

    /// Cluster of the kubeconfig
    #[arg(long, global = true, help_heading = HEADING, value_name = "NAME")]
    pub cluster: Option<String>,

    /// User of the kubeconfig
    #[arg(long, global = true, help_heading = HEADING, value_name = "NAME")]
    pub user: Option<String>,

    /// Address of the API server
    #[arg(short, long, global = true, help_heading = HEADING, value_name = "URL")]
    pub server: Option<String>,

    /// Take any certificate of the server, which is then known to nobody
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    pub insecure_skip_tls_verify: Option<bool>,

    /// Certificates that may sign the server's, in a file
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,

    /// Name that the server's certificate is for
    #[arg(long, global = true, help_heading = HEADING, value_name = "NAME")]
    pub tls_server_name: Option<String>,

    /// Certificate of the user, in a file
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,

    /// Key of that certificate, in a file
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    pub client_key: Option<PathBuf>,

    /// Have answers sent as they are
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    pub disable_compression: Option<bool>,

    /// Bearer token
    #[arg(long, global = true, help_heading = HEADING, value_name = "TOKEN")]
    pub token: Option<SecretString>,

    /// User to impersonate
    #[arg(long = "as", global = true, help_heading = HEADING, value_name = "USER")]
    pub as_user: Option<String>,

    /// Group to impersonate; repeatable
    #[arg(long = "as-group", global = true, help_heading = HEADING, value_name = "GROUP")]
    pub as_group: Vec<String>,

    /// UID to impersonate
    #[arg(long = "as-uid", global = true, help_heading = HEADING, value_name = "UID")]
    pub as_uid: Option<String>,

    /// Limit of one request, such as 10s, 2m or 1h; 0 is none
    #[arg(long, global = true, help_heading = HEADING, value_name = "DURATION", value_parser = duration)]
    pub request_timeout: Option<Duration>,
}

impl ConnectArgs {
    /// The flags as the client takes them.
    pub fn options(&self, namespace: Option<&str>) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            namespace: namespace.map(ToOwned::to_owned),
            server: self.server.clone(),
            insecure: self.insecure_skip_tls_verify,
            authority: self.certificate_authority.clone(),
            tls_server_name: self.tls_server_name.clone(),
            client_certificate: self.client_certificate.clone(),
            client_key: self.client_key.clone(),
            disable_compression: self.disable_compression,
            token: self.token.clone(),
            as_user: self.as_user.clone(),
            as_groups: self.as_group.clone(),
            as_uid: self.as_uid.clone(),
            request_timeout: self.request_timeout.filter(|limit| !limit.is_zero()),
            limits: Limits::default(),
        }
    }

    /// A flag that says more than which kubeconfig and which of its contexts; other programs may not
    /// take it.
    pub(crate) fn beyond_context(&self) -> Option<&'static str> {
        let given = [
            ("--cluster", self.cluster.is_some()),
            ("--user", self.user.is_some()),
            ("--server", self.server.is_some()),
            ("--insecure-skip-tls-verify", self.insecure_skip_tls_verify.is_some()),
            ("--certificate-authority", self.certificate_authority.is_some()),
            ("--tls-server-name", self.tls_server_name.is_some()),
            ("--client-certificate", self.client_certificate.is_some()),
            ("--client-key", self.client_key.is_some()),
            ("--disable-compression", self.disable_compression.is_some()),
            ("--token", self.token.is_some()),
            ("--as", self.as_user.is_some()),
            ("--as-group", !self.as_group.is_empty()),
            ("--as-uid", self.as_uid.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    /// The flags in words again, for a program that takes kubectl's. Paths are full: it may run
    /// elsewhere.
    pub fn words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        let mut add = |flag: &str, value: Option<OsString>| {
            if let Some(value) = value {
                let mut word = OsString::from(flag);
                word.push("=");
                word.push(value);
                words.push(word);
            }
        };
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        for (flag, path) in [
            ("--kubeconfig", &self.kubeconfig),
            ("--certificate-authority", &self.certificate_authority),
            ("--client-certificate", &self.client_certificate),
            ("--client-key", &self.client_key),
        ] {
            add(flag, path.as_ref().map(absolute).map(Into::into));
        }
        for (flag, value) in [
            ("--insecure-skip-tls-verify", self.insecure_skip_tls_verify),
            ("--disable-compression", self.disable_compression),
        ] {
            add(flag, value.map(|value| value.to_string().into()));
        }
        let token = self.token.as_ref().map(|token| token.expose_secret().to_owned());
        for (flag, value) in [
            ("--context", &self.context),
            ("--cluster", &self.cluster),
            ("--user", &self.user),
            ("--server", &self.server),
            ("--tls-server-name", &self.tls_server_name),
            ("--token", &token),
            ("--as", &self.as_user),
            ("--as-uid", &self.as_uid),
        ] {
            add(flag, value.clone().map(Into::into));
        }
        for group in &self.as_group {
            add("--as-group", Some(group.into()));
        }
        words
    }
}

/// A duration as kubectl takes it: a number of seconds, or numbers with `ms`, `s`, `m` and `h`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let refuse = || format!("{text:?} is not a duration: give 30, 10s, 2m or 1h");
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = if text.is_empty() { return Err(refuse()) } else { text };
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u32 = rest[..digits].parse().map_err(|_| refuse())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match &rest[..letters] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return Err(refuse()),
        };
        rest = &rest[letters..];
        let part = unit.checked_mul(number).ok_or_else(refuse)?;
        total = total.checked_add(part).ok_or_else(refuse)?;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_kubectl_takes_them() {
        for (text, expected) in
            [("0", 0), ("30", 30_000), ("10s", 10_000), ("1m30s", 90_000), ("250ms", 250)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(expected)), "{text}");
        }
        for text in ["", "s", "10x", "-1", "1.5s", "99999999999999999999h", "4294967295hé"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
