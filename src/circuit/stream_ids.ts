/**
 * The streams of one circuit by their ids: those that are open, and those that wait for their END.
 *
 * @module
 */
import { randomBelow, type RandomSource } from "../runtime/random.ts";
import { CircuitError } from "./errors.ts";
import { type HalfOpenStream, HalfOpenStreams } from "./half_open_streams.ts";

/** The largest stream id; 0 stands for the circuit itself. */
const MAX_STREAM_ID = 65_535;

/** Gives ids to streams, and finds streams by them. */
export class StreamIds<Stream> {
  readonly #open = new Map<number, Stream>();
  readonly #halfOpen = new HalfOpenStreams();
  #next: number;

  constructor(random: RandomSource) {
    this.#next = 1 + randomBelow(random, MAX_STREAM_ID);
  }

  /** How many streams are open. */
  get size(): number {
    return this.#open.size;
  }

  /** The open stream with this id. */
  get(streamId: number): Stream | undefined {
    return this.#open.get(streamId);
  }

  /**
   * Gives a new stream a free id.
   *
   * @throws CircuitError `circuit-full` when all ids are taken
   */
  add(stream: Stream): number {
    if (this.#open.size + this.#halfOpen.size >= MAX_STREAM_ID) {
      throw new CircuitError("circuit-full", "all stream ids of the circuit are in use");
    }
    for (;;) {
      const id = this.#next;
      this.#next = id === MAX_STREAM_ID ? 1 : id + 1;
      if (this.#open.has(id) || this.#halfOpen.has(id)) continue;
      this.#open.set(id, stream);
      return id;
    }
  }

  /**
   * Lets an open stream go.
   *
   * @param halfOpen what may still come for it, when it was we who ended it
   * @returns the stream; undefined if there was none
   */
  delete(streamId: number, halfOpen: HalfOpenStream | undefined): Stream | undefined {
    const stream = this.#open.get(streamId);
    if (stream === undefined) return undefined;
    this.#open.delete(streamId);
    if (halfOpen !== undefined) this.#halfOpen.add(streamId, halfOpen);
    return stream;
  }

  /**
   * Counts a message for a stream that is not open.
   *
   * @returns whether it is legal; if not, the circuit must be closed
   */
  acceptHalfOpen(streamId: number, command: number): boolean {
    return this.#halfOpen.accept(streamId, command);
  }

  /** Lets all open streams go, and gives them. */
  clear(): readonly Stream[] {
    const streams = [...this.#open.values()];
    this.#open.clear();
    return streams;
  }
}
