//! docs/semantics/entries.md: ways in by host, path and listener.

use super::{Cluster, enforced, policy};
use netpol::ends::{EndName, Named};
use netpol::policy::Enforcer;
use netpol::unwritten;
use netpol::verdict::{Explanation, Hop, Question, Verdict, explain};

/// Namespace shop with api (8080) and its Service (80), and ingress-nginx with its load balancer.
const SHOP: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: red}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: nginx}}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
spec: {containers: [{ports: [{name: http, containerPort: 8080}]}]}
---
{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop}, spec: {selector: {app: api}, ports: [{name: web, port: 80, targetPort: http}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: controller, namespace: nginx, labels: {app.kubernetes.io/name: ingress-nginx}}
spec: {nodeName: n1}
---
apiVersion: v1
kind: Pod
metadata: {name: hook, namespace: nginx, labels: {app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/component: admission-webhook}}
spec: {}
---
";

const CLASS: &str = "---\n{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: web}, \
                     spec: {controller: k8s.io/ingress-nginx}}\n";

/// A Service in front of a controller's pods.
fn front(spec: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: front, namespace: nginx}}\n\
         spec: {{selector: {{app.kubernetes.io/name: ingress-nginx}}, \
         ports: [{{name: http, port: 80}}, {{name: https, port: 443, targetPort: 8443}}]{spec}}}\n"
    )
}

fn ingress_of(class: &str, host: &str, path: &str, service: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {service}, namespace: shop}}\n\
         spec: {{{class}rules: [{{host: '{host}', http: {{paths: [{{path: {path}, pathType: Prefix, \
         backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}]}}}}]}}\n"
    )
}

fn ingress() -> String {
    CLASS.to_owned() + &ingress_of("ingressClassName: web, ", "shop.example.org", "/", "api")
}

fn into_api(rules: &str) -> String {
    policy("in", &format!("podSelector: {{}}, policyTypes: [Ingress], ingress: {rules}"))
}

const FROM_NGINX: &str =
    "[{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: nginx}}}]}]";
const BALANCED: &str = ", type: LoadBalancer, externalTrafficPolicy: Local";

fn read(manifests: &str) -> Cluster {
    enforced(&format!("{SHOP}{manifests}"), &Enforcer::default())
}

fn cilium(manifests: &str) -> Cluster {
    enforced(&format!("{SHOP}{manifests}"), &"cilium".parse().unwrap())
}

impl Cluster {
    /// What becomes of a request from the internet.
    fn asked_of_internet(&self, to: &str) -> Explanation {
        let found = unwritten::internet(&self.snapshot, &self.rules);
        let source = EndName { names: Named::Found(Box::new(found)), port: None, path: None };
        let destination = to.parse().unwrap();
        let question =
            Question { source: &source, destination: &destination, port: None, namespace: "shop" };
        explain(&self.snapshot, &self.rules, &question).unwrap_or_else(|e| panic!("{to}: {e}"))
    }

    /// Its verdict, and that of each hop: `Denied: Allowed Denied`.
    fn hops(&self, to: &str) -> String {
        let explanation = self.asked_of_internet(to);
        let word = |verdict: Option<Verdict>| verdict.map_or("Mixed", Verdict::as_str);
        let hops = explanation.ways.iter().flat_map(|way| &way.hops);
        let hops: Vec<&str> = hops.map(|hop: &Hop| word(hop.verdict())).collect();
        format!("{}: {}", word(explanation.verdict()), hops.join(" "))
    }

    fn faults(&self, to: &str) -> String {
        let explanation = self.asked_of_internet(to);
        let faults = explanation.ways.iter().flat_map(|way| way.faults.clone());
        let hops = explanation.ways.iter().flat_map(|way| &way.hops);
        let said = hops.filter_map(|hop| match &hop.judged {
            netpol::verdict::Judged::Otherwise(_, why) => Some(why.clone()),
            netpol::verdict::Judged::ByPolicies(..) => None,
        });
        faults.chain(said).collect::<Vec<_>>().join("\n")
    }
}

const HOST: &str = "https://shop.example.org/";

