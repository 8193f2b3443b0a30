// The picture: a scene with its layout as SVG, which a keyboard walks through and a pointer moves.
//
// In: a scene and a layout. Out: elements below one `svg`, and what the reader chooses there.

import { button, s } from "./dom";
import { LINE, PAD, SMALL, TITLE, wide, type Box, type Point } from "./geometry";
import type { Course, Layout } from "./layout";
import { STATES, type Model, type Shape, type State } from "./model";
import { cut, type Bundle, type Node, type Scene } from "./scene";
import { count, shown } from "./words";

export interface Chosen {
  node(node: Node): void;
  bundle(bundle: Bundle): void;
  nothing(): void;
}

/** What a shape stands for, for those who do not see it. */
const SHAPES: Record<Shape, string> = {
  workload: "workload",
  representative: "pods that nobody has written",
  several: "several workloads",
  anyone: "everyone",
  outside: "outside the cluster",
  node: "node",
  namespace: "namespace",
  other: "no workload that is known",
};

/** The end of an arrow by its state. */
const HEADS: Record<State, string> = {
  holds: "triangle",
  condition: "triangle",
  unknown: "hollow",
  entrance: "triangle",
  refused: "bar",
  opened: "triangle",
  closed: "bar",
  conditions: "diamond",
  unsure: "hollow",
  broken: "triangle",
  cut: "bar",
  unproved: "hollow",
  unused: "hollow",
  seen: "triangle",
  dropped: "bar",
  against: "diamond",
};

const HEAD = 12;

/** Drawn so many times smaller, names are no text any more; and what is shown of it then. */
const SMALLEST = 4;
const READABLE = 1.6;

export class Picture {
  private view: Box = { x: 0, y: 0, width: 100, height: 100 };
  private whole: Box = { x: 0, y: 0, width: 100, height: 100 };
  private places = new Map<string, Point>();
  private current = "";

  constructor(
    private readonly svg: SVGSVGElement,
    private readonly chosen: Chosen,
  ) {
    svg.addEventListener("keydown", (event) => this.key(event));
    svg.addEventListener("focusin", (event) => {
      const id = (event.target as Element).closest("[data-id]")?.getAttribute("data-id");
      if (id !== null && id !== undefined) this.rove(id);
    });
    this.drag();
  }

  /** Draws all of it; what was focused stays so where it is still there. */
  draw(model: Model, scene: Scene, layout: Layout, drawn: readonly Course[]): void {
    const held = this.svg.contains(document.activeElement) ? this.current : "";
    this.places.clear();
    const boxes = s("g");
    const nodes = s("g");
    const courses = s("g");
    for (const node of scene.nodes) {
      const box = layout.boxes.get(node.id);
      if (box === undefined) continue;
      (node.inside === null ? nodes : boxes).append(this.node(node, box));
      for (const inner of node.inside ?? []) {
        const own = layout.boxes.get(inner.id);
        if (own !== undefined) nodes.append(this.node(inner, own));
      }
    }
    const bundles = new Map(scene.bundles.map((bundle) => [bundle.id, bundle]));
    const titles = titlesOf(scene);
    for (const course of drawn) {
      const bundle = bundles.get(course.id);
      if (bundle !== undefined) courses.append(this.course(model, titles, bundle, course));
    }
    this.svg.replaceChildren(heads(), boxes, courses, nodes);
    const margin = 16;
    this.whole = { x: -margin, y: -margin, width: layout.width + 2 * margin, height: layout.height + 2 * margin };
    const first = this.svg.querySelector("[data-id]")?.getAttribute("data-id") ?? "";
    const next = this.places.has(this.current) ? this.current : first;
    this.rove(next);
    if (held !== "") this.element(next)?.focus({ preventScroll: true });
  }

  /** Marks what is chosen, and what leads there and from there. */
  mark(selected: string, near: ReadonlySet<string>): void {
    for (const element of this.svg.querySelectorAll<SVGElement>("[data-id]")) {
      const id = element.getAttribute("data-id") ?? "";
      element.classList.toggle("chosen", id === selected);
      element.classList.toggle("near", near.has(id));
    }
  }

