import assert from "node:assert/strict";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import { DirectoryClient, downloadLimits } from "../../src/directory/directory_client.ts";
import { ConfiguredServers } from "../../src/directory/servers.ts";
import { type DirectoryGuards, DirectorySources } from "../../src/directory/sources.ts";
import type { GuardChoice } from "../../src/guard/guard_choice.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import { relayEntry, testAuthorities, writeConsensus } from "../../testnet/document_writer.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { FakeTransport, testConfig, TestNetwork } from "./test_directory.ts";

const { routers } = parseConsensus(writeConsensus({
  authorities: testAuthorities(),
  relays: [
    relayEntry(1, { protocols: "DirCache=1" }),
    relayEntry(2, { protocols: "DirCache=1-2" }),
  ],
}));
const [without, withDiffs] = routers;
const servesDiffs = (router: typeof without) => router.protocols.supports("DirCache", 2);

/** Sources whose guards are drawn in this order, the last one again and again. */
function sourcesWith(draws: readonly (typeof without)[]) {
  const open = new Set<GuardChoice>();
  let drawn = 0;
  const guards: DirectoryGuards = {
    selectForDirectory: () => {
      const router = draws[Math.min(drawn++, draws.length - 1)];
      const choice: GuardChoice = {
        usage: "directory",
        router,
        relay: undefined,
        usability: "usable-on-completion",
      };
      open.add(choice);
      return choice;
    },
    noteSuccess: () => "usable",
    noteFailure: () => {},
    noteClosed: (choice) => void open.delete(choice),
  };
  const client = new DirectoryClient(
    new FakeTransport(() => "hang"),
    new FakeClock(),
    downloadLimits(60_000),
  );
  const servers = new ConfiguredServers(testConfig(new TestNetwork(1)), new SeededRandom(1));
  return { sources: new DirectorySources(client, servers, guards), open, drawn: () => drawn };
}

Deno.test("a guard that serves diffs is preferred, and the others are let go", () => {
  const { sources, open, drawn } = sourcesWith([without, without, withDiffs]);
  assert.equal(sources.pick(new Set(), servesDiffs)?.identity, withDiffs.rsaIdentity);
  assert.equal(drawn(), 3);
  assert.equal(open.size, 1);
});

Deno.test("a guard that does not serve diffs is taken where there is no other", () => {
  const { sources, open, drawn } = sourcesWith([without]);
  assert.equal(sources.pick(new Set(), servesDiffs)?.identity, without.rsaIdentity);
  assert.equal(drawn(), 4);
  assert.equal(open.size, 1);
});

Deno.test("without a preference the first guard is taken", () => {
  const { sources, drawn } = sourcesWith([without, withDiffs]);
  assert.equal(sources.pick(new Set())?.identity, without.rsaIdentity);
  assert.equal(drawn(), 1);
});

Deno.test("a guard that is excluded is let go, and a fallback taken", () => {
  const { sources, open } = sourcesWith([without]);
  const excluded: ReadonlySet<RsaIdentity> = new Set([without.rsaIdentity]);
  assert.equal(sources.pick(excluded, servesDiffs)?.server.kind, "fallback");
  assert.equal(open.size, 0);
});
