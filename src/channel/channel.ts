/**
 * One open channel: a TLS connection to a relay whose identity is proved, carrying cells.
 *
 * Receiving and sending are the hot path. All cells of one read are handled synchronously, in
 * place. Cells to send are built in place in one buffer, which is written as a whole once per turn
 * of the event loop.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { CellCommand, cellCommandName } from "../cell/command.ts";
import type { CellParser } from "../cell/cell_parser.ts";
import { CELL_BODY_LENGTH, CELL_HEADER_LENGTH, CELL_LENGTH } from "../cell/layout.ts";
import { writeCellHeader } from "../cell/layout.ts";
import type { Ed25519Identity, RsaIdentity } from "../crypto/identity.ts";
import { describeError } from "../errors/tor_error.ts";
import { randomBelow } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ChannelBandwidth } from "./bandwidth_limit.ts";
import { ChannelError } from "./errors.ts";
import { closeQuietly } from "./tls.ts";

/** Bytes waiting to be written from which streams should hold back. */
const CONGESTED_AT = 64 * 1024;
/** Bytes waiting to be written at which the channel is given up. */
const OUTGOING_LIMIT = 8 * 1024 * 1024;

/** What a channel gives the cells of one circuit to. Both calls are synchronous. */
export interface CellReceiver {
  /**
   * A cell for this circuit. `buffer` may be changed in place from `bodyOffset` on for 509 bytes,
   * and is only valid during the call.
   */
  onCell(command: number, buffer: Uint8Array, bodyOffset: number): void;
  /** Called once when the channel is closed under the circuit. */
  onChannelClosed(error: ChannelError): void;
}

/** How many cells went over a channel. */
export interface ChannelTraffic {
  readonly cellsReceived: number;
  readonly cellsSent: number;
  /** PADDING and VPADDING cells among those received. */
  readonly paddingReceived: number;
  /** PADDING cells among those sent. */
  readonly paddingSent: number;
}

/** What the link handshake found out. */
export interface ChannelFacts {
  readonly conn: Deno.TlsConn;
  readonly parser: CellParser;
  readonly linkProtocol: number;
  readonly rsaIdentity: RsaIdentity;
  readonly ed25519Identity: Ed25519Identity;
  /** The relay's clock less ours, in ms; undefined when it did not say its time. */
  readonly clockSkew: number | undefined;
}

/**
 * What a channel has been used for, which decides whether it is padded (padding-spec,
 * "Implementation"): for nothing or directory requests; for circuits of several relays; for what
 * goes through these.
 */
export type ChannelUsage = "no-circuits" | "circuits" | "traffic";

/** Bytes that went through a channel. */
export interface ChannelBytes {
  readonly received: number;
  readonly sent: number;
}

/** An open channel. It runs until it is closed from either side. */
export class Channel {
  readonly linkProtocol: number;
  readonly rsaIdentity: RsaIdentity;
  readonly ed25519Identity: Ed25519Identity;
  readonly clockSkew: number | undefined;
  /** Resolves, never rejects, when the channel is closed and nothing of it runs any more. */
  readonly finished: Promise<void>;

  readonly #conn: Deno.TlsConn;
  readonly #parser: CellParser;
  readonly #runtime: Pick<Runtime, "clock" | "random">;
  readonly #circuits = new Map<number, CellReceiver>();
  readonly #drainListeners = new Set<() => void>();
  #outgoing = new Uint8Array(16 * 1024);
  #outgoingLength = 0;
  #spare = new Uint8Array(0);
  #writing = false;
  #flushScheduled = false;
  #closedBy: ChannelError | undefined;
  #cellsReceived = 0;
  #cellsSent = 0;
  #paddingReceived = 0;
  #paddingSent = 0;
  #bytesReceived = 0;
  #bytesSent = 0;
  #lastTransfer: number;
  #usage: ChannelUsage = "no-circuits";
  #retired = false;
  readonly #flush = () => this.#writeOut();
  #bandwidth: ChannelBandwidth | undefined;

  /** Called when the last circuit has left the channel. */
  onUnused: (() => void) | undefined;
  /** Called after each read, before its cells are handled. */
  onRead: (() => void) | undefined;
  /** Called when {@link usage} has changed, which happens at most twice. */
  onUsage: (() => void) | undefined;

  constructor(facts: ChannelFacts, runtime: Pick<Runtime, "clock" | "random">) {
    this.#conn = facts.conn;
    this.#parser = facts.parser;
    this.#runtime = runtime;
    this.#lastTransfer = runtime.clock.monotonic();
    this.linkProtocol = facts.linkProtocol;
    this.rsaIdentity = facts.rsaIdentity;
    this.ed25519Identity = facts.ed25519Identity;
    this.clockSkew = facts.clockSkew;
    this.finished = this.#receive();
  }

