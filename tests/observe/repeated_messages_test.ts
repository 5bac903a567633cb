import assert from "node:assert/strict";
import { RepeatedMessages } from "../../src/observe/repeated_messages.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const MINUTE = 60_000;

function setUp() {
  const clock = new FakeClock();
  const messages = new RepeatedMessages(() => clock.monotonic());
  const written: string[] = [];
  const say = (kind: string, message = kind) =>
    messages.say(kind, message, (text) => written.push(text));
  return { clock, say, written };
}

Deno.test("RepeatedMessages: one of a kind in ten minutes; the next one counts the others", () => {
  const { clock, say, written } = setUp();
  for (let count = 0; count < 13; count++) say("refused", `refused ${count}`);
  clock.advance(10 * MINUTE - 1);
  say("refused");
  assert.deepEqual(written, ["refused 0"]);
  clock.advance(1);
  say("refused", "again");
  assert.deepEqual(written.slice(1), ["again (13 more like this in the last 10 minutes)"]);
  clock.advance(25 * MINUTE);
  say("refused", "seldom");
  assert.deepEqual(written.slice(2), ["seldom"]);
  say("refused");
  clock.advance(30 * MINUTE);
  say("refused", "last");
  assert.deepEqual(written.slice(3), ["last (1 more like this in the last 30 minutes)"]);
});

Deno.test("RepeatedMessages: kinds do not count for each other", () => {
  const { say, written } = setUp();
  for (const kind of ["a", "b", "a", "b"]) say(kind);
  assert.deepEqual(written, ["a", "b"]);
});

Deno.test("RepeatedMessages: the kind that was written the longest ago is forgotten", () => {
  const { say, written } = setUp();
  for (let kind = 0; kind < 257; kind++) say(`kind ${kind}`);
  say("kind 256");
  say("kind 0");
  assert.equal(written.length, 258);
  assert.equal(written.at(-1), "kind 0");
});
