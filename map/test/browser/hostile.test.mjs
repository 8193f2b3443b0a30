// Names that would be markup, that turn lines around, or that are very long change nothing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { on, panel, rows, violations } from "./page.mjs";

/** Three answers, what lays out, and the page's own. */
const SCRIPTS = 5;

test("names are text, wherever they stand", async () => {
  await on("hostile.html", {}, async (page) => {
    await page.getByRole("button", { name: "Open all" }).click();
    for (const button of await page.locator("#rows button").all()) {
      await button.click();
      await panel(page);
    }
    const boxes = await page.locator("#picture .node").all();
    assert.ok(boxes.length > 3);
    for (let at = 0; at < boxes.length; at += 1) {
      await page.locator("#picture .node").nth(at).focus();
      await page.keyboard.press("Enter");
    }
    const made = await page.evaluate(() => ({
      scripts: document.scripts.length,
      images: document.images.length,
      frames: document.querySelectorAll("iframe, object, embed, link, base").length,
      handlers: [...document.querySelectorAll("*")].filter((it) => it.getAttributeNames().some((name) => name.startsWith("on"))).length,
      hit: globalThis.hit,
      body: document.body.innerText,
    }));
    assert.deepEqual([made.scripts, made.images, made.frames, made.handlers, made.hit], [SCRIPTS, 0, 0, 0, undefined]);
    assert.ok(made.body.includes("</script><script>globalThis.hit=1</script>"), "it is shown as it is");
    assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(made.body), "nothing turns a line around");
    assert.ok(made.body.includes("\\u{202e}"));
  });
});

test("long names are whole where they are read out, and ports without end are no trouble", async () => {
  await on("hostile.html", {}, async (page) => {
    const told = await rows(page);
    const long = "l".repeat(63);
    assert.ok(told.some((row) => row.includes(long)));
    await page.fill("#search", "many ingress");
    await page.fill("#port", "19997");
    assert.equal((await rows(page)).length, 1);
    assert.ok(await page.$$eval("#picture .node", (all, long) => all.some((it) => it.querySelector("title").textContent.includes(long)), long));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${wide} wider than the window`);
    assert.deepEqual(await violations(page), []);
  });
});

test("a fragment that anyone may have written is no more than a view", async () => {
  for (const fragment of ["#at=n:ns:%3Cimg src=x onerror=hit=1%3E", "#open=__proto__&at=a:constructor&to=x&hops=1e9&verdict=__proto__", "#at=n:end:%22%5D%29&sort=toString", "#%E0%A4%A"]) {
    await on("hostile.html", { fragment }, async (page) => {
      assert.ok((await rows(page)).length > 0);
      assert.equal(await page.evaluate(() => globalThis.hit), undefined);
    });
  }
});

test("so are those of tests, and of what was seen", async () => {
  await on("beside.html", {}, async (page) => {
    await page.getByRole("button", { name: "Open all" }).click();
    for (const button of await page.locator("#tests button, #rows button").all()) {
      await button.click();
      await panel(page);
    }
    const made = await page.evaluate(() => ({ scripts: document.scripts.length, images: document.images.length, hit: globalThis.hit, body: document.body.innerText }));
    assert.deepEqual([made.scripts, made.images, made.hit], [SCRIPTS, 0, undefined]);
    for (const part of ["</script><img src=x onerror=globalThis.hit=1>\\u{202e}", "<img src=x onerror=globalThis.hit=1>/</script>"]) assert.ok(made.body.includes(part), part);
    assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(made.body));
    // A label is found, and is text.
    await page.fill("#search", "note=</script>");
    assert.ok((await rows(page)).length > 0);
    assert.deepEqual(await violations(page), []);
  });
});
