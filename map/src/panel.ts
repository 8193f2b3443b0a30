// What is said of what the reader chose: an arrow with its reasons, an end, a namespace, a bundle.
//
// In: the model and what is chosen. Out: the content of the panel. Reasons are the sentences of the
// answer, as `explain` says them, with file and line.

import type { DirectionReport, Location, PolicyReport } from "./answer";
import { button, h, name, type Content } from "./dom";
import { ELSEWHERE, STATES, type Arrow, type End, type Model } from "./model";
import { cut } from "./scene";
import { count, reason, shown, standing } from "./words";
import type { Ways } from "./ways";

/** More are counted only. */
const MOST = 200;

export interface Asked {
  arrow: (arrow: Arrow) => void;
  end: (end: End) => void;
  ways: (end: End, direction: "to" | "from") => void;
  toggle: (namespace: string) => void;
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
  if (it.flow !== undefined) return [...head, ...listed(it)];
  if (it.change !== undefined) return [...head, ...changed(it)];
  const { entrance } = it;
  return [...head, h("p", {}, name(entrance?.by ?? "")), entrance?.message === undefined ? null : h("p", {}, shown(`${entrance.message}.`))];
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
