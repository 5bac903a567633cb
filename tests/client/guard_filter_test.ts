import assert from "node:assert/strict";
import { guardFilter } from "../../src/client/guard_filter.ts";
import { pathOptions } from "../../src/path/path_rules.ts";
import { identityOf, testNetDir } from "../path/test_network.ts";
import { fromTorrc } from "../config/source.ts";

const NET_DIR = testNetDir({
  relays: [1, 2, 3].map((number) => ({ number })),
});

function allowed(...lines: string[]) {
  const { config } = fromTorrc(lines.join("\n"));
  const filter = guardFilter(config, pathOptions(config, undefined))(NET_DIR);
  const routers = NET_DIR.consensus.routers;
  const numbers = (test: (router: (typeof routers)[number]) => boolean) =>
    [1, 2, 3].filter((number) =>
      routers.some((router) => router.rsaIdentity === identityOf(number) && test(router))
    );
  const { isEntryNode } = filter;
  return {
    allowed: numbers((router) => filter.isAllowed(router)),
    entries: isEntryNode && numbers((router) => isEntryNode(router)),
  };
}

Deno.test("guard filter: all are allowed where nothing is configured", () => {
  assert.deepEqual(allowed(), { allowed: [1, 2, 3], entries: undefined });
});

Deno.test("guard filter: not those of ExcludeNodes, and EntryNodes are told apart", () => {
  assert.deepEqual(allowed(`ExcludeNodes ${identityOf(2)}`).allowed, [1, 3]);
  const chosen = allowed(`EntryNodes ${identityOf(2)},${identityOf(3)}`);
  assert.deepEqual(chosen, { allowed: [1, 2, 3], entries: [2, 3] });
});

Deno.test("guard filter: not those without an address that may be used", () => {
  assert.deepEqual(allowed("ClientUseIPv4 0", "ClientUseIPv6 1").allowed, []);
});
