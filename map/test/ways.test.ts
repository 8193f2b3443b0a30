import assert from "node:assert/strict";
import { test } from "node:test";

import type { FlowList } from "../src/answer";
import { model } from "../src/model";
import { ways } from "../src/ways";
import { anyone, flow, list, outside, tcp, workload } from "./answers";

const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => workload("ns", name)) as [ReturnType<typeof workload>, ReturnType<typeof workload>, ReturnType<typeof workload>, ReturnType<typeof workload>];

function found(answer: FlowList, of: string, direction: "to" | "from", most: number): Record<string, string> {
  const made = model(answer);
  const start = [...made.ends.values()].find((end) => end.label === of);
  assert.ok(start);
  const { ends } = ways(made.arrows, start, direction, most);
  return Object.fromEntries([...ends].map(([key, how]) => [made.ends.get(key)?.label ?? "", `${how.hops}${how.certain ? "" : "?"}`]));
}

const chain = list([flow(a, b, [tcp(80)]), flow(b, c, [tcp(81)]), flow(c, d, [tcp(82)], { verdict: "Unknown" }), flow(d, a, [tcp(83)])]);

test("hop by hop, as far as is asked, and whether it is known", () => {
  assert.deepEqual(found(chain, "ns/deploy/a", "from", 1), { "ns/deploy/b": "1" });
  assert.deepEqual(found(chain, "ns/deploy/a", "from", 99), { "ns/deploy/b": "1", "ns/deploy/c": "2", "ns/deploy/d": "3?" });
  assert.deepEqual(found(chain, "ns/deploy/d", "to", 2), { "ns/deploy/c": "1?", "ns/deploy/b": "2?" });
});

test("who may reach anyone reaches whom anyone may reach, where the ports meet", () => {
  const open = list([flow(a, anyone, [tcp(1, 100)]), flow(anyone, b, [tcp(80)]), flow(anyone, c, [tcp(443)]), flow(a, outside, [tcp(1)])]);
  assert.deepEqual(found(open, "ns/deploy/a", "from", 1), { anyone: "1", "ns/deploy/b": "1", "outside 203.0.113.0/28": "1" });
  assert.deepEqual(found(open, "ns/deploy/b", "to", 1), { anyone: "1", "ns/deploy/a": "1" });
  assert.deepEqual(found(open, "ns/deploy/c", "to", 1), { anyone: "1" });
});

test("what nobody has written is reached, and is no step", () => {
  const supposed = { label: "any other pod of ns", namespace: "ns", representative: true };
  const answer = list([flow(a, supposed, [tcp(80)]), flow(supposed, b, [tcp(80)])]);
  assert.deepEqual(found(answer, "ns/deploy/a", "from", 99), { "any other pod of ns": "1" });
});

test("a way in is no flow between pods", () => {
  const answer = list([flow(a, b, [tcp(80)])], { entrances: [{ verdict: "Allowed", kind: "Ingress", by: "internet via Ingress ns/x", destination: a, ports: [] }] });
  assert.deepEqual(found(answer, "ns/deploy/b", "to", 99), { "ns/deploy/a": "1" });
});
