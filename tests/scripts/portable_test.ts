/** A portable archive, from its build to a download through a network of real C tor relays. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import project from "../../deno.json" with { type: "json" };
import type { CTorNetwork } from "../network/c_tor_network.ts";
import { ChildProcess } from "../network/child_process.ts";
import { freePort } from "../network/free_port.ts";
import { httpGet } from "../network/http_client.ts";
import { socks5Connect } from "../network/socks_client.ts";
import { bodySha256 } from "../network/test_body.ts";
import { missingForWorld, World } from "../network/world.ts";
import { inFolder, ROOT, runTask } from "./project_task.ts";

/** The longest that any of this may take, in ms. */
const TIMEOUT = 60_000;
/** Bytes of the download. */
const LENGTH = 4_000_000;

const missing = await missingForWorld();
const mustRun = Deno.env.get("CI") === "true" && Deno.build.os === "linux";

/** Runs a command as a user who owns nothing. */
const UNPRIVILEGED = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

/** An archive where a user has put it. */
interface Unpacked {
  /** The folder that the user is in. */
  readonly here: string;
  readonly home: string;
  readonly launcher: string;
}

Deno.test({
  name: "a portable archive, unpacked and run with nothing else",
  ignore: Deno.build.os === "windows",
  fn: (t) =>
    inFolder(async (folder) => {
      const { code, stdout, stderr } = await runTask("compile", ["--portable", "--output", folder]);
      assert.equal(code, 0, stderr);
      const name = `chive-${project.version}-${Deno.build.target}`;
      assert.match(stdout, new RegExp(`${name}\\.tar\\.gz: \\d+\\.\\d MiB`));
      const unpacked = {
        here: `${folder}/the user's folder`,
        home: `${folder}/home`,
        launcher: `${folder}/opt/${name}/chive`,
      };
      for (const made of [unpacked.here, unpacked.home, `${folder}/opt`]) await Deno.mkdir(made);
      const tar = { args: ["-xzf", `${folder}/${name}.tar.gz`, "-C", `${folder}/opt`] };
      assert.equal((await new Deno.Command("tar", tar).output()).code, 0);
      const files = await namesBelow(`${folder}/opt`);
      assert.ok(files.includes(`${name}/chive`) && files.includes(`${name}/lib/deno`));

      await t.step("it runs where nobody may write", () => readOnly(unpacked));
      await t.step("it says what it is, and ends with the program's exit codes", () =>
        codes(unpacked));
      await t.step("no path of the machine is in it", () =>
        places(`${folder}/opt/${name}/lib/program`));
      await t.step({
        name: `a download through C tor${missing === undefined ? "" : ` (skipped: ${missing})`}`,
        ignore: missing !== undefined && !mustRun,
        fn: () =>
          download(unpacked),
      });
      await t.step(
        "nothing was written but its data directory, and Deno's cache in it",
        async () => {
          assert.deepEqual(await namesBelow(unpacked.home), []);
          const left = await namesBelow(`${folder}/opt`);
          const cache = `${name}/lib/cache/`;
          assert.deepEqual(
            left.filter((path) =>
              !path.startsWith(cache)
            ),
            files,
          );
          const written = await namesBelow(unpacked.here);
          const beside = written.filter((path) => !path.startsWith("chive-data/"));
          assert.deepEqual(beside, missing === undefined ? ["torrc"] : []);
        },
      );
    }),
});

