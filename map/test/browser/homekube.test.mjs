// HomeKube and its repair, as a reader looks at them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { beside, labels, on, panel, rows, violations } from "./page.mjs";

const box = (namespace) => `#picture [data-id="ns:${namespace}"]`;
const workload = (label) => `#picture .is-workload[data-id$="${label}"]`;

test("namespaces first, and how closed each is, in words", async () => {
  await on("homekube.html", {}, async (page) => {
    const boxes = await labels(page, "node");
    const named = (name) => boxes.find((label) => label.startsWith(`namespace, ${name},`));
    assert.match(named("identity"), /in: closed.*out: DNS only/);
    assert.match(named("kube-system"), /in: not protected.*out: not protected.*open to anyone/);
    assert.match(named("ingress-nginx"), /open to anyone, any address via LoadBalancer/);
    assert.ok(boxes.some((label) => label.startsWith("everyone, anyone")));
    assert.equal(boxes.filter((label) => label.startsWith("namespace,")).length, 5);
    assert.match(await page.locator("#status").innerText(), /^\d+ flows, 5 namespaces\.$/);
    assert.ok((await labels(page, "course")).some((label) => /^Allowed: .*→ kube-system, 2 × 53\/TCP, 53\/UDP/.test(label)), "bundled");
  });
});

test("a click opens a namespace, its workloads have arrows with ports, and the fragment keeps it", async () => {
  const fragment = await on("homekube.html", {}, async (page) => {
    await page.click(box("monitoring"));
    const boxes = await labels(page, "node");
    assert.ok(boxes.some((label) => label.startsWith("workload, deploy/grafana")));
    assert.ok((await labels(page, "course")).some((label) => label.includes("monitoring/deploy/grafana, 3000/TCP")));
    assert.match(await panel(page), /Namespace monitoring.*every pod is isolated/);
    return page.evaluate(() => location.hash);
  });
  await on("homekube.html", { fragment }, async (page) => {
    assert.ok((await labels(page, "node")).some((label) => label.startsWith("workload, deploy/grafana")));
    assert.match(await panel(page), /Namespace monitoring/);
  });
});

test("why an arrow is there is said in the words of explain, with file and line and the command", async () => {
  const facts = JSON.parse(beside("facts.json"));
  assert.ok(facts.explained.length >= 5);
  for (const { page: name, source, destination, ports, text } of facts.explained) {
    await on(name, {}, async (page) => {
      const row = page.locator("#rows tr").filter({ has: page.getByText(source, { exact: true }) }).filter({ has: page.getByText(destination, { exact: true }) }).filter({ hasText: ports });
      await row.first().getByRole("button").click();
      const said = await panel(page);
      const squeezed = text.replace(/\s+/g, " ");
      for (const way of ["egress", "ingress"]) {
        const [sentence] = new RegExp(`[✓✗?] ${way} of .*?(?= (?:[✓✗?]|\\S+:\\d+:\\d+:) |\\s*$)`).exec(squeezed) ?? [];
        assert.ok(sentence, `${way}: ${squeezed}`);
        assert.ok(said.includes(sentence.trim()), `${sentence} in ${said}`);
      }
      for (const place of squeezed.match(/\S+\.yaml:\d+:\d+/g) ?? []) assert.ok(said.includes(place), `${place} in ${said}`);
      assert.ok(said.includes(`kubectl netpol explain -f `), said);
      assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H2");
    });
  }
});

test("the command is copied as it is shown", async () => {
  await on("homekube.html", {}, async (page) => {
    await page.locator("#rows tr").filter({ hasText: "monitoring/deploy/grafana" }).first().getByRole("button").click();
    const shown = await page.locator(".command").first().innerText();
    await page.getByRole("button", { name: /^Copy the command/ }).first().click();
    await page.waitForFunction(() => document.querySelector(".ask button")?.textContent === "Copied");
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), shown);
  });
});

test("search and filters leave the same in table and picture, and all of it comes back", async () => {
  await on("homekube.html", {}, async (page) => {
    const all = await rows(page);
    await page.fill("#search", "keycloak");
    const found = await rows(page);
    assert.ok(found.length > 0 && found.length < all.length);
    assert.ok(found.every((row) => row.includes("keycloak")));
    assert.ok((await labels(page, "node")).every((label) => !label.startsWith("namespace, default")));
    await page.fill("#search", "");
    await page.fill("#port", "3000/tcp");
    // Whatever is open has every port.
    const ported = await rows(page);
    assert.ok(ported.every((row) => /3000|any/.test(row)) && ported.some((row) => row.includes("3000/TCP")));
    await page.selectOption("#verdict", "refused");
    assert.deepEqual(await rows(page), ["Nothing that is looked for."]);
    await page.fill("#port", "");
    assert.match((await rows(page)).join(), /internet \| identity\/sts\/keycloak \| 8080\/TCP \| ⊘ Way in, denied/);
    await page.click("#reset");
    assert.deepEqual(await rows(page), all);
    await page.selectOption("#reason", "NotIsolated");
    const open = await rows(page);
    assert.ok(open.length > 0 && open.length < all.length);
    await page.click("#reset");
    await page.selectOption("#namespace", "default");
    assert.ok((await rows(page)).every((row) => row.includes("default/")));
  });
});

