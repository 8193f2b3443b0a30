// Small answers for tests.

import type { ChangeReport, Diff, EndReport, FlowList, ListedFlow, Ports, Seen, SeenRow, TestReport, Tests } from "../src/answer";

export const workload = (namespace: string, name: string): EndReport => ({ label: `${namespace}/deploy/${name}`, kind: "Deployment", namespace, name });
export const anyone: EndReport = { label: "anyone", kind: "Anyone" };
export const outside: EndReport = { label: "outside 203.0.113.0/28", kind: "Outside", networks: ["203.0.113.0/28"] };
export const tcp = (port: number, endPort?: number): Ports => (endPort === undefined ? { protocol: "TCP", port } : { protocol: "TCP", port, endPort });

export function flow(source: EndReport, destination: EndReport, ports: Ports[], more: Partial<ListedFlow> = {}): ListedFlow {
  return { verdict: "Allowed", source, destination, ports, anyPort: false, ...more };
}

export function list(flows: ListedFlow[], more: Partial<FlowList> = {}): FlowList {
  return { apiVersion: "netpol/v1alpha1", kind: "FlowList", by: "Workload", exposed: false, complete: true, flows, ...more };
}

export function change(more: Partial<ChangeReport>): ChangeReport {
  return {
    change: "Opened",
    before: "Denied",
    after: "Allowed",
    from: { label: "a/deploy/x", members: [{ kind: "Deployment", namespace: "a", name: "x" }] },
    to: { label: "b/deploy/y", members: [{ kind: "Deployment", namespace: "b", name: "y" }] },
    ports: ["80/TCP"],
    portsLabel: "80/TCP",
    witness: { source: "a/deploy/x", destination: "b/deploy/y", port: 80, protocol: "TCP", explainBefore: "one", explainAfter: "two" },
    ...more,
  };
}

export function diff(changes: ChangeReport[]): Diff {
  const side = (name: string) => ({ name });
  return { apiVersion: "netpol/v1alpha1", kind: "Diff", old: side("old"), new: side("new"), complete: true, changes };
}

export function meant(name: string, more: Partial<TestReport>): TestReport {
  return { name, asks: "deny", says: "no flow passes", outcome: "Broken", scopeWords: "for known pods", location: { file: "t.yaml", line: 4, text: "- name" }, ...more };
}

/** A flow that breaks a test, or of which it is not known. */
export function shows(from: EndReport, to: EndReport, port: number): NonNullable<TestReport["witness"]> {
  return { source: from.label, destination: to.label, ends: [from, to], port, protocol: "TCP", explain: "ask", flows: [] };
}

export function tests(all: TestReport[]): Tests {
  return { apiVersion: "netpol/v1alpha1", kind: "TestReport", complete: true, tests: all };
}

export function row(source: EndReport, destination: EndReport, port: string, more: Partial<SeenRow> = {}): SeenRow {
  return { count: 1, source, destination, port, direction: "ingress", observed: "Allowed", asPredicted: "Yes", message: "admitted", ...more };
}

export function seen(rows: SeenRow[], more: Partial<Seen> = {}): Seen {
  return { apiVersion: "netpol/v1alpha1", kind: "ObservedSummary", flows: rows.length, rows, ...more };
}
