/** Clients of exits, and of others, that break the rules of Conflux; and of an honest exit. */
import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import type { RelayEvent } from "../../testnet/events.ts";
import * as bad from "../../testnet/misbehaviours/conflux.ts";
import { CONFLUX_RELAY_PROTOCOLS } from "../../testnet/relay_protocols.ts";
import { httpUpload } from "../network/http_client.ts";
import { bodySha256 } from "../network/test_body.ts";
import { Scenario, type ScenarioOptions } from "./scenario.ts";
import { cutOffDownload } from "./violations.ts";

const LENGTH = 600_000;
const LINKED = "are linked to a Conflux set";

/** A network with one exit, which has Conflux, and a client that has one set at a time ready. */
function start(misbehaviour?: Misbehaviour, options: ScenarioOptions = {}): Promise<Scenario> {
  return Scenario.start({
    guards: 3,
    middles: 4,
    exits: 1,
    parameters: "cfx_max_prebuilt_set=1",
    protocols: { exit0: CONFLUX_RELAY_PROTOCOLS },
    misbehaviours: misbehaviour && { exit0: misbehaviour },
    ...options,
  });
}

function exitOf({ network }: Scenario) {
  const exit = network.relays.find(({ role }) => role === "exit");
  assert.ok(exit !== undefined);
  return exit;
}

/** The nicknames of the relays on the legs that carry streams, or have carried some. */
function usedLegs({ client }: Scenario): string[][] {
  return client.circuitStatus.filter(({ state, confluxSet }) =>
    state === "used" && confluxSet !== undefined
  ).map(({ hops }) => hops.map(({ nickname }) => nickname));
}

Deno.test("Conflux: bytes go both ways over both legs, which share the exit alone", async () => {
  await using scenario = await start();
  await scenario.logged(LINKED);
  const { events } = scenario.network;
  const mark = events.count;
  await scenario.download(LENGTH, "alice");
  const uploaded = await httpUpload(await scenario.connect("alice"), LENGTH, 1);
  assert.deepEqual(uploaded, { length: LENGTH, sha256: bodySha256(LENGTH, 1) });
  const legs = usedLegs(scenario);
  assert.equal(legs.length, 2);
  assert.equal(new Set(legs.flat()).size, 5, JSON.stringify(legs));
  assert.equal(scenario.log.count("Closing circuit"), 0);
  assert.deepEqual(scenario.client.violations.relays, []);
  const ours = events.since(mark).filter((event) =>
    event.kind === "message" && event.command === RelayCommand.SENDME && event.relay === "exit0"
  );
  assert.equal(new Set(ours.map((event) => "circuit" in event && event.circuit)).size, 2);
});

Deno.test("Conflux: with ConfluxEnabled 0, cfx_enabled 0 or an exit without it there are no sets", async () => {
  for (
    const options of [
      { torrc: ["ConfluxEnabled 0"] },
      { parameters: "cfx_enabled=0" },
      { parameters: "cc_alg=0" },
      { protocols: {} },
    ]
  ) {
    await using scenario = await start(undefined, options);
    await scenario.download(LENGTH, "alice");
    assert.equal(scenario.client.statistics().circuits.confluxSets, 0);
    const isLink = (event: RelayEvent) =>
      event.kind === "message" && event.command === RelayCommand.CONFLUX_LINK;
    assert.equal(scenario.network.events.since().some(isLink), false);
  }
});

Deno.test("Conflux: ConfluxEnabled 1 has sets though the consensus does not want them", async () => {
  await using scenario = await start(undefined, {
    torrc: ["ConfluxEnabled 1"],
    parameters: "cfx_enabled=0",
  });
  await scenario.logged(LINKED);
});

Deno.test("Conflux: streams of different isolation never share a set", async () => {
  await using scenario = await start();
  await scenario.logged(LINKED);
  await scenario.download(1000, "alice");
  await scenario.download(1000, "bob");
  const owners = new Map<number, Set<string | undefined>>();
  for (const { number, confluxSet, isolationKey } of scenario.client.circuitStatus) {
    const set = confluxSet ?? number;
    owners.set(set, (owners.get(set) ?? new Set()).add(isolationKey));
  }
  for (const keys of owners.values()) assert.equal(keys.size, 1);
});

