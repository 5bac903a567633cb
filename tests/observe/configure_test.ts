import assert from "node:assert/strict";
import {
  configureLogging,
  lineSink,
  type LineWriter,
  type LogTarget,
} from "../../src/observe/configure.ts";
import { ObserveError } from "../../src/observe/errors.ts";
import { LOG_LEVELS, Logger, type LogLevel, scrub } from "../../src/observe/log.ts";
import { RecentLines } from "../../src/observe/recent_lines.ts";

const NOON = new Date(2026, 10, 3, 12, 4, 5, 67).getTime();

function toFile(path: string, level: LogLevel, mostSevere: LogLevel = "err"): LogTarget {
  return { level, mostSevere, sink: { kind: "file", path } };
}

function sayAll(logger: Logger): void {
  for (const level of LOG_LEVELS) logger[level](`a line of ${level}`);
}

/** Runs a test in a folder of its own. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const RANGES: readonly (readonly [from: LogLevel, to: LogLevel, levels: readonly string[]])[] = [
  ["debug", "err", ["debug", "info", "notice", "warn", "err"]],
  ["notice", "err", ["notice", "warn", "err"]],
  ["info", "notice", ["info", "notice"]],
  ["err", "err", ["err"]],
];

for (const [from, to, levels] of RANGES) {
  Deno.test(`a log from ${from} to ${to} has the lines of ${levels.join(", ")}`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/log`;
      {
        await using _logging = await configureLogging([toFile(path, from, to)], {
          safeLogging: true,
        });
        sayAll(new Logger("config"));
      }
      const lines = Deno.readTextFileSync(path).trimEnd().split("\n");
      assert.deepEqual(
        lines.map((line) => line.replace(/^[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d\.\d{3} /, "")),
        levels.map((level) => `[${level}] a line of ${level}`),
      );
    }));
}

Deno.test("each target has its own levels, and a message's braces stay", () =>
  inFolder(async (folder) => {
    const logging = await configureLogging(
      [toFile(`${folder}/all`, "debug"), toFile(`${folder}/some`, "warn")],
      { safeLogging: true },
    );
    new Logger("proxy").info("{a} {{b}}", { a: 1 });
    new Logger("proxy").warn("c");
    // A line is with the system when the call returns, not only after the end.
    assert.match(Deno.readTextFileSync(`${folder}/all`), /^.*\[info\] \{a\} \{\{b\}\}\n.*c\n$/);
    assert.match(Deno.readTextFileSync(`${folder}/some`), /^.*\[warn\] c\n$/);
    await logging[Symbol.asyncDispose]();
    await logging[Symbol.asyncDispose]();
    new Logger("proxy").err("after the end");
    assert.ok(!Deno.readTextFileSync(`${folder}/all`).includes("after the end"));
  }));

Deno.test("a log file is created for its owner alone, and appended to", () =>
  inFolder(async (folder) => {
    const path = `${folder}/log`;
    for (const message of ["first", "second"]) {
      await using _logging = await configureLogging([toFile(path, "notice")], {
        safeLogging: true,
      });
      new Logger("config").notice(message);
    }
    if (Deno.build.os !== "windows") {
      assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    }
    assert.match(Deno.readTextFileSync(path), /first\n.*second\n$/);
  }));

Deno.test("a second configuration takes the place of the first", () =>
  inFolder(async (folder) => {
    await using _first = await configureLogging([toFile(`${folder}/1`, "notice")], {
      safeLogging: true,
    });
    await using _second = await configureLogging([toFile(`${folder}/2`, "notice")], {
      safeLogging: true,
    });
    new Logger("config").notice("x");
    assert.equal(Deno.readTextFileSync(`${folder}/1`), "");
    assert.match(Deno.readTextFileSync(`${folder}/2`), /x\n$/);
  }));

Deno.test("a log file that cannot be opened is an error, and nothing stays open", () =>
  inFolder(async (folder) => {
    await assert.rejects(
      configureLogging([toFile(`${folder}/log`, "info"), toFile(`${folder}/no/log`, "info")], {
        safeLogging: true,
      }),
      (error) => error instanceof ObserveError && error.code === "log-file-unwritable",
    );
  }));

Deno.test("safe logging is switched with the targets", async () => {
  {
    await using _logging = await configureLogging([], { safeLogging: false });
    assert.equal(scrub("example.com"), "example.com");
    new Logger("config").err("to nobody");
  }
  await using _logging = await configureLogging([], { safeLogging: true });
  assert.equal(scrub("example.com"), "[scrubbed]");
});

/** Takes at most three bytes at a time, and none while `broken`. */
class ThinWriter implements LineWriter {
  text = "";
  broken = false;

