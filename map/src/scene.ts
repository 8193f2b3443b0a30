// What of a model is drawn: namespaces as boxes, those that are open with their ends in them, and
// arrows in bundles.
//
// In: a model, the arrows that a filter leaves, and which namespaces are open. Out: nodes and bundles,
// without any place yet.

import { MOST_BUNDLES } from "./geometry";
import type { Sketch, Outline } from "./layout";
import { ELSEWHERE, STATES, type Arrow, type End, type Model, type Shape, type State } from "./model";
import * as words from "./words";

export interface Node {
  /** `ns:NAME`, or `end:KEY`; of an end that is no pod with the side on which it stands. */
  id: string;
  /** The namespace that it is, or that it stands in. */
  namespace: string | null;
  /** The end that it is; none of a namespace. */
  end: End | null;
  shape: Shape;
  title: string;
  /** Below the title. */
  lines: string[];
  /** How closed it is, of a namespace. */
  states: words.Standing["state"][];
  /** Open to everyone or to the outside. */
  exposed: boolean;
  /** Of an open namespace. */
  inside: Node[] | null;
}

export interface Bundle {
  id: string;
  from: string;
  to: string;
  state: State;
  arrows: Arrow[];
  label: string;
}

export interface Scene {
  nodes: Node[];
  bundles: Bundle[];
  /** Boxes that are not there, since nobody could read so many. */
  left: number;
}

/** So many boxes are drawn; of more, those first that are open or to be looked at. */
export const MOST_DRAWN = 1000;

/** The most characters of a title; the whole is in what is read out and in the panel. */
const WIDEST = 40;

/** A name with its middle left out, since names that begin alike end otherwise. */
export function cut(text: string, most = WIDEST): string {
  const all = Array.from(text);
  if (all.length <= most) return text;
  const half = Math.floor((most - 1) / 2);
  return `${all.slice(0, half).join("")}…${all.slice(-half).join("")}`;
}

/** The box in which each end of an open namespace stands. */
export function homes(scene: Scene): Map<string, string> {
  return new Map(scene.nodes.flatMap((node) => (node.inside ?? []).map((inner) => [inner.id, node.id] as const)));
}

export function nodeOf(end: End, side: "from" | "to", open: ReadonlySet<string>): string {
  if (end.namespace === null) return end.shape === "node" ? `end:${end.key}` : `end:${end.key}:${side}`;
  return open.has(end.namespace) ? `end:${end.key}` : `ns:${end.namespace}`;
}

/** What of a scene takes room, with its words as they are drawn; of too many bundles those within one box. */
export function sketch(of: Scene): Sketch {
  const { nodes, bundles } = of;
  const crowded = bundles.length > MOST_BUNDLES;
  const home = homes(of);
  const laid = crowded ? bundles.filter(({ from, to }) => home.has(from) && home.get(from) === home.get(to)) : bundles;
  const outline = (node: Node): Outline => ({
    id: node.id,
    title: cut(node.title),
    lines: node.lines.map((line) => cut(line)),
    round: node.shape === "anyone" || node.shape === "outside",
    inside: node.inside?.map(outline) ?? null,
  });
  return { nodes: nodes.map(outline), links: laid.map(({ id, from, to, label }) => ({ id, from, to, label })), crowded };
}

/** `found` are the keys of ends that are looked for by themselves. */
export function scene(model: Model, arrows: readonly Arrow[], open: ReadonlySet<string>, all: boolean, found: ReadonlySet<string> = new Set()): Scene {
  const bundles = bundled(arrows, open);
  const inside = new Map<string, number>();
  const between: Bundle[] = [];
  for (const bundle of bundles) {
    if (bundle.from === bundle.to) inside.set(bundle.from, (inside.get(bundle.from) ?? 0) + bundle.arrows.length);
    else between.push(bundle);
  }
  const used = new Set(bundles.flatMap((bundle) => [bundle.from, bundle.to]));
  const nodes: Node[] = [];
  const byNamespace = new Map<string, End[]>();
  for (const end of model.ends.values()) {
    if (end.namespace === null) {
      for (const side of end.shape === "node" ? ([""] as const) : (["from", "to"] as const)) {
        const id = side === "" ? `end:${end.key}` : `end:${end.key}:${side}`;
        if (used.has(id)) nodes.push(alone(model, end, id));
      }
    } else {
      const there = byNamespace.get(end.namespace);
      if (there === undefined) byNamespace.set(end.namespace, [end]);
      else there.push(end);
    }
  }
  for (const name of [...model.namespaces.keys()].sort()) {
    const ends = byNamespace.get(name) ?? [];
    if (open.has(name)) {
      const shown = ends.filter((end) => all || used.has(`end:${end.key}`) || found.has(end.key));
      if (shown.length > 0) nodes.push(opened(model, name, shown, inside));
    } else if (all || used.has(`ns:${name}`) || ends.some((end) => found.has(end.key))) {
      nodes.push(closed(model, name, ends, inside.get(`ns:${name}`) ?? 0));
    }
  }
  if (nodes.length <= MOST_DRAWN) return { nodes, bundles: between, left: 0 };
  const sought = (node: Node): boolean => node.namespace !== null && (byNamespace.get(node.namespace) ?? []).some((end) => found.has(end.key));
  const rank = (node: Node): number => {
    if (node.end !== null || node.inside !== null || sought(node)) return 0;
    if (node.exposed) return 1;
    return node.states.every((state) => state === "closed" || state === "dns") ? 3 : 2;
  };
  const ranked = nodes.map((node) => ({ node, rank: rank(node) })).sort((a, b) => a.rank - b.rank);
  return { nodes: ranked.slice(0, MOST_DRAWN).map(({ node }) => node), bundles: between, left: nodes.length - MOST_DRAWN };
}

