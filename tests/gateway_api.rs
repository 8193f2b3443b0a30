//! Gateways and their routes as the real API server has them, with the Gateway API's own definitions that
//! tests/tools/gateway-api pins: what is read of them live is what their manifests say.

use crate::harness::{Outside, control_plane_of_its_own, expect_success, module, plugin, skip};
use crate::run::netpol;
use serde_json::Value;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

/// Every kind that is read, in namespace shop; the Gateway is in infra.
const MANIFESTS: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: red}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: infra}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: mesh}, spec: {controllerName: istio.io/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: infra}
spec:
  gatewayClassName: mesh
  listeners:
  - {name: web, port: 80, protocol: HTTP, hostname: '*.example.org', allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: red}}}}}
  - {name: tls, port: 8443, protocol: TLS, tls: {mode: Passthrough}, allowedRoutes: {namespaces: {from: All}}}
  - {name: db, port: 5432, protocol: TCP, allowedRoutes: {namespaces: {from: All}}}
  - {name: dns, port: 53, protocol: UDP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: public, namespace: infra}]
  hostnames: [shop.example.org]
  rules:
  - {matches: [{path: {type: PathPrefix, value: /cart}, method: GET}], backendRefs: [{name: api, port: 80}]}
  - {matches: [{path: {type: Exact, value: /health}}], backendRefs: [{name: api, port: 80, weight: 0}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: grpc, namespace: shop}
spec:
  parentRefs: [{name: public, namespace: infra, sectionName: web}]
  hostnames: [grpc.example.org]
  rules: [{matches: [{method: {service: shop.Cart, method: Add}}], backendRefs: [{name: api, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TLSRoute
metadata: {name: tls, namespace: shop}
spec:
  parentRefs: [{name: public, namespace: infra}]
  hostnames: [tls.example.org]
  rules: [{backendRefs: [{name: api, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: {name: db, namespace: infra}
spec:
  parentRefs: [{name: public, port: 5432}]
  rules: [{backendRefs: [{name: api, namespace: shop, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: UDPRoute
metadata: {name: dns, namespace: infra}
spec:
  parentRefs: [{name: public}]
  rules: [{backendRefs: [{name: api, namespace: shop, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: db, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: TCPRoute, namespace: infra}]
  to: [{group: '', kind: Service, name: api}]
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
spec: {automountServiceAccountToken: false, serviceAccountName: default, containers: [{name: api, image: example.com/api, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: public-istio, namespace: infra, labels: {gateway.networking.k8s.io/gateway-name: public}}
spec: {automountServiceAccountToken: false, serviceAccountName: default, containers: [{name: proxy, image: example.com/proxy, ports: [{containerPort: 80}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: from-infra, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: infra}}}]}]}
";

/// The ways in by Gateways: what becomes of each, what it is, where it leads.
fn ways(answer: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    let all = answer["entrances"].as_array().cloned().unwrap_or_default().into_iter();
    let word = |way: &Value, key: &str| way[key].as_str().unwrap_or_default().to_owned();
    let way = |way: Value| {
        let to = way["destination"]["label"].as_str().unwrap_or_default();
        format!("{} {} → {to}: {}", word(&way, "verdict"), word(&way, "by"), word(&way, "message"))
    };
    let mut all: Vec<String> = all.filter(|way| way["kind"] == "Gateway").map(way).collect();
    all.sort();
    all
}

#[test]
fn live_routes_are_those_of_the_manifests() {
    let definitions = match module("gateway-api", "sigs.k8s.io/gateway-api") {
        Ok(module) => module.join("config/crd/experimental"),
        Err(why) => {
            skip(Outside::GoModule, &why);
            return;
        }
    };
    let Ok(cluster) = control_plane_of_its_own() else { return };
    for kind in [
        "gatewayclasses",
        "gateways",
        "httproutes",
        "grpcroutes",
        "tlsroutes",
        "tcproutes",
        "udproutes",
        "referencegrants",
    ] {
        let file = definitions.join(format!("gateway.networking.k8s.io_{kind}.yaml"));
        let mut kubectl = cluster.kubectl(cluster.admin());
        expect_success(kubectl.args(["apply", "--server-side", "-f"]).arg(file));
    }
    let file = cluster.admin().with_file_name("gateways.yaml");
    std::fs::write(&file, MANIFESTS).expect("a file in the cluster's directory");
    // Until the kinds are served, and the namespaces have what pods need.
    let applied = (0..150).any(|_| {
        let mut kubectl = cluster.kubectl(cluster.admin());
        let kubectl = kubectl.args(["apply", "--server-side", "-f"]).arg(&file);
        let done =
            kubectl.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("kubectl runs");
        if !done.success() {
            sleep(Duration::from_millis(200));
        }
        done.success()
    });
    assert!(applied, "the API server does not take the manifests");

    let list = ["list", "--exposed", "--from", "internet", "-o", "json"];
    // Nobody runs the pods, so a Service would have none that are ready.
    let ready = r#"{"status": {"conditions": [{"type": "Ready", "status": "True"}]}}"#;
    for (namespace, pod) in [("shop", "api"), ("infra", "public-istio")] {
        let words = ["-n", namespace, "patch", "pod", pod, "--subresource=status", "-p", ready];
        expect_success(cluster.kubectl(cluster.admin()).args(words));
    }

    let live =
        plugin(&cluster, &cluster.admin()).arg("netpol").args(list).output().expect("it runs");
    assert!(live.status.success(), "{}", String::from_utf8_lossy(&live.stderr));
    let live = String::from_utf8(live.stdout).expect("text");
    let written = netpol(&[&list[..], &["-f", file.to_str().expect("a path")]].concat());
    let (live, written) = (ways(&live), ways(&written.stdout));
    assert_eq!(live, written);
    let by = |name: &str| written.iter().filter(|way| way.contains(name)).count();
    let counts = [
        "HTTPRoute shop/web",
        "GRPCRoute shop/grpc",
        "TLSRoute shop/tls",
        "TCPRoute infra/db",
        "UDPRoute infra/dns",
    ]
    .map(by);
    assert_eq!(counts, [1, 1, 1, 1, 1], "{written:#?}");
    assert!(written.iter().any(|way| way.contains("shop.example.org/cart")), "{written:#?}");
    assert!(
        written.iter().any(|way| way.contains("no ReferenceGrant of shop lets UDPRoute")),
        "{written:#?}"
    );
    assert!(!written.iter().any(|way| way.contains("lets TCPRoute")), "{written:#?}");
}
