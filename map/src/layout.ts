// Where everything stands: layers from left to right, as arrows lead.
//
// In: a sketch, which is what of a scene takes room. Out: a box for each node and a course for each link.
// What is inside an open namespace is laid out first, and its box then stands among the others. Very many
// nodes or links have no layers that anyone could read; they stand in rows, which takes no time to speak
// of. It runs in a worker where there is much of it, so that nothing here knows the page.

import dagre from "@dagrejs/dagre";

import { across, LETTER, LINE, MOST_BUNDLES, MOST_NODES, PAD, SMALL, TITLE, wide, type Box, type Point } from "./geometry";

/** A box that is to have a place: its words, each as it is drawn. */
export interface Outline {
  id: string;
  title: string;
  lines: string[];
  /** With points or round ends, which take room. */
  round: boolean;
  /** Of an open namespace. */
  inside: Outline[] | null;
}

export interface Link {
  id: string;
  from: string;
  to: string;
  label: string;
}

export interface Sketch {
  nodes: Outline[];
  links: Link[];
  /** There are more links than stand here, and than layers could show. */
  crowded: boolean;
}

export interface Course {
  /** The link that it is of. */
  id: string;
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

const HEAD = 54;
const GAP = 26;

/** Between arrows that have the same ends. */
const ASIDE = 12;

function size(node: Outline): { width: number; height: number } {
  const title = wide(node.title, LETTER);
  const lines = node.lines.map((line) => wide(line, SMALL));
  return {
    width: Math.max(90, title, ...lines) + 2 * PAD + (node.round ? 22 : 0),
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
  courses: Map<string, { points: Point[]; at: Point }>;
  width: number;
  height: number;
  rows: boolean;
}

function layers(nodes: Sized[], links: Link[]): Placed {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: GAP, edgesep: 18, ranksep: 44, marginx: 0, marginy: 0 });
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height });
  for (const { id, from, to, label } of links) graph.setEdge(from, to, { width: wide(label, SMALL) + 8, height: LINE, labelpos: "c" }, id);
  dagre.layout(graph);
  const placed: Placed = { boxes: new Map(), courses: new Map(), width: 0, height: 0, rows: false };
  for (const { id, width, height } of nodes) {
    const { x, y } = graph.node(id) as Point;
    placed.boxes.set(id, { x: x - width / 2, y: y - height / 2, width, height });
  }
  for (const { id, from, to } of links) {
    const edge = graph.edge(from, to, id) as { points: Point[]; x?: number; y?: number };
    placed.courses.set(id, { points: edge.points, at: { x: edge.x ?? 0, y: edge.y ?? 0 } });
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

function place(nodes: Sized[], links: Link[], crowded: boolean): Placed {
  if (crowded || nodes.length > MOST_NODES || links.length > MOST_BUNDLES) return rows(nodes);
  return layers(nodes, links);
}

/** Everything of a sketch with its place. */
export function layout({ nodes, links, crowded }: Sketch): Layout {
  const home = new Map(nodes.flatMap((node) => (node.inside ?? []).map((inner) => [inner.id, node.id] as const)));
  const outer = (id: string): string => home.get(id) ?? id;
  const inner = new Map<string, Link[]>();
  const between: Link[] = [];
  for (const link of links) {
    const own = home.get(link.from);
    if (own === undefined || own !== home.get(link.to)) between.push(link);
    else inner.set(own, [...(inner.get(own) ?? []), link]);
  }

  const within = new Map<string, Placed>();
  const sized = nodes.map((node): Sized => {
    if (node.inside === null) return { id: node.id, ...size(node) };
    const placed = place(node.inside.map((inner) => ({ id: inner.id, ...size(inner) })), inner.get(node.id) ?? [], false);
    within.set(node.id, placed);
    const title = Math.max(wide(node.title, LETTER), ...node.lines.map((line) => wide(line, SMALL)));
    return { id: node.id, width: Math.max(placed.width, title) + 2 * PAD, height: placed.height + HEAD + PAD };
  });

  // Of what leads from one box to another, one arrow is enough to lay them out.
  const direct = between.filter((link) => !home.has(link.from) && !home.has(link.to));
  const standIns = new Map<string, Link>();
  for (const link of between) {
    const [from, to] = [outer(link.from), outer(link.to)];
    const id = `${from} → ${to}`;
    if ((home.has(link.from) || home.has(link.to)) && from !== to && !standIns.has(id)) standIns.set(id, { ...link, id, from, to });
  }
  const whole = place(sized, [...direct, ...standIns.values()], crowded);

  const boxes = new Map(whole.boxes);
  const courses: Course[] = [];
  for (const [id, placed] of within) {
    const box = whole.boxes.get(id);
    if (box === undefined) continue;
    const shift = (point: Point): Point => ({ x: point.x + box.x + PAD, y: point.y + box.y + HEAD });
    for (const [inner, own] of placed.boxes) boxes.set(inner, { ...own, ...shift(own) });
    for (const [id, { points, at }] of placed.courses) courses.push({ id, points: points.map(shift), at: shift(at) });
  }
  for (const { id } of direct) {
    const course = whole.courses.get(id);
    if (course !== undefined) courses.push({ id, ...course });
  }
  if (links.length <= MOST_BUNDLES) {
    const laid = new Set(courses.map((course) => course.id));
    const beside = new Map<string, number>();
    for (const link of links) {
      const [from, to] = [boxes.get(link.from), boxes.get(link.to)];
      if (laid.has(link.id) || from === undefined || to === undefined) continue;
      // Between the same two boxes one is beside the other.
      const pair = [link.from, link.to].sort().join("\n");
      const before = beside.get(pair) ?? 0;
      beside.set(pair, before + 1);
      courses.push({ id: link.id, ...across(from, to, (before % 2 === 0 ? -1 : 1) * Math.ceil(before / 2) * ASIDE) });
    }
    // Words stand on no other words, where there is room: those of boxes, and of the heads of open ones.
    const labels = new Map(links.map((link) => [link.id, link.label]));
    apart(courses, labels, [...boxes].map(([id, box]) => (within.has(id) ? { ...box, height: HEAD - PAD } : box)));
  }
  return { boxes, courses, width: whole.width, height: whole.height, rows: whole.rows };
}

/** Moves words that stand on others, or on boxes, along their arrow or a little down. */
function apart(courses: Course[], labels: ReadonlyMap<string, string>, boxes: readonly Box[]): void {
  const taken: Box[] = [...boxes];
  for (const course of [...courses].sort((a, b) => a.at.y - b.at.y)) {
    const width = wide(labels.get(course.id) ?? "", SMALL);
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
