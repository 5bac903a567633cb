/**
 * A network of the public network's size and shape, whose documents are correctly signed. The
 * relays of an embedded network are listed in it and have nearly all of its bandwidth, so that a
 * client that holds these documents has somebody to talk to; the others are on paper alone.
 *
 * @module
 */
import { rsaIdentityBytes } from "../src/crypto/identity.ts";
import { randomBelow, randomBytes, type RandomSource } from "../src/runtime/random.ts";
import {
  type RelayEntry,
  sha256Base64,
  writeConsensus,
  writeMicrodescriptor,
} from "../testnet/document_writer.ts";
import type { Misbehaviour } from "../testnet/behaviour.ts";
import { EmbeddedNetwork } from "../testnet/network.ts";
import type { Names } from "../testnet/relay_context.ts";
import type { ListedRelay } from "../testnet/network_documents.ts";
import { SeededRandom } from "../testnet/seeded_random.ts";

/** The documents of one hour and what changes to the next. */
export interface BenchDocuments {
  /** When the first consensus becomes valid; ms since 1970. The next one does an hour later. */
  readonly validAfter: number;
  readonly consensus: Uint8Array<ArrayBuffer>;
  readonly next: Uint8Array<ArrayBuffer>;
  /** The texts of those that the first consensus lists. */
  readonly microdescriptors: readonly string[];
  /** The texts of those that only the next one lists. */
  readonly newMicrodescriptors: readonly string[];
}

/** A relay on paper. */
interface PaperRelay {
  readonly entry: RelayEntry;
  readonly microdescriptor: string;
}

const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** Of a relay that runs, in kilobytes a second: more counts for no more. */
const EMBEDDED_BANDWIDTH = 2_147_483;
/** Bandwidths on paper are divided by this, so that all together are little beside those. */
const PAPER_DIVISOR = 2000;
/** By how much they change in an hour at most, in kilobytes a second. */
const MOST_CHANGE = 3;
/** Of a thousand relays, so many go and as many come in an hour. */
const CHURN = 8;
/** Of a thousand relays that stay, so many have a new microdescriptor after an hour. */
const RENEWED = 20;

const PROTOCOLS = "Conflux=1 Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4-5 " +
  "HSRend=1-2 Link=1-5 LinkAuth=1,3 Microdesc=1-2 Padding=2 Relay=1-4";
const EMBEDDED_PROTOCOLS =
  "Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1 Link=4-5 LinkAuth=3 Microdesc=1-2 Relay=1-2";
const WEIGHTS = "Wbd=0 Wbe=0 Wbg=4203 Wbm=10000 Wdb=10000 Web=10000 Wed=10000 Wee=10000 " +
  "Weg=10000 Wem=10000 Wgb=10000 Wgd=0 Wgg=5797 Wgm=5797 Wmb=10000 Wmd=0 Wme=0 Wmg=4203 Wmm=10000";

/** Most exits of the public network have one of a few policies. */
const POLICIES = [
  "accept 20-23,43,53,79-81,88,110,143,194,220,389,443,464,531,543-544,554,563,636,706,749,873," +
  "902-904,981,989-995,1194,1220,1293,1500,1533,1677,1723,1755,1863,2082-2083,2086-2087,2095-2096," +
  "2102-2104,3128,3389,3690,4321,4643,5050,5190,5222-5223,5228,5900,6660-6669,6679,6697,8000,8008",
  "reject 25,119,135-139,445,563,1214,4661-4666,6346-6429,6699,6881-6999",
  "reject 22,25,119,135-139,445,563,1214,4661-4666,6346-6429,6699,6881-6999",
  "accept 80,443",
  "accept 53,80,443,8080",
];

/**
 * The addresses of relays on paper may be somebody's: a circuit that is to be extended to one ends
 * where nobody listens on this machine.
 */
const CONFINED: Misbehaviour = {
  name: "confined to loopback",
  extendTarget: (target) =>
    target.hostname.startsWith("127.") ? target : { ...target, hostname: "127.0.0.1", port: 1 },
};

/**
 * Starts the relays that run.
 *
 * @param names that the exits can look up
 */
export function startNetwork(names: Names): Promise<EmbeddedNetwork> {
  const nicknames = ["authority", "guard", "middle", "exit"].flatMap((role) =>
    [0, 1, 2].map((index) => `${role}${index}`)
  );
  return EmbeddedNetwork.start({
    authorities: 3,
    guards: 3,
    middles: 3,
    exits: 3,
    names,
    misbehaviours: Object.fromEntries(nicknames.map((nickname) => [nickname, CONFINED])),
  });
}

