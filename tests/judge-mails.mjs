// What postal-mime, mailparser and ajv make of mails and manifests: one JSON object on standard output.
//
//   node tests/judge-mails.mjs NPM SCHEMA LIST      LIST: a file with the paths of mails and manifests, one in a line
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [npm, schema, list] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${npm}/package.json`));
const PostalMime = (await import(pathToFileURL(require.resolve("postal-mime")))).default;
const { simpleParser } = require("mailparser");
const Ajv = require("ajv").default;
const ajv = new Ajv({ allErrors: true, strict: true });
require("ajv-formats").default(ajv);
ajv.addFormat("idn-email", /^[^@\s]+@[^@\s]+$/);
const valid = ajv.compile(JSON.parse(readFileSync(schema, "utf8")));
const sum = (bytes) => createHash("sha256").update(bytes).digest("hex");

const out = {};
for (const path of readFileSync(list, "utf8").split("\n").filter((line) => line)) {
  const bytes = readFileSync(path);
  if (path.endsWith(".json")) {
    out[path] = valid(JSON.parse(bytes)) ? [] : valid.errors.slice(0, 3);
    continue;
  }
  const one = await PostalMime.parse(bytes);
  const two = await simpleParser(bytes, { skipImageLinks: true, skipHtmlToText: true, skipTextToHtml: true });
  const told = (from, to, subject, date, id, text, html, files) => ({ from, to, subject, date, id, text, html, files });
  out[path] = {
    "postal-mime": told(
      [[one.from.name, one.from.address]],
      one.to.map((who) => [who.name, who.address]),
      one.subject,
      Date.parse(one.date) / 1000,
      one.messageId,
      sum(one.text.replace(/\r\n/g, "\n").trimEnd()),
      one.html ? sum(one.html.replace(/\r\n/g, "\n").trimEnd()) : null,
      one.attachments.map((file) => [file.filename, sum(Buffer.from(file.content))]),
    ),
    mailparser: told(
      two.from.value.map((who) => [who.name, who.address]),
      [two.to].flat().flatMap((to) => to.value).map((who) => [who.name, who.address]),
      two.subject,
      two.date.getTime() / 1000,
      two.messageId,
      sum(two.text.replace(/\r\n/g, "\n").trimEnd()),
      two.html ? sum(two.html.replace(/\r\n/g, "\n").trimEnd()) : null,
      two.attachments.map((file) => [file.filename, sum(file.content)]),
    ),
  };
}
process.stdout.write(JSON.stringify(out));
