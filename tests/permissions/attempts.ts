/**
 * Loaded into a client before its own code, this tries, on SIGUSR2, what a client must not be able to
 * do, and prints one line of JSON: what came of each attempt. It runs in the client's own process,
 * with the client's own permissions.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";

/** What came of one attempt: `allowed`, or the name of what was thrown. */
export type Outcomes = Readonly<Record<string, string>>;

/** What the line with the outcomes begins with. */
export const OUTCOMES = "outcomes of attempts: ";

const DATA = "chive-data";
const OUTSIDE = "outside";

/** Each of these must be refused. */
const FORBIDDEN: Readonly<Record<string, () => unknown>> = {
  "write beside the data directory": () => Deno.writeTextFileSync(`${OUTSIDE}/new`, "x"),
  "write by a path that leaves it": () => Deno.writeTextFileSync(`${DATA}/../${OUTSIDE}/new`, "x"),
  "write with node:fs": () => writeFileSync(`${OUTSIDE}/new`, "x"),
  "append to a file outside": () =>
    Deno.writeTextFileSync(`${OUTSIDE}/file`, "x", { append: true }),
  "write to its configuration file": () => Deno.writeTextFileSync("torrc", "x"),
  "write beside, under a name that begins alike": () => Deno.writeTextFileSync(`${DATA}2`, "x"),
  "create a folder outside": () => Deno.mkdirSync(`${OUTSIDE}/folder`),
  "remove a file outside": () => Deno.removeSync(`${OUTSIDE}/file`),
  "move a file out": () => Deno.renameSync(`${DATA}/own`, `${OUTSIDE}/own`),
  "move a file in": () => Deno.renameSync(`${OUTSIDE}/file`, `${DATA}/file`),
  "copy a file out": () => Deno.copyFileSync(`${DATA}/own`, `${OUTSIDE}/own`),
  "change the mode of a file outside": () => Deno.chmodSync(`${OUTSIDE}/file`, 0o777),
  "create a temporary file": () => Deno.makeTempFileSync(),
  "lay a link from the data directory": () => Deno.symlinkSync("../outside", `${DATA}/link`),
  "lay a link with node:fs": () => symlinkSync("../outside", `${DATA}/link`),
  "lay a hard link into the data directory": () =>
    Deno.linkSync(`${OUTSIDE}/file`, `${DATA}/hard-link`),
  "read /etc/passwd": () => Deno.readTextFileSync("/etc/passwd"),
  "read /etc/passwd with node:fs": () => readFileSync("/etc/passwd"),
  "read a file outside": () => Deno.readTextFileSync(`${OUTSIDE}/file`),
  "list the folder above": () => [...Deno.readDirSync(".")],
  "read its own environment from /proc": () => Deno.readTextFileSync("/proc/self/environ"),
  "read a variable of the environment": () => Deno.env.get("HOME"),
  "read all of the environment": () => Deno.env.toObject(),
  "set a variable of the environment": () => Deno.env.set("PATH", "/"),
  "read a variable with node:process": () => {
    // What is refused there looks as if it were not set.
    if (process.env.HOME === undefined) throw new Deno.errors.NotCapable("hidden");
  },
  "start a process": () => new Deno.Command("true").outputSync(),
  "start Deno": () => new Deno.Command(Deno.execPath(), { args: ["--version"] }).outputSync(),
  "start a process with node:child_process": () => {
    const { error } = spawnSync("true");
    if (error !== undefined) throw error;
  },
  "load a library": () => Deno.dlopen("libc.so.6", {}),
  "load an addon": () => process.dlopen({ exports: {} }, `${DATA}/addon.node`),
  "ask for the host's name": () => Deno.hostname(),
  "ask for the host's name with node:os": () => hostname(),
  "ask for the user": () => Deno.uid(),
  "signal another process": () => Deno.kill(Deno.ppid, "SIGCONT"),
};

/** Each of these must work: else the ones above could fail for reasons of their own. */
const PERMITTED: Readonly<Record<string, () => unknown>> = {
  "write into the data directory": () => Deno.writeTextFileSync(`${DATA}/own`, "x"),
  "read it again": () => Deno.readTextFileSync(`${DATA}/own`),
  "read its configuration file": () => Deno.readTextFileSync("torrc"),
  "read a variable that it needs": () => Deno.env.get("JEST_WORKER_ID"),
  "listen": () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
};

/** The names of what must be refused, and of what must work. */
export const FORBIDDEN_NAMES: readonly string[] = Object.keys(FORBIDDEN);
export const PERMITTED_NAMES: readonly string[] = Object.keys(PERMITTED);

function outcomeOf(attempt: () => unknown): string {
  try {
    attempt();
    return "allowed";
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

async function outcomes(): Promise<Outcomes> {
  const found: Record<string, string> = {};
  for (const [name, attempt] of Object.entries({ ...PERMITTED, ...FORBIDDEN })) {
    found[name] = outcomeOf(attempt);
  }
  for (const name of ["run", "ffi", "sys", "env", "read", "write", "import"] as const) {
    const { state } = await Deno.permissions.request({ name });
    found[`ask for ${name}`] = state;
  }
  return found;
}

// The tests themselves import the names.
if (Deno.permissions.querySync({ name: "run" }).state !== "granted") {
  Deno.addSignalListener("SIGUSR2", async () => {
    console.log(OUTCOMES + JSON.stringify(await outcomes()));
  });
}
