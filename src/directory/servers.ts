/**
 * The directory servers that are known without a consensus: authorities and fallbacks.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { NodeRules } from "../path/node_rules.ts";
import { randomFraction, type RandomSource } from "../runtime/random.ts";
import type { AddressedServer } from "./transport.ts";

interface Candidate {
  readonly server: AddressedServer;
  readonly weight: number;
}

/**
 * Draws servers at random by their weights. One that failed is passed over until all others have
 * failed as well; then they are all given another chance.
 */
export class ConfiguredServers {
  readonly #random: RandomSource;
  readonly #authorities: readonly Candidate[];
  readonly #fallbacks: readonly Candidate[];
  readonly #failed = new Set<RsaIdentity>();
  readonly #nodes: NodeRules;

  /** @param nodes relays that the user does not want to be asked, unless there are no others */
  constructor(
    config: Pick<Config, "authorities" | "fallbacks">,
    random: RandomSource,
    nodes: NodeRules = NodeRules.none,
  ) {
    this.#random = random;
    this.#nodes = nodes;
    this.#authorities = config.authorities.flatMap((authority) => {
      const { hostname, orPort, ipv6, rsaIdentity, v3Identity, weight } = authority;
      // A bridge authority has no consensus, and one without an OR port can't be asked.
      if (orPort === undefined || v3Identity === undefined) return [];
      return [{ server: { kind: "authority", hostname, port: orPort, ipv6, rsaIdentity }, weight }];
    });
    this.#fallbacks = config.fallbacks.map(({ hostname, orPort, ipv6, rsaIdentity, weight }) => ({
      server: { kind: "fallback", hostname, port: orPort, ipv6, rsaIdentity },
      weight,
    }));
  }

  get hasAuthorities(): boolean {
    return this.#authorities.length > 0;
  }

  get hasFallbacks(): boolean {
    return this.#fallbacks.length > 0;
  }

  /**
   * An authority that is not in `busy`; `undefined` when all of them are.
   *
   * @param busy identities of the servers that are being asked already
   */
  pickAuthority(busy: ReadonlySet<RsaIdentity> = new Set()): AddressedServer | undefined {
    return this.#pick(this.#authorities, busy);
  }

  /** A fallback that is not in `busy`; where none are configured, an authority. */
  pickFallback(busy: ReadonlySet<RsaIdentity> = new Set()): AddressedServer | undefined {
    return this.#pick(this.hasFallbacks ? this.#fallbacks : this.#authorities, busy);
  }

  /** Passes a server over until all others have failed too. */
  noteFailure(identity: RsaIdentity): void {
    this.#failed.add(identity);
  }

  /** A server that answered well is no longer passed over. */
  noteSuccess(identity: RsaIdentity): void {
    this.#failed.delete(identity);
  }

  #pick(
    candidates: readonly Candidate[],
    busy: ReadonlySet<RsaIdentity>,
  ): AddressedServer | undefined {
    const idle = this.#nodes.directoriesToAsk(
      candidates.filter(({ server }) => !busy.has(server.rsaIdentity)),
      ({ server }) => server,
    );
    const hopeful = idle.filter(({ server }) => !this.#failed.has(server.rsaIdentity));
    if (hopeful.length > 0) return drawn(hopeful, this.#random);
    for (const { server } of idle) this.#failed.delete(server.rsaIdentity);
    return idle.length > 0 ? drawn(idle, this.#random) : undefined;
  }
}

/** One of a non-empty list, by weight; any of them when all weights are 0. */
function drawn(candidates: readonly Candidate[], random: RandomSource): AddressedServer {
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  let left = randomFraction(random) * (total > 0 ? total : candidates.length);
  for (const { server, weight } of candidates) {
    left -= total > 0 ? weight : 1;
    if (left < 0) return server;
  }
  return candidates[candidates.length - 1].server;
}
