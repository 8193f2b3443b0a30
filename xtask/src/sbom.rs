//! What a release is made of: a software bill of materials.
//!
//! In: what cargo says of the package and its lock file. Out: `CycloneDX` 1.6 as JSON, the same bytes for
//! the same lock file, with every crate that is linked into a program of some platform or runs in its
//! build, its licence, its hash and what it depends on.
//!
//! Source: <https://cyclonedx.org/docs/1.6/json/>.

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use crate::tools::workspace;

/// The package of the programs.
const PACKAGE: &str = "kubectl-netpol";

/// Flags of `cargo xtask sbom`.
#[derive(Args)]
pub(crate) struct Options {
    /// Where it goes.
    #[arg(long, value_name = "FILE", default_value = "target/kubectl-netpol.cdx.json")]
    out: PathBuf,
}

/// Writes it; gives back its path.
pub(crate) fn run(options: &Options) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(workspace())
        .output()
        .context("cargo metadata cannot be run")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).context("what cargo says")?;
    let lock = std::fs::read_to_string(workspace().join("Cargo.lock")).context("Cargo.lock")?;
    let text = serde_json::to_string_pretty(&bill(&metadata, &checksums(&lock))?)? + "\n";
    std::fs::write(&options.out, text)
        .with_context(|| format!("writing {}", options.out.display()))?;
    Ok(options.out.display().to_string())
}

/// The hashes of a lock file by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut all = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let field = |name: &str| {
            let line =
                package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            line.map(|text| text.trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(hash)) =
            (field("name"), field("version"), field("checksum"))
        {
            all.insert((name, version), hash);
        }
    }
    all
}

fn text<'v>(value: &'v Value, field: &str) -> Result<&'v str> {
    value[field].as_str().with_context(|| format!("cargo metadata has no {field}"))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A crate's name in the bill, and its address in the registry.
fn purl(package: &Value) -> Result<String> {
    Ok(format!("pkg:cargo/{}@{}", text(package, "name")?, text(package, "version")?))
}

/// The bill of what the package needs to be built and to run.
fn bill(metadata: &Value, hashes: &BTreeMap<(String, String), String>) -> Result<Value> {
    let packages: BTreeMap<&str, &Value> = items(&metadata["packages"])
        .map(|package| Ok((text(package, "id")?, package)))
        .collect::<Result<_>>()?;
    let nodes: BTreeMap<&str, &Value> = items(&metadata["resolve"]["nodes"])
        .map(|node| Ok((text(node, "id")?, node)))
        .collect::<Result<_>>()?;
    let own = packages.iter().find(|(_, package)| package["name"] == PACKAGE);
    let (own, _) = own.with_context(|| format!("there is no package {PACKAGE}"))?;

    // Tests and benchmarks of the package are in no program.
    let needs = |id: &str| -> Result<BTreeSet<&str>> {
        let node = nodes.get(id).with_context(|| format!("{id} is not resolved"))?;
        let needed = items(&node["deps"])
            .filter(|dep| items(&dep["dep_kinds"]).any(|kind| kind["kind"] != "dev"));
        needed.map(|dep| text(dep, "pkg")).collect()
    };
    let mut all = BTreeMap::new();
    let mut left = vec![*own];
    while let Some(id) = left.pop() {
        if !all.contains_key(id) {
            let needed = needs(id)?;
            left.extend(&needed);
            all.insert(id, needed);
        }
    }

    let mut components = BTreeMap::new();
    let mut dependencies = BTreeMap::new();
    for (id, needed) in &all {
        let package = packages[id];
        let name = purl(package)?;
        let needed = needed.iter().map(|id| purl(packages[id]));
        let needed: BTreeSet<String> = needed.collect::<Result<_>>()?;
        dependencies.insert(name.clone(), json!({"ref": name, "dependsOn": needed}));
        if id != own {
            components.insert(name, component(package, "library", hashes)?);
        }
    }
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(packages[own], "application", hashes)?},
        "components": components.into_values().collect::<Vec<_>>(),
        "dependencies": dependencies.into_values().collect::<Vec<_>>(),
    }))
}

fn component(
    package: &Value,
    kind: &str,
    hashes: &BTreeMap<(String, String), String>,
) -> Result<Value> {
    let (name, version) = (text(package, "name")?, text(package, "version")?);
    let mut component = json!({
        "type": kind, "bom-ref": purl(package)?, "name": name, "version": version,
        "purl": purl(package)?,
    });
    if let Some(licence) = package["license"].as_str() {
        // How crates wrote it before SPDX.
        let expression = licence.replace('/', " OR ");
        component["licenses"] = json!([{"expression": expression}]);
    }
    if let Some(hash) = hashes.get(&(name.to_owned(), version.to_owned())) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": hash}]);
    }
    Ok(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_has_what_is_linked_and_what_builds_it_and_no_more() {
        let package = |name: &str, licence: &str| json!({"id": name, "name": name, "version": "1.0.0", "license": licence});
        let dep =
            |name: &str, kind: Option<&str>| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [package(PACKAGE, "Apache-2.0"), package("a", "MIT/Apache-2.0"),
                package("b", "MIT"), package("c", "MIT"), package("d", "MIT")],
            "resolve": {"nodes": [
                {"id": PACKAGE, "deps": [dep("a", None), dep("c", Some("dev"))]},
                {"id": "a", "deps": [dep("b", Some("build"))]},
                {"id": "b", "deps": []}, {"id": "c", "deps": []}, {"id": "d", "deps": []},
            ]},
        });
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"00ff\"\n";
        let bill = bill(&metadata, &checksums(lock)).unwrap();
        assert_eq!(bill["metadata"]["component"]["bom-ref"], "pkg:cargo/kubectl-netpol@1.0.0");
        assert_eq!(
            bill["components"],
            json!([
                {"type": "library", "bom-ref": "pkg:cargo/a@1.0.0", "name": "a", "version": "1.0.0",
                    "purl": "pkg:cargo/a@1.0.0", "licenses": [{"expression": "MIT OR Apache-2.0"}],
                    "hashes": [{"alg": "SHA-256", "content": "00ff"}]},
                {"type": "library", "bom-ref": "pkg:cargo/b@1.0.0", "name": "b", "version": "1.0.0",
                    "purl": "pkg:cargo/b@1.0.0", "licenses": [{"expression": "MIT"}]},
            ])
        );
        assert_eq!(
            bill["dependencies"],
            json!([
                {"ref": "pkg:cargo/a@1.0.0", "dependsOn": ["pkg:cargo/b@1.0.0"]},
                {"ref": "pkg:cargo/b@1.0.0", "dependsOn": []},
                {"ref": "pkg:cargo/kubectl-netpol@1.0.0", "dependsOn": ["pkg:cargo/a@1.0.0"]},
            ])
        );
    }
}
