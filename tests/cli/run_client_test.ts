/** A client that runs, and what is done with it: status, signals, doctor, a terminal. */
import assert from "node:assert/strict";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { type ChildProcess, isInstalled } from "../network/child_process.ts";
import { freePort } from "../network/free_port.ts";
import { CERTIFICATE_FLAG, chive, chiveCommand, inFolder, outcome } from "./program.ts";

/** The longest that any of this may take, in ms. */
const TIMEOUT = 20_000;

const ON_WINDOWS = Deno.build.os === "windows";

/** A client with a MetricsPort, and its torrc. */
interface Running {
  readonly folder: string;
  readonly torrc: string;
  readonly metricsPort: number;
  readonly client: ChildProcess;
  /** Writes the torrc anew, with these lines in place of `Log notice stdout`. */
  configure(...lines: readonly string[]): Promise<void>;
}

async function withClient(test: (running: Running) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await using network = await EmbeddedNetwork.start();
    const torrc = `${folder}/torrc`;
    const metricsPort = freePort("127.0.0.1");
    const usual = network.clientTorrc({
      dataDirectory: `${folder}/data`,
      socksPort: freePort("127.0.0.1"),
      more: [`MetricsPort ${metricsPort}`],
    });
    const configure = (...lines: readonly string[]) =>
      Deno.writeTextFile(torrc, usual.replace("Log notice stdout", lines.join("\n")));
    await configure("Log notice stdout");
    await using client = chive(folder, [CERTIFICATE_FLAG], ["-f", torrc]);
    await client.line(/Bootstrapped 100% \(done\): Done/, TIMEOUT);
    await test({ folder, torrc, metricsPort, client, configure });
  });
}

Deno.test("status asks a running client; without one it ends with 3", () =>
  withClient(async ({ folder, torrc, metricsPort, client }) => {
    const [code, text] = await outcome(["status", "-f", torrc], undefined, folder);
    assert.equal(code, 0, text);
    assert.match(text, /^chive \S+, running for \d+ s: ready\n/);
    assert.match(text, /\nGuards\n {2}guard\d \(\$[0-9A-F]{8}\) {2}primary, /);
    assert.match(text, /\nCircuits: \d+ open,.*\n {2}\d+ {2}guard\d \(\S+\) > \S+ \(\S+\) > exit/);
    const [json, report] = await outcome(["status", "--json", "--metrics", `${metricsPort}`], []);
    assert.equal(json, 0);
    assert.equal(JSON.parse(report).health.ready, true);
    const [doctor, findings] = await outcome(["doctor", "-f", torrc], undefined, folder);
    assert.equal(doctor, 0, findings);
    assert.match(findings, /^ok {7}A client that runs now uses the data directory/m);
    assert.match(findings, /^ok {7}SocksPort \S+ is in use, as it seems by the client that runs/m);
    assert.match(findings, /^ok {7}The clock says .*, as the consensus does/m);
    assert.match(findings, /^ok {7}All \d+ directory servers that were tried accept connections/m);
    await client.stop();
    const [gone, why] = await outcome(["status", "-f", torrc], undefined, folder);
    assert.equal(gone, 3);
    assert.match(why, /^chive: No client answers at [^\n]*$/);
  }));

Deno.test({
  name: "SIGUSR1 logs statistics",
  ignore: ON_WINDOWS,
  fn: () =>
    withClient(async ({ client }) => {
      client.signal("SIGUSR1");
      await client.line(/\[notice\] Circuits: \d+ used and \d+ unused open/, TIMEOUT);
      await client.line(/\[notice\] Memory: /, TIMEOUT);
    }),
});

