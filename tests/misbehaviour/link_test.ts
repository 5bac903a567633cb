import assert from "node:assert/strict";
import { ChannelManager } from "../../src/channel/channel_manager.ts";
import { sleep } from "../../src/runtime/clock.ts";
import { systemRuntime } from "../../src/runtime/runtime.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import type { RelayEvent } from "../../testnet/events.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import * as bad from "../../testnet/misbehaviours/link.ts";
import { TEST_CONNECTIONS } from "../channel/test_connections.ts";
import { assertCounted, assertGuardRefused, BAD_GUARD, startWithBadGuard } from "./bad_guard.ts";
import { HurriedClock } from "./hurried_clock.ts";
import { Scenario } from "./scenario.ts";

const NOW = Date.now();

/** Violations in the link handshake, and how the client ends it. */
const VIOLATIONS: readonly [misbehaviour: Misbehaviour, code: string][] = [
  [bad.OLD_VERSIONS, "no-common-link-protocol"],
  [bad.CELL_BEFORE_VERSIONS, "unexpected-cell"],
  [bad.NO_CERTS, "unexpected-cell"],
  [bad.missingCertificate(0), "certs-missing-id"],
  [bad.missingCertificate(1), "certs-missing-signing"],
  [bad.missingCertificate(2), "certs-missing-link"],
  [bad.missingCertificate(3), "certs-missing-cross"],
  [bad.wrongSignature("id"), "certs-id-signature"],
  [bad.wrongSignature("signing"), "certs-signing-signature"],
  [bad.wrongSignature("link"), "certs-link-signature"],
  [bad.wrongSignature("cross"), "certs-cross-signature"],
  [bad.expiredCertificate("id", NOW), "certs-id-expired"],
  [bad.expiredCertificate("signing", NOW), "certs-signing-expired"],
  [bad.expiredCertificate("link", NOW), "certs-link-expired"],
  [bad.expiredCertificate("cross", NOW), "certs-cross-expired"],
  [bad.OTHER_LINK, "certs-link-mismatch"],
  [bad.otherIdentity(NOW), "rsa-identity-differs"],
  [bad.otherEd25519Identity(NOW), "ed25519-identity-differs"],
  [bad.DUPLICATE_CERTIFICATE, "certs-duplicate"],
];

for (const [misbehaviour, code] of VIOLATIONS) {
  Deno.test(`link: a guard with ${misbehaviour.name} is refused`, async () => {
    await assertGuardRefused(misbehaviour, { code, isViolation: true });
  });
}

Deno.test(`link: a guard with ${bad.cutOffCell("close").name} is left alone`, async () => {
  const expected = { code: "link-handshake-cut-off", isViolation: false };
  await assertGuardRefused(bad.cutOffCell("close"), expected);
});

for (const misbehaviour of [bad.NO_NETINFO, bad.cutOffCell("silence"), bad.ENDLESS_PADDING]) {
  Deno.test(`link: a guard with ${misbehaviour.name} is given up`, async () => {
    const expected = { code: "channel-timeout", isViolation: false };
    await assertGuardRefused(misbehaviour, expected, { runtime: { clock: new HurriedClock(20) } });
  });
}

for (const days of [-3, 3]) {
  const misbehaviour = bad.wrongClock(NOW, days);
  Deno.test(`link: a guard with ${misbehaviour.name} is used, and its clock noted`, async () => {
    await using scenario = await startWithBadGuard(misbehaviour, { guards: 1 });
    const line = await scenario.logged("clock differs");
    const seconds = Number(/by (-?\d+) s/.exec(line)?.[1]);
    assert.ok(Math.abs(seconds - days * 86_400) < 3600, line);
    await scenario.download(100_000);
    assertCounted(scenario, BAD_GUARD, undefined);
  });
}