/** What keeps circuits from becoming legs, and what the log says of it. */
const BAD_LINKS: readonly (readonly [Misbehaviour, string])[] = [
  [bad.LINKED_WITH_WRONG_NONCE, "LINKED to another set"],
  [bad.LINKED_WITH_SEQUENCE, "LINKED to a set with other messages"],
  [bad.LINKED_TWICE, "an unexpected CONFLUX_LINKED"],
  [bad.LINK_TO_CLIENT, "an unexpected CONFLUX_LINK for the circuit"],
  [bad.LINKED_ACK_TO_CLIENT, "an unexpected CONFLUX_LINKED_ACK for the circuit"],
  [bad.LINKED_WITH_UNKNOWN_UX, "CONFLUX_LINK: desired_ux 9"],
  [bad.LINKED_OF_OTHER_VERSION, "CONFLUX_LINK: version 2"],
  [bad.LINKED_CUT_OFF, "CONFLUX_LINK: 4 bytes wanted, 3 left"],
];

for (const [misbehaviour, what] of BAD_LINKS) {
  Deno.test(`Conflux: an exit with ${misbehaviour.name}: the circuit is closed, streams go by others`, async () => {
    await using scenario = await start(misbehaviour);
    const line = await scenario.logged(what);
    assert.match(line, /Closing circuit \d+: .*\[circuit-protocol-violation\]/);
    await scenario.download(LENGTH, "alice");
    assert.deepEqual(usedLegs(scenario), []);
    const counts = scenario.client.violations.of(exitOf(scenario).keys.rsaId);
    assert.ok((counts["circuit-protocol-violation"] ?? 0) > 0);
  });
}

Deno.test("Conflux: a relay that is no exit can't link or switch a circuit", async () => {
  for (const command of [RelayCommand.CONFLUX_LINKED, RelayCommand.CONFLUX_SWITCH]) {
    const misbehaviour = bad.fromMiddle(command);
    const middles = [0, 1, 2, 3].map((index) => [`middle${index}`, misbehaviour]);
    await using scenario = await start(undefined, {
      misbehaviours: Object.fromEntries(middles),
      bootstrap: false,
    });
    await scenario.logged("[circuit-protocol-violation]");
    assert.match(
      scenario.log.lines.find((line) => line.includes("[circuit-protocol-violation]")) ?? "",
      /an unexpected (CONFLUX_LINKED|SWITCH)/,
    );
  }
});

/** What ends a set that carries streams. */
const BAD_SETS: readonly (readonly [Misbehaviour, string])[] = [
  [bad.SWITCH_FAR, "a SWITCH too far"],
  [bad.SWITCH_TWICE, "SWITCH after SWITCH"],
  [bad.SWITCH_CUT_OFF, "CONFLUX_SWITCH: 4 bytes wanted, 3 left"],
  [bad.SWITCH_FOR_STREAM, "CONFLUX_SWITCH for a stream that does not exist"],
  [bad.SWITCH_BY_NOTHING, "a message that came twice"],
];

for (const [misbehaviour, what] of BAD_SETS) {
  Deno.test(`Conflux: an exit with ${misbehaviour.name}: the whole set is closed`, async () => {
    await using scenario = await start(misbehaviour);
    await scenario.logged(LINKED);
    await cutOffDownload(scenario);
    await scenario.logged(`${what} [circuit-protocol-violation]`);
    assert.deepEqual(usedLegs(scenario), []);
    const counts = scenario.client.violations.of(exitOf(scenario).keys.rsaId);
    assert.equal(counts["circuit-protocol-violation"], 1);
  });
}

Deno.test("Conflux: what never comes in order lets streams go to other circuits", async () => {
  await using scenario = await start(bad.gap());
  await scenario.logged(LINKED);
  await scenario.download(LENGTH, "alice");
  await scenario.logged("is silent: it takes no more streams");
  // What carried it in the end may be a circuit of before, or a set on which nothing is missing.
  assert.deepEqual(scenario.client.violations.relays, []);
});
