//! What is shown before a namespace is closed: what is cut, what keeps it, what opens, and what is asked.

use super::{bootstrap, names, pod};
use crate::harness::control_plane;
#[test]
fn what_would_be_cut_is_shown_and_agreed_to() {
    let Ok(cluster) = control_plane() else { return };
    let (shop, other) = (cluster.namespace("boot-shop"), cluster.namespace("boot-client"));
    cluster.apply(&shop, &pod("web", 8080));
    cluster.apply(&other, &pod("client", 9999));
    let ran = bootstrap(cluster, &[&shop, "--v", "1"]).failed(&["--yes", "nothing was written"]);
    for line in [
        format!("pod/web 8080/TCP ← {other}: pod/client  --allow-ingress={other}/pod/client:8080"),
        "pod/web 8080/TCP ← outside the cluster  --allow-ingress=internet:8080".to_owned(),
        format!("pod/web → {other}: pod/client 9999/TCP  --allow-egress={other}/pod/client:9999"),
        "pod/web → outside the cluster  --allow-egress=internet".to_owned(),
    ] {
        assert!(ran.err.lines().any(|it| it.trim() == line), "{line} in {}", ran.err);
    }
    assert_eq!(names(cluster, &shop), Vec::<String>::new());
    let dry = bootstrap(cluster, &[&shop, "--dry-run=server"]);
    assert!(dry.err.contains("would be cut"), "{}", dry.err);
    dry.done();
    bootstrap(cluster, &[&shop, "--yes"]).done();
    assert_eq!(names(cluster, &shop).len(), 2);
    // What is closed already is not asked about again.
    let again = bootstrap(cluster, &[&shop]);
    assert!(!again.err.contains("would be cut"), "{}", again.err);
    again.done();
}

/// Most pods declare no ports, and those who need them may not run yet.
#[test]
fn undeclared_ports_are_asked_about() {
    let Ok(cluster) = control_plane() else { return };
    let shop = cluster.namespace("boot-bare");
    let redis = "{apiVersion: v1, kind: Pod, metadata: {name: redis, labels: {app: redis}}, \
                 spec: {containers: [{name: c, image: i}]}}\n";
    cluster.apply(&shop, redis);
    let alone = bootstrap(cluster, &[&shop]).failed(&["--yes", "nothing was written"]);
    assert!(alone.err.contains("pod/redis any port ← anyone in the cluster"), "{}", alone.err);
    assert!(
        alone.err.contains("anyone in the cluster  --allow-ingress=cluster\n"),
        "{}",
        alone.err
    );
    cluster.apply(
        &shop,
        "apiVersion: v1\n\
         kind: Service\n\
         metadata: {name: cache}\n\
         spec: {selector: {app: redis}, ports: [{port: 80, targetPort: 6379}]}\n",
    );
    let ran = bootstrap(cluster, &[&shop]).failed(&["--yes", "nothing was written"]);
    let line =
        "pod/redis 6379/TCP of svc/cache ← anyone in the cluster  --allow-ingress=cluster:6379";
    assert!(ran.err.lines().any(|it| it.trim() == line), "{}", ran.err);
    assert_eq!(names(cluster, &shop), Vec::<String>::new());
}

/// Policies judge the port on the pod: the seed's page writes the Service's.
#[test]
fn a_services_port_is_remarked_upon() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("boot-port");
    cluster.apply(
        &namespace,
        "apiVersion: v1\n\
         kind: Service\n\
         metadata: {name: keycloak}\n\
         spec: {selector: {app: keycloak}, ports: [{port: 80, targetPort: 8080}]}\n",
    );
    let flags = [&*namespace, "--dry-run=server", "--allow-ingress-controller", "--ingress-port"];
    let ran = bootstrap(cluster, &[&flags[..], &["80"]].concat());
    assert!(ran.err.contains("port 80 is that of Service keycloak"), "{}", ran.err);
    assert!(ran.err.contains("the port on the pod, which is 8080"), "{}", ran.err);
    let ran = bootstrap(cluster, &[&flags[..], &["8080"]].concat());
    assert!(!ran.err.contains("Service keycloak"), "{}", ran.err);
}

#[test]
fn who_admits_nobody_is_told() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("boot-typo");
    let run = |flag: &str| bootstrap(cluster, &[&namespace, "--dry-run=server", flag]).err;
    let said = run("--allow-monitoring=boot-typing-error/app=x");
    let line = "--allow-monitoring admits nobody now: there is no namespace boot-typing-error";
    assert!(said.contains(line), "{said}");
    for (flag, line) in [
        (
            "--allow-ingress=anyone:80",
            "--allow-ingress=ns/anyone:80 admits nobody now: there is no namespace anyone; cluster is every \
             pod, internet every address",
        ),
        (
            "--allow-egress=boot-typing-error/app=x",
            "--allow-egress=boot-typing-error/app=x leads to nobody now: there is no namespace \
             boot-typing-error",
        ),
    ] {
        let said = run(flag);
        let said: Vec<_> = said.split_whitespace().collect();
        assert!(said.join(" ").contains(line), "{said:?}");
    }
    let monitoring = cluster.namespace("boot-mon");
    cluster.apply(&monitoring, &pod("prometheus", 9090));
    let said = run(&format!("--allow-monitoring={monitoring}/app=promteheus"));
    let line = format!("admits nobody now: no pod runs in {monitoring} with labels app=promteheus");
    assert!(said.contains(&line), "{said}");
    let said = run(&format!("--allow-monitoring={monitoring}/app=prometheus"));
    assert!(!said.contains("admits nobody"), "{said}");
}

