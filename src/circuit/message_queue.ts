/**
 * Relay messages of one leg of a Conflux set that came before others which they follow.
 *
 * @module
 */
import { CircuitError } from "./errors.ts";

/** Bytes of one piece of the queue: about 60 full messages. */
const PIECE_LENGTH = 32 * 1024;
/** How many pieces are kept that no queue uses. */
const MOST_SPARES = 16;
/** Sequence number, command, stream id, length. */
const HEADER_LENGTH = 8 + 1 + 2 + 2;

/** The most that waits in one set, in bytes: what 10 MB a second bring in three seconds. */
export const MOST_QUEUED_IN_SET = 32 * 1024 * 1024;
/** The most messages that wait in one set. */
export const MOST_MESSAGES_IN_SET = 80_000;
/** The most that waits in all sets of a client, in bytes. */
export const MOST_QUEUED_IN_ALL = 64 * 1024 * 1024;

/** The memory that waiting messages take; several queues share it. All sizes are in bytes. */
export class QueueMemory {
  readonly #limit: number;
  readonly #parent: QueueMemory | undefined;
  #used = 0;

  /** @param parent is charged too */
  constructor(limit: number, parent?: QueueMemory) {
    this.#limit = limit;
    this.#parent = parent;
  }

  /** Bytes that are taken. */
  get used(): number {
    return this.#used;
  }

  /** @throws CircuitError `conflux-queue-full` when that is more than allowed */
  take(length: number): void {
    if (this.#used + length > this.#limit) throw full();
    this.#parent?.take(length);
    this.#used += length;
  }

  /** Gives back what was taken. */
  give(length: number): void {
    this.#used -= length;
    this.#parent?.give(length);
  }
}

interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  end: number;
}

/** First in, first out: on one leg messages come in the order of their sequence numbers. */
export class MessageQueue {
  readonly #memory: QueueMemory;
  readonly #pieces: Piece[] = [];
  /** Where the first message begins in the first piece. */
  #start = 0;
  #length = 0;

  constructor(memory: QueueMemory) {
    this.#memory = memory;
  }

  /** How many messages wait. */
  get length(): number {
    return this.#length;
  }

  /** The sequence number of the first message; of an empty queue, infinite. */
  get firstSequence(): number {
    return this.#length === 0 ? Infinity : this.#first.view.getFloat64(this.#start);
  }

  /**
   * Copies a message to the end.
   *
   * @throws CircuitError `conflux-queue-full`
   */
  push(
    sequence: number,
    command: number,
    streamId: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const piece = this.#pieceFor(HEADER_LENGTH + length);
    const { view, end } = piece;
    view.setFloat64(end, sequence);
    view.setUint8(end + 8, command);
    view.setUint16(end + 9, streamId);
    view.setUint16(end + 11, length);
    piece.bytes.set(buffer.subarray(offset, offset + length), end + HEADER_LENGTH);
    piece.end = end + HEADER_LENGTH + length;
    this.#length++;
  }

  /** Gives the first message to `deliver`, in a view that is valid during the call, and drops it. */
  shift(deliver: MessageReceiver): void {
    const { bytes, view } = this.#first;
    const at = this.#start;
    const length = view.getUint16(at + 11);
    this.#length--;
    this.#start = at + HEADER_LENGTH + length;
    try {
      deliver(view.getUint8(at + 8), view.getUint16(at + 9), bytes, at + HEADER_LENGTH, length);
    } finally {
      this.#dropRead();
    }
  }

  /** Drops all messages. */
  clear(): void {
    this.#memory.give(this.#pieces.length * PIECE_LENGTH);
    for (const piece of this.#pieces.splice(0)) keep(piece);
    this.#start = 0;
    this.#length = 0;
  }

  get #first(): Piece {
    return this.#pieces[0];
  }

  #pieceFor(length: number): Piece {
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.end + length <= PIECE_LENGTH) return last;
    this.#memory.take(PIECE_LENGTH);
    const piece = spares.pop() ?? newPiece();
    this.#pieces.push(piece);
    return piece;
  }

  #dropRead(): void {
    const first = this.#pieces.at(0);
    if (first === undefined || this.#start < first.end) return;
    this.#start = 0;
    if (this.#pieces.length === 1) {
      // Kept, because the next message that comes too early is seldom far.
      first.end = 0;
      return;
    }
    this.#pieces.shift();
    this.#memory.give(PIECE_LENGTH);
    keep(first);
  }
}

/** Pieces that no queue uses. */
const spares: Piece[] = [];

function newPiece(): Piece {
  const bytes = new Uint8Array(PIECE_LENGTH);
  return { bytes, view: new DataView(bytes.buffer), end: 0 };
}

/** Keeps a piece for the next that is needed. */
function keep(piece: Piece): void {
  if (spares.length === MOST_SPARES) return;
  piece.end = 0;
  spares.push(piece);
}

/** Takes a message whose body is `length` bytes of `buffer` from `offset` on. */
export type MessageReceiver = (
  command: number,
  streamId: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
) => void;

function full(): CircuitError {
  return new CircuitError("conflux-queue-full", "too many messages came out of order");
}
