/**
 * The PADDING_NEGOTIATE cell, by which a client asks a relay for other netflow padding on their
 * channel (tor-spec, "Link padding"; padding-spec, "Reducing or Disabling Padding via Negotiation").
 *
 * @module
 */
import { ByteReader } from "./byte_reader.ts";
import { CellError } from "./errors.ts";

/** What the sender wants of the relay's padding. */
export type PaddingNegotiation =
  | { readonly command: "stop" }
  /** The relay's idle timeout is to be drawn from this range, in ms; 0 and 0: the consensus's. */
  | { readonly command: "start"; readonly low: number; readonly high: number };

const STOP = 1;
const START = 2;

/**
 * A PADDING_NEGOTIATE cell's body of version 0; the rest of the 509 bytes is zero:
 *
 * | version | command           | low timeout, ms | high timeout, ms |
 * | ------- | ----------------- | --------------- | ---------------- |
 * | 1       | 1: 1 stop, 2 start | 2               | 2                |
 */
export function encodePaddingNegotiate(negotiation: PaddingNegotiation): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(6);
  if (negotiation.command === "stop") {
    body[1] = STOP;
    return body;
  }
  body[1] = START;
  const view = new DataView(body.buffer);
  view.setUint16(2, negotiation.low);
  view.setUint16(4, negotiation.high);
  return body;
}

/**
 * Reads what {@link encodePaddingNegotiate} writes.
 *
 * @throws CellError when it is cut off, or its version or command is not known
 */
export function decodePaddingNegotiate(body: Uint8Array): PaddingNegotiation {
  const reader = new ByteReader(body, "PADDING_NEGOTIATE");
  const version = reader.uint8();
  if (version !== 0) throw malformed(`version ${version}`);
  const command = reader.uint8();
  if (command === STOP) return { command: "stop" };
  if (command !== START) throw malformed(`command ${command}`);
  return { command: "start", low: reader.uint16(), high: reader.uint16() };
}

function malformed(what: string): CellError {
  return new CellError("cell-malformed", `PADDING_NEGOTIATE: ${what} is not known`);
}
