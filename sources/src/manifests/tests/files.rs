//! Files, directories, pipes and kustomizations.

use super::*;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

const A: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: a}}\n";
const B: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: b}}\n";

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn found(loaded: &Loaded) -> Vec<String> {
    loaded.objects.iter().map(|(object, ..)| object.to_string()).collect()
}

fn told(loaded: &Loaded, root: &Path) -> Vec<String> {
    let root = format!("{}/", root.display());
    loaded.warnings.iter().map(|warning| warning.to_string().replace(&root, "")).collect()
}

#[test]
fn a_directory_is_read_with_all_below_it() {
    let dir = directory(&[
        ("x/y/a.yaml", A),
        ("b.json", "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"b\"}}"),
        ("c.txt", "{apiVersion: v1, kind: Namespace, metadata: {name: c}}"),
        (".git/x.yaml", "kind: ["),
        ("x/.git/x.yaml", "kind: ["),
        ("x.yaml/z.yml", ""),
    ]);
    let loaded = load(&[dir.path()]).unwrap();
    assert_eq!(found(&loaded), ["ns/a", "ns/b"]);
    assert_eq!(told(&loaded, dir.path()), [""; 0]);
    // A file that is named is read whatever its name.
    let loaded = load(&[&dir.path().join("c.txt"), &dir.path().join("x")]).unwrap();
    assert_eq!(found(&loaded), ["ns/a", "ns/c"]);
}

/// `kubectl apply -R` goes by the ends of names only. Source: `ExpandPathsToFileVisitors` and `ignoreFile`
/// in <https://github.com/kubernetes/cli-runtime/blob/v0.34.1/pkg/resource/visitor.go>
#[test]
fn hidden_files_are_read_as_kubectl_reads_them() {
    let dir = directory(&[
        (".archive/b.yaml", B),
        (".a.yaml", A),
        (".github/workflows/ci.yaml", "on: push\njobs: {}\n"),
        ("values.yaml", "on: push\n"),
        (".config/broken.yml", "kind: ["),
    ]);
    let loaded = load(&[dir.path()]).unwrap();
    assert_eq!(found(&loaded), ["ns/a", "ns/b"]);
    // What a tool keeps in a hidden place is no mistake, but what cannot be read may be anything.
    let told = told(&loaded, dir.path());
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with(".config/broken.yml:"), "{told:?}");
    assert!(told[1].starts_with("values.yaml:1:1: not read: "), "{told:?}");
}

#[cfg(unix)]
#[test]
fn links_out_of_a_directory_are_told_and_not_followed() {
    use std::os::unix::fs::symlink;
    let outside = directory(&[("a.yaml", A), ("below/b.yaml", B)]);
    let dir =
        directory(&[("own.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: own}}\n")]);
    let place = |name: &str| dir.path().join(name);
    symlink(outside.path().join("a.yaml"), place("a.yaml")).unwrap();
    let loaded = load(&[dir.path()]).unwrap();
    assert_eq!(found(&loaded), ["ns/own"]);
    assert_eq!(
        told(&loaded, dir.path()),
        [
            "a.yaml: is a link that leads out of the directory, and is not followed: to read what it \
          leads to, name it with -f"
        ]
    );
    symlink(outside.path(), place("everything")).unwrap();
    symlink("/", place("root")).unwrap();
    symlink("/proc", place("x")).unwrap();
    symlink("/etc/passwd", place("readme")).unwrap();
    let loaded = load(&[dir.path()]).unwrap();
    assert_eq!(found(&loaded), ["ns/own"]);
    assert_eq!(loaded.objects.gaps.len(), 1);
    let said = loaded.warnings[0].message.clone();
    assert_eq!(
        said,
        "4 links that lead out of the directory are not followed: a.yaml, everything, root and 1 \
         more; to read what they lead to, name them with -f"
    );
    // Who names a link means it, and what lies below the directory that it leads to is its own.
    let loaded = load(&[&place("everything"), &place("a.yaml")]).unwrap();
    assert_eq!((found(&loaded).len(), told(&loaded, dir.path()).len()), (2, 0));
}

