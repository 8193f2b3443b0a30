//! docs/semantics/entries.md: what is not written, and what a path or a port of a node does not tell.

use super::{Cluster, cluster, enforced, policy};
use netpol::effort::Effort;
use netpol::ends::{EndName, Named};
use netpol::onward::{From, Onward, onward};
use netpol::policy::Enforcer;
use netpol::unwritten;
use netpol::verdict::{Explanation, Question, Verdict, explain};

/// Namespace shop with web, api and their Services (80, to 8080), and ingress-nginx behind a load balancer.
const SHOP: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: [{ports: [{containerPort: 8080}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: api, namespace: shop, labels: {app: api}}, spec: {containers: [{ports: [{containerPort: 8080}]}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop}, spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: nginx, namespace: edge, labels: {app.kubernetes.io/name: ingress-nginx}}, spec: {}}
---
{apiVersion: v1, kind: Service, metadata: {name: nginx, namespace: edge}, spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app.kubernetes.io/name: ingress-nginx}, ports: [{port: 80}]}}
";

fn read(manifests: &str) -> Cluster {
    enforced(&format!("{SHOP}{manifests}"), &Enforcer::default())
}

fn shut(app: &str) -> String {
    policy(app, &format!("podSelector: {{matchLabels: {{app: {app}}}}}, policyTypes: [Ingress]"))
}

/// An Ingress of ingress-nginx with these fields of its metadata and these rules, or more of its spec.
fn ingress(name: &str, metadata: &str, spec: &str) -> String {
    format!(
        "---\n{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: {name}, namespace: shop{metadata}}}, \
         spec: {{ingressClassName: nginx, {spec}}}}}\n"
    )
}

fn path(kind: &str, text: &str, service: &str) -> String {
    format!(
        "{{path: '{text}', pathType: {kind}, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}"
    )
}

fn host(paths: &[String]) -> String {
    format!("rules: [{{host: shop.example.org, http: {{paths: [{}]}}}}]", paths.join(", "))
}

impl Cluster {
    fn internet_to(&self, to: &str) -> Explanation {
        let found = unwritten::internet(&self.snapshot, &self.rules);
        let source = EndName { names: Named::Found(Box::new(found)), port: None, path: None };
        let destination = to.parse().unwrap();
        let question =
            Question { source: &source, destination: &destination, port: None, namespace: "shop" };
        explain(&self.snapshot, &self.rules, &question).unwrap_or_else(|e| panic!("{to}: {e}"))
    }

    /// The verdict on a path of shop.example.org, and what is said of its ways.
    fn at(&self, path: &str) -> (&'static str, String) {
        let explanation = self.internet_to(&format!("http://shop.example.org{path}"));
        let said = explanation.ways.iter().flat_map(|way| way.faults.clone());
        let said = said.chain(explanation.notes.iter().cloned()).collect::<Vec<_>>().join("\n");
        (explanation.verdict().map_or("Mixed", Verdict::as_str), said)
    }

    fn reach(&self) -> Onward {
        let effort = Effort::default();
        onward(&self.snapshot, &self.rules, &From::Internet, usize::MAX, effort).unwrap()
    }

    /// By how many hops a pod is reached from the internet, `perhaps` where that is not certain.
    fn hops_to(&self, name: &str) -> String {
        let reach = self.reach();
        let is = |id: &usize| *self.snapshot.pod(*id).name == *name;
        let found = reach.reached().find(|(_, it, _)| it.pods.iter().any(is));
        found.map_or_else(
            || "not".to_owned(),
            |(_, it, sure)| format!("{}{}", if sure { "" } else { "perhaps " }, it.hops),
        )
    }

    fn not_known(&self) -> String {
        self.reach().not_known.join("\n")
    }
}

