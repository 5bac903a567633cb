import assert from "node:assert/strict";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import { DirectoryClient, downloadLimits } from "../../src/directory/directory_client.ts";
import { DirectoryError } from "../../src/directory/errors.ts";
import { microdescriptorsRequest } from "../../src/directory/requests.ts";
import { ConfiguredServers } from "../../src/directory/servers.ts";
import {
  type DirectoryGuards,
  DirectorySources,
  type Source,
} from "../../src/directory/sources.ts";
import type { GuardChoice } from "../../src/guard/guard_choice.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import { relayEntry, testAuthorities, writeConsensus } from "../../testnet/document_writer.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import {
  answer,
  FakeTransport,
  HOUR,
  type Reply,
  testConfig,
  TestNetwork,
} from "./test_directory.ts";

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
function sourcesWith(draws: readonly (typeof without)[], reply: Reply = "hang") {
  const open = new Set<GuardChoice>();
  let drawn = 0;
  const guards: DirectoryGuards = {
    selectForDirectory: () => {
      const router = draws.at(Math.min(drawn++, draws.length - 1));
      if (router === undefined) return undefined;
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
  const clock = new FakeClock();
  const client = new DirectoryClient(new FakeTransport(() => reply), clock, downloadLimits(60_000));
  const servers = new ConfiguredServers(testConfig(new TestNetwork(1)), new SeededRandom(1));
  const sources = new DirectorySources(client, servers, guards, clock);
  return { sources, clock, open, drawn: () => drawn };
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

/** Asks a server that answers 503. */
async function askInVain(source: Source | undefined): Promise<RsaIdentity> {
  assert.ok(source);
  const signal = new AbortController().signal;
  await assert.rejects(
    source.fetch(microdescriptorsRequest([]), signal),
    (error) => error instanceof DirectoryError && error.code === "directory-http-busy",
  );
  return source.identity;
}

for (const kind of ["authority", "fallback"] as const) {
  Deno.test(`an overloaded ${kind} is not asked for an hour, unless there is no other`, async () => {
    const { sources, clock } = sourcesWith([], answer("503 Directory busy"));
    const count = kind === "authority" ? 3 : 4;
    const overloaded = new Set<RsaIdentity>();
    for (let index = 0; index < count; index++) {
      overloaded.add(await askInVain(sources[kind](new Set())));
      clock.advance(1000);
    }
    assert.equal(overloaded.size, count, "another one each time");
    const [first] = overloaded;
    if (kind === "fallback") {
      assert.equal(sources.fallback(new Set())?.server.kind, "authority", "no fallback is left");
      for (let index = 0; index < 3; index++) await askInVain(sources.fallback(new Set()));
    }
    assert.equal(sources[kind](new Set())?.server.kind, kind, "rather an overloaded one than none");
    clock.advance(HOUR - count * 1000);
    for (let draw = 0; draw < 20; draw++) {
      assert.equal(sources[kind](new Set())?.identity, first, "the first has had its hour");
    }
    clock.advance(HOUR);
    const later = Array.from({ length: 40 }, () => sources[kind](new Set())?.identity);
    assert.equal(new Set(later).size, count, "all have");
  });
}

Deno.test("of the guards, one that is not overloaded is asked", async () => {
  const { sources, clock, open } = sourcesWith(
    [without, without, withDiffs, without],
    answer("503 Directory busy"),
  );
  assert.equal(await askInVain(sources.pick(new Set())), without.rsaIdentity);
  const second = sources.pick(new Set());
  assert.equal(second?.identity, withDiffs.rsaIdentity);
  assert.equal(open.size, 1, "the other is let go");
  // There is only this one from now on: no stranger is asked in its place.
  assert.equal(sources.pick(new Set())?.identity, without.rsaIdentity);
  clock.advance(HOUR);
  const opened = open.size;
  assert.equal(sources.pick(new Set())?.identity, without.rsaIdentity);
  assert.equal(open.size, opened + 1);
});