/// docs/semantics/entries.md#hops and docs/semantics/entries.md#routed-but-denied: each hop is judged, and
/// the first that does not pass is the answer.
#[test]
fn each_hop_is_judged() {
    let closed = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: shut, \
                  namespace: nginx}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}\n";
    let base = ingress() + &front(BALANCED);
    for (more, expected) in [
        (String::new(), "Allowed: Allowed Allowed"),
        (into_api(FROM_NGINX), "Allowed: Allowed Allowed"),
        (into_api("[]"), "Denied: Allowed Denied"),
        (
            into_api("[{from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 80}]}]"),
            "Denied: Allowed Denied",
        ),
        (closed.to_owned(), "Denied: Denied Denied"),
    ] {
        assert_eq!(read(&(base.clone() + &more)).hops(HOST), expected, "{more}");
    }
}

/// docs/semantics/entries.md#to-the-controller: what leads to it, with whom its pods see, by type and
/// externalTrafficPolicy. Its pods take what comes from outside and not from nodes.
#[test]
fn ways_to_the_controller() {
    let from_outside = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: in, \
         namespace: nginx}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, \
         except: [192.168.0.0/16]}}, {ipBlock: {cidr: '::/0'}}]}]}}\n---\n{apiVersion: v1, kind: Node, \
         metadata: {name: n2}, status: {addresses: [{address: 192.168.0.2}]}}\n";
    let status = "status: {loadBalancer: {ingress: [{ip: 198.51.100.7}]}}\n";
    for (spec, status, expected) in [
        // docs/semantics/services.md#who-the-sender-is
        (", type: LoadBalancer, externalTrafficPolicy: Local", status, "Allowed"),
        (", type: LoadBalancer, externalTrafficPolicy: Cluster", status, "Unknown"),
        (", type: LoadBalancer", "", "Unknown"),
        (", type: NodePort, externalTrafficPolicy: Local", "", "Allowed"),
        (", type: NodePort", "", "Unknown"),
        (", externalIPs: [198.51.100.9], externalTrafficPolicy: Local", "", "Allowed"),
        // Nothing that is known leads there.
        ("", "", "Unknown"),
    ] {
        let cluster = read(&(ingress() + &front(spec) + status + from_outside));
        let explanation = cluster.asked_of_internet(HOST);
        let first = explanation.ways[0].hops[0].verdict();
        assert_eq!(first.map(Verdict::as_str), Some(expected), "{spec}: {:?}", explanation.ways);
    }
}

/// docs/semantics/entries.md#to-the-controller and docs/semantics/entries.md#ports-of-nodes.
#[test]
fn ports_of_the_controllers_node() {
    let pod = |spec: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: kong, namespace: nginx, labels: {{app: proxy-kong}}}}\n\
             spec: {{{spec}}}\n---\n{{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {{name: k}}, \
             spec: {{controller: ingress-controllers.konghq.com/kong}}}}\n{}",
            ingress_of("ingressClassName: k, ", "shop.example.org", "/", "api")
        )
    };
    let host_port = pod("containers: [{ports: [{containerPort: 8443, hostPort: 443}]}]");
    let shut = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: in, namespace: \
                nginx}, spec: {podSelector: {}, ingress: [{ports: [{port: 8443}]}]}}\n";
    assert_eq!(read(&host_port).hops(HOST), "Allowed: Allowed Allowed");
    assert_eq!(read(&(host_port.clone() + shut)).hops(HOST), "Allowed: Allowed Allowed");
    assert_eq!(read(&host_port).hops("http://shop.example.org/"), "Unknown: Unknown Allowed");
    // On its node's network no policy keeps anyone out.
    let on_node = pod("hostNetwork: true, containers: [{}]");
    assert_eq!(read(&(on_node + shut)).hops(HOST), "Allowed: Allowed Allowed");
}

/// docs/semantics/entries.md#hosts-that-nothing-leads-in: from outside such a host is not known; from a pod
/// it is outside.
#[test]
fn hosts_that_nothing_leads_in() {
    let cluster = read(&(ingress() + &front(BALANCED)));
    let told =
        "Nothing here leads other.example.org in: no Ingress, Route, Gateway or load balancer";
    let asked = cluster.asked_of_internet("https://other.example.org/");
    assert_eq!(asked.verdict(), Some(Verdict::Unknown));
    assert!(asked.notes.iter().any(|note| note.starts_with(told)), "{:?}", asked.notes);
    cluster.holds(&[
        "203.0.113.9 → https://other.example.org/ is Unknown",
        "api → https://other.example.org/ is Allowed",
        "203.0.113.9 → 198.51.100.77:443 is Allowed",
    ]);
    let address = cluster.asked_of_internet("198.51.100.77:443");
    assert_eq!(address.verdict(), Some(Verdict::Unknown));
}

