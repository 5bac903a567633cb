import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { fromTorrc } from "./source.ts";

const SETS: readonly (readonly [text: string, field: string, value: unknown])[] = [
  ["CircuitBuildTimeout 30 seconds", "circuitBuildTimeout", 30_000],
  ["CircuitBuildTimeout 0", "circuitBuildTimeout", undefined],
  ["LearnCircuitBuildTimeout 0", "learnCircuitBuildTimeout", false],
  ["CircuitBuildTimeout 30", "learnCircuitBuildTimeout", true],
  ["CircuitsAvailableTimeout 24 hours", "circuitsAvailableTimeout", 86_400_000],
  ["CircuitsAvailableTimeout 0", "circuitsAvailableTimeout", undefined],
  ["MaxClientCircuitsPending 1", "maxCircuitsPending", 1],
  ["MaxClientCircuitsPending 1024", "maxCircuitsPending", 1024],
  ["LongLivedPorts 22, 6667,22 ,,1", "longLivedPorts", [22, 6667, 1]],
  ["LongLivedPorts ,", "longLivedPorts", []],
  ["MaxCircuitDirtiness 1 hour", "maxCircuitDirtiness", 3_600_000],
  ["MaxCircuitDirtiness 1", "maxCircuitDirtiness", 10_000],
  ["MaxCircuitDirtiness 5 months", "maxCircuitDirtiness", 2_592_000_000],
  ["NewCircuitPeriod 5", "newCircuitPeriod", 5000],
  ["ConfluxEnabled 0", "conflux", { enabled: false, clientUx: "throughput" }],
  ["ConfluxEnabled 1", "conflux", { enabled: true, clientUx: "throughput" }],
  ...["throughput", "latency", "throughput_lowmem", "latency_lowmem"].map((clientUx) =>
    [`ConfluxClientUX ${clientUx}`, "conflux", { enabled: "auto", clientUx }] as const
  ),
  ["PathsNeededToBuildCircuits 0.7", "pathsNeededToBuildCircuits", 0.7],
  ["PathsNeededToBuildCircuits 0.1", "pathsNeededToBuildCircuits", 0.25],
  ["PathsNeededToBuildCircuits 1", "pathsNeededToBuildCircuits", 0.95],
  ["PathsNeededToBuildCircuits -1", "pathsNeededToBuildCircuits", undefined],
];

for (const [text, field, value] of SETS) {
  Deno.test(`'${text}' sets ${field}`, () => {
    assert.deepEqual(new Map(Object.entries(fromTorrc(text).config)).get(field), value);
  });
}

const REFUSED: readonly (readonly [text: string, says: RegExp])[] = [
  ["CircuitsAvailableTimeout 86401", /at most 24 hours/],
  ["MaxClientCircuitsPending 0", /from 1 to 1024/],
  ["MaxClientCircuitsPending 1025", /from 1 to 1024/],
  ["MaxClientCircuitsPending -1", /whole number/],
  ["LongLivedPorts 22,0", /ports from 1 to 65535/],
  ["LongLivedPorts 22 23", /ports from 1 to 65535/],
  ["LongLivedPorts 65536", /ports from 1 to 65535/],
  ["LearnCircuitBuildTimeout auto", /0 or 1/],
  ["ConfluxEnabled 2", /0, 1 or auto/],
  ["ConfluxClientUX fast", /throughput, latency, throughput_lowmem, latency_lowmem/],
  ["PathsNeededToBuildCircuits x", /decimal/],
  ["PathsNeededToBuildCircuits --1", /decimal/],
];

for (const [text, says] of REFUSED) {
  Deno.test(`refused: ${text}`, () => {
    assert.throws(() => fromTorrc(text), (error) => {
      assert.ok(error instanceof ConfigError && error.code === "config-bad-value");
      assert.match(error.message, /^test\.torrc, line 1: /);
      assert.match(error.message, says);
      return true;
    });
  });
}

Deno.test("a build timeout that is not learned is remarked where it is missing or short", () => {
  const remarksOf = (text: string) => {
    const { notices, warnings } = fromTorrc(text);
    return [notices.length, warnings.length];
  };
  assert.deepEqual(remarksOf("LearnCircuitBuildTimeout 1"), [0, 0]);
  assert.deepEqual(remarksOf("CircuitBuildTimeout 9"), [0, 0]);
  assert.deepEqual(remarksOf("LearnCircuitBuildTimeout 0"), [1, 0]);
  assert.deepEqual(remarksOf("LearnCircuitBuildTimeout 0\nCircuitBuildTimeout 9"), [0, 1]);
  assert.deepEqual(remarksOf("LearnCircuitBuildTimeout 0\nCircuitBuildTimeout 10"), [0, 0]);
});
