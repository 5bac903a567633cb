/**
 * The network as a client knows it: a consensus and the microdescriptors that are there for it.
 *
 * @module
 */
import type { Ed25519Identity, RsaIdentity } from "../crypto/identity.ts";
import type { Consensus, RouterStatus } from "../netdoc/consensus.ts";
import type { PortPolicy } from "../netdoc/exit_policy.ts";
import type { Microdescriptor, MicrodescriptorDigest } from "../netdoc/microdescriptor.ts";
import type { MicrodescriptorSource } from "../netdoc/microdescriptor_table.ts";
import { RelayFlag } from "../netdoc/relay_flag.ts";
import { lastOf } from "../netdoc/steps.ts";
import type { SocketAddress } from "../runtime/network.ts";
import { BandwidthWeights, type Weighable, type WeightPosition } from "./bandwidth_weights.ts";
import { IdentityIndex } from "./identity_index.ts";
import type { Relay } from "./relay.ts";

/** What a consensus parameter is when it is absent, and what it is held within. */
export interface ParameterBounds {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** How many relays are made in one step: less than 3 ms. */
const RELAYS_PER_STEP = 1000;

/** A snapshot of the network. It never changes: what is learnt makes a new one. */
export class NetDir {
  /** What this snapshot was made from. */
  readonly consensus: Consensus;
  /** The relays that can be used and whose microdescriptor is there, sorted by identity. */
  readonly relays: readonly Relay[];
  /** For each entry of the consensus, the relay, if it is one of {@link NetDir.relays}. */
  readonly #relays: readonly (Relay | undefined)[];
  readonly #weights: BandwidthWeights;
  #index: IdentityIndex | undefined;

  /**
   * @param microdescriptors all that are known; those that the consensus does not list are ignored
   * @param earlier a snapshot, whose relays are used again if it is of the same consensus
   * @param relays what {@link relaySteps} gives for the other three
   */
  constructor(
    consensus: Consensus,
    microdescriptors: MicrodescriptorSource,
    earlier?: NetDir,
    relays: readonly (Relay | undefined)[] = lastOf(
      relaySteps(consensus, microdescriptors, earlier),
    ),
  ) {
    this.consensus = consensus;
    this.#relays = relays;
    this.relays = relays.filter((relay) => relay !== undefined);
    if (earlier?.consensus === consensus) this.#index = earlier.#index;
    const scale = this.parameter("bwweightscale", { default: 10000, min: 1, max: 2 ** 31 - 1 });
    this.#weights = new BandwidthWeights(consensus.bandwidthWeights, scale);
  }

  /**
   * Makes a snapshot as the constructor does, in steps of a few ms, and all that it needs for being
   * asked about single relays. Microdescriptors may be added meanwhile: some of them count then.
   */
  static *steps(
    consensus: Consensus,
    microdescriptors: MicrodescriptorSource,
    earlier?: NetDir,
  ): Generator<void, NetDir> {
    const relays = yield* relaySteps(consensus, microdescriptors, earlier);
    const netDir = new NetDir(consensus, microdescriptors, earlier, relays);
    yield;
    netDir.#index ??= yield* IdentityIndex.steps(consensus.routers);
    return netDir;
  }

  /** The relay, if it can be used and its microdescriptor is there. */
  relay(identity: RsaIdentity): Relay | undefined {
    return this.#relays[this.#placeOf(identity)];
  }

  /** The relay of the entry at this place of the consensus, under the same conditions. */
  relayAt(place: number): Relay | undefined {
    return this.#relays[place];
  }

