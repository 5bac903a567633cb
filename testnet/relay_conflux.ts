/**
 * Conflux sets at an embedded exit: several circuits of one client that carry the same streams.
 *
 * @module
 */
import { RelayCommand } from "../src/cell/command.ts";
import {
  ConfluxUx,
  decodeConfluxLink,
  decodeConfluxSwitch,
  encodeConfluxLink,
  encodeConfluxSwitch,
  isMultiplexed,
} from "../src/cell/conflux.ts";
import type { RelayCircuit } from "./relay_circuit.ts";
import type { RelayContext } from "./relay_context.ts";
import { DestroyReason } from "./relay_messages.ts";
import { RelayStreams, type StreamCarrier } from "./relay_streams.ts";

/** Messages that go by one leg before the next one has its turn, so that every transfer switches. */
const TURN = 24;

interface Leg {
  readonly circuit: RelayCircuit;
  lastReceived: number;
  lastSent: number;
}

interface WaitingMessage {
  readonly command: number;
  readonly streamId: number;
  readonly body: Uint8Array;
}

/** A set, from its first LINK until it has lost a leg that was in use. */
export class RelayConfluxSet implements StreamCarrier {
  readonly relay: RelayContext;
  readonly congestionControl = true;
  readonly streams = new RelayStreams(this);
  readonly #key: string;
  readonly #closing = new AbortController();
  readonly #legs: Leg[] = [];
  readonly #waiting = new Map<number, WaitingMessage>();
  #current = 0;
  #sentInTurn = 0;
  #delivered = 0;

  private constructor(relay: RelayContext, key: string) {
    this.relay = relay;
    this.#key = key;
  }

  /**
   * Takes a circuit on which LINK has come as a leg, and answers with LINKED.
   *
   * @throws CellError when LINK is malformed
   */
  static link(circuit: RelayCircuit, body: Uint8Array): RelayConfluxSet {
    const { relay } = circuit;
    const { nonce } = decodeConfluxLink(body);
    const key = nonce.toHex();
    const set = relay.confluxSets.get(key) ?? new RelayConfluxSet(relay, key);
    relay.confluxSets.set(key, set);
    set.#legs.push({ circuit, lastReceived: 0, lastSent: 0 });
    const linked = {
      nonce,
      lastSent: BigInt(Math.max(...set.#legs.map(({ lastSent }) => lastSent))),
      lastReceived: BigInt(set.#delivered),
      desiredUx: ConfluxUx.HIGH_THROUGHPUT,
    };
    circuit.say(RelayCommand.CONFLUX_LINKED, 0, encodeConfluxLink(linked));
    return set;
  }

  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  get canPackage(): boolean {
    return this.#legs.some(({ circuit }) => circuit.canPackage);
  }

  get nextDataLength(): number {
    return Math.min(...this.#legs.map(({ circuit }) => circuit.nextDataLength));
  }

  say(command: number, streamId: number, body: Uint8Array): void {
    if (this.signal.aborted) return;
    if (!isMultiplexed(command)) {
      return this.#legs[this.#current].circuit.say(command, streamId, body);
    }
    const leg = this.#nextLeg();
    leg.lastSent++;
    leg.circuit.say(command, streamId, body);
  }

  /** A message that is put in order came by a leg. */
  onMessage(circuit: RelayCircuit, command: number, streamId: number, body: Uint8Array): void {
    const leg = this.#legOf(circuit);
    if (leg === undefined) return;
    this.#waiting.set(++leg.lastReceived, { command, streamId, body: body.slice() });
    for (;;) {
      const next = this.#waiting.get(this.#delivered + 1);
      if (next === undefined) return;
      this.#waiting.delete(++this.#delivered);
      this.streams.onMessage(next.command, next.streamId, next.body);
    }
  }

  /** SWITCH came by a leg. */
  onSwitch(circuit: RelayCircuit, body: Uint8Array): void {
    const leg = this.#legOf(circuit);
    if (leg !== undefined) leg.lastReceived += decodeConfluxSwitch(body);
  }

  /** A leg is closed: the others too, if it was in use. */
  onLegClosed(circuit: RelayCircuit): void {
    const index = this.#legs.findIndex((leg) => leg.circuit === circuit);
    const [lost] = this.#legs.splice(index, index < 0 ? 0 : 1);
    if (lost === undefined || this.signal.aborted) return;
    const wasAhead = this.#legs.every(({ lastSent, lastReceived }) =>
      lastSent < lost.lastSent || lastReceived < lost.lastReceived
    );
    if (wasAhead || index === this.#current) this.destroy(DestroyReason.FINISHED);
    else this.#current = 0;
  }

  destroy(reason: number): void {
    if (this.signal.aborted) return;
    this.#closing.abort();
    this.relay.confluxSets.delete(this.#key);
    for (const { circuit } of [...this.#legs]) circuit.destroy(reason);
  }

  #legOf(circuit: RelayCircuit): Leg | undefined {
    return this.#legs.find((leg) => leg.circuit === circuit);
  }

  #nextLeg(): Leg {
    const current = this.#legs[this.#current];
    if (this.#sentInTurn++ < TURN && current.circuit.canPackage) return current;
    const next = (this.#current + 1) % this.#legs.length;
    if (next === this.#current || !this.#legs[next].circuit.canPackage) return current;
    this.#current = next;
    this.#sentInTurn = 1;
    const leg = this.#legs[next];
    const relative = encodeConfluxSwitch(current.lastSent - leg.lastSent);
    leg.lastSent = current.lastSent;
    leg.circuit.say(RelayCommand.CONFLUX_SWITCH, 0, relative);
    return leg;
  }
}
