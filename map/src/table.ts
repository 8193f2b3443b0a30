// The table beside the picture: the same rows, under the same filters.
//
// In: arrows. Out: rows of the table of the page, a part of them at a time, sorted as the reader asks.

import { button, h, name } from "./dom";
import { STATES, type Arrow } from "./model";
import { cut } from "./scene";
import type { Column, View } from "./state";
import { besides, count, shown, times } from "./words";

/** So many rows at a time. */
const STEP = 500;

const COLLATOR = new Intl.Collator("en", { numeric: true });

const VALUES: Record<Column, (arrow: Arrow) => string> = {
  from: (arrow) => arrow.from.label,
  to: (arrow) => arrow.to.label,
  ports: (arrow) => arrow.portWords,
  verdict: (arrow) => verdict(arrow),
  why: (arrow) => why(arrow),
};

/** Why it is there, in a line, with what must hold besides. */
function why(arrow: Arrow): string {
  return [arrow.why, ...(arrow.flow === undefined ? [] : besides(arrow.flow))].filter((it) => it !== "").join("; ");
}

/** What becomes of it, and how often that was seen. */
function verdict(arrow: Arrow): string {
  const { word } = STATES[arrow.state];
  return (arrow.times ?? 0) > 0 ? `${word}, ${times(arrow.times ?? 0)}` : word;
}

export function sorted(arrows: readonly Arrow[], sort: View["sort"]): Arrow[] {
  if (sort === null) return [...arrows];
  const value = VALUES[sort.column];
  const way = sort.down ? -1 : 1;
  return [...arrows].sort((a, b) => way * COLLATOR.compare(value(a), value(b)) || a.id - b.id);
}

export class Table {
  private rows: Arrow[] = [];
  private shownRows = 0;
  private chosen = "";

  constructor(
    private readonly body: HTMLTableSectionElement,
    private readonly more: HTMLElement,
    private readonly choose: (arrow: Arrow) => void,
  ) {}

  fill(arrows: readonly Arrow[], sort: View["sort"]): void {
    this.rows = sorted(arrows, sort);
    this.shownRows = 0;
    this.body.replaceChildren();
    this.next();
  }

  mark(key: string): void {
    this.chosen = key;
    for (const row of this.body.rows) this.show(row);
  }

  private show(row: HTMLTableRowElement): void {
    row.classList.toggle("chosen", this.chosen !== "" && row.dataset["key"] === this.chosen);
  }

  private next(): void {
    const part = this.rows.slice(this.shownRows, this.shownRows + STEP);
    this.shownRows += part.length;
    this.body.append(...part.map((arrow) => this.row(arrow)));
    if (this.rows.length === 0) this.body.append(h("tr", {}, h("td", { colspan: 5 }, "Nothing that is looked for.")));
    const left = this.rows.length - this.shownRows;
    this.more.replaceChildren(...(left > 0 ? [button(`Show ${Math.min(STEP, left)} more of ${count(left, "row")}`, {}, () => this.next())] : []));
  }

  private row(arrow: Arrow): HTMLTableRowElement {
    const state = STATES[arrow.state];
    const spoken = `Why ${arrow.from.label} → ${arrow.to.label}, ${cut(arrow.portWords, 80)}`;
    const ask = button("Why", { class: "quiet", "aria-label": shown(spoken) }, () => this.choose(arrow));
    const row = h(
      "tr",
      { "data-key": arrow.key },
      h("td", {}, name(arrow.from.label)),
      h("td", {}, name(arrow.to.label)),
      h("td", {}, shown(arrow.portWords)),
      h("td", { class: `verdict is-${arrow.state}` }, `${state.mark === "" ? "" : `${state.mark} `}${verdict(arrow)}`),
      h("td", {}, ask, " ", name(why(arrow))),
    );
    this.show(row);
    return row;
  }
}
