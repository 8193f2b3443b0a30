// A larger picture is laid out in a worker of the page's own text, which asks for nothing either.

import assert from "node:assert/strict";
import { test } from "node:test";

import { labels, on, rows } from "./page.mjs";

test("a worker lays out what is large, and what is looked at last is what is drawn", async () => {
  await on("ring.html", {}, async (page) => {
    await page.waitForFunction(() => document.querySelectorAll("#picture .node").length >= 60);
    assert.equal(page.workers().length, 1);
    assert.match(page.workers()[0].url(), /^blob:/);
    assert.equal((await labels(page, "course")).filter((label) => /^Allowed: n\d+ → n\d+,/.test(label)).length, 60);
    // One after the other, faster than they are laid out.
    await page.evaluate(() => {
      for (const name of ["Open all", "Close all", "Open all"]) [...document.querySelectorAll("#toolbar button")].find((it) => it.textContent === name).click();
    });
    await page.waitForFunction(() => document.querySelectorAll("#picture .is-workload").length === 60);
    assert.equal(await page.getAttribute("#picture", "aria-busy"), null);
    // The worker may ask for no more than the page.
    const asked = await page.workers()[0].evaluate(() => fetch("https://example.com/").then(() => "went", () => "refused"));
    assert.equal(asked, "refused");
  }, [/^console: .*Content Security Policy/]);
});

test("whoever has a label is found", async () => {
  await on("ring.html", {}, async (page) => {
    await page.fill("#search", "team=t17");
    assert.deepEqual((await rows(page)).map((row) => row.split(" | ").slice(0, 2).join(" ")).sort(), ["n16/pod/web n17/pod/web", "n17/pod/web everyone in the cluster", "n17/pod/web n18/pod/web"]);
    await page.locator('#picture [data-id="ns:n17"]').click();
    await page.locator("#picture .is-workload").first().click();
    assert.match(await page.locator("#panel").innerText(), /Labels:\s+app=web\s+team=t17/);
  });
});
