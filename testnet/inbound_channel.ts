/**
 * A link that somebody has opened to an embedded relay: the responder's part of the link handshake,
 * and the circuits on the link.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { CellCommand } from "../src/cell/command.ts";
import { CellParser } from "../src/cell/cell_parser.ts";
import { CELL_BODY_LENGTH, CELL_LENGTH, writeCellHeader } from "../src/cell/layout.ts";
import { decodeNetinfo, decodeVersions, encodeVersionsCell } from "../src/cell/link.ts";
import { decodePaddingNegotiate } from "../src/cell/padding_negotiate.ts";
import { TorError } from "../src/errors/tor_error.ts";
import type { Timer } from "../src/runtime/clock.ts";
import { randomBytes } from "../src/runtime/random.ts";
import { relayCerts, relayCertsParts } from "./certificates.ts";
import type { LinkActions, LinkCells } from "./behaviour.ts";
import { encodeAuthChallengeCell, encodeCertsCell, encodeRelayNetinfoCell } from "./link_cells.ts";
import { createCircuit } from "./create_circuit.ts";
import type { RelayCircuit } from "./relay_circuit.ts";
import { type RelayContext, tell } from "./relay_context.ts";
import { DestroyReason } from "./relay_messages.ts";

/** Bytes waiting to be written from which streams hold back. */
const CONGESTED_AT = 64 * 1024;
/** Bytes waiting to be written at which the link is given up. */
const OUTGOING_LIMIT = 8 * 1024 * 1024;
/** How long a link without circuits is kept, in ms. */
const UNUSED_TIMEOUT = 180_000;
/** Circuits that one link may have. */
const CIRCUIT_LIMIT = 10_000;

/** A link to whoever has connected: a client or another relay. */
export class InboundChannel implements LinkActions {
  /** Resolves, never rejects, when the link is closed. */
  readonly finished: Promise<void>;
  readonly #relay: RelayContext;
  readonly #stream: Duplex;
  readonly #parser = new CellParser();
  readonly #circuits = new Map<number, RelayCircuit>();
  readonly #drainListeners = new Set<() => void>();
  #state: "versions" | "netinfo" | "open" | "closed" = "versions";
  #outgoing = new Uint8Array(CONGESTED_AT);
  #outgoingLength = 0;
  #flushScheduled = false;
  #unusedTimer: Timer | undefined;

