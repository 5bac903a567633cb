/** Whole clients that start with every file of their data directory damaged. */
import assert from "node:assert/strict";
import { RunningClient } from "../../src/client/running_client.ts";
import { buildConfig } from "../../src/config/build.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { SystemClock } from "../../src/runtime/clock.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { faultsOf } from "../state/faults.ts";
import { LogLines } from "./log_lines.ts";

const ROUNDS = 3;
/** These are damaged; the lock has no bytes. */
const DAMAGED = ["cached-microdesc-consensus", "cached-certs", "cached-microdescs", "guard_state"];

Deno.test("a client whose files are all damaged starts, and has whole files again", async () => {
  await using log = await LogLines.collect();
  await using network = await EmbeddedNetwork.start({ seed: "damage" });
  const dataDirectory = await Deno.makeTempDir();
  const torrc = network.clientTorrc({ dataDirectory, socksPort: 0 });
  const { config } = buildConfig([parseTorrc(torrc, "torrc")]);
  const names = () =>
    [...Deno.readDirSync(dataDirectory)].map(({ name }) => name)
      .filter((name) => !name.includes(".corrupt-") && name !== "lock").sort();

  /** Starts a client, and stops it when it has built a circuit. */
  async function bootstrap(): Promise<void> {
    await using client = await RunningClient.start(config, {
      clock: new SystemClock(),
      random: new SeededRandom("damage"),
      network: new SystemNetwork(),
    });
    const done = Promise.withResolvers<void>();
    const patience = setTimeout(() => done.reject(new Error(log.lines.join("\n"))), 20_000);
    const stop = client.bootstrap.onProgress(({ percent }) => percent === 100 && done.resolve());
    if (client.bootstrap.done) done.resolve();
    try {
      await done.promise;
    } finally {
      clearTimeout(patience);
      stop();
    }
  }

  try {
    await bootstrap();
    const before = names();
    const random = new SeededRandom("damage");
    for (let round = 0; round < ROUNDS; round++) {
      const mark = network.events.count;
      for (const name of names()) {
        if (!DAMAGED.some((each) => name.startsWith(each))) continue;
        const file = `${dataDirectory}/${name}`;
        // In turns cut off and with one bit turned.
        const [cut, turned] = faultsOf(await Deno.readFile(file), 1, random);
        await Deno.writeFile(file, (round % 2 === 0 ? cut : turned).bytes);
      }
      await bootstrap();
      const asked = network.events.since(mark).filter(({ kind }) => kind === "directory");
      assert.ok(asked.length > 0, "something was fetched again");
      for (const name of before) {
        assert.ok(names().includes(name) || name.endsWith(".new"), `${name} is there again`);
      }
    }
    assert.ok(log.count("guard_state.json makes no sense") > 0);
  } finally {
    await Deno.remove(dataDirectory, { recursive: true });
  }
});
