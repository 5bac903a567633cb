/**
 * A Tor client as a process of its own: chive, or C tor to compare it with.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { ChildProcess } from "./child_process.ts";
import type { CTorNetwork } from "./c_tor_network.ts";
import { freePort } from "./free_port.ts";
import { cpuTime, type MemoryCounters, memoryCounters } from "./process_counters.ts";
import type { Endpoint } from "./socks_client.ts";
import { startFlags } from "./start_flags.ts";

/** Which client is meant. */
export type ClientKind = "chive" | "tor";

/** How to start a client. */
export interface ClientOptions {
  readonly kind: ClientKind;
  /** One that an earlier client has left; a new one unless given. */
  readonly dataDirectory?: string;
  /** More lines for its torrc. */
  readonly more?: readonly string[];
  /** The file that Deno starts for chive; its source unless given. */
  readonly program?: string;
  /** More arguments for C tor alone, for what chive does not have. */
  readonly torArguments?: readonly string[];
}

/** What a client needs of the network that it joins. */
export type ClientNetwork = Pick<CTorNetwork, "makeDirectory" | "clientTorrc">;

const SOURCE = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** How long a client may take to join, in milliseconds. */
const BOOTSTRAP_TIMEOUT = 60_000;

/** A client; disposing of it stops it. */
export class ClientProcess implements AsyncDisposable {
  readonly kind: ClientKind;
  readonly dataDirectory: string;
  /** Where its SOCKS port is. */
  readonly socks: Endpoint;
  readonly process: ChildProcess;

  private constructor(
    kind: ClientKind,
    dataDirectory: string,
    socks: Endpoint,
    process: ChildProcess,
  ) {
    this.kind = kind;
    this.dataDirectory = dataDirectory;
    this.socks = socks;
    this.process = process;
  }

  /** Starts a client of the network; {@link bootstrapped} tells when it has joined. */
  static async start(network: ClientNetwork, options: ClientOptions): Promise<ClientProcess> {
    const dataDirectory = options.dataDirectory ?? await network.makeDirectory(options.kind);
    const socks = { hostname: "127.0.0.1", port: freePort("127.0.0.1") };
    const torrc = `${await network.makeDirectory("torrc")}/torrc`;
    await Deno.writeTextFile(
      torrc,
      network.clientTorrc({ dataDirectory, socksPort: socks.port, more: options.more }),
    );
    const command = options.kind === "tor"
      ? torCommand(torrc, options.torArguments ?? [])
      : chiveCommand(torrc, dataDirectory, options.program ?? SOURCE);
    return new ClientProcess(
      options.kind,
      dataDirectory,
      socks,
      new ChildProcess(options.kind, command),
    );
  }

  /**
   * Resolves when the client has joined the network.
   *
   * @throws Error with the end of its log, when it does not within a minute or ends
   */
  async bootstrapped(): Promise<void> {
    await this.process.line(/Bootstrapped 100%/, BOOTSTRAP_TIMEOUT);
  }

  /** CPU time so far, in milliseconds. */
  cpuTime(): Promise<number> {
    return cpuTime(this.process.pid);
  }

  memory(): Promise<MemoryCounters> {
    return memoryCounters(this.process.pid);
  }

  /** Ends it with SIGTERM (or SIGKILL, when that does not help). */
  stop(): Promise<Deno.CommandStatus> {
    return this.process.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function torCommand(torrc: string, more: readonly string[]): [string, ...string[]] {
  return ["tor", "-f", torrc, "__OwningControllerProcess", `${Deno.pid}`, ...more];
}

function chiveCommand(
  torrc: string,
  dataDirectory: string,
  program: string,
): [string, ...string[]] {
  return [
    // Ends chive when the process that started it is gone, even by SIGKILL.
    ...["setpriv", "--pdeathsig", "KILL", "--"] as const,
    ...[Deno.execPath(), "run", ...startFlags({ dataDirectory, torrc })],
    ...[program, "-f", torrc],
  ];
}
