/**
 * The streams of one circuit, or of one Conflux set: their ids, what comes for them, and their turns
 * to send.
 *
 * @module
 */
import { relayCommandName } from "../cell/command.ts";
import type { RandomSource } from "../runtime/random.ts";
import type { StreamReceiver } from "./circuit_parts.ts";
import { CircuitError } from "./errors.ts";
import type { HalfOpenStream } from "./half_open_streams.ts";
import { StreamIds } from "./stream_ids.ts";
import { StreamTurns, type StreamTurnsParts } from "./stream_turns.ts";

/** The streams that end at one exit, by whatever way their messages go there. */
export class CircuitStreams {
  /** Called when a stream has left. */
  onStreamEnded: (() => void) | undefined;
  readonly #ids: StreamIds<StreamReceiver>;
  readonly #turns: StreamTurns;

  constructor(random: RandomSource, turns: StreamTurnsParts) {
    this.#ids = new StreamIds(random);
    this.#turns = new StreamTurns(turns);
  }

  /** How many are open; those that wait for their END do not count. */
  get size(): number {
    return this.#ids.size;
  }

  /**
   * Gives a new stream a free id.
   *
   * @throws CircuitError `circuit-full` when all ids are taken
   */
  attach(receiver: StreamReceiver): number {
    return this.#ids.add(receiver);
  }

  /**
   * Lets a stream go.
   *
   * @param halfOpen what may still come for it, when it was we who ended it
   */
  detach(streamId: number, halfOpen?: HalfOpenStream): void {
    const receiver = this.#ids.delete(streamId, halfOpen);
    if (receiver === undefined) return;
    this.#turns.delete(receiver);
    this.onStreamEnded?.();
  }

  /**
   * Gives a message to its stream; the body is `length` bytes of `buffer` from `offset` on.
   *
   * @throws CircuitError `circuit-protocol-violation` when no such stream exists or it must not come
   */
  deliver(
    command: number,
    streamId: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const receiver = this.#ids.get(streamId);
    if (receiver !== undefined) receiver.onMessage(command, buffer, offset, length);
    else if (!this.#ids.acceptHalfOpen(streamId, command)) {
      const what = `${relayCommandName(command)} for a stream that does not exist`;
      throw new CircuitError("circuit-protocol-violation", `protocol violation: ${what}`);
    }
  }

  /** Has a stream called to send its data: at once, and whenever there is room again. */
  requestPackaging(receiver: StreamReceiver): void {
    this.#turns.add(receiver);
  }

  /** There may be room again: those that wait have their turns. */
  run(): void {
    this.#turns.run();
  }

  /** Lets all go, and tells them why. */
  close(error: CircuitError): void {
    this.#turns.clear();
    for (const stream of this.#ids.clear()) stream.onCircuitClosed(error);
  }
}
