/**
 * The map of the project as tests: which room may call which, what is pure, who may reach outside.
 * Every failure names the file and says what to do instead.
 */
import assert from "node:assert/strict";

/** The rooms from top to bottom; a room imports only from itself and from rooms after it. */
const ROOMS = [
  "cli",
  "monitor",
  "client",
  "proxy",
  "stream",
  "circuit",
  "channel",
  "directory",
  "guard",
  "path",
  "netdir",
  "config",
  "netdoc",
  "cell",
  "crypto",
  "state",
  "runtime",
  "observe",
  "errors",
];

/** No input or output, no clock and no randomness of their own. */
const PURE_ROOMS = ["path", "netdir", "netdoc", "cell", "crypto"];

/** What pure rooms may take from outside as values; types they may take from any room below. */
const PURE_PACKAGES = /^(@noble\/|ipaddr\.js$|node:(buffer|crypto)$)/;
const PURE_RUNTIME_NAMES = ["randomBelow", "randomBytes", "randomElement", "randomFraction"];
const IMPURE_CRYPTO_NAMES = /^(random|generate|getRandomValues|pseudoRandomBytes|webcrypto)/;

/** Of a file of src: over this it has more than one subject. */
const LONGEST_FILE = 500;

/** Tests of a room as a whole, which mirror no one file. */
const ROOM_TESTS = [
  "cli/metrics_port_test.ts",
  "config/c_tor_test.ts",
  "directory/hostile_directory_test.ts",
  "netdoc/hostile_documents_test.ts",
  "path/real_consensus_test.ts",
];

