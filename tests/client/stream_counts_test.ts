import assert from "node:assert/strict";
import { StreamCounts } from "../../src/client/stream_counts.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { EarlyData } from "../../src/stream/early_data.ts";
import type { StreamOpener } from "../../src/stream/opener.ts";

const TARGET = { kind: "name", host: "a.example", port: 80 } as const;
const ISOLATION = { key: "", keepAlive: false };

/** Does nothing but fail, or wait until it is given up. */
function failing(error: unknown): StreamOpener {
  const fail = () => Promise.reject(error);
  return { open: fail, resolve: fail, resolveReverse: fail };
}

Deno.test("StreamCounts: lookups that are answered, requests that fail, by code", async () => {
  const counts = new StreamCounts();
  const { signal } = new AbortController();
  const answering = counts.counting({
    ...failing(new Error("not asked")),
    resolve: () => Promise.resolve([]),
    resolveReverse: () => Promise.resolve([]),
  });
  assert.deepEqual(await answering.resolve("a.example", ISOLATION, signal), []);
  await answering.resolveReverse("192.0.2.1", ISOLATION, signal);
  const noExit = new CircuitError("no-exit", "none");
  const refusing = counts.counting(failing(noExit));
  await assert.rejects(refusing.open(TARGET, ISOLATION, new EarlyData(), signal), noExit);
  await assert.rejects(refusing.resolve("a.example", ISOLATION, signal), noExit);
  assert.deepEqual(counts.outcomes, {
    opened: 0,
    resolved: 2,
    abandoned: 0,
    failures: new Map([["no-exit", 2]]),
  });
});

Deno.test("StreamCounts: what the application gives up is no failure; a surprise is", async () => {
  const counts = new StreamCounts();
  const controller = new AbortController();
  const gone = new DOMException("the application has gone", "AbortError");
  controller.abort(gone);
  const opener = counts.counting(failing(gone));
  await assert.rejects(opener.resolve("a", ISOLATION, controller.signal), gone);
  await assert.rejects(opener.resolve("a", ISOLATION, new AbortController().signal), gone);
  assert.equal(counts.outcomes.abandoned, 1);
  assert.deepEqual(counts.outcomes.failures, new Map([["unknown", 1]]));
});
