// Makes plugins/assets/map.html of src/, or the unit tests in build/.
//
// In: src/, and what package-lock.json pins. Out: one page with slots that kubectl netpol fills, with
// the hashes of its own style and script in its Content-Security-Policy. The same sources give the same
// bytes.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv.indexOf("--out");
const asset = out > 0 ? process.argv[out + 1] : join(here, "../plugins/assets/map.html");

if (process.argv.includes("--tests")) await tests();
else await page();

async function tests() {
  const files = readdirSync(join(here, "test")).filter((name) => name.endsWith(".test.ts"));
  rmSync(join(here, "build"), { recursive: true, force: true });
  await build({
    absWorkingDir: here,
    entryPoints: files.map((name) => `test/${name}`),
    bundle: true,
    platform: "node",
    format: "esm",
    outdir: "build",
    outExtension: { ".js": ".mjs" },
  });
}

async function page() {
  const options = { absWorkingDir: here, bundle: true, minify: true, write: false, legalComments: "none", charset: "ascii", metafile: true };
  const [script, layout, style] = await Promise.all([
    build({ ...options, entryPoints: ["src/main.ts"], format: "iife", target: "es2022" }),
    build({ ...options, entryPoints: ["src/layout-script.ts"], format: "iife", target: "es2022" }),
    build({ ...options, entryPoints: ["src/style.css"], target: "es2022" }),
  ]);
  const [code, worker] = [script, layout].map((it) => codeOf(it.outputFiles[0].text));
  const css = style.outputFiles[0].text.trim();
  if (/<\/script|<!--|\{\{/i.test(code + worker) || /<\/style|\{\{/i.test(css)) throw new Error("what is bundled would end its own element, or be a slot");
  const slots = {
    // A worker of the page's own text, which may ask for nothing either.
    CSP: `default-src 'none'; script-src '${hash(code)}' '${hash(worker)}'; worker-src blob:; style-src '${hash(css)}'; base-uri 'none'; form-action 'none'`,
    STYLE: css,
    SCRIPT: code,
    LAYOUT: worker,
    LICENCES: escaped(licences([script, layout].flatMap((it) => Object.keys(it.metafile.inputs)))),
  };
  const template = readFileSync(join(here, "src/page.html"), "utf8");
  // A function, since `$` means something in a text.
  const filled = template.replace(/\{\{(CSP|STYLE|SCRIPT|LAYOUT|LICENCES)\}\}/g, (_, name) => slots[name]);
  mkdirSync(dirname(asset), { recursive: true });
  writeFileSync(asset, filled);
}

/** A script as it stands in the page: what a terminal is not to see stands in strings only, where an escape is the same. */
function codeOf(text) {
  return text.trim().replace(/[\x00-\x09\x0b-\x1f\x7f]/g, (it) => `\\x${it.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function hash(text) {
  return `sha256-${createHash("sha256").update(text, "utf8").digest("base64")}`;
}

function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\{\{/g, "{ {");
}

/** The licences of every package of which something is in the bundle, and of what these have in them of others. */
function licences(inputs) {
  const packages = new Set(inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []));
  for (const name of packages) {
    const { dependencies = {} } = JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8"));
    for (const needed of Object.keys(dependencies)) packages.add(needed);
  }
  const texts = [...packages].sort().map((name) => {
    const root = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const file = readdirSync(root).find((it) => /^licen[cs]e/i.test(it));
    if (file === undefined) throw new Error(`${name} has no licence text`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(root, file), "utf8").trim()}`;
  });
  return texts.join("\n\n----\n\n");
}
