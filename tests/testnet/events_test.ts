import assert from "node:assert/strict";
import { Events } from "../../testnet/events.ts";

const created = (relay: string, circuit: number) =>
  ({ kind: "create", relay, circuit, command: 10 }) as const;

Deno.test("until gives what has happened, or what will happen, whichever comes first", async () => {
  const events = new Events();
  events.add(created("guard0", 1));
  events.add(created("guard0", 2));
  const isCreate = (event: { kind: string }) => event.kind === "create";
  assert.deepEqual(await events.until(isCreate), created("guard0", 1));

  const mark = events.count;
  const waiting = events.until(isCreate, { since: mark });
  events.add({ kind: "channel-open", relay: "guard0" });
  events.add(created("guard0", 3));
  events.add(created("guard0", 4));
  assert.deepEqual(await waiting, created("guard0", 3));
  assert.deepEqual(events.since(mark + 1), [created("guard0", 3), created("guard0", 4)]);
});

Deno.test("a wait that is given up rejects, and others go on", async () => {
  const events = new Events();
  const controller = new AbortController();
  const given = events.until(() => true, { signal: controller.signal });
  const kept = events.until(() => true);
  controller.abort(new Error("given up"));
  await assert.rejects(given, /given up/);
  events.add(created("exit0", 1));
  assert.deepEqual(await kept, created("exit0", 1));
});

Deno.test("marks stay right when the oldest events are dropped", () => {
  const events = new Events();
  for (let circuit = 1; circuit <= 20_005; circuit++) events.add(created("guard0", circuit));
  assert.equal(events.count, 20_005);
  assert.equal(events.since().length, 20_000);
  assert.deepEqual(events.since(20_004), [created("guard0", 20_005)]);
});
