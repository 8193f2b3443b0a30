// What a map is made of, whichever answer it comes from: ends, and arrows between them.
//
// In: an answer, and what stands beside it. Out: a Model. An arrow is one row of the answer, a hop that a
// test is about, or equal flows that were seen (beside.ts); how arrows are bundled for a picture is told
// elsewhere.

import type { Answer, Beside, BroughtBy, ChangeReport, Diff, EndReport, Ends, Entrance, FlowList, ListedFlow, Member, NamespaceSummary, Ports, Seen, SeenRow, TestReport } from "./answer";
import { seen, tests } from "./beside";
import * as words from "./words";

/** What an end is, which decides its shape. */
export type Shape = "workload" | "representative" | "several" | "anyone" | "outside" | "node" | "namespace" | "other";

export interface End {
  key: string;
  /** As the answer calls it. */
  label: string;
  /** Within its namespace. */
  name: string;
  namespace: string | null;
  shape: Shape;
  broughtBy: BroughtBy[];
  pods: string[];
  /** `key=value`, of whom they are known. */
  labels: string[];
  networks: string[];
  members: Member[];
  /** Kind, namespace and name of the object that it is, or a part of; empty where it is none. */
  object: string;
}

/** Where pods are that nobody has written, of namespaces that are not named; no namespace is called so. */
export const ELSEWHERE = "other namespaces";

/** What an arrow says; each has a shape of its own. */
export type State =
  | "holds"
  | "condition"
  | "unknown"
  | "entrance"
  | "refused"
  | "opened"
  | "closed"
  | "conditions"
  | "unsure"
  | "broken"
  | "cut"
  | "unproved"
  | "unused"
  | "seen"
  | "dropped"
  | "against";

export interface Arrow {
  /** Its place in the answer. */
  id: number;
  /** The same in any answer that has this row. */
  key: string;
  from: End;
  to: End;
  ports: Ports[];
  portWords: string;
  state: State;
  /** Why it is there, in a few words. */
  why: string;
  /** What a filter by kind of reason finds it by. */
  reasons: string[];
  flow?: ListedFlow;
  change?: ChangeReport;
  entrance?: Entrance;
  /** The test that it breaks, or leaves open. */
  test?: TestReport;
  /** What was seen of it. */
  seen?: SeenRow[];
  /** How many times; none where nothing is known of it. */
  times?: number;
}

export interface Model {
  answer: Answer;
  ends: Map<string, End>;
  arrows: Arrow[];
  /** By name; null where nothing is said of how closed it is. */
  namespaces: Map<string, NamespaceSummary | null>;
  /** Who is open to everyone or to the outside, and to whom or by what. */
  open: Map<string, string[]>;
  tests: TestReport[];
  /** Ends that a test finds open, with the tests. */
  failing: Map<string, TestReport[]>;
  seen: Seen | null;
}

/** The words for a state, in the table and for those who do not see colours. */
export const STATES: Record<State, { word: string; mark: string }> = {
  holds: { word: "Allowed", mark: "" },
  condition: { word: "On a condition", mark: "*" },
  unknown: { word: "Not known", mark: "?" },
  entrance: { word: "Way in", mark: "↪" },
  refused: { word: "Way in, denied", mark: "⊘" },
  opened: { word: "Opens", mark: "+" },
  closed: { word: "Closes", mark: "−" },
  conditions: { word: "Changes its condition", mark: "~" },
  unsure: { word: "Not known any more", mark: "?" },
  broken: { word: "Passes, against a test", mark: "✗" },
  cut: { word: "Does not pass, against a test", mark: "✗" },
  unproved: { word: "Test not known", mark: "?" },
  unused: { word: "Allowed, not used", mark: "○" },
  seen: { word: "Seen", mark: "" },
  dropped: { word: "Dropped", mark: "⊘" },
  against: { word: "Used, and denied", mark: "≠" },
};

/** An arrow before it has its place. */
export type Loose = Omit<Arrow, "id" | "key">;