Deno.test({
  name: "SIGHUP reads the configuration again: what can change does, what cannot is named",
  ignore: ON_WINDOWS,
  fn: () =>
    withClient(async ({ folder, client, metricsPort, configure }) => {
      const other = freePort("127.0.0.1");
      const file = `${folder}/log`;
      await configure(
        "Log notice stdout",
        `Log notice file ${file}`,
        `MetricsPort ${other}`,
        "MaxCircuitDirtiness 5 minutes",
      );
      client.signal("SIGHUP");
      await client.line(/In use from now on: Log, MetricsPort\./, TIMEOUT);
      await client.line(/\[warn\].*only after a restart: MaxCircuitDirtiness\./, TIMEOUT);
      assert.match(await Deno.readTextFile(file), /only after a restart: MaxCircuitDirtiness/);
      for (const port of [metricsPort, other]) {
        const [code] = await outcome(["status", "--metrics", `${port}`], []);
        assert.equal(code, 0, `${port}`);
      }

      await configure("Log notice stdout", "SocksPort nonsense");
      client.signal("SIGHUP");
      await client.line(/\[warn\] The configuration is as it was: .*torrc, line \d+: /, TIMEOUT);
      await configure("Log notice stdout", `Log notice file ${folder}/none/log`);
      client.signal("SIGHUP");
      await client.line(/\[warn\] The configuration is as it was: .*log file/, TIMEOUT);

      // As those do that put log files aside.
      await Deno.rename(file, `${file}.old`);
      await configure("Log info stdout", `Log notice file ${file}`, `MetricsPort ${other}`);
      client.signal("SIGHUP");
      await client.line(/log files were opened anew\. In use from now on: Log\.$/, TIMEOUT);
      assert.match(await Deno.readTextFile(file), /was read again/);
      assert.equal((await client.stop()).code, 0);
    }),
});

const hasTerminal = await isInstalled("script");

/** What a terminal gets from a client that joins the network, shows `last` and gets Ctrl-C. */
async function onTerminal(
  last: RegExp,
  env: readonly string[],
  ...args: readonly string[]
): Promise<string> {
  let text = "";
  await inFolder(async (folder) => {
    await using network = await EmbeddedNetwork.start();
    const torrc = `${folder}/torrc`;
    const options = { dataDirectory: `${folder}/data`, socksPort: 0 };
    await Deno.writeTextFile(torrc, network.clientTorrc(options));
    const command = chiveCommand(folder, [CERTIFICATE_FLAG], ["-f", torrc, ...args]);
    const quoted = command.map((word) => `'${word}'`);
    const child = new Deno.Command("script", {
      args: ["-qefc", ["exec", "env", "-u", "NO_COLOR", ...env, ...quoted].join(" "), "/dev/null"],
      signal: AbortSignal.timeout(TIMEOUT),
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const keyboard = child.stdin.getWriter();
    let stopped = false;
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (stopped || !last.test(text)) continue;
      stopped = true;
      await keyboard.write(Uint8Array.of(3));
    }
    await keyboard.close().catch(() => {});
    assert.equal((await child.status).code, 0, text);
  });
  return text;
}

/** Clears the screen from the cursor on, as the display does before each change. */
const CLEAR = "\x1b[J";

Deno.test({
  name: "on a terminal the last lines show how far it is, below the log",
  ignore: !hasTerminal,
  fn: async () => {
    const text = await onTerminal(/Ready {3}SOCKS [^]*Circuits \d/, []);
    assert.match(text, /\[#+-+\] {1,3}\d+% \w/);
    assert.ok(text.includes(CLEAR));
    assert.match(text, /\[notice\] Bootstrapped 100% \(done\): Done\r\n/);
    // In the end the display is gone, and the last log line stays.
    assert.match(
      text.slice(text.lastIndexOf(CLEAR)),
      // deno-lint-ignore no-control-regex -- commands of the terminal are what is looked for
      /^\S+\w+ \d+ .*\[notice\] Stopping: [^\x1b]*$/,
    );
  },
});

for (
  const [name, env, args] of [
    ["with --no-tty", [], ["--no-tty"]],
    ["with NO_COLOR", ["NO_COLOR=1"], []],
    ["with log lines of JSON", [], ["--log-format", "json"]],
  ] as const
) {
  Deno.test({
    name: `${name}, a terminal gets plain lines`,
    ignore: !hasTerminal,
    fn: async () => {
      const text = await onTerminal(/Bootstrapped 100%/, env, ...args);
      const lines = text.split("\n").filter((line) => !line.includes("DANGER: TLS"));
      assert.ok(!lines.join("").includes("\x1b"), text);
    },
  });
}
