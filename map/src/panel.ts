// What is said of what the reader chose: an arrow with its reasons, an end, a namespace, a bundle.
//
// In: the model and what is chosen. Out: the content of the panel. Reasons are the sentences of the
// answer, as `explain` says them, with file and line.

import type { DirectionReport, Location, PolicyReport, SeenRow, TestReport } from "./answer";
import { button, h, name, type Content } from "./dom";
import { ELSEWHERE, STATES, type Arrow, type End, type Model } from "./model";
import { cut } from "./scene";
import { count, port, reason, shown, standing, times } from "./words";
import type { Ways } from "./ways";

/** More are counted only. */
const MOST = 200;

export interface Asked {
  arrow: (arrow: Arrow) => void;
  end: (end: End) => void;
  ways: (end: End, direction: "to" | "from") => void;
  toggle: (namespace: string) => void;
  test: (test: TestReport) => void;
}

function place(location: Location | undefined): Content[] {
  if (location === undefined) return [];
  const at = [location.file, location.line, location.column].filter((it) => it !== undefined).join(":");
  return [h("code", { class: "place" }, shown(`${at}: ${location.text.trim()}`))];
}

function short(rule: string | undefined): string {
  return rule === undefined ? "" : ` ${rule.replace(/^spec\./, "")}`;
}

function policy(it: PolicyReport): HTMLLIElement {
  const kind = it.kind === "NetworkPolicy" ? "" : `${it.kind} `;
  return h("li", {}, name(`${kind}${it.name}${short(it.rule)}`), ": ", shown(it.message), ...place(it.location));
}

const MARKS: Record<string, string> = { Allowed: "✓", Denied: "✗", Unknown: "?", Ambiguous: "?" };

/** One direction, in the words of `explain`. */
function direction(word: string, report: DirectionReport): HTMLElement {
  const said = `${MARKS[report.verdict] ?? ""} ${word} of ${report.subject}: ${report.message}`;
  const policies = report.policies.map(policy);
  return h(
    "section",
    { class: "direction" },
    h("p", {}, shown(said)),
    ...(report.conditions ?? []).map((it) => h("p", {}, shown(`conditional: ${it}`))),
    policies.length > 0 ? h("ul", {}, ...policies) : null,
  );
}

function command(text: string, label: string): HTMLElement {
  const code = h("code", { class: "command", tabindex: 0 }, shown(text));
  const copy = button("Copy", { "aria-label": `Copy the command: ${label}` }, () => {
    const done = (): void => void (copy.textContent = "Copied");
    navigator.clipboard.writeText(text).then(done, () => getSelection()?.selectAllChildren(code));
  });
  return h("div", { class: "ask" }, h("p", {}, `${label}:`), code, copy);
}

function list(items: string[], label: string): Content[] {
  return items.length === 0 ? [] : [h("p", {}, label), h("ul", {}, ...items.map((it) => h("li", {}, name(it))))];
}

export function arrow(it: Arrow): Content[] {
  const state = STATES[it.state];
  const head = [h("h2", { tabindex: -1 }, name(it.from.label), " → ", name(it.to.label)), h("p", { class: `verdict is-${it.state}` }, `${state.mark} ${state.word}`.trim(), ": ", shown(it.portWords))];
  if (it.test !== undefined) return [...head, ...meant(it.test)];
  if (it.flow !== undefined) return [...head, ...used(it), ...listed(it)];
  if (it.change !== undefined) return [...head, ...changed(it)];
  if (it.seen !== undefined) return [...head, ...observed(it.seen)];
  const { entrance } = it;
  return [...head, h("p", {}, name(entrance?.by ?? "")), entrance?.message === undefined ? null : h("p", {}, shown(`${entrance.message}.`))];
}