/// Links within a directory, as a mounted ConfigMap has them, and hard links.
#[cfg(unix)]
#[test]
fn each_file_is_read_once() {
    use std::os::unix::fs::symlink;
    let dir = directory(&[("..2026_01/a.yaml", A), ("b.tpl", B)]);
    let place = |name: &str| dir.path().join(name);
    symlink("..2026_01", place("..data")).unwrap();
    symlink("..data/a.yaml", place("a.yaml")).unwrap();
    symlink("b.tpl", place("b.yaml")).unwrap();
    fs::hard_link(place("b.tpl"), place("c.yaml")).unwrap();
    let loaded = load(&[dir.path(), &place("a.yaml"), dir.path()]).unwrap();
    assert_eq!(
        (found(&loaded), told(&loaded, dir.path())),
        (vec!["ns/a".into(), "ns/b".into()], vec![])
    );
    let of = |paths: &[&Path]| {
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
        let budget = crate::limits::Budget::default();
        walk::Inputs::of(&paths, &budget).unwrap().list.len()
    };
    assert_eq!(of(&[dir.path(), &place("a.yaml"), dir.path()]), 2);
    assert_eq!(of(&[Path::new("-"), dir.path()]), 3);
}

#[test]
fn what_is_read_has_limits() {
    let dir = directory(&[("a.yaml", A), ("b.yaml", B), ("c/c.yaml", A)]);
    let load = |limits: &str| {
        let files = vec![dir.path().to_owned()];
        let limits = limits.parse().unwrap();
        Manifests { files, limits, ..Manifests::default() }.load().map(|_| ())
    };
    for (limits, counted) in
        [("files=2", "2 files"), ("bytes=90", "90 bytes"), ("objects=2", "2 objects")]
    {
        let error = load(limits).unwrap_err().to_string();
        assert!(error.starts_with(&format!("too much to read: more than {counted}; ")), "{error}");
    }
    load("files=3,bytes=1Ki,objects=3").unwrap();
}

#[cfg(unix)]
#[test]
fn loops_devices_and_dead_links_in_a_directory() {
    use std::os::unix::fs::symlink;
    let dir = directory(&[("x/a.yaml", A)]);
    symlink(dir.path(), dir.path().join("x/loop")).unwrap();
    symlink("..", dir.path().join("x/up")).unwrap();
    symlink("nowhere", dir.path().join("dead.yaml")).unwrap();
    symlink("nowhere", dir.path().join("dead.txt")).unwrap();
    symlink("self.yaml", dir.path().join("self.yaml")).unwrap();
    let pipe = dir.path().join("pipe.yaml");
    std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    let loaded = load(&[dir.path()]).unwrap();
    assert_eq!(found(&loaded), ["ns/a"]);
    let told = told(&loaded, dir.path());
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("dead.yaml: cannot be read: "), "{told:?}");
    assert!(told[1].starts_with("pipe.yaml: is not read: it is a device, a pipe"), "{told:?}");
    assert_eq!(loaded.objects.gaps.len(), 3);
    // A device is refused when it is named, and a pipe is read.
    let error = load(&[Path::new("/dev/zero")]).unwrap_err().to_string();
    assert!(error.contains("neither a file, a directory nor a pipe"), "{error}");
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, B)
    });
    let loaded = load(&[&pipe]).unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(found(&loaded), ["ns/b"]);
    let (_, origin, _) = loaded.objects.iter().next().unwrap();
    let place = loaded.locator.locate(origin, "metadata.name").unwrap();
    assert_eq!(place.at, Some((1, 46)), "a pipe cannot be read twice: it is kept");
}