/// docs/semantics/entries.md#listeners: who takes a route may be what is not written.
#[test]
fn gateways_that_are_not_written() {
    let route = |kind: &str| {
        format!(
            "---\n{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{name: r, namespace: shop}}, spec: \
             {{parentRefs: [{{{kind}name: public, namespace: infra}}], hostnames: [shop.example.org], rules: \
             [{{backendRefs: [{{name: web, port: 80}}]}}]}}}}\n"
        )
    };
    for (kind, what) in [("", "Gateway"), ("kind: ListenerSet, ", "ListenerSet")] {
        let cluster = read(&route(kind));
        let why =
            format!("{what} infra/public, by which HTTPRoute shop/r comes in, is not written");
        assert_eq!(cluster.at("/").0, "Unknown");
        assert!(cluster.not_known().contains(&why), "{}", cluster.not_known());
    }
    // A load balancer leads to nginx, which policies let on to web: without it only the route does.
    let alone = SHOP.replace("type: LoadBalancer, externalTrafficPolicy: Local, ", "");
    let open = enforced(&format!("{alone}{}", route("")), &Enforcer::default());
    assert_eq!(open.hops_to("web"), "perhaps 1");
    let closed = enforced(&format!("{alone}{}{}", route(""), shut("web")), &Enforcer::default());
    assert_eq!((closed.at("/").0, closed.hops_to("web").as_str()), ("Denied", "not"));
    // What is for traffic between pods leads nobody in.
    let mesh = enforced(&format!("{alone}{}", route("kind: Service, ")), &Enforcer::default());
    assert_eq!(mesh.hops_to("web"), "not");
    // Labels of a namespace that is not written.
    let gateway = "---\n{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: public, namespace: infra}, \
         spec: {gatewayClassName: istio, listeners: [{name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: \
         {from: Selector, selector: {matchLabels: {team: red}}}}}]}}\n";
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n---\n";
    let unread = alone.replace(namespace, "");
    let cluster = enforced(&format!("{unread}{gateway}{}", route("")), &Enforcer::default());
    assert!(
        cluster.not_known().contains("since the labels of namespace shop are not written"),
        "{}",
        cluster.not_known()
    );
    let told = enforced(&format!("{alone}{gateway}{}", route("")), &Enforcer::default());
    assert_eq!(told.hops_to("web"), "not", "its namespace has no such label");
}

/// docs/semantics/entries.md#patterns: a rule with a pattern may be for the path, and the one that surely is
/// no longer decides alone.
#[test]
fn patterns() {
    let pattern = path("ImplementationSpecific", "/api(/|$)(.*)", "api");
    let both = ingress("a", "", &host(&[path("Prefix", "/", "web"), pattern.clone()]));
    for (shut_app, at, expected) in [
        ("api", "/api/x", "Unknown"),
        ("web", "/api/x", "Unknown"),
        // What is written before the pattern is not there.
        ("api", "/cart", "Allowed"),
        ("web", "/cart", "Denied"),
    ] {
        assert_eq!(read(&(both.clone() + &shut(shut_app))).at(at).0, expected, "{shut_app} {at}");
    }
    // Whichever it is.
    assert_eq!(read(&both).at("/api/x").0, "Allowed");
    assert_eq!(read(&(both + &shut("web") + &shut("api"))).at("/api/x").0, "Denied");
    // A pattern alone may lead nowhere, and a whole path comes first.
    assert_eq!(
        read(&ingress("a", "", &host(std::slice::from_ref(&pattern)))).at("/api/x").0,
        "Unknown"
    );
    let exact = ingress("a", "", &host(&[path("Exact", "/api/x", "web"), pattern]));
    assert_eq!(read(&(exact.clone() + &shut("api"))).at("/api/x").0, "Allowed");
    // Not where all are regular expressions, of whatever Ingress of the host.
    let rewriting = ", annotations: {nginx.ingress.kubernetes.io/rewrite-target: /$2}";
    let other = ingress("b", rewriting, &host(&[path("Prefix", "/b", "web")]));
    assert_eq!(read(&(exact + &other + &shut("api"))).at("/api/x").0, "Unknown");
    let plain = host(&[path("Prefix", "/", "web"), path("Prefix", "/api", "api")]);
    let regex = ", annotations: {nginx.ingress.kubernetes.io/use-regex: 'true'}";
    assert_eq!(read(&(ingress("a", regex, &plain) + &shut("api"))).at("/apis").0, "Unknown");
    assert_eq!(read(&(ingress("a", "", &plain) + &shut("api"))).at("/apis").0, "Allowed");
    // AWS' load balancers have stars.
    let star = host(&[path("ImplementationSpecific", "/*", "api"), path("Prefix", "/", "web")]);
    let alb = ingress("a", "", &star).replace("nginx", "alb");
    assert_eq!(read(&(alb + &shut("api"))).at("/cart").0, "Unknown");
}

