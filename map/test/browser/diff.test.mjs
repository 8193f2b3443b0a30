// What the repair of HomeKube changes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { beside, labels, on, panel, rows } from "./page.mjs";

test("what opens and closes has shapes and words of its own", async () => {
  await on("diff.html", {}, async (page) => {
    const facts = JSON.parse(beside("facts.json"));
    const told = await rows(page);
    assert.equal(told.length, facts.changes);
    assert.equal(told.filter((row) => row.endsWith("+ Opens")).length, 4);
    assert.equal(told.filter((row) => row.endsWith("− Closes")).length, 1);
    assert.match(await page.locator("#status").innerText(), /^5 changes/);
    const shapes = await page.$$eval("#picture .course", (all) => all.map((it) => [it.classList[1], it.querySelector(".line").getAttribute("marker-end"), getComputedStyle(it.querySelector(".line")).strokeDasharray, getComputedStyle(it.querySelector(".line")).stroke].join(" ")));
    const of = (state) => shapes.filter((it) => it.startsWith(state));
    assert.ok(of("is-opened").every((it) => it.includes("triangle") && it.includes(" none ")), shapes.join());
    assert.ok(of("is-closed").every((it) => it.includes("bar") && !it.includes(" none ")), shapes.join());
    assert.ok(of("is-opened").length > 0 && of("is-closed").length > 0);
    assert.ok((await labels(page, "course")).some((label) => label.startsWith("Opens: monitoring → identity")));
  });
});

test("why it changes, before and after, with both commands", async () => {
  await on("diff.html", {}, async (page) => {
    await page.locator("#rows tr").filter({ hasText: "monitoring/deploy/grafana" }).first().getByRole("button").click();
    const said = await panel(page);
    for (const part of [
      "allow-grafana ingress[0] admits it",
      "Before:",
      "isolated by 3 policies, none admits it",
      "After:",
      "examples/homekube-fixed/identity/network-policies.yaml:61:7",
      "kubectl netpol explain -f examples/homekube monitoring/deploy/grafana identity/sts/keycloak:8080",
      "kubectl netpol explain -f examples/homekube-fixed monitoring/deploy/grafana identity/sts/keycloak:8080",
    ]) assert.ok(said.includes(part), `${part} in ${said}`);
  });
});
