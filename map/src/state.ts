// What the reader looks at, and how it stands in the address so that it can be passed on.
//
// In: a fragment. Out: a State, and back. Ends and arrows are named as the answer calls them, so that a
// link holds for another answer that has them too.

import type { Filter } from "./filter";
import { STATES, type State as ArrowState } from "./model";

export type Column = "from" | "to" | "ports" | "verdict" | "why";

export interface Focus {
  /** The key of an end. */
  end: string;
  direction: "to" | "from";
  hops: number;
}

export interface View {
  filter: Filter;
  /** Namespaces that are open. */
  open: string[];
  /** `n:` and a node of the picture, `a:` and the key of an arrow. */
  selected: string;
  focus: Focus | null;
  sort: { column: Column; down: boolean } | null;
}

const COLUMNS: readonly string[] = ["from", "to", "ports", "verdict", "why"];

/** Hops without end. */
export const ALL_HOPS = 99;

export function fresh(): View {
  return { filter: { text: "", namespace: "", port: "", reason: "", state: "" }, open: [], selected: "", focus: null, sort: null };
}

export function written(view: View): string {
  const out = new URLSearchParams();
  const put = (name: string, value: string): void => {
    if (value !== "") out.set(name, value);
  };
  put("q", view.filter.text);
  put("ns", view.filter.namespace);
  put("port", view.filter.port);
  put("why", view.filter.reason);
  put("verdict", view.filter.state);
  for (const name of view.open) out.append("open", name);
  put("at", view.selected);
  if (view.focus !== null) {
    out.set(view.focus.direction, view.focus.end);
    out.set("hops", `${view.focus.hops}`);
  }
  if (view.sort !== null) out.set("sort", `${view.sort.down ? "-" : ""}${view.sort.column}`);
  return out.toString();
}

/** What a fragment says; what is none of its words is left out. */
export function read(fragment: string): View {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const word = (name: string): string => given.get(name) ?? "";
  const view = fresh();
  const state = word("verdict");
  view.filter = {
    text: word("q"),
    namespace: word("ns"),
    port: word("port"),
    reason: word("why"),
    state: Object.hasOwn(STATES, state) ? (state as ArrowState) : "",
  };
  view.open = [...new Set(given.getAll("open"))];
  view.selected = word("at");
  const direction = given.has("to") ? "to" : given.has("from") ? "from" : null;
  if (direction !== null) {
    const hops = Number(word("hops"));
    view.focus = { end: word(direction), direction, hops: Number.isInteger(hops) && hops > 0 ? Math.min(hops, ALL_HOPS) : 1 };
  }
  const sort = word("sort").replace(/^-/, "");
  if (COLUMNS.includes(sort)) view.sort = { column: sort as Column, down: word("sort").startsWith("-") };
  return view;
}
