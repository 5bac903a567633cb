import assert from "node:assert/strict";
import { configureLogging } from "../../src/observe/configure.ts";
import { Logger } from "../../src/observe/log.ts";

const log = new Logger("config");
const OPTIONS = { safeLogging: true, logFormat: "json" } as const;

/** A writer in place of a stream, and the messages that it got. */
function recorder() {
  const messages: unknown[] = [];
  const writeSync = (bytes: Uint8Array) => {
    messages.push(JSON.parse(new TextDecoder().decode(bytes)).message);
    return bytes.length;
  };
  return { messages, writeSync };
}

Deno.test("what is given in place of a stream gets its lines, and no other's", async () => {
  const terminal = recorder();
  await using _logging = await configureLogging(
    [
      { level: "notice", mostSevere: "err", sink: { kind: "stdout" } },
      { level: "err", mostSevere: "err", sink: { kind: "stderr" } },
    ],
    { ...OPTIONS, terminal: (stream) => stream === "stdout" ? terminal : recorder() },
  );
  log.notice("one");
  log.err("two");
  assert.deepEqual(terminal.messages, ["one", "two"]);
});

Deno.test("what was set up anew goes on when the former is disposed of", async () => {
  const [before, after] = [recorder(), recorder()];
  const target = { level: "notice", mostSevere: "err", sink: { kind: "stdout" } } as const;
  const first = await configureLogging([target], { ...OPTIONS, terminal: () => before });
  log.notice("one");
  const second = await configureLogging([target], { ...OPTIONS, terminal: () => after });
  log.notice("two");
  await first[Symbol.asyncDispose]();
  log.notice("three");
  await second[Symbol.asyncDispose]();
  log.notice("nowhere");
  assert.deepEqual([before.messages, after.messages], [["one"], ["two", "three"]]);
});
