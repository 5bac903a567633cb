/**
 * The messages of Conflux, and which other messages are put in order across the legs of a set
 * (proposal 329; where C tor differs, C tor).
 *
 * @module
 */
import { ByteReader } from "./byte_reader.ts";
import { RelayCommand } from "./command.ts";
import { CellError } from "./errors.ts";

/** Bytes of the nonce that the legs of one set have in common. */
export const CONFLUX_NONCE_LENGTH = 32;

/** What one side wishes the other one to send for (ConfluxClientUX). */
export const ConfluxUx = {
  NO_OPINION: 0,
  MIN_LATENCY: 1,
  LOW_MEM_LATENCY: 2,
  HIGH_THROUGHPUT: 3,
  LOW_MEM_THROUGHPUT: 4,
} as const;

/** One of {@link ConfluxUx}. */
export type ConfluxUx = typeof ConfluxUx[keyof typeof ConfluxUx];

const UXS: ReadonlySet<number> = new Set(Object.values(ConfluxUx));

/** What LINK and LINKED say. */
export interface ConfluxLink {
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  /** The sequence number of the last message that the sender has sent on the set. */
  readonly lastSent: bigint;
  /** The sequence number of the last message that the sender has received in order. */
  readonly lastReceived: bigint;
  readonly desiredUx: ConfluxUx;
}

const VERSION = 1;

/**
 * The body of a LINK or LINKED message; all numbers are in network order:
 *
 * | version | nonce | last_seqno_sent | last_seqno_recv | desired_ux |
 * | ------- | ----- | --------------- | --------------- | ---------- |
 * | 1 (=1)  | 32    | 8               | 8               | 1          |
 */
export function encodeConfluxLink(link: ConfluxLink): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(1 + CONFLUX_NONCE_LENGTH + 8 + 8 + 1);
  const view = new DataView(body.buffer);
  body[0] = VERSION;
  body.set(link.nonce, 1);
  view.setBigUint64(1 + CONFLUX_NONCE_LENGTH, link.lastSent);
  view.setBigUint64(1 + CONFLUX_NONCE_LENGTH + 8, link.lastReceived);
  body[1 + CONFLUX_NONCE_LENGTH + 16] = link.desiredUx;
  return body;
}

/**
 * Reads a LINK or LINKED message; the nonce is a view. Bytes after it are ignored, as in C tor.
 *
 * @throws CellError when it is cut off, of another version or with an unknown desired_ux
 */
export function decodeConfluxLink(body: Uint8Array): ConfluxLink {
  const reader = new ByteReader(body, "CONFLUX_LINK");
  const version = reader.uint8();
  if (version !== VERSION) throw malformed(`version ${version}`);
  const nonce = reader.bytes(CONFLUX_NONCE_LENGTH);
  const lastSent = uint64(reader);
  const lastReceived = uint64(reader);
  const desiredUx = reader.uint8();
  if (!isUx(desiredUx)) throw malformed(`desired_ux ${desiredUx}`);
  return { nonce, lastSent, lastReceived, desiredUx };
}

/**
 * The body of a SWITCH message: by how much the sequence number of the leg that it is sent on
 * jumps, because of what was sent on others meanwhile.
 *
 * | sequence number |
 * | --------------- |
 * | 4               |
 *
 * @param relative less than 2^32
 */
export function encodeConfluxSwitch(relative: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(4);
  new DataView(body.buffer).setUint32(0, relative);
  return body;
}

/**
 * Reads a SWITCH message: how many messages were sent on other legs since the last one on this leg.
 *
 * @throws CellError when it is cut off
 */
export function decodeConfluxSwitch(body: Uint8Array): number {
  return new ByteReader(body, "CONFLUX_SWITCH").uint32();
}

/**
 * Whether messages with this command are counted and put in order across the legs of a set, as
 * those of streams are; the others concern one leg (C tor: conflux_should_multiplex).
 */
export function isMultiplexed(command: number): boolean {
  switch (command) {
    case RelayCommand.DATA:
    case RelayCommand.BEGIN:
    case RelayCommand.END:
    case RelayCommand.CONNECTED:
    case RelayCommand.RESOLVE:
    case RelayCommand.RESOLVED:
    case RelayCommand.XOFF:
    case RelayCommand.XON:
      return true;
    default:
      return false;
  }
}

function uint64(reader: ByteReader): bigint {
  return BigInt(reader.uint32()) << 32n | BigInt(reader.uint32());
}

function isUx(value: number): value is ConfluxUx {
  return UXS.has(value);
}

function malformed(what: string): CellError {
  return new CellError("cell-malformed", `CONFLUX_LINK: ${what}`);
}
