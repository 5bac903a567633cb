import assert from "node:assert/strict";
import { VERSION } from "../../src/cli/version.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { ChildProcess } from "../network/child_process.ts";
import { CERTIFICATE_FLAG, chive, chiveCommand, inFolder, outcome } from "./program.ts";

/** The longest that any of this may take, in ms. */
const TIMEOUT = 20_000;

Deno.test("--help and --version answer and end with 0", async () => {
  const [help, text] = await outcome(["--help"], []);
  assert.equal(help, 0);
  assert.match(text, /^Point your application at SOCKS5 127\.0\.0\.1:9050/);
  assert.deepEqual(await outcome(["--version"], []), [0, `chive ${VERSION}`]);
});

Deno.test("a wrong option ends with 2 and one line that names the nearest", async () => {
  const [code, text] = await outcome(["--SockPort", "9150"]);
  assert.equal(code, 2);
  assert.match(text, /^chive: .*'--SockPort'.*'--SocksPort'.*$/);
});

Deno.test("an option of relays ends with 2 and says that chive is a client", async () => {
  const [code, text] = await outcome(["--ORPort", "9001"]);
  assert.equal(code, 2);
  assert.match(text, /^chive: .*chive is a client.*$/);
});

Deno.test("without the certificate flag, or without its list, it ends with 1 and names the flag", async () => {
  for (const flags of [[], ["--unsafely-ignore-certificate-errors"]]) {
    const [code, text] = await outcome(["--Log", "warn stdout"], flags);
    assert.equal(code, 1);
    const lines = text.split("\n").filter((line) => line !== "");
    assert.equal(lines.length, 1, text);
    assert.ok(lines[0].includes(CERTIFICATE_FLAG), text);
  }
});

Deno.test("without permission for the network it ends with 1 and one line that names the flag", () =>
  inFolder(async (folder) => {
    const command = chiveCommand(folder, [CERTIFICATE_FLAG], ["--Log", "warn stdout"]);
    const [program, ...args] = command.filter((word) => word !== "--allow-net");
    await using child = new ChildProcess("chive", [program, ...args]);
    const { code } = await child.ended;
    assert.equal(code, 1);
    const lines = child.log.split("\n").filter((line) => !line.includes("DANGER: TLS"));
    assert.equal(lines.length, 1, child.log);
    assert.match(lines[0], /^chive: Deno: .*--allow-net.* 'deno task start'\.$/);
  }));

Deno.test("a data directory that is not permitted ends with 1 and names the missing flag", async () => {
  await inFolder(async (folder) => {
    const args = ["--data-dir", `${folder}-other`, "--Log", "warn stdout"];
    const [code, text] = await outcome(args, [CERTIFICATE_FLAG], folder);
    assert.equal(code, 1);
    assert.match(text, /^chive: .*--allow-(read|write).*$/);
  });
});

Deno.test("a country file that is not permitted ends with 2 and names the whole flag", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}-geoip`;
    const args = ["--data-dir", folder, "--ExcludeNodes", "{de}", "--GeoIPFile", file];
    const [code, text] = await outcome(
      [...args, "--Log", "err stdout"],
      [CERTIFICATE_FLAG],
      folder,
    );
    assert.equal(code, 2);
    assert.match(text, /^chive: .*country file.*$/);
    assert.ok(text.includes(` --allow-read=${file} `), text);
  });
});

Deno.test("a port that is taken ends with 2 and one line", async () => {
  await inFolder(async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const args = ["--data-dir", folder, "--socks-port", `${taken.addr.port}`];
    const [code, text] = await outcome([...args, "--Log", "warn stdout"], undefined, folder);
    assert.equal(code, 2);
    assert.match(text, /^chive: command line: cannot open the SocksPort on 127\.0\.0\.1:\d+: .*$/);
  });
});

Deno.test("a MetricsPort that is taken ends with 2 before anything is started", async () => {
  await inFolder(async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const data = `${folder}/data`;
    const args = ["--data-dir", data, "--SocksPort", "auto", "--metrics-port"];
    const [code, text] = await outcome(
      [...args, `${taken.addr.port}`, "--Log", "warn stdout"],
      undefined,
      folder,
    );
    assert.equal(code, 2, text);
    assert.match(text, /^chive: [^\n]*MetricsPort[^\n]*$/);
    await assert.rejects(Deno.stat(data), Deno.errors.NotFound);
  });
});

Deno.test("a torrc that cannot be read ends with 2, one line and nothing started", async () => {
  await inFolder(async (folder) => {
    const data = `${folder}/data`;
    for (const [file, says] of [["missing", /No such file/], [".", /directory/]] as const) {
      const args = ["-f", `${folder}/${file}`, "--data-dir", data];
      const [code, text] = await outcome(args, undefined, folder);
      assert.equal(code, 2, text);
      assert.match(text, /^chive: command line: Cannot read the configuration file [^\n]*$/);
      assert.match(text, says);
    }
    const [code, text] = await outcome(["-f", `${folder}-other`], undefined, folder);
    assert.equal(code, 2);
    assert.ok(text.includes(` --allow-read=${folder}-other `), text);
    await assert.rejects(Deno.stat(data), Deno.errors.NotFound);
  });
});

Deno.test({
  name: "a client ends with 0 at the first signal, and a second client must wait for its folder",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      await using network = await EmbeddedNetwork.start();
      const torrc = `${folder}/torrc`;
      const text = network.clientTorrc({ dataDirectory: `${folder}/data`, socksPort: 0 });
      await Deno.writeTextFile(torrc, text);
      await using first = chive(folder, [CERTIFICATE_FLAG], ["-f", torrc]);
      await first.line(/Bootstrapped 100% \(done\): Done/, TIMEOUT);
      const [code, said] = await outcome(["-f", torrc], undefined, folder);
      assert.equal(code, 1);
      assert.match(said, /chive: .*data directory/);
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        // The same signal twice within a moment, as task runners send it, is one.
        first.signal(signal);
      }
      assert.equal((await first.ended).code, 0);
      assert.match(first.log, /Stopping/);
      await using next = chive(folder, [CERTIFICATE_FLAG], ["-f", torrc]);
      await next.line(/Bootstrapped 100% \(done\): Done/, TIMEOUT);
    }),
});