  constructor(relay: RelayContext, stream: Duplex) {
    this.#relay = relay;
    this.#stream = stream;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    stream.on("data", (chunk: Uint8Array) => this.#onData(chunk));
    stream.on("drain", () => this.#onDrain());
    stream.on("end", () => this.close());
    // What follows is "close"; peers that go away in the middle are everyday life.
    stream.on("error", () => this.close());
    stream.on("close", () => {
      this.close();
      resolve();
    });
    this.#startUnusedTimer();
  }

  /** How many circuits use the link. */
  get circuitCount(): number {
    return this.#circuits.size;
  }

  /** Whether so much waits to be written that streams should hold back. */
  get congested(): boolean {
    return this.#outgoingLength + this.#stream.writableLength >= CONGESTED_AT;
  }

  /** Calls `listener` whenever what waited has been written. */
  addDrainListener(listener: () => void): void {
    this.#drainListeners.add(listener);
  }

  removeDrainListener(listener: () => void): void {
    this.#drainListeners.delete(listener);
  }

  sendCell(circuitId: number, command: number, body: Uint8Array): void {
    if (this.#isClosed) return;
    const at = this.#reserve(CELL_LENGTH);
    if (this.#isClosed) return;
    writeCellHeader(this.#outgoing, at, circuitId, command);
    this.#outgoing.set(body, at + 5);
    this.#outgoing.fill(0, at + 5 + body.length, at + 5 + CELL_BODY_LENGTH);
  }

  sendBytes(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const at = this.#reserve(bytes.length);
    if (!this.#isClosed) this.#outgoing.set(bytes, at);
  }

  /** Lets a circuit go. */
  detach(circuitId: number): void {
    this.#circuits.delete(circuitId);
    if (this.#circuits.size === 0) this.#startUnusedTimer();
  }

  close(): void {
    if (this.#isClosed) return;
    const wasOpen = this.#state === "open";
    this.#flush();
    this.#state = "closed";
    this.#unusedTimer?.cancel();
    for (const circuit of [...this.#circuits.values()]) circuit.onLinkClosed();
    this.#circuits.clear();
    this.#drainListeners.clear();
    this.#stream.end(() => this.#stream.destroy());
    if (wasOpen) tell(this.#relay, { kind: "channel-closed" });
  }

  /** Closes the link without waiting for what is still to be written. */
  destroy(): void {
    this.close();
    this.#stream.destroy();
  }

  get #isClosed(): boolean {
    return this.#state === "closed";
  }

  #onData(chunk: Uint8Array): void {
    const parser = this.#parser;
    try {
      for (let at = 0; at < chunk.length && !this.#isClosed;) {
        const space = parser.space();
        const piece = chunk.subarray(at, at + space.length);
        space.set(piece);
        parser.filled(piece.length);
        at += piece.length;
        while (!this.#isClosed && parser.next()) this.#onCell();
      }
    } catch (error) {
      this.close();
      if (!(error instanceof TorError)) throw error;
    }
  }

  #onCell(): void {
    const { command } = this.#parser;
    switch (this.#state) {
      case "versions":
        if (command !== CellCommand.VERSIONS) return this.close();
        return this.#onVersions(decodeVersions(this.#parser.body()));
      case "netinfo":
        if (command === CellCommand.NETINFO) {
          decodeNetinfo(this.#parser.body());
          this.#state = "open";
          tell(this.#relay, { kind: "channel-open" });
          this.#relay.behaviour.onChannelOpen(this);
        }
        // A relay also proves who it is with CERTS and AUTHENTICATE, which changes nothing here.
        return;
      case "open":
        return this.#onOpenCell(command);
    }
  }

  #onVersions(theirs: readonly number[]): void {
    if (!theirs.includes(4) && !theirs.includes(5)) return this.close();
    this.#parser.useLongCircuitIds();
    this.#state = "netinfo";
    this.#sendLinkCells().catch(() => this.destroy());
  }

  async #sendLinkCells(): Promise<void> {
    for (const item of this.#relay.behaviour.linkCells(this.#linkCells())) {
      if (item === "close") this.close();
      if (this.#isClosed) return;
      if (item !== "close") this.sendBytes(item);
      if (this.congested) await this.#drained();
    }
  }

  /** Resolves when something of what waits has been written, or nothing can be any more. */
  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.addDrainListener(resolve);
    await Promise.race([promise, this.finished]);
    this.removeDrainListener(resolve);
  }

  #linkCells(): LinkCells {
    const { keys, link, runtime, hostname, behaviour } = this.#relay;
    const now = runtime.clock.now();
    const address = Uint8Array.from(hostname.split("."), Number);
    const certs = relayCerts(behaviour.certs(relayCertsParts(keys, link.certificate, now)));
    return {
      versions: encodeVersionsCell([3, 4, 5]),
      certs: encodeCertsCell(certs),
      authChallenge: encodeAuthChallengeCell(randomBytes(runtime.random, 32)),
      // Every peer is on the loopback interface, and which address it has there says nothing.
      netinfo: encodeRelayNetinfoCell(Math.floor(now / 1000), Uint8Array.of(127, 0, 0, 1), address),
    };
  }

  #onOpenCell(command: number): void {
    const { circuitId, buffer, bodyOffset } = this.#parser;
    const circuit = this.#circuits.get(circuitId);
    switch (command) {
      case CellCommand.CREATE_FAST:
      case CellCommand.CREATE2:
        if (circuit !== undefined || this.#circuits.size >= CIRCUIT_LIMIT) {
          return this.sendCell(
            circuitId,
            CellCommand.DESTROY,
            Uint8Array.of(DestroyReason.RESOURCE_LIMIT),
          );
        }
        return this.#create(circuitId, command);
      case CellCommand.RELAY:
      case CellCommand.RELAY_EARLY:
        return circuit?.onForwardCell(command, buffer, bodyOffset);
      case CellCommand.DESTROY:
        return circuit?.onDestroy(buffer[bodyOffset]);
      case CellCommand.PADDING:
        return tell(this.#relay, { kind: "padding" });
      case CellCommand.PADDING_NEGOTIATE: {
        // What it asks for changes nothing: an embedded relay sends no padding of its own.
        const negotiation = decodePaddingNegotiate(this.#parser.body());
        return tell(this.#relay, { kind: "padding-negotiate", negotiation });
      }
    }
  }

  #create(circuitId: number, command: number): void {
    const create = { command, body: this.#parser.body().slice() };
    const circuit = createCircuit(this.#relay, this, circuitId, create);
    if (circuit === undefined) return;
    this.#circuits.set(circuitId, circuit);
    this.#unusedTimer?.cancel();
  }

  /** Closes the link after a while unless a circuit comes: also when its handshake never ends. */
  #startUnusedTimer(): void {
    this.#unusedTimer?.cancel();
    if (this.#isClosed) return;
    const { clock } = this.#relay.runtime;
    this.#unusedTimer = clock.setTimer(() => this.close(), UNUSED_TIMEOUT);
  }

  /** Makes room for `length` bytes at the end of what is to be written. */
  #reserve(length: number): number {
    const start = this.#outgoingLength;
    const needed = start + length;
    if (needed + this.#stream.writableLength > OUTGOING_LIMIT) {
      this.#outgoingLength = 0;
      this.destroy();
      return 0;
    }
    if (needed > this.#outgoing.length) {
      const larger = new Uint8Array(Math.max(needed, this.#outgoing.length * 2));
      larger.set(this.#outgoing.subarray(0, start));
      this.#outgoing = larger;
    }
    this.#outgoingLength = needed;
    if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      queueMicrotask(() => this.#flush());
    }
    return start;
  }

  #flush(): void {
    this.#flushScheduled = false;
    const length = this.#outgoingLength;
    if (length === 0 || this.#isClosed) return;
    this.#outgoingLength = 0;
    // Copied, because the stream keeps what it cannot write at once.
    if (this.#stream.write(this.#outgoing.slice(0, length))) this.#onDrain();
  }

  #onDrain(): void {
    for (const listener of [...this.#drainListeners]) listener();
  }
}
