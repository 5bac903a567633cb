import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import {
  applyConsensusDiff,
  consensusDiffSteps,
  isConsensusDiff,
  signedSha3,
  signedSha3Steps,
} from "../../src/netdoc/consensus_diff.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import type { NetdocErrorCode } from "../../src/netdoc/errors.ts";
import { wrapDiff, writeConsensusDiff } from "../../testnet/consensus_diff_writer.ts";
import {
  encode,
  relayEntry,
  testAuthorities,
  writeConsensus,
} from "../../testnet/document_writer.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { randomBelow } from "../../src/runtime/random.ts";
import { assertNetdocError } from "./netdoc_error.ts";
import { readRealConsensus, realConsensusIsAbsent } from "./real_consensus.ts";

const MAX = 1_000_000;
const five = encode("one\ntwo\nthree\nfour\nfive\n");

/** What the commands make of five lines, as words. */
function edited(commands: string, result: string): string {
  const expected = encode(result.split(" ").map((line) => `${line}\n`).join(""));
  const made = applyConsensusDiff(five, wrapDiff(five, expected, commands), MAX);
  return new TextDecoder().decode(made).trim().replaceAll("\n", " ");
}

Deno.test("each command does what it says", () => {
  const cases: readonly [string, string][] = [
    ["3d\n", "one two four five"],
    ["2,4d\n", "one five"],
    ["4,$d\n", "one two three"],
    ["1,$d\n0a\nall\nnew\n.\n", "all new"],
    ["5c\nlast\n.\n1c\nfirst\nsecond\n.\n", "first second two three four last"],
    ["2,3c\nnew\n.\n", "one new four five"],
    ["5a\nsix\n.\n0a\nzero\n.\n", "zero one two three four five six"],
    ["0005d\n3a\n..\n.a\n.\n", "one two three .. .a four"],
    ["4,5d\n3a\nx\n.\n2d\n1a\ny\n.\n", "one y three x"],
    ["", "one two three four five"],
  ];
  for (const [commands, result] of cases) assert.equal(edited(commands, result), result, commands);
});

Deno.test("a diff that breaks a rule is refused", () => {
  const cases: readonly string[] = [
    // Not from the end to the beginning.
    "1d\n2d\n",
    "2,3d\n3d\n",
    "2,3d\n2,3d\n",
    "1a\nx\n.\n2a\ny\n.\n",
    "2d\n2a\nx\n.\n",
    // Lines that are not there.
    "6d\n",
    "6a\nx\n.\n",
    "5,6d\n",
    "2147483647d\n",
    "2147483648d\n",
    "99999999999999999999999999d\n",
    "0d\n",
    "0c\nx\n.\n",
    "0,2d\n",
    // Ranges that are none.
    "3,2d\n",
    "3,3d\n",
    "5,$d\n",
    "1,d\n",
    ",2d\n",
    // What only some commands may have.
    "2,3a\nx\n.\n",
    "2,$c\nx\n.\n",
    "$d\n",
    "$,$d\n",
    // Other commands, spaces, signs.
    "d\n",
    "3\n",
    "3s/a/b/\n",
    "3dd\n",
    "3d \n",
    " 3d\n",
    "-3d\n",
    "+3d\n",
    "0x3d\n",
    "3D\n",
    "3i\nx\n.\n",
    "1,2,3d\n",
    "w\n",
    "\n",
    "3d\r\n",
    `${"0".repeat(130)}3d\n`,
    // Blocks that are empty or do not end.
    "3a\n.\n",
    "3c\n.\n",
    "3a\nx\n",
    "3a\n",
    "3a\nx\n..\n",
    "3a\nx\n.",
    "3d",
  ];
  for (const commands of cases) {
    assertNetdocError(
      "consensus-diff-malformed",
      () => applyConsensusDiff(five, wrapDiff(five, five, commands), MAX),
    );
  }
});

