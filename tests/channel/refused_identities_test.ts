import assert from "node:assert/strict";
import type { ChannelTarget } from "../../src/channel/connect.ts";
import { ChannelError } from "../../src/channel/errors.ts";
import { IDENTITY_REFUSAL_TIME, RefusedIdentities } from "../../src/channel/refused_identities.ts";
import { ed25519IdentityFromBytes, rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const DIFFERS = new ChannelError("rsa-identity-differs", "a test's failure");
const BEFORE = { code: "identity-refused-before" };

function target(number: number): ChannelTarget {
  const rsaIdentity = rsaIdentityFromBytes(
    new Uint8Array(20).fill(number & 0xff).with(0, number >> 8),
  );
  return { hostname: "192.0.2.9", port: 9001, rsaIdentity };
}

Deno.test("RefusedIdentities: refused for an hour, and then not", () => {
  const clock = new FakeClock();
  const refused = new RefusedIdentities(clock);
  refused.check(target(1));
  refused.note(target(1), DIFFERS);
  assert.throws(() => refused.check(target(1)), BEFORE);
  clock.advance(IDENTITY_REFUSAL_TIME - 1);
  assert.throws(() => refused.check(target(1)), BEFORE);
  clock.advance(1);
  refused.check(target(1));
  assert.equal(IDENTITY_REFUSAL_TIME, 3_600_000);
});

Deno.test("RefusedIdentities: another identity, address or port is not refused with it", () => {
  const refused = new RefusedIdentities(new FakeClock());
  const ed25519Identity = ed25519IdentityFromBytes(new Uint8Array(32));
  refused.note({ ...target(1), ed25519Identity }, DIFFERS);
  assert.throws(() => refused.check({ ...target(1), ed25519Identity }), BEFORE);
  refused.check(target(1));
  refused.check({ ...target(2), ed25519Identity });
  refused.check({ ...target(1), ed25519Identity, hostname: "192.0.2.10" });
  refused.check({ ...target(1), ed25519Identity, port: 9002 });
});

Deno.test("RefusedIdentities: other failures are not remembered", () => {
  const refused = new RefusedIdentities(new FakeClock());
  for (const code of ["connect-refused", "tls-certificate-expired", "channel-timeout"] as const) {
    refused.note(target(1), new ChannelError(code, "a test's failure"));
  }
  refused.check(target(1));
});

Deno.test("RefusedIdentities: 1,024 are remembered, the latest ones", () => {
  const refused = new RefusedIdentities(new FakeClock());
  for (let number = 0; number <= 1024; number++) {
    refused.note(target(number), DIFFERS);
    // Kept young by another refusal.
    if (number === 1000) refused.note(target(1), DIFFERS);
  }
  refused.check(target(0));
  assert.throws(() => refused.check(target(1)), BEFORE);
  assert.throws(() => refused.check(target(2)), BEFORE);
  refused.note(target(2000), DIFFERS);
  refused.check(target(2));
});
