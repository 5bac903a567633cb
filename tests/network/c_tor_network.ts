/**
 * A private network of real C tor on loopback: directory authorities and relays, each on an
 * address of its own (127.N.0.1, so that no two share a /16), everything in one temporary folder.
 *
 * There is exactly one consensus in a network's life: the authorities are told when to vote once
 * they know every relay, and the next vote is half an hour away. So nothing changes under a test.
 *
 * @module
 */
import { makeAuthorityKeys, makeRelayKeys } from "./c_tor_keys.ts";
import { CTorNode, type NodePlan, type NodeRole } from "./c_tor_node.ts";
import { type IoCounters, ioCounters } from "./process_counters.ts";
import { freePort } from "./free_port.ts";

/** What a network is made of. */
export interface NetworkOptions {
  readonly authorities?: number;
  readonly exits?: number;
  readonly middles?: number;
  /** More lines for the torrc of exits. */
  readonly exitLines?: readonly string[];
  /** The DNS server that exits ask, `address:port`. */
  readonly resolver: string;
  /** What the consensus says in its `params` line; nothing, unless given. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/** What a client's torrc says besides which network it joins. */
export interface ClientTorrcOptions {
  readonly dataDirectory: string;
  readonly socksPort: number;
  /** More lines, each an option of C tor. */
  readonly more?: readonly string[];
}

/** The time between two consensuses, in seconds: the longest that C tor takes for a first one. */
const VOTING_INTERVAL = 1800;

/** For votes, and again for signatures, to travel, in seconds: the shortest that C tor takes. */
const VOTING_DELAY = 2;

/** How long each stage of starting may take, in milliseconds. */
const STAGE_TIMEOUT = 60_000;

/** The documents that a client asks for. */
const CLIENT_DOCUMENTS = /^\/tor\/(status-vote\/current\/consensus-microdesc|keys|micro)\b/;

/** Between two looks at a node's files, in milliseconds. */
const POLL_INTERVAL = 50;

/** The network; `await using` stops all of it, whatever happens. */
export class CTorNetwork implements AsyncDisposable {
  readonly nodes: readonly CTorNode[];
  readonly #directory: string;
  readonly #authorityLines: readonly string[];
  readonly #ready: Promise<void>;
  readonly #stopping = new AbortController();
  #stopped: Promise<void> | undefined;

  private constructor(
    directory: string,
    nodes: readonly CTorNode[],
    authorityLines: readonly string[],
  ) {
    this.#directory = directory;
    this.nodes = nodes;
    this.#authorityLines = authorityLines;
    this.#ready = this.#becomeReady();
    // Whoever asks ready() sees a failure; nobody may have asked yet when it comes.
    this.#ready.catch(() => {});
  }

  /**
   * Makes the keys and starts all nodes; {@link ready} tells when clients may come.
   *
   * @throws when tor or tor-gencert is missing or fails; nothing is left behind then
   */
  static async start(options: NetworkOptions): Promise<CTorNetwork> {
    const directory = await Deno.makeTempDir({ prefix: "chive-network-" });
    const started: CTorNode[] = [];
    try {
      const roles: NodeRole[] = [
        ...new Array<NodeRole>(options.authorities ?? 3).fill("authority"),
        ...new Array<NodeRole>(options.exits ?? 3).fill("exit"),
        ...new Array<NodeRole>(options.middles ?? 2).fill("middle"),
      ];
      const resolverFile = `${directory}/resolv.conf`;
      await Deno.writeTextFile(resolverFile, `nameserver ${options.resolver}\n`);
      // Two networks on one machine rarely start at the same number, and their ports differ anyway.
      const firstNumber = 10 + Math.floor(Math.random() * 100);
      const plans = await Promise.all(
        roles.map((role, index) => planNode(directory, role, index, firstNumber + index)),
      );
      const authorityLines = await Promise.all(
        plans.filter(isAuthority).map(makeAuthority),
      );
      await Deno.writeTextFile(bandwidthFile(directory), bandwidths(plans));
      for (const plan of plans) {
        const torrc = nodeTorrc(plan, { authorityLines, resolverFile, plans, options });
        const file = `${plan.dataDirectory}/torrc`;
        await Deno.writeTextFile(file, torrc);
        started.push(new CTorNode(plan, file));
      }
      return new CTorNetwork(directory, started, authorityLines);
    } catch (error) {
      await stopAll(started, directory);
      throw error;
    }
  }