/**
 * Makes the documents, the same for the same seed but for their dates and signatures.
 *
 * @param network whose authorities sign, and whose relays are listed
 * @param entries the relays on paper: how many are to be made up, or those of a consensus; their
 *   microdescriptors are made up in either case
 * @param now ms since 1970
 */
export function makeDocuments(
  network: EmbeddedNetwork,
  entries: number | readonly RelayEntry[],
  now: number,
): BenchDocuments {
  const random = new SeededRandom("directory bench");
  const listed = typeof entries === "number"
    ? Array.from({ length: entries }, (_, index) => madeUpEntry(index, random))
    : entries;
  const embedded = network.documents.relays.map(embeddedRelay);
  const paper = withMicrodescriptors(listed.map(withSmallBandwidth), random);
  const { staying, going } = separate(paper);
  const coming = withMicrodescriptors(
    going.map((_, index) => withSmallBandwidth(madeUpEntry(listed.length + index, random))),
    random,
  );
  const renewed = staying.map((relay, index) => anHourLater(relay, index, random));
  const validAfter = Math.floor(now / MINUTE) * MINUTE - 10 * MINUTE;
  const before = [...embedded, ...paper];
  const after = [...embedded, ...renewed, ...coming];
  const known = new Set(before.map(({ microdescriptor }) => microdescriptor));
  return {
    validAfter,
    consensus: consensusOf(network, before, validAfter),
    next: consensusOf(network, after, validAfter + HOUR),
    microdescriptors: [...known],
    newMicrodescriptors: after.map(({ microdescriptor }) => microdescriptor)
      .filter((text) => !known.has(text)),
  };
}

/** The relays of a consensus, as they can be listed again. */
export function entriesOf(consensus: Uint8Array): RelayEntry[] {
  const text = new TextDecoder().decode(consensus);
  const body = text.slice(text.indexOf("\nr "), text.indexOf("\ndirectory-footer"));
  return body.split("\nr ").slice(1).map((entry) => {
    const [first, ...lines] = entry.split("\n");
    const [nickname, identity, , , hostname, port] = first.split(" ");
    const rest = (keyword: string) =>
      lines.find((line) => line.startsWith(`${keyword} `))?.slice(keyword.length + 1);
    return {
      nickname,
      identity: Uint8Array.fromBase64(identity),
      hostname,
      port: Number(port),
      ipv6: rest("a"),
      flags: rest("s"),
      protocols: rest("pr"),
      bandwidth: rest("w"),
    };
  });
}

function consensusOf(
  network: EmbeddedNetwork,
  relays: readonly PaperRelay[],
  validAfter: number,
): Uint8Array<ArrayBuffer> {
  const entries = relays.map(({ entry, microdescriptor }) => ({
    entry: { ...entry, digest: sha256Base64(microdescriptor) },
    order: entry.identity.toHex(),
  }));
  entries.sort((a, b) => a.order < b.order ? -1 : 1);
  return writeConsensus({
    validAfter,
    authorities: network.documents.authorities,
    weights: WEIGHTS,
    requiredProtocols: "Cons=2 Desc=2 FlowCtrl=1 Link=4 Microdesc=2 Relay=2",
    relays: entries.map(({ entry }) => entry),
  });
}

/** A relay that really runs. */
function embeddedRelay(relay: ListedRelay): PaperRelay {
  const { nickname, role, hostname, orPort: port, rsaId, ed25519Id, onionKey } = relay;
  const flags = {
    authority: "Authority Running V2Dir Valid",
    guard: "Fast Guard Running Stable V2Dir Valid",
    middle: "Fast Running Stable V2Dir Valid",
    exit: "Exit Fast Running Stable V2Dir Valid",
  }[role];
  const bandwidth = `Bandwidth=${role === "authority" ? 0 : EMBEDDED_BANDWIDTH}`;
  return {
    entry: {
      nickname,
      identity: rsaIdentityBytes(rsaId),
      hostname,
      port,
      flags,
      protocols: EMBEDDED_PROTOCOLS,
      bandwidth,
    },
    microdescriptor: writeMicrodescriptor({
      onionKey,
      ed25519Identity: ed25519Id,
      exitPolicy: role === "exit" ? "accept 1-65535" : undefined,
    }),
  };
}

