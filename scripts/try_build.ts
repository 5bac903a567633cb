/**
 * Tries an executable on the system that it is for, before it is released: its checksum, what it says
 * it is, and a download through a Tor network of embedded relays.
 *
 *     deno task try-build build x86_64-unknown-linux-gnu
 *
 * @module
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import project from "../deno.json" with { type: "json" };
import { SystemClock } from "../src/runtime/clock.ts";
import { DemoWebServer, fetchThrough, FILE_LENGTH } from "../testnet/demo_web.ts";
import { EmbeddedNetwork } from "../testnet/network.ts";
import { ChildProcess } from "../tests/network/child_process.ts";
import { BUILD_TARGETS, isTargetName } from "./build_targets.ts";

/** The longest that joining, and then the download, may take, in ms. */
const TIMEOUT = 60_000;
/** Only the exits know the web server by this name. */
const WEB_NAME = "web.test.example";

if (import.meta.main) {
  const [folder, target] = Deno.args;
  const suffix = isTargetName(target) && BUILD_TARGETS[target].os === "windows" ? ".exe" : "";
  await tryBuild(folder, `chive-${project.version}-${target}${suffix}`);
  console.log(`${target}: all is well.`);
}

/**
 * Tries one file of a folder that was built.
 *
 * @throws Error that says what is wrong
 */
export async function tryBuild(folder: string, name: string): Promise<void> {
  const program = resolve(folder, name);
  await checkDigest(folder, name);
  // Where files are kept between jobs, their modes are not.
  if (Deno.build.os !== "windows") await Deno.chmod(program, 0o755);
  await ends(program, ["--version"], 0, `chive ${project.version}`);
  await ends(program, ["--help"], 0, "Usage: chive");
  await ends(program, ["--NoSuchOption", "1"], 2, "NoSuchOption");
  await ends(program, ["--data-dir", resolve(folder, "elsewhere")], 1, "deno task compile");
  await downloads(program);
}

async function checkDigest(folder: string, name: string): Promise<void> {
  const digest = createHash("sha256").update(await Deno.readFile(`${folder}/${name}`)).digest(
    "hex",
  );
  const sums = await Deno.readTextFile(`${folder}/SHA256SUMS`);
  assert.ok(sums.split(/\r?\n/).includes(`${digest}  ${name}`), `${name} is not what was built`);
}

async function ends(
  program: string,
  args: readonly string[],
  code: number,
  says: string,
): Promise<void> {
  await using child = new ChildProcess("chive", [program, ...args]);
  assert.equal((await child.ended).code, code, child.log);
  assert.ok(child.log.includes(says), `${args.join(" ")}: ${child.log}`);
}

async function downloads(program: string): Promise<void> {
  await using web = new DemoWebServer("127.0.0.1");
  await using network = await EmbeddedNetwork.start({ names: { [WEB_NAME]: web.hostname } });
  const folder = await Deno.makeTempDir({ prefix: "chive-try-" });
  const before = Deno.cwd();
  try {
    const torrc = network.clientTorrc({ dataDirectory: "./chive-data", socksPort: 0 });
    await Deno.writeTextFile(`${folder}/torrc`, torrc);
    // The program may use the data directory of the folder in which it is started.
    Deno.chdir(folder);
    await using client = new ChildProcess("chive", [program, "-f", "torrc"]);
    const [, proxy] = await client.line(/Opened Socks listener .* on (127\.0\.0\.1:\d+)/, TIMEOUT);
    await client.line(/Bootstrapped 100% \(done\): Done/, TIMEOUT);
    const url = `http://${WEB_NAME}:${web.port}/file`;
    const signal = AbortSignal.timeout(TIMEOUT);
    const { length, sha256 } = await fetchThrough(proxy, url, new SystemClock(), signal);
    assert.deepEqual({ length, sha256 }, { length: FILE_LENGTH, sha256: web.sha256(url) });
    const { code } = await client.stop();
    // Windows has no signal that a program could answer by ending in good order.
    if (Deno.build.os !== "windows") assert.equal(code, 0, client.log);
  } finally {
    Deno.chdir(before);
    await Deno.remove(folder, { recursive: true });
  }
}