Deno.test("the head of a diff must be as it should", () => {
  const good = new TextDecoder().decode(wrapDiff(five, five, ""));
  const [version, hash] = good.split("\n");
  const refused: readonly [string, NetdocErrorCode][] = [
    [`network-status-diff-version 2\n${hash}\n`, "consensus-diff-malformed"],
    [`network-status-diff-version 1 \n${hash}\n`, "consensus-diff-malformed"],
    [`${version}\n`, "consensus-diff-malformed"],
    [`${version}\n${hash}`, "consensus-diff-malformed"],
    [`${version}\n${hash} ${"0".repeat(64)}\n`, "consensus-diff-malformed"],
    [`${version}\n${hash.slice(0, -1)}\n`, "consensus-diff-malformed"],
    [`${version}\n${hash.replace("hash", "HASH")}\n`, "consensus-diff-malformed"],
    [`${version}\n${hash.replace("hash", "hash ".padEnd(300))}\n`, "consensus-diff-malformed"],
    [`${version}\n${hash.replace(/[0-9a-f]{64}$/, "g".repeat(64))}\n`, "consensus-diff-malformed"],
    ["", "consensus-diff-malformed"],
    [
      new TextDecoder().decode(wrapDiff(five, five, "", { from: "0".repeat(64) })),
      "consensus-diff-wrong-base",
    ],
    [
      new TextDecoder().decode(wrapDiff(five, five, "", { to: "0".repeat(64) })),
      "consensus-diff-wrong-result",
    ],
    [
      new TextDecoder().decode(wrapDiff(five, five, "1d\n")),
      "consensus-diff-wrong-result",
    ],
  ];
  for (const [diff, code] of refused) {
    assertNetdocError(code, () => applyConsensusDiff(five, encode(diff), MAX));
  }
  assert.deepEqual(
    applyConsensusDiff(
      five,
      encode(
        good.toUpperCase().replace(
          "NETWORK-STATUS-DIFF-VERSION 1\nHASH",
          "network-status-diff-version 1\nhash",
        ),
      ),
      MAX,
    ),
    five,
  );
});

Deno.test("a result that is too long is refused before it is made", () => {
  const diff = wrapDiff(five, five, `5a\n${"x\n".repeat(100)}.\n`);
  assertNetdocError("consensus-diff-too-large", () => applyConsensusDiff(five, diff, 100));
});

Deno.test("a base that is cut off is refused", () => {
  const cut = encode("one\ntwo");
  assertNetdocError(
    "consensus-diff-wrong-base",
    () => applyConsensusDiff(cut, wrapDiff(cut, five, ""), MAX),
  );
});

const authorities = testAuthorities();
const older = writeConsensus({ authorities });
const newer = writeConsensus({
  authorities,
  validAfter: Date.UTC(2024, 4, 17, 18),
  relays: [relayEntry(2, { flags: "Running Valid" }), relayEntry(3)],
});

Deno.test("what is signed is digested, and a diff is known by its first line", () => {
  const text = new TextDecoder().decode(older);
  const signed = text.slice(0, text.indexOf("\ndirectory-signature ") + 21);
  assert.deepEqual(
    Uint8Array.from(signedSha3(older)),
    Uint8Array.from(createHash("sha3-256").update(signed).digest()),
  );
  assert.deepEqual(
    Uint8Array.from(signedSha3(five)),
    Uint8Array.from(createHash("sha3-256").update(five).digest()),
  );
  assert.equal(isConsensusDiff(older), false);
  assert.equal(isConsensusDiff(writeConsensusDiff(older, newer)), true);
});

Deno.test("a consensus is made of an older one, whatever signatures that has", () => {
  const diff = writeConsensusDiff(older, newer);
  assert.ok(diff.length < newer.length);
  assert.deepEqual(applyConsensusDiff(older, diff, MAX), newer);
  const signatures = new TextDecoder().decode(older).split("directory-signature ");
  const fewer = encode([signatures[0], signatures[2]].join("directory-signature "));
  assert.deepEqual(applyConsensusDiff(fewer, diff, MAX), newer);
  assert.equal(parseConsensus(applyConsensusDiff(older, diff, MAX)).routers.length, 2);
});

/** Lines of which many are equal, so that a diff cannot tell them apart by what they say. */
const lines = fc.array(
  fc.oneof(
    fc.constantFrom("s Fast", "s Slow", "", "..", "directory-signature x y"),
    fc.stringMatching(/^[a-z ]{1,6}$/),
  ),
  { maxLength: 40 },
);

Deno.test("property: the diff from any text to any other makes the other", () => {
  fc.assert(
    fc.property(lines, lines, (a, b) => {
      const [from, to] = [a, b].map((all) => encode(all.map((line) => `${line}\n`).join("")));
      assert.deepEqual(applyConsensusDiff(from, writeConsensusDiff(from, to), MAX), to);
    }),
    { seed: 1, numRuns: 500 },
  );
});