/// docs/semantics/entries.md#default-backends.
#[test]
fn default_backends() {
    let rest = "defaultBackend: {service: {name: web, port: {number: 80}}}, ";
    let own = format!("{rest}{}", host(&[path("Prefix", "/x", "api")]));
    let all = ingress("a", "", &own);
    assert_eq!(read(&(all.clone() + &shut("api"))).at("/other").0, "Allowed");
    assert_eq!(read(&(all + &shut("web"))).at("/other").0, "Denied");
    // Of a host without paths.
    let bare = ingress("a", "", &format!("{rest}rules: [{{host: shop.example.org}}]"));
    assert_eq!(read(&bare).at("/").0, "Allowed");
    // Another's may.
    let other = ingress("b", "", &format!("{rest}rules: []"));
    let first = ingress("a", "", &host(&[path("Prefix", "/x", "api")]));
    assert_eq!(read(&(first.clone() + &other)).at("/other").0, "Unknown");
    let (verdict, said) = read(&first).at("/other");
    assert!(verdict == "Unknown" && said.contains("nothing here leads on"), "{said}");
    // Of a way for another path nothing is denied.
    assert_eq!(read(&(first + &shut("api"))).at("/other").0, "Unknown");
}

const GATEWAY: &str = "---
{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: g, namespace: shop}, spec: {gatewayClassName: cilium, listeners: [{name: web, port: 80, protocol: HTTP}]}}
";

fn route(rules: &str) -> String {
    format!(
        "{GATEWAY}---\n{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{name: r, namespace: shop}}, \
         spec: {{parentRefs: [{{name: g}}], hostnames: [shop.example.org], rules: [{rules}]}}}}\n"
    )
}

/// docs/semantics/entries.md#rules-without-a-service.
#[test]
fn rules_without_a_service() {
    let redirect = "{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}, {matches: [{path: \
                    {value: /api}}], backendRefs: [{name: api, port: 80}]}";
    let cluster = read(&(route(redirect) + &shut("api")));
    let (verdict, said) = cluster.at("/x");
    assert_eq!(verdict, "Unknown");
    assert!(said.contains("redirects what comes, and leads to no Service"), "{said}");
    assert!(!said.contains("another path"), "{said}");
    assert_eq!(cluster.at("/api").0, "Denied");
    let pool =
        "{backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: llm}]}";
    let cluster = read(&route(pool));
    let why = "leads to InferencePool shop/llm, which is not followed here";
    assert!(cluster.at("/").1.contains(why) && cluster.not_known().contains(why));
    let bucket = ingress(
        "a",
        "",
        "rules: [{host: shop.example.org, http: {paths: [{path: /, pathType: Prefix, backend: {resource: \
         {kind: Bucket, name: b}}}]}}]",
    );
    assert!(read(&bucket).at("/").1.contains("leads to Bucket shop/b, which is not followed here"));
}

/// docs/semantics/entries.md#copies.
#[test]
fn copies() {
    let mirror = "{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: api, port: 80}}}], backendRefs: \
                  [{name: web, port: 80}]}";
    let shadow = "{backendRefs: [{name: web, port: 80, filters: [{type: RequestMirror, requestMirror: {backendRef: \
                  {name: api, port: 80}}}]}]}";
    // Whoever is behind the load balancer does not lead there.
    let alone = SHOP.replace("type: LoadBalancer, externalTrafficPolicy: Local, ", "");
    for rule in [mirror, shadow] {
        let all = format!("{alone}{}", route(rule));
        let cluster = enforced(&all, &Enforcer::default());
        assert_eq!(cluster.hops_to("api"), "1", "{rule}");
        let closed = enforced(&(all + &shut("api")), &Enforcer::default());
        let (verdict, said) = closed.at("/");
        assert_eq!((verdict, closed.hops_to("api").as_str()), ("Allowed", "not"));
        assert!(said.contains("sends a copy to shop/svc/api"), "{said}");
    }
}

/// docs/semantics/entries.md#external-names.
#[test]
fn external_names() {
    let alias = "---\n{apiVersion: v1, kind: Service, metadata: {name: alias, namespace: shop}, spec: {type: ExternalName, \
                 externalName: web.shop.svc.cluster.local}}\n";
    let all = ingress("a", "", &host(&[path("Prefix", "/", "alias")])) + alias;
    assert_eq!(read(&all).at("/").0, "Allowed");
    assert_eq!(read(&(all.clone() + &shut("web"))).at("/").0, "Denied");
    let (verdict, said) =
        read(&all.replace("ingressClassName: nginx", "ingressClassName: alb")).at("/");
    assert_eq!(verdict, "Unknown");
    assert!(said.contains("its controller decides"), "{said}");
}

