//! The plugin as somebody new to it has it: installed from its archive into an empty home, with kubectl
//! and nothing else on PATH, used, and taken away again.
//!
//! Source: docs/semantics/kubectl.md#finding-a-plugin and docs/semantics/krew.md. Once unpacked and
//! linked as krew does it, and with krew itself: from the archive, from an index, upgraded,
//! uninstalled.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;

use flate2::read::GzDecoder;
use tempfile::TempDir;

use crate::harness::{ControlPlane, control_plane, expect_success, krew, root};
use crate::krew::{Packed, yaml};
use crate::run::{FRONT, Run, run};

/// The version that is packed, as krew's manifest has it.
const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// The archive of the program of this build.
fn packed() -> &'static Packed {
    static PACKED: OnceLock<Packed> = OnceLock::new();
    PACKED.get_or_init(|| Packed::of(FRONT))
}

/// An empty home, and a directory with the programs that are on PATH besides what krew links.
struct Fresh {
    home: TempDir,
    programs: TempDir,
}

impl Fresh {
    fn with(cluster: &ControlPlane, others: &[&Path]) -> Self {
        let fresh =
            Self { home: tempfile::tempdir().unwrap(), programs: tempfile::tempdir().unwrap() };
        let kubectl = cluster.programs().join("kubectl");
        for program in others.iter().copied().chain([&*kubectl]) {
            symlink(program, fresh.programs.path().join(program.file_name().unwrap())).unwrap();
        }
        fresh
    }

    fn krew_root(&self) -> PathBuf {
        self.home.path().join(".krew")
    }

    /// kubectl, with nothing in its environment but HOME, PATH and where krew is.
    fn kubectl(&self, words: &[&str]) -> Command {
        let path = [self.krew_root().join("bin"), self.programs.path().to_path_buf()];
        let mut command = Command::new(self.programs.path().join("kubectl"));
        command
            .args(words)
            .current_dir(root())
            .env_clear()
            .env("HOME", self.home.path())
            .env("KREW_ROOT", self.krew_root())
            .env("PATH", std::env::join_paths(path).unwrap())
            .stdin(Stdio::null());
        command
    }

    fn ask(&self, words: &[&str]) -> Run {
        run(&mut self.kubectl(words), b"")
    }

    /// `kubectl netpol …`, which must succeed without a word on stderr.
    fn netpol(&self, words: &[&str]) -> String {
        let done = self.ask(&[&["netpol"], words].concat());
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{words:?}: {done:?}");
        done.stdout
    }

    /// Everything that somebody new does, without a cluster and with one.
    fn assert_works(&self, cluster: &ControlPlane) {
        assert!(self.netpol(&["--help"]).contains("Usage: kubectl netpol"));
        let listed = self.ask(&["plugin", "list"]);
        assert_eq!((listed.code, listed.stderr.as_str()), (0, ""), "no warning: {listed:?}");

        // explain and bootstrap, from files alone.
        let question = ["netpol", "explain", "-f", "examples/homekube", "-n", "monitoring"];
        let ends = ["deploy/grafana", "http://keycloak.identity.svc.cluster.local/realms/home"];
        let said = self.ask(&[&question[..], &ends].concat());
        assert!(said.stdout.starts_with("DENIED monitoring/deploy/grafana"), "{said:?}");
        assert_eq!(said.code, 1, "a denial is 1, through kubectl too");
        let closes = ["bootstrap", "team-a", "--dns", "namespace"];
        let said = self.ask(&[&["netpol"], &closes[..], &["--dry-run", "client"]].concat());
        assert!(said.stdout.contains("allow-dns-egress serverside-applied (dry run)"), "{said:?}");
        let files = tempfile::tempdir().unwrap();
        let export = ["--export", files.path().to_str().unwrap()];
        let said = self.ask(&[&["netpol"], &closes[..], &export].concat());
        assert_eq!(said.code, 0, "{said:?}");
        let written = fs::read_to_string(files.path().join("network-policies.yaml")).unwrap();
        assert!(written.contains("name: default-deny-ingress"), "{written}");

        self.assert_completes(cluster);
        self.assert_works_with(cluster);
    }