  writeSync(bytes: Uint8Array): number {
    if (this.broken) throw new Deno.errors.BrokenPipe("nobody reads");
    const taken = bytes.subarray(0, 3);
    this.text += new TextDecoder().decode(taken);
    return taken.length;
  }
}

Deno.test("lines are written whole, and lost ones are counted", () => {
  const writer = new ThinWriter();
  const sink = lineSink(
    { level: "notice", mostSevere: "err", sink: { kind: "stdout" } },
    writer,
  );
  const say = (message: string) =>
    sink({
      category: ["chive", "config"],
      level: "info",
      message: [message],
      rawMessage: message,
      timestamp: NOON,
      properties: {},
    });
  say("one");
  writer.broken = true;
  say("two");
  say("three");
  writer.broken = false;
  say("four");
  say("five");
  assert.deepEqual(
    writer.text.split("\n").map((line) => line.slice("Nov 03 12:04:05.067 ".length)),
    [
      "[notice] one",
      "[warn] 2 log lines before this could not be written",
      "[notice] four",
      "[notice] five",
      "",
    ],
  );
});

Deno.test("a target may take other levels of some categories", () =>
  inFolder(async (folder) => {
    const path = `${folder}/log`;
    const target: LogTarget = {
      ...toFile(path, "debug"),
      categories: ["circuit"],
      also: [{ level: "notice", mostSevere: "notice", categories: ["guard", "circuit"] }],
    };
    {
      await using _logging = await configureLogging([target], { safeLogging: true });
      for (const category of ["circuit", "guard", "config"] as const) {
        const logger = new Logger(category);
        logger.debug(`${category} debug`);
        logger.notice(`${category} notice`);
        logger.warn(`${category} warn`);
      }
    }
    assert.deepEqual(
      Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => line.split("] ")[1]),
      ["circuit debug", "circuit notice", "circuit warn", "guard notice"],
    );
  }));

Deno.test("lines of JSON have the category and the facts", () =>
  inFolder(async (folder) => {
    const path = `${folder}/log`;
    {
      await using _logging = await configureLogging([toFile(path, "notice")], {
        safeLogging: true,
        logFormat: "json",
      });
      new Logger("guard").notice("{a}\n", { reachable: false });
      new Logger("config").err("b");
    }
    const [first, second] = Deno.readTextFileSync(path).trimEnd().split("\n")
      .map((line) => JSON.parse(line));
    const { time, ...rest } = first;
    assert.equal(new Date(time).toISOString(), time);
    assert.deepEqual(rest, {
      level: "notice",
      category: "guard",
      message: "{a}\n",
      facts: { reachable: false },
    });
    assert.deepEqual(Object.keys(second), ["time", "level", "category", "message"]);
  }));

Deno.test("a log file is put aside while lines are written, and none is lost", () =>
  inFolder(async (folder) => {
    const path = `${folder}/log`;
    {
      await using _logging = await configureLogging([toFile(path, "notice")], {
        safeLogging: true,
        logMaxSize: 400,
        logFiles: 9,
      });
      for (let number = 0; number < 30; number++) new Logger("config").notice(`line ${number}`);
    }
    const files = [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();
    assert.ok(files.length > 2, String(files));
    const age = (name: string) => Number(name.split(".")[1] ?? 0);
    const lines = files.toSorted((a, b) => age(b) - age(a))
      .map((name) => Deno.readTextFileSync(`${folder}/${name}`)).join("").trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => line.split("] ")[1]),
      Array.from({ length: 30 }, (_, number) => `line ${number}`),
    );
    for (const name of files) assert.ok(Deno.statSync(`${folder}/${name}`).size <= 400, name);
  }));

Deno.test("recent lines are warnings, whatever the targets are; without redaction they are counted", async () => {
  const recent = new RecentLines();
  {
    await using _logging = await configureLogging([], { safeLogging: true, recent });
    for (const level of LOG_LEVELS) new Logger("state")[level](`a ${level}`);
  }
  assert.deepEqual(recent.lines.map(({ level, message }) => [level, message]), [
    ["warn", "a warn"],
    ["err", "a err"],
  ]);
  assert.equal(recent.total, 2);
  await using _logging = await configureLogging([], { safeLogging: false, recent });
  new Logger("state").warn("example.com");
  assert.deepEqual([recent.total, recent.lines.length], [3, 2]);
});
