/** What the documents name is there: places, files, options, metrics, messages, commands. */
import assert from "node:assert/strict";
import { parseCommandArguments } from "../../src/cli/command_arguments.ts";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import {
  COMMAND_NAMES,
  commandFacts,
  COMMANDS,
  COMMON_FLAGS,
  type FlagFacts,
  isCommandName,
} from "../../src/cli/commands.ts";
import { checkLines } from "../../src/cli/checked_lines.ts";
import { findForeignOption } from "../../src/config/foreign_options.ts";
import { findFlag, findOption } from "../../src/config/options.ts";
import { ClientMetrics } from "../../src/monitor/client_metrics.ts";
import { RecentLines } from "../../src/observe/recent_lines.ts";
import project from "../../deno.json" with { type: "json" };
import { FakeClient } from "../monitor/fake_client.ts";
import { hasProgram, runProgram } from "../monitor/program.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { PROJECT, readDocument, readDocuments } from "./documents.ts";
import { type Document, parseDocument } from "./markdown.ts";
import { sourceFiles } from "./source_text.ts";

const documents = await readDocuments();
const sources = await sourceFiles();

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(new URL(path, PROJECT));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Calls `check` for all pieces of code, and fails with those for which it says what is wrong. */
async function checkSpans(
  check: (text: string, document: Document) => string | undefined | Promise<string | undefined>,
): Promise<void> {
  const wrong: string[] = [];
  for (const document of documents) {
    for (const { text, line } of document.spans) {
      const what = await check(text, document);
      if (what !== undefined) wrong.push(`${document.path}, line ${line}: ${text}: ${what}`);
    }
  }
  assert.deepEqual(wrong, []);
}

