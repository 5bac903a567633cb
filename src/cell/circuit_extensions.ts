/**
 * The extensions by which a client and a relay agree on more about a circuit, in the messages of
 * their ntor-v3 handshake (proposal 332, "Encoding for use with Tor circuit extension"; proposal
 * 324, "How to negotiate"; the count as C tor has it).
 *
 * @module
 */
import { ByteReader } from "./byte_reader.ts";
import { CellError } from "./errors.ts";

/** Types of circuit extensions. */
export const CircuitExtensionType = {
  /** From the client, empty: it wants congestion control. */
  CC_REQUEST: 1,
  /** From the relay: there is congestion control, with this SENDME increment. */
  CC_RESPONSE: 2,
  /** From the client: capabilities that the relay must switch on or refuse the circuit. */
  SUBPROTOCOL_REQUEST: 3,
} as const;

/** One extension. */
export interface CircuitExtension {
  /** One of {@link CircuitExtensionType}, or another that is to be passed over: one byte. */
  readonly type: number;
  /** At most 255 bytes. */
  readonly body: Uint8Array;
}

/**
 * A list of extensions, in ascending order of their types:
 *
 * | count | extensions: type, length, body |
 * | ----- | ------------------------------ |
 * | 1     | 1, 1, length each              |
 *
 * @throws CellError `cell-too-long` when a body or the list is longer than one byte can say
 */
export function encodeCircuitExtensions(
  extensions: readonly CircuitExtension[],
): Uint8Array<ArrayBuffer> {
  if (extensions.length > 0xff) {
    throw new CellError("cell-too-long", `${extensions.length} circuit extensions`);
  }
  const length = extensions.reduce((sum, { body }) => sum + 2 + body.length, 1);
  const bytes = new Uint8Array(length);
  bytes[0] = extensions.length;
  let at = 1;
  for (const { type, body } of extensions.toSorted((a, b) => a.type - b.type)) {
    if (body.length > 0xff) {
      throw new CellError("cell-too-long", `circuit extension ${type}: ${body.length} bytes`);
    }
    bytes.set([type, body.length], at);
    bytes.set(body, at + 2);
    at += 2 + body.length;
  }
  return bytes;
}

/**
 * Reads what {@link encodeCircuitExtensions} writes; bodies are views, and in the order in which
 * they came. Bytes after the list are ignored, as in C tor.
 *
 * @throws CellError `cell-truncated` when the list runs past its end
 */
export function decodeCircuitExtensions(bytes: Uint8Array): readonly CircuitExtension[] {
  const reader = new ByteReader(bytes, "circuit extensions");
  const extensions: CircuitExtension[] = [];
  for (let left = reader.uint8(); left > 0; left--) {
    const type = reader.uint8();
    extensions.push({ type, body: reader.bytes(reader.uint8()) });
  }
  return extensions;
}

/** The first extension of a type, because later ones are to be ignored. */
export function findCircuitExtension(
  extensions: readonly CircuitExtension[],
  type: number,
): CircuitExtension | undefined {
  return extensions.find((extension) => extension.type === type);
}

/** By this the client asks for congestion control. */
export const CC_REQUEST: CircuitExtension = {
  type: CircuitExtensionType.CC_REQUEST,
  body: new Uint8Array(0),
};

/**
 * By this a relay agrees to congestion control.
 *
 * | sendme_inc |
 * | ---------- |
 * | 1          |
 *
 * @param sendmeIncrement DATA cells for each circuit SENDME, 1 to 254
 */
export function ccResponse(sendmeIncrement: number): CircuitExtension {
  return { type: CircuitExtensionType.CC_RESPONSE, body: Uint8Array.of(sendmeIncrement) };
}

/**
 * The SENDME increment (0 to 255 cells; whether it is one that will do is for the caller to check)
 * in a relay's answer; `undefined` when the relay does not agree to congestion control.
 *
 * @throws CellError `cell-truncated` when the response is empty
 */
export function decodeCcResponse(extensions: readonly CircuitExtension[]): number | undefined {
  const response = findCircuitExtension(extensions, CircuitExtensionType.CC_RESPONSE);
  return response && new ByteReader(response.body, "CC_RESPONSE").uint8();
}
