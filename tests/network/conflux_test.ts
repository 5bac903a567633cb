/**
 * Conflux with exits of real C tor: bytes over both legs, the loss of a leg, exits that refuse.
 */
import assert from "node:assert/strict";
import type { CircuitStatus } from "../../src/client/client_status.ts";
import { httpGet, httpUpload } from "./http_client.ts";
import { InProcessClient } from "./in_process_client.ts";
import { bodySha256 } from "./test_body.ts";
import { missingForWorld, World } from "./world.ts";

const missing = await missingForWorld();
const mustRun = Deno.env.get("CI") === "true";

const LENGTH = 20_000_000;
/** So long that it is under way for seconds. */
const LONG_LENGTH = 200_000_000;
/** Downloads after the loss of a relay until one must be complete. */
const MOST_TRIES = 5;
/** Of what was carried, in percent: each leg has at least so much. */
const LEAST_SHARE = 5;

function isIgnored(): boolean {
  return missing !== undefined && !mustRun;
}

function named(name: string): string {
  return missing === undefined ? name : `${name} (skipped: ${missing})`;
}

/** Resolves when an unused Conflux set is ready. */
async function untilSet({ tor }: InProcessClient): Promise<void> {
  const isReady = () =>
    tor.circuitStatus.some(({ confluxSet, state }) =>
      confluxSet !== undefined && state === "clean"
    );
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = tor.circuitEvents.onEvent(() => isReady() && resolve());
  if (!isReady()) await promise;
  stop();
}

/** The legs that serve an isolation. */
function legsOf({ tor }: InProcessClient, isolation: string): readonly CircuitStatus[] {
  const name = new TextEncoder().encode(isolation).toHex();
  return tor.circuitStatus.filter(({ confluxSet, isolationKey }) =>
    confluxSet !== undefined && isolationKey?.includes(`"${name}"`)
  );
}

Deno.test({
  name: named("Conflux with C tor's exits"),
  ignore: isIgnored(),
  fn: async (t) => {
    assert.equal(missing, undefined, "everything that the real network needs is here");
    await using world = await World.start({ exits: 3, middles: 4 });
    const { network, target } = world;
    await using client = await InProcessClient.start(network);
    await client.bootstrapped();
    await untilSet(client);

    await t.step("20 MB down come by both guards, in order", async () => {
      const before = await network.relayIo();
      const got = await httpGet(await client.connect(target, "down"), `/bytes/${LENGTH}?seed=1`);
      assert.deepEqual([got.length, got.sha256], [LENGTH, bodySha256(LENGTH, 1)]);
      const after = await network.relayIo();
      const legs = legsOf(client, "down");
      assert.equal(legs.length, 2);
      for (const { hops } of legs) {
        const [{ nickname }] = hops;
        const sent = (after.get(nickname)?.written ?? 0) - (before.get(nickname)?.written ?? 0);
        assert.ok(sent >= LENGTH * LEAST_SHARE / 100, `${nickname} sent ${sent} bytes`);
      }
      const [first, second] = legs.map(({ relays }) => relays);
      assert.deepEqual(first.filter((relay) => second.includes(relay)), first.slice(2));
    });

    await t.step("20 MB up", async () => {
      await untilSet(client);
      const sent = await httpUpload(await client.connect(target, "up"), LENGTH, 2);
      assert.deepEqual(sent, { length: LENGTH, sha256: bodySha256(LENGTH, 2) });
      assert.equal(legsOf(client, "up").length, 2);
    });

    await t.step("16 downloads at once on one set", async () => {
      await untilSet(client);
      const lengths = Array.from({ length: 16 }, (_, index) => 1_000_000 + index);
      const got = await Promise.all(
        lengths.map(async (length) =>
          await httpGet(await client.connect(target, "many"), `/bytes/${length}?seed=3`)
        ),
      );
      assert.deepEqual(
        got.map(({ sha256 }) => sha256),
        lengths.map((length) => bodySha256(length, 3)),
      );
      assert.deepEqual(client.tor.violations.relays, []);
      assert.equal(client.tor.statistics().circuits.confluxQueued % 65_536, 0);
    });

    for (const place of [0, 1]) {
      await t.step(`the guard of leg ${place + 1} is killed: no wrong byte comes`, async () => {
        await untilSet(client);
        const isolation = `killed ${place}`;
        const conn = await client.connect(target, isolation);
        const begun = Promise.withResolvers<void>();
        const getting = httpGet(conn, `/bytes/${LONG_LENGTH}?seed=4`, begun.resolve);
        await begun.promise;
        const guard = network.node(legsOf(client, isolation)[place].relays[0]);
        await guard.kill();
        const got = await getting;
        // Part of it was lost with the leg, and C tor gives the others up then, too.
        assert.ok(got.length < LONG_LENGTH);
        assert.equal(got.sha256, bodySha256(got.length, 4));
        assert.deepEqual(legsOf(client, isolation), []);
        // The relay stands on legs of others, too, whose ends are told a moment later.
        for (let tries = 1;; tries++) {
          const again = await client.connect(target, isolation);
          const { length, sha256 } = await httpGet(again, `/bytes/${LENGTH}?seed=5`);
          assert.equal(sha256, bodySha256(length, 5));
          if (length === LENGTH) break;
          assert.ok(tries < MOST_TRIES);
        }
        await guard.restart();
        assert.deepEqual(client.tor.violations.relays, []);
      });
    }
  },
});

Deno.test({
  name: named("Conflux with exits of C tor that refuse it"),
  ignore: isIgnored(),
  fn: async () => {
    assert.equal(missing, undefined, "everything that the real network needs is here");
    await using world = await World.start({
      exits: 2,
      middles: 3,
      exitLines: ["ConfluxEnabled 0"],
    });
    await using client = await InProcessClient.start(world.network);
    await client.bootstrapped();
    for (const seed of [1, 2]) {
      const conn = await client.connect(world.target, `down ${seed}`);
      const got = await httpGet(conn, `/bytes/${LENGTH}?seed=${seed}`);
      assert.deepEqual([got.length, got.sha256], [LENGTH, bodySha256(LENGTH, seed)]);
    }
    assert.equal(client.tor.statistics().circuits.confluxSets, 0);
    assert.deepEqual(client.tor.violations.relays, []);
  },
});