#[cfg(unix)]
#[test]
fn a_file_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let dir = directory(&[("a.yaml", A), ("b.yaml", B)]);
    let closed = dir.path().join("b.yaml");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&closed).is_ok() {
        // Root reads it all the same; the way is the same as for a dead link.
        return;
    }
    let loaded = load(&[dir.path()]).unwrap();
    assert_eq!((found(&loaded).len(), loaded.warnings.len()), (1, 1));
    assert!(matches!(load(&[&closed]), Err(Error::Unreadable { .. })));
}

#[test]
fn errors_are_sentences() {
    let dir = directory(&[("empty/readme.txt", "")]);
    for (path, start) in [
        (dir.path().join("empty"), "no .yaml, .yml or .json file in "),
        (dir.path().join("missing\u{1b}.yaml"), "cannot read "),
        (PathBuf::from("https://example.com/x.yaml"), "cannot read https://example.com/x.yaml: "),
    ] {
        let error = load(&[&path]).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
        assert!(!error.contains(char::is_control), "{error}");
    }
    let error = load(&[Path::new("-"), Path::new("-")]).unwrap_err();
    assert!(matches!(error, Error::StdinTwice));
    let big = dir.path().join("big.yaml");
    fs::write(&big, A).unwrap();
    let refused = text::read_file(&big, 10).unwrap_err().to_string();
    assert!(refused.contains("more than 10 bytes"), "{refused}");
    let sparse = fs::File::create(&big).unwrap();
    sparse.set_len(text::MAX_FILE + 1).unwrap();
    assert!(matches!(load(&[&big]), Err(Error::TooLarge { .. })));
}

#[test]
fn text_that_is_none() {
    let mut bytes = b"a: b\n# \xc3\xa4 ".to_vec();
    bytes.push(0xff);
    let dir = directory(&[("a.yaml", A)]);
    fs::write(dir.path().join("bad.yaml"), bytes).unwrap();
    fs::write(dir.path().join("utf16.yaml"), [0xff, 0xfe, b'a', 0]).unwrap();
    fs::write(dir.path().join("zeros.yaml"), [0; 100]).unwrap();
    let loaded = load(&[dir.path()]).unwrap();
    let told = told(&loaded, dir.path());
    assert_eq!(found(&loaded), ["ns/a"]);
    assert!(told[0].starts_with("bad.yaml:2:5: is not UTF-8: byte 0xff at offset 10"), "{told:?}");
    assert!(told[1].starts_with("utf16.yaml: is in UTF-16"), "{told:?}");
    assert_eq!(told.len(), 3, "{told:?}");
}

#[test]
fn strict_makes_an_error_of_what_is_not_read() {
    let dir =
        directory(&[("a.yaml", A), ("b.yaml", "kind: [\n---\nkind: {\n"), ("v.yaml", "x: 1")]);
    let strict = |files: &[&str]| {
        let files = files.iter().map(|file| dir.path().join(file)).collect();
        Manifests { files, strict: true, ..Manifests::default() }.load()
    };
    let error = strict(&["a.yaml", "b.yaml"]).unwrap_err().to_string();
    assert!(error.ends_with("(and 1 more)"), "{error}");
    // Values of a chart are no objects: nothing is lost.
    assert!(strict(&["a.yaml", "v.yaml"]).is_ok());
}

#[test]
fn the_later_of_two_counts() {
    let pod = |label: &str| {
        format!(
            "# x\n{{apiVersion: v1, kind: Pod, metadata: {{name: p, labels: {{a: {label}}}}}}}\n"
        )
    };
    let dir = directory(&[("1.yaml", &pod("x")), ("2.yaml", &pod("x")), ("3.yaml", &pod("z"))]);
    let loaded = load(&[dir.path()]).unwrap();
    assert_eq!(
        told(&loaded, dir.path()),
        [
            "3.yaml:1:1: default/pod/p is also written at 2.yaml:1; only the later of the two counts",
            "2.yaml:1:1: default/pod/p is the same as at 1.yaml:1 and counts once; should they be \
             in several namespaces, read what renders them"
        ]
    );
    assert!(loaded.objects.gaps.is_empty());
    let again = load(&[&dir.path().join("1.yaml"), &dir.path().join("1.yaml")]).unwrap();
    assert_eq!(told(&again, dir.path()), [""; 0]);
    let (snapshot, _) = loaded.objects.assemble();
    assert_eq!(snapshot.pods()[0].labels.to_string(), "a=z");
}

