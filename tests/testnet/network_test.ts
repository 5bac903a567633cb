import assert from "node:assert/strict";
import { Scenario } from "../misbehaviour/scenario.ts";
import { httpUpload } from "../network/http_client.ts";
import { socks5Connect } from "../network/socks_client.ts";
import { bodySha256 } from "../network/test_body.ts";

const LENGTH = 3_000_000;

for (const distinctAddresses of [true, false]) {
  const where = distinctAddresses ? "addresses of their own" : "one address";
  Deno.test({
    name: `embedded relays with ${where} carry bytes both ways`,
    // Only Linux answers on all of 127.0.0.0/8 without being told to.
    ignore: distinctAddresses && Deno.build.os !== "linux",
    fn: async () => {
      await using scenario = await Scenario.start({ authorities: 3, distinctAddresses });
      const { network, client } = scenario;
      assert.equal(network.distinctAddresses, distinctAddresses);
      await scenario.download(LENGTH);
      using conn = await socks5Connect(scenario.socks, scenario.target);
      const sent = await httpUpload(conn, LENGTH, 2);
      assert.deepEqual(sent, { length: LENGTH, sha256: bodySha256(LENGTH, 2) });
      assert.deepEqual(client.violations.relays, []);
    },
  });
}
