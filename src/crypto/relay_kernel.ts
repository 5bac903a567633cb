/**
 * The relay crypto kernel: kernel/relay_kernel.ts as WebAssembly, loaded and tried.
 *
 * @module
 */
import { KernelMemory } from "./kernel_memory.ts";
import { RELAY_PAYLOAD_LENGTH } from "./key_stream.ts";
import { PIECE_LENGTHS } from "./key_stream_source.ts";
import { LongPieces } from "./long_pieces.ts";
import { RELAY_KERNEL_MODULE } from "./relay_kernel_module.ts";
import { Sha1, SHA1_LENGTH } from "./sha1.ts";

/** Length of a record of the kernel, in bytes: one hop in one direction. */
export const RECORD_LENGTH = 128;

/** Room for the two records of a hop, in bytes. */
export const HOP_LENGTH = 2 * RECORD_LENGTH;

/**
 * Where the fields of a record are that are written here (see kernel/relay_kernel.ts): the record
 * that follows, key stream and its end, and the last digest.
 */
export const RecordField = { FOLLOWING: 0, STREAM_AT: 4, STREAM_END: 8, DIGEST: 104 } as const;

/** Most long pieces of key stream at a time, 32 KiB each; other streams make shorter ones. */
const LONG_PIECES = 128;

/** Room for a payload, in bytes. */
const CELL_LENGTH = 512;

/** A function of the kernel on two addresses; {@link RelayKernel} has what they mean. */
type KernelFunction = (first: number, second: number) => number;

/** One instance of the kernel, for all circuits. */
export class RelayKernel {
  /** The whole memory, which never grows. */
  readonly bytes: Uint8Array;
  readonly words: DataView;
  readonly memory: KernelMemory;
  readonly longPieces = new LongPieces(LONG_PIECES);
  /** Where a payload is put that is not in the kernel's memory; used within one call. */
  readonly cell: number;
  /** The 509 bytes there. */
  readonly cellBytes: Uint8Array;
  /** `open(record, payload)`, `seal(record, payload)`, `begin(record, seed)`: see kernel/relay_kernel.ts. */
  readonly open: KernelFunction;
  readonly seal: KernelFunction;
  readonly begin: KernelFunction;

  /** @throws Error when this machine has no WebAssembly with vectors */
  constructor() {
    const module = new WebAssembly.Module(Uint8Array.fromBase64(RELAY_KERNEL_MODULE));
    const { exports } = new WebAssembly.Instance(module);
    const { memory } = exports;
    if (!(memory instanceof WebAssembly.Memory)) throw new TypeError("the kernel has no memory");
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new DataView(memory.buffer);
    const heapBase = exportedFunction(exports, "heapBase")(0, 0);
    this.cell = Math.ceil(heapBase / 16) * 16;
    this.cellBytes = this.bytes.subarray(this.cell, this.cell + RELAY_PAYLOAD_LENGTH);
    const start = this.cell + CELL_LENGTH;
    this.memory = new KernelMemory(this.bytes, start, [HOP_LENGTH, ...PIECE_LENGTHS]);
    this.open = exportedFunction(exports, "open");
    this.seal = exportedFunction(exports, "seal");
    this.begin = exportedFunction(exports, "begin");
  }

  /** Whether there is room for the circuits that may be begun before their hops are added. */
  get hasRoom(): boolean {
    return this.memory.used < this.bytes.length / 2;
  }
}

function exportedFunction(exports: WebAssembly.Exports, name: string): KernelFunction {
  const value = exports[name];
  if (typeof value !== "function") throw new TypeError(`the kernel has no function ${name}`);
  // WebAssembly makes numbers of whatever it is given, and has only numbers to return.
  return value as KernelFunction;
}

let loaded: RelayKernel | undefined;
let tried = false;

/** The kernel, or undefined where it cannot run or does not give the known answers. */
export function relayKernel(): RelayKernel | undefined {
  if (!tried) {
    tried = true;
    try {
      const kernel = new RelayKernel();
      if (givesKnownAnswers(kernel)) loaded = kernel;
    } catch {
      // No WebAssembly, or none with vectors: portable code does the same.
    }
  }
  return loaded;
}

/** The SHA-1 of what {@link givesKnownAnswers} seals. */
const KNOWN_SEALED = "563fe4443150ea7543cc334dab1e028e4a33a72d";
/** The SHA-1 of the same payload when it is opened: recognized and digest are zero. */
const KNOWN_OPENED = "da588eafc8aff53df2e65114f645653097822d39";

/**
 * Seals and opens a payload through three layers of made-up key stream, and compares with what
 * portable code gave.
 */
export function givesKnownAnswers(kernel: RelayKernel): boolean {
  const { bytes, words, memory, cell, cellBytes } = kernel;
  const stream = memory.allocate(PIECE_LENGTHS[0]);
  const records = [0, 1, 2].map(() => memory.allocate(HOP_LENGTH));
  for (let at = 0; at < PIECE_LENGTHS[0]; at++) bytes[stream + at] = at * at + (at >> 8);
  const begin = (first: number, second: number, third: number) => {
    bytes.fill(0xdb, cell, cell + SHA1_LENGTH);
    for (const [hop, record] of records.entries()) {
      kernel.begin(record, cell);
      words.setUint32(record + RecordField.STREAM_AT, stream + 3 * hop, true);
      words.setUint32(record + RecordField.STREAM_END, stream + 3 * hop + 509, true);
    }
    words.setUint32(records[first] + RecordField.FOLLOWING, records[second], true);
    words.setUint32(records[second] + RecordField.FOLLOWING, records[third], true);
    return records[first];
  };
  try {
    const last = begin(2, 1, 0);
    for (let at = 0; at < RELAY_PAYLOAD_LENGTH; at++) cellBytes[at] = 7 * at;
    if (kernel.seal(last, cell) !== 0 || sha1(cellBytes) !== KNOWN_SEALED) return false;
    // The key stream is used up now, which has to be told and to leave the payload alone.
    if (kernel.seal(last, cell) !== -2 || sha1(cellBytes) !== KNOWN_SEALED) return false;
    const sealed = cellBytes.slice();
    const guard = begin(0, 1, 2);
    cellBytes.set(sealed);
    if (kernel.open(guard, cell) !== 2 || sha1(cellBytes) !== KNOWN_OPENED) return false;
    begin(0, 1, 2);
    cellBytes.set(sealed);
    cellBytes[RELAY_PAYLOAD_LENGTH - 1] ^= 1;
    return kernel.open(guard, cell) === -1;
  } finally {
    for (const record of records) memory.release(record, HOP_LENGTH);
    memory.release(stream, PIECE_LENGTHS[0]);
    cellBytes.fill(0);
  }
}

function sha1(bytes: Uint8Array): string {
  const hash = new Sha1();
  const digest = new Uint8Array(SHA1_LENGTH);
  hash.update(bytes);
  hash.digestInto(new DataView(digest.buffer));
  return digest.toHex();
}