  /**
   * Resolves when every node holds a consensus in which all of them are running, and every
   * microdescriptor of it, so that whichever a client asks has the answer.
   */
  ready(): Promise<void> {
    return this.#ready;
  }

  /**
   * The node with this RSA identity or nickname.
   *
   * @throws RangeError when there is none
   */
  node(name: string): CTorNode {
    const found = this.nodes.find(({ fingerprint, nickname }) =>
      fingerprint === name || nickname === name
    );
    if (found === undefined) throw new RangeError(`there is no node ${name}`);
    return found;
  }

  /** A torrc that makes C tor and chive alike a client of this network. */
  clientTorrc(options: ClientTorrcOptions): string {
    return lines([
      `DataDirectory ${options.dataDirectory}`,
      `SocksPort 127.0.0.1:${options.socksPort}`,
      "ClientOnly 1",
      "TestingTorNetwork 1",
      "AssumeReachable 1",
      // TestingTorNetwork switches this off, but every node here is in a /16 of its own.
      "EnforceDistinctSubnets 1",
      "SafeLogging 0",
      "Log notice stdout",
      ...this.#authorityLines,
      ...options.more ?? [],
    ]);
  }

  /** Makes a folder (mode 0700) that is removed together with the network. */
  makeDirectory(name: string): Promise<string> {
    return Deno.makeTempDir({ dir: this.#directory, prefix: `${name}-` });
  }

  /** The bytes that every node has read and written since it started, by nickname. */
  async relayIo(): Promise<Map<string, IoCounters>> {
    return new Map(
      await Promise.all(
        this.nodes.map(async ({ nickname, process }) =>
          [nickname, await ioCounters(process.pid)] as const
        ),
      ),
    );
  }

  /**
   * The documents that each node was asked for so far and that clients ask for, as URL paths, by
   * nickname. Relays also fetch others of each other, such as the full consensus, at any time.
   */
  async directoryRequests(): Promise<Map<string, string[]>> {
    return new Map(
      await Promise.all(
        this.nodes.map(async ({ nickname, dataDirectory }) => {
          const log = await Deno.readTextFile(requestLog(dataDirectory));
          const paths = [...log.matchAll(/rewritten url as '"(\/tor\/[^"]+)"'/g)]
            .map(([, path]) => path)
            .filter((path) => CLIENT_DOCUMENTS.test(path));
          return [nickname, paths] as const;
        }),
      ),
    );
  }

  /**
   * The documents that some node was asked for since an earlier answer of
   * {@link directoryRequests}, as URL paths.
   */
  async directoryRequestsSince(before: ReadonlyMap<string, readonly string[]>): Promise<string[]> {
    return [...await this.directoryRequests()].flatMap(([nickname, paths]) =>
      paths.slice(before.get(nickname)?.length ?? 0)
    );
  }

  /** Stops all nodes and removes their folder. */
  stop(): Promise<void> {
    return this.#stopped ??= (async () => {
      this.#stopping.abort(new Error("the network was stopped"));
      await stopAll(this.nodes, this.#directory);
      await this.#ready.catch(() => {});
    })();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #becomeReady(): Promise<void> {
    const authorities = this.nodes.filter(isAuthority);
    await this.#until("every authority knows every relay", authorities, async (node) => {
      const known = await read(node, "cached-descriptors.new");
      return this.nodes.every(({ nickname }) => known.includes(`router ${nickname} `));
    });
    await this.#vote(authorities);
    await this.#until("every authority has a consensus", authorities, hasConsensus);
    // Nobody offered a consensus when the relays first asked; on SIGHUP they ask again at once.
    for (const node of this.nodes) node.process.signal("SIGHUP");
    await this.#until("every node has the whole directory", this.nodes, async (node) => {
      const consensus = await read(node, "cached-microdesc-consensus");
      const running = consensus.match(/^s .*\bRunning\b/gm) ?? [];
      if (running.length !== this.nodes.length) return false;
      const descriptors = await read(node, "cached-microdescs.new");
      return (descriptors.match(/^onion-key$/gm) ?? []).length >= this.nodes.length;
    });
  }

  /** Tells the authorities to vote now; they would do so at the next half hour. */
  async #vote(authorities: readonly CTorNode[]): Promise<void> {
    const consensusAt = Math.ceil(Date.now() / 1000) + 2 * VOTING_DELAY + 1;
    for (const { dataDirectory, process } of authorities) {
      const file = `${dataDirectory}/torrc`;
      const offset = `TestingV3AuthVotingStartOffset ${consensusAt % VOTING_INTERVAL}\n`;
      await Deno.writeTextFile(file, offset, { append: true });
      process.signal("SIGHUP");
    }
  }

  async #until(
    what: string,
    nodes: readonly CTorNode[],
    isDone: (node: CTorNode) => Promise<boolean>,
  ): Promise<void> {
    const deadline = performance.now() + STAGE_TIMEOUT;
    let waiting = [...nodes];
    while (waiting.length > 0) {
      this.#stopping.signal.throwIfAborted();
      const done = await Promise.all(waiting.map(isDone));
      waiting = waiting.filter((_, index) => !done[index]);
      const broken = waiting.find(({ process }) => !process.running);
      const late = performance.now() > deadline ? waiting[0] : undefined;
      const culprit = broken ?? late;
      if (culprit) {
        throw new Error(
          `waiting until ${what}: ${culprit.nickname} ${broken ? "has ended" : "is late"}; ` +
            `its log:\n${culprit.process.log}`,
        );
      }
      if (waiting.length > 0) await new Promise((wake) => setTimeout(wake, POLL_INTERVAL));
    }
  }
}

