// What tests and Hubble add to a model: the flows that show what becomes of a test, and what was seen.
//
// In: a model with its ends and the rows of its list, tests, and equal flows that were seen. Out: further
// arrows; the rows of the list are told how often they were used.

import type { Ports, Seen, SeenRow, TestReport } from "./answer";
import { ELSEWHERE, known, ofReport, parsed, special, type End, type Loose, type Model, type State } from "./model";
import { meet } from "./filter";
import * as words from "./words";

/** Tests of which something must pass. */
const MUST_PASS: readonly string[] = ["allow", "dns"];

function stateOf(test: TestReport): State {
  if (test.outcome === "NotKnown") return "unproved";
  return MUST_PASS.includes(test.asks) ? "cut" : "broken";
}

/** One arrow for the flow that shows it, or for each hop of the way. */
export function tests(made: Model, all: readonly TestReport[]): Loose[] {
  const arrows: Loose[] = [];
  for (const test of all) {
    if (test.outcome === "Proved") continue;
    const state = stateOf(test);
    const why = test.message === undefined ? test.name : `${test.name}: ${test.message}`;
    const add = (from: End, to: End, ports: Ports[], portWords: string): void => void arrows.push({ from, to, ports, portWords, state, why, reasons: [], test });
    const { witness, open } = test;
    if (witness !== undefined) {
      const [from, to] = witness.ends;
      const ports = witness.port === undefined || witness.protocol === undefined ? [] : [{ protocol: witness.protocol, port: witness.port }];
      add(known(made, ofReport(from)), known(made, ofReport(to)), ports, portsIn(ports));
    } else {
      let before: End | null = null;
      for (const step of test.way ?? []) {
        if (step.end === undefined) continue;
        const to = known(made, ofReport(step.end));
        const from: End | null = before ?? (step.by === undefined ? null : known(made, special("internet", "outside")));
        if (from !== null) add(from, to, step.ports, step.anyPort ? "any port" : portsIn(step.ports));
        before = to;
      }
    }
    if (open !== undefined) {
      const end = known(made, ofReport(open.end));
      made.failing.set(end.key, [...(made.failing.get(end.key) ?? []), test]);
    }
  }
  return arrows;
}

function portsIn(ports: readonly Ports[]): string {
  return ports.length === 0 ? "any port" : ports.map(words.port).join(", ");
}

/** What equal flows say of policies; nothing of packets on their way, which nobody decided. */
function said(row: SeenRow): "dropped" | "against" | "seen" | null {
  switch (row.observed) {
    case "Seen":
      return null;
    case "Audited":
      return "against";
    case "Allowed":
      return row.asPredicted === "No" ? "against" : "seen";
    default:
      return "dropped";
  }
}

/** One who sent or took something that was seen, with what a row must have to mean it. */
interface Party {
  end: End;
  /** No workload of the answer: a pod that is gone, or that nobody has written. */
  stranger: boolean;
}

/** Whether an end of a row means who was seen; where that is not sure, it does. */
function means(end: End, { end: other, stranger }: Party): boolean {
  if (end.key === other.key || (end.object !== "" && end.object === other.object)) return true;
  switch (end.shape) {
    case "anyone":
      return end.label === "anyone" || other.namespace !== null;
    case "outside":
      return other.shape === "outside";
    case "namespace":
      return end.namespace === other.namespace;
    case "representative":
      return stranger && (end.namespace === other.namespace || end.namespace === ELSEWHERE);
    default:
      return false;
  }
}

/** Which rows of a list have an end, without looking at each. */
class Rows {
  private readonly byObject = new Map<string, Loose[]>();
  private readonly wide: Loose[] = [];

  constructor(rows: readonly Loose[]) {
    for (const row of rows) {
      if (row.flow === undefined) continue;
      if (row.to.object === "" || row.to.shape === "namespace") this.wide.push(row);
      else this.byObject.set(row.to.object, [...(this.byObject.get(row.to.object) ?? []), row]);
    }
  }

  of(source: Party, destination: Party, ports: readonly Ports[]): Loose[] {
    const near = this.byObject.get(destination.end.object) ?? [];
    return [...near, ...this.wide].filter((row) => {
      const port = row.flow?.anyPort === true || row.ports.some((own) => ports.some((other) => meet(own, other)));
      return port && means(row.from, source) && means(row.to, destination);
    });
  }
}

/** How often something was seen: each connection shows on its way out, and on its way in. */
function times(rows: readonly SeenRow[]): number {
  const of = (direction: string | undefined): number => rows.filter((row) => row.direction === direction).reduce((sum, row) => sum + row.count, 0);
  return Math.max(of("egress"), of("ingress")) + of(undefined);
}

/** Tells rows of the list how often they were used; what was seen and is in none becomes an arrow. */
export function seen(made: Model, list: Loose[], summary: Seen): Loose[] {
  const workloads = new Set([...made.ends.values()].map((end) => end.object).filter((object) => object !== ""));
  const rows = new Rows(list);
  const used = new Map<Loose, SeenRow[]>();
  const arrows: Loose[] = [];
  const party = (end: End): Party => ({ end, stranger: end.namespace !== null && !workloads.has(end.object) });
  for (const row of summary.rows) {
    const state = said(row);
    if (state === null) continue;
    const [source, destination] = [ofReport(row.source), ofReport(row.destination)];
    const ports = /^\d/.test(row.port) ? [parsed(row.port)] : [];
    const covering = state === "seen" ? rows.of(party(source), party(destination), ports) : [];
    for (const arrow of covering) used.set(arrow, [...(used.get(arrow) ?? []), row]);
    if (covering.length > 0) continue;
    const why = [row.message, ...(row.likely ?? []).map((it) => `likely ${it}`)].join("; ");
    arrows.push({ from: known(made, source), to: known(made, destination), ports, portWords: row.port, state, why: row.direction === undefined ? why : `${row.direction}: ${why}`, reasons: [], seen: [row], times: row.count });
  }
  for (const arrow of list) {
    if (arrow.flow === undefined) continue;
    const own = used.get(arrow) ?? [];
    arrow.seen = own;
    arrow.times = times(own);
    // Of what was not asked for nothing is known.
    if (own.length === 0 && summary.narrowed === true) delete arrow.times;
    else if (own.length === 0 && (arrow.state === "holds" || arrow.state === "condition")) arrow.state = "unused";
  }
  return arrows;
}
