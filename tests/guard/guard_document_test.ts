import assert from "node:assert/strict";
import * as v from "valibot";
import {
  decodeGuards,
  encodeGuards,
  GUARD_DOCUMENT,
  guardDocumentSchema,
} from "../../src/guard/guard_document.ts";
import type { SampledGuardFacts } from "../../src/guard/sampled_guard.ts";
import { identityOf } from "../path/test_network.ts";

const NOW = Date.UTC(2026, 10, 23, 19, 15);
const GUARDS: readonly SampledGuardFacts[] = [
  {
    rsaIdentity: identityOf(1),
    nickname: "used",
    address: "5.1.0.1:9001",
    sampledOn: Date.UTC(2026, 9, 1, 1, 2, 3),
    unlistedSince: undefined,
    confirmed: { on: Date.UTC(2026, 9, 2, 3, 4, 5), index: 0 },
    lastUsed: Date.UTC(2026, 10, 23),
  },
  {
    rsaIdentity: identityOf(2),
    nickname: "gone",
    address: "5.2.0.1:9001",
    sampledOn: Date.UTC(2026, 9, 1),
    unlistedSince: Date.UTC(2026, 9, 20),
    confirmed: undefined,
    lastUsed: undefined,
  },
];

Deno.test("the document has the members that its readers know", () => {
  assert.deepEqual(encodeGuards(GUARDS, NOW), {
    version: 1,
    guards: [
      {
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
      },
      {
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
      },
    ],
    last_updated: "2026-11-23T19:15:00Z",
  });
});

Deno.test("guards are read back as they were written", () => {
  const text = JSON.stringify(encodeGuards(GUARDS, NOW));
  const document = v.parse(guardDocumentSchema, JSON.parse(text));
  assert.deepEqual(decodeGuards(document), GUARDS);
  assert.deepEqual(decodeGuards(GUARD_DOCUMENT.initial()), []);
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
    ["no guards at all", undefined],
  ] as const
) {
  Deno.test(`a document with ${what} is refused`, () => {
    const document = { version: 1, guards, last_updated: null };
    assert.ok(!v.is(guardDocumentSchema, document));
  });
}
