// What Hubble saw of HomeKube, on the map of what may be.

import assert from "node:assert/strict";
import { test } from "node:test";

import { labels, on, panel, rows, violations } from "./page.mjs";

test("arrows are told how often they were used, and what was not is so in shape and words", async () => {
  await on("seen.html", {}, async (page) => {
    await page.getByRole("button", { name: "Open all" }).click();
    const told = await rows(page);
    const of = (from, to, port) => told.filter((row) => row.startsWith(`${from} | ${to} | ${port} | `)).map((row) => row.split(" | ")[3]);
    assert.deepEqual(of("ingress-nginx/deploy/ingress-nginx-controller", "monitoring/deploy/grafana", "3000/TCP"), ["Allowed, 1 time", "⊘ Dropped, 1 time"]);
    assert.ok(told.some((row) => row.endsWith("| ○ Allowed, not used")), told.join("\n"));
    const labelled = await labels(page, "course");
    assert.ok(labelled.some((label) => label.startsWith("Allowed: ") && label.includes(" · 1 time")), labelled.join("\n"));
    const dash = (state) => page.$$eval(`#picture .course.is-${state} .line`, (all) => [...new Set(all.map((it) => getComputedStyle(it).strokeDasharray))]);
    const [used, unused] = [await dash("holds"), await dash("unused")];
    assert.deepEqual(used, ["none"]);
    assert.ok(unused.length === 1 && unused[0] !== "none", unused.join());
  });
});

test("what is dropped and what is used although it is denied is told, with what is likely", async () => {
  await on("seen.html", {}, async (page) => {
    await page.selectOption("#verdict", "against");
    const against = await rows(page);
    assert.ok(against.includes("monitoring/deploy/grafana | monitoring/sts/prometheus | 9090/TCP | ≠ Used, and denied, 1 time"), against.join("\n"));
    await page.locator("#rows tr").filter({ hasText: "9090/TCP" }).getByRole("button").click();
    assert.match(await panel(page), /1 time, egress: it passed, and denied is predicted.*Likely:.*temporary-debug/);
    await page.selectOption("#verdict", "dropped");
    assert.ok((await rows(page)).includes("monitoring/deploy/grafana | identity/sts/keycloak | 8080/TCP | ⊘ Dropped, 1 time"));
    await page.selectOption("#verdict", "unused");
    await page.locator("#rows tr").first().getByRole("button").click();
    assert.match(await panel(page), /Nothing of it was seen: it could be closed, if that time tells\./);
  });
});

test("when that was is said, and nothing is called unused where not all was asked for", async () => {
  await on("seen.html", {}, async (page) => {
    assert.match(await page.locator("header").innerText(), /Seen: 17 flows from 2026-11-20T10:15:\S+ to \S+, 2 not as predicted\./);
    assert.match(await page.locator("header").innerText(), /Hubble lost 12 events: what is not seen may have been\./);
  });
  await on("narrowed.html", {}, async (page) => {
    assert.match(await page.locator("header").innerText(), /so that nothing is said to be unused\./);
    assert.ok((await rows(page)).every((row) => !row.includes("not used")));
  });
});

test("nothing that axe finds, in both themes", async () => {
  for (const colorScheme of ["light", "dark"]) {
    await on("seen.html", { colorScheme }, async (page) => {
      await page.getByRole("button", { name: "Open all" }).click();
      await page.locator("#rows tr").first().getByRole("button").click();
      await page.locator("details.foot summary").click();
      assert.deepEqual(await violations(page), [], colorScheme);
    });
  }
});
