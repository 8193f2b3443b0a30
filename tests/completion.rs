//! Completion as kubectl asks for it: `kubectl __complete netpol …` with the real kubectl and, for
//! the names of a cluster, a real API server; and the files that follow from the flags.

use crate::harness::{
    ControlPlane, Outside, expect_success, fluxkube, homekube, root, skip, xtask,
};
use crate::run::{FRONT, command, netpol, run};
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A directory for PATH with some of the programs and the completers of the repository.
fn on_path(programs: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let built = Path::new(FRONT).parent().unwrap();
    for program in programs {
        symlink(built.join(program), directory.path().join(program)).unwrap();
        let completer = program.replacen("kubectl-", "kubectl_complete-", 1);
        let from = root().join("completions").join(&completer);
        symlink(from, directory.path().join(completer)).unwrap();
    }
    directory
}

/// What kubectl offers: the values, and the directive.
fn offered(cluster: &ControlPlane, path: &TempDir, words: &[&str]) -> (Vec<String>, String) {
    let mut kubectl = cluster.kubectl(cluster.admin());
    let path = std::env::join_paths([path.path(), Path::new("/bin")]).unwrap();
    kubectl.current_dir(root()).env("PATH", path).arg("__complete").args(words);
    let output = kubectl.output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    // kubectl itself says this on stderr, which shells hide; nothing else may be there.
    let stderr = String::from_utf8(output.stderr).unwrap();
    let of_kubectl = |line: &&str| {
        !line.starts_with("[Debug] ") && !line.starts_with("Completion ended with directive")
    };
    let others = stderr.lines().filter(of_kubectl);
    assert_eq!(others.collect::<Vec<_>>(), [""; 0], "{words:?}");
    let mut lines: Vec<String> = stdout.lines().map(ToOwned::to_owned).collect();
    let directive = lines.pop().unwrap();
    let value = |line: String| line.split('\t').next().unwrap().to_owned();
    (lines.into_iter().map(value).collect(), directive)
}

/// Asserts the whole answer, whatever its order. A cluster has 300 ms, which a busy machine may not give
/// it, so what is not there is asked for some times more.
fn offers(cluster: &ControlPlane, path: &TempDir, words: &[&str], values: &[&str], end: &str) {
    let expected = values.iter().map(|&value| value.to_owned()).collect::<BTreeSet<_>>();
    let ask = || {
        let (found, directive) = offered(cluster, path, words);
        (found.into_iter().collect::<BTreeSet<_>>(), directive)
    };
    let expected = (expected, end.to_owned());
    let mut found = ask();
    for _ in 0..10 {
        if found == expected {
            return;
        }
        found = ask();
    }
    assert_eq!(found, expected, "{words:?}");
}