function isAuthority({ role }: { readonly role: NodeRole }): boolean {
  return role === "authority";
}

async function planNode(
  directory: string,
  role: NodeRole,
  index: number,
  number: number,
): Promise<NodePlan> {
  const nickname = `${role}${index}`;
  const dataDirectory = `${directory}/${nickname}`;
  await Deno.mkdir(dataDirectory, { mode: 0o700 });
  const hostname = `127.${number}.0.1`;
  return {
    nickname,
    role,
    hostname,
    orPort: freePort(hostname),
    dirPort: freePort(hostname),
    dataDirectory,
    fingerprint: await makeRelayKeys(dataDirectory, nickname),
  };
}

/** Makes an authority's keys and gives the line by which all others know it. */
async function makeAuthority(plan: NodePlan): Promise<string> {
  const { nickname, hostname, orPort, dirPort, dataDirectory, fingerprint } = plan;
  const v3Identity = await makeAuthorityKeys(dataDirectory, `${hostname}:${dirPort}`);
  return `DirAuthority ${nickname} orport=${orPort} v3ident=${v3Identity} ` +
    `${hostname}:${dirPort} ${fingerprint}`;
}

/** What the torrc of every node depends on. */
interface NetworkFacts {
  readonly authorityLines: readonly string[];
  readonly resolverFile: string;
  readonly plans: readonly NodePlan[];
  readonly options: NetworkOptions;
}