async function codes(unpacked: Unpacked): Promise<void> {
  const outcomes: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
    [["--version"], 0, new RegExp(`^chive ${project.version} \\(`, "m")],
    [["--help"], 0, /^Usage: chive/m],
    [["--SockPort", "9150"], 2, /'--SocksPort'/],
    [["--data-dir", "elsewhere"], 1, / 'deno task compile --portable --data-dir elsewhere'/],
    [["--Log", "notice file /nowhere/log"], 1, / --allow-write=\/nowhere\/log'/],
    [["-f", "/etc/passwd"], 2, / --allow-read=\/etc\/passwd'/],
  ];
  for (const [args, code, says] of outcomes) {
    await using child = start(unpacked, args);
    assert.equal((await child.ended).code, code, child.log);
    assert.match(child.log, says);
  }
}

/** Tests often run as root, whom no mode keeps from writing: the program then runs as another user. */
async function readOnly(unpacked: Unpacked): Promise<void> {
  const folder = unpacked.launcher.replace(/\/chive$/, "");
  const outer = folder.replace(/\/opt\/[^/]*$/, "");
  const changeModes = async (mode: string) => {
    const { success } = await new Deno.Command("chmod", { args: ["-R", mode, folder] }).output();
    assert.ok(success);
  };
  await Deno.chmod(outer, 0o755);
  await changeModes("a-w");
  try {
    const user = Deno.uid() === 0 && Deno.build.os === "linux" ? UNPRIVILEGED : [];
    await using child = start(unpacked, ["--version"], user);
    assert.equal((await child.ended).code, 0, child.log);
    assert.match(child.log, /^chive /m);
    assert.ok(!(await namesBelow(folder)).some((path) => path.startsWith("lib/cache/")));
  } finally {
    await changeModes("u+w");
  }
}

async function places(program: string): Promise<void> {
  for (const name of await namesBelow(program)) {
    const text = await Deno.readTextFile(`${program}/${name}`);
    for (const place of [ROOT, "chive-build-", "registry.npmjs.org", "/.deno/"]) {
      assert.ok(!text.includes(place), `${name} has ${place}`);
    }
  }
}

async function download(unpacked: Unpacked): Promise<void> {
  assert.equal(missing, undefined, "everything that the real network needs is here");
  await using world = await World.start();
  const socks = { hostname: "127.0.0.1", port: freePort("127.0.0.1") };
  const metricsPort = freePort("127.0.0.1");
  const options: Parameters<CTorNetwork["clientTorrc"]>[0] = {
    dataDirectory: "./chive-data",
    socksPort: socks.port,
    more: ["DNSPort auto", `MetricsPort 127.0.0.1:${metricsPort}`],
  };
  await Deno.writeTextFile(`${unpacked.here}/torrc`, world.network.clientTorrc(options));
  await using client = start(unpacked, ["-f", "torrc"]);
  await client.line(/Bootstrapped 100% \(done\): Done/, TIMEOUT);
  const conn = await socks5Connect(socks, world.target);
  const { length, sha256 } = await httpGet(conn, `/bytes/${LENGTH}?seed=1`);
  assert.deepEqual({ length, sha256 }, { length: LENGTH, sha256: bodySha256(LENGTH, 1) });
  // What is loaded only when it is needed is in the archive, too.
  await client.line(/Opened DNS listener/, TIMEOUT);
  const metrics = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  assert.match(await metrics.text(), /^chive_/m);
  await using status = start(unpacked, ["status", "--metrics", `${metricsPort}`]);
  assert.equal((await status.ended).code, 0, status.log);
  client.signal("SIGTERM");
  assert.equal((await client.ended).code, 0, client.log);
  const { hostname, port } = world.target;
  const url = `http://${hostname}:${port}/bytes/1000?seed=2`;
  await using fetched = start(unpacked, ["fetch", "-f", "torrc", "-o", "chive-data/body", url]);
  assert.equal((await fetched.ended).code, 0, fetched.log);
  const body = await Deno.readFile(`${unpacked.here}/chive-data/body`);
  assert.equal(createHash("sha256").update(body).digest("hex"), bodySha256(1000, 2));
}

/** Starts it with an environment that has nothing but an empty home. */
function start(
  { here, home, launcher }: Unpacked,
  args: readonly string[],
  before: readonly string[] = [],
): ChildProcess {
  return new ChildProcess("chive", [
    ...["env", "-i", `HOME=${home}`, "PATH=/usr/bin:/bin", "sh", "-c"] as const,
    ...['cd "$0" && exec "$@"', here, ...before, launcher, ...args],
  ]);
}

async function namesBelow(folder: string, below = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)) {
    if (isDirectory) names.push(...await namesBelow(folder, `${below}${name}/`));
    else names.push(below + name);
  }
  return names.toSorted();
}
