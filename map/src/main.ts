// The page: what the reader does changes a View, and everything follows from that.
//
// In: the elements of page.html and the answer in them. Out: picture, table, panel and fragment, which
// always show the same view.

import { read as readAnswer, readBeside, type TestReport } from "./answer";
import { button, h, part } from "./dom";
import { movers, Picture, sample } from "./draw";
import { EVERYTHING, found as foundBy, test } from "./filter";
import { across, MOST_BUNDLES } from "./geometry";
import type { Course, Layout } from "./layout";
import { ELSEWHERE, model as modelOf, STATES, type Arrow, type End, type State } from "./model";
import * as panel from "./panel";
import { Placing } from "./placing";
import { download, picture as pictureFile } from "./save";
import { homes, nodeOf, scene as sceneOf, sketch, type Bundle, type Node, type Scene } from "./scene";
import { ALL_HOPS, fresh, read as readView, written, type Column, type View } from "./state";
import { Table } from "./table";
import { ways as waysOf, type Ways } from "./ways";
import { count, reason, shown } from "./words";

const text = (id: string): string => part(id, HTMLScriptElement).text;
const model = modelOf(readAnswer(text("answer")), readBeside(text("tested"), text("seen")));
const alone = model.arrows.every((arrow) => arrow.test === undefined && (arrow.seen === undefined || arrow.flow !== undefined));
const rowWord = !alone ? "row" : model.answer.kind === "Diff" ? "change" : "flow";
const byKey = new Map(model.arrows.map((arrow) => [arrow.key, arrow]));

const svg = document.querySelector<SVGSVGElement>("svg#picture");
if (svg === null) throw new Error("the page has no picture");

/** More namespaces are not opened at first. */
const MOST_OPEN = 6;

let view: View = location.hash === "" ? first() : readView(location.hash);
let filtered: Arrow[] = [];
let ways: Ways | null = null;
let scene: Scene = { nodes: [], bundles: [], left: 0 };
let placed: Layout | null = null;
let drawnAs = "";

const status = part("status", HTMLElement);
const side = part("panel", HTMLElement);
const search = part("search", HTMLInputElement);
const portField = part("port", HTMLInputElement);
const namespaceChoice = part("namespace", HTMLSelectElement);
const reasonChoice = part("reason", HTMLSelectElement);
const stateChoice = part("verdict", HTMLSelectElement);

const asked: panel.Asked = {
  arrow: (arrow) => change({ selected: `a:${arrow.key}` }, true),
  end: (end) => {
    const open = end.namespace === null || view.open.includes(end.namespace) ? view.open : [...view.open, end.namespace];
    change({ open, selected: `n:${nodeOf(end, sideOf(end), new Set(open))}`, focus: null }, true);
  },
  ways: (end, direction) => {
    const open = end.namespace === null || view.open.includes(end.namespace) ? view.open : [...view.open, end.namespace];
    change({ open, focus: { end: end.key, direction, hops: view.focus?.hops ?? 1 } }, true);
  },
  toggle: (namespace) => change({ open: toggled(namespace), selected: `n:ns:${namespace}` }, true),
  test: (test) => chooseTest(test),
};

const picture = new Picture(svg, {
  node: (node) => chooseNode(node),
  bundle: (bundle) => chooseBundle(bundle),
  nothing: () => change({ selected: "", focus: null }, false),
});
const table = new Table(part("rows", HTMLTableSectionElement), part("more", HTMLElement), asked.arrow);

const placing = new Placing(text("layout"), (layout) => {
  placed = layout;
  svg.removeAttribute("aria-busy");
  draw(layout);
  picture.begin();
  mark();
  say();
});

/** What is looked at first: where tests are broken, if these are few. */
function first(): View {
  const ends = model.arrows.filter((arrow) => arrow.state === "broken" || arrow.state === "cut").flatMap((arrow) => [arrow.from, arrow.to]);
  const failing = [...model.failing.keys()].flatMap((key) => model.ends.get(key) ?? []);
  const open = [...new Set([...ends, ...failing].flatMap((end) => end.namespace ?? []))];
  return { ...fresh(), open: open.length <= MOST_OPEN ? open : [] };
}

