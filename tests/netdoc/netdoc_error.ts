import assert from "node:assert/strict";
import { NetdocError, type NetdocErrorCode } from "../../src/netdoc/errors.ts";

/** Demands that `action` fails with this code. */
export function assertNetdocError(code: NetdocErrorCode, action: () => unknown): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof NetdocError, `not a NetdocError: ${error}`);
    assert.equal(error.code, code, error.message);
    return true;
  });
}