/// What leads nowhere is said in a sentence, also where Services stand for one another.
#[test]
fn circles_of_names() {
    let alias = |name: &str, of: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop}}, spec: {{type: \
             ExternalName, externalName: {of}.shop.svc.cluster.local, ports: [{{port: 80}}]}}}}\n"
        )
    };
    let leads = ingress_of("ingressClassName: nginx, ", "shop.example.org", "/", "one");
    let all = leads + &alias("one", "other") + &alias("other", "one") + &front(BALANCED);
    let cluster = read(&all);
    let faults = cluster.faults(HOST);
    assert!(
        faults.contains("Ingress shop/one: ") && faults.contains("runs in a circle"),
        "{faults}"
    );
    assert_eq!(cluster.hops(HOST), "Unknown: Allowed");
    // Nothing of it is lost from what is exposed.
    assert!(cluster.refusal("api → svc/one:80").contains("runs in a circle"));
}

/// docs/semantics/entries.md#classes and docs/semantics/entries.md#controllers: who serves an Ingress.
#[test]
fn classes() {
    let at = |class: &str, more: &str| {
        let ingress = ingress_of(class, "shop.example.org", "/", "api");
        read(&(ingress + &front(BALANCED) + more))
    };
    let default = CLASS.replace(
        "{name: web}",
        "{name: web, annotations: {ingressclass.kubernetes.io/is-default-class: 'true'}}",
    );
    assert_eq!(at("", &default).hops(HOST), "Allowed: Allowed Allowed");
    assert_eq!(at("ingressClassName: nginx, ", "").hops(HOST), "Allowed: Allowed Allowed");
    let annotated = ingress_of("", "shop.example.org", "/", "api")
        .replace("{name: api,", "{name: api, annotations: {kubernetes.io/ingress.class: nginx},");
    assert_eq!(read(&(annotated + &front(BALANCED))).hops(HOST), "Allowed: Allowed Allowed");
    for (class, more, said) in [
        ("", CLASS, "Ingress shop/api names no class, and no IngressClass here is the default"),
        ("ingressClassName: odd, ", "", "has class odd, which is not written here"),
        (
            "ingressClassName: odd, ",
            CLASS,
            "has class odd, which nothing here serves (there is web)",
        ),
        ("ingressClassName: traefik, ", "", "no pod of Traefik is here"),
    ] {
        let cluster = at(class, more);
        assert_eq!(cluster.hops(HOST), "Unknown: Unknown Allowed", "{class}");
        let faults = cluster.faults(HOST);
        assert!(faults.contains(said) && faults.contains("--ingress-controller"), "{faults}");
    }
    // Closed is closed, whoever the controller is.
    assert_eq!(at("", &into_api("[]")).hops(HOST), "Denied: Unknown Denied");
    assert_eq!(at("", &into_api(FROM_NGINX)).hops(HOST), "Unknown: Unknown Unknown");
    let mut given = at("ingressClassName: odd, ", &into_api(FROM_NGINX));
    let pods = given.snapshot.pods_in("nginx").filter(|(_, pod)| &*pod.name == "controller");
    let pods = pods.map(|(id, _)| id).collect();
    given.snapshot.entrances.controller = Some(("nginx/pod/controller".into(), pods));
    assert_eq!(given.hops(HOST), "Allowed: Allowed Allowed");
}

/// docs/semantics/entries.md#who-the-pods-see: a cloud's load balancer is outside, or a node.
#[test]
fn controllers_of_a_cloud() {
    let alb = ingress_of("ingressClassName: alb, ", "shop.example.org", "/", "api");
    let at = |rules: &str| read(&(alb.clone() + &into_api(rules))).hops(HOST);
    assert_eq!(at("[{}]"), "Allowed: Allowed Allowed");
    assert_eq!(
        at("[{from: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: '::/0'}}]}]"),
        "Allowed: Allowed Allowed"
    );
    assert_eq!(at("[{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]"), "Unknown: Allowed Unknown");
    assert_eq!(
        at("[{from: [{podSelector: {}, namespaceSelector: {}}]}]"),
        "Denied: Allowed Denied"
    );
}

