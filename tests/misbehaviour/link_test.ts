import assert from "node:assert/strict";
import { ChannelManager } from "../../src/channel/channel_manager.ts";
import { type Network, SystemNetwork } from "../../src/runtime/network.ts";
import { systemRuntime } from "../../src/runtime/runtime.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import * as bad from "../../testnet/misbehaviours/link.ts";
import { assertCounted, assertGuardRefused, BAD_GUARD, startWithBadGuard } from "./bad_guard.ts";
import { HurriedClock } from "./hurried_clock.ts";

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

Deno.test("link: a relay with one Ed25519 identity for each of two links is refused", async () => {
  await using network = await EmbeddedNetwork.start({
    guards: 1,
    misbehaviours: { [BAD_GUARD]: bad.otherEd25519IdentityOnce(NOW) },
  });
  const { hostname, orPort: port, keys } = network.relay(BAD_GUARD);
  const target = { hostname, port, rsaIdentity: keys.rsaId };
  const system = new SystemNetwork();
  const isOpen = Promise.withResolvers<void>();
  let connections = 0;
  const inTurn: Network = {
    async connect(address, signal) {
      if (++connections === 2) await isOpen.promise;
      return await system.connect(address, signal);
    },
    listen: (address) => system.listen(address),
  };
  const violations: string[] = [];
  const manager = new ChannelManager({ ...systemRuntime(), network: inTurn }, 300_000, {
    onViolation: (relay, code) => violations.push(`${relay} ${code}`),
  });
  const first = manager.get(target);
  const second = manager.get({ ...target, ed25519Identity: keys.ed25519Id });
  const refused = assert.rejects(second, { code: "ed25519-identity-differs" });
  assert.equal((await first).closedBy, undefined);
  isOpen.resolve();
  await refused;
  assert.deepEqual(violations, [`${keys.rsaId} ed25519-identity-differs`]);
  await manager.close();
});
