import assert from "node:assert/strict";
import * as v from "valibot";
import {
  decodeGuards,
  encodeGuards,
  GUARD_DOCUMENT,
  guardDocumentSchema,
} from "../../src/guard/guard_document.ts";
import { NO_COUNTS } from "../../src/guard/path_bias.ts";
import type { SampledGuardFacts } from "../../src/guard/sampled_guard.ts";
import { identityOf } from "../path/test_network.ts";

const NOW = Date.UTC(2026, 10, 23, 19, 15);
const GUARDS: readonly SampledGuardFacts[] = [
  {
    selection: "default",
    rsaIdentity: identityOf(1),
    nickname: "used",
    address: "5.1.0.1:9001",
    sampledOn: Date.UTC(2026, 9, 1, 1, 2, 3),
    unlistedSince: undefined,
    confirmed: { on: Date.UTC(2026, 9, 2, 3, 4, 5), index: 0 },
    lastUsed: Date.UTC(2026, 10, 23),
    pathBias: {
      circAttempts: 151.5,
      circSuccesses: 140.25,
      successfulCircuitsClosed: 130,
      collapsedCircuits: 2,
      unusableCircuits: 1.125,
      timeouts: 7,
      useAttempts: 50,
      useSuccesses: 49.0000004,
    },
  },
  {
    selection: "restricted",
    rsaIdentity: identityOf(2),
    nickname: "gone",
    address: "5.2.0.1:9001",
    sampledOn: Date.UTC(2026, 9, 1),
    unlistedSince: Date.UTC(2026, 9, 20),
    confirmed: undefined,
    lastUsed: undefined,
    pathBias: NO_COUNTS,
  },
];

Deno.test("the document has the members that its readers know", () => {
  assert.deepEqual(encodeGuards(GUARDS, NOW), {
    version: 1,
    guards: [
      {
        selection: "default",
        fingerprint: "0001" + "0".repeat(36),
        nickname: "used",
        address: "5.1.0.1:9001",
        first_used: "2026-10-02T03:04:05Z",
        last_used: "2026-11-23T00:00:00Z",
        confirmed: true,
        confirmed_on: "2026-10-02T03:04:05Z",
        confirmed_idx: 0,
        sampled_on: "2026-10-01T01:02:03Z",
        listed: true,
        unlisted_since: null,
        path_bias: {
          circ_attempts: 151.5,
          circ_successes: 140.25,
          successful_circuits_closed: 130,
          collapsed_circuits: 2,
          unusable_circuits: 1.125,
          timeouts: 7,
          use_attempts: 50,
          use_successes: 49,
        },
      },
      {
        selection: "restricted",
        fingerprint: "0002" + "0".repeat(36),
        nickname: "gone",
        address: "5.2.0.1:9001",
        first_used: null,
        last_used: null,
        confirmed: false,
        confirmed_on: null,
        confirmed_idx: null,
        sampled_on: "2026-10-01T00:00:00Z",
        listed: false,
        unlisted_since: "2026-10-20T00:00:00Z",
        path_bias: null,
      },
    ],
    last_updated: "2026-11-23T19:15:00Z",
  });
});

Deno.test("guards are read back as they were written", () => {
  const text = JSON.stringify(encodeGuards(GUARDS, NOW));
  const document = v.parse(guardDocumentSchema, JSON.parse(text));
  // Counts are kept to six digits.
  const [first, second] = GUARDS;
  const rounded = { ...first, pathBias: { ...first.pathBias, useSuccesses: 49 } };
  assert.deepEqual(decodeGuards(document), [rounded, second]);
  assert.deepEqual(decodeGuards(GUARD_DOCUMENT.initial()), []);
});

Deno.test("files of before there were two selections and path-bias counts can be read", () => {
  const { version, guards, last_updated } = encodeGuards(GUARDS, NOW);
  const old = guards.map(({ selection: _selection, path_bias: _pathBias, ...rest }) => rest);
  const document = v.parse(guardDocumentSchema, { version, guards: old, last_updated });
  assert.deepEqual(
    decodeGuards(document),
    GUARDS.map((guard) => ({ ...guard, selection: "default", pathBias: NO_COUNTS })),
  );
});

Deno.test("a relay may be a guard in both selections", () => {
  const both = (["default", "restricted"] as const).map((selection) => ({
    ...GUARDS[1],
    selection,
  }));
  const document = v.parse(guardDocumentSchema, encodeGuards(both, NOW));
  assert.deepEqual(decodeGuards(document), both);
});

const [stored] = encodeGuards(GUARDS, NOW).guards;
for (
  const [what, guards] of [
    ["a guard twice", [stored, stored]],
    ["a short fingerprint", [{ ...stored, fingerprint: "ABCD" }]],
    ["a date that is none", [{ ...stored, sampled_on: "2026-13-41T00:00:00Z" }]],
    ["a date in words", [{ ...stored, sampled_on: "yesterday" }]],
    ["a confirmed guard without a date", [{ ...stored, confirmed_on: null }]],
    ["a confirmed guard without a place", [{ ...stored, confirmed_idx: null }]],
    ["a date of confirmation without confirmation", [{ ...stored, confirmed: false }]],
    ["an unlisted guard without a date", [{ ...stored, listed: false }]],
    ["a negative place", [{ ...stored, confirmed_idx: -1 }]],
    ["an unknown selection", [{ ...stored, selection: "bridges" }]],
    ["negative counts", [{ ...stored, path_bias: { ...stored.path_bias, timeouts: -1 } }]],
    ["half of the counts", [{ ...stored, path_bias: { timeouts: 1 } }]],
    ["no guards at all", undefined],
  ] as const
) {
  Deno.test(`a document with ${what} is refused`, () => {
    const document = { version: 1, guards, last_updated: null };
    assert.ok(!v.is(guardDocumentSchema, document));
  });
}