/// Who is asked whether to close a namespace has been told of a flag that does nothing by then.
#[test]
fn who_admits_nobody_is_told_before_the_question() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("boot-typo");
    cluster.apply(&namespace, &pod("web", 8080));
    let ran = bootstrap(cluster, &[&namespace, "--allow-monitoring=monitorin"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    let at = |part: &str| ran.err.find(part).unwrap_or_else(|| panic!("{part}: {}", ran.err));
    assert!(at("--allow-monitoring admits nobody now") < at("would be cut"), "{}", ran.err);
    assert!(at("would be cut") < at("give --yes"), "{}", ran.err);
}

/// Every flag of the preview keeps what its line says, and all of them together leave nothing to cut.
#[test]
fn the_flags_of_the_preview_keep_what_they_say() {
    let Ok(cluster) = control_plane() else { return };
    let (shop, other) = (cluster.namespace("boot-keep"), cluster.namespace("boot-kept"));
    cluster.apply(&shop, &pod("web", 8080));
    cluster.apply(&shop, &pod("db", 5432));
    cluster.apply(&other, &pod("client", 9999));
    let preview = |flags: &[&str]| {
        let all = [&[&*shop, "--dry-run=server", "--v", "1"][..], flags].concat();
        let ran = bootstrap(cluster, &all);
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
        let cuts = ran.err.lines().filter(|line| line.starts_with("  pod/"));
        cuts.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let all = preview(&[]);
    assert!(all.len() > 6, "{all:?}");
    let flags = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(ToOwned::to_owned).collect();
        let first = words.iter().position(|word| word.starts_with("--allow-"));
        words[first.unwrap_or_else(|| panic!("no flag: {line}"))..].to_vec()
    };
    let mut together: Vec<String> = Vec::new();
    for line in &all {
        let own = flags(line);
        let left = preview(&own.iter().map(String::as_str).collect::<Vec<_>>());
        let same = |other: &String| other.split("  --").next() == line.split("  --").next();
        assert!(!left.iter().any(same), "{own:?} does not keep {line}: {left:?}");
        together.extend(own);
    }
    let together: Vec<&str> = together.iter().map(String::as_str).collect();
    assert_eq!(preview(&together), Vec::<String>::new());
}

/// A namespace that others need is not closed by agreeing once.
#[test]
fn what_the_cluster_itself_needs_is_asked_about_twice() {
    let Ok(cluster) = control_plane() else { return };
    let parts = ["the cluster itself runs there", "give --yes twice", "nothing was written"];
    bootstrap(cluster, &["kube-system", "--yes"]).failed(&parts);
    let flux = cluster.namespace("boot-fluxed");
    cluster.apply(
        &flux,
        "apiVersion: apps/v1\n\
         kind: Deployment\n\
         metadata: {name: source-controller, labels: {app.kubernetes.io/part-of: flux}}\n\
         spec:\n\
         \x20 selector: {matchLabels: {app: source-controller}}\n\
         \x20 template:\n\
         \x20   metadata: {labels: {app: source-controller}}\n\
         \x20   spec: {containers: [{name: c, image: x}]}\n",
    );
    bootstrap(cluster, &[&flux, "--yes"]).failed(&["Flux runs there", "give --yes twice"]);
    assert_eq!(names(cluster, &flux), Vec::<String>::new());
    bootstrap(cluster, &[&flux, "--yes", "--yes"]).done();
    let hooked = cluster.namespace("boot-hooked");
    // It asks of nothing that there is, so that it is in nobody's way.
    cluster.apply_with(
        &[],
        &format!(
            "apiVersion: admissionregistration.k8s.io/v1\n\
             kind: ValidatingWebhookConfiguration\n\
             metadata: {{name: {hooked}}}\n\
             webhooks:\n\
             - name: a.example.org\n\
             \x20 admissionReviewVersions: [v1]\n\
             \x20 sideEffects: None\n\
             \x20 clientConfig: {{service: {{namespace: {hooked}, name: hook}}}}\n\
             \x20 rules:\n\
             \x20 - {{apiGroups: [none.example.org], apiVersions: [v1], operations: [CREATE], resources: [nothing]}}\n"
        ),
    );
    let asked = format!("the API server asks a webhook there ({hooked})");
    bootstrap(cluster, &[&hooked, "--yes"]).failed(&[&asked, "give --yes twice"]);
    let plain = cluster.namespace("boot-plain");
    bootstrap(cluster, &[&plain, "--yes"]).done();
}

/// What a flag opens beside what a policy of somebody else closes is listed, and asked about only where it keeps
/// what would be cut.
#[test]
fn what_opens_is_shown() {
    let Ok(cluster) = control_plane() else { return };
    let shop = cluster.namespace("boot-opens");
    cluster.apply(&shop, &pod("db", 5432));
    cluster.apply(&shop, &pod("web", 8080));
    let closed = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: db}\n\
                  spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}\n";
    cluster.apply(&shop, closed);
    let ran = bootstrap(cluster, &[&shop, "--dry-run=server", "--allow-same-namespace"]);
    let (_, opens) = ran.err.split_once("denied now and would be possible").expect("it opens");
    assert!(opens.contains("pod/web → ") && opens.contains("pod/db 5432/TCP"), "{}", ran.err);
    assert!(!opens.contains("pod/db → "), "{}", ran.err);
    // Without a cut nobody has to agree to what was asked for.
    bootstrap(cluster, &[&shop, "--allow-same-namespace", "--yes"]).done();
    let more =
        bootstrap(cluster, &[&shop, "--allow-same-namespace", "--allow-ingress=internet"]).done();
    assert!(!more.is_empty());
}