/** A test: what is meant, what became of it, what shows that, and what would mend it. */
export function meant(test: TestReport): Content[] {
  const { witness, way = [], mend = [], notes = [] } = test;
  const out: Content[] = [
    h("h3", {}, "Test: ", name(test.name)),
    h("p", { class: `verdict is-${OUTCOMES[test.outcome].state}` }, OUTCOMES[test.outcome].word, test.message === undefined ? "." : shown(`: ${test.message}.`)),
    h("p", {}, shown(`Meant: ${test.says} (${test.scopeWords}).`)),
  ];
  if (test.reason !== undefined) out.push(h("p", {}, shown(`Because: ${test.reason.replace(/\.$/, "")}.`)));
  out.push(...place(test.location));
  if (way.length > 0) {
    const steps = way.map((step) => {
      const at = step.anyPort ? " on any port" : step.ports.length > 0 ? ` on ${step.ports.map(port).join(", ")}` : "";
      return `${step.to}${at}${step.by === undefined ? "" : ` by ${step.by}`}`;
    });
    out.push(h("p", {}, "The way:"), h("ol", {}, ...steps.map((step) => h("li", {}, name(step)))));
  }
  for (const flow of witness?.flows ?? []) {
    out.push(h("h3", {}, "One flow of it: ", name(`${witness?.source ?? ""} → ${witness?.destination ?? ""} ${flow.ports}`)), direction("egress", flow.egress), direction("ingress", flow.ingress));
  }
  out.push(...list(mend, "To mend it:"), ...list(notes, "Besides:"));
  if (witness !== undefined) out.push(command(witness.explain, "Ask why"));
  return out;
}

export const OUTCOMES: Record<TestReport["outcome"], { word: string; mark: string; state: string }> = {
  Broken: { word: "Broken", mark: "✗", state: "broken" },
  NotKnown: { word: "Not known", mark: "?", state: "unproved" },
  Proved: { word: "Proved", mark: "✓", state: "holds" },
};

/** How often a row of the list was used. */
function used(it: Arrow): Content[] {
  if (it.seen === undefined || it.times === undefined) return [];
  if (it.times === 0) return [h("p", {}, it.state === "unused" ? "Nothing of it was seen: it could be closed, if that time tells." : "Nothing of it was seen.")];
  return [h("p", {}, `Seen ${times(it.times)}:`), rowsSeen(it.seen)];
}

function rowsSeen(rows: readonly SeenRow[]): HTMLElement {
  const items = rows.slice(0, MOST).map((row) => h("li", {}, name(`${row.source.label} → ${row.destination.label} ${row.port}`), `, ${row.direction ?? "direction not given"}: ${times(row.count)}`));
  if (rows.length > MOST) items.push(h("li", {}, `and ${rows.length - MOST} more`));
  return h("ul", {}, ...items);
}

const OBSERVED: Record<SeenRow["observed"], string> = {
  Allowed: "it passed",
  Denied: "policies dropped it",
  Audited: "it passed, since policies are in audit mode only",
  DroppedOtherwise: "something else than a policy dropped it",
  Unclear: "it was dropped, whether by a policy is not known",
  Seen: "it was on its way",
};

/** What was seen of flows that are in no row of the list, or against it. */
function observed(rows: readonly SeenRow[]): Content[] {
  return rows.flatMap((row) => {
    const predicted = row.predicted === undefined ? "" : `, and ${row.predicted.toLowerCase()} is predicted`;
    const what = `${times(row.count)}, ${row.direction ?? "direction not given"}: ${OBSERVED[row.observed]}${row.asPredicted === "No" ? predicted : ""}`;
    return [h("p", {}, `${what}.`), h("p", {}, shown(`${row.message}.`)), ...list(row.likely ?? [], "Likely:")];
  });
}

function listed({ flow, why }: Arrow): Content[] {
  if (flow === undefined) return [];
  const { witness } = flow;
  const out: Content[] = [
    ...list(flow.conditions ?? [], "Only what meets one of these passes:"),
    ...list(flow.notKnown ?? [], "It depends on:"),
    ...list(flow.by ?? [], "What leads there from outside:"),
  ];
  if (flow.reason !== undefined) out.push(h("p", {}, `Why: ${[flow.reason, ...(flow.also ?? [])].map(reason).join("; ")}.`));
  else if (witness?.egress === undefined && why !== "") out.push(h("p", {}, shown(`Why: ${why}.`)));
  out.push(...list(flow.rules ?? [], flow.verdict === "Unknown" ? "Rules that may admit it, or disagree:" : "Rules that admit it:"));
  if (witness === undefined) return out;
  const { egress, ingress } = witness;
  if (egress !== undefined && ingress !== undefined) {
    out.push(h("h3", {}, "One flow of it: ", name(`${witness.source} → ${witness.destination} ${witness.ports}`)), direction("egress", egress), direction("ingress", ingress));
  }
  out.push(command(witness.explain, "Ask why"));
  return out;
}

