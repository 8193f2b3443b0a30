// Who lays out a sketch: the page itself where that takes no time, else a worker, so that the page goes on.
//
// In: a sketch. Out: its layout, at once or later; of several only the last that was asked for.

import type { Layout, Sketch } from "./layout";
import type { Answered, Asked } from "./layout-script";

/** So many boxes and links are laid out at once: it takes less than a reader sees. */
const AT_ONCE = 60;

export class Placing {
  private turn = 0;
  private worker: Worker | null = null;
  private asked: Sketch | null = null;

  /** `script` is the text of layout-script.ts, which the page has run too. */
  constructor(
    private readonly script: string,
    private readonly done: (layout: Layout) => void,
  ) {}

  /** Asks for a layout; says whether it is there already. */
  ask(sketch: Sketch): boolean {
    this.turn += 1;
    this.asked = null;
    const size = sketch.links.length + sketch.nodes.reduce((sum, node) => sum + 1 + (node.inside?.length ?? 0), 0);
    const worker = size > AT_ONCE ? this.work() : null;
    if (worker === null) {
      this.done(globalThis.netpolLayout(sketch));
      return true;
    }
    this.asked = sketch;
    worker.postMessage({ turn: this.turn, sketch } satisfies Asked);
    return false;
  }

  /** The worker; none where the browser has none. */
  private work(): Worker | null {
    if (this.worker !== null) return this.worker;
    try {
      const address = URL.createObjectURL(new Blob([this.script], { type: "text/javascript" }));
      this.worker = new Worker(address);
    } catch {
      return null;
    }
    this.worker.addEventListener("message", (event: MessageEvent<Answered>) => {
      if (event.data.turn !== this.turn) return;
      this.asked = null;
      this.done(event.data.layout);
    });
    // Where it cannot run, the page does it.
    this.worker.addEventListener("error", () => {
      this.worker = null;
      if (this.asked !== null) this.done(globalThis.netpolLayout(this.asked));
    });
    return this.worker;
  }
}
