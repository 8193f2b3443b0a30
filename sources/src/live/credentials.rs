//! From what a kubeconfig says of a user to what is shown to the server.
//!
//! In: the user as written: token files, credential plugins, legacy providers. Out: the same user
//! with a token or a certificate in place, which the client library uses without asking anyone.

use super::config::Access;
use super::environment::Environment;
use super::error::Error;
use super::exec::{self, Credential};
use super::text::clean;
use super::warning::Warnings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

/// Settles how the user of `access` logs in. A credential plugin runs here, and only here.
pub(super) async fn settle(
    access: &mut Access,
    environment: &Environment,
    warnings: &Warnings,
) -> Result<(), Error> {
    let user = &mut access.user;
    let empty = |token: &SecretString| token.expose_secret().trim().is_empty();
    user.token = user.token.take().filter(|token| !empty(token));
    // client-go prefers the file as long as it can be read.
    if let Some(file) = user.token_file.take().filter(|file| !file.is_empty()) {
        match std::fs::read_to_string(&file) {
            Ok(token) => user.token = Some(token.trim().into()),
            Err(_) if user.token.is_some() => {}
            Err(cause) => {
                return Err(Error::Setting {
                    what: format!("the token file {} of {}", clean(&file), access.login),
                    why: cause.to_string(),
                });
            }
        }
    }
    let provider = user.auth_provider.take();
    let exec = user.exec.take();
    if user.token.is_some() || (user.username.is_some() && user.password.is_some()) {
        return Ok(());
    }
    if let Some(provider) = provider {
        let token = provider.config.get("id-token").filter(|token| !token.is_empty());
        match (provider.name.as_str(), token) {
            ("oidc", Some(token)) => user.token = Some(token.as_str().into()),
            (name, _) => {
                return Err(Error::Setting {
                    what: format!("the auth-provider {:?} of {}", clean(name), access.login),
                    why: "it cannot be used to log in; kubectl replaced these providers by \
                          credential plugins (exec)"
                        .to_owned(),
                });
            }
        }
    } else if let Some(exec) = exec {
        let (credential, said) =
            exec::run(&exec, &access.cluster, &access.login, environment).await?;
        if !said.is_empty() {
            warnings.say(&said);
        }
        match credential {
            Credential::Token(token) => user.token = Some(token),
            Credential::Certificate { certificate, key } => {
                user.client_certificate_data = Some(STANDARD.encode(certificate));
                user.client_key_data = Some(STANDARD.encode(key.expose_secret()).into());
            }
        }
    }
    Ok(())
}