/** The machine's own clock, timers and randomness, which everybody else is given by runtime/. */
const TIME_AND_CHANCE =
  /\b(Date\.now\(|new Date\(\)|performance\.now|Math\.random|setTimeout\(|setInterval\(|AbortSignal\.timeout|getRandomValues|randomUUID)/;

/** The machine's network. */
const NETWORK =
  /\bDeno\.(connect|listen|serve|startTls|resolveDns|createHttpClient)|(?<=await |return |[=(,>] ?)fetch\(|\bnew (WebSocket|Worker)\b/;

/** The text of a script for browsers, whose own clock and network it uses. */
const BROWSER_SCRIPT = "monitor/page_script.ts";

/** One import or re-export. */
interface Import {
  readonly specifier: string;
  /** Whether all of it is types, which leave nothing at run time. */
  readonly typeOnly: boolean;
  /** Names of the values that are imported, if they are named. */
  readonly values: readonly string[];
}

/** One file below a folder of the project. */
interface SourceFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly room: string;
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const PROJECT = new URL("../", import.meta.url);
const SOURCES = await sourceFiles("src/");
const TESTS = await sourceFiles("tests/");

/** Folders of tests about whole networks, or about what is beside src, which mirror no room. */
const NETWORK_TESTS = [
  "network",
  "misbehaviour",
  "testnet",
  "deploy",
  "upgrades",
  "permissions",
  "scripts",
  "documents",
];

Deno.test("the scanner sees every kind of import", () => {
  const seen = importsOf(stripComments(`
// import "./commented.ts";
import first from "./first.ts";
import { type Second, third as other } from "./second.ts";
import type { Fourth } from "./fourth.ts"; // import "./trailing.ts"
import * as fifth from "node:fifth";
import "./sixth.ts";
export { type Seventh } from "./seventh.ts";
export * from "./eighth.ts";
import {
  ninth,
} from "@scope/ninth";
const tenth = await import("./tenth.ts");
`));
  assert.deepEqual(seen, [
    { specifier: "./first.ts", typeOnly: false, values: ["first"] },
    { specifier: "./second.ts", typeOnly: false, values: ["third"] },
    { specifier: "./fourth.ts", typeOnly: true, values: [] },
    { specifier: "node:fifth", typeOnly: false, values: ["* as fifth"] },
    { specifier: "./seventh.ts", typeOnly: true, values: [] },
    { specifier: "./eighth.ts", typeOnly: false, values: ["*"] },
    { specifier: "@scope/ninth", typeOnly: false, values: ["ninth"] },
    { specifier: "./sixth.ts", typeOnly: false, values: [] },
    { specifier: "./tenth.ts", typeOnly: false, values: [] },
  ]);
});

Deno.test("every file of src belongs to a room, and every room has files", () => {
  expectNone(
    SOURCES.filter(({ room, path }) => !ROOMS.includes(room) || path.split("/").length !== 2),
    () => `lies in none of the rooms ${ROOMS.join(", ")}`,
  );
  assert.deepEqual([...new Set(SOURCES.map(({ room }) => room))].toSorted(), ROOMS.toSorted());
});

Deno.test("imports only go down", () => {
  expectNone(SOURCES, ({ room, path, imports }) =>
    imports
      .map(({ specifier }) => importedRoom(path, specifier))
      .filter((other) => other !== undefined && ROOMS.indexOf(other) < ROOMS.indexOf(room))
      .map((other) =>
        `${room} imports from ${other}, which is above it: take a callback or an ` +
        `interface instead, given from above`
      )
      .join("; "));
});

Deno.test("imports are relative within src, and packages come by their name in deno.json", async () => {
  const { imports: packages } = JSON.parse(await Deno.readTextFile(new URL("deno.json", PROJECT)));
  const names = Object.keys(packages);
  expectNone(SOURCES, ({ path, imports }) =>
    imports
      .filter(({ specifier }) => {
        // The version is written in deno.json alone.
        if (path === "cli/version.ts" && specifier === "../../deno.json") return false;
        if (specifier.startsWith(".")) return importedRoom(path, specifier) === undefined;
        return !specifier.startsWith("node:") &&
          !names.some((name) =>
            name.endsWith("/") ? specifier.startsWith(name) : specifier === name
          );
      })
      .map(({ specifier }) => `imports ${specifier}, which is neither in src nor in deno.json`)
      .join("; "));
});

Deno.test("pure rooms import values only from pure rooms, errors and packages that compute", () => {
  expectNone(
    SOURCES.filter(({ room }) => PURE_ROOMS.includes(room)),
    ({ path, imports }) =>
      imports
        .filter((item) => !item.typeOnly && !isPureImport(path, item))
        .map(({ specifier, values }) =>
          `takes ${values.join(", ") || "values"} from ${specifier}: a pure room gets time as an ` +
          `argument, randomness as a RandomSource, and bytes from its caller`
        )
        .join("; "),
  );
});

Deno.test("pure rooms reach for nothing of Deno's", () => {
  expectNone(
    SOURCES.filter(({ room }) => PURE_ROOMS.includes(room)),
    ({ code }) => /\b(Deno\.|console\.|WebAssembly\.compileStreaming)/.exec(code)?.[0],
  );
});

Deno.test("only runtime reads the clock, starts timers and draws random bytes", () => {
  expectNone(
    SOURCES.filter(({ room, path }) => room !== "runtime" && path !== BROWSER_SCRIPT),
    ({ code }) => {
      const match = TIME_AND_CHANCE.exec(code);
      return match && `uses ${match[0]}: take a Clock or a RandomSource from runtime/ instead`;
    },
  );
});

Deno.test("only runtime, channel/tls.ts for TLS and monitor/monitor.ts for HTTP use the network", () => {
  const users = ["channel/tls.ts", "monitor/monitor.ts", BROWSER_SCRIPT];
  expectNone(
    SOURCES.filter(({ room, path }) => room !== "runtime" && !users.includes(path)),
    ({ code }) => {
      const match = NETWORK.exec(code);
      return match && `uses ${match[0]}: take a Network from runtime/ instead`;
    },
  );
});

Deno.test("only state, observe and cli touch files", () => {
  expectNone(
    SOURCES.filter(({ room }) => !["state", "observe", "cli"].includes(room)),
    ({ code, imports }) =>
      /\bDeno\.(open|read|write|mkdir|remove|rename|stat|lstat|chmod|makeTemp|truncate|create)\w*/
        .exec(code)?.[0] ?? imports.find(({ specifier }) => /^node:fs/.test(specifier))?.specifier,
  );
});

Deno.test("only observe knows the logging library, and only cli writes to the console", () => {
  expectNone(SOURCES, ({ room, code, imports }) => {
    const library = imports.find(({ specifier }) => specifier.startsWith("@logtape"));
    if (library && room !== "observe") {
      return `imports ${library.specifier}: use Logger from observe/log.ts`;
    }
    return !["observe", "cli"].includes(room) && /\bconsole\./.test(code)
      ? "writes to the console: use Logger from observe/log.ts"
      : undefined;
  });
});

Deno.test("every file of src says what it is for and has one subject", () => {
  expectNone(SOURCES, ({ text }) => {
    if (!/^\/\*\*\n \* \S[^]*?\n \* @module\n \*\/\n/.test(text)) {
      return "does not begin with a docstring that ends in @module";
    }
    const lines = text.split("\n").length - 1;
    return lines > LONGEST_FILE ? `has ${lines} lines, over ${LONGEST_FILE}: split it` : undefined;
  });
});

Deno.test("names of files are snake_case and say a subject", () => {
  expectNone([...SOURCES, ...TESTS], ({ path }) => {
    const name = path.split("/").at(-1) ?? "";
    if (!/^[a-z0-9]+(_[a-z0-9]+)*\.ts$/.test(name)) return "is not named in snake_case";
    return /^(utils?|helpers?|common|misc|shared)(_test)?\.ts$/.test(name)
      ? "is named after no subject"
      : undefined;
  });
});

Deno.test("types are not forced", () => {
  expectNone(
    SOURCES,
    ({ code }) => /(: any\b|\bas any\b|<any>|@ts-\w+|\bas unknown as\b)/.exec(code)?.[0],
  );
});

Deno.test("every test mirrors a file of src", () => {
  const sources = new Set(SOURCES.map(({ path }) => path));
  const supports = new Set(TESTS.map(({ path }) => path));
  const tests = TESTS.filter(({ path, room }) =>
    path.endsWith("_test.ts") && !NETWORK_TESTS.includes(room ?? "") &&
    path !== "architecture_test.ts"
  );
  expectNone(tests, ({ path }) => {
    const subject = path.replace(/_test\.ts$/, ".ts");
    // A subject with many tests may have them by aspect: circuit_build_test.ts for circuit.ts.
    const aspects = [...sources].some((source) => path.startsWith(source.replace(/\.ts$/, "_")));
    // What is there to support tests may have tests of its own.
    const mirrors = sources.has(subject) || aspects || supports.has(subject) ||
      ROOM_TESTS.includes(path);
    return mirrors ? undefined : `there is no src/${subject}, nor is it one of ROOM_TESTS`;
  });
  const stale = ROOM_TESTS.filter((path) => !supports.has(path));
  assert.deepEqual(stale, [], "ROOM_TESTS names tests that are there");
});

/** Fails with a line for every file that the rule finds fault with. */
function expectNone(
  files: readonly SourceFile[],
  fault: (file: SourceFile) => string | null | undefined,
): void {
  const faults = files.flatMap((file) => {
    const found = fault(file);
    return found ? [`${file.path}: ${found}`] : [];
  });
  assert.ok(faults.length === 0, `\n${faults.join("\n")}`);
}

function isPureImport(path: string, { specifier, values }: Import): boolean {
  if (!specifier.startsWith(".")) {
    return PURE_PACKAGES.test(specifier) &&
      !(specifier === "node:crypto" && values.some((name) => IMPURE_CRYPTO_NAMES.test(name)));
  }
  const room = importedRoom(path, specifier);
  if (room === "runtime") {
    return specifier.endsWith("/random.ts") &&
      values.every((name) => PURE_RUNTIME_NAMES.includes(name));
  }
  return room === "errors" || (room !== undefined && PURE_ROOMS.includes(room));
}

/** The room that a relative import leads to; `undefined` for a package, or a file outside src. */
function importedRoom(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const { pathname } = new URL(specifier, `file:///src/${path}`);
  return pathname.match(/^\/src\/([^/]+)\//)?.[1];
}

async function sourceFiles(folder: string): Promise<SourceFile[]> {
  const root = new URL(folder, PROJECT);
  const files: SourceFile[] = [];
  for await (const path of walk(root, "")) {
    const text = await Deno.readTextFile(new URL(path, root));
    const code = stripComments(text);
    files.push({ path, room: path.split("/")[0], text, code, imports: importsOf(code) });
  }
  return files.toSorted((a, b) => a.path < b.path ? -1 : 1);
}

async function* walk(root: URL, below: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(below, root))) {
    if (isDirectory) yield* walk(root, `${below}${name}/`);
    else if (name.endsWith(".ts")) yield below + name;
  }
}

/** Relies on deno fmt, which gives every line of a block comment its own asterisk. */
function stripComments(text: string): string {
  return text.split("\n")
    .filter((line) => !/^\s*(\/\*|\*|\/\/)/.test(line))
    .map((line) => line.replace(/\s\/\/ .*$/, ""))
    .join("\n");
}

function importsOf(code: string): Import[] {
  const named = /^(?:import|export)\s+(type\s+)?([^;"']*?)\s*from\s*"([^"]+)"/gm;
  const bare = /^import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  return [
    ...[...code.matchAll(named)].map(([, type, clause, specifier]) => {
      const values = type ? [] : valueNames(clause);
      return { specifier, typeOnly: type !== undefined || values.length === 0, values };
    }),
    ...[...code.matchAll(bare)].map(([, static_, dynamic]) => ({
      specifier: static_ ?? dynamic,
      typeOnly: false,
      values: [],
    })),
  ];
}

/** Names that an import clause takes as values, as they are called where they come from. */
function valueNames(clause: string): string[] {
  return clause.replace(/[{}]/g, ",").split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && !name.startsWith("type "))
    .map((name) => name.startsWith("*") ? name : name.split(/\s+as\s+/)[0]);
}
