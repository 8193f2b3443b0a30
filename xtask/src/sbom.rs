//! What a release is made of: a software bill of materials.
//!
//! In: what cargo says of the package and its lock file, and what npm pins for the page of the map. Out:
//! `CycloneDX` 1.6 as JSON, the same bytes for the same lock files, with every crate that is linked into a
//! program of some platform or runs in its build, and every package of which something is in the page,
//! its licence, its hash and what it depends on.
//!
//! Source: <https://cyclonedx.org/docs/1.6/json/>.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use clap::Args;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use crate::dist::hexadecimal;
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
    let map = std::fs::read_to_string(workspace().join("map/package-lock.json"));
    let map = serde_json::from_str(&map.context("map/package-lock.json")?)?;
    let bill = bill(&metadata, &checksums(&lock), bundled(&map)?)?;
    let text = serde_json::to_string_pretty(&bill)? + "\n";
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

/// The packages of which something is in the page of the map: what `package-lock.json` pins and not only
/// for its build and its tests. `map/build.mjs` writes their licences into the page.
fn bundled(lock: &Value) -> Result<Vec<Npm>> {
    let pinned = lock["packages"].as_object().context("map/package-lock.json has no packages")?;
    let of_page = pinned.iter().filter(|(path, package)| {
        !path.is_empty() && !["dev", "optional", "peer"].iter().any(|only| package[only] == true)
    });
    let all = of_page.map(|(path, package)| {
        let (_, name) =
            path.rsplit_once("node_modules/").context("a package outside of node_modules")?;
        let version = text(package, "version")?;
        let mut component = json!({
            "type": "library", "bom-ref": npm(name, version), "name": name, "version": version,
            "purl": npm(name, version), "licenses": [{"expression": text(package, "license")?}],
        });
        if let Some(hash) = package["integrity"].as_str().and_then(|it| it.strip_prefix("sha512-"))
        {
            let hash = base64::prelude::BASE64_STANDARD.decode(hash).context("a hash of npm")?;
            component["hashes"] = json!([{"alg": "SHA-512", "content": hexadecimal(&hash)}]);
        }
        let needs = package["dependencies"].as_object().into_iter().flatten();
        let needs = needs.map(|(name, _)| {
            let own = pinned.get(&format!("{path}/node_modules/{name}"));
            let there = own.or_else(|| pinned.get(&format!("node_modules/{name}")));
            Ok(npm(name, text(there.with_context(|| format!("{name} is not pinned"))?, "version")?))
        });
        Ok(Npm { component, needs: needs.collect::<Result<_>>()? })
    });
    all.collect()
}

/// A package of npm in the bill.
struct Npm {
    component: Value,
    needs: BTreeSet<String>,
}

/// The name of a package of npm in the bill, and its address in the registry.
fn npm(name: &str, version: &str) -> String {
    format!("pkg:npm/{}@{version}", name.replace('@', "%40"))
}

/// The bill of what the package needs to be built and to run, with what is in the page of the map.
fn bill(
    metadata: &Value,
    hashes: &BTreeMap<(String, String), String>,
    page: Vec<Npm>,
) -> Result<Value> {
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
        let mut needed: BTreeSet<String> = needed.collect::<Result<_>>()?;
        if id == own {
            let page = page.iter().map(|it| text(&it.component, "bom-ref").map(str::to_owned));
            needed.extend(page.collect::<Result<Vec<_>>>()?);
        }
        dependencies.insert(name.clone(), json!({"ref": name, "dependsOn": needed}));
        if id != own {
            components.insert(name, component(package, "library", hashes)?);
        }
    }
    for Npm { component, needs } in page {
        let name = text(&component, "bom-ref")?.to_owned();
        dependencies.insert(name.clone(), json!({"ref": name, "dependsOn": needs}));
        components.insert(name, component);
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
        let bill = bill(&metadata, &checksums(lock), Vec::new()).unwrap();
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

    #[test]
    fn the_page_of_the_map_is_in_the_bill_as_its_licences_are_in_the_page() {
        let read = |path: &str| std::fs::read_to_string(workspace().join(path)).unwrap();
        let all = bundled(&serde_json::from_str(&read("map/package-lock.json")).unwrap()).unwrap();
        let page = read("plugins/assets/map.html");
        let (_, licences) = page.split_once("Licences of what is in this page").unwrap();
        for Npm { component, .. } in &all {
            let field = |name: &str| component[name].as_str().unwrap();
            let licence = component["licenses"][0]["expression"].as_str().unwrap();
            let said = format!("{} {} ({licence})", field("name"), field("version"));
            assert!(licences.contains(&said), "{said}");
            assert_eq!(component["hashes"][0]["content"].as_str().unwrap().len(), 128);
        }
        // Of whatever is in the page there is a licence, and an entry.
        let (licences, _) = licences.split_once("</pre>").unwrap();
        assert_eq!(licences.split("\n\n----\n\n").count(), all.len());
        assert_eq!(all[0].component["name"], "@dagrejs/dagre");

        let metadata = json!({
            "packages": [{"id": PACKAGE, "name": PACKAGE, "version": "1.0.0"}],
            "resolve": {"nodes": [{"id": PACKAGE, "deps": []}]},
        });
        let bill = bill(&metadata, &BTreeMap::new(), all).unwrap();
        let own = bill["dependencies"].as_array().unwrap().iter();
        let mut own = own.filter(|it| it["ref"] == "pkg:cargo/kubectl-netpol@1.0.0");
        let needed = own.next().unwrap()["dependsOn"][0].as_str().unwrap();
        assert!(needed.starts_with("pkg:npm/%40dagrejs/dagre@"), "{needed}");
        assert!(bill["components"].as_array().unwrap().iter().any(|it| it["purl"] == needed));
    }
}
