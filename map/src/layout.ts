// Where everything stands: layers from left to right, as arrows lead.
//
// In: a scene. Out: a box for each node and a course for each bundle. What is inside an open namespace
// is laid out first, and its box then stands among the others. Very many nodes or bundles have no layers
// that anyone could read; they stand in rows, which takes no time to speak of.

import dagre from "@dagrejs/dagre";

import { homes, type Bundle, type Node, type Scene } from "./scene";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface Course {
  bundle: Bundle;
  /** Points of a curve. */
  points: Point[];
  /** Where its words stand. */
  at: Point;
}

export interface Layout {
  boxes: Map<string, Box>;
  courses: Course[];
  width: number;
  height: number;
  /** In rows, since there is too much for layers. */
  rows: boolean;
}

export const TITLE = 15;
export const LINE = 16;
export const PAD = 12;
const LETTER = 7.4;
const SMALL = 6.6;
const HEAD = 54;
const GAP = 26;

/** So much is laid out in layers; more stands in rows. */
export const MOST_NODES = 160;
export const MOST_BUNDLES = 320;

/** How wide a text is, near enough: letters of other scripts are wider. */
export function wide(text: string, letter: number): number {
  let sum = 0;
  for (const sign of text) sum += (sign.codePointAt(0) ?? 0) > 0x2e7f ? letter * 1.8 : letter;
  return sum;
}

function size(node: Node, cut: (text: string) => string): { width: number; height: number } {
  const title = wide(cut(node.title), LETTER);
  const lines = node.lines.map((line) => wide(cut(line), SMALL));
  const round = node.shape === "anyone" || node.shape === "outside" ? 22 : 0;
  return {
    width: Math.max(90, title, ...lines) + 2 * PAD + round,
    height: TITLE + node.lines.length * LINE + 2 * PAD,
  };
}

interface Sized {
  id: string;
  width: number;
  height: number;
}

interface Placed {
  boxes: Map<string, Box>;
  courses: Map<Bundle, { points: Point[]; at: Point }>;
  width: number;
  height: number;
  rows: boolean;
}

function layers(nodes: Sized[], bundles: Bundle[]): Placed {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: GAP, edgesep: 18, ranksep: 44, marginx: 0, marginy: 0 });
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height });
  for (const bundle of bundles) {
    graph.setEdge(bundle.from, bundle.to, { width: wide(bundle.label, SMALL) + 8, height: LINE, labelpos: "c" }, bundle.id);
  }
  dagre.layout(graph);
  const placed: Placed = { boxes: new Map(), courses: new Map(), width: 0, height: 0, rows: false };
  for (const { id, width, height } of nodes) {
    const { x, y } = graph.node(id) as Point;
    placed.boxes.set(id, { x: x - width / 2, y: y - height / 2, width, height });
  }
  for (const bundle of bundles) {
    const edge = graph.edge(bundle.from, bundle.to, bundle.id) as { points: Point[]; x?: number; y?: number };
    placed.courses.set(bundle, { points: edge.points, at: { x: edge.x ?? 0, y: edge.y ?? 0 } });
  }
  return extent(placed);
}

function rows(nodes: Sized[]): Placed {
  const area = nodes.reduce((sum, it) => sum + (it.width + GAP) * (it.height + GAP), 0);
  const width = Math.max(900, Math.sqrt(area * 1.7));
  const placed: Placed = { boxes: new Map(), courses: new Map(), width: 0, height: 0, rows: true };
  let [x, y, tallest] = [0, 0, 0];
  for (const { id, width: own, height } of nodes) {
    if (x > 0 && x + own > width) {
      [x, y, tallest] = [0, y + tallest + GAP, 0];
    }
    placed.boxes.set(id, { x, y, width: own, height });
    x += own + GAP;
    tallest = Math.max(tallest, height);
  }
  return extent(placed);
}

function extent(placed: Placed): Placed {
  for (const box of placed.boxes.values()) {
    placed.width = Math.max(placed.width, box.x + box.width);
    placed.height = Math.max(placed.height, box.y + box.height);
  }
  return placed;
}

function place(nodes: Sized[], bundles: Bundle[]): Placed {
  if (nodes.length > MOST_NODES || bundles.length > MOST_BUNDLES) return rows(nodes);
  return layers(nodes, bundles);
}

