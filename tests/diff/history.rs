//! A repository of policies alone, commit by commit: what each opens and closes was written down before.

use super::revisions::git;
use super::*;

/// One commit: what it does to the files, and the answer.
struct Commit {
    message: &'static str,
    /// Files with their new content; those without any go.
    files: &'static [(&'static str, &'static str)],
    code: i32,
    /// Change, source, destination and ports; rows of the same rule for other pods are not among them.
    rows: &'static [[&'static str; 4]],
    /// What opens only where another policy isolates.
    elsewhere: usize,
}

const REFACTORING: Commit = Commit { message: "", files: &[], code: 0, rows: &[], elsewhere: 0 };

const BASE: &[(&str, &str)] = &[
    ("shop.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}"),
    ("front.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: front, labels: {team: b}}}"),
    (
        "deny.yaml",
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: shop},
          spec: {podSelector: {}, policyTypes: [Ingress]}}",
    ),
    (
        "db.yaml",
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db, namespace: shop},
          spec: {podSelector: {matchLabels: {app: db}}, ingress: [
            {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}}",
    ),
];

const DB: &str = "pods[app=db] in shop";

const HISTORY: [Commit; 20] = [
    Commit {
        message: "Let reports read the database",
        files: &[(
            "db.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db, namespace: shop},
              spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                {from: [{podSelector: {matchLabels: {app: web}}}, {podSelector: {matchLabels: {app: report}}}],
                 ports: [{port: 5432}]}]}}",
        )],
        code: 1,
        rows: &[["Opened", "pods[app=report] in shop", DB, "5432/TCP"]],
        elsewhere: 0,
    },
    Commit {
        message: "Take that back",
        files: &[(
            "db.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db, namespace: shop},
              spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}}",
        )],
        code: 1,
        rows: &[["Closed", "pods[app=report] in shop", DB, "5432/TCP"]],
        elsewhere: 0,
    },
    Commit {
        message: "Split the policy in two",
        files: &[
            (
                "db.yaml",
                "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db, namespace: shop},
                  spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}}",
            ),
            (
                "db-web.yaml",
                "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db-web, namespace: shop},
                  spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                    {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}}",
            ),
        ],
        ..REFACTORING
    },
    Commit {
        message: "Make it one again, with a rule that is there twice",
        files: &[
            ("db-web.yaml", ""),
            (
                "db.yaml",
                "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db, namespace: shop},
                  spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                    {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432, protocol: TCP}]},
                    {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}}",
            ),
        ],
        ..REFACTORING
    },
    Commit {
        message: "Rename the policy and its file, and write the selector otherwise",
        files: &[
            ("db.yaml", ""),
            (
                "database.yaml",
                "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: database, namespace: shop},
                  spec: {podSelector: {matchExpressions: [{key: app, operator: In, values: [db]}]}, ingress: [
                    {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}}",
            ),
        ],
        ..REFACTORING
    },
    Commit {
        message: "Note who owns the database",
        files: &[(
            "database.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,
              metadata: {name: database, namespace: shop, annotations: {owner: b}},
              spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}}",
        )],
        ..REFACTORING
    },
    Commit {
        message: "Open a second port",
        files: &[(
            "database.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: database, namespace: shop},
              spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}, {port: 5433}]}]}}",
        )],
        code: 1,
        rows: &[["Opened", "pods[app=web] in shop", DB, "5433/TCP"]],
        elsewhere: 0,
    },
    Commit {
        message: "Ask for a second label of the peer",
        files: &[(
            "database.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: database, namespace: shop},
              spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                {from: [{podSelector: {matchLabels: {app: web, tier: front}}}], ports: [{port: 5432}, {port: 5433}]}]}}",
        )],
        code: 1,
        rows: &[["Closed", "pods[app=web] in shop", DB, "5432-5433/TCP"]],
        elsewhere: 0,
    },
    Commit {
        message: "Move the web to a namespace of its own",
        files: &[(
            "database.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: database, namespace: shop},
              spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                {from: [{namespaceSelector: {matchLabels: {team: b}}, podSelector: {matchLabels: {app: web, tier: front}}}],
                 ports: [{port: 5432}, {port: 5433}]}]}}",
        )],
        code: 1,
        rows: &[
            // Whatever namespace is of that team.
            ["Opened", "pods[app=web,tier=front] in namespaces[team=b]", DB, "5432-5433/TCP"],
            ["Closed", "pods[app=web,tier=front] in shop", DB, "5432-5433/TCP"],
        ],
        elsewhere: 0,
    },
    Commit {
        message: "Close a namespace whose pods nobody has written",
        files: &[(
            "pay.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: pay},
              spec: {podSelector: {}, policyTypes: [Ingress]}}",
        )],
        code: 1,
        rows: &[[
            "Closed",
            "any other namespace, any other pod of pay and any address outside",
            "any other pod of pay",
            "every port",
        ]],
        elsewhere: 0,
    },
    Commit {
        message: "Turn its default deny into an allow-all",
        files: &[(
            "pay.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: pay},
              spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{}]}}",
        )],
        code: 1,
        rows: &[[
            "Opened",
            "any other namespace, any other pod of pay and any address outside",
            "any other pod of pay",
            "every port",
        ]],
        elsewhere: 0,
    },
    Commit {
        message: "Allow all where no policy was",
        files: &[(
            "lab.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: open, namespace: lab},
              spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{}]}}",
        )],
        code: 3,
        rows: &[],
        elsewhere: 1,
    },
    // What closes where another policy isolates is no opening.
    Commit { message: "Take that back", files: &[("lab.yaml", "")], ..REFACTORING },
    Commit {
        message: "Open the database to the internet",
        files: &[(
            "world.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: world, namespace: shop},
              spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                {from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]}}",
        )],
        code: 1,
        // Pods have IPv4 addresses too, and these are among them.
        rows: &[[
            "Opened",
            "any other namespace, pods[app=db] in shop and any address outside",
            DB,
            "443/TCP",
        ]],
        elsewhere: 0,
    },
    Commit {
        message: "But not to a network",
        files: &[(
            "world.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: world, namespace: shop},
              spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                {from: [{ipBlock: {cidr: 0.0.0.0/0, except: [192.0.2.0/24]}}], ports: [{port: 443}]}]}}",
        )],
        code: 1,
        // Whether pods are of that network is not known without --pod-cidr.
        rows: &[["Closed", "192.0.2.0/24", DB, "443/TCP"], ["Unknown", DB, DB, "443/TCP"]],
        elsewhere: 0,
    },
    Commit {
        message: "Close the database to the internet",
        files: &[("world.yaml", "")],
        code: 1,
        rows: &[
            ["Closed", "0.0.0.0/0 except 192.0.2.0/24", DB, "443/TCP"],
            ["Closed", "any other namespace and pods[app=db] in shop", DB, "443/TCP"],
        ],
        elsewhere: 0,
    },
    Commit {
        message: "Let every namespace scrape the database",
        files: &[(
            "scrape.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: scrape, namespace: shop},
              spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                {from: [{namespaceSelector: {}}], ports: [{port: 9187}]}]}}",
        )],
        code: 1,
        // Its own namespace is one of them.
        rows: &[["Opened", "any other namespace and pods[app=db] in shop", DB, "9187/TCP"]],
        elsewhere: 0,
    },
    Commit {
        message: "Only those of one team",
        files: &[(
            "scrape.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: scrape, namespace: shop},
              spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                {from: [{namespaceSelector: {matchLabels: {team: b}}}], ports: [{port: 9187}]}]}}",
        )],
        code: 1,
        rows: &[["Closed", "any other namespace and pods[app=db] in shop", DB, "9187/TCP"]],
        elsewhere: 0,
    },
    Commit {
        message: "Name the team's namespace instead of its label",
        files: &[(
            "scrape.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: scrape, namespace: shop},
              spec: {podSelector: {matchLabels: {app: db}}, ingress: [
                {from: [{namespaceSelector: {matchLabels: {team: b, kubernetes.io/metadata.name: front}}}],
                 ports: [{port: 9187}]}]}}",
        )],
        code: 1,
        rows: &[["Closed", "namespaces[team=b]", DB, "9187/TCP"]],
        elsewhere: 0,
    },
    Commit {
        message: "Let the shop open no connection of its own",
        files: &[(
            "deny.yaml",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: shop},
              spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}",
        )],
        code: 1,
        rows: &[[
            "Closed",
            "any other pod of shop",
            "any other namespace and any address outside",
            "every port",
        ]],
        elsewhere: 0,
    },
];

