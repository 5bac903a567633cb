/**
 * Congestion control with exits of real C tor: what was negotiated, what it carried, what the
 * window did meanwhile.
 */
import assert from "node:assert/strict";
import { CongestionRecorder } from "./congestion_recorder.ts";
import { httpGet, httpUpload } from "./http_client.ts";
import { InProcessClient } from "./in_process_client.ts";
import { bodySha256 } from "./test_body.ts";
import { missingForWorld, World } from "./world.ts";

const missing = await missingForWorld();
const mustRun = Deno.env.get("CI") === "true";

const LENGTH = 20_000_000;
/** Carried each way with fixed windows: several windows of 1,000 cells. */
const FIXED_LENGTH = 5_000_000;
/** Bytes of data in a cell, and cells for each SENDME where the consensus does not say. */
const CELL_DATA = 498;
const INCREMENT = 31;
/** SENDMEs for what was carried, when every cell is full. */
const LEAST_SENDMES = Math.floor(LENGTH / CELL_DATA / INCREMENT);
/** An exit reads from the web server as it comes: cells are not all full. */
const MOST_SENDMES = 2 * LEAST_SENDMES;
/** C tor's least congestion window, in cells. */
const CWND_MIN = 124;

Deno.test({
  name: `congestion control with C tor's exits${missing ? ` (skipped: ${missing})` : ""}`,
  ignore: missing !== undefined && !mustRun,
  fn: async (t) => {
    assert.equal(missing, undefined, "everything that the real network needs is here");
    await using world = await World.start();
    const recorder = new CongestionRecorder();
    await using client = await InProcessClient.start(world.network, {
      congestionObserver: recorder,
      // What one circuit carries would be shared by two.
      more: ["ConfluxEnabled 0"],
    });
    await client.bootstrapped();

    await t.step("20 MB up: the window follows the SENDMEs", async () => {
      const conn = await client.connect(world.target, "up");
      const sent = await httpUpload(conn, LENGTH, 1);
      assert.deepEqual(sent, { length: LENGTH, sha256: bodySha256(LENGTH, 1) });
      const { samples } = recorder.busiest ?? assert.fail("no circuit has congestion control");
      assert.ok(samples.length >= LEAST_SENDMES - 1, `${samples.length} SENDMEs`);
      assert.ok(samples.length <= MOST_SENDMES, `${samples.length} SENDMEs`);
      assert.equal(samples[0].inSlowStart, true);
      for (const { cwnd, inflight, rtt, minRtt, bdp } of samples) {
        assert.ok(cwnd >= CWND_MIN && inflight >= 0 && bdp >= 0);
        assert.ok(rtt > 0 && minRtt > 0);
      }
      // A window never grows by more than an increment, and messages in flight not beyond it.
      samples.slice(1).forEach(({ cwnd, inflight, isBlocked }, index) => {
        const before = samples[index];
        // A blocked channel ends slow start at once, by what the queue may be.
        assert.ok(isBlocked || cwnd - before.cwnd <= INCREMENT, `from ${before.cwnd} to ${cwnd}`);
        const most = Math.max(before.cwnd, before.inflight) - INCREMENT;
        assert.ok(inflight <= most, `${inflight} of ${before.cwnd}`);
      });
    });

    await t.step("20 MB down: a SENDME for each 31 messages", async () => {
      const before = recorder.sendmesSent;
      const conn = await client.connect(world.target, "down");
      const got = await httpGet(conn, `/bytes/${LENGTH}?seed=2`);
      assert.deepEqual([got.length, got.sha256], [LENGTH, bodySha256(LENGTH, 2)]);
      const sendmes = recorder.sendmesSent - before;
      assert.ok(sendmes >= LEAST_SENDMES - 1 && sendmes <= MOST_SENDMES, `${sendmes} SENDMEs`);
    });

    await t.step("nobody has broken the protocol, and the circuits are still open", () => {
      assert.deepEqual(client.tor.violations.relays, []);
      assert.ok(client.tor.statistics().circuits.used >= 2);
    });
  },
});

Deno.test({
  name: `fixed windows with C tor's exits${missing ? ` (skipped: ${missing})` : ""}`,
  ignore: missing !== undefined && !mustRun,
  fn: async () => {
    assert.equal(missing, undefined, "everything that the real network needs is here");
    const parameters = { cc_alg: 0 };
    await using world = await World.start({ exits: 2, middles: 3, parameters });
    const recorder = new CongestionRecorder();
    await using client = await InProcessClient.start(world.network, {
      congestionObserver: recorder,
    });
    await client.bootstrapped();
    const up = await httpUpload(await client.connect(world.target, "a"), FIXED_LENGTH, 1);
    assert.deepEqual(up, { length: FIXED_LENGTH, sha256: bodySha256(FIXED_LENGTH, 1) });
    const down = await httpGet(
      await client.connect(world.target, "b"),
      `/bytes/${FIXED_LENGTH}?seed=2`,
    );
    assert.deepEqual([down.length, down.sha256], [FIXED_LENGTH, bodySha256(FIXED_LENGTH, 2)]);
    // No window has been seen to change, and each hundred cells was answered.
    assert.deepEqual(recorder.busiest?.samples, []);
    const hundreds = Math.floor(FIXED_LENGTH / CELL_DATA / 100);
    const { sendmesSent } = recorder;
    assert.ok(sendmesSent >= hundreds - 1 && sendmesSent <= 2 * hundreds, `${sendmesSent} SENDMEs`);
    assert.deepEqual(client.tor.violations.relays, []);
  },
});
