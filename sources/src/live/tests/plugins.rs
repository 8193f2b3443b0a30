//! Credential plugins.

use super::super::{Environment, Selection, Target, connect};
use super::{Files, Server, error, kubeconfig, quiet, reply, run, with_file};
use serde::de::IgnoredAny;
use std::sync::{Arc, Mutex};

const V1: &str = "client.authentication.k8s.io/v1";

fn environment() -> Environment {
    Environment { path: std::env::var_os("PATH"), ..Environment::default() }
}

/// A user whose plugin is a shell script, given to the shell rather than started itself: a file that
/// was just written can be busy.
fn script(files: &Files, script: &str, more: &str) -> String {
    let script = files.write("plugin.sh", script);
    format!(
        "{{exec: {{apiVersion: {V1}, command: sh, args: ['{}'], interactiveMode: IfAvailable{more}}}}}",
        script.display()
    )
}

fn refused(files: &Files, user: &str) -> String {
    let options = with_file(&files.write("config", &kubeconfig("a", "https://one", user)));
    error(run(async { connect(&options, &environment(), quiet()).await }))
}

#[test]
fn it_runs_once_and_not_on_our_stdin() {
    let server = Server::start(|_, _| reply(200, r#"{"metadata":{},"items":[]}"#));
    let files = Files::new();
    let user = script(
        &files,
        &format!(
            r#"echo run >> '{ran}'
echo "$KUBERNETES_EXEC_INFO" > '{info}'
cat > '{stdin}'
echo "welcome $WHO" >&2
printf '{{"kind":"ExecCredential","apiVersion":"{V1}","status":{{"token":"t0ken"}}}}'
"#,
            ran = files.path("ran").display(),
            info = files.path("info").display(),
            stdin = files.path("stdin").display(),
        ),
        ", env: [{name: WHO, value: jane}], provideClusterInfo: true",
    );
    let options = with_file(&files.write("config", &kubeconfig("a", &server.url(), &user)));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&heard);
    run(async {
        let sink = Arc::new(move |text: &str| sink.lock().unwrap().push(text.to_owned()));
        let connection = connect(&options, &environment(), sink).await.unwrap();
        for _ in 0..3 {
            let pods = Target::of("v1", "pods");
            connection.list::<IgnoredAny>(&pods, &Selection::default()).await.unwrap();
        }
    });
    let read = |name: &str| std::fs::read_to_string(files.path(name)).unwrap();
    assert_eq!(read("ran"), "run\n");
    assert_eq!(read("stdin"), "");
    let info: serde_json::Value = serde_json::from_str(&read("info")).unwrap();
    assert_eq!(
        info,
        serde_json::json!({
            "kind": "ExecCredential", "apiVersion": V1,
            "spec": {"interactive": false, "cluster": {"server": server.url()}},
        })
    );
    assert_eq!(*heard.lock().unwrap(), ["welcome jane"]);
    assert_eq!(server.served().len(), 3);
    assert_eq!(server.served()[2].header("authorization"), ["Bearer t0ken"]);
}

#[test]
fn failures_say_what_to_do() {
    let files = Files::new();
    let start = "getting credentials for the user \"a\" of the kubeconfig with sh: ";
    let status = |status: &str| {
        format!(r#"echo '{{"kind":"ExecCredential","apiVersion":"{V1}","status":{status}}}'"#)
    };
    for (text, expected) in [
        (
            "echo 'sso \x1b[31mexpired' >&2; exit 3",
            "it failed (exit status: 3): sso \\u{1b}[31mexpired; log in",
        ),
        ("exit 1", "it failed (exit status: 1); log in again, or run it by hand"),
        ("echo not json hunter2", "what it printed is no ExecCredential: "),
        (r#"echo '"hunter2"'"#, "what it printed is no ExecCredential: "),
        (&status("{}"), "its answer has neither a token nor a certificate"),
        (&status("null"), "its answer has no status"),
        (&status(r#"{"clientKeyData":"hunter2"}"#), "only one of client certificate and key"),
        (
            r#"echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"hunter2"}}'"#,
            "it answered in \"client.authentication.k8s.io/v1beta1\" where",
        ),
    ] {
        let said = refused(&files, &script(&files, text, ""));
        assert!(said.starts_with(start) && said[start.len()..].contains(expected), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn what_cannot_start() {
    let files = Files::new();
    for (exec, expected) in [
        (
            format!("command: no-such-login, apiVersion: {V1}, installHint: 'brew install it'"),
            "with no-such-login: it is not on PATH; the kubeconfig says: brew install it",
        ),
        (
            format!("command: ./no-such, apiVersion: {V1}"),
            "it does not exist or is not executable; install it, or choose another --user",
        ),
        (
            format!("command: cat, apiVersion: {V1}, interactiveMode: Always"),
            "it needs a terminal (interactiveMode: Always), and stdin is not one",
        ),
        (
            "command: cat, apiVersion: client.authentication.k8s.io/v1alpha1".to_owned(),
            "its apiVersion is \"client.authentication.k8s.io/v1alpha1\", which kubectl no longer",
        ),
        (format!("apiVersion: {V1}"), "the kubeconfig names no command for it"),
    ] {
        let said = refused(&files, &format!("{{exec: {{{exec}}}}}"));
        assert!(said.contains(expected), "{said}");
    }
}

/// A command with a separator is found beside its kubeconfig.
#[cfg(unix)]
#[test]
fn a_relative_command() {
    let files = Files::new();
    let answer = format!(
        r#"{{"kind":"ExecCredential","apiVersion":"{V1}","status":{{"token":"t","expirationTimestamp":"2099-01-01T00:00:00Z"}}}}"#
    );
    let answer = files.write("answer.json", &answer);
    std::fs::create_dir_all(files.path("dir/bin")).unwrap();
    std::os::unix::fs::symlink("/bin/cat", files.path("dir/bin/login")).unwrap();
    let user = format!(
        "{{exec: {{apiVersion: {V1}, command: ./bin/login, args: ['{}']}}}}",
        answer.display()
    );
    let options = with_file(&files.write("dir/config", &kubeconfig("a", "https://one", &user)));
    run(async { connect(&options, &Environment::default(), quiet()).await.map(|_| ()).unwrap() });
}

#[test]
fn a_token_needs_no_plugin() {
    let files = Files::new();
    let user = "{exec: {apiVersion: x, command: no-such-login}}";
    let mut options = with_file(&files.write("config", &kubeconfig("a", "https://one", user)));
    options.token = Some("t".into());
    run(async { connect(&options, &environment(), quiet()).await.map(|_| ()).unwrap() });
    let said = refused(&files, "{auth-provider: {name: gcp, config: {cmd-path: /bin/sh}}}");
    assert!(said.starts_with("the auth-provider \"gcp\" of the user \"a\""), "{said}");
}
