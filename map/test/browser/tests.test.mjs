// Tests on the map: what breaks them, and the list of all.

import assert from "node:assert/strict";
import { test } from "node:test";

import { labels, on, panel, rows, violations } from "./page.mjs";

const section = (page) => page.locator("#tests");

test("broken tests are on the map with what shows it, in a shape and words of their own", async () => {
  await on("tests.html", {}, async (page) => {
    // Where they are is open from the first.
    const courses = await labels(page, "course");
    assert.ok(courses.some((label) => label.startsWith("Does not pass, against a test: ingress-nginx/deploy/ingress-nginx-controller → identity/sts/keycloak, ✗ 8080/TCP")), courses.join("\n"));
    assert.ok(courses.some((label) => label.startsWith("Does not pass, against a test: monitoring/sts/prometheus → default/deploy/whoami")), courses.join("\n"));
    const shapes = await page.$$eval("#picture .course.is-cut .line", (all) => all.map((it) => [it.getAttribute("marker-end"), getComputedStyle(it).strokeDasharray].join(" ")));
    assert.ok(shapes.length === 2 && shapes.every((it) => it.includes("bar") && !it.endsWith("none")), shapes.join());
    const told = await rows(page);
    assert.equal(told[0], "ingress-nginx/deploy/ingress-nginx-controller | identity/sts/keycloak | 8080/TCP | ✗ Does not pass, against a test");
    assert.match(await page.locator("#status").innerText(), /^\d+ rows, 5 namespaces\.$/);
  });
});

test("the list beside it has all of them, and tells each at a click", async () => {
  await on("tests.html", {}, async (page) => {
    const said = (await section(page).innerText()).replace(/\s+/g, " ");
    assert.match(said, /✗ 2 broken.*explicit allow, Keycloak: ingress-nginx\/deploy\/ingress-nginx-controller does not reach.*✓ 5 proved/);
    await page.getByRole("button", { name: "Broken: explicit allow, Keycloak" }).click();
    const told = await panel(page);
    for (const part of [
      "ingress-nginx/deploy/ingress-nginx-controller → identity/sts/keycloak",
      "Broken: ingress-nginx/deploy/ingress-nginx-controller does not reach identity/sts/keycloak on 8080/TCP.",
      "Meant: every flow from monitoring/deploy/grafana and ingress-nginx/deploy/ingress-nginx-controller to identity/svc/keycloak on 80/TCP passes",
      "Because: Grafana exchanges tokens with Keycloak",
      "examples/homekube/netpol-test.yaml:11:3",
      "✗ ingress of identity/sts/keycloak: isolated by 3 policies, none admits it",
      "To mend it:",
      "kubectl netpol explain -f examples/homekube ingress-nginx/deploy/ingress-nginx-controller identity/sts/keycloak:8080",
    ]) assert.ok(told.includes(part), `${part} in ${told}`);
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H2");
    await page.getByText("✓ 5 proved", { exact: true }).click();
    await page.getByRole("button", { name: "Proved: default deny" }).click();
    assert.match(await panel(page), /Test: default deny Proved\. Meant: every pod of ns\/default, ns\/identity and ns\/monitoring is isolated for ingress/);
    // It stands in the address.
    assert.match(await page.evaluate(() => location.hash), /at=t%3Adefault\+deny/);
  });
});

test("what nothing isolates is marked, and a way has its hops", async () => {
  await on("open.html", {}, async (page) => {
    const boxes = await labels(page, "node");
    assert.ok(boxes.some((label) => label.startsWith("workload, deploy/ingress-nginx-controller") && label.includes("✗ all is closed")), boxes.join("\n"));
    const courses = await labels(page, "course");
    assert.ok(courses.some((label) => label.startsWith("Passes, against a test: internet → ingress-nginx/deploy/ingress-nginx-controller")), courses.join("\n"));
    assert.ok(courses.some((label) => label.startsWith("Passes, against a test: ingress-nginx/deploy/ingress-nginx-controller → monitoring/deploy/grafana")), courses.join("\n"));
    await page.getByRole("button", { name: "Broken: nothing leads in" }).click();
    assert.match(await panel(page), /The way: .*ingress-nginx\/deploy\/ingress-nginx-controller on 80\/TCP by any address via LoadBalancer .*monitoring\/deploy\/grafana on 3000\/TCP/);
    await page.getByRole("button", { name: "Broken: all is closed" }).click();
    assert.match(await panel(page), /no policy isolates (ingress|egress) of ingress-nginx/);
  });
});

test("of a change those that come out otherwise", async () => {
  await on("diff.html", {}, async (page) => {
    assert.match((await section(page).innerText()).replace(/\s+/g, " "), /5 of 7 as before.*✗ 2 broken/);
    assert.ok((await labels(page, "course")).some((label) => label.startsWith("Does not pass, against a test: ")));
    await page.getByRole("button", { name: "Broken: explicit allow, Keycloak" }).click();
    assert.match(await panel(page), /does not reach/);
  });
});

test("without scripts there are tests and rows too, and where all is proved that is said", async () => {
  const plain = (row) => row.replace(/[↪⊘?*✗] /, "");
  for (const name of ["tests.html", "open.html", "diff.html"]) {
    const live = await on(name, {}, rows);
    const still = await on(name, { javaScriptEnabled: false }, async (page) => {
      assert.match(await section(page).innerText(), /✗ \d/);
      return rows(page);
    });
    const unsigned = (row) => plain(row).replace(/ [+−~] /, " ");
    assert.deepEqual(live.map(unsigned), still.map(unsigned), name);
  }
  await on("fixed.html", {}, async (page) => {
    assert.match(await section(page).innerText(), /✓ 7 proved/);
    assert.equal(await page.locator("#picture .is-cut, #picture .is-broken").count(), 0);
  });
});

test("nothing that axe finds, in both themes, and all of it by keyboard", async () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const name of ["tests.html", "open.html"]) {
      await on(name, { colorScheme }, async (page) => {
        await page.locator("#tests button").first().focus();
        await page.keyboard.press("Enter");
        assert.match(await panel(page), /Broken: /);
        assert.deepEqual(await violations(page), [], `${name} ${colorScheme}`);
      });
    }
  }
});