export function model(answer: Answer, beside: Beside = {}): Model {
  const of = answer.kind === "TestReport" ? answer : beside.tests;
  const meant = of?.tests ?? (answer.kind === "Diff" ? answer.tests?.worse : undefined) ?? [];
  const made: Model = { answer, ends: new Map(), arrows: [], namespaces: new Map(), open: new Map(), tests: meant, failing: new Map(), seen: beside.seen ?? null };
  let own: Loose[] = [];
  if (answer.kind === "FlowList") own = list(made, answer);
  else if (answer.kind === "Diff") own = diff(made, answer);
  const ofTests = tests(made, meant);
  const others = beside.seen === undefined ? [] : seen(made, own, beside.seen);
  for (const arrow of own) opens(made.open, arrow);
  made.arrows = [...ofTests, ...own, ...others].map(placed);
  for (const end of made.ends.values()) {
    if (end.namespace !== null && !made.namespaces.has(end.namespace)) made.namespaces.set(end.namespace, null);
  }
  return made;
}

function list(made: Model, answer: FlowList): Loose[] {
  const all: Loose[] = [];
  for (const namespace of answer.namespaces ?? []) made.namespaces.set(namespace.name, namespace);
  for (const workload of answer.workloads ?? []) known(made, ofReport(workload));
  for (const flow of answer.flows) {
    const state = flow.verdict === "Unknown" ? "unknown" : (flow.conditions ?? []).length > 0 ? "condition" : "holds";
    all.push({
      from: known(made, ofReport(flow.source)),
      to: known(made, ofReport(flow.destination)),
      ports: [...flow.ports, ...(flow.portNames ?? []).map(parsed)],
      portWords: words.ports(flow) + (flow.family === undefined ? "" : ` (${flow.family})`) + (flow.inPart === true ? " (in part)" : ""),
      state,
      why: words.why(flow),
      reasons: reasonsOf(flow),
      flow,
    });
  }
  for (const entrance of answer.entrances ?? []) {
    const ports = entrance.ports ?? [];
    all.push({
      from: known(made, special("internet", "outside")),
      to: known(made, ofReport(entrance.destination)),
      ports,
      portWords: ports.length === 0 ? "any port" : ports.map(words.port).join(", "),
      state: entrance.verdict === "Allowed" ? "entrance" : entrance.verdict === "Denied" ? "refused" : "unknown",
      why: entrance.message ?? entrance.by,
      reasons: ["Way in"],
      entrance,
    });
  }
  return all;
}

function diff(made: Model, answer: Diff): Loose[] {
  const all: Loose[] = [];
  const states = { Opened: "opened", Closed: "closed", Conditions: "conditions", Unknown: "unsure" } as const;
  for (const change of answer.changes) {
    const reasons = change.reasons ?? [];
    const why = reasons.map((it) => it.message).join("; ");
    all.push({
      from: known(made, ofEnds(change.from)),
      to: known(made, ofEnds(change.to)),
      ports: change.ports.map(parsed),
      portWords: change.portsLabel + (change.family === undefined ? "" : ` (${change.family})`),
      state: states[change.change],
      why: why === "" && change.also === true ? "by the same rule as the change before it" : why,
      reasons: [...new Set(reasons.flatMap((it) => [it.before.reason, it.after.reason]))],
      change,
    });
  }
  return all;
}

function placed(arrow: Loose, id: number): Arrow {
  // Whether it is used is no part of what it is.
  const state = arrow.state === "unused" ? ((arrow.flow?.conditions ?? []).length > 0 ? "condition" : "holds") : arrow.state;
  const own = arrow.flow === undefined ? (arrow.seen?.map((it) => `${it.direction ?? ""} ${it.message}`) ?? []) : [];
  const rest = hash([state, arrow.portWords, arrow.entrance?.by ?? "", arrow.test?.name ?? "", ...own].join("\n"));
  return { ...arrow, id, key: `${arrow.from.label} → ${arrow.to.label} ${rest}` };
}

/** A few letters for a text that may be long (FNV-1a). */
function hash(text: string): string {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  return (sum >>> 0).toString(36);
}

/** The end as the model has it already, if it does. */
export function known(made: Model, end: End): End {
  const there = made.ends.get(end.key);
  if (there !== undefined) return there;
  made.ends.set(end.key, end);
  return end;
}

