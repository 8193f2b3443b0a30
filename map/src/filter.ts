// Which arrows are looked at.
//
// In: what the reader asks for. Out: whether an arrow is part of it. Picture and table use the same.

import type { Ports } from "./answer";
import type { Arrow, End, Model, State } from "./model";

export interface Filter {
  /** Words that all stand in an arrow's names, ports, rules or reasons. */
  text: string;
  namespace: string;
  port: string;
  reason: string;
  state: State | "";
}

export const EVERYTHING: Filter = { text: "", namespace: "", port: "", reason: "", state: "" };

/** What is asked of a port: numbers, and a protocol if need be. */
interface PortAsked {
  first: number;
  last: number;
  protocol: string | null;
}

/** `8080`, `53/udp`, `8000-9000`; null where it is none of these. */
export function portAsked(text: string): PortAsked | null {
  const found = /^\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?\s*(?:\/\s*([a-z]+))?\s*$/i.exec(text);
  if (found === null) return null;
  const first = Number(found[1]);
  const last = found[2] === undefined ? first : Number(found[2]);
  return first > last || last > 65535 ? null : { first, last, protocol: found[3]?.toUpperCase() ?? null };
}

/** Whether two ranges of ports of one protocol meet. */
export function meet(a: Ports, b: Ports): boolean {
  return a.protocol === b.protocol && a.port <= (b.endPort ?? b.port) && b.port <= (a.endPort ?? a.port);
}

function hasPort(arrow: Arrow, asked: PortAsked): boolean {
  return arrow.ports.some(
    (ports) => (asked.protocol === null || ports.protocol === asked.protocol) && ports.port <= asked.last && asked.first <= (ports.endPort ?? ports.port),
  );
}

/** All that a search looks at, made once for each arrow. */
const HAYSTACKS = new WeakMap<Arrow, string>();

function haystack(arrow: Arrow): string {
  const there = HAYSTACKS.get(arrow);
  if (there !== undefined) return there;
  const { from, to, flow, entrance } = arrow;
  const parts = [...wordsOf(from), ...wordsOf(to), arrow.portWords, arrow.why, arrow.test?.says ?? "", ...(flow?.rules ?? []), ...(flow?.conditions ?? []), ...(flow?.by ?? []), entrance?.by ?? ""];
  const made = parts.join("\n").toLowerCase();
  HAYSTACKS.set(arrow, made);
  return made;
}

/** All by which an end is found. */
function wordsOf(end: End): string[] {
  return [end.label, ...end.labels, ...end.pods, ...end.networks, ...end.members.map((member) => member.name)];
}

function termsOf(filter: Filter): string[] {
  return filter.text.toLowerCase().split(/\s+/).filter((term) => term !== "");
}

/** Ends that are looked for by themselves, whether an arrow leads there or not. */
export function found(model: Model, filter: Filter): ReadonlySet<string> {
  const terms = termsOf(filter);
  if (terms.length === 0 || filter.port !== "" || filter.reason !== "" || filter.state !== "") return new Set();
  const is = (end: End): boolean => {
    if (filter.namespace !== "" && end.namespace !== filter.namespace) return false;
    const own = wordsOf(end).join("\n").toLowerCase();
    return end.namespace !== null && terms.every((term) => own.includes(term));
  };
  return new Set([...model.ends.values()].filter(is).map((end) => end.key));
}

/** A test for arrows; one that asks for nothing lets all through. */
export function test(filter: Filter): (arrow: Arrow) => boolean {
  const terms = termsOf(filter);
  const port = filter.port.trim() === "" ? null : portAsked(filter.port);
  const noSuchPort = filter.port.trim() !== "" && port === null;
  return (arrow) =>
    !noSuchPort &&
    (filter.namespace === "" || arrow.from.namespace === filter.namespace || arrow.to.namespace === filter.namespace) &&
    (filter.state === "" || arrow.state === filter.state) &&
    (filter.reason === "" || arrow.reasons.includes(filter.reason)) &&
    (port === null || hasPort(arrow, port)) &&
    (terms.length === 0 || terms.every((term) => haystack(arrow).includes(term)));
}