/// docs/semantics/entries.md#who-the-pods-see: Cilium's own proxy is the entity `ingress`.
#[test]
fn cilium_has_an_entity() {
    let base = ingress_of("ingressClassName: cilium, ", "shop.example.org", "/", "api");
    let entity = |name: &str| {
        format!(
            "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: shop}}\n\
             spec: {{endpointSelector: {{}}, ingress: [{{fromEntities: [{name}]}}]}}\n"
        )
    };
    for (name, expected) in [
        ("ingress", "Allowed: Allowed Allowed"),
        ("cluster", "Allowed: Allowed Allowed"),
        ("all", "Allowed: Allowed Allowed"),
        ("world", "Denied: Allowed Denied"),
        ("host", "Denied: Allowed Denied"),
    ] {
        assert_eq!(cilium(&(base.clone() + &entity(name))).hops(HOST), expected, "{name}");
    }
    let blocks =
        into_api("[{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}, {from: [{namespaceSelector: {}}]}]");
    assert_eq!(cilium(&(base.clone() + &blocks)).hops(HOST), "Denied: Allowed Denied");
    // What speaks for the proxy itself is not judged.
    let deny = "---\n{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: deny}, \
                spec: {endpointSelector: SELECTOR, ingress: [{}]}}\n";
    for (selector, expected) in [
        ("{}", "Denied: Unknown Denied"),
        ("{matchLabels: {app: api}}", "Denied: Allowed Denied"),
        ("{matchLabels: {app: other}}", "Allowed: Allowed Allowed"),
        ("{matchLabels: {'reserved:ingress': ''}}", "Unknown: Unknown Allowed"),
    ] {
        let all = base.clone() + &deny.replace("SELECTOR", selector);
        assert_eq!(cilium(&all).hops(HOST), expected, "{selector}");
    }
}

