// Lets html-validate, the Nu checker where Java is there, and axe-core in Chromium at four widths, and at two in the dark, judge
// single pages: reports of every kind, and papers. The bars of a chart must have the numbers of the tables. On a sheet of A4
// nothing sticks out, and no table is cut.
//
//   node tests/reports.mjs PACKAGES PAGE...
//
// PACKAGES is the node_modules with html-validate, axe-core, playwright-core.
import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [packages, ...pages] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(packages, "x.js"));
const { HtmlValidate } = require("html-validate");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const fail = (text) => { console.error(text); process.exitCode = 1; };
if (pages.length === 0) fail("no page");

const checker = new HtmlValidate({
  extends: ["html-validate:recommended", "html-validate:document"],
  // Matters of taste: white space, long titles, and a hint for servers.
  rules: { "no-trailing-whitespace": "off", "long-title": "off", "require-sri": "off" },
});
for (const page of pages) {
  const report = await checker.validateFile(page);
  for (const { messages } of report.results) {
    for (const { line, column, ruleId, message } of messages) fail(`${page}:${line}:${column}: ${ruleId}: ${message}`);
  }
}
const nu = join(packages, "vnu-jar/build/dist/vnu.jar");
if (existsSync(nu)) {
  try {
    execFileSync("java", ["-Xss8m", "-jar", nu, "--errors-only", ...pages], { stdio: ["ignore", "inherit", "pipe"] });
  } catch (error) {
    fail(`the Nu checker objects:\n${error.stderr}`);
  }
} else {
  console.log("the Nu checker is not installed; passed over");
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const path of pages) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of colorScheme === "light" ? [360, 768, 1280, 1920] : [360, 1280]) {
      const page = await (await browser.newContext({ colorScheme, viewport: { width, height: 900 } })).newPage();
      page.on("request", (request) => { if (!request.url().startsWith("file:")) fail(`asked for ${request.url()}`); });
      page.on("pageerror", (error) => fail(`${path}: ${error}`));
      await page.goto(pathToFileURL(path).href);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 0) fail(`${path} at ${width}: ${over} pixels stick out`);
      // Where there is room enough no table needs to be moved.
      const cut = () => page.$$eval(".wide", (all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent.trim().slice(0, 40)));
      if (width >= 1280) for (const what of await cut()) fail(`${path} at ${width}: a table does not fit: ${what}`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate("axe.run(document, { resultTypes: ['violations'], preload: false })");
      for (const { id, nodes } of violations) fail(`${path} at ${width}, ${colorScheme}: ${id}: ${nodes[0].html.slice(0, 200)}`);
      if (width === 1280 && colorScheme === "light") {
        // Each number behind a bar stands in a table of the same section.
        const lost = await page.$$eval("svg.chart", (charts) => charts.flatMap((chart) => {
          const section = chart.closest("section");
          const cells = new Set([...section.querySelectorAll("td")].map((cell) => cell.textContent.trim()));
          const numbers = [...chart.querySelectorAll('text[text-anchor="start"]')].map((text) => text.textContent.trim());
          return numbers.filter((number) => !cells.has(number));
        }));
        if (lost.length > 0) fail(`${path}: numbers of bars that no table has: ${lost.slice(0, 5)}`);
        // 297 mm less the margins, at 96 to the inch; papers stand upright, with 180 mm.
        const sheet = await page.evaluate(() => document.body.classList.contains("report")) ? 1016 : 680;
        await page.setViewportSize({ width: sheet, height: 700 });
        await page.emulateMedia({ media: "print" });
        const out = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (out > 0) fail(`${path}: ${out} pixels stick out of a sheet`);
        for (const what of await cut()) fail(`${path}: a table does not fit on a sheet: ${what}`);
        if ((await page.pdf({ preferCSSPageSize: true })).length < 1000) fail(`${path} does not print`);
      }
      await page.context().close();
    }
  }
}
await browser.close();
