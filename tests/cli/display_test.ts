import assert from "node:assert/strict";
import fc from "fast-check";
import { type DisplayState, drawBar, renderDisplay } from "../../src/cli/display.ts";

const STARTING: DisplayState = {
  bootstrap: { percent: 45, summary: "Asking for relay descriptors" },
  notReady: "Bootstrapping is at 45%: Asking for relay descriptors.",
  dormant: false,
  doors: ["SOCKS 127.0.0.1:9050"],
  seconds: 12.4,
  circuits: { open: 0, building: 0 },
  streams: { open: 0, waiting: 0 },
  rate: { received: 120_400, sent: 3000 },
  total: { received: 1_400_000, sent: 30_000 },
};

const RUNNING: DisplayState = {
  ...STARTING,
  bootstrap: { percent: 100, summary: "Done" },
  notReady: undefined,
  seconds: 320,
  circuits: { open: 3, building: 1 },
  streams: { open: 2, waiting: 1 },
  rate: { received: 1_234_000, sent: 20_000 },
  total: { received: 12_000_000, sent: 3_000_000 },
};

/** What is shown, and how. */
const SHOWN: readonly (readonly [name: string, state: DisplayState, width: number, string[]])[] = [
  ["the start", STARTING, 80, [
    "[#########-----------]  45% Asking for relay descriptors",
    "Connecting for 12 s   Down 120 kB/s   Up 3 kB/s",
  ]],
  ["the start in 60 columns", STARTING, 60, [
    "[####------]  45% Asking for relay descriptors",
    "Connecting for 12 s   Down 120 kB/s   Up 3 kB/s",
  ]],
  ["the start in 30 columns", STARTING, 30, [
    "45% Asking for relay descript",
    "Connecting for 12 s",
  ]],
  ["a client that runs", RUNNING, 120, [
    "Ready   SOCKS 127.0.0.1:9050   running for 5 min",
    "Circuits 3 (1 being built)   Streams 2 (1 waiting)   Down 1.23 MB/s   Up 20 kB/s   " +
    "(12 MB and 3 MB so far)",
  ]],
  ["a client that runs, in 60 columns", RUNNING, 60, [
    "Ready   SOCKS 127.0.0.1:9050   running for 5 min",
    "Circuits 3 (1 being built)   Streams 2 (1 waiting)",
  ]],
  [
    "a client that has nothing to do",
    {
      ...RUNNING,
      circuits: { open: 2, building: 0 },
      streams: { open: 0, waiting: 0 },
      rate: { received: 0, sent: 0 },
      doors: ["SOCKS 127.0.0.1:9050", "DNS 127.0.0.1:5353"],
    },
    100,
    [
      "Ready   SOCKS 127.0.0.1:9050   DNS 127.0.0.1:5353   running for 5 min",
      "Circuits 2   Streams 0   Down 0 B/s   Up 0 B/s   (12 MB and 3 MB so far)",
    ],
  ],
  ["a client that sleeps", { ...RUNNING, dormant: true, notReady: "No circuit." }, 80, [
    "Asleep until the next request   SOCKS 127.0.0.1:9050   running for 5 min",
    "Circuits 3 (1 being built)   Streams 2 (1 waiting)   Down 1.23 MB/s",
  ]],
  ["a client that lost the network", { ...RUNNING, notReady: "No circuit is open." }, 50, [
    "Not ready: No circuit is open.",
    "Circuits 3 (1 being built)",
  ]],
];

for (const [name, state, width, lines] of SHOWN) {
  Deno.test(`the display of ${name}`, () => {
    assert.deepEqual(renderDisplay(state, width), lines);
  });
}

Deno.test("no line is as wide as the terminal, whatever is shown, and none has control characters", () => {
  const number = fc.nat(2 ** 40);
  const both = fc.record({ received: number, sent: number });
  const state: fc.Arbitrary<DisplayState> = fc.record({
    bootstrap: fc.record({
      percent: fc.nat(100),
      summary: fc.constantFrom("", "Done", "Asking for networkstatus consensus"),
    }),
    notReady: fc.option(fc.constantFrom("x", "No circuit could be built."), { nil: undefined }),
    dormant: fc.boolean(),
    doors: fc.array(fc.constantFrom("SOCKS [::1]:9050", "DNS 127.0.0.1:1"), { maxLength: 9 }),
    seconds: number,
    circuits: fc.record({ open: number, building: number }),
    streams: fc.record({ open: number, waiting: number }),
    rate: both,
    total: both,
  });
  fc.assert(
    fc.property(state, fc.nat(300), (shown, width) => {
      const lines = renderDisplay(shown, width);
      assert.equal(lines.length, 2);
      for (const line of lines) {
        assert.ok(line.length < Math.max(width, 1), line);
        assert.match(line, /^[\x20-\x7e]*$/);
      }
    }),
    { seed: 1 },
  );
});

Deno.test("a bar is full at 100 % only", () => {
  assert.equal(drawBar(0, 10), "[----------]");
  assert.equal(drawBar(99.9, 10), "[#########-]");
  assert.equal(drawBar(100, 10), "[##########]");
  assert.equal(drawBar(250, 4), "[####]");
  assert.equal(drawBar(-3, 4), "[----]");
});
