import assert from "node:assert/strict";
import fc from "fast-check";
import {
  missingCircuits,
  type OpenCircuit,
  type PlannedCircuit,
  type PredictedPort,
  PredictedPorts,
} from "../../src/circuit/predicted_ports.ts";
import type { Relay } from "../../src/netdir/relay.ts";
import { exitAllows, type ExitTarget } from "../../src/path/exit_target.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { identityOf, testNetDir } from "../path/test_network.ts";

const HOUR = 3_600_000;
const LONG_LIVED = new Set([22, 6667]);
const HTTPS: PredictedPort = { port: 443, family: 4 };
const HTTP: PredictedPort = { port: 80, family: 4 };
const SSH: PredictedPort = { port: 22, family: 4 };
const HTTPS6: PredictedPort = { port: 443, family: 6 };

const NETWORK = testNetDir({
  relays: [
    { number: 1, exitPolicy: "accept 1-65535", exitPolicy6: "accept 1-65535" },
    { number: 2, exitPolicy: "accept 80,443" },
    { number: 3, exitPolicy: "accept 443" },
  ],
});

function exit(number: 1 | 2 | 3): Relay {
  const relay = NETWORK.relay(identityOf(number));
  assert.ok(relay);
  return relay;
}
const open = (number: 1 | 2 | 3, more: Partial<OpenCircuit> = {}): OpenCircuit => ({
  exit: exit(number),
  isClean: true,
  isStable: false,
  ...more,
});
const planned = (target: ExitTarget): PlannedCircuit => ({ target });
const anyOf = (...ports: number[]): ExitTarget => ({ kind: "any-port", ports });
const missing = (
  predicted: readonly PredictedPort[],
  circuits: readonly OpenCircuit[] = [],
  plans: readonly PlannedCircuit[] = [],
) => missingCircuits(predicted, circuits, plans, LONG_LIVED);

/** Ports whose timeout is one hour each time, and how often it was drawn. */
function ports(): { predicted: PredictedPorts; draws: () => number } {
  let draws = 0;
  const predicted = new PredictedPorts(() => {
    draws++;
    return HOUR;
  }, 0);
  return { predicted, draws: () => draws };
}

Deno.test("PredictedPorts: port 443 is expected from the start, for as long as one that was used", () => {
  const { predicted } = ports();
  assert.deepEqual(predicted.ports(0), [HTTPS]);
  assert.deepEqual(predicted.ports(HOUR), [HTTPS]);
  assert.equal(predicted.remaining(HOUR), 0);
  assert.deepEqual(predicted.ports(HOUR + 1), []);
});

Deno.test("PredictedPorts: each port lasts from its last use, lookups count as port 80", () => {
  const { predicted } = ports();
  predicted.noteUsed(22, 4, 1000);
  predicted.noteUsed(443, 6, 2000);
  predicted.noteResolve(3000);
  predicted.noteUsed(22, 4, 4000);
  assert.deepEqual(predicted.ports(4000), [HTTPS, SSH, HTTPS6, HTTP]);
  assert.equal(predicted.remaining(5000), HOUR - 1000);
  assert.deepEqual(predicted.ports(HOUR + 2001), [SSH, HTTP]);
  assert.deepEqual(predicted.ports(HOUR + 4001), []);
});

Deno.test("PredictedPorts: nobody connects to port 0", () => {
  const { predicted } = ports();
  predicted.noteUsed(0, 4, 1000);
  assert.deepEqual(predicted.ports(1000), [HTTPS]);
  assert.equal(predicted.remaining(1000), HOUR - 1000);
});

Deno.test("PredictedPorts: a new timeout is drawn only after a pause without predictions", () => {
  const { predicted, draws } = ports();
  assert.equal(draws(), 1);
  predicted.noteUsed(80, 4, HOUR - 1);
  predicted.noteUsed(80, 4, 2 * HOUR - 2);
  assert.equal(draws(), 1);
  predicted.noteUsed(80, 4, 4 * HOUR);
  assert.equal(draws(), 2);
  assert.deepEqual(predicted.ports(4 * HOUR), [HTTP]);
  assert.equal(predicted.remaining(4 * HOUR), HOUR);
});

Deno.test("PredictedPorts: a port that no relay allows is predicted again when it is used again", () => {
  const { predicted } = ports();
  predicted.noteUsed(22, 4, 1000);
  predicted.forget([{ port: 22, family: 4 }, { port: 443, family: 6 }]);
  assert.deepEqual(predicted.ports(1000), [HTTPS]);
  predicted.noteUsed(22, 4, 2000);
  assert.deepEqual(predicted.ports(2000), [HTTPS, SSH]);
});

Deno.test("PredictedPorts: unused circuits outlast the predictions by 1 s to 2 s and 5 percent", () => {
  const { predicted } = ports();
  const random = new SeededRandom(1);
  const inHalfAnHour = Array.from(
    { length: 200 },
    () => predicted.unusedTimeout(HOUR / 2, random),
  );
  const [least, most] = [Math.min(...inHalfAnHour), Math.max(...inHalfAnHour)];
  assert.ok(least >= HOUR / 2 + 1000 && least < HOUR / 2 + 5000, `${least}`);
  assert.ok(most <= HOUR / 2 * 1.05 + 2000 && most > HOUR / 2 * 1.05 - 5000, `${most}`);
  const late = predicted.unusedTimeout(5 * HOUR, random);
  assert.ok(late >= 1000 && late <= 2000, `${late}`);
});