function madeUpEntry(index: number, random: RandomSource): RelayEntry {
  const isOneOf = (thousandths: number) => randomBelow(random, 1000) < thousandths;
  const flags = [
    isOneOf(280) ? "Exit " : "",
    isOneOf(900) ? "Fast " : "",
    isOneOf(550) ? "Guard " : "",
    isOneOf(500) ? "HSDir " : "",
    "Running ",
    isOneOf(850) ? "Stable " : "",
    isOneOf(950) ? "V2Dir " : "",
    "Valid",
  ];
  // A tenth of the relays has most of the bandwidth.
  const bandwidth = 20 + randomBelow(random, isOneOf(100) ? 100_000 : 8000);
  return {
    nickname: `Relay${index.toString(36)}x${randomBelow(random, 100_000)}`.slice(0, 19),
    identity: randomBytes(random, 20),
    hostname: hostnameOf(index, random),
    port: isOneOf(500) ? 9001 : isOneOf(500) ? 443 : 1024 + randomBelow(random, 60_000),
    ipv6: isOneOf(400) ? `[2001:${(index + 4096).toString(16)}::${index + 1}]:9001` : undefined,
    flags: flags.join(""),
    protocols: isOneOf(800) ? PROTOCOLS : PROTOCOLS.replace("Conflux=1 ", ""),
    bandwidth: `Bandwidth=${bandwidth}`,
  };
}

/** An address in a /16 of its own, below 127.0.0.0, where the embedded relays are. */
function hostnameOf(index: number, random: RandomSource): string {
  // 7 is coprime with the number of /16s, so that all of them are met before one comes again.
  const subnet = (index * 7) % (110 * 256);
  const first = 11 + (subnet >> 8);
  return `${first}.${subnet & 0xff}.${randomBelow(random, 256)}.${1 + randomBelow(random, 254)}`;
}

/** Relays that follow one another are of one family, if they are of any. */
function withMicrodescriptors(
  entries: readonly RelayEntry[],
  random: RandomSource,
): PaperRelay[] {
  const relays: PaperRelay[] = [];
  while (relays.length < entries.length) {
    const draw = randomBelow(random, 100);
    const size = draw < 60 ? 1 : draw < 94 ? 3 : draw < 99 ? 8 : 30;
    const members = entries.slice(relays.length, relays.length + size);
    const family = members.length > 1 ? familyLine(members) : undefined;
    for (const entry of members) relays.push(paperRelay(entry, family, random));
  }
  return relays;
}

function familyLine(members: readonly RelayEntry[]): string {
  return members.map(({ identity }) => `$${identity.toHex().toUpperCase()}`).sort().join(" ");
}

function paperRelay(
  entry: RelayEntry,
  family: string | undefined,
  random: RandomSource,
): PaperRelay {
  const isExit = / ?Exit /.test(entry.flags ?? "");
  // Few have a policy of their own.
  const policy = randomBelow(random, 20) === 0
    ? `accept ${20 + randomBelow(random, 60)},80,443,${1024 + randomBelow(random, 60_000)}`
    : POLICIES[randomBelow(random, POLICIES.length)];
  return {
    entry,
    microdescriptor: writeMicrodescriptor({
      rsaKey: randomBytes(random, 140),
      onionKey: randomBytes(random, 32),
      ed25519Identity: randomBytes(random, 32),
      ipv6: entry.ipv6,
      family,
      exitPolicy: isExit ? policy : undefined,
      exitPolicy6: isExit && entry.ipv6 !== undefined ? "accept 80,443" : undefined,
    }),
  };
}

/** Every so many relays goes. */
function separate(relays: readonly PaperRelay[]): { staying: PaperRelay[]; going: PaperRelay[] } {
  const period = Math.floor(1000 / CHURN);
  return {
    staying: relays.filter((_, index) => index % period !== 0),
    going: relays.filter((_, index) => index % period === 0),
  };
}

/** All have been measured again, and some have new keys. */
function anHourLater(relay: PaperRelay, index: number, random: RandomSource): PaperRelay {
  const bandwidth = bandwidthOf(relay.entry) + 1 + randomBelow(random, MOST_CHANGE);
  const isRenewed = index % Math.floor(1000 / RENEWED) === 0;
  const renewed = isRenewed
    ? relay.microdescriptor.replace(
      /^ntor-onion-key .*$/m,
      `ntor-onion-key ${randomBytes(random, 32).toBase64({ omitPadding: true })}`,
    )
    : relay.microdescriptor;
  return {
    entry: { ...relay.entry, bandwidth: `Bandwidth=${bandwidth}` },
    microdescriptor: renewed,
  };
}

function withSmallBandwidth(entry: RelayEntry): RelayEntry {
  const bandwidth = 1 + Math.floor(bandwidthOf(entry) / PAPER_DIVISOR);
  return { ...entry, bandwidth: `Bandwidth=${bandwidth}` };
}

function bandwidthOf({ bandwidth }: RelayEntry): number {
  return Number(/^Bandwidth=(\d+)/.exec(bandwidth ?? "")?.[1] ?? 0);
}