function nodeTorrc(plan: NodePlan, facts: NetworkFacts): string {
  return lines([
    `DataDirectory ${plan.dataDirectory}`,
    `Nickname ${plan.nickname}`,
    "ContactInfo nobody@example.invalid",
    `Address ${plan.hostname}`,
    `OrPort ${plan.hostname}:${plan.orPort}`,
    "SocksPort 0",
    "TestingTorNetwork 1",
    "AssumeReachable 1",
    "ShutdownWaitLength 0",
    "Log notice stdout",
    `Log [dirserv]debug file ${requestLog(plan.dataDirectory)}`,
    // The tables of countries are large, and no two nodes here differ in theirs.
    "GeoIPFile /dev/null",
    "GeoIPv6File /dev/null",
    // The node ends by itself when the process that started it is gone, even by SIGKILL.
    `__OwningControllerProcess ${Deno.pid}`,
    ...facts.authorityLines,
    ...plan.role === "authority"
      ? authorityOptions(plan, facts)
      : plan.role === "exit"
      ? [...exitOptions(facts.resolverFile), ...facts.options.exitLines ?? []]
      : ["ExitRelay 0"],
  ]);
}

function authorityOptions(plan: NodePlan, { plans, options }: NetworkFacts): string[] {
  const parameters = Object.entries(options.parameters ?? {})
    .map(([name, value]) => `${name}=${value}`);
  const exits = plans.filter(({ role }) => role === "exit").map(({ fingerprint }) => fingerprint);
  return [
    `DirPort ${plan.hostname}:${plan.dirPort}`,
    "ExitRelay 0",
    "AuthoritativeDirectory 1",
    "V3AuthoritativeDirectory 1",
    `V3AuthVotingInterval ${VOTING_INTERVAL} seconds`,
    `V3AuthVoteDelay ${VOTING_DELAY} seconds`,
    `V3AuthDistDelay ${VOTING_DELAY} seconds`,
    `TestingV3AuthInitialVotingInterval ${VOTING_INTERVAL} seconds`,
    `TestingV3AuthInitialVoteDelay ${VOTING_DELAY} seconds`,
    `TestingV3AuthInitialDistDelay ${VOTING_DELAY} seconds`,
    `V3BandwidthsFile ${bandwidthFile(`${plan.dataDirectory}/..`)}`,
    `TestingDirAuthVoteExit ${exits.join(",")}`,
    "TestingDirAuthVoteGuard *",
    "TestingDirAuthVoteHSDir *",
    "TestingMinExitFlagThreshold 0",
    ...parameters.length > 0 ? [`ConsensusParams ${parameters.join(" ")}`] : [],
  ];
}

function exitOptions(resolverFile: string): string[] {
  return [
    "ExitRelay 1",
    "ExitPolicyRejectPrivate 0",
    "ExitPolicy accept *:*",
    "IPv6Exit 1",
    `ServerDNSResolvConfFile ${resolverFile}`,
    "ServerDNSDetectHijacking 0",
    "ServerDNSRandomizeCase 0",
  ];
}

/** Where a node logs the directory requests that it answers. */
function requestLog(dataDirectory: string): string {
  return `${dataDirectory}/directory-requests.log`;
}

function bandwidthFile(directory: string): string {
  return `${directory}/bandwidths`;
}

/**
 * What a bandwidth scanner would tell the authorities. Relays in a new network advertise nothing
 * measured, and a client could then not tell them apart by weight.
 */
function bandwidths(nodes: readonly NodePlan[]): string {
  return lines([
    `${Math.floor(Date.now() / 1000)}`,
    ...nodes.map(({ nickname, fingerprint, role }) =>
      `node_id=$${fingerprint} bw=${role === "authority" ? 1000 : 5000} nick=${nickname}`
    ),
  ]);
}

async function hasConsensus(node: CTorNode): Promise<boolean> {
  return await read(node, "cached-microdesc-consensus") !== "";
}

/** A file of a node's data directory; empty while there is none. */
async function read(node: CTorNode, name: string): Promise<string> {
  try {
    return await Deno.readTextFile(`${node.dataDirectory}/${name}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function stopAll(nodes: readonly CTorNode[], directory: string): Promise<void> {
  await Promise.all(nodes.map((node) => node.stop()));
  await Deno.remove(directory, { recursive: true });
}

function lines(items: readonly string[]): string {
  return items.join("\n") + "\n";
}