  focus(id: string): void {
    this.rove(id);
    this.element(id)?.focus();
  }

  /** Where all of it is. */
  extent(): Box {
    return this.whole;
  }

  /** The whole picture at once, but no larger than life. */
  fit(): void {
    const { width, height } = this.svg.getBoundingClientRect();
    const scale = Math.max(this.whole.width / Math.max(width, 1), this.whole.height / Math.max(height, 1), 1);
    const own = { width: width * scale, height: height * scale };
    this.view = { x: this.whole.x - (own.width - this.whole.width) / 2, y: this.whole.y - (own.height - this.whole.height) / 2, ...own };
    this.apply();
  }

  /** The whole picture, or of one in which nothing could be read the part where it begins. */
  begin(): void {
    this.fit();
    const { width, height } = this.svg.getBoundingClientRect();
    if (this.view.width <= SMALLEST * Math.max(width, 1)) return;
    this.view = { x: this.whole.x, y: this.whole.y, width: width * READABLE, height: height * READABLE };
    this.apply();
  }

  zoom(factor: number, at?: Point): void {
    const centre = at ?? { x: this.view.x + this.view.width / 2, y: this.view.y + this.view.height / 2 };
    const bounds = this.svg.getBoundingClientRect();
    const widest = Math.max(this.whole.width, this.whole.height, bounds.width) * 4;
    const width = Math.min(Math.max(this.view.width * factor, 120), widest);
    const real = width / this.view.width;
    this.view = {
      x: centre.x - (centre.x - this.view.x) * real,
      y: centre.y - (centre.y - this.view.y) * real,
      width,
      height: this.view.height * real,
    };
    this.apply();
  }

  private apply(): void {
    const { x, y, width, height } = this.view;
    this.svg.setAttribute("viewBox", [x, y, width, height].map((it) => it.toFixed(1)).join(" "));
  }

  private element(id: string): SVGElement | null {
    return this.svg.querySelector<SVGElement>(`[data-id="${CSS.escape(id)}"]`);
  }

  /** One of all has a place in the order of the page; arrow keys go from there. */
  private rove(id: string): void {
    this.svg.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    this.element(id)?.setAttribute("tabindex", "0");
    this.current = id;
  }

  private node(node: Node, box: Box): SVGGElement {
    const { x, y, width, height } = box;
    this.places.set(node.id, { x: x + Math.min(width, 200) / 2, y: node.inside === null ? y + height / 2 : y + 20 });
    const classes = ["node", `is-${node.shape}`, ...(node.states[0] === undefined ? [] : [`in-${node.states[0]}`]), ...(node.exposed ? ["exposed"] : []), ...(node.inside === null ? [] : ["opened"])];
    const spoken = [SHAPES[node.shape], node.title, ...node.lines, ...(node.inside === null ? [] : [`open, with ${count(node.inside.length, "end")}`])];
    const group = s("g", { class: classes.join(" "), role: "button", tabindex: -1, "data-id": node.id });
    // Its name, for those who hear it and for those who point at it.
    group.append(s("title", {}, shown(spoken.join(", "))), outline(node.shape, box));
    const centred = node.shape === "anyone" || node.shape === "outside";
    const left = centred ? x + PAD + 11 : x + PAD;
    group.append(s("text", { x: left, y: y + PAD + TITLE - 3, class: "title" }, shown(cut(node.title))));
    node.lines.forEach((line, at) => group.append(s("text", { x: left, y: y + PAD + TITLE + (at + 1) * LINE - 3, class: line.includes("open to ") ? "line warns" : "line" }, shown(cut(line)))));
    group.addEventListener("click", (event) => {
      event.stopPropagation();
      if (!this.moved) this.chosen.node(node);
    });
    return group;
  }

