// The script of the page that lays out: called in the page where there is little of it, and run in a worker,
// of the same text, where there is much.
//
// In: a sketch, as an argument or a message. Out: its layout, returned or as a message.

import { layout, type Layout, type Sketch } from "./layout";

/** What the page asks of the worker; the answer has the same turn. */
export interface Asked {
  turn: number;
  sketch: Sketch;
}

export interface Answered {
  turn: number;
  layout: Layout;
}

declare global {
  var netpolLayout: (sketch: Sketch) => Layout;
}

if (typeof document === "undefined") {
  onmessage = (event: MessageEvent<Asked>) => {
    const { turn, sketch } = event.data;
    postMessage({ turn, layout: layout(sketch) } satisfies Answered);
  };
} else {
  globalThis.netpolLayout = layout;
}
