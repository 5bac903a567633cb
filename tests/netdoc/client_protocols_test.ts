import assert from "node:assert/strict";
import { missingProtocols, RELEASED } from "../../src/netdoc/client_protocols.ts";
import { ProtocolVersions } from "../../src/netdoc/protocols.ts";

const demanding = (validAfter: number) => ({
  validAfter,
  requiredClientProtocols: ProtocolVersions.parse("Cons=2 Link=4,60"),
  recommendedClientProtocols: ProtocolVersions.parse("Cons=2 Relay=61"),
});

Deno.test("what a consensus demands counts from our release on", () => {
  const missing = { required: ["Link=60"], recommended: ["Relay=61"] };
  assert.deepEqual(missingProtocols(demanding(RELEASED)), missing);
  assert.deepEqual(missingProtocols(demanding(RELEASED + 1)), missing);
  assert.deepEqual(missingProtocols(demanding(RELEASED - 1)), { required: [], recommended: [] });
  assert.deepEqual(missingProtocols(demanding(1000), 1000), missing);
});

Deno.test("what the network requires today is there", () => {
  const today = {
    validAfter: RELEASED,
    requiredClientProtocols: ProtocolVersions.parse(
      "Cons=2 Desc=2 FlowCtrl=1 Link=4 Microdesc=2 Relay=2",
    ),
    recommendedClientProtocols: ProtocolVersions.none,
  };
  assert.deepEqual(missingProtocols(today), { required: [], recommended: [] });
});