  /** Keeps to a limit from now on. To be called once, and not at all where there is no limit. */
  limitBandwidth(bandwidth: ChannelBandwidth): void {
    this.#bandwidth = bandwidth;
    if (this.#closedBy !== undefined) bandwidth.close();
  }

  /** Why the channel was closed; undefined while it is open. */
  get closedBy(): ChannelError | undefined {
    return this.#closedBy;
  }

  /** How many circuits use the channel. */
  get circuitCount(): number {
    return this.#circuits.size;
  }

  /** Cells received and sent since the link handshake, and how many of them were padding. */
  get traffic(): ChannelTraffic {
    return {
      cellsReceived: this.#cellsReceived,
      cellsSent: this.#cellsSent,
      paddingReceived: this.#paddingReceived,
      paddingSent: this.#paddingSent,
    };
  }

  /** Bytes of cells read and written since the link handshake, without what TLS adds. */
  get bytes(): ChannelBytes {
    return { received: this.#bytesReceived, sent: this.#bytesSent };
  }

  /** When anything was received or sent last, in the clock's monotonic ms. */
  get lastTransfer(): number {
    return this.#lastTransfer;
  }

  /** Whether cells wait to be written, or are being written. */
  get hasQueuedCells(): boolean {
    return this.#writing || this.#outgoingLength > 0;
  }

  /** What the channel has been used for so far. */
  get usage(): ChannelUsage {
    return this.#usage;
  }

  /** Whether the channel takes no new circuits any more. */
  get retired(): boolean {
    return this.#retired;
  }

  /**
   * Gives the channel no new circuits from now on, and closes it when the last one has gone: it is
   * old, or something about it is wrong, such as a relay that does not answer on it.
   */
  retire(): void {
    this.#retired = true;
    if (this.#circuits.size === 0) this.#closeRetired();
  }

  #closeRetired(): void {
    this.close(new ChannelError("channel-unused", "the channel was retired, and nobody used it"));
  }

  /**
   * Gives a new circuit a random free id. The connecting side's ids have the highest bit set
   * (tor-spec, "Choosing circuit IDs").
   *
   * @throws ChannelError when the channel is closed
   */
  attach(receiver: CellReceiver): number {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    for (;;) {
      const id = 2 ** 31 + randomBelow(this.#runtime.random, 2 ** 31);
      if (this.#circuits.has(id)) continue;
      this.#circuits.set(id, receiver);
      return id;
    }
  }

  /** Lets a circuit go: its cells are ignored from now on. */
  detach(circuitId: number): void {
    if (!this.#circuits.delete(circuitId)) return;
    if (this.#circuits.size > 0) return;
    if (this.#retired) this.#closeRetired();
    else this.onUnused?.();
  }

  /**
   * Starts a fixed-length cell at the end of {@link outgoing} and returns where its body is. The
   * caller fills all 509 bytes of it before anything else happens.
   *
   * @throws ChannelError when the channel is closed
   */
  beginCell(circuitId: number, command: number): number {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    const start = this.#outgoingLength;
    if (start + CELL_LENGTH > this.#outgoing.length) this.#growOutgoing();
    this.#outgoingLength = start + CELL_LENGTH;
    this.#cellsSent++;
    if (this.#usage !== "traffic") this.#noteUsage(command);
    writeCellHeader(this.#outgoing, start, circuitId, command);
    if (!this.#flushScheduled && !this.#writing) {
      this.#flushScheduled = true;
      this.#lastTransfer = this.#runtime.clock.monotonic();
      // Not a microtask: the reads that are ready come first, and what answers them is one write.
      setImmediate(this.#flush);
    }
    return start + CELL_HEADER_LENGTH;
  }

  /** The buffer that {@link beginCell} points into; ask again after each call of it. */
  get outgoing(): Uint8Array<ArrayBuffer> {
    return this.#outgoing;
  }

  /** Sends a cell with this body and zeros after it. */
  sendCell(circuitId: number, command: number, body: Uint8Array): void {
    const offset = this.beginCell(circuitId, command);
    this.#outgoing.set(body, offset);
    this.#outgoing.fill(0, offset + body.length, offset + CELL_BODY_LENGTH);
  }

  /** Sends a padding cell, which the relay ignores. */
  sendPadding(): void {
    this.sendCell(0, CellCommand.PADDING, new Uint8Array(0));
    this.#paddingSent++;
  }

  /** Whether so much waits to be written that streams should hold back. */
  get congested(): boolean {
    return this.#outgoingLength >= CONGESTED_AT;
  }

  /** Calls `listener` whenever what waited has been written; streams go on then. */
  addDrainListener(listener: () => void): void {
    this.#drainListeners.add(listener);
  }

  removeDrainListener(listener: () => void): void {
    this.#drainListeners.delete(listener);
  }

  /** Closes the channel and everything on it. Closing twice does nothing. */
  close(error?: ChannelError): void {
    if (this.#closedBy !== undefined) return;
    // What was sent in this turn, such as the DESTROY cells of a client that stops, goes out still.
    if (!this.#writing) this.#writeOut(Infinity);
    this.#closedBy = error ?? new ChannelError("channel-closed", "the channel was closed");
    closeQuietly(this.#conn);
    this.#bandwidth?.close();
    const circuits = [...this.#circuits.values()];
    this.#circuits.clear();
    this.#drainListeners.clear();
    for (const circuit of circuits) circuit.onChannelClosed(this.#closedBy);
  }

  async #receive(): Promise<void> {
    try {
      // Cells may have arrived together with the last one of the link handshake.
      this.#handleCells();
      while (this.#closedBy === undefined) {
        const bandwidth = this.#bandwidth;
        if (bandwidth !== undefined) await bandwidth.mayReceive();
        const space = this.#parser.space();
        const length = await this.#conn.read(
          bandwidth === undefined ? space : space.subarray(0, bandwidth.chunk),
        );
        if (length === null) {
          throw new ChannelError("channel-closed-by-relay", "the relay closed the channel");
        }
        this.#parser.filled(length);
        this.#bytesReceived += length;
        this.#bandwidth?.noteReceived(length);
        this.#lastTransfer = this.#runtime.clock.monotonic();
        this.onRead?.();
        this.#handleCells();
      }
    } catch (cause) {
      this.close(
        cause instanceof ChannelError ? cause : new ChannelError(
          "channel-lost",
          `the channel was lost: ${describeError(cause)}`,
          { cause },
        ),
      );
    }
  }

  #handleCells(): void {
    const parser = this.#parser;
    while (this.#closedBy === undefined && parser.next()) {
      this.#cellsReceived++;
      switch (parser.command) {
        case CellCommand.RELAY:
        case CellCommand.RELAY_EARLY:
        case CellCommand.CREATED:
        case CellCommand.CREATED2:
        case CellCommand.CREATED_FAST:
        case CellCommand.DESTROY: {
          const circuit = this.#circuits.get(parser.circuitId);
          // A circuit that we have just closed may still get cells; they mean nothing.
          circuit?.onCell(parser.command, parser.buffer, parser.bodyOffset);
          break;
        }
        case CellCommand.VERSIONS:
        case CellCommand.CERTS:
        case CellCommand.AUTH_CHALLENGE:
        case CellCommand.PADDING_NEGOTIATE:
          throw new ChannelError(
            "unexpected-cell",
            `the relay sent ${cellCommandName(parser.command)} on an open channel`,
          );
        case CellCommand.PADDING:
        case CellCommand.VPADDING:
          this.#paddingReceived++;
          break;
        default:
          // Commands that we do not know are ignored (tor-spec, "Cell Packet format").
          break;
      }
    }
  }

  /** Only circuits of several relays send RELAY_EARLY, to be extended; see {@link ChannelUsage}. */
  #noteUsage(command: number): void {
    if (this.#usage === "no-circuits" && command === CellCommand.RELAY_EARLY) {
      this.#usage = "circuits";
    } else if (this.#usage === "circuits" && command === CellCommand.RELAY) {
      this.#usage = "traffic";
    } else return;
    this.onUsage?.();
  }

  #growOutgoing(): void {
    if (this.#outgoing.length >= OUTGOING_LIMIT) {
      const error = new ChannelError("channel-stuck", "the relay does not take what is sent to it");
      this.close(error);
      throw error;
    }
    const larger = new Uint8Array(this.#outgoing.length * 2);
    larger.set(this.#outgoing.subarray(0, this.#outgoingLength));
    this.#outgoing = larger;
  }

  /** @param chunk the most bytes to write at once */
  async #writeOut(chunk = this.#bandwidth?.chunk ?? Infinity): Promise<void> {
    this.#flushScheduled = false;
    this.#writing = true;
    try {
      while (this.#outgoingLength > 0 && this.#closedBy === undefined) {
        const full = this.#outgoing;
        const length = this.#outgoingLength;
        this.#outgoing = this.#spare.length === 0 ? new Uint8Array(16 * 1024) : this.#spare;
        this.#outgoingLength = 0;
        for (let at = 0; at < length;) {
          const written = await this.#conn.write(full.subarray(at, Math.min(length, at + chunk)));
          if (this.#bandwidth !== undefined) await this.#bandwidth.sent(written);
          at += written;
        }
        this.#bytesSent += length;
        this.#lastTransfer = this.#runtime.clock.monotonic();
        this.#spare = full;
        for (const listener of this.#drainListeners) listener();
      }
    } catch (cause) {
      this.close(
        new ChannelError("channel-lost", `the channel was lost: ${describeError(cause)}`, {
          cause,
        }),
      );
    } finally {
      this.#writing = false;
    }
  }
}
