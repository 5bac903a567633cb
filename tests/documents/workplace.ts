/**
 * Where commands of the documents are run: with a copy of the project as the current folder, a home
 * of their own, and a Tor network of their own. The kernel sees to it that they reach nothing else:
 * they are in a network namespace with a loopback interface alone. Where the system does not let us
 * make one, they share this machine's loopback interface; the torrc keeps them on the Tor network.
 *
 * | path below the root | what it is                                                             |
 * | ------------------- | ---------------------------------------------------------------------- |
 * | `project/`          | the copy, with a `torrc` that joins the network                         |
 * | `home/`             | HOME; `home/chive/torrc` is the same file                               |
 * | `deno/`             | DENO_DIR; packages are those of the real one, all else begins empty     |
 * | `web.pem`            | the certificate of the web servers                                      |
 *
 * @module
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleProgram } from "../../scripts/program_bundle.ts";
import { ChildProcess, isInstalled, run } from "../network/child_process.ts";
import { PROJECT } from "./documents.ts";

/** How a command has ended. */
export interface Outcome {
  readonly code: number;
  /** Of both its outputs. */
  readonly output: string;
}

/** The longest that the network may take to be up, in ms. */
const START_TIMEOUT = 20_000;
/** The longest that a command may take, in seconds. */
const COMMAND_TIMEOUT = 40;

/** What is beside the project's files and not of it. */
const NOT_COPIED = new Set(["build", "chive-data", "chive-demo", "coverage", "node_modules"]);

const IN_NAMESPACE = [
  ...["unshare", "--map-root-user", "--net", "--"] as const,
  ...["sh", "-c", 'ip link set lo up && exec "$@"', "--"],
] as const;

/** What keeps commands from being run here, if anything does. */
export async function missingForWorkplace(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "it needs Linux";
  for (const program of ["bash", "curl", "setpriv"]) {
    if (!await isInstalled(program)) return `${program} is not installed`;
  }
  return undefined;
}

async function canIsolate(): Promise<boolean> {
  for (const program of ["ip", "nsenter", "unshare"]) {
    if (!await isInstalled(program)) return false;
  }
  const [program, ...args] = IN_NAMESPACE;
  const { success } = await new Deno.Command(program, {
    args: [...args, "true"],
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

/** A place to run commands; disposing of it ends what runs there and removes it. */
export class Workplace implements AsyncDisposable {
  readonly #root: string;
  /** The beginning of commands that are to be where the network is. */
  readonly #enter: readonly string[];
  readonly #torrc: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    root: string,
    enter: readonly string[],
    torrc: string,
    resources: AsyncDisposableStack,
  ) {
    this.#root = root;
    this.#enter = enter;
    this.#torrc = torrc;
    this.#resources = resources;
  }

  /** Starts the network, and makes the place but for the copy: see {@link renew}. */
  static async start(): Promise<Workplace> {
    await using starting = new AsyncDisposableStack();
    const root = await Deno.makeTempDir({ prefix: "chive-documents-" });
    starting.defer(() => Deno.remove(root, { recursive: true }));
    const program = fileURLToPath(new URL("network_process.ts", import.meta.url));
    const flag = "--unsafely-ignore-certificate-errors=192.0.2.1";
    const isolated = await canIsolate();
    const command = [
      // Ends it when this process is gone, even by SIGKILL.
      ...["setpriv", "--pdeathsig", "KILL", "--"] as const,
      ...[Deno.execPath(), "run", "--quiet", "--no-prompt", "--allow-all", flag, program],
    ] as const;
    const network = starting.use(
      new ChildProcess("the network", isolated ? [...IN_NAMESPACE, ...command] : [...command]),
    );
    const enter = isolated
      ? ["nsenter", "--user", "--net", "--preserve-credentials", "--target", `${network.pid}`, "--"]
      : [];
    const [, told] = await network.line(/^ready (.*)$/, START_TIMEOUT);
    const { torrc, certificate } = JSON.parse(told);
    await Deno.writeTextFile(`${root}/web.pem`, certificate);
    await Deno.mkdir(`${root}/deno`);
    const { denoDir } = JSON.parse(await run([Deno.execPath(), "info", "--json"]));
    // What commands import must be there: they reach no registry.
    const programs = ["main.ts", "scripts/compile.ts", "testnet/demo.ts"];
    await run([
      Deno.execPath(),
      ...["cache", "--quiet"],
      ...programs.map((path) => new URL(path, PROJECT).href),
    ]);
    // A build takes a bundler besides.
    const build = { form: "portable", dataDirectory: "./chive-data" } as const;
    await (await bundleProgram(fileURLToPath(PROJECT), build))[Symbol.asyncDispose]();
    for (const name of ["npm", "dl"]) {
      await Deno.symlink(`${denoDir}/${name}`, `${root}/deno/${name}`);
    }
    return new Workplace(root, enter, torrc, starting.move());
  }

  /** The folder in which commands are run. */
  get folder(): string {
    return `${this.#root}/project`;
  }

  /** What a torrc must say to join the network. */
  get torrc(): string {
    return this.#torrc;
  }

  /** Copies the project anew, and empties the home. */
  async renew(): Promise<void> {
    const home = `${this.#root}/home`;
    for (const folder of [this.folder, home]) {
      await Deno.remove(folder, { recursive: true }).catch(() => {});
    }
    await Deno.mkdir(this.folder);
    await Deno.mkdir(`${home}/chive`, { recursive: true });
    const names: string[] = [];
    for await (const { name } of Deno.readDir(PROJECT)) {
      if (!name.startsWith(".") && !NOT_COPIED.has(name)) names.push(name);
    }
    const from = fileURLToPath(PROJECT);
    await run(["cp", "-R", ...names.map((name) => from + name), this.folder]);
    await Deno.writeTextFile(`${this.folder}/torrc`, this.#torrc);
    await Deno.writeTextFile(`${home}/chive/torrc`, this.#torrc);
  }

  /** Runs a script of bash to its end; a command in it that fails ends it. */
  async run(script: string): Promise<Outcome> {
    await using child = this.start(script);
    const { code } = await child.ended;
    return { code, output: child.log };
  }

  /** Starts a script of bash. It and all that it has started ends when the time for it is up. */
  start(script: string): ChildProcess {
    return new ChildProcess("the command", [
      "env", // so that there is a first word in any case
      ...this.#enter,
      ...["env", "--ignore-environment", `--chdir=${this.folder}`, ...this.#environment()],
      // A signal for it is passed on to all that the script has started.
      ...["timeout", "--kill-after=5", `${COMMAND_TIMEOUT}`],
      ...["setpriv", "--pdeathsig", "KILL", "--", "bash", "-euo", "pipefail", "-c", script],
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #environment(): string[] {
    const certificate = `${this.#root}/web.pem`;
    const variables = {
      PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`,
      HOME: `${this.#root}/home`,
      USER: "somebody",
      LANG: "C.UTF-8",
      NO_COLOR: "1",
      DENO_DIR: `${this.#root}/deno`,
      DENO_NO_UPDATE_CHECK: "1",
      // Of curl, and of Deno's connections to web servers.
      CURL_CA_BUNDLE: certificate,
      DENO_CERT: certificate,
    };
    return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  }
}
