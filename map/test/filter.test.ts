import assert from "node:assert/strict";
import { test } from "node:test";

import { EVERYTHING, portAsked, test as passes, type Filter } from "../src/filter";
import { model } from "../src/model";
import { anyone, flow, list, tcp, workload } from "./answers";

const [x, y] = [workload("a", "x"), workload("b", "y")];
const { arrows } = model(
  list([
    flow(x, y, [tcp(80)]),
    flow(y, x, [tcp(8000, 9000), { protocol: "UDP", port: 53 }], { conditions: ["HTTP GET /shop"] }),
    flow(anyone, x, [tcp(1, 65535)], { reason: "NotIsolated" }),
    flow(x, { label: "any other pod of b", namespace: "b", representative: true }, [], { portNames: ["web/TCP"] }),
  ]),
);

function left(filter: Partial<Filter>): number[] {
  return arrows.filter(passes({ ...EVERYTHING, ...filter })).map((arrow) => arrow.id);
}

test("ports are numbers, ranges and protocols", () => {
  assert.deepEqual(portAsked(" 53/udp "), { first: 53, last: 53, protocol: "UDP" });
  assert.deepEqual(portAsked("8000-9000"), { first: 8000, last: 9000, protocol: null });
  for (const none of ["x", "9-8", "70000", "1/2", ""]) assert.equal(portAsked(none), null);
});

test("each filter leaves what it asks for, and together they leave what all ask for", () => {
  assert.deepEqual(left({}), [0, 1, 2, 3]);
  assert.deepEqual(left({ namespace: "b" }), [0, 1, 3]);
  // What a pod that nobody has written calls a port may be any number.
  assert.deepEqual(left({ port: "80" }), [0, 2, 3]);
  assert.deepEqual(left({ port: "8500" }), [1, 2, 3]);
  assert.deepEqual(left({ text: "web/tcp" }), [3]);
  assert.deepEqual(left({ port: "53/UDP" }), [1]);
  assert.deepEqual(left({ port: "no port" }), []);
  assert.deepEqual(left({ reason: "NotIsolated" }), [2]);
  assert.deepEqual(left({ state: "condition" }), [1]);
  assert.deepEqual(left({ text: "SHOP" }), [1]);
  assert.deepEqual(left({ text: "deploy/y a/" }), [0, 1]);
  assert.deepEqual(left({ text: "isolated" }), [2]);
  assert.deepEqual(left({ namespace: "b", port: "80" }), [0, 3]);
});