  private course(model: Model, titles: ReadonlyMap<string, string>, bundle: Bundle, { points, at }: Course): SVGGElement {
    this.places.set(`b:${bundle.id}`, at);
    const { word } = STATES[bundle.state];
    const [from, to] = [bundle.from, bundle.to].map((id) => titles.get(id));
    const spoken = `${word}: ${from ?? ""} → ${to ?? ""}, ${bundle.label}, ${count(bundle.arrows.length, model.answer.kind === "Diff" ? "change" : "flow")}`;
    const group = s("g", { class: `course is-${bundle.state}`, role: "button", tabindex: -1, "data-id": `b:${bundle.id}` });
    const d = curve(points);
    const across = wide(bundle.label, SMALL * 0.92);
    group.append(
      s("title", {}, shown(spoken)),
      s("path", { d, class: "hit" }),
      s("path", { d, class: "line", "marker-end": `url(#head-${HEADS[bundle.state]})` }),
      s("rect", { x: at.x - across / 2, y: at.y - LINE / 2, width: across, height: LINE, class: "ground" }),
      s("text", { x: at.x, y: at.y + 4, class: "words", "text-anchor": "middle" }, shown(bundle.label)),
    );
    group.addEventListener("click", (event) => {
      event.stopPropagation();
      if (!this.moved) this.chosen.bundle(bundle);
    });
    return group;
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    this.moved = false;
    const steps: Record<string, Point> = { ArrowLeft: { x: -1, y: 0 }, ArrowRight: { x: 1, y: 0 }, ArrowUp: { x: 0, y: -1 }, ArrowDown: { x: 0, y: 1 } };
    const step = steps[event.key];
    if (step !== undefined) {
      const next = this.nearest(step);
      if (next !== null) {
        this.focus(next);
        this.show(next);
      }
    } else if (event.key === "Enter" || event.key === " ") {
      this.element(this.current)?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    } else if (event.key === "+" || event.key === "=") this.zoom(0.8);
    else if (event.key === "-") this.zoom(1.25);
    else if (event.key === "0") this.fit();
    else if (event.key === "Home" || event.key === "End") {
      const all = [...this.places.keys()];
      const next = event.key === "Home" ? all[0] : all.at(-1);
      if (next !== undefined) this.focus(next);
    } else return;
    event.preventDefault();
  }

  /** What is next in a direction: the nearest that lies rather there than aside. */
  private nearest(step: Point): string | null {
    const here = this.places.get(this.current);
    if (here === undefined) return null;
    let best: [number, string] | null = null;
    for (const [id, place] of this.places) {
      const [dx, dy] = [place.x - here.x, place.y - here.y];
      const along = dx * step.x + dy * step.y;
      const aside = Math.abs(dx * step.y) + Math.abs(dy * step.x);
      if (id === this.current || along <= 1) continue;
      const far = along + 3 * aside;
      if (best === null || far < best[0]) best = [far, id];
    }
    return best?.[1] ?? null;
  }

  /** Brings what is focused into sight. */
  private show(id: string): void {
    const place = this.places.get(id);
    if (place === undefined) return;
    const { x, y, width, height } = this.view;
    if (place.x < x || place.x > x + width) this.view.x = place.x - width / 2;
    if (place.y < y || place.y > y + height) this.view.y = place.y - height / 2;
    this.apply();
  }

  private moved = false;

  private drag(): void {
    let from: { x: number; y: number; view: Box } | null = null;
    const scale = (): number => 1 / (this.svg.getScreenCTM()?.a ?? 1);
    this.svg.addEventListener("pointerdown", (event) => {
      if (event.button === 0) from = { x: event.clientX, y: event.clientY, view: { ...this.view } };
      this.moved = false;
    });
    this.svg.addEventListener("pointermove", (event) => {
      if (from === null || event.buttons === 0) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (!this.moved && Math.hypot(dx, dy) < 4) return;
      this.moved = true;
      this.view = { ...from.view, x: from.view.x - dx * scale(), y: from.view.y - dy * scale() };
      this.apply();
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"] as const) this.svg.addEventListener(end, () => (from = null));
    this.svg.addEventListener("click", () => {
      if (!this.moved) this.chosen.nothing();
    });
    this.svg.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM()?.inverse());
        this.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 300), at);
      },
      { passive: false },
    );
  }
}

/** What each node is called where it stands by itself. */
function titlesOf(scene: Scene): Map<string, string> {
  const all = new Map<string, string>();
  for (const node of scene.nodes) {
    all.set(node.id, node.title);
    for (const inner of node.inside ?? []) all.set(inner.id, inner.end?.label ?? inner.title);
  }
  return all;
}