/// docs/semantics/entries.md#hosts and docs/semantics/entries.md#paths: the nearest rule leads.
#[test]
fn the_nearest_rule() {
    let other = "---\n{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop, labels: {app: cart}}, spec: {}}\n\
                 ---\n{apiVersion: v1, kind: Service, metadata: {name: cart, namespace: shop}, spec: {selector: \
                 {app: cart}, ports: [{port: 80}]}}\n";
    let class = "ingressClassName: nginx, ";
    let all = ingress_of(class, "*.example.org", "/", "api")
        + other
        + &ingress_of(class, "shop.example.org", "/cart", "cart")
        + &front(BALANCED);
    let cluster = read(&all);
    let to = |host: &str| {
        let explanation = cluster.asked_of_internet(host);
        let hops = explanation.ways.iter().map(|way| way.hops[1].to.clone());
        hops.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(to("https://shop.example.org/cart/7"), "shop/pod/cart");
    assert_eq!(to("https://a.example.org/"), "shop/pod/api");
    assert_eq!(to("https://a.example.org/cart"), "shop/pod/api");
    // A host that is written has no more than its own paths.
    assert_eq!(cluster.hops("https://shop.example.org/carts"), "Unknown: Allowed Allowed");
    assert!(cluster.faults("https://shop.example.org/carts").contains("is for another path"));
    assert!(cluster.asked_of_internet("https://a.b.example.org/").ways.is_empty());
}

/// docs/semantics/entries.md#hops: what is written and leads nowhere is said in a sentence.
#[test]
fn what_leads_nowhere() {
    let class = "ingressClassName: nginx, ";
    let gone = ingress_of(class, "shop.example.org", "/", "gone") + &front(BALANCED);
    assert_eq!(read(&gone).hops(HOST), "Unknown: Allowed");
    assert!(
        read(&gone)
            .faults(HOST)
            .contains("shop/svc/gone is not there: Ingress shop/gone leads nowhere")
    );
    let port = ingress().replace("number: 80", "number: 81") + &front(BALANCED);
    assert!(read(&port).faults(HOST).contains("shop/svc/api has no port 81"));
    let empty = "---\n{apiVersion: v1, kind: Service, metadata: {name: none, namespace: shop}, \
                 spec: {selector: {app: none}, ports: [{port: 80}]}}\n";
    let empty = ingress_of(class, "shop.example.org", "/", "none") + empty + &front(BALANCED);
    assert_eq!(read(&empty).hops(HOST), "Unknown: Allowed Unknown");
    // docs/semantics/entries.md#claimed-twice
    let twice = ingress()
        + &ingress_of("ingressClassName: web, ", "shop.example.org", "/", "gone")
        + &front(BALANCED);
    let notes = read(&twice).asked_of_internet(HOST).notes.join("\n");
    assert!(notes.contains("Ingress shop/api and Ingress shop/gone all claim it"), "{notes}");
}

/// docs/semantics/entries.md#open-without-a-way.
#[test]
fn open_and_led_to() {
    let notes = |manifests: &str, to: &str| read(manifests).asked_of_internet(to).notes.join("\n");
    let alone = notes("", "svc/api:80");
    assert!(alone.contains("nothing here leads from outside to shop/svc/api"), "{alone}");
    let led = notes(&(ingress() + &front(BALANCED)), "svc/api:80");
    assert!(led.contains("From outside Ingress shop/api (shop.example.org) leads to"), "{led}");
    let shut = notes(&into_api("[]"), "svc/api:80");
    assert!(!shut.contains("leads"), "{shut}");
}

/// A Gateway of Istio in namespace infra, its pods, and a route to shop/api.
fn gateway(listener: &str, kind: &str, route: &str) -> String {
    format!(
        "---\n{{apiVersion: v1, kind: Namespace, metadata: {{name: infra}}}}\n\
         ---\n{{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {{name: mesh}}, \
         spec: {{controllerName: istio.io/gateway-controller}}}}\n\
         ---\n{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {{name: public, namespace: infra}}, \
         spec: {{gatewayClassName: mesh, listeners: [{listener}]}}}}\n\
         ---\n{{apiVersion: v1, kind: Pod, metadata: {{name: public-istio, namespace: infra, labels: \
         {{gateway.networking.k8s.io/gateway-name: public}}}}, spec: {{}}}}\n\
         ---\n{{apiVersion: v1, kind: Service, metadata: {{name: public-istio, namespace: infra}}, spec: \
         {{type: LoadBalancer, externalTrafficPolicy: Local, selector: {{gateway.networking.k8s.io/gateway-name: \
         public}}, ports: [{{port: 80}}, {{name: tls, port: 443}}]}}}}\n\
         ---\n{{apiVersion: gateway.networking.k8s.io/v1, kind: {kind}, metadata: {{name: shop, namespace: shop}}, \
         spec: {{parentRefs: [{{name: public, namespace: infra}}], {route}}}}}\n"
    )
}

const HTTPS: &str =
    "{name: web, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}";
const TO_API: &str =
    "hostnames: [shop.example.org], rules: [{backendRefs: [{name: api, port: 80}]}]";

/// docs/semantics/entries.md#listeners: which listener takes which route.
#[test]
fn listeners_of_gateways() {
    let from_infra =
        "[{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: infra}}}]}]";
    let good = gateway(HTTPS, "HTTPRoute", TO_API);
    assert_eq!(
        read(&(good.clone() + &into_api(from_infra))).hops(HOST),
        "Allowed: Allowed Allowed"
    );
    assert_eq!(read(&(good.clone() + &into_api("[]"))).hops(HOST), "Denied: Allowed Denied");
    assert!(
        read(&good).faults("http://shop.example.org/").contains("listens at port 443, not at 80")
    );
    for (listener, kind, route, taken) in [
        (HTTPS.replace("All", "Same"), "HTTPRoute", TO_API.to_owned(), false),
        (
            HTTPS.replace("from: All", "from: Selector, selector: {matchLabels: {team: red}}"),
            "HTTPRoute",
            TO_API.to_owned(),
            true,
        ),
        (
            HTTPS.replace("from: All", "from: Selector, selector: {matchLabels: {team: blue}}"),
            "HTTPRoute",
            TO_API.to_owned(),
            false,
        ),
        (
            HTTPS.replace("port: 443,", "port: 443, hostname: '*.example.org',"),
            "HTTPRoute",
            TO_API.to_owned(),
            true,
        ),
        (
            HTTPS.replace("port: 443,", "port: 443, hostname: '*.example.net',"),
            "HTTPRoute",
            TO_API.to_owned(),
            false,
        ),
        (HTTPS.to_owned(), "GRPCRoute", TO_API.to_owned(), true),
        (HTTPS.to_owned(), "TLSRoute", TO_API.to_owned(), false),
        (HTTPS.replace("HTTPS", "TLS"), "TLSRoute", TO_API.to_owned(), true),
        (
            HTTPS
                .replace("HTTPS", "TCP")
                .replace("port: 443,", "port: 443, hostname: shop.example.org,"),
            "TCPRoute",
            TO_API.replace("hostnames: [shop.example.org], ", ""),
            true,
        ),
        (HTTPS.replace("HTTPS", "UDP"), "TCPRoute", TO_API.to_owned(), false),
    ] {
        let version = if kind == "TLSRoute" || kind == "TCPRoute" { "v1alpha2" } else { "v1" };
        let all = gateway(&listener, kind, &route)
            .replace(&format!("v1, kind: {kind}"), &format!("{version}, kind: {kind}"));
        let ways = read(&all).asked_of_internet(HOST).ways.len();
        assert_eq!(ways, usize::from(taken), "{listener} {kind}");
    }
}

/// docs/semantics/entries.md#references-across-namespaces.
#[test]
fn references_across_namespaces() {
    let route = gateway(HTTPS, "HTTPRoute", TO_API)
        .replace("{name: shop, namespace: shop}", "{name: shop, namespace: infra}")
        .replace("{name: api, port: 80}", "{name: api, namespace: shop, port: 80}");
    let grant = |spec: &str| {
        format!(
            "---\n{{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {{name: g, \
             namespace: shop}}, spec: {{{spec}}}}}\n"
        )
    };
    let from = "from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: infra}]";
    for (more, granted) in [
        (String::new(), false),
        (grant(&format!("{from}, to: [{{group: '', kind: Service}}]")), true),
        (grant(&format!("{from}, to: [{{group: '', kind: Service, name: api}}]")), true),
        (grant(&format!("{from}, to: [{{group: '', kind: Service, name: db}}]")), false),
        (grant(&format!("{}, to: [{{kind: Service}}]", from.replace("infra", "other"))), false),
    ] {
        let cluster = read(&(route.clone() + &more));
        let expected =
            if granted { "Allowed: Allowed Allowed" } else { "Unknown: Allowed Allowed" };
        assert_eq!(cluster.hops(HOST), expected, "{more}");
        assert_eq!(cluster.faults(HOST).contains("no ReferenceGrant of shop lets"), !granted);
    }
}

/// docs/semantics/entries.md#who-the-pods-see: a Gateway of Cilium.
#[test]
fn a_gateway_of_cilium() {
    let all = gateway(HTTPS, "HTTPRoute", TO_API)
        .replace("istio.io/gateway-controller", "io.cilium/gateway-controller");
    let rule = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\n\
                spec: {endpointSelector: {}, ingress: [{fromEntities: [ingress], toPorts: [{ports: [{port: '8080'}]}]}]}\n";
    assert_eq!(cilium(&(all.clone() + rule)).hops(HOST), "Allowed: Allowed Allowed");
    assert_eq!(cilium(&(all + &into_api("[]"))).hops(HOST), "Denied: Allowed Denied");
}

/// docs/semantics/entries.md#routes-of-openshift.
#[test]
fn routes_of_openshift() {
    let router = "---\n{apiVersion: v1, kind: Pod, metadata: {name: router, namespace: openshift-ingress, labels: \
                  {ingresscontroller.operator.openshift.io/deployment-ingresscontroller: default}}, spec: \
                  {hostNetwork: true}}\n";
    let route = |port: &str| {
        format!(
            "---\n{{apiVersion: route.openshift.io/v1, kind: Route, metadata: {{name: shop, namespace: shop}}, spec: \
             {{host: shop.example.org, to: {{kind: Service, name: api}}{port}}}}}\n{router}"
        )
    };
    for port in ["", ", port: {targetPort: http}", ", port: {targetPort: web}"] {
        assert_eq!(read(&route(port)).hops(HOST), "Allowed: Allowed Allowed", "{port}");
    }
    assert!(read(&route(", port: {targetPort: odd}")).faults(HOST).contains("has no port \"odd\""));
    // It may be on the pod's own node, whose network it shares.
    assert_eq!(read(&(route("") + &into_api("[]"))).hops(HOST), "Unknown: Allowed Unknown");
    let elsewhere = route("").replace("hostNetwork: true", "hostNetwork: false");
    assert_eq!(read(&(elsewhere + &into_api("[]"))).hops(HOST), "Denied: Unknown Denied");
}
