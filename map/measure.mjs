// How long a page of the map takes and how much memory it has, for docs/performance.md: `node measure.mjs PAGE`.
//
// In: a page. Out: seconds of the page's main thread and by the clock until it is drawn, and for what a reader
// does then; its heap, and what the renderer's process holds (Linux).

import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

const [page] = process.argv.slice(2);
const executablePath = execFileSync("sh", ["-c", "command -v chromium || command -v google-chrome"], { encoding: "utf8" }).trim();
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
const opened = await browser.newPage({ viewport: { width: 1400, height: 900 } });
const session = await opened.context().newCDPSession(opened);
const processes = await browser.newBrowserCDPSession();
await session.send("Performance.enable", { timeDomain: "threadTicks" });

async function metrics() {
  const { metrics: all } = await session.send("Performance.getMetrics");
  return Object.fromEntries(all.map(({ name, value }) => [name, value]));
}

/** Of the renderer's process: what it holds and shares with nobody. */
async function held() {
  const { processInfo } = await processes.send("SystemInfo.getProcessInfo");
  const of = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => {
    const told = readFileSync(`/proc/${id}/smaps_rollup`, "utf8");
    const kilobytes = [...told.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)].reduce((sum, [, own]) => sum + Number(own), 0);
    return kilobytes / 1000;
  });
  return Math.max(0, ...of);
}

const idle = () => opened.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))));

async function step(label, run) {
  const before = await metrics();
  const began = performance.now();
  await run();
  await idle();
  await opened.waitForFunction(() => !document.querySelector("#picture").hasAttribute("aria-busy"));
  const clock = (performance.now() - began) / 1000;
  const after = await metrics();
  const thread = after.TaskDuration - (label === "opening the page" ? 0 : before.TaskDuration);
  console.log(`${label}: ${thread.toFixed(2)} s of the main thread, ${clock.toFixed(2)} s, heap ${(after.JSHeapUsedSize / 1e6).toFixed(0)} MB, process ${(await held()).toFixed(0)} MB`);
}

console.log(`${page}: ${(statSync(page).size / 1e6).toFixed(1)} MB`);
await step("opening the page", async () => {
  await opened.goto(pathToFileURL(resolve(page)).href, { timeout: 120_000 });
  await opened.waitForSelector("#picture .node");
});
console.log(await opened.locator("#status").innerText());
const box = opened.locator('#picture .node[data-id^="ns:"]').nth(3);
await step("choosing a namespace", () => box.dispatchEvent("click"));
await step("searching", () => opened.fill("#search", "team"));
await step("forgetting it", () => opened.fill("#search", ""));
await step("sorting the table", () => opened.locator("th button").first().click());
await browser.close();
