/** What the tests of the cell room expect of errors. */
import assert from "node:assert/strict";
import { CellError, type CellErrorCode } from "../../src/cell/errors.ts";

/** `action` must throw a CellError with this code. */
export function assertCellError(action: () => unknown, code: CellErrorCode): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof CellError, `${error}`);
    assert.equal(error.code, code, error.message);
    return true;
  });
}

/** `decode` must give something or throw a CellError, for any bytes. */
export function decodesOrRefuses(decode: (body: Uint8Array) => unknown, body: Uint8Array): void {
  try {
    decode(body);
  } catch (error) {
    assert.ok(error instanceof CellError, `${error}`);
  }
}
