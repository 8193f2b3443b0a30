// A picture of a page of the map, for the documentation: `node screenshot.mjs PAGE OUT [FRAGMENT]`.

import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

const [page, out, fragment = "#open=identity", colorScheme = "light"] = process.argv.slice(2);
const executablePath = execFileSync("sh", ["-c", "command -v chromium || command -v google-chrome"], { encoding: "utf8" }).trim();
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
const opened = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme });
await opened.goto(pathToFileURL(resolve(page)).href + fragment);
await opened.screenshot({ path: out });
await browser.close();
