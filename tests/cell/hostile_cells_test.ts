import fc from "fast-check";
import { decodeCreated2 } from "../../src/cell/create.ts";
import { destroyReasonName } from "../../src/cell/destroy.ts";
import {
  checkAuthChallenge,
  decodeCerts,
  decodeNetinfo,
  decodeVersions,
} from "../../src/cell/link.ts";
import { decodeSendme } from "../../src/cell/sendme.ts";
import { decodeConnected, decodeEnd, decodeResolved } from "../../src/cell/stream_messages.ts";
import { decodesOrRefuses } from "./cell_error.ts";

const DECODERS: Record<string, (body: Uint8Array) => unknown> = {
  decodeVersions,
  decodeCerts,
  checkAuthChallenge,
  decodeNetinfo,
  decodeCreated2,
  decodeSendme,
  decodeConnected,
  decodeEnd,
  decodeResolved,
  destroyReason: (body) => destroyReasonName(body[0] ?? 0),
};

// Small numbers make lengths and types that are nearly right more likely than random bytes do.
const nearlyRight = fc.array(
  fc.oneof(fc.constantFrom(0, 1, 2, 4, 6, 16, 20, 0xf0, 0xf1), fc.nat(255)),
  { maxLength: 60 },
).map((bytes) => Uint8Array.from(bytes));

for (const [name, decode] of Object.entries(DECODERS)) {
  Deno.test(`${name}: hostile bytes are decoded or refused with a CellError`, () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 509 }), nearlyRight),
        (body) => decodesOrRefuses(decode, body),
      ),
      { seed: 1, numRuns: 500 },
    );
  });
}