  /** What the consensus says of the relay, with or without its microdescriptor. */
  listed(identity: RsaIdentity): RouterStatus | undefined {
    return this.consensus.routers[this.#placeOf(identity)];
  }

  /** The microdescriptors of relays that could be used if they were there; each once. */
  missingMicrodescriptors(): readonly MicrodescriptorDigest[] {
    const missing = new Set<MicrodescriptorDigest>();
    this.consensus.routers.forEach((router, place) => {
      const isMissing = this.#relays[place] === undefined && isUsable(router);
      if (isMissing) missing.add(router.microdescriptorDigest);
    });
    return [...missing];
  }

  /** A consensus parameter (param-spec): the default if it is absent, and never out of bounds. */
  parameter(name: string, bounds: ParameterBounds): number {
    const value = this.consensus.parameters.get(name) ?? bounds.default;
    return Math.min(Math.max(value, bounds.min), bounds.max);
  }

  /**
   * How likely a relay is to be chosen for a position of a path, relative to others: its bandwidth
   * in kilobytes per second times its weight (path-spec, "Choosing an exit" and after).
   */
  weight(relay: Weighable, position: WeightPosition): number {
    return this.#weights.weight(relay, position);
  }

  /** The place of the entry with this identity; -1 when there is none. */
  #placeOf(identity: RsaIdentity): number {
    this.#index ??= lastOf(IdentityIndex.steps(this.consensus.routers));
    return this.#index.find(identity);
  }
}

/** For each entry of a consensus, the relay, if it can be used and its microdescriptor is there. */
function* relaySteps(
  { routers }: Consensus,
  microdescriptors: MicrodescriptorSource,
  earlier: NetDir | undefined,
): Generator<void, (Relay | undefined)[]> {
  const before = earlier?.consensus.routers === routers ? earlier : undefined;
  const relays: (Relay | undefined)[] = [];
  for (const router of routers) {
    const place = relays.length;
    relays.push(before?.relayAt(place) ?? makeRelay(router, microdescriptors));
    if (place % RELAYS_PER_STEP === RELAYS_PER_STEP - 1) yield;
  }
  return relays;
}

function makeRelay(
  router: RouterStatus,
  microdescriptors: MicrodescriptorSource,
): Relay | undefined {
  if (!isUsable(router)) return undefined;
  const microdescriptor = microdescriptors.get(router.microdescriptorDigest);
  return microdescriptor && new ListedRelay(router, microdescriptor);
}

/** Whether a relay that is listed like this can be used at all. */
export function isUsable(router: Pick<RouterStatus, "flags" | "port">): boolean {
  const needed = RelayFlag.Running | RelayFlag.Valid;
  return (router.flags & needed) === needed && router.port !== 0;
}

/**
 * A relay as its two documents describe it, without copies of what they say, but for the texts that
 * each choice of a path compares: those are kept when they were asked for once.
 */
class ListedRelay implements Relay {
  readonly #router: RouterStatus;
  readonly #microdescriptor: Microdescriptor;
  #nickname: string | undefined;
  #rsaIdentity: RsaIdentity | undefined;
  #ed25519Identity: Ed25519Identity | undefined;
  #hostname: string | undefined;

  constructor(router: RouterStatus, microdescriptor: Microdescriptor) {
    this.#router = router;
    this.#microdescriptor = microdescriptor;
  }

  get nickname(): string {
    return this.#nickname ??= this.#router.nickname;
  }

  get rsaIdentity(): RsaIdentity {
    return this.#rsaIdentity ??= this.#router.rsaIdentity;
  }

  get ed25519Identity(): Ed25519Identity | undefined {
    return this.#ed25519Identity ??= this.#microdescriptor.ed25519Identity;
  }

  get onionKey(): Uint8Array {
    return this.#microdescriptor.onionKey;
  }

  get hostname(): string {
    return this.#hostname ??= this.#router.hostname;
  }

  get port(): number {
    return this.#router.port;
  }

  get ipv6(): SocketAddress | undefined {
    return this.#router.ipv6 ?? this.#microdescriptor.ipv6;
  }

  get flags(): number {
    return this.#router.flags;
  }

  get bandwidth(): number {
    return this.#router.bandwidth;
  }

  get family(): readonly string[] {
    return this.#microdescriptor.family;
  }

  get familyIds(): readonly string[] {
    return this.#microdescriptor.familyIds;
  }

  get exitPolicy(): PortPolicy {
    return this.#microdescriptor.exitPolicy;
  }

  get exitPolicy6(): PortPolicy {
    return this.#microdescriptor.exitPolicy6;
  }

  supports(protocol: string, version: number): boolean {
    return this.#router.protocols.supports(protocol, version);
  }
}
