/**
 * Where the CPU time of a download goes in the running client, on a private network of C tor:
 *
 *     deno task bench profile [--megabytes N] [--upload]
 *
 * The client is sampled by V8's profiler through its inspector, warm. What it spends outside of
 * JavaScript is told by the kernel's counters for each of its threads.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { ChildProcess } from "../tests/network/child_process.ts";
import { freePort } from "../tests/network/free_port.ts";
import { httpGet, httpUpload } from "../tests/network/http_client.ts";
import { type Endpoint, socks5Connect } from "../tests/network/socks_client.ts";
import { missingForWorld, World } from "../tests/network/world.ts";
import { NETWORK_PARAMETERS } from "./network_parameters.ts";
import { InspectedProcess } from "./inspector.ts";
import { profileTable } from "./profile_table.ts";
import { threadTimes } from "./thread_times.ts";

const MEGABYTE = 1_000_000;
const DEFAULT_MEGABYTES = 100;
/** Bytes that are carried before anything is measured, so that the code is compiled. */
const WARM_UP_LENGTH = 50 * MEGABYTE;
/** How long the client may take to join, in milliseconds. */
const BOOTSTRAP_TIMEOUT = 60_000;

/**
 * Profiles as the arguments say, and prints the result.
 *
 * @param args those after the benchmark's name
 */
export async function benchProfile(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      megabytes: { type: "string", default: String(DEFAULT_MEGABYTES) },
      upload: { type: "boolean", default: false },
    },
  });
  const megabytes = Number(values.megabytes);
  if (!Number.isInteger(megabytes) || megabytes < 1) {
    console.error("Usage: profile [--megabytes N] [--upload]");
    Deno.exit(2);
  }
  const missing = await missingForWorld();
  if (missing) {
    console.error(`The profile cannot be taken: ${missing}.`);
    Deno.exit(1);
  }
  console.error("Starting the network");
  await using world = await World.start({ parameters: NETWORK_PARAMETERS });
  const carry = values.upload ? upload : download;
  await using client = await startClient(world);
  await carry(client.socks, world.target, WARM_UP_LENGTH);

  using inspected = await InspectedProcess.connect(client.inspector);
  await inspected.startProfile();
  const before = await threadTimes(client.process.pid);
  const started = performance.now();
  await carry(client.socks, world.target, megabytes * MEGABYTE);
  const milliseconds = performance.now() - started;
  const after = await threadTimes(client.process.pid);
  const profile = await inspected.stopProfile();
  console.log(
    profileTable({
      profile,
      before,
      after,
      mainThread: client.process.pid,
      milliseconds,
      megabytes,
    }),
  );
}

async function download(socks: Endpoint, target: Endpoint, length: number): Promise<void> {
  const conn = await socks5Connect(socks, target);
  const result = await httpGet(conn, `/bytes/${length}?seed=1`);
  if (result.length !== length) throw new Error(`${result.length} of ${length} bytes arrived`);
}

async function upload(socks: Endpoint, target: Endpoint, length: number): Promise<void> {
  const result = await httpUpload(await socks5Connect(socks, target), length, 1);
  if (result.length !== length) throw new Error(`${result.length} of ${length} bytes arrived`);
}

interface ProfiledClient extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly socks: Endpoint;
  /** Where the inspector listens. */
  readonly inspector: Endpoint;
}

/** Starts chive with an inspector, and waits until it has joined. */
async function startClient({ network }: World): Promise<ProfiledClient> {
  const dataDirectory = await network.makeDirectory("chive");
  const torrc = `${await network.makeDirectory("torrc")}/torrc`;
  const socks = { hostname: "127.0.0.1", port: freePort("127.0.0.1") };
  const inspector = { hostname: "127.0.0.1", port: freePort("127.0.0.1") };
  await Deno.writeTextFile(
    torrc,
    network.clientTorrc({ dataDirectory, socksPort: socks.port, more: undefined }),
  );
  const child = new ChildProcess("chive", [
    ...["setpriv", "--pdeathsig", "KILL", "--"] as const,
    ...[Deno.execPath(), "run", "-q", "--no-prompt", "--no-check"],
    `--inspect=${inspector.hostname}:${inspector.port}`,
    "--allow-net",
    `--allow-read=${dataDirectory},${torrc}`,
    `--allow-write=${dataDirectory}`,
    "--unsafely-ignore-certificate-errors=192.0.2.1",
    ...[fileURLToPath(new URL("../main.ts", import.meta.url)), "-f", torrc],
  ]);
  await child.line(/Bootstrapped 100%/, BOOTSTRAP_TIMEOUT);
  return {
    process: child,
    socks,
    inspector,
    [Symbol.asyncDispose]: async () => void await child.stop(),
  };
}