/** What shows a test, with both of its ends; all that is known of it where nothing does. */
function chooseTest(test: TestReport): void {
  const arrows = model.arrows.filter((arrow) => arrow.test === test);
  const [only] = arrows;
  const ends = arrows.flatMap((arrow) => [arrow.from, arrow.to]);
  const failing = test.open === undefined ? [] : [...model.failing].filter(([, all]) => all.includes(test)).flatMap(([key]) => model.ends.get(key) ?? []);
  const open = [...new Set([...view.open, ...[...ends, ...failing].flatMap((end) => end.namespace ?? [])])];
  change({ filter: EVERYTHING, focus: null, open, selected: only === undefined ? `t:${test.name}` : `a:${only.key}` }, true);
}

function sideOf(end: End): "from" | "to" {
  return model.arrows.some((arrow) => arrow.from.key === end.key) ? "from" : "to";
}

function toggled(namespace: string): string[] {
  return view.open.includes(namespace) ? view.open.filter((it) => it !== namespace) : [...view.open, namespace];
}

/** A click opens a namespace; of one that is open, and of everything else, it tells what is known. */
function chooseNode(node: Node): void {
  const closed = node.shape === "namespace" && node.end === null && node.inside === null && node.namespace !== null;
  change({ selected: `n:${node.id}`, focus: null, ...(closed && node.namespace !== null ? { open: toggled(node.namespace) } : {}) }, true);
}

function chooseBundle(bundle: Bundle): void {
  const [only, more] = bundle.arrows;
  if (only !== undefined && more === undefined) asked.arrow(only);
  else change({ selected: `b:${bundle.id}` }, true);
}

/** Shows another view; the focus goes to what is said of it where the reader chose something. */
function change(to: Partial<View>, speak: boolean): void {
  view = { ...view, ...to };
  show();
  if (speak) side.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
}