Deno.test(`link: a guard with ${bad.PADDING_FLOOD.name} is used`, async () => {
  await using scenario = await startWithBadGuard(bad.PADDING_FLOOD, { guards: 1 });
  await scenario.download(100_000);
  assertCounted(scenario, BAD_GUARD, undefined);
  assert.equal(scenario.log.count("ended"), 0);
});

Deno.test("link: a client pads its idle channel to the guard, and no other", async () => {
  await using scenario = await Scenario.start({
    guards: 1,
    runtime: { clock: new HurriedClock(20) },
  });
  const { events } = scenario.network;
  const mark = events.count;
  await scenario.wait(events.until(({ kind }) => kind === "padding", { since: mark }));
  await scenario.download(10_000);
  const padded = events.since().filter(({ kind }) => kind === "padding");
  assert.ok(padded.every(({ relay }) => relay === "guard0"), JSON.stringify(padded));
  assert.ok(events.since().every(({ kind }) => kind !== "padding-negotiate"));
});

Deno.test("link: a client that is told not to pad says so to each relay, and does not", async () => {
  await using scenario = await Scenario.start({
    guards: 1,
    torrc: ["ConnectionPadding 0"],
    runtime: { clock: new HurriedClock(20) },
  });
  const { events } = scenario.network;
  const isStop = (event: RelayEvent) =>
    event.kind === "padding-negotiate" && event.negotiation.command === "stop";
  await scenario.wait(events.until((event) => event.relay === "guard0" && isStop(event)));
  // Idle times of many seconds, on the client's clock.
  for (let count = 0; count < 3; count++) {
    await sleep(new HurriedClock(20), 10_000);
    await scenario.download(1000);
  }
  assert.ok(events.since().every(({ kind }) => kind !== "padding"));
});

Deno.test("link: of a relay with two Ed25519 identities, the one that is asked for is used", async () => {
  await using network = await EmbeddedNetwork.start({
    guards: 1,
    misbehaviours: { [BAD_GUARD]: bad.otherEd25519IdentityOnce(NOW) },
  });
  const { hostname, orPort: port, keys } = network.relay(BAD_GUARD);
  const target = { hostname, port, rsaIdentity: keys.rsaId };
  const exact = { ...target, ed25519Identity: keys.ed25519Id };
  const violations: string[] = [];
  const manager = new ChannelManager(systemRuntime(), TEST_CONNECTIONS, {
    onViolation: (relay, code) => violations.push(`${relay} ${code}`),
  });
  // The second one waits for the first one's attempt, and makes one of its own then.
  const [other, right] = await Promise.all([manager.get(target), manager.get(exact)]);
  assert.notEqual(other.ed25519Identity, keys.ed25519Id);
  assert.equal(right.ed25519Identity, keys.ed25519Id);
  assert.equal(await manager.get(exact), right);
  assert.deepEqual([manager.channels.length, violations], [2, []]);
  await manager.close();
});

Deno.test("link: whoever asked for the other Ed25519 identity fails, and nobody else", async () => {
  await using network = await EmbeddedNetwork.start({
    guards: 1,
    misbehaviours: { [BAD_GUARD]: bad.otherEd25519IdentityOnce(NOW) },
  });
  const { hostname, orPort: port, keys } = network.relay(BAD_GUARD);
  const target = { hostname, port, rsaIdentity: keys.rsaId };
  const exact = { ...target, ed25519Identity: keys.ed25519Id };
  const violations: string[] = [];
  const manager = new ChannelManager(systemRuntime(), TEST_CONNECTIONS, {
    onViolation: (relay, code) => violations.push(`${relay} ${code}`),
  });
  const refused = assert.rejects(manager.get(exact), { code: "ed25519-identity-differs" });
  // It waits for that attempt, which failed for what it has not asked.
  const channel = await manager.get(target);
  await refused;
  assert.equal(channel.ed25519Identity, keys.ed25519Id);
  // The exact one is there now, whatever was there before.
  assert.equal(await manager.get(exact), channel);
  assert.deepEqual(violations, [`${keys.rsaId} ed25519-identity-differs`]);
  await manager.close();
});