    /// The same against a real API server, and what is wrong with what is here: nothing.
    fn assert_works_with(&self, cluster: &ControlPlane) {
        let namespace = cluster.namespace("fresh");
        let asked = |words: &[&str]| {
            let mut command = self.kubectl(&[&["netpol"], words].concat());
            run(command.env("KUBECONFIG", cluster.admin()), b"")
        };
        let done = asked(&["bootstrap", &namespace, "--dns", "namespace"]);
        assert_eq!(done.code, 0, "{done:?}");
        assert!(done.stdout.contains("default-deny-ingress serverside-applied\n"), "{done:?}");
        let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: web, \
                   image: web}]}}";
        cluster.apply(&namespace, pod);
        let done = asked(&["explain", "-n", &namespace, "web", "198.51.100.7:443"]);
        assert_eq!(done.code, 1, "{done:?}");
        assert!(done.stdout.contains("✗ egress of "), "{done:?}");
        assert!(done.stdout.contains("allow-dns-egress egress[0]"), "{done:?}");
        let done = asked(&["doctor"]);
        assert_eq!(done.code, 0, "{done:?}");
        let done = asked(&["bootstrap", &namespace, "--remove"]);
        assert_eq!(done.code, 0, "{done:?}");
    }

    /// kubectl completes our words once that is asked for, and no longer once it is taken back.
    fn assert_completes(&self, cluster: &ControlPlane) {
        let words = ["explain", "-f", "examples/homekube", "-n", "monitoring", "deploy/"];
        let complete = || self.ask(&[&["__complete", "netpol"], &words[..]].concat()).stdout;
        let before = complete();
        assert!(!before.contains("deploy/grafana"), "{before}");
        assert!(
            self.netpol(&["completion", "--install"]).contains("kubectl_complete-netpol written")
        );
        assert_eq!(complete(), "deploy/grafana\tDeployment in monitoring\n:4\n");
        // It takes 300 ms at the most, which a busy machine may not have at the first time.
        let of_cluster = || {
            let mut asking = self.kubectl(&["__complete", "netpol", "list", "-n", "kube-s"]);
            run(asking.env("KUBECONFIG", cluster.admin()), b"").stdout
        };
        let expected = "kube-system\tNamespace\n:4\n";
        assert!((0..5).any(|_| of_cluster() == expected), "{}", of_cluster());
        let removed = self.netpol(&["completion", "--remove"]);
        assert!(removed.ends_with("/kubectl_complete-netpol removed\n"), "{removed}");
        assert_eq!(complete(), before);
    }

    fn assert_gone(&self) {
        let said = self.ask(&["netpol", "--help"]).stderr;
        assert!(said.contains("unknown command \"netpol\""), "{said}");
        // krew's copy of its index is krew's.
        let left = files(self.home.path(), &self.krew_root().join("index"));
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

/// Files and links below a directory, but for one of its directories.
fn files(directory: &Path, but: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if !entry.file_type().unwrap().is_dir() {
            found.push(path);
        } else if path != but {
            found.extend(files(&path, but));
        }
    }
    found
}

/// krew unpacks into `store/NAME/VERSION` and makes one link, `bin/kubectl-NAME`; to uninstall is to
/// remove both.
#[test]
fn in_a_fresh_home_as_krew_does_it() {
    let Ok(cluster) = control_plane() else { return };
    let manifest = yaml(&packed().manifest());
    let bin = manifest["spec"]["platforms"][0]["bin"].as_str().unwrap();
    let fresh = Fresh::with(cluster, &[]);
    let root = fresh.krew_root();
    let store = root.join("store/netpol").join(VERSION);
    fs::create_dir_all(&store).unwrap();
    fs::create_dir(root.join("bin")).unwrap();
    let archive = File::open(&packed().archive).unwrap();
    tar::Archive::new(GzDecoder::new(archive)).unpack(&store).unwrap();
    let link = root.join("bin/kubectl-netpol");
    symlink(store.join(bin), &link).unwrap();

    fresh.assert_works(cluster);

    fs::remove_file(link).unwrap();
    fs::remove_dir_all(root.join("store/netpol")).unwrap();
    fresh.assert_gone();
}

/// krew itself, an index of one plugin, and a server on loopback that has its archive.
struct WithKrew {
    fresh: Fresh,
    /// A git repository as krew's own index is one.
    index: TempDir,
}

impl WithKrew {
    fn new(cluster: &ControlPlane, krew: &Path) -> Self {
        // Git is for the index.
        let git = which::which("git").unwrap();
        let fresh = Fresh::with(cluster, &[&krew.join("kubectl-krew"), &git]);
        let it = Self { fresh, index: tempfile::tempdir().unwrap() };
        it.git(&["init", "--quiet", "--initial-branch=main"]);
        it.publishes("nothing");
        it.krew(&["index", "add", "default", it.index.path().to_str().unwrap()]);
        it
    }