function bundled(arrows: readonly Arrow[], open: ReadonlySet<string>): Bundle[] {
  const all = new Map<string, Bundle>();
  for (const arrow of arrows) {
    const from = nodeOf(arrow.from, "from", open);
    const to = nodeOf(arrow.to, "to", open);
    const id = `${arrow.state} ${from} → ${to}`;
    const there = all.get(id);
    if (there === undefined) all.set(id, { id, from, to, state: arrow.state, arrows: [arrow], label: "" });
    else there.arrows.push(arrow);
  }
  for (const bundle of all.values()) bundle.label = label(bundle);
  return [...all.values()];
}

function label(bundle: Bundle): string {
  const { mark } = STATES[bundle.state];
  const different = [...new Set(bundle.arrows.flatMap((arrow) => arrow.portWords.split(", ")))];
  const ports = different.length <= 3 ? different.join(", ") : `${different.length} ports or ranges`;
  const many = bundle.arrows.length > 1 ? `${bundle.arrows.length} × ` : "";
  const times = bundle.arrows.reduce((sum, arrow) => sum + (arrow.times ?? 0), 0);
  const used = times > 0 ? ` · ${words.times(times)}` : "";
  return `${mark === "" ? "" : `${mark} `}${many}${cut(ports)}${used}`;
}

/** The tests that find ends open. */
function failing(model: Model, ends: readonly End[]): string[] {
  const all = new Set(ends.flatMap((end) => model.failing.get(end.key) ?? []).map((test) => test.name));
  const [first, ...more] = all;
  return first === undefined ? [] : [`✗ ${first}${more.length > 0 ? ` and ${more.length} more` : ""}`];
}

/** To whom an end is open, in a line. */
function openTo(model: Model, ends: readonly End[]): string[] {
  return [...new Set(ends.flatMap((end) => model.open.get(end.key) ?? []))];
}

function alone(model: Model, end: End, id: string): Node {
  const lines = end.shape === "representative" ? ["pods that nobody has written"] : [];
  lines.push(...failing(model, [end]));
  return { id, namespace: end.namespace, end, shape: end.shape, title: end.name, lines, states: [], exposed: model.open.has(end.key), inside: null };
}

function inner(model: Model, end: End, own: number): Node {
  const node = alone(model, end, `end:${end.key}`);
  const [first, ...more] = model.open.get(end.key) ?? [];
  if (first !== undefined) node.lines.push(`open to ${first}${more.length > 0 ? ` and ${more.length} more` : ""}`);
  if (own > 0) node.lines.push("reaches its own kind");
  return node;
}

function standings(model: Model, name: string): words.Standing[] {
  const summary = model.namespaces.get(name);
  if (summary === null || summary === undefined) return [];
  return [words.standing("ingress", summary.ingress, summary.workloads), words.standing("egress", summary.egress, summary.workloads)];
}

function closed(model: Model, name: string, ends: readonly End[], own: number): Node {
  const told = standings(model, name);
  const lines = told.map((it) => `${words.SIGNS[it.state]} ${it.words}`);
  // Of rows between namespaces only how many there are is told.
  const folded = model.answer.kind === "FlowList" && model.answer.by === "Namespace" ? model.namespaces.get(name)?.workloads : undefined;
  const known = folded ?? ends.filter((end) => end.shape === "workload" || end.shape === "several").length;
  const supposed = ends.filter((end) => end.shape === "representative").length;
  const parts = name === ELSEWHERE ? [] : [words.count(known, "workload")];
  if (supposed > 0) parts.push(`${words.count(supposed, "kind")} of pods not written`);
  if (own > 0) parts.push(`${words.count(own, "flow")} inside`);
  lines.push(parts.join(" · "));
  const [first, ...more] = openTo(model, ends);
  if (first !== undefined) lines.push(`⚠ open to ${first}${more.length > 0 ? ` and ${more.length} more` : ""}`);
  lines.push(...failing(model, ends));
  return { id: `ns:${name}`, namespace: name, end: null, shape: "namespace", title: name, lines, states: told.map((it) => it.state), exposed: first !== undefined, inside: null };
}

function opened(model: Model, name: string, ends: readonly End[], inside: ReadonlyMap<string, number>): Node {
  const told = standings(model, name);
  return {
    id: `ns:${name}`,
    namespace: name,
    end: null,
    shape: "namespace",
    title: name,
    lines: told.length === 0 ? [] : [told.map((it) => `${words.SIGNS[it.state]} ${it.words}`).join("  ")],
    states: told.map((it) => it.state),
    exposed: openTo(model, ends).length > 0,
    inside: ends.map((end) => inner(model, end, inside.get(`end:${end.key}`) ?? 0)),
  };
}