/// docs/semantics/entries.md#ports-of-nodes: who asks for the port of a node asks for the pod.
#[test]
fn ports_of_nodes() {
    let pod = |on: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: Pod, metadata: {{name: host, namespace: shop, labels: {{app: host}}}}, spec: \
             {{{on}containers: [{{ports: [{{containerPort: 8080, hostPort: 8443}}]}}]}}}}\n"
        )
    };
    let ask = |manifests: String, question: &str| cluster(&manifests).ask(question).verdict();
    for (on, to, expected) in [
        ("nodeName: n1, ", "192.168.0.1:8443", "Denied"),
        ("nodeName: n1, ", "node/n1:8443", "Denied"),
        ("nodeName: n1, ", "192.168.0.2:8443", "Allowed"),
        ("nodeName: n1, ", "192.168.0.1:8080", "Allowed"),
        ("nodeName: n1, ", "192.168.0.1:8443/UDP", "Allowed"),
        // It may be there, or not.
        ("", "192.168.0.1:8443", "Unknown"),
    ] {
        let question = format!("203.0.113.9 → {to}");
        assert_eq!(ask(pod(on) + &shut("host"), &question), expected, "{on} {to}");
        assert_eq!(ask(pod(on), &question), "Allowed", "{on} {to}");
    }
    // The pod sees the sender, and policies of the sender the pod or the node.
    let from_outside = policy(
        "in",
        "podSelector: {matchLabels: {app: host}}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]",
    );
    let at = "203.0.113.9 → 192.168.0.1:8443";
    assert_eq!(ask(pod("nodeName: n1, ") + &from_outside, at), "Allowed");
    let out = policy(
        "out",
        "podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]",
    );
    assert_eq!(ask(pod("nodeName: n1, ") + &out, "web → 192.168.0.1:8443"), "Unknown");
}

/// docs/semantics/entries.md#pods-on-their-nodes-network.
#[test]
fn pods_on_their_nodes_network() {
    let hn = |on: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: Pod, metadata: {{name: hn, namespace: shop}}, spec: {{{on}hostNetwork: true, \
             containers: [{{ports: [{{containerPort: 9100}}]}}]}}}}\n"
        )
    };
    let node = |name: &str, ip: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: Node, metadata: {{name: {name}}}, status: {{addresses: [{{address: {ip}}}]}}}}\n"
        )
    };
    let nodes = node("n1", "198.41.0.4") + &node("n2", "10.0.0.2");
    let deny = policy("deny", "podSelector: {}, policyTypes: [Ingress, Egress]");
    for (manifests, expected) in [
        (hn("nodeName: n1, ") + &nodes, "1"),
        (hn("nodeName: n2, ") + &nodes, "perhaps 1"),
        (hn("") + &nodes, "1"),
        (hn(""), "perhaps 1"),
    ] {
        // Nothing else that leads in goes on from there.
        let alone = SHOP.replace("type: LoadBalancer, externalTrafficPolicy: Local, ", "");
        let cluster = enforced(&format!("{alone}{manifests}{deny}"), &Enforcer::default());
        assert_eq!(cluster.hops_to("hn"), expected, "{manifests}");
    }
}

/// docs/semantics/other-kinds.md#ways-in and docs/semantics/entries.md#to-the-controller: what leads in and
/// is not followed leaves open who is reached.
#[test]
fn ways_that_are_not_followed() {
    let traefik = "---\n{apiVersion: traefik.io/v1alpha1, kind: IngressRoute, metadata: {name: r, namespace: shop}, spec: \
                   {routes: []}}\n";
    let (objects, _) = netpol::objects::decode_text(
        format!("{SHOP}{traefik}").into(),
        std::path::Path::new("in.yaml"),
        "shop",
    );
    let (snapshot, written) = objects.assemble();
    let rules = netpol::policy::Ruleset::compile(&written, &snapshot, &Enforcer::default());
    let cluster = Cluster { snapshot, rules };
    assert!(
        cluster.not_known().contains("by ways that are not followed"),
        "{}",
        cluster.not_known()
    );
    // Nothing leads to the controller of an Ingress, and a tunnel may.
    let alone = SHOP.replace("type: LoadBalancer, externalTrafficPolicy: Local, ", "");
    let alone = alone.replace("ports: [{port: 80}]", "ports: [{port: 8081}]");
    let all = alone + &ingress("a", "", &host(&[path("Prefix", "/", "web")]));
    let cluster = enforced(&all, &Enforcer::default());
    assert_eq!(cluster.hops_to("web"), "perhaps 2");
    assert!(cluster.not_known().contains("nothing here leads to edge/pod/nginx at port 80"));
}