/// Ten situations through the real kubectl, and against a real API server where it is about names.
/// docs/semantics/kubectl.md#completion: lines of VALUE and help, and a directive, by the completer
/// of the longest plugin name; with the front alone on PATH it gets every word.
#[test]
fn ten_situations_through_kubectl() {
    let Ok(homekube) = homekube() else { return };
    let _turn = homekube.turn();
    let (cluster, path) = (&homekube.cluster, on_path(&["kubectl-netpol"]));
    let offers = |words: &[&str], values: &[&str], end: &str| {
        offers(cluster, &path, &[&["netpol"][..], words].concat(), values, end);
    };
    // 1. Commands.
    let (found, _) = offered(cluster, &path, &["netpol", ""]);
    for command in
        ["bootstrap", "completion", "diff", "doctor", "explain", "list", "observe", "summary"]
    {
        assert!(found.contains(&command.to_owned()), "{command}: {found:?}");
    }
    // 2. Flags.
    offers(&["explain", "--with"], &["--with", "--with-staged", "--without"], ":4");
    // 3. Values of a flag, behind a blank and behind an equals sign.
    offers(&["explain", "-o", ""], &["text", "wide", "json", "yaml"], ":4");
    offers(&["bootstrap", "x", "--dry-run="], &["none", "client", "server"], ":4");
    // 4. Namespaces of the cluster, as a flag's value and as what a command works on.
    offers(&["bootstrap", "mon"], &["monitoring"], ":4");
    offers(&["list", "-n", "i"], &["identity", "ingress-nginx"], ":4");
    // 5. Workloads, by kind and by name alone, in a namespace.
    offers(&["explain", "-n", "monitoring", "deploy/"], &["deploy/grafana"], ":4");
    offers(&["explain", "-n", "monitoring", "prom"], &["prometheus", "prometheus-0"], ":4");
    // 6. Pods.
    offers(&["explain", "identity/pod/"], &["identity/pod/keycloak-0"], ":4");
    // 7. Services, of the destination too.
    offers(&["explain", "-n", "identity", "x", "svc/"], &["svc/keycloak"], ":4");
    // 8. A namespace that a name may begin with wants no blank.
    offers(&["list", "--to", "ident"], &["identity/"], ":6");
    // 9. Policies.
    let without = ["explain", "-n", "monitoring", "--without", "netpol/allow-g"];
    offers(&without, &["netpol/allow-grafana-to-keycloak"], ":4");
    // 10. Contexts, of the kubeconfig, also as a side of a comparison.
    let (contexts, _) = offered(cluster, &path, &["netpol", "explain", "--context", ""]);
    assert_eq!(contexts.len(), 1, "{contexts:?}");
    offers(&["diff", "live:"], &[&format!("live:{}", contexts[0])], ":0");
    // Flags that filter take the same ends.
    offers(&["observe", "-n", "monitoring", "--from", "sts/"], &["sts/prometheus"], ":4");
    // Files are the shell's.
    offers(&["explain", "-f", ""], &[], ":0");
    offers(&["explain", "-k", ""], &[], ":16");
    offers(&["diff", "git"], &["git:"], ":2");
}

/// Names come from the manifests on the line, and the cluster is not asked.
#[test]
fn names_of_manifests() {
    let Ok(homekube) = homekube() else { return };
    let (cluster, path) = (&homekube.cluster, on_path(&["kubectl-netpol"]));
    let explain = ["netpol", "explain", "-f", "tests/transcripts/summary"];
    let turn = homekube.turn();
    let (found, _) = offered(cluster, &path, &[&explain[..], &["-n", ""]].concat());
    drop(turn);
    assert!(!found.is_empty() && !found.contains(&"kube-public".to_owned()), "{found:?}");
    let asked = homekube.ask("__complete", "explain -f examples/homekube -n monitoring deploy/");
    assert_eq!(asked.stdout, "deploy/grafana\tDeployment in monitoring\n:4\n");
    assert_eq!(asked.requests.len(), 0, "{}", asked.all());
}

/// docs/semantics/kubectl.md#completion: kubectl does not ask the front's completer for a sub-binary.
#[test]
fn a_single_plugin_has_a_completer_of_its_own() {
    let Ok(homekube) = homekube() else { return };
    let _turn = homekube.turn();
    let (cluster, path) = (&homekube.cluster, on_path(&["kubectl-netpol-explain"]));
    offers(
        cluster,
        &path,
        &["netpol", "explain", "identity/sts/"],
        &["identity/sts/keycloak"],
        ":4",
    );
}

/// Flux's Kustomizations, where Flux is unless -n says otherwise.
#[test]
fn kustomizations_of_flux() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let (cluster, path) = (&kube.homekube.cluster, on_path(&["kubectl-netpol"]));
    offers(cluster, &path, &["netpol", "diff", "--flux", "o"], &["observability"], ":4");
}