function end(label: string, shape: Shape, namespace: string | null, name: string): End {
  return { key: `${shape} ${namespace ?? ""} ${label}`, label, name, namespace, shape, broughtBy: [], pods: [], labels: [], networks: [], members: [], object: "" };
}

export function special(label: string, shape: Shape): End {
  return end(label, shape, null, label);
}

function within(namespace: string | null, label: string): string {
  const own = namespace === null ? label : label.startsWith(`${namespace}/`) ? label.slice(namespace.length + 1) : label;
  return own;
}

export function ofReport(report: EndReport): End {
  const namespace = report.namespace ?? (report.representative === true ? ELSEWHERE : null);
  const made = end(report.label, shapeOf(report), namespace, within(namespace, report.label));
  if (made.shape === "namespace") made.name = "all of its pods";
  const { kind, name } = report;
  const object = kind === undefined || name === undefined ? "" : `${kind} ${namespace ?? ""} ${name}`;
  const labels = Object.entries(report.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return { ...made, labels, object, broughtBy: report.broughtBy ?? [], pods: report.pods ?? [], networks: report.networks ?? [] };
}

function shapeOf(report: EndReport): Shape {
  if (report.representative === true) return "representative";
  switch (report.kind) {
    case "Anyone":
    case "EveryPod":
      return "anyone";
    case "Outside":
      return "outside";
    case "Node":
      return "node";
    case "Namespace":
      return "namespace";
    case undefined:
      return "other";
    default:
      return "workload";
  }
}

/** One side of a change: a workload, several of one namespace, or more. */
function ofEnds(ends: Ends): End {
  const members = ends.members ?? [];
  const addresses = ends.addresses ?? [];
  const namespaces = new Set(members.map((member) => member.namespace ?? null));
  const [only] = namespaces;
  const supposed = members.length > 0 && members.every((member) => member.representative === true);
  const own = namespaces.size === 1 && addresses.length === 0 ? (only ?? null) : null;
  const namespace = own ?? (supposed && addresses.length === 0 ? ELSEWHERE : null);
  const [first] = members;
  let shape: Shape;
  if (members.length === 0) shape = "outside";
  else if (namespace === null && members.length + addresses.length > 1) shape = "anyone";
  else if (supposed) shape = "representative";
  else if (members.length > 1) shape = "several";
  else shape = first?.kind === "Node" ? "node" : "workload";
  const made = end(ends.label, shape, namespace, within(namespace, ends.label));
  return { ...made, members, networks: addresses, broughtBy: members.flatMap((member) => member.broughtBy ?? []) };
}

/** `8080/TCP`, `1-79/UDP`; what pods that nobody has written call `web/TCP` may be any number. */
export function parsed(text: string): Ports {
  const [range = "", protocol = ""] = text.split("/");
  if (!/^\d+(-\d+)?$/.test(range)) return { protocol, port: 1, endPort: 65535 };
  const [first = "", last] = range.split("-");
  const one = { protocol, port: Number(first) };
  return last === undefined ? one : { ...one, endPort: Number(last) };
}

function reasonsOf(flow: ListedFlow): string[] {
  const { egress, ingress } = flow.witness ?? {};
  const all = [flow.reason, ...(flow.also ?? []), egress?.reason, ingress?.reason];
  return [...new Set(all.filter((it) => it !== undefined))];
}

function opens(open: Map<string, string[]>, arrow: Loose): void {
  const wide = arrow.from.shape === "anyone" || arrow.from.shape === "outside";
  if (!wide || arrow.state === "refused" || arrow.state === "closed") return;
  const by = arrow.flow?.by ?? [];
  let told = arrow.entrance?.by ?? arrow.from.label;
  if (by.length > 0) told += `, ${by.join(", ")}`;
  if (arrow.state === "unknown" || arrow.state === "unsure") told = `perhaps ${told}`;
  const there = open.get(arrow.to.key) ?? [];
  if (!there.includes(told)) open.set(arrow.to.key, [...there, told]);
}
