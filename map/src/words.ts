// Words of the page: ports, reasons, and text in which nothing steers the reader's display.
//
// In: parts of an answer. Out: text. The sentences of an answer are shown as they are; here is only
// what stands in tables and on arrows.

import type { DirectionSummary, ListedFlow, Ports } from "./answer";

/**
 * Text with all that is not seen where it stands spelled out: a sign that turns the direction of a
 * line becomes `\u{202e}`. Names are shown isolated besides (`bdi`).
 */
export function shown(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu,
    (unseen) => `\\u{${(unseen.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** One range of ports. */
export function port(ports: Ports): string {
  const last = ports.endPort ?? ports.port;
  if (ports.port === 1 && last === 65535) return `any ${ports.protocol} port`;
  const range = last === ports.port ? `${ports.port}` : `${ports.port}-${last}`;
  return `${range}/${ports.protocol}`;
}

/** All ports of a flow. */
export function ports(flow: Pick<ListedFlow, "ports" | "portNames" | "anyPort">): string {
  return flow.anyPort ? "any port" : [...flow.ports.map(port), ...(flow.portNames ?? [])].join(", ");
}

/** The first so many of some words, and how many more there are. */
export function some(words: string[], most: number): string {
  if (words.length <= most) return words.join(", ");
  return `${words.slice(0, most).join(", ")} and ${words.length - most} more`;
}

/** `1 arrow`, `2 arrows`. */
export function count(many: number, one: string): string {
  return `${many.toLocaleString("en")} ${one}${many === 1 ? "" : "s"}`;
}

/** `1 time`, `12 times`. */
export function times(many: number): string {
  return many === 1 ? "1 time" : `${many.toLocaleString("en")} times`;
}

/** The words of what decides, as `list -o wide` has them. */
const REASONS: Record<string, string> = {
  Admitted: "admitted",
  NotIsolated: "not isolated",
  HostNetwork: "on its node's network",
  NotEnforced: "no policy is enforced",
  OwnNode: "its own node",
  SamePod: "the pod itself",
  Unknown: "not known",
  Tie: "policies of one priority disagree",
};

export function reason(word: string): string {
  return REASONS[word] ?? word;
}

/** Why a row of a list is there, in a few words. */
export function why(flow: ListedFlow): string {
  const rules = (flow.rules ?? []).join(", ");
  if (flow.verdict === "Unknown") {
    const on = (flow.notKnown ?? []).join(" or ");
    if (on === "") return "";
    return `depends on ${on}${rules === "" ? "" : ` (${rules})`}`;
  }
  const parts = [flow.reason, ...(flow.also ?? [])].filter((it) => it !== undefined);
  const words = parts.map((it) => (it === "Admitted" && rules !== "" ? rules : reason(it)));
  const told = words.length > 0 ? words : decided(flow);
  return [...new Set(told)].join("; ");
}

/** What must hold besides, and what leads there from outside. */
export function besides(flow: ListedFlow): string[] {
  const conditions = flow.conditions ?? [];
  const only = conditions.length > 0 ? [`only ${conditions.join("; ")}`] : [];
  const by = (flow.by ?? []).length > 0 ? [`by ${(flow.by ?? []).join(", ")}`] : [];
  return [...only, ...by];
}

/** What decides for the witness of a row, out of and into its ends. */
function decided(flow: ListedFlow): string[] {
  const { egress, ingress } = flow.witness ?? {};
  return [egress, ingress].filter((it) => it !== undefined).map((it) => it.message);
}

/** How closed a direction of a namespace is: a sign, a few words and a sentence. */
export function standing(direction: "ingress" | "egress", of: DirectionSummary, workloads: number): Standing {
  const way = direction === "ingress" ? "in" : "out";
  const open = (of.open ?? []).length;
  switch (of.isolation) {
    case "All":
    case "AllWorkloads": {
      const later = of.isolation === "AllWorkloads" ? "; a new one with other labels would be open" : "";
      if (of.dnsOnly) return { state: "dns", words: `${way}: DNS only`, sentence: `${direction}: closed but for the cluster's DNS${later}` };
      return { state: "closed", words: `${way}: closed`, sentence: `${direction}: every pod is isolated, so that only what a policy names passes${later}` };
    }
    case "Partial":
      return { state: "partly", words: `${way}: ${open === 0 ? "some pods" : `${open} of ${workloads}`} not protected`, sentence: `${direction}: ${open === 0 ? "some pods are" : `${count(open, "workload")} of ${workloads} ${open === 1 ? "is" : "are"}`} isolated by no policy` };
    case "None":
      return { state: "open", words: `${way}: not protected`, sentence: `${direction}: no policy isolates anyone here` };
    case "NotEnforced":
      return { state: "open", words: `${way}: not enforced`, sentence: `${direction}: no policy is enforced` };
    default:
      return { state: "unknown", words: `${way}: not known`, sentence: `${direction}: it depends on labels that are not known who is isolated` };
  }
}

export interface Standing {
  state: "closed" | "dns" | "partly" | "open" | "unknown";
  words: string;
  sentence: string;
}

/** The sign of a state, so that colour is not all there is. */
export const SIGNS: Record<Standing["state"], string> = {
  closed: "■",
  dns: "▣",
  partly: "◧",
  open: "□",
  unknown: "?",
};