/// What a user may not read is not offered, and nobody is told why.
#[test]
fn without_rights_there_is_nothing_and_no_word() {
    let Ok(homekube) = homekube() else { return };
    let asked = homekube.ask_as(&homekube.cluster.nobody(), "__complete", "explain deploy/");
    assert_eq!((asked.stdout.as_str(), asked.stderr.as_str(), asked.code), (":4\n", "", 0));
}

fn kubeconfig(server: &str, user: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let text = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: k, cluster: {{server: \
         {server}}}}}], users: [{{name: u, user: {user}}}], contexts: [{{name: c, context: {{cluster: \
         k, user: u}}}}]}}"
    );
    fs::write(&path, text).unwrap();
    (directory, path)
}

/// A cluster that does not answer costs 300 ms; flags are offered all the same.
#[test]
fn a_silent_cluster_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let (_directory, path) = kubeconfig(&server, "{}");
    let mut asking = command(FRONT, &["__complete", "explain", "deploy/"]);
    let start = Instant::now();
    let done = run(asking.env("KUBECONFIG", &path), b"");
    // A start of the process comes on top, on a machine that may be busy.
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (0, ":4\n", ""));
}

/// A credential plugin may ask, in a browser if not on the terminal: it is run only where its entry
/// says that it never does, and then it is stopped with everything else.
#[test]
fn credential_plugins_do_not_ask() {
    for (mode, runs) in [("IfAvailable", false), ("Always", false), ("Never", true)] {
        let (directory, path) = kubeconfig(
            "http://127.0.0.1:9",
            &format!(
                "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: touch, args: \
                 [ran], interactiveMode: {mode}}}}}"
            ),
        );
        let mut asking = command(FRONT, &["__complete", "list", "-n", ""]);
        asking.env("KUBECONFIG", &path).current_dir(directory.path());
        let done = run(&mut asking, b"");
        assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (0, ":4\n", ""));
        assert_eq!(directory.path().join("ran").exists(), runs, "{mode}");
    }
}

#[test]
fn whatever_is_on_the_line_there_is_no_error() {
    for words in [
        &[][..],
        &["nonsense", ""],
        &["explain", "--nonsense", ""],
        &["explain", "--port"],
        &["explain", "-f", "no/such/file", ""],
        &["explain", "--help", ""],
        &["explain", "\u{1b}[31m", "\n"],
        &["explain", "--", ""],
        &["explain", "a", "b", "c", ""],
        &["--kubeconfig", "/no/such", "list", "--from", ""],
        &["list", "--from", "a/b/c/d/e"],
    ] {
        let done = netpol(&[&["__complete"][..], words].concat());
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{words:?}");
        let last = done.stdout.lines().last().unwrap();
        assert!(last.starts_with(':'), "{words:?}: {}", done.stdout);
    }
}

/// A name that a manifest has with a tab or an escape in it goes to no terminal.
#[test]
fn hostile_names_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let pod = |name: &str| {
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"{name}\"}}}}\n"
        )
    };
    let text = ["good", "bad\\u001b[31m", "bad\\n:0", "bad\\tx"].map(pod).join("---\n");
    fs::write(directory.path().join("pods.yaml"), text).unwrap();
    let path = directory.path().to_str().unwrap();
    let ask = || netpol(&["__complete", "explain", "-f", path, "pod/"]).stdout;
    // A busy machine may not give it its 300 ms; whenever it has an answer, it is this one.
    let answered = (0..10).map(|_| ask()).find(|said| said != ":4\n");
    assert_eq!(answered.as_deref(), Some("pod/good\tPod in default\n:4\n"));
}

