/** What the tests of the cell room expect of errors. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CellError, type CellErrorCode } from "../../src/cell/errors.ts";

/** `action` must throw a CellError with this code. */
export function assertCellError(action: () => unknown, code: CellErrorCode): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof CellError, `${error}`);
    assert.equal(error.code, code, error.message);
    return true;
  });
}

// Small numbers make lengths and types that are nearly right more likely than random bytes do.
const nearlyRight = fc.array(
  fc.oneof(fc.constantFrom(0, 1, 2, 4, 6, 16, 20, 0xf0, 0xf1), fc.nat(255)),
  { maxLength: 60 },
).map((bytes) => Uint8Array.from(bytes));

/** `decode` must give something or throw a CellError, for any bytes. */
export function decodesOrRefuses(decode: (body: Uint8Array) => unknown): void {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 509 }), nearlyRight), (body) => {
      try {
        decode(body);
      } catch (error) {
        assert.ok(error instanceof CellError, `${error}`);
      }
    }),
    { seed: 1, numRuns: 500 },
  );
}