function show(): void {
  const passes = test(view.filter);
  filtered = model.arrows.filter(passes);
  const start = view.focus === null ? undefined : model.ends.get(view.focus.end);
  ways = null;
  if (view.focus !== null && start !== undefined && model.answer.kind === "FlowList") {
    const found = waysOf(filtered, start, view.focus.direction, view.focus.hops);
    ways = found;
    filtered = filtered.filter((arrow) => found.arrows.has(arrow.id));
  }
  const everything = written({ ...fresh(), filter: view.filter }) === "" && ways === null;
  const what = JSON.stringify([view.filter, view.open, view.focus]);
  if (what !== drawnAs || placed === null) {
    drawnAs = what;
    const open = new Set(view.open);
    scene = sceneOf(model, filtered, open, everything, foundBy(model, view.filter));
    table.fill(filtered, view.sort);
    placed = null;
    if (!placing.ask(sketch(scene))) svg?.setAttribute("aria-busy", "true");
  } else if (drawnInPart()) {
    draw(placed);
  }
  say();
  controls();
  mark();
  table.mark(view.selected.startsWith("a:") ? view.selected.slice(2) : "");
  tell();
  const fragment = written(view);
  if (fragment !== location.hash.replace(/^#/, "")) history.replaceState(null, "", `#${fragment}`);
}

/** Shows in the picture what is chosen, and what leads there. */
function mark(): void {
  const node = selectedNode();
  const near = scene.bundles.filter((it) => node !== "" && (it.from === node || it.to === node));
  picture.mark(node, new Set(near.map((it) => `b:${it.id}`)));
}

/** Whether there are more arrows than anyone could read, so that only those of what is chosen are drawn. */
function drawnInPart(): boolean {
  return scene.bundles.length > MOST_BUNDLES;
}

function draw(layout: Layout): void {
  const drawn = drawnInPart() ? curves(layout) : layout.courses;
  picture.draw(model, scene, layout, drawn);
  svg?.classList.toggle("crowded", drawn.length > 60);
}

/** Of very many arrows, those of what is chosen, those between ends of one open namespace, and what breaks a test. */
function curves(layout: Layout): Course[] {
  const node = selectedNode();
  const home = homes(scene);
  const wanted = scene.bundles.filter(({ id, from, to, state }) => {
    const [source, destination] = [home.get(from), home.get(to)];
    if (state === "broken" || state === "cut") return true;
    return (source !== undefined && source === destination) || (node !== "" && [from, to, source, destination, `b:${id}`].includes(node));
  });
  const laid = new Map(layout.courses.map((course) => [course.id, course]));
  return wanted.slice(0, 2 * MOST_BUNDLES).flatMap(({ id, from, to }) => {
    const own = laid.get(id);
    if (own !== undefined) return [own];
    const [source, destination] = [layout.boxes.get(from), layout.boxes.get(to)];
    return source === undefined || destination === undefined ? [] : [{ id, ...across(source, destination) }];
  });
}

/** The id in the picture of what is chosen. */
function selectedNode(): string {
  const what = view.selected.slice(2);
  if (view.selected.startsWith("n:")) return what;
  if (view.selected.startsWith("b:")) return view.selected;
  const arrow = byKey.get(what);
  const bundle = arrow === undefined ? undefined : scene.bundles.find((it) => it.arrows.includes(arrow));
  return bundle === undefined ? "" : `b:${bundle.id}`;
}

function say(): void {
  const parts = [filtered.length === model.arrows.length ? count(filtered.length, rowWord) : `${filtered.length.toLocaleString("en")} of ${count(model.arrows.length, rowWord)}`];
  parts.push(count(scene.left + scene.nodes.filter((node) => node.end === null && node.namespace !== ELSEWHERE).length, "namespace"));
  if (ways !== null && view.focus !== null) {
    const start = model.ends.get(view.focus.end)?.label ?? "";
    parts.push(shown(view.focus.direction === "to" ? `who can reach ${start}` : `what ${start} can reach`));
  }
  let text = parts.join(", ");
  if (scene.left > 0) text += `. ${scene.left.toLocaleString("en")} further boxes are not drawn, those that are closed first: search for a name, or choose a namespace`;
  if (drawnInPart()) text += `. ${count(scene.bundles.length, "arrow")} are too many to draw: choose a box to see its own`;
  status.textContent = `${text}.`;
}

function controls(): void {
  const { filter } = view;
  const put = (field: HTMLInputElement | HTMLSelectElement, value: string): void => {
    if (field.value !== value) field.value = value;
  };
  put(search, filter.text);
  put(portField, filter.port);
  put(namespaceChoice, filter.namespace);
  put(reasonChoice, filter.reason);
  put(stateChoice, filter.state);
  part("hops", HTMLElement).hidden = view.focus === null;
  part("howmany", HTMLSelectElement).value = `${view.focus?.hops ?? 1}`;
  for (const head of document.querySelectorAll<HTMLElement>("th[data-column]")) {
    const sorted = view.sort?.column === head.dataset["column"];
    head.setAttribute("aria-sort", !sorted ? "none" : view.sort?.down === true ? "descending" : "ascending");
  }
}

/** What is said of what is chosen. */
function tell(): void {
  const content = told();
  side.hidden = content === null;
  if (content === null) return;
  side.replaceChildren(button("Close", { class: "quiet close", "aria-label": "Close what is said" }, () => change({ selected: "", focus: null }, false)), ...content.filter((it) => it !== null));
}

function told(): ReturnType<typeof panel.arrow> | null {
  const focus = view.focus === null ? undefined : model.ends.get(view.focus.end);
  const what = view.selected.slice(2);
  if (view.selected.startsWith("a:")) {
    const arrow = byKey.get(what);
    return arrow === undefined ? null : panel.arrow(arrow);
  }
  if (focus !== undefined) return panel.end(model, focus, asked, ways);
  if (view.selected.startsWith("t:")) {
    const test = model.tests.find((it) => it.name === what);
    return test === undefined ? null : [h("h2", { tabindex: -1 }, shown(test.name)), ...panel.meant(test)];
  }
  if (view.selected.startsWith("b:")) {
    const bundle = scene.bundles.find((it) => it.id === what);
    return bundle === undefined ? null : panel.bundle(bundle.arrows, `${STATES[bundle.state].word}: ${bundle.label}`, asked);
  }
  if (what.startsWith("ns:")) {
    const name = what.slice(3);
    return model.namespaces.has(name) ? panel.namespace(model, name, view.open.includes(name), asked) : null;
  }
  const key = what.replace(/^end:/, "");
  const end = model.ends.get(key) ?? model.ends.get(key.replace(/:(from|to)$/, ""));
  return end === undefined ? null : panel.end(model, end, asked, null);
}

function choices(select: HTMLSelectElement, all: readonly [string, string][]): void {
  select.append(...all.map(([value, label]) => h("option", { value }, shown(label))));
}

function setUp(): void {
  choices(namespaceChoice, [...model.namespaces.keys()].sort().map((name) => [name, name]));
  const reasons = [...new Set(model.arrows.flatMap((arrow) => arrow.reasons))].sort();
  choices(reasonChoice, reasons.map((word) => [word, reason(word)]));
  const states = [...new Set(model.arrows.map((arrow) => arrow.state))];
  choices(stateChoice, states.map((state) => [state, STATES[state].word]));
  const filter = (): void => {
    const namespace = namespaceChoice.value;
    const open = namespace !== "" && namespace !== view.filter.namespace && !view.open.includes(namespace) ? [...view.open, namespace] : view.open;
    const filter = { text: search.value, port: portField.value, namespace, reason: reasonChoice.value, state: stateChoice.value as State | "" };
    change({ filter, open }, false);
  };
  for (const field of [search, portField]) field.addEventListener("input", filter);
  for (const select of [namespaceChoice, reasonChoice, stateChoice]) select.addEventListener("change", filter);
  part("filters", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
  part("reset", HTMLButtonElement).addEventListener("click", () => change({ filter: EVERYTHING, focus: null, selected: "" }, false));
  part("howmany", HTMLSelectElement).addEventListener("change", (event) => {
    const hops = Number((event.target as HTMLSelectElement).value);
    if (view.focus !== null) change({ focus: { ...view.focus, hops: Math.min(hops, ALL_HOPS) } }, false);
  });
  for (const head of document.querySelectorAll<HTMLElement>("th[data-column]")) {
    const column = head.dataset["column"] as Column;
    const label = head.innerText;
    head.replaceChildren(button(label, { class: "quiet" }, () => sort(column)));
  }
  const section = document.querySelector("section#tests");
  // Of a change those that are as before stand in the page as names only.
  if (section !== null && model.answer.kind !== "Diff") section.replaceChildren(...section.querySelectorAll(":scope > h2"), ...panel.tests(model.tests, asked));
  else if (model.tests.length > 0) section?.querySelector("details")?.replaceWith(...panel.tests(model.tests, asked));
  toolbar();
  part("legend", HTMLElement).append(...states.map(sample));
  document.addEventListener("keydown", keys);
  window.addEventListener("hashchange", () => {
    view = readView(location.hash);
    show();
  });
  let resized = 0;
  window.addEventListener("resize", () => {
    cancelAnimationFrame(resized);
    resized = requestAnimationFrame(() => picture.begin());
  });
}

function sort(column: Column): void {
  const down = view.sort?.column === column && !view.sort.down;
  view = { ...view, sort: { column, down } };
  table.fill(filtered, view.sort);
  show();
}

function toolbar(): void {
  const all = (): string[] => [...new Set([...model.ends.values()].flatMap((end) => end.namespace ?? []))];
  const bar = part("toolbar", HTMLElement);
  bar.append(
    button("Open all", {}, () => change({ open: all() }, false)),
    button("Close all", {}, () => change({ open: [] }, false)),
    ...movers(picture),
    button("Save as SVG", {}, () => {
      const ground = getComputedStyle(document.body).backgroundColor;
      if (svg !== null) download(pictureFile(svg, picture.extent(), ground), "image/svg+xml", "netpol-map.svg");
    }),
  );
  const theme = part("theme", HTMLSelectElement);
  theme.addEventListener("change", () => {
    if (theme.value === "") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme.value;
  });
}

function keys(event: KeyboardEvent): void {
  if (event.key === "Escape" && (view.selected !== "" || view.focus !== null)) {
    const back = selectedNode();
    change({ selected: "", focus: null }, false);
    if (back !== "") picture.focus(back);
  } else if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
    event.preventDefault();
    search.focus();
  }
}

document.documentElement.classList.add("live");
setUp();
show();