function changed({ change, why }: Arrow): Content[] {
  if (change === undefined) return [];
  const { witness } = change;
  const out: Content[] = [];
  if ((change.namespaces ?? []).length > 0) out.push(...list(change.namespaces ?? [], "The same in these namespaces:"));
  const reasons = change.reasons ?? [];
  if (reasons.length === 0 && why !== "") out.push(h("p", {}, shown(`${why}.`)));
  for (const it of reasons) {
    out.push(
      h("h3", {}, `${it.direction}: `, name(it.message)),
      ...(it.policy === undefined ? [] : place(it.policy.location)),
      h("p", { class: "when" }, "Before:"),
      direction(it.direction, it.before),
      h("p", { class: "when" }, "After:"),
      direction(it.direction, it.after),
    );
  }
  out.push(h("h3", {}, "One flow of it: ", name(`${witness.source} → ${witness.destination} ${witness.port}/${witness.protocol}`)));
  out.push(command(witness.explainBefore, "Ask why it was so"), command(witness.explainAfter, "Ask why it is so now"));
  return out;
}

/** The arrows of a bundle, or of an end, each to be chosen. */
export function arrows(all: readonly Arrow[], asked: Asked): HTMLElement {
  const items = all.slice(0, MOST).map((it) => {
    const { mark, word } = STATES[it.state];
    const ports = cut(it.portWords, 80);
    const label = `${mark === "" ? "" : `${mark} `}${it.from.label} → ${it.to.label} ${ports}`;
    const item = button("", { class: "link", "aria-label": shown(`${word}: ${it.from.label} → ${it.to.label}, ${ports}`) }, () => asked.arrow(it));
    item.append(name(label));
    return h("li", {}, item);
  });
  if (all.length > MOST) items.push(h("li", {}, `and ${all.length - MOST} more, in the table`));
  return h("ul", { class: "rows" }, ...items);
}

export function bundle(all: readonly Arrow[], title: string, asked: Asked): Content[] {
  return [h("h2", { tabindex: -1 }, name(title)), h("p", {}, `${count(all.length, "row")} of the answer; choose one for its reasons.`), arrows(all, asked)];
}

function related(model: Model, mine: (end: End) => boolean): { into: Arrow[]; out: Arrow[] } {
  return { into: model.arrows.filter((it) => mine(it.to)), out: model.arrows.filter((it) => mine(it.from)) };
}

function both(into: Arrow[], out: Arrow[], asked: Asked): Content[] {
  return [
    h("h3", {}, `In: ${count(into.length, "row")}`),
    into.length > 0 ? arrows(into, asked) : h("p", {}, "Nothing that is listed leads here."),
    h("h3", {}, `Out: ${count(out.length, "row")}`),
    out.length > 0 ? arrows(out, asked) : h("p", {}, "Nothing that is listed leads from here."),
  ];
}

export function end(model: Model, it: End, asked: Asked, ways: Ways | null): Content[] {
  const out: Content[] = [h("h2", { tabindex: -1 }, name(it.label))];
  if (it.shape === "representative") out.push(h("p", {}, "It stands for pods that nobody has written, as rules tell them apart."));
  if (it.broughtBy.length > 0) {
    const rules = it.broughtBy.map((by) => `${by.kind} ${by.namespace === undefined ? "" : `${by.namespace}/`}${by.name}${short(by.field)}`);
    out.push(...list([...new Set(rules)], "By these rules:"));
  }
  out.push(...list(it.labels, "Labels:"));
  out.push(...failing(model, it, asked));
  out.push(...list(model.open.get(it.key) ?? [], "Open to:"));
  out.push(...list(it.members.map((member) => `${member.namespace === undefined ? "" : `${member.namespace}/`}${member.name}`), "These are:"));
  out.push(...list(it.networks, "Networks:"), ...list(it.pods, "Only these pods of it:"));
  if (model.answer.kind === "FlowList") {
    const ask = (direction: "to" | "from", label: string): HTMLElement => button(label, {}, () => asked.ways(it, direction));
    out.push(h("p", { class: "actions" }, ask("to", "Who can reach this"), ask("from", "What can this reach")));
  }
  if (ways !== null) out.push(...reached(model, ways, asked));
  const { into, out: outward } = related(model, (other) => other.key === it.key);
  out.push(...both(into, outward, asked));
  return out;
}

