import assert from "node:assert/strict";
import { test } from "node:test";

import { layout } from "../src/layout";
import { model } from "../src/model";
import { cut, scene, sketch } from "../src/scene";
import { fresh, read, written } from "../src/state";
import { sorted } from "../src/table";
import { ports, shown, standing } from "../src/words";
import { anyone, flow, list, tcp, workload } from "./answers";

test("what is not seen where it stands is spelled out", () => {
  assert.equal(shown("a\u202eb\u0000c\u2028d\u200be"), "a\\u{202e}b\\u{0}c\\u{2028}d\\u{200b}e");
  assert.equal(shown("größe <b>&amp; ß 名"), "größe <b>&amp; ß 名");
});

test("ports in words", () => {
  assert.equal(ports({ ports: [tcp(80), tcp(1, 65535), tcp(8000, 9000)], anyPort: false }), "80/TCP, any TCP port, 8000-9000/TCP");
  assert.equal(ports({ ports: [], anyPort: true }), "any port");
});

test("a view stands in the fragment, whatever is in its names", () => {
  const view = {
    ...fresh(),
    filter: { text: "a b&c=#", namespace: "ns", port: "80/TCP", reason: "NotIsolated", state: "unknown" as const },
    open: ["x&y", "z"],
    selected: "a:holds a → b 80/TCP",
    focus: { end: "workload ns ns/deploy/a", direction: "to" as const, hops: 3 },
    sort: { column: "ports" as const, down: true },
  };
  assert.deepEqual(read(`#${written(view)}`), view);
  assert.deepEqual(read(""), fresh());
  assert.deepEqual(read("#verdict=toString&sort=x&hops=-1"), fresh());
});

test("namespaces are boxes with bundles between them, and open ones show who is in them", () => {
  const [x, y, z] = [workload("a", "x"), workload("b", "y"), workload("b", "z")];
  const made = model(list([flow(x, y, [tcp(80)]), flow(x, z, [tcp(80)]), flow(y, z, [tcp(81)]), flow(anyone, x, [tcp(82)])]));
  const closed = scene(made, made.arrows, new Set(), true);
  assert.deepEqual(closed.nodes.map((node) => node.title), ["anyone", "a", "b"]);
  assert.deepEqual(closed.bundles.map((bundle) => bundle.label), ["2 × 80/TCP", "82/TCP"]);
  const open = scene(made, made.arrows, new Set(["b"]), true);
  assert.deepEqual(open.nodes.at(-1)?.inside?.map((node) => node.title), ["deploy/y", "deploy/z"]);
  assert.equal(open.bundles.length, 4);
});

test("no two boxes stand on each other, and every arrow has a course", () => {
  const many = Array.from({ length: 30 }, (_, at) => workload(`ns${at % 7}`, `w${at}`));
  const flows = many.map((it, at) => flow(it, many[(at * 7 + 3) % many.length] ?? it, [tcp(80 + at)]));
  const made = model(list(flows));
  for (const open of [new Set<string>(), new Set(["ns1", "ns2"])]) {
    const drawn = scene(made, made.arrows, open, true);
    const { boxes, courses } = layout(sketch(drawn));
    assert.equal(courses.length, drawn.bundles.length);
    const outer = drawn.nodes.map((node) => boxes.get(node.id));
    outer.forEach((a, at) =>
      outer.slice(at + 1).forEach((b) => {
        assert.ok(a && b);
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        assert.ok(apart, JSON.stringify([a, b]));
      }),
    );
    for (const node of drawn.nodes) {
      const box = boxes.get(node.id);
      for (const inner of node.inside ?? []) {
        const own = boxes.get(inner.id);
        assert.ok(box && own && own.x >= box.x && own.y >= box.y && own.x + own.width <= box.x + box.width && own.y + own.height <= box.y + box.height);
      }
    }
  }
});

test("very many stand in rows", () => {
  const many = Array.from({ length: 3000 }, (_, at) => workload(`ns${at}`, "w"));
  const made = model(list(many.map((it, at) => flow(it, many[(at + 1) % many.length] ?? it, [tcp(80)]))));
  const began = performance.now();
  const drawn = scene(made, made.arrows, new Set(), true);
  const { rows, boxes } = layout(sketch(drawn));
  assert.ok(rows);
  assert.deepEqual([boxes.size, drawn.left], [1000, 2000]);
  // Whoever is looked for stands there, and what is open.
  assert.ok(scene(made, made.arrows, new Set(["ns2999"]), true).nodes.slice(0, 2).some((node) => node.title === "ns2999"));
  assert.ok(performance.now() - began < 3000);
});

test("names that begin alike stay apart when they are cut", () => {
  const [one, other] = ["a", "b"].map((end) => cut(`${"x".repeat(62)}${end}`));
  assert.notEqual(one, other);
  assert.ok([...(one ?? "")].length <= 40);
});

test("rows are sorted with numbers in their order, and back", () => {
  const made = model(list([8080, 80, 443].map((port) => flow(workload("a", "x"), workload("a", `y${port}`), [tcp(port)]))));
  const order = (down: boolean) => sorted(made.arrows, { column: "ports", down }).map((arrow) => arrow.portWords);
  assert.deepEqual(order(false), ["80/TCP", "443/TCP", "8080/TCP"]);
  assert.deepEqual(order(true), ["8080/TCP", "443/TCP", "80/TCP"]);
});

test("how closed a namespace is has words for each state", () => {
  const of = (isolation: string, more = {}) => standing("egress", { isolation, defaultDeny: false, isolated: 0, dnsOnly: false, ...more } as never, 3).words;
  assert.deepEqual(
    [of("All"), of("All", { dnsOnly: true }), of("Partial", { open: ["a"] }), of("None"), of("Unknown"), of("NotEnforced")],
    ["out: closed", "out: DNS only", "out: 1 of 3 not protected", "out: not protected", "out: not known", "out: not enforced"],
  );
});

test("of rows between namespaces it is told how many workloads these have", () => {
  const direction = { isolation: "All" as const, defaultDeny: true, isolated: 3, dnsOnly: false };
  const summary = { name: "a", policies: 1, workloads: 3, ingress: direction, egress: direction };
  const end = { label: "a", kind: "Namespace", namespace: "a", name: "a" };
  const made = model(list([flow(anyone, end, [tcp(80)])], { by: "Namespace", namespaces: [summary] }));
  const [, box] = scene(made, made.arrows, new Set(), true).nodes;
  assert.deepEqual(box?.lines, ["■ in: closed", "■ out: closed", "3 workloads", "⚠ open to anyone"]);
});
