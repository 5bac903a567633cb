/** The MetricsPort of the program itself, on a network of our own relays, and `status` that asks it. */
import assert from "node:assert/strict";
import { readStatus } from "../../src/monitor/status_schema.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { CERTIFICATE_FLAG, chive, inFolder, outcome } from "./program.ts";

/** The longest that joining may take, in ms. */
const TIMEOUT = 20_000;

/** What the port answers: the status, and the text. */
async function ask(port: string, path: string): Promise<readonly [number, string]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return [response.status, await response.text()];
}

/** The value of a metric with these labels. */
function valueOf(metrics: string, sample: string): number {
  const line = metrics.split("\n").find((each) => each.startsWith(`${sample} `));
  assert.ok(line !== undefined, `no ${sample} in\n${metrics}`);
  return Number(line.slice(sample.length + 1));
}

Deno.test({
  name: "a client that runs tells how it is at its MetricsPort, and status shows it",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      await using network = await EmbeddedNetwork.start();
      const torrc = `${folder}/torrc`;
      const dataDirectory = `${folder}/data`;
      const more = ["MetricsPort auto"];
      await Deno.writeTextFile(torrc, network.clientTorrc({ dataDirectory, socksPort: 0, more }));
      await using client = chive(folder, [CERTIFICATE_FLAG], ["-f", torrc]);
      const [, port] = await client.line(
        /status page are at http:\/\/127\.0\.0\.1:(\d+)\//,
        TIMEOUT,
      );
      await client.line(/Bootstrapped 100% \(done\): Done/, TIMEOUT);

      assert.deepEqual(await ask(port, "/healthz"), [200, "ok\n"]);
      assert.deepEqual(await ask(port, "/readyz"), [200, "ready\n"]);

      const [found, metrics] = await ask(port, "/metrics");
      assert.equal(found, 200);
      assert.equal(valueOf(metrics, "chive_ready"), 1);
      assert.equal(valueOf(metrics, "chive_bootstrap_ratio"), 1);
      assert.equal(valueOf(metrics, "chive_directory_fresh"), 1);
      assert.ok(valueOf(metrics, "chive_circuits_built_total") >= 1);
      assert.ok(valueOf(metrics, "chive_read_bytes_total") > 10_000);
      assert.match(metrics, /^# TYPE chive_stream_retries_total counter$/m);

      const [known, json] = await ask(port, "/status.json");
      assert.equal(known, 200);
      const report = readStatus(json);
      assert.equal(report.health.ready, true);
      const relays = new Set(network.relays.map(({ nickname }) => nickname));
      const used = report.circuits.flatMap((circuit) => circuit.relays);
      assert.ok(used.length >= 3 && used.every(({ nickname }) => relays.has(nickname)), json);

      const [code, text] = await outcome(["status", "--metrics", port], [], folder);
      assert.equal(code, 0, text);
      assert.match(text, /^chive [\d.]+, running for \d+ s: ready\n\nGuards\n {2}guard\d \(\$/);
      assert.match(text, /\n {2}\d+ {2}guard\d \(\$[0-9A-F]{8}\) > \w+\d \(.*\) > exit\d \(/);
      const [same, shown] = await outcome(["status", "--json", "--metrics", port], [], folder);
      assert.equal(same, 0);
      assert.equal(readStatus(shown).version, report.version);

      const { code: ended } = await client.stop();
      assert.equal(ended, 0);
      const [gone, why] = await outcome(["status", "--metrics", port], [], folder);
      assert.equal(gone, 3);
      assert.match(why, /^chive: No client answers at 127\.0\.0\.1:\d+: /);
    }),
});

Deno.test({
  name: "a client that cannot reach its network lives and is not ready, and status ends with 1",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const torrc = `${folder}/torrc`;
      await using network = await EmbeddedNetwork.start();
      const text = network.clientTorrc({ dataDirectory: `${folder}/data`, socksPort: 0 });
      await network[Symbol.asyncDispose]();
      await Deno.writeTextFile(torrc, text);
      const args = ["-f", torrc, "--metrics-port", "auto"];
      await using client = chive(folder, [CERTIFICATE_FLAG], args);
      const [, port] = await client.line(
        /status page are at http:\/\/127\.0\.0\.1:(\d+)\//,
        TIMEOUT,
      );
      await client.line(/Bootstrapped 0% \(starting\)/, TIMEOUT);
      assert.deepEqual(await ask(port, "/healthz"), [200, "ok\n"]);
      const [status, why] = await ask(port, "/readyz");
      assert.equal(status, 503);
      assert.match(why, /^Bootstrapping is at \d+%: /);
      const [code, told] = await outcome(["status", "--metrics", port], [], folder);
      assert.equal(code, 1);
      assert.match(
        told,
        /^chive [\d.]+, running for \d+ s: not ready \(\d+%\)\. Bootstrapping is at/,
      );
    }),
});
