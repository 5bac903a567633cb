/**
 * What happens in an embedded network, so that a test can wait for it.
 *
 * @module
 */
import type { CircuitExtension } from "../src/cell/circuit_extensions.ts";
import type { PaddingNegotiation } from "../src/cell/padding_negotiate.ts";
import { abortable } from "../src/runtime/deadline.ts";

/** Something that happened at one relay, whose nickname is `relay`. */
export type RelayEvent =
  & { readonly relay: string }
  & (
    /** The link handshake with a peer is done. */
    | { readonly kind: "channel-open" }
    | { readonly kind: "channel-closed" }
    /** A PADDING cell came on an open channel. */
    | { readonly kind: "padding" }
    /** The other end of a channel wishes for other padding, or none. */
    | { readonly kind: "padding-negotiate"; readonly negotiation: PaddingNegotiation }
    /** A CREATE_FAST or CREATE2 cell came. */
    | { readonly kind: "create"; readonly circuit: number; readonly command: number }
    /** Its handshake has succeeded. */
    | {
      readonly kind: "created";
      readonly circuit: number;
      /** One of HandshakeType; `undefined` for CREATE_FAST. */
      readonly handshakeType: number | undefined;
      /** What the client's ntor-v3 message asks for; none in other handshakes. */
      readonly asked: readonly CircuitExtension[];
      /** Whether the relay controls congestion on the circuit. */
      readonly congestionControl: boolean;
    }
    /** A relay message other than DATA came from the client, for this relay. */
    | {
      readonly kind: "message";
      readonly circuit: number;
      readonly command: number;
      readonly streamId: number;
    }
    /** Another relay has answered CREATED2. */
    | { readonly kind: "extended"; readonly circuit: number }
    /** The circuit is gone, after a DESTROY that came (`received`) or went out, or its channel. */
    | {
      readonly kind: "circuit-closed";
      readonly circuit: number;
      readonly reason: number;
      readonly received: boolean;
    }
    /** A directory document was asked for, by GET or POST. */
    | { readonly kind: "directory"; readonly method: string; readonly path: string }
    /** A relay of other make has published its descriptor at this authority. */
    | { readonly kind: "descriptor"; readonly nickname: string }
  );

/** How many of the newest events are kept. */
const KEPT_EVENTS = 20_000;

interface Waiter {
  readonly matches: (event: RelayEvent) => boolean;
  resolve(event: RelayEvent): void;
}

/** The events of a network, in the order in which they happened. */
export class Events {
  readonly #events: RelayEvent[] = [];
  readonly #waiters = new Set<Waiter>();
  #dropped = 0;

  /** How many there were so far: a mark for `since`. */
  get count(): number {
    return this.#dropped + this.#events.length;
  }

  /** Those since a mark, as far as they are kept. */
  since(mark = 0): readonly RelayEvent[] {
    return this.#events.slice(Math.max(0, mark - this.#dropped));
  }

  /** Adds an event, and wakes those who wait for it. */
  add(event: RelayEvent): void {
    this.#events.push(event);
    if (this.#events.length > KEPT_EVENTS) {
      this.#events.shift();
      this.#dropped++;
    }
    for (const waiter of [...this.#waiters]) {
      if (!waiter.matches(event)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(event);
    }
  }

  /**
   * The first event since a mark that matches; waits for it when it has not happened yet.
   *
   * @throws the signal's reason
   */
  until(
    matches: (event: RelayEvent) => boolean,
    options: { readonly since?: number; readonly signal?: AbortSignal } = {},
  ): Promise<RelayEvent> {
    const past = this.since(options.since).find(matches);
    if (past !== undefined) return Promise.resolve(past);
    const { promise, resolve } = Promise.withResolvers<RelayEvent>();
    const waiter: Waiter = { matches, resolve };
    this.#waiters.add(waiter);
    // One that is no longer wanted must not be kept for as long as the network lives.
    return abortable(promise, options.signal).finally(() => this.#waiters.delete(waiter));
  }
}
