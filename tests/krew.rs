//! What krew installs from: the manifest and the archive. `installed.rs` installs them.
//!
//! Source: docs/semantics/krew.md.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{expect_success, krew, root, xtask};

/// An archive and its manifest, packed by `cargo xtask dist` from the program of this build.
pub(crate) struct Packed {
    directory: TempDir,
    pub(crate) archive: PathBuf,
    sha256: String,
}

impl Packed {
    pub(crate) fn of(binary: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().to_str().unwrap();
        let answer =
            expect_success(xtask(&["dist", "--binary", binary, "--out", out]).stdin(Stdio::null()));
        let (sha256, archive) = answer.trim().split_once("  ").unwrap();
        Self { archive: PathBuf::from(archive), sha256: sha256.to_owned(), directory }
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.directory.path().join("netpol.yaml")
    }
}

pub(crate) fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What krew's validation demands of the words of a manifest.
fn assert_krew_takes(manifest: &Value) {
    assert_eq!(manifest["apiVersion"], "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!(manifest["kind"], "Plugin");
    assert_eq!(manifest["metadata"]["name"], "netpol");
    let spec = &manifest["spec"];
    let fields: BTreeSet<&str> = spec.as_object().unwrap().keys().map(String::as_str).collect();
    let known = ["description", "homepage", "platforms", "shortDescription", "version"];
    assert_eq!(fields, BTreeSet::from(known), "krew refuses fields that it does not know");
    assert_eq!(spec["version"], concat!("v", env!("CARGO_PKG_VERSION")));
    let short = spec["shortDescription"].as_str().unwrap();
    assert!(short.len() <= 50 && !short.contains('\n') && !short.contains("plugin"), "{short}");
    let description = spec["description"].as_str().unwrap();
    assert!(description.lines().all(|line| line.len() <= 80), "{description}");

    let mut seen = BTreeSet::new();
    for platform in spec["platforms"].as_array().unwrap() {
        let labels = platform["selector"]["matchLabels"].as_object().unwrap();
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["arch", "os"]);
        let (os, arch) = (labels["os"].as_str().unwrap(), labels["arch"].as_str().unwrap());
        assert!(seen.insert(format!("{os}-{arch}")), "{os}/{arch} is there twice");
        let uri = platform["uri"].as_str().unwrap();
        assert!(uri.starts_with("https://"), "{uri}");
        assert!(uri.ends_with(&format!("/kubectl-netpol-{os}-{arch}.tar.gz")), "{uri}");
        let sha256 = platform["sha256"].as_str().unwrap();
        let hexadecimal = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        assert!(sha256.len() == 64 && sha256.bytes().all(hexadecimal), "{sha256}");
        let bin = if os == "windows" { "kubectl-netpol.exe" } else { "kubectl-netpol" };
        assert_eq!(platform["bin"], bin);
    }
    assert!(!seen.is_empty());
}

#[test]
fn the_manifest_has_every_platform_that_the_release_builds() {
    let manifest = yaml(&root().join("krew-manifest.yaml"));
    assert_krew_takes(&manifest);
    let label = |platform: &Value, name| {
        platform["selector"]["matchLabels"][name].as_str().unwrap().to_owned()
    };
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    let named: BTreeSet<String> = platforms
        .iter()
        .map(|platform| format!("{}-{}", label(platform, "os"), label(platform, "arch")))
        .collect();

    let release = yaml(&root().join(".github/workflows/release.yml"));
    let rows = release["jobs"]["archive"]["strategy"]["matrix"]["include"].as_array().unwrap();
    let built = rows.iter().map(|row| row["platform"].as_str().unwrap().to_owned()).collect();
    assert_eq!(named, built);
    assert_eq!(named.len(), 5);
}

/// krew takes `TypeDir` and `TypeReg` and refuses names with `..`; its index wants a license under one
/// of a few names.
#[test]
fn an_archive_is_the_same_each_time_and_holds_only_what_krew_takes() {
    // Any file will do for a program here, and a small one is packed sooner.
    let small = root().join("Cargo.toml");
    let small = small.to_str().unwrap();
    let (first, second) = (Packed::of(small), Packed::of(small));
    assert_eq!(fs::read(&first.archive).unwrap(), fs::read(&second.archive).unwrap());
    assert_eq!(fs::read(first.manifest()).unwrap(), fs::read(second.manifest()).unwrap());

    let mut archive = tar::Archive::new(GzDecoder::new(File::open(&first.archive).unwrap()));
    let mut names = BTreeSet::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let kind = header.entry_type();
        assert!(kind.is_file() || kind.is_dir(), "{name}: {kind:?}");
        assert!(!name.contains("..") && !name.starts_with('/'), "{name}");
        assert_eq!(header.uid().unwrap() + header.gid().unwrap(), 0, "{name}");
        assert_eq!(header.mtime().unwrap(), 315_532_800, "{name}");
        let program = name == "kubectl-netpol";
        let executable = program || kind.is_dir();
        assert_eq!(header.mode().unwrap(), if executable { 0o755 } else { 0o644 }, "{name}");
        if program {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            assert_eq!(content, fs::read(small).unwrap());
        }
        names.insert(name);
    }
    assert!(names.contains("LICENSE") && names.contains("kubectl-netpol"), "{names:?}");
}

/// `krew install --manifest --archive` verifies the hash all the same.
#[test]
fn the_manifest_of_this_machine_has_the_hash_of_the_archive() {
    let packed = Packed::of(root().join("Cargo.toml").to_str().unwrap());
    let content = fs::read(&packed.archive).unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, &content);
    let digest = digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    });
    assert_eq!(packed.sha256, digest);
    let manifest = yaml(&packed.manifest());
    assert_krew_takes(&manifest);
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    assert_eq!(platforms.len(), 1, "only this machine's archive is there");
    assert_eq!(platforms[0]["sha256"], digest);
}

/// krew's own validator, which the index runs on every manifest: structure, platforms and that none is
/// selected twice. What it installs needs the archives of a release, so that is left out here.
#[test]
fn the_validator_of_the_index_takes_the_manifest() {
    let Ok(krew) = krew() else { return };
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("netpol.yaml");
    let text = fs::read_to_string(root().join("krew-manifest.yaml")).unwrap();
    let validate = |text: &str| {
        fs::write(&manifest, text).unwrap();
        let mut validator = Command::new(krew.join("validate-krew-manifest"));
        let output = validator.arg("-skip-install").arg("-manifest").arg(&manifest).output();
        let output = output.unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (well, said) = validate(&text);
    assert!(well && said.contains("no overlapping spec.platform[].selector"), "{said}");
    let (well, said) = validate(&text.replacen("arch: arm64", "arch: amd64", 1));
    assert!(!well && said.contains("overlapping platform selectors found"), "{said}");
}
