// Lets a browser and two checkers of HTML judge transcripts: html-validate, the Nu checker where Java is there, axe-core in
// Chromium at four widths, light and dark; nothing is asked of any network; the search finds what it should.
//
//   node tests/pages.mjs FOLDER PACKAGES [PICTURES]
//
// FOLDER holds index.html, PACKAGES the node_modules with html-validate, axe-core, playwright-core; screenshots and a print
// go into PICTURES.
import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, packages, pictures] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(packages, "x.js"));
const { HtmlValidate } = require("html-validate");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const fail = (text) => { console.error(text); process.exitCode = 1; };
const list = (at) => readdirSync(at).flatMap((name) => {
  const path = join(at, name);
  return statSync(path).isDirectory() ? list(path) : [path];
});
const pages = list(folder).filter((path) => path.endsWith(".html")).sort();
if (pages.length < 5) fail(`only ${pages.length} pages`);

const checker = new HtmlValidate({
  extends: ["html-validate:recommended", "html-validate:document"],
  rules: {
    // Matters of taste: white space, long titles, and a hint for servers.
    "no-trailing-whitespace": "off", "long-title": "off", "require-sri": "off",
  },
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

// Every link leads to something that is there, and every anchor exists once.
const seen = new Map();
for (const page of pages) {
  const ids = [...readFileSync(page, "utf8").matchAll(/<[a-z0-9]+ (?:[^<>]* )?id="([^"]*)"/g)].map((hit) => hit[1]);
  if (new Set(ids).size !== ids.length) fail(`${page}: an anchor stands twice`);
  seen.set(pathToFileURL(page).href, new Set(ids));
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const outside = [], refused = [];
const open = async (options) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("request", (request) => { if (!request.url().startsWith("file:")) outside.push(request.url()); });
  page.on("console", (message) => { if (message.type() === "error") refused.push(`${page.url()}: ${message.text()}`); });
  page.on("pageerror", (error) => refused.push(`${page.url()}: ${error}`));
  return page;
};
const url = (name) => pathToFileURL(join(folder, name)).href;
const rooms = pages.filter((path) => /\/\d{6}\.html$/.test(path));
const longest = rooms.reduce((a, b) => (statSync(a).size >= statSync(b).size ? a : b));
const plain = await open({});
for (const page of pages) {
  const from = pathToFileURL(page).href;
  await plain.goto(from);
  const links = await plain.$$eval("a[href], link[href], img[src], script[src]", (all) => all.map((one) => one.href || one.src));
  for (const link of new Set(links.filter((link) => link.startsWith("file:")))) {
    const [path, anchor] = link.split("#");
    if (!existsSync(new URL(path))) fail(`${page}: ${path} is not there`);
    else if (anchor && !seen.get(path)?.has(anchor)) fail(`${page}: ${link} leads nowhere`);
  }
  for (const link of links.filter((link) => !/^(file|https?|mailto):/.test(link))) fail(`${page}: a link to ${link}`);
}
const looked = [...new Set(["index.html", "months.html", "people.html", "search.html"].map(url).concat(
  pathToFileURL(longest).href, pathToFileURL(join(longest, "../index.html")).href,
  rooms.filter((page) => statSync(page).size < 400000).slice(0, 6).map((page) => pathToFileURL(page).href)))];
for (const width of [360, 768, 1280, 1920]) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
    for (const [at, where] of looked.entries()) {
      await page.goto(where);
      await page.evaluate(axe);
      const { violations } = await page.evaluate("axe.run(document, { resultTypes: ['violations'], preload: false })");
      for (const { id, help, nodes } of violations) fail(`${where} at ${width} ${colorScheme}: ${id}: ${help}: ${nodes[0].html}`);
      const over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
      if (over > 0) fail(`${where}: ${over} pixels stick out at ${width}`);
      if (pictures) await page.screenshot({ path: join(pictures, `${width}-${colorScheme}-${at}.png`) });
    }
    await page.context().close();
  }
}

// The search, as it is opened from a folder.
const search = await open({ viewport: { width: 1280, height: 900 } });
const settled = async (pattern) => {
  for (let tries = 0; tries < 3000; tries++) {
    if (pattern.test(await search.textContent("#state"))) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  fail(`the search says: ${await search.textContent("#state")}`);
};
const found = async (words) => {
  await search.goto(url("search.html"));
  await settled(/^Type/);
  await search.fill("#words", words);
  const start = Date.now();
  await search.press("#words", "Enter");
  await settled(/event|Nothing|would not/);
  return [await search.textContent("#state"), Date.now() - start];
};
for (const asked of (process.env.WORDS ?? "").split("|").filter(Boolean)) {
  const [words, count] = asked.split("=");
  const [said, time] = await found(words);
  console.log(`search ${words}: ${said} ${time} ms`);
  const over = await search.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) fail(`search ${words}: ${over} pixels stick out`);
  if (count && !said.startsWith(`${count} event`)) fail(`search ${words}: ${said}; it should be ${count}`);
}
if (process.env.WORDS) {
  if (pictures) await search.screenshot({ path: join(pictures, "search.png") });
  // The first words are there.
  await found(process.env.WORDS.split("|")[0].split("=")[0]);
  const link = await search.getAttribute("#found a", "href");
  await search.goto(new URL(link, url("search.html")).href);
  if (!await search.$(`#${link.split("#")[1]}`)) fail(`the result ${link} leads nowhere`);
}
// What a reader is told whose browser runs no scripts.
const dumb = await open({ javaScriptEnabled: false });
await dumb.goto(url("search.html"));
if (!(await dumb.textContent("#state")).includes("does not run the search")) fail("nobody says that the search does not run");
if (pictures) {
  const print = await open({});
  await print.goto(pathToFileURL(longest).href);
  await print.pdf({ path: join(pictures, "print.pdf"), preferCSSPageSize: true });
}
await browser.close();
for (const one of new Set(outside)) fail(`asked of a network: ${one}`);
for (const one of new Set(refused)) fail(`the browser complains: ${one}`);
console.log(`${pages.length} pages, ${rooms.length} of them of rooms`);
