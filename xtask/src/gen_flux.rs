//! A large repository of Flux, to see how programs fare with it.
//!
//! In: how many Kustomizations and HelmReleases. Out: a directory with one cluster, `clusters/prod`: each
//! Kustomization builds a directory of its own with a workload, its Service and its policy, and the first of
//! them have a HelmRelease of a chart of the repository besides.

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

/// So many Kustomizations share a namespace.
const A_NAMESPACE: usize = 3;

/// So many charts there are.
const CHARTS: usize = 20;

/// Arguments of `gen-flux`.
#[derive(Args)]
pub(crate) struct Options {
    /// So many Kustomizations, besides the one that makes them
    #[arg(long, value_name = "N", default_value_t = 300)]
    kustomizations: usize,

    /// So many of these have a HelmRelease
    #[arg(long, value_name = "N", default_value_t = 200)]
    releases: usize,

    /// Directory to write into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes the repository and says how many files it has.
pub(crate) fn run(options: &Options) -> Result<String> {
    let directory = &options.out;
    fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    let mut there = fs::read_dir(directory).context("reading the directory")?;
    ensure!(there.next().is_none(), "{} is not empty", directory.display());
    let mut files = vec![
        ("clusters/prod/sync.yaml".to_owned(), SYNC.to_owned()),
        ("clusters/prod/settings.yaml".to_owned(), SETTINGS.to_owned()),
    ];
    for chart in 0..CHARTS.min(options.releases) {
        let at = |name: &str| format!("charts/c{chart}/{name}");
        let described = format!("apiVersion: v2\nname: c{chart}\nversion: 1.0.0\n");
        files.push((at("Chart.yaml"), described));
        files.push((at("values.yaml"), VALUES.to_owned()));
        files.push((at("templates/all.yaml"), TEMPLATE.to_owned()));
    }
    for i in 0..options.kustomizations {
        let filled = |text: &str| {
            let text = text.replace("NAMESPACE", &format!("team-{}", i / A_NAMESPACE));
            text.replace("CHART", &format!("c{}", i % CHARTS)).replace("NAME", &format!("app-{i}"))
        };
        let at = |name: &str| format!("apps/app-{i}/{name}");
        let mut own = vec![("web.yaml", WEB), ("policy.yaml", POLICY)];
        if i % A_NAMESPACE == 0 {
            own.push(("namespace.yaml", NAMESPACE));
        }
        if i < options.releases {
            own.push(("release.yaml", RELEASE));
        }
        let mut described = DESCRIBED.to_owned();
        for (name, _) in &own {
            described.extend(["- ", name, "\n"]);
        }
        files.push((at("kustomization.yaml"), filled(&described)));
        files.extend(own.into_iter().map(|(name, text)| (at(name), filled(text))));
        files.push((format!("clusters/prod/app-{i}.yaml"), filled(KUSTOMIZATION)));
    }
    for (name, text) in &files {
        write(&directory.join(name), text)?;
    }
    let Options { kustomizations, releases, .. } = options;
    let count = files.len();
    Ok(format!("{kustomizations} Kustomizations, {releases} HelmReleases, {count} files"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let failed = || format!("writing {}", path.display());
    fs::create_dir_all(path.parent().unwrap_or(path)).with_context(failed)?;
    fs::write(path, text).with_context(failed)
}

const SYNC: &str = "\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 5m, url: https://git.example.org/fleet, ref: {branch: main}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec:
  interval: 10m
  path: ./clusters/prod
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
";

const SETTINGS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: cluster-settings, namespace: flux-system}
data: {OFFICE: 192.0.2.0/24}
";

const KUSTOMIZATION: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: NAME, namespace: flux-system}
spec:
  interval: 10m
  path: ./apps/NAME
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
  postBuild:
    substituteFrom: [{kind: ConfigMap, name: cluster-settings}]
";

const DESCRIBED: &str = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: NAMESPACE
resources:
";

const NAMESPACE: &str = "\
apiVersion: v1
kind: Namespace
metadata:
  name: NAMESPACE
";

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  selector:
    matchLabels:
      app: NAME
  template:
    metadata:
      labels:
        app: NAME
    spec:
      containers:
      - name: web
        image: registry.example.org/web:1.0.0
        ports:
        - name: http
          containerPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: NAME
spec:
  selector:
    app: NAME
  ports:
  - port: 80
    targetPort: http
";

const POLICY: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: NAME
spec:
  podSelector:
    matchLabels:
      app: NAME
  policyTypes:
  - Ingress
  - Egress
  ingress:
  - from:
    - ipBlock:
        cidr: ${OFFICE}
    ports:
    - port: 8080
  egress:
  - to:
    - podSelector: {}
    ports:
    - port: 8080
";

const RELEASE: &str = "\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: NAME-db
spec:
  interval: 1h
  chart:
    spec:
      chart: ./charts/CHART
      sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}
  values:
    client: NAME
";

const VALUES: &str = "client: nobody\n";

const TEMPLATE: &str = "\
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .Release.Name }}
spec:
  serviceName: {{ .Release.Name }}
  selector:
    matchLabels:
      app: {{ .Release.Name }}
  template:
    metadata:
      labels:
        app: {{ .Release.Name }}
    spec:
      containers:
      - name: db
        image: registry.example.org/db:16
        ports:
        - containerPort: 5432
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .Release.Name }}
spec:
  podSelector:
    matchLabels:
      app: {{ .Release.Name }}
  policyTypes:
  - Ingress
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: {{ .Values.client }}
    ports:
    - port: 5432
";
