/** What a client that runs with the permissions of deno.json cannot do, tried in its own process. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import project from "../../deno.json" with { type: "json" };
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { ChildProcess } from "../network/child_process.ts";
import { START_FLAGS, startFlags } from "../network/start_flags.ts";
import { FORBIDDEN_NAMES, OUTCOMES, type Outcomes, PERMITTED_NAMES } from "./attempts.ts";

/** The longest that any of this may take, in ms. */
const TIMEOUT = 20_000;

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const ATTEMPTS = fileURLToPath(new URL("attempts.ts", import.meta.url));

/** What is said of the permission wherever something is refused. */
const REFUSALS = new Set(["NotCapable", "denied", "prompt"]);

/** One way in which a client is started, in the folder that has its data directory. */
interface Launch {
  readonly flags: readonly string[];
  /** What the others may do, and this one not. */
  readonly lacks: readonly string[];
}

const LAUNCHES: Readonly<Record<string, Launch>> = {
  "the set of deno.json": { flags: [...START_FLAGS, "--permission-set"], lacks: [] },
  "the same as flags": { flags: startFlags(), lacks: [] },
  "flags as people write them": {
    flags: [
      ...["--no-prompt", "--allow-net", "--allow-read=./chive-data,./torrc"],
      ...["--allow-write=./chive-data", "--unsafely-ignore-certificate-errors=192.0.2.1"],
    ],
    lacks: ["read a variable that it needs"],
  },
};

for (const [name, { flags, lacks }] of Object.entries(LAUNCHES)) {
  Deno.test({
    name: `a running client is confined by ${name}`,
    ignore: Deno.build.os === "windows",
    fn: () =>
      inFolder(async (folder) => {
        await using network = await EmbeddedNetwork.start();
        const torrc = network.clientTorrc({ dataDirectory: "./chive-data", socksPort: 0 });
        await Deno.writeTextFile(`${folder}/torrc`, torrc);
        const all = [...flags, "--config", "deno.json", "--preload", ATTEMPTS];
        await using client = start(folder, all, ["-f", "torrc", "--data-dir", "./chive-data"]);
        await client.line(/Bootstrapped 100% \(done\): Done/, TIMEOUT);
        client.signal("SIGUSR2");
        const [, json] = await client.line(new RegExp(`${OUTCOMES}(.*)$`), TIMEOUT);
        const outcomes: Outcomes = JSON.parse(json);
        for (const attempt of PERMITTED_NAMES) {
          assert.equal(outcomes[attempt] === "allowed", !lacks.includes(attempt), attempt);
        }
        const forbidden = Object.entries(outcomes)
          .filter(([attempt]) => !PERMITTED_NAMES.includes(attempt));
        assert.ok(forbidden.length > FORBIDDEN_NAMES.length);
        const allowed = forbidden.filter(([, outcome]) => !REFUSALS.has(outcome));
        assert.deepEqual(allowed, []);
        assert.equal(await Deno.readTextFile(`${folder}/outside/file`), "as it was");
        assert.deepEqual(await namesIn(`${folder}/outside`), ["file"]);
        assert.deepEqual(
          await namesIn(folder),
          ["chive-data", "deno.json", "deno.lock", "outside", "torrc"],
        );
      }),
  });
}

Deno.test({
  name: "on a terminal nothing is asked: what is not granted fails at once",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (folder) => {
      const command = project.tasks.start.command.replace(/^deno /, `'${Deno.execPath()}' `)
        .replace(/ main\.ts$/, ` --config deno.json '${MAIN}' --data-dir ./elsewhere`);
      // It gives the command a terminal, and passes its exit code on.
      const args = ["--quiet", "--return", "--command", command, "/dev/null"];
      const { code, stdout } = await new Deno.Command("script", {
        args,
        cwd: folder,
        stdin: "null",
      })
        .output();
      const said = new TextDecoder().decode(stdout);
      assert.equal(code, 1, said);
      assert.match(said, /--allow-read=\.\/elsewhere --allow-write=\.\/elsewhere/);
      assert.doesNotMatch(said, /Allow\?|\[y\/n/);
    }),
});

/** Starts the client in a folder. */
function start(folder: string, flags: readonly string[], args: readonly string[]): ChildProcess {
  const command = [Deno.execPath(), "run", ...flags, MAIN, ...args];
  // The paths of a set are those of its file's folder, those of flags the ones where it is started.
  return new ChildProcess("chive", ["env", "--chdir", folder, ...command]);
}

/** A folder with the project's deno.json and what it locks, and with something outside of the data directory. */
async function inFolder(action: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "chive-permissions-" });
  try {
    for (const name of ["deno.json", "deno.lock"]) {
      await Deno.copyFile(new URL(`../../${name}`, import.meta.url), `${folder}/${name}`);
    }
    await Deno.mkdir(`${folder}/outside`);
    await Deno.writeTextFile(`${folder}/outside/file`, "as it was");
    await action(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).toSorted();
}