/** The tests that find an end open. */
function failing(model: Model, it: End, asked: Asked): Content[] {
  const all = model.failing.get(it.key) ?? [];
  return all.length === 0 ? [] : [h("p", {}, "Against these tests:"), h("ul", { class: "rows" }, ...all.map((test) => h("li", {}, testLink(test, asked))))];
}

function testLink(test: TestReport, asked: Asked): HTMLElement {
  const { mark, word } = OUTCOMES[test.outcome];
  const item = button("", { class: "link", "aria-label": shown(`${word}: ${test.name}`) }, () => asked.test(test));
  item.append(`${mark} `, name(test.name));
  return item;
}

/** The list of tests beside the picture, each to be chosen. */
export function tests(all: readonly TestReport[], asked: Asked): HTMLElement[] {
  return (["Broken", "NotKnown", "Proved"] as const).flatMap((outcome) => {
    const own = all.filter((test) => test.outcome === outcome);
    if (own.length === 0) return [];
    const { mark, word } = OUTCOMES[outcome];
    const items = own.map((test) => {
      const told = test.outcome === "Proved" ? test.says : test.message;
      return h("li", {}, testLink(test, asked), told === undefined ? "" : `: ${shown(told)}`);
    });
    return [h("details", { open: outcome !== "Proved" }, h("summary", {}, `${mark} ${own.length} ${word.toLowerCase()}`), h("ul", {}, ...items))];
  });
}

function reached(model: Model, ways: Ways, asked: Asked): Content[] {
  const found = [...ways.ends].sort(([, a], [, b]) => a.hops - b.hops);
  const items = found.slice(0, MOST).map(([key, how]) => {
    const other = model.ends.get(key);
    const item = button("", { class: "link" }, () => other !== undefined && asked.end(other));
    item.append(name(other?.label ?? key));
    return h("li", {}, item, ` ${count(how.hops, "hop")}${how.certain ? "" : ", perhaps"}`);
  });
  if (found.length > MOST) items.push(h("li", {}, `and ${found.length - MOST} more`));
  return [h("h3", {}, `${count(found.length, "end")} on the way`), found.length > 0 ? h("ul", { class: "rows" }, ...items) : h("p", {}, "None that is listed.")];
}

export function namespace(model: Model, of: string, isOpen: boolean, asked: Asked): Content[] {
  const summary = model.namespaces.get(of) ?? null;
  const title = of === ELSEWHERE ? ["Pods that nobody has written, of other namespaces"] : ["Namespace ", name(of)];
  const out: Content[] = [h("h2", { tabindex: -1 }, ...title)];
  if (summary !== null) {
    for (const way of ["ingress", "egress"] as const) {
      out.push(h("p", {}, `${standing(way, summary[way], summary.workloads).sentence}.`));
      out.push(...list(summary[way].isolatedBy ?? [], "Isolated by:"), ...list(summary[way].open ?? [], "Isolated by no policy:"), ...list(summary[way].unknown ?? [], "Not known of:"));
    }
    out.push(...list(summary.hostNetwork ?? [], "On their node's network, where NetworkPolicy does not apply:"));
    if (summary.policiesUnread === true) out.push(h("p", {}, "There may be policies here that could not be read."));
  }
  const ends = [...model.ends.values()].filter((it) => it.namespace === of);
  out.push(h("p", { class: "actions" }, button(isOpen ? "Close in the picture" : "Open in the picture", {}, () => asked.toggle(of))));
  const items = ends.slice(0, MOST).map((it) => {
    const item = button("", { class: "link" }, () => asked.end(it));
    item.append(name(it.name));
    return h("li", {}, item);
  });
  if (ends.length > MOST) items.push(h("li", {}, `and ${ends.length - MOST} more`));
  out.push(h("h3", {}, "Who is in it"), ends.length > 0 ? h("ul", { class: "rows" }, ...items) : h("p", {}, "Nobody who is listed."));
  const { into, out: outward } = related(model, (other) => other.namespace === of);
  out.push(...both(into, outward, asked));
  return out;
}