    fn git(&self, words: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(self.index.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.args(["-c", "user.name=test", "-c", "user.email=test@example.com"]).args(words);
        expect_success(&mut git);
    }

    /// The index has this manifest of our plugin.
    fn publishes(&self, manifest: &str) {
        let plugins = self.index.path().join("plugins");
        fs::create_dir_all(&plugins).unwrap();
        fs::write(plugins.join("netpol.yaml"), manifest).unwrap();
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=netpol"]);
    }

    /// `kubectl krew …`; what it says on stderr, where all of it goes.
    fn krew(&self, words: &[&str]) -> String {
        let done = self.fresh.ask(&[&["krew"], words].concat());
        assert_eq!(done.code, 0, "{words:?}: {done:?}");
        done.stderr
    }

    fn stored(&self) -> Vec<String> {
        let store = self.fresh.krew_root().join("store/netpol");
        let names = fs::read_dir(store).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// From the manifest and the archive of a clone, as the README says.
#[test]
fn by_krew_from_an_archive() {
    let Ok(cluster) = control_plane() else { return };
    let Ok(krew) = krew() else { return };
    let it = WithKrew::new(cluster, krew);
    let manifest = format!("--manifest={}", packed().manifest().display());
    let archive = format!("--archive={}", packed().archive.display());
    let said = it.krew(&["install", &manifest, &archive]);
    assert!(said.contains("Installed plugin: netpol"), "{said}");
    it.fresh.assert_works(cluster);
    assert_eq!(it.stored(), [VERSION]);
    it.krew(&["uninstall", "netpol"]);
    it.fresh.assert_gone();
}

/// Downloaded as the index says, upgraded with completion installed, and uninstalled.
#[test]
fn by_krew_from_an_index_and_upgraded() {
    let Ok(cluster) = control_plane() else { return };
    let Ok(krew) = krew() else { return };
    // One download for each version.
    let server = Server::of(&packed().archive, 2);
    let manifest = fs::read_to_string(packed().manifest()).unwrap();
    let uri = manifest.lines().find_map(|line| line.trim().strip_prefix("uri: ")).unwrap();
    let manifest = manifest.replace(uri.rsplit_once('/').unwrap().0, &server.url);

    let it = WithKrew::new(cluster, krew);
    it.publishes(&manifest.replace(&format!("version: {VERSION}"), "version: v0.0.1"));
    let said = it.krew(&["install", "netpol"]);
    assert!(said.contains("Installed plugin: netpol"), "{said}");
    assert_eq!(it.stored(), ["v0.0.1"]);
    it.fresh.netpol(&["completion", "--install"]);

    it.publishes(&manifest);
    let said = it.krew(&["upgrade", "netpol"]);
    assert!(said.contains("Upgraded plugin: netpol"), "{said}");
    assert_eq!(it.stored(), [VERSION], "the old one is gone");
    server.done();
    let words = ["__complete", "netpol", "explain", "--with"];
    assert_eq!(it.fresh.ask(&words).stdout.lines().last(), Some(":4"), "still completed");
    it.fresh.netpol(&["completion", "--remove"]);
    it.fresh.assert_works(cluster);
    it.krew(&["uninstall", "netpol"]);
    it.fresh.assert_gone();
}

/// The validator installs what a manifest names, by krew, and looks for a license.
#[test]
fn the_validator_installs_what_is_packed() {
    let Ok(cluster) = control_plane() else { return };
    let Ok(krew) = krew() else { return };
    let server = Server::of(&packed().archive, 1);
    let manifest = fs::read_to_string(packed().manifest()).unwrap();
    let uri = manifest.lines().find_map(|line| line.trim().strip_prefix("uri: ")).unwrap();
    let manifest = manifest.replace(uri.rsplit_once('/').unwrap().0, &server.url);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("netpol.yaml");
    fs::write(&file, manifest).unwrap();
    let path = std::env::join_paths([cluster.programs(), krew]).unwrap();
    let mut validator = Command::new(krew.join("validate-krew-manifest"));
    validator.env_clear().env("PATH", path).env("TMPDIR", directory.path());
    let done = run(validator.arg("-manifest").arg(&file), b"");
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.stderr.contains("all 1 spec.platforms installed fine"), "{done:?}");
    server.done();
}

/// Serves one file on loopback, to so many requests.
struct Server {
    url: String,
    thread: JoinHandle<()>,
}

impl Server {
    fn of(file: &Path, requests: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (content, name) = (fs::read(file).unwrap(), file.file_name().unwrap().to_owned());
        let path = format!("GET /{} ", name.to_str().unwrap());
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming().take(requests) {
                serve(connection.unwrap(), &path, &content);
            }
        });
        Self { url, thread }
    }

    /// Every request has come and been answered.
    fn done(self) {
        self.thread.join().unwrap();
    }
}

/// Answers one request and closes.
fn serve(mut connection: TcpStream, path: &str, content: &[u8]) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = connection.read(&mut part).unwrap();
        assert!(read > 0 && request.len() < 1 << 16, "a whole request");
        request.extend_from_slice(&part[..read]);
    }
    assert!(request.starts_with(path.as_bytes()), "{}", String::from_utf8_lossy(&request));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        content.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(content).unwrap();
}