/// `completion --install` writes beside the plugin, and over nothing that is not its own.
#[test]
fn installing_the_completers() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let front = directory.path().join("kubectl-netpol");
    symlink(FRONT, &front).unwrap();
    let install = || {
        let mut command = command(front.to_str().unwrap(), &["completion", "--install"]);
        run(command.env("PATH", directory.path()), b"")
    };
    let file = directory.path().join("kubectl_complete-netpol");
    let said = install();
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    assert!(said.stdout.starts_with(&format!("{} written\n", file.display())), "{said:?}");
    let kept = root().join("completions/kubectl_complete-netpol");
    assert_eq!(fs::read(&file).unwrap(), fs::read(kept).unwrap());
    let listed = run(&mut command(file.to_str().unwrap(), &["expl"]), b"");
    assert!(listed.stdout.starts_with("explain\t"), "{listed:?}");
    assert!(install().stdout.contains(" is up to date\n"));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    fs::write(&file, "#!/bin/sh\n# someone's own\n").unwrap();
    let refused = install();
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("was not written here: move it away"), "{refused:?}");
    assert_eq!(fs::read(&file).unwrap(), b"#!/bin/sh\n# someone's own\n");
}

/// `completion --remove` takes back what `--install` wrote, and no other's.
#[test]
fn removing_the_completers() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    symlink(FRONT, directory.path().join("kubectl-netpol")).unwrap();
    let completion = |flag: &str| {
        let mut command = command(FRONT, &["completion", flag]);
        run(command.env("PATH", directory.path()), b"")
    };
    let nothing = "no completer on PATH was written by --install: nothing to remove\n";
    assert_eq!(completion("--remove").stdout, nothing);
    completion("--install");
    let file = directory.path().join("kubectl_complete-netpol");
    assert!(file.exists());
    let done = completion("--remove");
    assert_eq!((done.code, done.stdout), (0, format!("{} removed\n", file.display())));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    fs::write(&file, "#!/bin/sh\n# someone's own\n").unwrap();
    assert_eq!(completion("--remove").stdout, nothing);
    assert!(file.exists());
    let both = command(FRONT, &["completion", "--remove", "--install"]).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
}

/// completions/, man/ and docs/reference.md are what the flags say, docs/picture.svg and
/// docs/homekube.html what `explain` and `list` do.
#[test]
fn generated_files_are_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().to_str().unwrap();
    expect_success(&mut xtask(&["generate", "--binary", FRONT, "--out", out]));
    let root = root();
    let fresh = files(directory.path(), &["completions", "man", "docs"]);
    let mut kept = files(root, &["completions", "man"]);
    kept.extend(["docs/homekube.html", "docs/reference.md", "docs/picture.svg"].map(PathBuf::from));
    assert_eq!(fresh, kept, "cargo xtask generate writes them; remove what is no longer made");
    for file in fresh {
        let read = |directory: &Path| fs::read_to_string(directory.join(&file)).unwrap();
        let same = read(directory.path()) == read(root);
        assert!(same, "{} is not what the program says: cargo xtask generate", file.display());
    }
}

fn files(root: &Path, directories: &[&str]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut left: Vec<PathBuf> = directories.iter().map(|name| root.join(name)).collect();
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found
}

/// The scripts are ones that shells take. A shell that is not here is said to be left out, and counted.
#[test]
fn shells_take_the_scripts() {
    let powershell = "$errors = $null; $null = [Management.Automation.Language.Parser]::ParseFile(\
                      'completions/powershell/kubectl-netpol.ps1', [ref]$null, [ref]$errors); \
                      exit $errors.Count";
    for (shell, words) in [
        ("bash", &["-n", "completions/bash/kubectl-netpol"][..]),
        ("sh", &["-n", "completions/kubectl_complete-netpol-explain"]),
        ("zsh", &["-n", "completions/zsh/_kubectl-netpol"]),
        ("fish", &["-n", "completions/fish/kubectl-netpol.fish"]),
        ("pwsh", &["-NoProfile", "-NonInteractive", "-Command", powershell]),
    ] {
        if which::which(shell).is_err() {
            skip(Outside::Shell, &format!("no {shell} here to read its completions"));
            continue;
        }
        let done = run(&mut command(shell, words), b"");
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{shell} {words:?}");
    }
}