Deno.test("missingCircuits: two circuits for each port, and one circuit can count for many ports", () => {
  assert.deepEqual(missing([]), { ports: [], target: undefined });
  assert.deepEqual(missing([HTTPS]), { ports: [HTTPS], target: anyOf(443) });
  assert.deepEqual(missing([HTTPS], [open(1)]), { ports: [HTTPS], target: anyOf(443) });
  assert.deepEqual(missing([HTTPS], [open(1), open(3)]), { ports: [], target: undefined });
  assert.deepEqual(missing([HTTPS, HTTP], [open(1), open(2)]), { ports: [], target: undefined });
  assert.deepEqual(missing([HTTPS, HTTP], [open(2), open(3)]), {
    ports: [HTTP],
    target: anyOf(80),
  });
  assert.deepEqual(missing([HTTPS, HTTP]), { ports: [HTTPS, HTTP], target: anyOf(443, 80) });
});

Deno.test("missingCircuits: circuits that streams were put on do not count", () => {
  const used = open(1, { isClean: false });
  assert.deepEqual(missing([HTTPS], [used, used, open(1)]).ports, [HTTPS]);
});

Deno.test("missingCircuits: circuits under construction count for what they are for", () => {
  const cases: [ExitTarget, PredictedPort[]][] = [
    [anyOf(443, 80), [SSH, HTTPS6]],
    [{ kind: "name", port: 443 }, [HTTP, SSH, HTTPS6]],
    [{ kind: "address", family: 4, port: 22 }, [HTTPS, HTTP, HTTPS6]],
    [{ kind: "address", family: 6, port: 443 }, [HTTPS, HTTP, SSH]],
    [{ kind: "resolve" }, [HTTPS, HTTP, SSH, HTTPS6]],
    [{ kind: "internal" }, [HTTPS, HTTP, SSH, HTTPS6]],
  ];
  for (const [target, ports] of cases) {
    const plans = [planned(target), planned(target)];
    assert.deepEqual(missing([HTTPS, HTTP, SSH, HTTPS6], [], plans).ports, ports);
    // One under construction and one open.
    const both = missing([HTTPS], [open(3)], [planned(anyOf(443))]);
    assert.deepEqual(both.ports, []);
  }
});

Deno.test("missingCircuits: long-lived ports need circuits that were wanted of stable relays", () => {
  assert.deepEqual(missing([SSH], [open(1), open(1)]).target, anyOf(22));
  const stable = open(1, { isStable: true });
  assert.deepEqual(missing([SSH], [stable, open(1)]).ports, [SSH]);
  assert.deepEqual(missing([SSH], [stable, stable]).ports, []);
  assert.deepEqual(missingCircuits([SSH], [open(1), open(1)], [], new Set()).ports, []);
});

Deno.test("missingCircuits: IPv6 is judged by its own policy, and asked for when nothing else is", () => {
  assert.deepEqual(missing([HTTPS6], [open(1), open(2)]), {
    ports: [HTTPS6],
    target: { kind: "address", family: 6, port: 443 },
  });
  assert.deepEqual(missing([HTTPS6], [open(1), open(1)]).ports, []);
  assert.deepEqual(missing([HTTPS6, HTTP]).target, anyOf(80));
});

Deno.test("missingCircuits: with 14 clean circuits none is built, whatever is missing", () => {
  const circuits = (count: number) => Array.from({ length: count }, () => open(3));
  assert.deepEqual(missing([SSH], circuits(13)).target, anyOf(22));
  assert.deepEqual(missing([SSH], circuits(14)), { ports: [SSH], target: undefined });
  assert.equal(
    missing([SSH], circuits(10), new Array(4).fill(planned(anyOf(443)))).target,
    undefined,
  );
  const used = Array.from({ length: 30 }, () => open(3, { isClean: false }));
  assert.deepEqual(missing([SSH], used).target, anyOf(22));
});

Deno.test("missingCircuits: building what is missing ends, with every port served if exits allow it", () => {
  const predictions = fc.uniqueArray(
    fc.record({
      port: fc.constantFrom(22, 80, 443, 6667),
      family: fc.constantFrom<4 | 6>(4, 6),
    }),
    { selector: ({ port, family }) => `${port}/${family}` },
  );
  fc.assert(
    fc.property(
      predictions,
      fc.array(fc.constantFrom<1 | 2 | 3>(1, 2, 3), { minLength: 40, maxLength: 40 }),
      (
        predicted,
        wishes,
      ) => {
        const circuits: OpenCircuit[] = [];
        for (;;) {
          // All that is missing is started together, and then opens.
          const plans: PlannedCircuit[] = [];
          for (let next = missing(predicted, circuits); next.target !== undefined;) {
            plans.push(planned(next.target));
            next = missing(predicted, circuits, plans);
          }
          if (plans.length === 0) break;
          for (const { target } of plans) {
            const wish = wishes[circuits.length % wishes.length];
            const chosen = exitAllows(exit(wish), target) ? wish : 1;
            circuits.push(open(chosen, { isStable: true }));
          }
          assert.ok(circuits.length <= 14);
        }
        assert.deepEqual(missing(predicted, circuits).ports, []);
      },
    ),
    { seed: 1 },
  );
});
