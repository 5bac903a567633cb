import assert from "node:assert/strict";
import fc from "fast-check";
import { microdescriptorDigestFromBytes } from "../../src/netdoc/microdescriptor_digest.ts";
import { ProtocolVersions } from "../../src/netdoc/protocols.ts";
import {
  RouterStatusTable,
  type RouterStatusValues,
} from "../../src/netdoc/router_status_table.ts";

const values: fc.Arbitrary<Omit<RouterStatusValues, "identity">> = fc.record({
  nickname: fc.stringMatching(/^[A-Za-z0-9]{1,19}$/),
  address: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  port: fc.integer({ min: 0, max: 65535 }),
  ipv6: fc.option(fc.constant({ hostname: "2001:db8::1", port: 9001 }), { nil: undefined }),
  digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  flags: fc.integer({ min: 0, max: 2 ** 14 - 1 }),
  protocols: fc.constantFrom(ProtocolVersions.none, ProtocolVersions.parse("Link=4")),
  bandwidth: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  unmeasured: fc.boolean(),
});

/** 20 bytes that sort as `index`. */
function identityOf(index: number): Uint8Array {
  const identity = new Uint8Array(20);
  new DataView(identity.buffer).setUint32(16, index);
  return identity;
}

Deno.test("entries are read back as they were added, however many there are", () => {
  fc.assert(
    fc.property(fc.array(values, { maxLength: 300 }), (all) => {
      const table = new RouterStatusTable();
      all.forEach((each, index) => assert.ok(table.add({ ...each, identity: identityOf(index) })));
      table.trim();
      assert.equal(table.routers.length, all.length);
      table.routers.forEach((router, index) => {
        const { nickname, address, port, ipv6, digest, flags, protocols, ...rest } = all[index];
        assert.equal(router.nickname, nickname);
        assert.equal(router.rsaIdentity, identityOf(index).toHex().toUpperCase());
        const octets = router.hostname.split(".").map(Number);
        assert.equal(octets.reduce((sum, octet) => sum * 256 + octet), address);
        assert.equal(router.port, port);
        assert.equal(router.ipv6, ipv6);
        assert.equal(router.microdescriptorDigest, microdescriptorDigestFromBytes(digest));
        assert.equal(router.flags, flags);
        assert.equal(router.protocols, protocols);
        assert.equal(router.bandwidth, rest.bandwidth);
        assert.equal(router.unmeasured, rest.unmeasured);
      });
    }),
    { seed: 1 },
  );
});

Deno.test("an entry whose identity does not come after the one before is not added", () => {
  const [sample] = fc.sample(values, { seed: 1, numRuns: 1 });
  const table = new RouterStatusTable();
  assert.ok(table.add({ ...sample, identity: identityOf(300) }));
  assert.equal(table.add({ ...sample, identity: identityOf(300) }), false);
  assert.equal(table.add({ ...sample, identity: identityOf(45) }), false);
  assert.ok(table.add({ ...sample, identity: identityOf(0x10000) }));
  assert.equal(table.routers.length, 2);
});
