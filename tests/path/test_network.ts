/** Small networks made of object literals, without documents. */
import { ed25519IdentityFromBytes, rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import { NetDir } from "../../src/netdir/net_dir.ts";
import { RelayFlag } from "../../src/netdir/relay.ts";
import type { NodeWishes } from "../../src/path/node_rules.ts";
import { NodeRules } from "../../src/path/node_rules.ts";
import type { PathRules } from "../../src/path/path_rules.ts";
import type { Consensus, RouterStatus } from "../../src/netdoc/consensus.ts";
import { parsePortPolicy, REJECT_ALL_PORTS } from "../../src/netdoc/exit_policy.ts";
import type { Microdescriptor } from "../../src/netdoc/microdescriptor.ts";
import {
  type MicrodescriptorDigest,
  microdescriptorDigestFromBytes,
} from "../../src/netdoc/microdescriptor_digest.ts";
import { ProtocolVersions } from "../../src/netdoc/protocols.ts";

const HOUR = 3_600_000;

/** All flags of a relay that can be guard and middle. */
export const GUARD_FLAGS = RelayFlag.Running | RelayFlag.Valid | RelayFlag.Fast |
  RelayFlag.Stable | RelayFlag.Guard | RelayFlag.V2Dir;

/** Rules for paths where nothing is configured. */
export const TEST_RULES: PathRules = {
  enforceDistinctSubnets: true,
  allowPrivateAddresses: false,
  nodeFamilies: [],
  nodes: NodeRules.none,
  longLivedPorts: new Set([22, 5222, 6667]),
  useFamilyLists: true,
  useFamilyIds: true,
};

/** No wishes about relays, to be spread. */
export const NO_WISHES: NodeWishes = {
  exclude: [],
  excludeExit: [],
  entry: [],
  exit: [],
  middle: [],
  strict: false,
  excludeUnknownCountries: "auto",
};

/** One relay of a test network; what is left out is unremarkable. */
export interface TestRelay {
  /** Makes the relay's identities; 1 to 65535, unique. */
  readonly number: number;
  readonly flags?: number;
  readonly bandwidth?: number;
  readonly hostname?: string;
  readonly port?: number;
  /** The port is 9001. */
  readonly ipv6?: string;
  readonly exitPolicy?: string;
  readonly exitPolicy6?: string;
  readonly family?: readonly string[];
  readonly familyIds?: readonly string[];
  /** The consensus lists the relay, but its microdescriptor is not there. */
  readonly isUnknown?: boolean;
  /** The subprotocols as in a consensus; none unless given. */
  readonly protocols?: string;
}

/** A network of these relays. */
export interface TestNetwork {
  readonly relays: readonly TestRelay[];
  readonly parameters?: Readonly<Record<string, number>>;
  readonly weights?: Readonly<Record<string, number>>;
  /** Milliseconds since 1970; the consensus is valid for three hours. */
  readonly validAfter?: number;
}

/** The RSA identity of the relay with this number. */
export function identityOf(number: number) {
  return rsaIdentityFromBytes(numbered(20, number));
}

/** Makes a snapshot of a test network. */
export function testNetDir(network: TestNetwork): NetDir {
  const { validAfter = Date.UTC(2026, 0, 1) } = network;
  const microdescriptors = new Map<MicrodescriptorDigest, Microdescriptor>();
  const routers = network.relays.toSorted((a, b) => a.number - b.number).map((relay) => {
    const router = routerStatus(relay);
    if (!relay.isUnknown) {
      microdescriptors.set(router.microdescriptorDigest, microdescriptor(relay));
    }
    return router;
  });
  const consensus: Consensus = {
    consensusMethod: 33,
    validAfter,
    freshUntil: validAfter + HOUR,
    validUntil: validAfter + 3 * HOUR,
    knownFlags: Object.keys(RelayFlag),
    recommendedClientProtocols: ProtocolVersions.none,
    requiredClientProtocols: ProtocolVersions.none,
    parameters: new Map(Object.entries(network.parameters ?? {})),
    sharedRandomPrevious: undefined,
    sharedRandomCurrent: undefined,
    authorities: [],
    routers,
    bandwidthWeights: new Map(Object.entries(network.weights ?? {})),
    signatures: [],
    signedDigest: new Uint8Array(32),
  };
  return new NetDir(consensus, microdescriptors);
}

function routerStatus(relay: TestRelay): RouterStatus {
  const { number } = relay;
  return {
    nickname: `relay${number}`,
    rsaIdentity: identityOf(number),
    hostname: relay.hostname ?? `${5 + (number >> 8)}.${number & 0xff}.0.1`,
    port: relay.port ?? 9001,
    ipv6: relay.ipv6 === undefined ? undefined : { hostname: relay.ipv6, port: 9001 },
    microdescriptorDigest: microdescriptorDigestFromBytes(numbered(32, number)),
    flags: relay.flags ?? GUARD_FLAGS,
    protocols: relay.protocols === undefined
      ? ProtocolVersions.none
      : ProtocolVersions.parse(relay.protocols),
    bandwidth: relay.bandwidth ?? 1000,
    unmeasured: false,
  };
}

function microdescriptor(relay: TestRelay): Microdescriptor {
  return {
    onionKey: numbered(32, relay.number),
    ed25519Identity: ed25519IdentityFromBytes(numbered(32, relay.number)),
    ipv6: undefined,
    family: relay.family ?? [],
    familyIds: relay.familyIds ?? [],
    exitPolicy: readPolicy(relay.exitPolicy),
    exitPolicy6: readPolicy(relay.exitPolicy6),
  };
}

function readPolicy(text: string | undefined) {
  return (text === undefined ? undefined : parsePortPolicy(text)) ?? REJECT_ALL_PORTS;
}

function numbered(length: number, number: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint16(0, number);
  return bytes;
}