const edit = fc.record({
  at: fc.nat({ max: 10_000 }),
  removed: fc.nat({ max: 5 }),
  added: fc.array(fc.stringMatching(/^[ -~]{1,20}$/).filter((line) => line !== "."), {
    maxLength: 4,
  }),
});

Deno.test("property: the diff after any edits of a consensus makes the edited one", () => {
  const text = new TextDecoder().decode(
    writeConsensus({
      authorities,
      relays: Array.from({ length: 30 }, (_, index) => relayEntry(index + 1)),
    }),
  ).split("\n").slice(0, -1);
  const from = encode(`${text.join("\n")}\n`);
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 10 }), (edits) => {
      const changed = [...text];
      for (const { at, removed, added } of edits) {
        changed.splice(at % (changed.length + 1), removed, ...added);
      }
      const to = encode(changed.map((line) => `${line}\n`).join(""));
      assert.deepEqual(applyConsensusDiff(from, writeConsensusDiff(from, to), MAX), to);
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("property: a diff with any bytes changed gives the same, or is refused", () => {
  const diff = writeConsensusDiff(older, newer);
  const isRefusal = (error: unknown) =>
    error instanceof Error && /^consensus-diff-/.test(String(Reflect.get(error, "code")));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: diff.length - 1 }), fc.nat({ max: 255 })), { minLength: 1 }),
      (changes) => {
        const bad = diff.slice();
        for (const [at, value] of changes) bad[at] = value;
        try {
          assert.deepEqual(applyConsensusDiff(older, bad, MAX), newer);
        } catch (error) {
          assert.ok(isRefusal(error), String(error));
        }
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test({
  name: "a real consensus after an hour's changes" +
    (realConsensusIsAbsent ? " (skipped: the real consensus is absent)" : ""),
  ignore: realConsensusIsAbsent,
  fn: () => {
    const from = readRealConsensus();
    const to = encode(changedRelays(new TextDecoder().decode(from), 0.25));
    const diff = writeConsensusDiff(from, to);
    assert.ok(diff.length < to.length / 3, `${diff.length}`);
    assert.deepEqual(applyConsensusDiff(from, diff, 32 * 1024 * 1024), to);
  },
});

/** The consensus with other bandwidths for a part of the relays, and some of them gone. */
function changedRelays(text: string, part: number): string {
  const random = new SeededRandom(1);
  return text.split(/^(?=r )/m).filter(() => randomBelow(random, 100) !== 0).map((entry) =>
    randomBelow(random, 1000) < part * 1000
      ? entry.replace(/^w Bandwidth=(\d+)/m, (_, digits) => `w Bandwidth=${Number(digits) + 1}`)
      : entry
  ).join("");
}

Deno.test("digests and diffs of a large consensus are made in steps", () => {
  const line = encode(`${"x".repeat(1023)}\n`);
  const base = new Uint8Array(2048 * line.length);
  for (let at = 0; at < base.length; at += line.length) base.set(line, at);
  const expected = base.subarray(line.length);
  const counted = <Result>(steps: Generator<void, Result>) => {
    let count = 1;
    let step = steps.next();
    for (; !step.done; step = steps.next()) count++;
    return { count, result: step.value };
  };
  const digest = counted(signedSha3Steps(base));
  assert.deepEqual(digest.result, signedSha3(base));
  // 8 that look for the signature, 4 that hash, and the last.
  assert.equal(digest.count, 13);
  const { count, result } = counted(
    consensusDiffSteps(base, wrapDiff(base, expected, "1d\n"), base.length),
  );
  assert.deepEqual(result, expected);
  assert.ok(count >= 2 * 4, `${count} steps`);
});

Deno.test("with the digest of the base known, a wrong base is seen from what comes out", () => {
  const base = encode("a\nb\nc\n");
  const diff = wrapDiff(base, encode("a\nc\n"), "2d\n");
  const digest = signedSha3(base);
  assert.equal(new TextDecoder().decode(applyConsensusDiff(base, diff, 100, digest)), "a\nc\n");
  assertNetdocError(
    "consensus-diff-wrong-base",
    () => applyConsensusDiff(base, diff, 100, signedSha3(encode("x\n"))),
  );
  assertNetdocError(
    "consensus-diff-wrong-result",
    () => applyConsensusDiff(encode("x\nb\nc\n"), diff, 100, digest),
  );
});
