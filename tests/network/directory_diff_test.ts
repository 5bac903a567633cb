/**
 * Consensus diffs as real C tor serves them: a network votes twice, and what was fetched of the
 * first consensus is made into the second one.
 */
import assert from "node:assert/strict";
import { parseRsaIdentity, type RsaIdentity } from "../../src/crypto/identity.ts";
import { DirectoryClient, downloadLimits } from "../../src/directory/directory_client.ts";
import { DirectoryError } from "../../src/directory/errors.ts";
import {
  consensusRequest,
  type DocumentRequest,
  newestCertificatesRequest,
} from "../../src/directory/requests.ts";
import type { DirectoryTransport } from "../../src/directory/transport.ts";
import { parseAuthorityCertificates } from "../../src/netdoc/authority_certificate.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import {
  applyConsensusDiff,
  isConsensusDiff,
  signedSha3,
} from "../../src/netdoc/consensus_diff.ts";
import { verifyConsensus } from "../../src/netdoc/consensus_signatures.ts";
import type { ByteStream } from "../../src/runtime/byte_stream.ts";
import { sleep, SystemClock } from "../../src/runtime/clock.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { CTorNetwork } from "./c_tor_network.ts";
import type { CTorNode } from "./c_tor_node.ts";
import { missingForWorld } from "./world.ts";

const missing = await missingForWorld();
const mustRun = Deno.env.get("CI") === "true";

/** How long the second consensus and its diff may take, in ms. */
const DIFF_TIMEOUT = 40_000;
/** C tor's voting interval in this network, in seconds. */
const VOTING_INTERVAL = 1800;
/** In how many seconds the second consensus is due: enough for two voting delays of 2 s. */
const VOTE_IN = 5;

Deno.test({
  name: `consensus diffs of C tor${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  ignore: missing !== undefined && !mustRun,
  fn: async () => {
    assert.equal(missing, undefined, "everything that the real network needs is here");
    const options = { authorities: 3, exits: 1, middles: 1, resolver: "127.0.0.1:53" };
    await using network = await CTorNetwork.start(options);
    await network.ready();
    const authorities = network.nodes.filter(({ role }) => role === "authority");
    const [first] = authorities;
    const identities = v3Identities(network.clientTorrc({ dataDirectory: "unused", socksPort: 1 }));
    const before = await fetchDocument(first, consensusRequest(identities));
    assert.equal(isConsensusDiff(before), false);
    await voteAgain(authorities);
    const diff = await diffFrom(first, before, identities);
    const made = applyConsensusDiff(before, diff, 1_000_000);
    assert.equal(textOf(made), textOf(await fetchDocument(first, consensusRequest(identities))));
    const consensus = parseConsensus(made);
    assert.ok(consensus.validAfter > parseConsensus(before).validAfter);
    const certificates = parseAuthorityCertificates(
      await fetchDocument(first, newestCertificatesRequest(identities)),
    );
    const { state } = verifyConsensus(consensus, certificates, identities, Date.now());
    assert.equal(state, "verified");
  },
});

function textOf(document: Uint8Array): string {
  return new TextDecoder().decode(document);
}

/** The v3 identities of the authorities that a torrc names. */
function v3Identities(torrc: string): RsaIdentity[] {
  return [...torrc.matchAll(/ v3ident=([0-9A-F]{40}) /g)].map(([, digits]) => {
    const identity = parseRsaIdentity(digits);
    assert.ok(identity);
    return identity;
  });
}

async function fetchDocument(node: CTorNode, request: DocumentRequest): Promise<Uint8Array> {
  const { hostname, dirPort, fingerprint } = node;
  const rsaIdentity = parseRsaIdentity(fingerprint);
  assert.ok(rsaIdentity);
  const server = {
    kind: "authority",
    hostname,
    port: dirPort,
    rsaIdentity,
    ipv6: undefined,
  } as const;
  const client = new DirectoryClient(dirPorts, new SystemClock(), downloadLimits(DIFF_TIMEOUT));
  const result = await client.fetch(server, request, AbortSignal.timeout(DIFF_TIMEOUT));
  assert.ok(result.kind === "document");
  return result.document;
}

/** Tells the authorities to vote once more; by themselves they would half an hour later. */
async function voteAgain(authorities: readonly CTorNode[]): Promise<void> {
  const consensusAt = Math.ceil(Date.now() / 1000) + VOTE_IN;
  for (const { dataDirectory, process } of authorities) {
    const offset = `TestingV3AuthVotingStartOffset ${consensusAt % VOTING_INTERVAL}\n`;
    await Deno.writeTextFile(`${dataDirectory}/torrc`, offset, { append: true });
    process.signal("SIGHUP");
  }
}

/** Asks for the next consensus until it comes as a diff: that is made a little later. */
async function diffFrom(
  node: CTorNode,
  base: Uint8Array,
  identities: readonly RsaIdentity[],
): Promise<Uint8Array> {
  const request = consensusRequest(identities, undefined, signedSha3(base).toHex().toUpperCase());
  const signal = AbortSignal.timeout(DIFF_TIMEOUT);
  for (;;) {
    await sleep(new SystemClock(), 500, signal);
    try {
      const document = await fetchDocument(node, request);
      if (isConsensusDiff(document)) return document;
    } catch (error) {
      // Until there is a newer consensus, C tor answers with 304.
      assert.ok(
        error instanceof DirectoryError && error.code === "directory-http-status",
        `${error}`,
      );
    }
  }
}

/** Plain HTTP to the directory port, as relays ask an authority. */
const dirPorts: DirectoryTransport = {
  open: async (server, signal) => {
    assert.ok(server.kind !== "relay");
    const { hostname, port } = server;
    return new TcpStream(await new SystemNetwork().connect({ hostname, port }, signal));
  },
};

/** A TCP connection as a stream. */
class TcpStream implements ByteStream {
  readonly #conn: Deno.TcpConn;
  readonly #buffer = new Uint8Array(64 * 1024);

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  async read(): Promise<Uint8Array | null> {
    const length = await this.#conn.read(this.#buffer);
    return length === null ? null : this.#buffer.subarray(0, length);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  close(): void {
    this.#conn.close();
  }
}