test("who can reach it, and what it can reach, hop by hop", async () => {
  await on("fixed.html", {}, async (page) => {
    await page.click(box("identity"));
    await page.click(workload("identity/sts/keycloak"));
    await page.getByRole("button", { name: "Who can reach this" }).click();
    assert.match(await panel(page), /ingress-nginx\/deploy\/ingress-nginx-controller 1 hop/);
    assert.match(await panel(page), /monitoring\/deploy\/grafana 1 hop/);
    assert.doesNotMatch(await panel(page), /anyone \d hop/);
    await page.selectOption("#howmany", "99");
    assert.match(await panel(page), /anyone 2 hops/);
    assert.match(await page.evaluate(() => location.hash), /hops=99/);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#panel").isHidden(), true);
  });
});

test("the table is sorted by its heads", async () => {
  await on("fixed.html", {}, async (page) => {
    const head = page.getByRole("button", { name: "From" });
    await head.click();
    const up = (await rows(page)).map((row) => row.split(" | ")[0]);
    assert.deepEqual(up, [...up].sort((a, b) => a.localeCompare(b, "en", { numeric: true })));
    assert.equal(await page.locator('th[data-column="from"]').getAttribute("aria-sort"), "ascending");
    await head.click();
    assert.equal(await page.locator('th[data-column="from"]').getAttribute("aria-sort"), "descending");
  });
});

test("everything is reached by keyboard", async () => {
  await on("homekube.html", {}, async (page) => {
    const focused = () => page.evaluate(() => document.activeElement?.querySelector(":scope > title")?.textContent ?? document.activeElement?.id ?? "");
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "search");
    // To the picture, as many controls as there are before it.
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(() => document.activeElement?.closest("#picture") !== null)) break;
    }
    const seen = new Set();
    for (const key of ["Home", ...Array(12).fill("ArrowRight"), "End", ...Array(12).fill("ArrowLeft"), ...Array(8).fill("ArrowDown"), ...Array(12).fill("ArrowRight"), ...Array(8).fill("ArrowUp")]) {
      await page.keyboard.press(key);
      seen.add(await focused());
    }
    assert.ok([...seen].some((label) => label.startsWith("namespace, ")) && [...seen].some((label) => label.startsWith("Allowed: ")), [...seen].join("\n"));
    await page.locator(box("default")).focus();
    await page.keyboard.press("Enter");
    assert.match(await panel(page), /Namespace default/);
    assert.ok((await labels(page, "node")).some((label) => label.startsWith("workload, deploy/whoami")));
    await page.keyboard.press("Escape");
    assert.match(await focused(), /^namespace, default/);
    const before = await page.getAttribute("#picture", "viewBox");
    await page.keyboard.press("+");
    assert.notEqual(await page.getAttribute("#picture", "viewBox"), before);
    await page.keyboard.press("0");
    assert.equal(await page.getAttribute("#picture", "viewBox"), before);
  });
});

test("nothing that axe finds, in both themes, closed, open and with reasons", async () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const name of ["homekube.html", "diff.html"]) {
      await on(name, { colorScheme }, async (page) => {
        assert.deepEqual(await violations(page), [], `${name} ${colorScheme}`);
        await page.getByRole("button", { name: "Open all" }).click();
        await page.locator("#rows tr").first().getByRole("button").click();
        await page.locator("details.foot summary").click();
        assert.deepEqual(await violations(page), [], `${name} ${colorScheme}, all open`);
      });
    }
  }
});

test("without scripts there are the rows and the answer as text", async () => {
  await on("homekube.html", { javaScriptEnabled: false }, async (page) => {
    const there = await rows(page);
    assert.ok(there.some((row) => row.startsWith("monitoring/deploy/grafana | kube-system/deploy/coredns | 53/TCP, 53/UDP | Allowed")));
    assert.equal(await page.locator("#filters").isVisible(), false);
  });
  const live = await on("homekube.html", {}, rows);
  const still = await on("homekube.html", { javaScriptEnabled: false }, rows);
  const plain = (row) => row.replace(/[↪⊘?*] /, "");
  assert.deepEqual(live.map(plain), still.map(plain));
});

test("the picture is saved as it is drawn", async () => {
  await on("homekube.html", {}, async (page) => {
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save as SVG" }).click();
    const download = await coming;
    assert.equal(download.suggestedFilename(), "netpol-map.svg");
    const text = readFileSync(await download.path(), "utf8");
    assert.match(text, /^<svg [^>]*viewBox/);
    for (const word of ["monitoring", "53/TCP", "not protected"]) assert.ok(text.includes(word), word);
    assert.doesNotMatch(text, /<script|class=|tabindex/);
  });
});
