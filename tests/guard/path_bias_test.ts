import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type CircuitEnd,
  CircuitPathBias,
  GuardPathBias,
  NO_COUNTS,
  type PathBiasContext,
  type PathBiasCounts,
} from "../../src/guard/path_bias.ts";
import {
  type PathBiasParameters,
  pathBiasParameters,
} from "../../src/guard/path_bias_parameters.ts";
import { testNetDir } from "../path/test_network.ts";

const DEFAULTS = pathBiasParameters(testNetDir({ relays: [] }), {});

interface Subject {
  readonly guard: GuardPathBias;
  readonly context: PathBiasContext;
  /** What the context was told. */
  readonly events: string[];
  circuit(): CircuitPathBias;
}

function subject(
  counts: Partial<PathBiasCounts> = {},
  parameters: Partial<PathBiasParameters> = {},
): Subject {
  const guard = new GuardPathBias({ ...NO_COUNTS, ...counts });
  const events: string[] = [];
  const context: PathBiasContext = {
    parameters: () => ({ ...DEFAULTS, ...parameters }),
    changed: () => {},
    sank: (level, isDisabled) => events.push(isDisabled ? `${level}, disabled` : level),
    disabled: () => events.push("disabled"),
  };
  return { guard, context, events, circuit: () => guard.circuit(context) };
}

function built(circuit: CircuitPathBias): CircuitPathBias {
  assert.equal(circuit.noteBuildAttempt(), "continue");
  circuit.noteBuildSuccess();
  return circuit;
}

/** The counts that are not zero. */
const counted = (guard: GuardPathBias) =>
  Object.fromEntries(Object.entries(guard.counts).filter(([, value]) => value !== 0));

const ATTEMPTED = { circAttempts: 1 };
const BUILT = { ...ATTEMPTED, circSuccesses: 1 };
const USED = { ...BUILT, useAttempts: 1 };

for (
  const [what, steps, end, counts] of [
    ["that failed at its first hop", [], "remote", {}],
    ["that failed at its second hop", ["noteBuildAttempt"], "remote", ATTEMPTED],
    ["that was too slow", ["noteBuildAttempt", "noteTimeout"], "local", {
      ...ATTEMPTED,
      timeouts: 1,
    }],
    ["that was too slow at its first hop", ["noteTimeout"], "local", { timeouts: 1 }],
    ["that was never needed", ["build"], "local", { ...BUILT, successfulCircuitsClosed: 1 }],
    ["that a relay closed unused", ["build"], "remote", { ...BUILT, collapsedCircuits: 1 }],
    ["that was lost unused", ["build"], "channel-lost", { ...BUILT, collapsedCircuits: 1 }],
    ["whose stream got no answer", ["build", "noteUseAttempt"], "local", {
      ...USED,
      unusableCircuits: 1,
    }],
    ["that was used", ["build", "noteUseAttempt", "noteUseSuccess"], "local", {
      ...USED,
      useSuccesses: 1,
      successfulCircuitsClosed: 1,
    }],
    ["that was used until a relay closed it", ["build", "noteUseSuccess"], "remote", {
      ...USED,
      useSuccesses: 1,
      successfulCircuitsClosed: 1,
    }],
    [
      "whose last stream was tried elsewhere",
      ["build", "noteUseSuccess", "noteUseRollback"],
      "local",
      {
        ...USED,
        unusableCircuits: 1,
      },
    ],
    [
      "that worked again after that",
      [
        "build",
        "noteUseSuccess",
        "noteUseRollback",
        "noteUseSuccess",
      ],
      "local",
      { ...USED, useSuccesses: 1, successfulCircuitsClosed: 1 },
    ],
    ["of which the exit complained", ["build", "noteUseAttempt", "noteUseFailed"], "local", {
      ...USED,
      unusableCircuits: 1,
    }],
    [
      "that the exit made fail cannot succeed any more",
      [
        "build",
        "noteUseAttempt",
        "noteUseFailed",
        "noteUseSuccess",
      ],
      "local",
      { ...USED, unusableCircuits: 1 },
    ],
  ] as const
) {
  Deno.test(`a circuit ${what} counts ${JSON.stringify(counts)}`, () => {
    const { guard, circuit } = subject();
    const one = circuit();
    for (const step of steps) {
      if (step === "build") built(one);
      else one[step]();
    }
    one.noteClosed(end);
    assert.deepEqual(counted(guard), counts);
  });
}

Deno.test("whatever is called in whatever order, nothing of a circuit is counted twice", () => {
  const calls = [
    "noteBuildAttempt",
    "noteBuildSuccess",
    "noteUseAttempt",
    "noteUseSuccess",
    "noteUseRollback",
    "noteUseFailed",
    "noteTimeout",
    "noteClosed",
  ] as const;
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...calls), { maxLength: 40 }),
      fc.constantFrom<CircuitEnd[]>("local", "remote", "channel-lost"),
      (steps, end) => {
        const { guard, circuit } = subject();
        const one = circuit();
        for (const step of steps) {
          if (step === "noteClosed") one.noteClosed(end);
          else one[step]();
        }
        one.noteClosed(end);
        const counts = guard.counts;
        for (const value of Object.values(counts)) assert.ok(value === 0 || value === 1);
        assert.ok(counts.circSuccesses <= counts.circAttempts);
        assert.ok(counts.useAttempts <= counts.circSuccesses);
        assert.ok(counts.useSuccesses <= counts.useAttempts);
        const ends = counts.successfulCircuitsClosed + counts.collapsedCircuits +
          counts.unusableCircuits;
        assert.equal(ends, counts.circSuccesses, "each circuit that was built ends in one way");
      },
    ),
    { seed: 1 },
  );
});

