/**
 * The directory of an embedded network: which relays there are, and the documents that say so.
 *
 * @module
 */
import type { RsaIdentity } from "../src/crypto/identity.ts";
import { signedSha3 } from "../src/netdoc/consensus_diff.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { writeConsensusDiff } from "./consensus_diff_writer.ts";
import {
  type ConsensusParts,
  sha256Base64,
  type TestAuthority,
  writeConsensus,
  writeMicrodescriptor,
} from "./document_writer.ts";
import type { RelayRole } from "./relay.ts";
import { RELAY_PROTOCOLS } from "./relay_protocols.ts";

/** A relay as the consensus and its microdescriptor list it. */
export interface ListedRelay {
  readonly nickname: string;
  readonly role: RelayRole;
  /** An IPv4 address. */
  readonly hostname: string;
  readonly orPort: number;
  readonly rsaId: RsaIdentity;
  /** 32 bytes. */
  readonly ed25519Id: Uint8Array;
  /** 32 bytes. */
  readonly onionKey: Uint8Array;
  /** The subprotocols that it speaks; RELAY_PROTOCOLS unless given. */
  readonly protocols?: string | undefined;
}

/** What a consensus is to say otherwise than an honest one. */
export interface ConsensusChanges {
  /** Parts that replace the honest ones. */
  readonly parts?: Partial<ConsensusParts>;
  /** Who signs it; all authorities unless given. */
  readonly signers?: readonly TestAuthority[];
}

const MINUTE = 60_000;

/** How many earlier consensuses diffs are made from. */
const EARLIER_KEPT = 8;

const FLAGS: Readonly<Record<RelayRole, string>> = {
  // Without Fast and Stable nobody takes authorities into a circuit.
  authority: "Authority Running V2Dir Valid",
  guard: "Fast Guard Running Stable V2Dir Valid",
  middle: "Fast Running Stable V2Dir Valid",
  exit: "Exit Fast Running Stable V2Dir Valid",
};

/** What all relays of one role weigh together, so that no role is scarce. */
const ROLE_BANDWIDTH = 60_000;

// What the formulas of dir-spec give when guards, middles and exits weigh the same.
const WEIGHTS = "Wbd=3333 Wbe=0 Wbg=0 Wbm=10000 Wdb=10000 Web=10000 Wed=3333 Wee=10000 Weg=3333 " +
  "Wem=10000 Wgb=10000 Wgd=3333 Wgg=10000 Wgm=10000 Wmb=10000 Wmd=3333 Wme=0 Wmg=0 Wmm=10000";

/** The documents of a network, as its authorities have last agreed on them. */
export class NetworkDocuments {
  readonly #authorities: TestAuthority[] = [];
  readonly #clock: Clock;
  readonly #parameters: string;
  readonly #relays: ListedRelay[] = [];
  #microdescriptors: ReadonlyMap<string, string> = new Map();
  #consensus = new Uint8Array(0);
  /** The consensuses before the current one, the oldest first. */
  #earlier: readonly Uint8Array[] = [];
  #validAfter = 0;

  /** @param parameters the consensus parameters, `name=value` with spaces between, sorted */
  constructor(clock: Clock, parameters: string) {
    this.#clock = clock;
    this.#parameters = parameters;
  }

  /** Those who sign the consensus. */
  get authorities(): readonly TestAuthority[] {
    return this.#authorities;
  }

  /** Adds one who signs the next consensus. */
  addAuthority(authority: TestAuthority): void {
    this.#authorities.push(authority);
  }

  /** The relays that are listed. */
  get relays(): readonly ListedRelay[] {
    return this.#relays;
  }

  /** The current microdescriptor consensus. */
  get consensus(): Uint8Array<ArrayBuffer> {
    return this.#consensus;
  }

  /**
   * The diff from an earlier consensus to the current one; `undefined` when it is not known.
   *
   * @param digests of what is signed of the consensuses that will do: SHA3-256 in hexadecimal
   */
  diffFrom(digests: readonly string[]): Uint8Array<ArrayBuffer> | undefined {
    const known = this.#earlier.findLast((consensus) =>
      digests.includes(signedSha3(consensus).toHex().toUpperCase())
    );
    return known && writeConsensusDiff(known, this.#consensus);
  }

  /** Since when the current consensus is valid, in ms since 1970. */
  get validAfter(): number {
    return this.#validAfter;
  }

  /** By SHA-256 digest, in base64 without padding. */
  get microdescriptors(): ReadonlyMap<string, string> {
    return this.#microdescriptors;
  }

  /** Lists more relays in a new consensus. */
  list(relays: readonly ListedRelay[]): void {
    this.#relays.push(...relays);
    this.#microdescriptors = new Map(this.#relays.map((relay) => {
      const text = microdescriptor(relay);
      return [sha256Base64(text), text];
    }));
    // Ten minutes old, so that no clock that is a little behind finds it in the future.
    const now = Math.floor(this.#clock.now() / MINUTE) * MINUTE - 10 * MINUTE;
    this.#validAfter = Math.max(now, this.#validAfter + MINUTE);
    if (this.#consensus.length > 0) {
      this.#earlier = [...this.#earlier, this.#consensus].slice(-EARLIER_KEPT);
    }
    this.#consensus = this.writeConsensus();
  }

  /** The certificates of all authorities, by v3 identity. */
  certificates(): ReadonlyMap<RsaIdentity, string> {
    const now = this.#clock.now();
    const times = { published: now - 60 * MINUTE, expires: now + 30 * 24 * 60 * MINUTE };
    return new Map(
      this.authorities.map((authority) => [authority.v3Identity, authority.certificate(times)]),
    );
  }

  /** Writes a consensus about the relays that are listed, with changes for those who lie. */
  writeConsensus(changes: ConsensusChanges = {}): Uint8Array<ArrayBuffer> {
    const parts: ConsensusParts = {
      validAfter: this.#validAfter,
      authorities: this.authorities,
      parameters: this.#parameters,
      weights: WEIGHTS,
      requiredProtocols: "Cons=2 Desc=2 FlowCtrl=1 Link=4 Microdesc=2 Relay=2",
      relays: this.#entries(),
      ...changes.parts,
    };
    return writeConsensus(parts, changes.signers ?? this.authorities);
  }

  /** Entries sorted by identity, as a consensus must have them. */
  #entries() {
    const count = (role: RelayRole) => this.#relays.filter((relay) => relay.role === role).length;
    const sorted = this.#relays.toSorted((a, b) => a.rsaId < b.rsaId ? -1 : 1);
    return sorted.map((relay) => {
      const weight = relay.role === "authority" ? 0 : ROLE_BANDWIDTH / count(relay.role);
      return {
        nickname: relay.nickname,
        identity: Uint8Array.fromHex(relay.rsaId),
        hostname: relay.hostname,
        port: relay.orPort,
        digest: sha256Base64(microdescriptor(relay)),
        flags: FLAGS[relay.role],
        protocols: relay.protocols ?? RELAY_PROTOCOLS,
        bandwidth: `Bandwidth=${Math.floor(weight)}`,
      };
    });
  }
}

function microdescriptor(relay: ListedRelay): string {
  const isExit = relay.role === "exit";
  return writeMicrodescriptor({
    onionKey: relay.onionKey,
    ed25519Identity: relay.ed25519Id,
    ...isExit ? { exitPolicy: "accept 1-65535", exitPolicy6: "accept 1-65535" } : {},
  });
}