/** The outline of a node: each kind has its own. */
function outline(shape: Shape, { x, y, width, height }: Box): SVGElement {
  const box = { x, y, width, height, class: "outline" };
  switch (shape) {
    case "anyone": {
      const tip = 11;
      const corners = [[x, y + height / 2], [x + tip, y], [x + width - tip, y], [x + width, y + height / 2], [x + width - tip, y + height], [x + tip, y + height]];
      return s("polygon", { points: corners.map((corner) => corner.join(",")).join(" "), class: "outline" });
    }
    case "outside":
      return s("rect", { ...box, rx: height / 2 });
    case "representative":
      return s("rect", { ...box, rx: 14 });
    case "node": {
      const corners = [[x + 10, y], [x + width, y], [x + width, y + height - 10], [x + width - 10, y + height], [x, y + height], [x, y + 10]];
      return s("polygon", { points: corners.map((corner) => corner.join(",")).join(" "), class: "outline" });
    }
    case "several":
      return s("g", {}, s("rect", { ...box, x: x + 4, y: y + 4, rx: 4 }), s("rect", { ...box, rx: 4 }));
    default:
      return s("rect", { ...box, rx: 4 });
  }
}

/** A smooth line through points. */
function curve(points: readonly Point[]): string {
  const at = (point: Point): string => `${point.x.toFixed(1)} ${point.y.toFixed(1)}`;
  const [first, ...rest] = points;
  if (first === undefined) return "";
  if (points.length === 4) return `M ${at(first)} C ${rest.map(at).join(", ")}`;
  let d = `M ${at(first)}`;
  if (points.length === 2) d += ` L ${rest.map(at).join("")}`;
  for (let index = 0; index + 1 < rest.length; index += 1) {
    const [bend, next] = [rest[index], rest[index + 1]];
    if (bend === undefined || next === undefined) break;
    const end = index + 2 === rest.length ? next : { x: (bend.x + next.x) / 2, y: (bend.y + next.y) / 2 };
    d += ` Q ${at(bend)}, ${at(end)}`;
  }
  return d;
}

function heads(): SVGDefsElement {
  const marker = (id: string, shape: SVGElement): SVGMarkerElement =>
    s("marker", { id: `head-${id}`, viewBox: "0 0 12 12", refX: id === "bar" ? 6 : 11, refY: 6, markerWidth: HEAD, markerHeight: HEAD, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse", class: "head" }, shape);
  return s(
    "defs",
    {},
    marker("triangle", s("path", { d: "M 1 1 L 11 6 L 1 11 z", fill: "context-stroke" })),
    marker("hollow", s("path", { d: "M 1 1 L 11 6 L 1 11", fill: "none", stroke: "context-stroke", "stroke-width": 2 })),
    marker("diamond", s("path", { d: "M 1 6 L 6 1 L 11 6 L 6 11 z", fill: "context-stroke" })),
    marker("bar", s("path", { d: "M 6 0 L 6 12", fill: "none", stroke: "context-stroke", "stroke-width": 3 })),
  );
}

/** A line of a state, for the legend. */
export function sample(state: State): HTMLElement {
  const item = document.createElement("li");
  const svg = s("svg", { width: 64, height: 14, "aria-hidden": "true", class: "sample" });
  svg.append(s("g", { class: `course is-${state}` }, s("path", { d: "M 2 7 L 58 7", class: "line", "marker-end": `url(#head-${HEADS[state]})` })));
  item.append(svg, ` ${STATES[state].word}`);
  return item;
}

/** Buttons that move the picture, for those who have no wheel. */
export function movers(picture: Picture): HTMLButtonElement[] {
  return [
    button("−", { "aria-label": "Zoom out", title: "Zoom out (−)" }, () => picture.zoom(1.25)),
    button("+", { "aria-label": "Zoom in", title: "Zoom in (+)" }, () => picture.zoom(0.8)),
    button("Fit", { title: "Show all of it (0)" }, () => picture.fit()),
  ];
}
