import assert from "node:assert/strict";
import { test } from "node:test";

import { EVERYTHING, found, test as passes } from "../src/filter";
import { layout } from "../src/layout";
import { model } from "../src/model";
import { scene, sketch } from "../src/scene";
import { ways } from "../src/ways";
import { anyone, flow, list, meant, outside, row, seen, shows, tcp, tests, workload } from "./answers";

const [x, y, z] = [workload("a", "x"), workload("b", "y"), workload("b", "z")];

test("what breaks a test is an arrow between the ends that the list has, before its rows", () => {
  const all = [
    meant("nothing reaches y", { witness: shows(x, y, 80), message: "x reaches y" }),
    meant("x reaches z", { asks: "allow", witness: shows(x, z, 81) }),
    meant("perhaps", { outcome: "NotKnown", witness: shows(y, z, 82) }),
    meant("fine", { outcome: "Proved" }),
  ];
  const made = model(list([flow(x, y, [tcp(80)])], { workloads: [x, y, z] }), { tests: tests(all) });
  assert.deepEqual(made.arrows.map((arrow) => [arrow.state, arrow.from.name, arrow.to.name, arrow.portWords]), [
    ["broken", "deploy/x", "deploy/y", "80/TCP"],
    ["cut", "deploy/x", "deploy/z", "81/TCP"],
    ["unproved", "deploy/y", "deploy/z", "82/TCP"],
    ["holds", "deploy/x", "deploy/y", "80/TCP"],
  ]);
  assert.equal(made.ends.size, 3);
  assert.deepEqual(made.arrows.map((arrow) => arrow.id), [0, 1, 2, 3]);
  assert.equal(made.arrows[0]?.why, "nothing reaches y: x reaches y");
  // It is no flow that policies let through anew.
  const end = made.arrows[3]?.from;
  assert.ok(end);
  assert.deepEqual([...ways(made.arrows, end, "from", 9).ends.keys()], [made.arrows[3]?.to.key]);
});

test("a way is an arrow for each hop, from outside where something leads in", () => {
  const way = [
    { to: "a/deploy/x", end: x, ports: [tcp(443)], anyPort: false, by: "Ingress a/x" },
    { to: "b/deploy/y", end: y, ports: [], anyPort: true },
  ];
  const arrows = (steps: typeof way) => model(tests([meant("unreachable", { asks: "unreachable", way: steps })])).arrows.map((arrow) => [arrow.from.label, arrow.to.label, arrow.portWords]);
  assert.deepEqual(arrows(way), [
    ["internet", "a/deploy/x", "443/TCP"],
    ["a/deploy/x", "b/deploy/y", "any port"],
  ]);
  const [, second] = way;
  assert.ok(second);
  const { by: _, ...inner } = way[0] ?? second;
  assert.deepEqual(model(tests([meant("unreachable", { asks: "unreachable", way: [{ ...inner, ports: [] }, second] })])).arrows.length, 1);
});

test("a pod that nothing isolates is marked with the tests that ask for it", () => {
  const open = { pod: "b/z-1", end: z, direction: "egress" as const };
  const made = model(list([flow(x, y, [tcp(80)])], { workloads: [x, y, z] }), { tests: tests([meant("closed", { asks: "default-deny", open })]) });
  assert.equal(made.arrows.length, 1);
  const drawn = scene(made, made.arrows, new Set(["b"]), true);
  const lines = drawn.nodes.flatMap((node) => node.inside ?? []).map((node) => [node.title, ...node.lines]);
  assert.deepEqual(lines, [["deploy/y"], ["deploy/z", "✗ closed"]]);
  assert.ok(scene(made, made.arrows, new Set(), true).nodes.some((node) => node.title === "b" && node.lines.includes("✗ closed")));
});

