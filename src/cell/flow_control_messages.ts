/**
 * Bodies of XON and XOFF, by which the two ends of a stream tell each other to go on and to stop
 * (proposal 324, "Stream Flow Control Without Windows").
 *
 * @module
 */
import { ByteReader } from "./byte_reader.ts";
import { CellError } from "./errors.ts";

/** The only version there is. */
const VERSION = 0;

/** The largest rate that fits, in kB (1000 bytes) a second. */
export const MOST_XON_RATE = 0xffff_ffff;

/**
 * The body of an XOFF: send nothing more.
 *
 * | version |
 * | ------- |
 * | 1 (=0)  |
 */
export function encodeXoff(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(VERSION);
}

/**
 * Checks the body of an XOFF; bytes behind the version are ignored.
 *
 * @throws CellError when it is empty or of another version
 */
export function decodeXoff(body: Uint8Array): void {
  readVersion(new ByteReader(body, "XOFF"), "XOFF");
}

/**
 * The body of an XON: send on, at this rate.
 *
 * | version | rate in kB/s |
 * | ------- | ------------ |
 * | 1 (=0)  | 4            |
 *
 * @param rate a whole number of kB (1000 bytes) a second, at most {@link MOST_XON_RATE}; 0 sets no
 * limit
 */
export function encodeXon(rate: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(5);
  body[0] = VERSION;
  new DataView(body.buffer).setUint32(1, rate);
  return body;
}

/**
 * The rate in an XON, in kB (1000 bytes) a second; 0 sets no limit. Bytes behind it are ignored.
 *
 * @throws CellError when it is cut off or of another version
 */
export function decodeXon(body: Uint8Array): number {
  const reader = new ByteReader(body, "XON");
  readVersion(reader, "XON");
  return reader.uint32();
}

function readVersion(reader: ByteReader, what: string): void {
  const version = reader.uint8();
  if (version !== VERSION) throw new CellError("cell-malformed", `${what}: version ${version}`);
}