Deno.test("links lead to files and headings that are there", async () => {
  const wrong: string[] = [];
  for (const { path, links, anchors } of documents) {
    for (const { target, line } of links) {
      if (/^https:\/\//.test(target)) continue;
      const [file, anchor] = target.split("#");
      const place = file === "" ? path : new URL(file, `file:///${path}`).pathname.slice(1);
      const isThere = await exists(place) && (anchor === undefined ||
        (file === "" ? anchors : (await readDocument(place)).anchors).has(anchor));
      if (!isThere) wrong.push(`${path}, line ${line}: ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

/** Files that only a user, a running client or a build has; packages; and what stands for a path. */
const NOT_OURS =
  /^(\.\/)?(torrc$|chive-data\b|chive-demo\b|build\b|bench\/results\b|dist\b|lib\/(cache|deno|program)\b|@)|[A-Z]{2}/;
const FILE = /^(\.\/)?[\w.@-]+(\/[\w.@-]+)*\/?$/;

Deno.test("files and folders of the project are there", () =>
  checkSpans(async (text) => {
    const isPath = FILE.test(text) && text.includes("/") ||
      /^[\w-]+\.(ts|md|json|service|yaml)$/.test(text) && text !== "program.ts";
    if (!isPath || NOT_OURS.test(text)) return undefined;
    // Within a room, files are called by their room: channel/tls.ts.
    for (const folder of ["", "src/", "docs/"]) if (await exists(folder + text)) return undefined;
    // A name alone is that of a source file, or of one that the program makes.
    return sources.some((source) =>
        source.path.endsWith(`/${text}`) || !text.includes("/") && source.text.includes(`"${text}"`)
      )
      ? undefined
      : "no such file";
  }));

Deno.test("names in capitals are options of chive or C tor, or names of the code", () =>
  checkSpans((text) => {
    const [, name] = /^([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)(?: .*)?$/.exec(text) ?? [];
    if (name === undefined || findOption(name) !== undefined) return undefined;
    if (findForeignOption(name) !== undefined) return undefined;
    return sources.some((source) => source.words.has(name)) || text.includes(" ")
      ? undefined
      : "neither an option nor a name of the code";
  }));

/** Of Deno, curl, Chromium and Docker. */
const FLAGS_OF_OTHERS =
  /^--(allow-[a-z]+|no-prompt|quiet|permission-set|v8-flags|max-semi-space-size|doc|socks5|socks5-hostname|unsafely-ignore-certificate-errors|proxy-server|host-resolver-rules|force-webrtc-ip-handling-policy|target|portable|deno|runs|made-up-only|keep)$/;

function isOwnFlag(written: string): boolean {
  const commands = COMMAND_NAMES.flatMap((name) => [...commandFacts(name).flags]);
  const flags: readonly FlagFacts[] = [...COMMON_FLAGS, ...COMMANDS.run.flags, ...commands];
  return findFlag(written) !== undefined || findOption(written.slice(2)) !== undefined ||
    flags.some(({ name, otherNames = [] }) => [name, ...otherNames].includes(written));
}

Deno.test("flags are those of chive, or known ones of other programs", () =>
  checkSpans((text) => {
    const unknown = (text.match(/(?<![\w-])--[a-zA-Z][\w-]*/g) ?? [])
      .filter((flag) => !isOwnFlag(flag) && !FLAGS_OF_OTHERS.test(flag));
    return unknown.length === 0 ? undefined : `no such flag: ${unknown.join(", ")}`;
  }));

Deno.test("commands in sentences and tables are tasks, and command lines that chive understands", () =>
  checkSpans((text) => {
    const [, task, rest] = /^deno task (?:--\S+ )*(\S+) ?(.*)$/.exec(text) ?? [];
    if (task === undefined) return undefined;
    if (!Object.hasOwn(project.tasks, task)) return "no such task";
    if (task !== "start") return undefined;
    const [command, ...args] = rest.split(" ").filter((word) => word !== "");
    if (command !== undefined && isCommandName(command) && !["run", "help"].includes(command)) {
      // What stands for something, in capitals, may be missing.
      if (!/[A-Z]{2}/.test(rest)) parseCommandArguments(command, args);
    } else parseCommandLine(command === undefined ? [] : [command, ...args], () => "");
    return undefined;
  }));

const client = FakeClient.started();
using metrics = new ClientMetrics({
  client,
  clock: new FakeClock(),
  version: "1",
  warnings: new RecentLines(),
});
const METRICS = new Set(metrics.names);

/** The names of metrics in a text. */
function metricsIn(text: string): readonly string[] {
  return (text.match(/\bchive_[a-z_]+/g) ?? [])
    .map((name) => METRICS.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ""));
}

Deno.test("metrics are there, and all of them are in the table with their labels", async () => {
  for (const { path, blocks, spans } of documents) {
    for (const { text } of [...blocks, ...spans]) {
      for (const name of metricsIn(text)) assert.ok(METRICS.has(name), `${path}: ${name}`);
    }
  }
  const { spans } = await readDocument("docs/PRODUCTION.md");
  const table = spans.flatMap(({ text }) => /^(chive_\w+)(?:\{(.*)\})?$/.exec(text) ?? []);
  const shown = new Set(table);
  assert.deepEqual([...METRICS].filter((name) => !shown.has(name)), []);
  const samples = await metrics.text();
  for (const { text } of spans) {
    const [, name, labels] = /^(chive_\w+)\{(.*)\}$/.exec(text) ?? [];
    if (name === undefined) continue;
    const sample = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, "m").exec(samples)?.[1] ?? "";
    assert.deepEqual(labels.split(","), [...sample.matchAll(/(\w+)="/g)].map(([, each]) => each));
  }
});

Deno.test("promtool understands the rules for alerts", {
  ignore: !await hasProgram("promtool"),
}, async () => {
  const { blocks } = await readDocument("docs/PRODUCTION.md");
  const [rules, ...more] = blocks.filter(({ language }) => language === "yaml");
  assert.equal(more.length, 0);
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(file, rules.text);
    const { code, output } = await runProgram("promtool", ["check", "rules", file]);
    assert.equal(code, 0, output);
    assert.match(output, /SUCCESS: [1-9]\d* rules found/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("lines of configuration files are understood", () => {
  for (const { path, blocks } of documents) {
    for (const { language, text, line } of blocks) {
      if (language !== "torrc") continue;
      const { lines, faults } = checkLines({ path: "torrc", text }, []);
      const wrong = [...lines.flatMap(({ fault }) => fault ?? []), ...faults];
      assert.deepEqual(wrong, [], `${path}, line ${line}`);
    }
  }
});

const MESSAGES = "<!-- messages: tests check that the program says them -->";

Deno.test("messages that are explained are messages of the program", async () => {
  const text = await Deno.readTextFile(new URL("docs/PRODUCTION.md", PROJECT));
  const [, after] = text.split(MESSAGES);
  const [table] = after.trimStart().split("\n\n");
  const { spans } = parseDocument(
    "messages",
    table.split("\n").slice(2).map((row) => row.split("|")[1]).join("\n"),
  );
  assert.ok(spans.length > 20);
  const missing = spans.filter(({ text }) => {
    const parts = text.split("...").map((part) => part.trim()).filter((part) => part !== "");
    return !sources.some((source) => parts.every((part) => source.text.includes(part)));
  });
  assert.deepEqual(missing.map(({ text }) => text), []);
});

Deno.test("functions that documents name in tables are in the file beside them", () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const { path, tables } of documents) {
    for (const { header, rows } of tables) {
      if (header[0] !== "file" || header[1] !== "function") continue;
      for (const { cells: [file, name], line } of rows) {
        const source = sources.find((each) => `\`${each.path}\`` === file.replace("`", "`src/"));
        const definition = new RegExp(`(?<![\\w.#])${name.slice(1, -1)}(<\\w+>)?\\(`);
        if (source === undefined || !definition.test(source.text)) {
          wrong.push(`${path}, line ${line}: no ${name} in ${file}`);
        }
        seen++;
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(seen > 0);
});

Deno.test("what stands in brackets after a source file is in it", () => {
  const wrong: string[] = [];
  for (const { path, spans } of documents) {
    for (const [index, { text, line }] of spans.entries()) {
      // `src/x/y.ts` (`name`): the file, and then what is in it.
      const next = spans[index + 1];
      if (!/^(src\/)?\w+\/\w+\.ts$/.test(text) || next?.line !== line) continue;
      const [, name] = /^([a-z]+[A-Z]\w*)$/.exec(next.text) ?? [];
      const source = sources.find((each) => each.path === `src/${text.replace(/^src\//, "")}`);
      if (name !== undefined && source !== undefined && !source.words.has(name)) {
        wrong.push(`${path}, line ${line}: ${name} is not in ${text}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});