/// docs/semantics/services.md#from-outside: one verdict with its addresses.
#[test]
fn services_from_outside() {
    let service = |spec: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: Service, metadata: {{name: front, namespace: shop}}, spec: {{{spec}, selector: \
             {{app: api}}, ports: [{{port: 443, targetPort: 8080, nodePort: 30443}}]}}, status: {{loadBalancer: \
             {{ingress: [{{ip: 192.0.2.10}}]}}}}}}\n"
        )
    };
    let admits = policy(
        "in",
        "podSelector: {matchLabels: {app: api}}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]",
    );
    for (spec, expected) in [
        ("type: LoadBalancer", "Unknown"),
        ("type: LoadBalancer, externalTrafficPolicy: Local", "Allowed"),
        ("type: NodePort", "Unknown"),
        ("type: NodePort, externalTrafficPolicy: Local", "Allowed"),
        ("externalIPs: [192.0.2.11]", "Unknown"),
        ("clusterIP: 10.96.0.9", "Allowed"),
    ] {
        let cluster = cluster(&(service(spec) + &admits));
        let answer = cluster.ask("203.0.113.9 → svc/front");
        assert_eq!(answer.verdict(), expected, "{spec}");
        let notes = answer.notes();
        if spec.contains("clusterIP") {
            assert!(notes.contains("nothing here leads from outside to shop/svc/front"), "{notes}");
        } else {
            assert!(notes.contains("From outside shop/svc/front is reached by"), "{notes}");
        }
        // Neither this sender nor a node is admitted.
        assert_eq!(cluster.ask("8.8.8.8 → svc/front").verdict(), "Denied", "{spec}");
        // From inside it is its pods.
        assert_eq!(cluster.ask("web → svc/front").verdict(), "Denied", "{spec}");
    }
    // One whose address is not known may take traffic itself.
    let unknown =
        service("type: LoadBalancer, externalTrafficPolicy: Local").replace("ip: 192.0.2.10", "");
    let cluster = cluster(&(unknown + &admits));
    assert_eq!(cluster.ask("203.0.113.9 → svc/front").verdict(), "Unknown");
}

/// docs/semantics/services.md#endpoints: slices that someone wrote add to what a selector selects, and those
/// that the cluster keeps say the same.
#[test]
fn slices_beside_a_selector() {
    let manifests = |labels: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: Service, metadata: {{name: two, namespace: shop}}, spec: {{selector: {{app: api}}, \
             ports: [{{port: 80, targetPort: 8080}}]}}}}\n---\n{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, \
             metadata: {{name: two-x, namespace: shop, labels: {{kubernetes.io/service-name: two{labels}}}}}, addressType: \
             IPv4, ports: [{{port: 8081, name: ''}}], endpoints: [{{addresses: [198.51.100.9]}}]}}\n"
        )
    };
    let cases = |labels| cluster(&manifests(labels)).ask("web → svc/two").cases();
    assert_eq!(cases(""), ["shop/pod/api 8080/TCP Allowed", "198.51.100.9 8081/TCP Allowed"]);
    let kept = ", endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io";
    assert_eq!(cases(kept), ["shop/pod/api 8080/TCP Allowed"]);
}

/// docs/semantics/services.md#headless-services: one without ports is its pods.
#[test]
fn headless_without_ports() {
    let manifests = "---\n{apiVersion: v1, kind: Service, metadata: {name: all, namespace: shop}, spec: {clusterIP: None, \
                     selector: {app: api}}}\n";
    assert_eq!(cluster(manifests).ask("web → svc/all").verdict(), "Allowed");
    assert_eq!(
        cluster(&(manifests.to_owned() + &shut("api"))).ask("web → svc/all").verdict(),
        "Denied"
    );
}
