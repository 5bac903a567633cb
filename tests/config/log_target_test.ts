import assert from "node:assert/strict";
import { parseLog } from "../../src/config/log_target.ts";
import { LOG_CATEGORIES } from "../../src/observe/log.ts";
import { ConfigError } from "../../src/config/errors.ts";

function parse(value: string) {
  return parseLog({ name: "Log", value, command: "set", origin: { file: "torrc", line: 1 } });
}

const TO_ERR = { mostSevere: "err", sink: { kind: "stdout" } } as const;

Deno.test("Log: levels of some domains, and another one of all", () => {
  assert.deepEqual(parse("[circ,Handshake]debug [*]notice file /a b"), {
    level: "debug",
    mostSevere: "err",
    categories: ["channel", "circuit"],
    also: [{ level: "notice", mostSevere: "err", categories: LOG_CATEGORIES }],
    sink: { kind: "file", path: "/a b" },
  });
  assert.deepEqual(parse("[guard] info-notice warn stderr"), {
    level: "info",
    mostSevere: "notice",
    categories: ["guard"],
    also: [{ level: "warn", mostSevere: "err" }],
    sink: { kind: "stderr" },
  });
});

Deno.test("Log: a domain may be one of C tor's or of chive's, in either case", () => {
  assert.deepEqual(parse("[proxy]debug"), { level: "debug", ...TO_ERR, categories: ["proxy"] });
  assert.deepEqual(parse("[APP]debug"), {
    level: "debug",
    ...TO_ERR,
    categories: ["proxy", "stream"],
  });
  assert.deepEqual(parse("[mm]debug").categories, []);
});

Deno.test("Log: ~ takes a domain away: from all, or from those that are named", () => {
  const all = LOG_CATEGORIES.filter((each) => each !== "channel" && each !== "circuit");
  assert.deepEqual(parse("[~channel,~circuit]info").categories, all);
  assert.deepEqual(parse("[*,~channel,~circuit]info").categories, all);
  assert.deepEqual(parse("[channel, guard, ~guard]info").categories, ["channel"]);
});

for (const value of ["", "[guard]", "[x]info", "[guard info", "info notice", "[]info", "[,]info"]) {
  Deno.test(`'Log ${value}' is refused`, () => {
    assert.throws(() => parse(value), ConfigError);
  });
}
