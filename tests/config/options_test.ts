import assert from "node:assert/strict";
import type { Config } from "../../src/config/config.ts";
import { ConfigError } from "../../src/config/errors.ts";
import { findForeignOption } from "../../src/config/foreign_options.ts";
import {
  findFlag,
  findOption,
  FLAGS,
  OPTION_NAMES,
  optionFacts,
} from "../../src/config/options.ts";
import { fromTorrc, THREE_AUTHORITIES } from "./source.ts";

/** A Config as text, but for where its ports were written. */
function withoutOrigins(config: Config): string {
  return JSON.stringify(config, (key, value) => key === "origin" ? undefined : value);
}

for (const name of OPTION_NAMES) {
  const facts = optionFacts(name);
  Deno.test(`the table's entry for ${name} is sound`, () => {
    assert.equal(findOption(name.toUpperCase()), name);
    assert.equal(findForeignOption(name), undefined);
    for (const other of facts.otherNames ?? []) assert.equal(findOption(other), name);
    for (const flag of facts.flags ?? []) {
      assert.match(flag, /^--[a-z-]+$/);
      assert.equal(findFlag(flag), name);
    }
    assert.match(facts.help, /^[A-Z].*\.$/);
    assert.equal(facts.choices !== undefined, facts.kind === "choice");
  });

  if (facts.default === undefined) continue;
  Deno.test(`the defaults of ${name} mean the same when they are written out`, () => {
    const network = `TestingTorNetwork 1\n${THREE_AUTHORITIES}`;
    if (name === "TestingTorNetwork") {
      assert.deepEqual(fromTorrc(`${name} ${facts.default}`), fromTorrc(""));
      return;
    }
    if (!facts.testingOnly) {
      assert.deepEqual(
        withoutOrigins(fromTorrc(`${name} ${facts.default}`).config),
        withoutOrigins(fromTorrc("").config),
      );
    }
    const testing = facts.testingDefault ?? facts.default;
    assert.deepEqual(
      withoutOrigins(fromTorrc(`${network}\n${name} ${testing}`).config),
      withoutOrigins(fromTorrc(network).config),
    );
  });
}

Deno.test("the friendly names are those that are promised", () => {
  assert.deepEqual(FLAGS, [
    "--data-dir",
    "--log-level",
    "--log-format",
    "--metrics-port",
    "--socks-port",
    "--http-tunnel-port",
    "--dns-port",
  ]);
});

Deno.test("options of relays are refused in words that say so", () => {
  for (const name of ["ORPort", "DirPort", "ExitPolicy", "ExitRelay", "BridgeRelay", "MyFamily"]) {
    assert.throws(() => fromTorrc(`${name} 1`), (error) => {
      assert.ok(error instanceof ConfigError && error.code === "config-relay-only");
      assert.ok(error.message.includes(`'${name}'`) && error.message.includes("chive is a client"));
      return true;
    });
  }
});