test("rows are told how often they were used, whoever stands in them", () => {
  const flows = [
    flow(x, y, [tcp(80), tcp(81)]),
    flow(x, anyone, [tcp(1, 65535)], { anyPort: true }),
    flow(anyone, z, [tcp(443)]),
    flow(z, y, [tcp(80)]),
    flow(outside, y, [tcp(80)], { verdict: "Unknown" }),
  ];
  const summary = seen([
    row(x, y, "80/TCP", { count: 7, direction: "egress" }),
    row(x, y, "80/TCP", { count: 5 }),
    row(x, y, "82/TCP", { count: 2, direction: "egress" }),
    row(y, x, "9/TCP", { observed: "Denied", count: 3 }),
    row(z, x, "9/TCP", { asPredicted: "No", count: 4, likely: ["a policy was written later"] }),
    row(x, z, "443/UDP"),
    row(x, y, "80/TCP", { observed: "Seen", count: 100 }),
  ]);
  const made = model(list(flows), { seen: summary });
  assert.deepEqual(made.arrows.map((arrow) => [arrow.state, arrow.from.name, arrow.to.name, arrow.times]), [
    ["holds", "deploy/x", "deploy/y", 7],
    ["holds", "deploy/x", "anyone", 9],
    ["unused", "anyone", "deploy/z", 0],
    ["unused", "deploy/z", "deploy/y", 0],
    ["unknown", "outside 203.0.113.0/28", "deploy/y", 0],
    ["dropped", "deploy/y", "deploy/x", 3],
    ["against", "deploy/z", "deploy/x", 4],
  ]);
  assert.equal(made.arrows[6]?.why, "ingress: admitted; likely a policy was written later");
  const labels = scene(made, made.arrows, new Set(), true).bundles.map((bundle) => bundle.label);
  assert.ok(labels.includes("80/TCP, 81/TCP · 7 times"), labels.join("; "));
  // What is not used is allowed all the same.
  const end = made.arrows[3]?.from;
  assert.ok(end);
  assert.ok(ways(made.arrows, end, "from", 1).ends.get(made.arrows[3]?.to.key ?? "")?.certain);
});

test("nothing is said to be unused where not everything was asked for", () => {
  const flows = [flow(x, y, [tcp(80)]), flow(z, y, [tcp(80)])];
  const made = model(list(flows), { seen: seen([row(x, y, "80/TCP")], { narrowed: true }) });
  assert.deepEqual(made.arrows.map((arrow) => [arrow.state, arrow.times]), [["holds", 1], ["holds", undefined]]);
});

test("a pod that is gone may be one that nobody has written, and what is in no row is told", () => {
  const gone = { label: "b/y-old", kind: "Pod", namespace: "b", name: "y-old" };
  const other = { label: "any other pod of b", namespace: "b", representative: true };
  const made = model(list([flow(x, other, [tcp(80)])], { workloads: [x, y, z] }), { seen: seen([row(x, gone, "80/TCP"), row(x, gone, "81/TCP"), row(x, y, "80/TCP")]) });
  assert.deepEqual(made.arrows.map((arrow) => [arrow.state, arrow.times]), [["holds", 1], ["seen", 1], ["seen", 1]]);
});

test("whoever has a label is found, with rows or without", () => {
  const [labelled, alone] = [{ ...x, labels: { app: "web", tier: "front" } }, { ...z, labels: { app: "web" } }];
  const made = model(list([flow(x, y, [tcp(80)]), flow(y, y, [tcp(81)])], { workloads: [labelled, y, alone] }));
  const filter = { ...EVERYTHING, text: "APP=web" };
  const arrows = made.arrows.filter(passes(filter));
  assert.deepEqual(arrows.map((arrow) => arrow.id), [0]);
  const drawn = scene(made, arrows, new Set(["a", "b"]), false, found(made, filter));
  assert.deepEqual(drawn.nodes.flatMap((node) => node.inside ?? []).map((node) => node.title), ["deploy/x", "deploy/y", "deploy/z"]);
  assert.equal(found(made, { ...filter, port: "80" }).size, 0);
  assert.deepEqual(made.ends.get(arrows[0]?.from.key ?? "")?.labels, ["app=web", "tier=front"]);
});

test("of more arrows than layers could show, boxes stand in rows and those within one box are laid out", () => {
  const many = Array.from({ length: 30 }, (_, at) => workload(`ns${at}`, "w"));
  const flows = many.flatMap((from) => many.map((to) => flow(from, to, [tcp(80)])));
  const made = model(list([...flows, flow(many[0] ?? x, workload("ns0", "v"), [tcp(80)])]));
  const crowded = sketch(scene(made, made.arrows, new Set(["ns0"]), true));
  assert.equal(crowded.links.length, 1);
  const placed = layout(crowded);
  assert.ok(placed.rows);
  assert.equal(placed.courses.length, 1);
});
