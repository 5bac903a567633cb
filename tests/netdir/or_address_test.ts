import assert from "node:assert/strict";
import fc from "fast-check";
import { orAddress } from "../../src/netdir/or_address.ts";

const V4 = { hostname: "192.0.2.9", port: 9001 };
const V6 = { hostname: "2001:db8::9", port: 9002 };
const BOTH = { ...V4, ipv6: V6 };

function options(useIpv4: boolean, useIpv6: boolean, preferIpv6: boolean | "auto") {
  return { useIpv4, useIpv6, preferIpv6 };
}

Deno.test("orAddress: by default IPv4, and IPv6 only where nothing else is allowed or there", () => {
  assert.deepEqual(orAddress(BOTH, options(true, false, "auto")), V4);
  assert.deepEqual(orAddress(BOTH, options(true, true, "auto")), V4);
  assert.deepEqual(orAddress(BOTH, options(true, true, false)), V4);
  assert.deepEqual(orAddress(BOTH, options(false, true, "auto")), V6);
  assert.deepEqual(orAddress(V6, options(true, true, "auto")), V6);
  assert.equal(orAddress(V6, options(true, false, "auto")), undefined);
});

Deno.test("orAddress: IPv6 where it is preferred and there", () => {
  assert.deepEqual(orAddress(BOTH, options(true, true, true)), V6);
  assert.deepEqual(orAddress(V4, options(true, true, true)), V4);
  assert.equal(orAddress(V4, options(false, true, true)), undefined);
});

Deno.test("orAddress: as in C tor, IPv6 is used if it is preferred, or IPv4 is not used", () => {
  assert.deepEqual(orAddress(BOTH, options(true, false, true)), V6);
  assert.deepEqual(orAddress(BOTH, options(false, false, "auto")), V6);
  assert.deepEqual(orAddress(BOTH, options(false, false, false)), V6);
});

Deno.test("orAddress: never an address of a family that is not used, and the only one that is", () => {
  const choice = fc.record({
    useIpv4: fc.boolean(),
    useIpv6: fc.boolean(),
    preferIpv6: fc.constantFrom<boolean | "auto">(true, false, "auto"),
  });
  fc.assert(
    fc.property(fc.constantFrom(V4, V6, BOTH), choice, (target, allowed) => {
      const address = orAddress(target, allowed);
      const usesIpv6 = allowed.useIpv6 || !allowed.useIpv4 || allowed.preferIpv6 === true;
      const possible = [
        ...(allowed.useIpv4 && target !== V6 ? [V4] : []),
        ...(usesIpv6 && target !== V4 ? [V6] : []),
      ];
      if (possible.length === 0) assert.equal(address, undefined);
      else assert.ok(possible.some(({ hostname }) => hostname === address?.hostname));
    }),
    { seed: 1 },
  );
});