#[test]
fn the_locator_finds_lines_and_columns() {
    let text = "---\n{apiVersion: v1, kind: Namespace, metadata: {name: a}}\n---\n# policies\napiVersion: v1\nkind: List\nitems:\n- apiVersion: networking.k8s.io/v1\n  kind: NetworkPolicy\n  metadata: {name: p}\n  spec:\n    ingress:\n    - ports:\n      - port: 80\n";
    for eol in ["\n", "\r\n"] {
        let text = format!("\u{feff}{}", text.replace('\n', eol));
        let dir = directory(&[("p.yaml", &text)]);
        let file = dir.path().join("p.yaml");
        let loaded = load(&[&file]).unwrap();
        let locate = |kind: &str, path: &str| {
            let (_, origin, _) =
                loaded.objects.iter().find(|(object, ..)| &*object.kind == kind).unwrap();
            let place = loaded.locator.locate(origin, path)?;
            place.at.map(|(line, column)| (line, column, place.text))
        };
        let at = |line, column, text: &str| Some((line, column, text.to_owned()));
        let port = "spec.ingress[0].ports[0].port";
        assert_eq!(locate("NetworkPolicy", port), at(14, 9, "      - port: 80"));
        assert_eq!(locate("NetworkPolicy", ""), at(8, 3, "- apiVersion: networking.k8s.io/v1"));
        assert_eq!(locate("NetworkPolicy", "spec.egress"), at(11, 3, "  spec:"));
        assert_eq!(
            locate("Namespace", "metadata"),
            at(2, 35, "{apiVersion: v1, kind: Namespace, metadata: {name: a}}")
        );
        assert_eq!(loaded.locator.locate(&Origin::Synthetic, ""), None);
        // Whatever became of the file meanwhile.
        for changed in ["", "ä", "\n\n\n\n\n\n\nööööööööööööööööööööö", "kind: ["]
        {
            fs::write(&file, changed).unwrap();
            let fresh = Locator::default();
            for (_, origin, _) in loaded.objects.iter() {
                fresh.locate(origin, port);
            }
        }
    }
}

#[test]
fn the_locator_in_json() {
    let text = "{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [\n  {\"kind\": \"Namespace\", \"apiVersion\": \"v1\",\n   \"metadata\": {\"name\": \"a\"}}, {\"kind\": \"Namespace\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"b\"}}]}";
    let dir = directory(&[("p.json", text)]);
    let loaded = load(&[dir.path()]).unwrap();
    let places: Vec<_> = loaded
        .objects
        .iter()
        .map(|(_, origin, _)| loaded.locator.locate(origin, "metadata.name").unwrap())
        .filter_map(|place| place.at.map(|(line, column)| (line, column, place.text.len())))
        .collect();
    let second = text.lines().nth(2).unwrap();
    let column = second.rfind("\"name\"").unwrap() + 1;
    assert_eq!(places, [(3, 17, second.len()), (3, column, second.len())]);
}

#[test]
fn a_kustomization_among_plain_files_is_told() {
    let dir = directory(&[
        ("base/kustomization.yaml", "resources:\n- a.yaml\n"),
        ("base/a.yaml", A),
        ("over/kustomization.yaml", "namespace: x\npatches:\n- path: p.yaml\n"),
    ]);
    let loaded = load(&[dir.path()]).unwrap();
    assert_eq!(
        told(&loaded, dir.path()),
        [
            "over/kustomization.yaml: not applied: its namespace and patches; the files are read as they are, use -k for it"
        ]
    );
}

