// The answers of `list`, `diff`, `test` and `observe --summary` as the page reads them: the versioned JSON
// of `-o json`.
//
// In: the texts of the elements that hold answers. Out: these, typed. Only what the page shows is
// named here; docs/map.md says what else may stand in it.

export type Verdict = "Allowed" | "Denied" | "Ambiguous" | "Unknown" | "Mixed";
export type Change = "Opened" | "Closed" | "Conditions" | "Unknown";
export type Direction = "ingress" | "egress";

export interface Location {
  file: string;
  line?: number;
  column?: number;
  text: string;
}

export interface BroughtBy {
  kind: string;
  namespace?: string;
  name: string;
  field?: string;
}

export interface EndReport {
  label: string;
  kind?: string;
  namespace?: string;
  name?: string;
  pods?: string[];
  /** Of everyone who is known, where the whole cluster is told. */
  labels?: Record<string, string>;
  networks?: string[];
  representative?: boolean;
  broughtBy?: BroughtBy[];
}

export interface Ports {
  protocol: string;
  port: number;
  endPort?: number;
}

export interface PolicyReport {
  kind: string;
  namespace?: string;
  name: string;
  rule?: string;
  message: string;
  location?: Location;
}

export interface DirectionReport {
  verdict: Verdict;
  subject: string;
  reason: string;
  message: string;
  conditions?: string[];
  policies: PolicyReport[];
}

export interface Witness {
  source: string;
  destination: string;
  ports: string;
  explain: string;
  egress?: DirectionReport;
  ingress?: DirectionReport;
}

export interface ListedFlow {
  verdict: Verdict;
  source: EndReport;
  destination: EndReport;
  ports: Ports[];
  /** Ports of pods that nobody has written, by what they call them: `web/TCP`. */
  portNames?: string[];
  anyPort: boolean;
  inPart?: boolean;
  family?: string;
  conditions?: string[];
  reason?: string;
  also?: string[];
  rules?: string[];
  notKnown?: string[];
  by?: string[];
  witness?: Witness;
}

export interface Entrance {
  verdict: Verdict;
  kind: string;
  by: string;
  destination: EndReport;
  ports?: Ports[];
  message?: string;
}

export interface DirectionSummary {
  isolation: "All" | "AllWorkloads" | "Partial" | "None" | "Unknown" | "NotEnforced";
  defaultDeny: boolean;
  isolatedBy?: string[];
  isolated: number;
  open?: string[];
  unknown?: string[];
  dnsOnly: boolean;
}

export interface NamespaceSummary {
  name: string;
  policies: number;
  policiesUnread?: boolean;
  workloads: number;
  pods?: number;
  hostNetwork?: string[];
  ingress: DirectionSummary;
  egress: DirectionSummary;
}

export interface Missing {
  why: string;
  message: string;
}

export interface Warning {
  message: string;
  location?: Location;
}

interface Told {
  apiVersion: string;
  complete: boolean;
  missing?: Missing[];
  notes?: string[];
  warnings?: Warning[];
}

export interface FlowList extends Told {
  kind: "FlowList";
  by: "Workload" | "Pod" | "Namespace";
  exposed: boolean;
  flows: ListedFlow[];
  entrances?: Entrance[];
  knownOnly?: boolean;
  dead?: string[];
  workloads?: EndReport[];
  namespaces?: NamespaceSummary[];
}

export interface Member {
  kind: string;
  namespace?: string;
  name: string;
  pods?: string;
  representative?: boolean;
  broughtBy?: BroughtBy[];
}

export interface Ends {
  label: string;
  members?: Member[];
  addresses?: string[];
}

export interface ReasonReport {
  direction: Direction;
  message: string;
  policy?: PolicyReport;
  before: DirectionReport;
  after: DirectionReport;
}

export interface ChangeReport {
  change: Change;
  before: string;
  after: string;
  from: Ends;
  to: Ends;
  ports: string[];
  portsLabel: string;
  also?: boolean;
  namespaces?: string[];
  family?: string;
  reasons?: ReasonReport[];
  witness: {
    source: string;
    destination: string;
    port: number;
    protocol: string;
    explainBefore: string;
    explainAfter: string;
  };
}

export interface Side {
  name: string;
}

export interface Diff extends Told {
  kind: "Diff";
  old: Side;
  new: Side;
  changes: ChangeReport[];
  tests?: TestsOfChange;
}

export interface FlowReport {
  verdict: Verdict;
  ports: string;
  egress: DirectionReport;
  ingress: DirectionReport;
}

export interface TestStep {
  to: string;
  end?: EndReport;
  ports: Ports[];
  anyPort: boolean;
  by?: string;
}

export type Outcome = "Proved" | "Broken" | "NotKnown";

export interface TestReport {
  name: string;
  asks: string;
  says: string;
  outcome: Outcome;
  scopeWords: string;
  reason?: string;
  message?: string;
  witness?: {
    source: string;
    destination: string;
    ends: [EndReport, EndReport];
    port?: number;
    protocol?: string;
    explain: string;
    flows: FlowReport[];
  };
  open?: { pod: string; end: EndReport; direction: Direction };
  way?: TestStep[];
  mend?: string[];
  notes?: string[];
  location: Location;
}

export interface Tests extends Told {
  kind: "TestReport";
  tests: TestReport[];
}

export interface TestsOfChange {
  asked: number;
  worse: TestReport[];
  mended?: string[];
  stillBroken?: string[];
}

/** Equal flows that Hubble saw. */
export interface SeenRow {
  count: number;
  source: EndReport;
  destination: EndReport;
  /** `8080/TCP`, or a protocol alone. */
  port: string;
  direction?: Direction;
  observed: "Allowed" | "Denied" | "Audited" | "DroppedOtherwise" | "Unclear" | "Seen";
  predicted?: Verdict;
  asPredicted: "Yes" | "No" | "Unknown" | "NotCompared";
  message: string;
  likely?: string[];
}

export interface Seen {
  apiVersion: string;
  kind: "ObservedSummary";
  flows: number;
  /** Only flows of some ends, ports or verdicts were asked for. */
  narrowed?: boolean;
  rows: SeenRow[];
}

export type Answer = FlowList | Diff | Tests;

/** What stands beside the first answer. */
export interface Beside {
  tests?: Tests;
  seen?: Seen;
}

/** The answer that stands in the page. */
export function read(text: string): Answer {
  return versioned(text) as Answer;
}

/** What stands beside it: the answer of tests and that of what was seen, or nothing. */
export function readBeside(tested: string, seen: string): Beside {
  return {
    ...(tested === "" ? {} : { tests: versioned(tested) as Tests }),
    ...(seen === "" ? {} : { seen: versioned(seen) as Seen }),
  };
}

function versioned(text: string): { apiVersion: string } {
  const answer = JSON.parse(text) as { apiVersion: string };
  if (answer.apiVersion !== "netpol/v1alpha1") {
    throw new Error(`this page reads netpol/v1alpha1, not ${answer.apiVersion}`);
  }
  return answer;
}
