// Places, and what takes no time to work out about them: how wide a text is, and a curve between boxes.

export interface Point {
  x: number;
  y: number;
}

export interface Box extends Point {
  width: number;
  height: number;
}

/** Heights of a title and of a line, and the room around them. */
export const TITLE = 15;
export const LINE = 16;
export const PAD = 12;

/** So much is laid out in layers; more stands in rows. */
export const MOST_NODES = 160;
export const MOST_BUNDLES = 320;

/** Letters of titles, and of everything else. */
export const LETTER = 7.4;
export const SMALL = 6.6;

/** How wide a text is, near enough: letters of other scripts are wider. */
export function wide(text: string, letter: number): number {
  let sum = 0;
  for (const sign of text) sum += (sign.codePointAt(0) ?? 0) > 0x2e7f ? letter * 1.8 : letter;
  return sum;
}

/** A curve from one box to another, by the sides that face each other; those beside it are so far away. */
export function across(from: Box, to: Box, aside = 0): { points: Point[]; at: Point } {
  const middle = (box: Box): Point => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
  const [a, b] = [middle(from), middle(to)];
  let [start, end, bend] = [a, b, { x: 0, y: 0 }];
  if (to.x >= from.x + from.width || from.x >= to.x + to.width) {
    const right = to.x >= from.x + from.width;
    start = { x: right ? from.x + from.width : from.x, y: a.y + within(aside, from.height) };
    end = { x: right ? to.x : to.x + to.width, y: b.y + within(aside, to.height) };
    bend = { x: (end.x - start.x) / 3, y: 0 };
  } else {
    const down = b.y >= a.y;
    start = { x: a.x + within(aside, from.width), y: down ? from.y + from.height : from.y };
    end = { x: b.x + within(aside, to.width), y: down ? to.y : to.y + to.height };
    bend = { x: 0, y: (end.y - start.y) / 3 };
  }
  const points = [start, { x: start.x + bend.x, y: start.y + bend.y }, { x: end.x - bend.x, y: end.y - bend.y }, end];
  return { points, at: { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 } };
}

/** As far aside as a side has room. */
function within(aside: number, side: number): number {
  const most = Math.max(0, side / 2 - 6);
  return Math.max(-most, Math.min(most, aside));
}