Deno.test("open circuits count as successful until they are closed", () => {
  const { guard, circuit } = subject();
  const unused = built(circuit());
  const tried = built(circuit());
  tried.noteUseAttempt();
  assert.equal(guard.counts.successfulCircuitsClosed, 2);
  assert.equal(guard.counts.useSuccesses, 1);
  unused.noteClosed("remote");
  tried.noteClosed("remote");
  assert.equal(guard.counts.successfulCircuitsClosed, 0);
  assert.equal(guard.counts.useSuccesses, 0);
});

Deno.test("a circuit without a guard counts nothing", () => {
  const circuit = built(new CircuitPathBias());
  circuit.noteUseSuccess();
  circuit.noteTimeout();
  circuit.noteClosed("local");
  assert.equal(circuit.state, "counted");
});

for (
  const [successes, level] of [
    [106, undefined],
    [105, "notice"],
    [76, "notice"],
    [75, "warn"],
    [
      46,
      "warn",
    ],
    [45, "extreme"],
    [0, "extreme"],
  ] as const
) {
  Deno.test(`${successes} of 151 circuits that ended well are ${level ?? "fine"}, said once`, () => {
    const { events, circuit } = subject({ circAttempts: 151, successfulCircuitsClosed: successes });
    const one = circuit();
    one.noteBuildAttempt();
    one.noteClosed("remote");
    // The next attempt lowers the rate a bit; the same level is not said again.
    if (level === "extreme") circuit().noteBuildAttempt();
    assert.deepEqual(events, level === undefined ? [] : [level]);
  });
}

Deno.test("150 circuits are too few for a judgement", () => {
  const { events, circuit } = subject({ circAttempts: 150 });
  circuit().noteBuildAttempt();
  assert.deepEqual(events, []);
});

for (
  const [successes, level] of [[17, undefined], [16, "use-notice"], [13, "use-notice"], [
    12,
    "use-extreme",
  ]] as const
) {
  Deno.test(`${successes} of 21 circuits that worked are ${level ?? "fine"}`, () => {
    const { events, circuit } = subject({ useAttempts: 21, useSuccesses: successes });
    built(circuit()).noteUseAttempt();
    assert.deepEqual(events, level === undefined ? [] : [level]);
  });
}

Deno.test("20 circuits that were used are too few for a judgement", () => {
  const { events, circuit } = subject({ useAttempts: 20 });
  built(circuit()).noteUseAttempt();
  assert.deepEqual(events, []);
});

Deno.test("a rate of 0 switches a level off", () => {
  const rates = { noticeRate: 0, warnRate: 0, extremeRate: 0 };
  const { events, circuit } = subject({ circAttempts: 151 }, rates);
  circuit().noteBuildAttempt();
  assert.deepEqual(events, []);
});

Deno.test("a guard below the extreme rate is disabled only if the parameters say so", () => {
  const counts = { circAttempts: 151, successfulCircuitsClosed: 1 };
  assert.ok(!subject(counts).guard.isDisabled);
  const { guard, events, circuit } = subject(counts, { dropGuards: true });
  const refused = circuit();
  assert.equal(refused.noteBuildAttempt(), "refused");
  refused.noteBuildSuccess();
  assert.equal(guard.counts.circSuccesses, 0);
  assert.ok(guard.isDisabled);
  assert.deepEqual(events, ["extreme, disabled", "disabled"]);
  assert.equal(guard.counts.circAttempts, 151, "C tor does not count it either");
  assert.equal(circuit().noteBuildAttempt(), "refused");
  assert.equal(events.length, 2);
});

Deno.test("a guard that carries almost no streams is disabled too, and so are those of earlier runs", () => {
  const { guard, events, context } = subject(
    { useAttempts: 21, useSuccesses: 3 },
    { dropGuards: true },
  );
  guard.judge(context);
  assert.ok(guard.isDisabled);
  assert.deepEqual(events, ["use-extreme, disabled", "disabled"]);
});

Deno.test("beyond the threshold the counts of closed circuits are halved, open ones count in full", () => {
  const { guard, circuit } = subject({
    circAttempts: 298,
    circSuccesses: 280,
    successfulCircuitsClosed: 270,
    collapsedCircuits: 6,
    unusableCircuits: 3,
    timeouts: 9,
    useAttempts: 50,
    useSuccesses: 48,
  });
  const unbuilt = circuit();
  unbuilt.noteBuildAttempt();
  built(circuit());
  assert.equal(guard.counts.circAttempts, 300);
  circuit().noteBuildAttempt();
  assert.equal(guard.counts.circAttempts, 301);
  circuit().noteBuildAttempt();
  assert.deepEqual(guard.counts, {
    circAttempts: 298 / 2 + 3 + 1,
    circSuccesses: 280 / 2 + 1,
    successfulCircuitsClosed: 270 / 2 + 1,
    collapsedCircuits: 3,
    unusableCircuits: 1.5,
    timeouts: 4.5,
    useAttempts: 50,
    useSuccesses: 48,
  });
});

Deno.test("the counts of use are scaled on their own", () => {
  const { guard, circuit } = subject(
    { useAttempts: 100, useSuccesses: 90, circAttempts: 120 },
    { scaleRatio: 0.75 },
  );
  built(circuit()).noteUseAttempt();
  assert.equal(guard.counts.useAttempts, 101);
  built(circuit()).noteUseAttempt();
  assert.equal(guard.counts.useAttempts, 75 + 1 + 1);
  assert.equal(guard.counts.useSuccesses, 67.5 + 2);
  assert.equal(guard.counts.circAttempts, 122);
});
