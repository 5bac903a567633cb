/**
 * Adding and removing several layers of relay encryption in one pass over a payload.
 *
 * @module
 */
import { type KeyStream, RELAY_PAYLOAD_LENGTH } from "./key_stream.ts";

/** The payload is one byte longer than 127 words. */
const LAST_BYTE = RELAY_PAYLOAD_LENGTH - 1;

/**
 * XORs the key streams `streams[from]` up to, not including, `streams[to]` onto the 509 bytes at
 * `at`. `starts[i]` says where in the piece of `streams[i]` the bytes to use begin.
 */
export function addLayers(
  payload: DataView,
  at: number,
  streams: readonly KeyStream[],
  starts: readonly number[],
  from: number,
  to: number,
): void {
  let next = from;
  for (; to - next >= 3; next += 3) {
    const first = streams[next].piece, second = streams[next + 1].piece;
    addThree(
      payload,
      at,
      first,
      starts[next],
      second,
      starts[next + 1],
      streams[next + 2].piece,
      starts[next + 2],
    );
  }
  if (to - next === 2) {
    addTwo(
      payload,
      at,
      streams[next].piece,
      starts[next],
      streams[next + 1].piece,
      starts[next + 1],
    );
  } else if (to - next === 1) {
    addOne(payload, at, streams[next].piece, starts[next]);
  }
}

// Neither a payload nor its key stream is aligned to words; DataView compiles to plain unaligned
// loads and stores. The order of bytes does not matter to XOR, so it is the machine's usual one.

function addOne(payload: DataView, at: number, a: DataView, aAt: number): void {
  for (let i = 0; i < LAST_BYTE; i += 4) {
    payload.setInt32(at + i, payload.getInt32(at + i, true) ^ a.getInt32(aAt + i, true), true);
  }
  payload.setUint8(
    at + LAST_BYTE,
    payload.getUint8(at + LAST_BYTE) ^ a.getUint8(aAt + LAST_BYTE),
  );
}

function addTwo(
  payload: DataView,
  at: number,
  a: DataView,
  aAt: number,
  b: DataView,
  bAt: number,
): void {
  for (let i = 0; i < LAST_BYTE; i += 4) {
    payload.setInt32(
      at + i,
      payload.getInt32(at + i, true) ^ a.getInt32(aAt + i, true) ^ b.getInt32(bAt + i, true),
      true,
    );
  }
  payload.setUint8(
    at + LAST_BYTE,
    payload.getUint8(at + LAST_BYTE) ^ a.getUint8(aAt + LAST_BYTE) ^ b.getUint8(bAt + LAST_BYTE),
  );
}

function addThree(
  payload: DataView,
  at: number,
  a: DataView,
  aAt: number,
  b: DataView,
  bAt: number,
  c: DataView,
  cAt: number,
): void {
  for (let i = 0; i < LAST_BYTE; i += 4) {
    payload.setInt32(
      at + i,
      payload.getInt32(at + i, true) ^ a.getInt32(aAt + i, true) ^ b.getInt32(bAt + i, true) ^
        c.getInt32(cAt + i, true),
      true,
    );
  }
  payload.setUint8(
    at + LAST_BYTE,
    payload.getUint8(at + LAST_BYTE) ^ a.getUint8(aAt + LAST_BYTE) ^ b.getUint8(bAt + LAST_BYTE) ^
      c.getUint8(cAt + LAST_BYTE),
  );
}
