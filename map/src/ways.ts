// Who can reach an end, and what it can reach, over several hops.
//
// In: the arrows of a list. Out: for each end that is reached the number of hops, and whether all that
// leads there is known to hold; the arrows on the way. An arrow that leads to anyone and one that comes
// from anyone are one hop together, where they have a port in common: that is how a list says that both
// are open. Only workloads that are known are steps, as in `kubectl netpol reach`.

import { meet } from "./filter";
import type { Arrow, End } from "./model";

export interface Found {
  hops: number;
  certain: boolean;
}

export interface Ways {
  ends: Map<string, Found>;
  arrows: Set<number>;
}

interface Hop {
  other: End;
  certain: boolean;
  arrows: Arrow[];
}

/** Ends that stand for pods, whoever they are. */
function meansPods(end: End): boolean {
  return end.shape === "anyone";
}

function passes(arrow: Arrow): boolean {
  return arrow.flow !== undefined;
}

function certain(arrows: Arrow[]): boolean {
  return arrows.every((arrow) => arrow.flow?.verdict === "Allowed" && (arrow.flow.conditions ?? []).length === 0);
}

function portsMeet(a: Arrow, b: Arrow): boolean {
  return a.ports.some((one) => b.ports.some((other) => meet(one, other)));
}

/** The arrows in order of what is asked: `to` looks at who leads to an end, `from` at what it leads to. */
export function ways(arrows: readonly Arrow[], start: End, direction: "to" | "from", most: number): Ways {
  const near = (arrow: Arrow): End => (direction === "from" ? arrow.from : arrow.to);
  const far = (arrow: Arrow): End => (direction === "from" ? arrow.to : arrow.from);
  const of = new Map<string, Arrow[]>();
  const ofAnyone: Arrow[] = [];
  for (const arrow of arrows) {
    // What leads in from outside is said by an arrow of its own, and by whom it passes through.
    if (!passes(arrow)) continue;
    if (meansPods(near(arrow))) ofAnyone.push(arrow);
    const there = of.get(near(arrow).key);
    if (there === undefined) of.set(near(arrow).key, [arrow]);
    else there.push(arrow);
  }
  const hops = (end: End): Hop[] => {
    const found: Hop[] = [];
    for (const arrow of of.get(end.key) ?? []) {
      found.push({ other: far(arrow), certain: certain([arrow]), arrows: [arrow] });
      if (!meansPods(far(arrow)) || meansPods(end)) continue;
      for (const other of ofAnyone) {
        const both = [arrow, other];
        if (far(other).key !== end.key && portsMeet(arrow, other)) found.push({ other: far(other), certain: certain(both), arrows: both });
      }
    }
    return found;
  };
  const result: Ways = { ends: new Map(), arrows: new Set() };
  let frontier: { end: End; certain: boolean }[] = [{ end: start, certain: true }];
  for (let depth = 1; depth <= most && frontier.length > 0; depth += 1) {
    const next = new Map<string, { end: End; certain: boolean }>();
    for (const step of frontier) {
      for (const hop of hops(step.end)) {
        if (hop.other.key === start.key) continue;
        const known = step.certain && hop.certain;
        const before = result.ends.get(hop.other.key);
        if (before !== undefined && before.hops < depth && (before.certain || !known)) continue;
        for (const arrow of hop.arrows) result.arrows.add(arrow.id);
        if (before === undefined || (known && !before.certain)) {
          result.ends.set(hop.other.key, { hops: before?.hops ?? depth, certain: known });
          if (hop.other.shape === "workload") next.set(hop.other.key, { end: hop.other, certain: known });
        }
      }
    }
    frontier = [...next.values()];
  }
  return result;
}