#[test]
fn every_commit_is_told_as_it_was_meant() {
    let all = tempfile::tempdir().unwrap();
    let work = all.path();
    git(work, &["init", "-q", "-b", "main"]);
    let commit = |message: &str, files: &[(&str, &str)]| {
        for (name, content) in files {
            let path = work.join(name);
            if content.is_empty() { fs::remove_file(path) } else { fs::write(path, content) }
                .unwrap();
        }
        git(work, &["add", "-A"]);
        git(work, &["commit", "-qm", message]);
    };
    commit("Begin", BASE);
    let mut wrong = Vec::new();
    for told in &HISTORY {
        commit(told.message, told.files);
        let words = ["diff", "git:HEAD~1", "git:HEAD", "-o", "json"];
        let run = run(command(crate::run::FRONT, &words).current_dir(work), b"");
        let answer = run.json();
        let heads = list(&answer, "/changes").iter().filter(|change| change["also"].is_null());
        let cells = ["/change", "/from/label", "/to/label", "/portsLabel"];
        let rows: Vec<_> = heads.map(|row| cells.map(|cell| text(row, cell))).collect();
        let elsewhere = answer["elsewhere"].as_array().map_or(0, Vec::len);
        let complete = answer["complete"] == true;
        if (run.code, &*rows, elsewhere, complete) != (told.code, told.rows, told.elsewhere, true) {
            wrong.push(format!(
                "{}: {} {rows:#?} {elsewhere} {}",
                told.message, run.code, answer["missing"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
