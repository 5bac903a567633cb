import assert from "node:assert/strict";
import { RelayFlag } from "../../src/netdir/relay.ts";
import type { ExitTarget } from "../../src/path/exit_target.ts";
import {
  explainNoExit,
  explainNoMiddle,
  type NoRelayReason,
} from "../../src/path/no_relay_reason.ts";
import { NodeRules, type NodeWishes } from "../../src/path/node_rules.ts";
import { selectExit } from "../../src/path/select_exit.ts";
import { selectMiddle } from "../../src/path/select_middle.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { GUARD_FLAGS, NO_WISHES, TEST_RULES, testNetDir, type TestRelay } from "./test_network.ts";

const WEB: ExitTarget = { kind: "name", port: 80 };
const INTERNAL: ExitTarget = { kind: "internal" };
const EXIT_80: TestRelay = { number: 1, exitPolicy: "accept 80" };
const EXIT_443: TestRelay = { number: 2, exitPolicy: "accept 443" };
const BAD_EXIT: TestRelay = {
  number: 3,
  flags: GUARD_FLAGS | RelayFlag.BadExit,
  exitPolicy: "accept 80",
};
const MIDDLE: TestRelay = { number: 4 };
const PRIVATE: TestRelay = { number: 5, hostname: "10.0.0.1", exitPolicy: "accept 80" };

function rulesWith(wishes: Partial<Record<"exclude" | "excludeExit" | "exit" | "middle", number>>) {
  const patterns = Object.fromEntries(
    Object.entries(wishes).map(([field, number]) => [
      field,
      [{ kind: "nickname", nickname: `relay${number}` } as const],
    ]),
  ) satisfies Partial<NodeWishes>;
  const nodes = NodeRules.compile({ ...NO_WISHES, ...patterns }, undefined);
  return { ...TEST_RULES, nodes };
}

for (
  const [relays, target, wishes, reason] of [
    [[], WEB, {}, "no-relays"],
    [[PRIVATE], WEB, {}, "no-relays"],
    [[{ ...EXIT_80, isUnknown: true }], WEB, {}, "no-relays"],
    [[EXIT_443, MIDDLE], WEB, {}, "no-exit-policy"],
    [[BAD_EXIT], WEB, {}, "no-exit-policy"],
    [[MIDDLE], { kind: "resolve" }, {}, "no-exit-policy"],
    [[MIDDLE], { kind: "any-port", ports: [80] }, {}, "no-exit-policy"],
    [[EXIT_80, EXIT_443], WEB, { exclude: 1 }, "all-excluded"],
    [[EXIT_80, EXIT_443], WEB, { excludeExit: 1, exit: 2 }, "all-excluded"],
    [[EXIT_443], { kind: "any-port", ports: [80] }, { excludeExit: 2 }, "all-excluded"],
    [[EXIT_80, EXIT_443], WEB, { exit: 2 }, "none-chosen"],
    [[EXIT_80], WEB, { exit: 9 }, "none-chosen"],
    [[EXIT_80], WEB, {}, "all-refused"],
    [[EXIT_80], WEB, { exit: 1 }, "all-refused"],
    [[MIDDLE], INTERNAL, { exclude: 4 }, "all-excluded"],
    [[MIDDLE], INTERNAL, { exit: 9, excludeExit: 4 }, "all-refused"],
  ] satisfies [TestRelay[], ExitTarget, Parameters<typeof rulesWith>[0], NoRelayReason][]
) {
  const name = `${relays.map(({ number }) => number)} ${JSON.stringify([target, wishes])}`;
  Deno.test(`no exit: ${name}: ${reason}`, () => {
    const netDir = testNetDir({ relays });
    const request = { rules: rulesWith(wishes), excluded: () => reason === "all-refused" };
    assert.equal(selectExit(netDir, new SeededRandom(1), target, request), undefined);
    assert.equal(explainNoExit(netDir, target, request), reason);
  });
}

for (
  const [relays, wishes, reason] of [
    [[], {}, "no-relays"],
    [[PRIVATE], {}, "no-relays"],
    [[MIDDLE], { exclude: 4 }, "all-excluded"],
    [[MIDDLE, EXIT_80], { exclude: 4, middle: 4 }, "none-chosen"],
    [[MIDDLE], { middle: 9 }, "none-chosen"],
    [[MIDDLE], { excludeExit: 4, exit: 9 }, "all-refused"],
  ] satisfies [TestRelay[], Parameters<typeof rulesWith>[0], NoRelayReason][]
) {
  const name = `${relays.map(({ number }) => number)} ${JSON.stringify(wishes)}`;
  Deno.test(`no middle: ${name}: ${reason}`, () => {
    const netDir = testNetDir({ relays });
    const path = reason === "all-refused" ? netDir.relays : [];
    const request = { rules: rulesWith(wishes), path, stable: false };
    assert.equal(selectMiddle(netDir, new SeededRandom(1), request), undefined);
    assert.equal(explainNoMiddle(netDir, request), reason);
  });
}
