/**
 * Writes relay messages into cells: the way of a byte up, from a stream's data to the channel's
 * outgoing buffer.
 *
 * @module
 */
import type { Channel } from "../channel/channel.ts";
import { CellCommand, RelayCommand } from "../cell/command.ts";
import {
  CELL_BODY_LENGTH,
  RELAY_DATA_LENGTH,
  RELAY_HEADER_LENGTH,
  writeRelayHeader,
} from "../cell/layout.ts";
import type { RelayCrypto } from "../crypto/relay_crypto.ts";
import { randomBelow, type RandomSource } from "../runtime/random.ts";

/** RELAY_EARLY cells that relays let through on one circuit. */
const RELAY_EARLY_LIMIT = 8;
/** Zero bytes between a message and its random padding (tor-spec, "Relay cells"). */
const ZEROS_BEFORE_PADDING = 4;

/** The most data of a message that leaves room for the zeros and 16 random bytes. */
export const ROOMY_DATA_LENGTH = RELAY_DATA_LENGTH - ZEROS_BEFORE_PADDING - 16;

/** What {@link RelayMessageWriter} works with. */
export interface RelayMessageWriterParts {
  readonly channel: Pick<Channel, "beginCell" | "outgoing">;
  readonly circuitId: number;
  readonly crypto: RelayCrypto;
  readonly random: RandomSource;
}

/** Sends relay messages to the last hop of one circuit. */
export class RelayMessageWriter {
  readonly #channel: RelayMessageWriterParts["channel"];
  readonly #circuitId: number;
  readonly #crypto: RelayCrypto;
  readonly #random: RandomSource;
  #relayEarlyLeft: number;

  constructor({ channel, circuitId, crypto, random }: RelayMessageWriterParts) {
    this.#channel = channel;
    this.#circuitId = circuitId;
    this.#crypto = crypto;
    this.#random = random;
    this.#relayEarlyLeft = RELAY_EARLY_LIMIT - randomBelow(random, 2);
  }

  /**
   * Seals a message, whose body is `length` bytes of `bytes` from `start` on, in the channel's
   * outgoing buffer.
   *
   * @param length at most RELAY_DATA_LENGTH
   * @throws ChannelError when the channel is closed
   */
  write(
    command: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    const hop = this.#crypto.hops - 1;
    const early = this.#relayEarlyLeft > 0 && (hop > 0 || command === RelayCommand.EXTEND2);
    if (early) this.#relayEarlyLeft--;
    const channel = this.#channel;
    const at = channel.beginCell(
      this.#circuitId,
      early ? CellCommand.RELAY_EARLY : CellCommand.RELAY,
    );
    const buffer = channel.outgoing;
    writeRelayHeader(buffer, at, command, streamId, length);
    const dataAt = at + RELAY_HEADER_LENGTH;
    if (start === 0 && length === bytes.length) buffer.set(bytes, dataAt);
    else buffer.set(bytes.subarray(start, start + length), dataAt);
    const paddingAt = dataAt + length + ZEROS_BEFORE_PADDING;
    const end = at + CELL_BODY_LENGTH;
    buffer.fill(0, dataAt + length, Math.min(paddingAt, end));
    if (paddingAt < end) this.#random.fill(buffer.subarray(paddingAt, end));
    this.#crypto.seal(buffer, at, hop);
  }
}
