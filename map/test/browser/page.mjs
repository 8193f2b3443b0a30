// A page of the map in a real browser, watched: it asks for nothing but itself and says nothing wrong.
//
// In: NETPOL_BROWSER, the program, and NETPOL_PAGES, the directory with the pages. Out: pages of
// playwright, opened from their files.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

export const directory = process.env.NETPOL_PAGES;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.NETPOL_BROWSER,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
});
after(() => browser?.close());

/** What a file beside the pages says. */
export function beside(name) {
  return readFileSync(join(directory, name), "utf8");
}

/** Opens a page, runs a check on it, and looks at what the page did meanwhile; some of it may be `expected`. */
export async function on(name, options, check, expected = []) {
  const { fragment = "", colorScheme = "light", javaScriptEnabled = true, width = 1400, height = 900 } = options;
  const context = await browser.newContext({ colorScheme, javaScriptEnabled, viewport: { width, height }, acceptDownloads: true });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]).catch(() => undefined);
  const page = await context.newPage();
  const address = pathToFileURL(join(directory, name)).href;
  const wrong = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => request.url().split("#")[0] !== address && !request.url().startsWith("blob:") && wrong.push(`request: ${request.url()}`));
  try {
    await page.goto(address + fragment);
    if (javaScriptEnabled) await page.waitForSelector("html.live");
    const result = await check(page);
    assert.deepEqual(wrong.filter((it) => !expected.some((pattern) => pattern.test(it))), []);
    return result;
  } finally {
    await context.close();
  }
}

/** What axe finds wrong, each with where. */
export async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => `${node.target.join(" ")} ${node.failureSummary}`).join("; ")}`);
}

/** The text of the table, a row a line. */
export async function rows(page) {
  // Without scripts those that the file has.
  return page.$$eval("#rows tr, #still tr", (all) => all.map((row) => [...row.cells].slice(0, 4).map((cell) => cell.innerText.trim()).join(" | ")));
}

/** The labels of boxes, or of arrows, in the picture. */
export async function labels(page, kind) {
  return page.$$eval(`#picture .${kind}`, (all) => all.map((it) => it.querySelector("title").textContent));
}

export async function panel(page) {
  return (await page.locator("#panel").innerText()).replace(/\s+/g, " ");
}
