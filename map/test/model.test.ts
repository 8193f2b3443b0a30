import assert from "node:assert/strict";
import { test } from "node:test";

import { ELSEWHERE, model } from "../src/model";
import { anyone, change, diff, flow, list, outside, tcp, workload } from "./answers";

const [x, y] = [workload("a", "x"), workload("b", "y")];

test("an end is one end in all of its rows, whoever has no row is there too", () => {
  const made = model(list([flow(x, y, [tcp(80)]), flow(y, x, [tcp(81)])], { workloads: [x, y, workload("c", "z")] }));
  assert.deepEqual([...made.ends.values()].map((end) => end.label), ["a/deploy/x", "b/deploy/y", "c/deploy/z"]);
  assert.deepEqual([...made.namespaces.keys()], ["a", "b", "c"]);
  assert.equal(made.ends.values().next().value?.name, "deploy/x");
});

test("what is open to everyone and to the outside is told, with what leads there", () => {
  const made = model(
    list([flow(anyone, x, [tcp(80)], { by: ["Ingress a/web"] }), flow(outside, y, [tcp(1)], { verdict: "Unknown" }), flow(x, anyone, [tcp(1)])], {
      entrances: [
        { verdict: "Allowed", kind: "Ingress", by: "internet via Ingress b/web", destination: y, ports: [tcp(80)] },
        { verdict: "Denied", kind: "Ingress", by: "internet via Ingress a/no", destination: x, ports: [tcp(81)] },
      ],
    }),
  );
  const open = (label: string) => [...made.ends.values()].filter((end) => end.label === label).flatMap((end) => made.open.get(end.key) ?? []);
  assert.deepEqual(open("a/deploy/x"), ["anyone, Ingress a/web"]);
  assert.deepEqual(open("b/deploy/y"), ["perhaps outside 203.0.113.0/28", "internet via Ingress b/web"]);
  assert.deepEqual(open("anyone"), []);
  assert.deepEqual(made.arrows.map((arrow) => arrow.state), ["holds", "unknown", "holds", "entrance", "refused"]);
});

test("a row that holds on a condition, and one that is not known, are no plain rows", () => {
  const made = model(list([flow(x, y, [tcp(80)], { conditions: ["HTTP GET /"] }), flow(x, y, [tcp(81)], { verdict: "Unknown", notKnown: ["the addresses of pods"] })]));
  assert.deepEqual(made.arrows.map((arrow) => arrow.state), ["condition", "unknown"]);
  assert.equal(made.arrows[1]?.why, "depends on the addresses of pods");
});

test("pods that nobody has written stand together where their namespace has no name", () => {
  const supposed = { label: "pods[app=web] in namespaces[team=a]", representative: true };
  const made = model(list([flow(supposed, x, [tcp(80)]), flow({ ...supposed, label: "any other pod of b", namespace: "b" }, x, [tcp(80)])]));
  assert.deepEqual(made.arrows.map((arrow) => arrow.from.namespace), [ELSEWHERE, "b"]);
});

test("a change is one arrow, whoever is at its ends", () => {
  const many = {
    label: "every pod of b",
    members: [
      { kind: "Deployment", namespace: "b", name: "y" },
      { kind: "Pod", namespace: "b", name: "any other pod of b", representative: true },
    ],
  };
  const everyone = { label: "anyone", members: [...many.members, { kind: "Deployment", namespace: "c", name: "z" }], addresses: ["0.0.0.0/0"] };
  const made = model(diff([change({ to: many }), change({ change: "Closed", from: everyone, ports: ["1-79/UDP"] }), change({ change: "Conditions", from: { label: "203.0.113.7/32", addresses: ["203.0.113.7/32"] } })]));
  const shapes = made.arrows.map((arrow) => [arrow.state, arrow.from.shape, arrow.from.namespace, arrow.to.shape, arrow.to.namespace]);
  assert.deepEqual(shapes, [
    ["opened", "workload", "a", "several", "b"],
    ["closed", "anyone", null, "workload", "b"],
    ["conditions", "outside", null, "workload", "b"],
  ]);
  assert.deepEqual(made.arrows[1]?.ports, [{ protocol: "UDP", port: 1, endPort: 79 }]);
});

test("an arrow has the same key wherever it stands in an answer", () => {
  const one = model(list([flow(x, y, [tcp(80)]), flow(y, x, [tcp(80)])]));
  const other = model(list([flow(y, x, [tcp(80)]), flow(x, y, [tcp(80)])]));
  assert.equal(one.arrows[0]?.key, other.arrows[1]?.key);
});