/** Everything of a scene with its place. */
export function layout(scene: Scene, cut: (text: string) => string): Layout {
  const home = homes(scene);
  const outer = (id: string): string => home.get(id) ?? id;

  const within = new Map<string, Placed>();
  const sized = scene.nodes.map((node): Sized => {
    if (node.inside === null) return { id: node.id, ...size(node, cut) };
    const own = scene.bundles.filter((bundle) => home.get(bundle.from) === node.id && home.get(bundle.to) === node.id);
    const placed = place(node.inside.map((inner) => ({ id: inner.id, ...size(inner, cut) })), own);
    within.set(node.id, placed);
    const title = Math.max(wide(cut(node.title), LETTER), ...node.lines.map((line) => wide(cut(line), SMALL)));
    return { id: node.id, width: Math.max(placed.width, title) + 2 * PAD, height: placed.height + HEAD + PAD };
  });

  // Of what leads from one box to another, one arrow is enough to lay them out.
  const between = scene.bundles.filter((bundle) => outer(bundle.from) !== outer(bundle.to));
  const direct = between.filter((bundle) => !home.has(bundle.from) && !home.has(bundle.to));
  const standIns = new Map<string, Bundle>();
  for (const bundle of between) {
    const [from, to] = [outer(bundle.from), outer(bundle.to)];
    const id = `${from} → ${to}`;
    if (!direct.includes(bundle) && !standIns.has(id)) standIns.set(id, { ...bundle, id, from, to });
  }
  const whole = place(sized, [...direct, ...standIns.values()]);

  const boxes = new Map(whole.boxes);
  const courses: Course[] = [];
  for (const [id, placed] of within) {
    const box = whole.boxes.get(id);
    if (box === undefined) continue;
    const shift = (point: Point): Point => ({ x: point.x + box.x + PAD, y: point.y + box.y + HEAD });
    for (const [inner, own] of placed.boxes) boxes.set(inner, { ...own, ...shift(own) });
    for (const [bundle, { points, at }] of placed.courses) courses.push({ bundle, points: points.map(shift), at: shift(at) });
  }
  for (const [bundle, course] of whole.courses) if (direct.includes(bundle)) courses.push({ bundle, ...course });
  const laid = new Set(courses.map((course) => course.bundle));
  for (const bundle of scene.bundles) {
    const [from, to] = [boxes.get(bundle.from), boxes.get(bundle.to)];
    if (laid.has(bundle) || from === undefined || to === undefined) continue;
    courses.push({ bundle, ...across(from, to) });
  }
  // Words stand on no box that has nothing in it, where there is room.
  const full = [...boxes].filter(([id]) => !within.has(id)).map(([, box]) => box);
  apart(courses, full);
  return { boxes, courses, width: whole.width, height: whole.height, rows: whole.rows };
}

/** A curve from one box to another, by the sides that face each other. */
export function across(from: Box, to: Box): { points: Point[]; at: Point } {
  const middle = (box: Box): Point => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
  const [a, b] = [middle(from), middle(to)];
  let [start, end, bend] = [a, b, { x: 0, y: 0 }];
  if (to.x >= from.x + from.width || from.x >= to.x + to.width) {
    const right = to.x >= from.x + from.width;
    start = { x: right ? from.x + from.width : from.x, y: a.y };
    end = { x: right ? to.x : to.x + to.width, y: b.y };
    bend = { x: (end.x - start.x) / 3, y: 0 };
  } else {
    const down = b.y >= a.y;
    start = { x: a.x, y: down ? from.y + from.height : from.y };
    end = { x: b.x, y: down ? to.y : to.y + to.height };
    bend = { x: 0, y: (end.y - start.y) / 3 };
  }
  const points = [start, { x: start.x + bend.x, y: start.y + bend.y }, { x: end.x - bend.x, y: end.y - bend.y }, end];
  return { points, at: { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 } };
}

/** Moves words that stand on others, or on boxes, along their arrow or a little down; of very many nobody reads any. */
function apart(courses: Course[], boxes: readonly Box[]): void {
  if (courses.length > MOST_BUNDLES) return;
  const taken: Box[] = [...boxes];
  for (const course of [...courses].sort((a, b) => a.at.y - b.at.y)) {
    const width = wide(course.bundle.label, SMALL);
    const around = ({ x, y }: Point): Box => ({ x: x - width / 2, y: y - LINE / 2, width, height: LINE });
    const { at, points } = course;
    const along = points.length === 4 ? [0.4, 0.6, 0.3, 0.7, 0.2, 0.8].map((part) => bezier(points, part)) : [];
    const below = Array.from({ length: 8 }, (_, steps) => ({ x: at.x, y: at.y + ((steps + 1) * LINE) / 2 }));
    course.at = [at, ...along, ...below].find((place) => !taken.some((other) => meets(around(place), other))) ?? at;
    taken.push(around(course.at));
  }
}

/** A point of a curve with two bends. */
function bezier([a, b, c, d]: Point[], part: number): Point {
  const rest = 1 - part;
  const of = (axis: "x" | "y"): number =>
    rest ** 3 * (a?.[axis] ?? 0) + 3 * rest ** 2 * part * (b?.[axis] ?? 0) + 3 * rest * part ** 2 * (c?.[axis] ?? 0) + part ** 3 * (d?.[axis] ?? 0);
  return { x: of("x"), y: of("y") };
}

function meets(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