#[test]
fn kustomize_through_the_real_program() {
    if crate::process::find("kubectl").is_none() && crate::process::find("kustomize").is_none() {
        return skipped("neither kubectl nor kustomize is on PATH");
    }
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p\nspec:\n  podSelector: {}\n";
    let dir = directory(&[
        ("kustomization.yaml", "namespace: x\nnamePrefix: my-\nresources:\n- p.yaml\n"),
        ("p.yaml", policy),
        ("broken/kustomization.yaml", "resources:\n- missing.yaml\n"),
    ]);
    let load =
        |path: PathBuf| Manifests { kustomizations: vec![path], ..Manifests::default() }.load();
    let loaded = load(dir.path().to_owned()).unwrap();
    assert_eq!(found(&loaded), ["x/netpol/my-p"]);
    let (_, origin, _) = loaded.objects.iter().next().unwrap();
    let place = loaded.locator.locate(origin, "metadata.name").unwrap();
    assert_eq!(place.text, "  name: my-p");
    let error = load(dir.path().join("broken")).unwrap_err().to_string();
    assert!(error.contains("says: ") && error.contains("missing.yaml"), "{error}");
    assert!(!error.contains(char::is_control), "{error}");
}

/// What a kustomization takes from elsewhere is refused before anything runs.
#[test]
fn nothing_is_fetched_unless_asked() {
    if crate::process::find("kubectl").is_none() && crate::process::find("kustomize").is_none() {
        return skipped("neither kubectl nor kustomize is on PATH");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let remote = format!("http://me:secret@{address}/p.yaml");
    let dir = directory(&[
        ("over/kustomization.yaml", "resources: [../base]\n"),
        ("base/kustomization.yaml", &format!("resources: ['{remote}']\n")),
    ]);
    let load = |pull: bool| {
        let kustomizations = vec![dir.path().join("over")];
        Manifests { kustomizations, pull, ..Manifests::default() }.load().unwrap_err().to_string()
    };
    let told = load(false);
    let shown = format!("base/kustomization.yaml takes http://{address}/p.yaml from elsewhere");
    assert!(told.contains(&shown) && told.contains("give --pull"), "{told}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody asked");
    // Asked for, it is tried: the server says nothing of use.
    listener.set_nonblocking(false).unwrap();
    let asked = std::thread::spawn(move || listener.accept().is_ok());
    assert!(load(true).contains("cannot build "));
    assert!(asked.join().unwrap());
}

/// The whole file is decoded item by item; see the benchmarks for 200 MB of it.
#[test]
fn a_large_list_of_pods() {
    let mut text = String::from("{\n\"apiVersion\": \"v1\",\n\"items\": [\n");
    for i in 0..20_000 {
        let comma = if i == 0 { "" } else { ",\n" };
        write!(
            text,
            "{comma}{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"p{i}\", \
             \"namespace\": \"n{}\", \"labels\": {{\"app\": \"web\"}}}}, \"spec\": {{\"containers\": \
             [{{\"env\": [{{\"name\": \"{}\"}}]}}]}}}}",
            i % 100,
            "x".repeat(200)
        )
        .unwrap();
    }
    text.push_str("\n],\n\"kind\": \"List\"\n}\n");
    let snapshot = assemble(&text);
    assert_eq!(snapshot.pods().len(), 20_000);
    let lines = snapshot.pods().iter().all(|pod| match &pod.origin {
        Origin::Manifest { line, offset, .. } => {
            let number: usize = pod.name[1..].parse().unwrap();
            *line == number + 4 && text[*offset..].starts_with("{\"apiVersion\"")
        }
        Origin::Rendered { .. } | Origin::Live { .. } | Origin::Synthetic => false,
    });
    assert!(lines);
}

/// The examples of this project have nothing to be told about.
#[test]
fn the_examples() {
    for name in ["homekube", "homekube-fixed"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
        let loaded = load(&[&path]).unwrap();
        assert_eq!(told(&loaded, &path), [""; 0]);
        let (snapshot, written) = loaded.objects.assemble();
        assert!(!snapshot.pods().is_empty() && !written.is_empty());
    }
}
