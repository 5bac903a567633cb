import assert from "node:assert/strict";
import { CellError } from "../../src/cell/errors.ts";
import { ChannelError, type ChannelErrorCode, isViolation } from "../../src/channel/errors.ts";

function violates(code: ChannelErrorCode, cause?: unknown): boolean {
  return isViolation(new ChannelError(code, "a test's failure", { cause }));
}

Deno.test("isViolation: what a relay says and shows, not that it is silent or away", () => {
  for (
    const code of [
      "certs-link-mismatch",
      "certs-missing-id",
      "ed25519-identity-differs",
      "no-common-link-protocol",
      "rsa-identity-differs",
      "tls-certificate-expired",
      "tls-certificate-malformed",
      "unexpected-cell",
    ] as const
  ) assert.ok(violates(code), code);
  for (
    const code of [
      "channel-closed",
      "channel-closed-by-relay",
      "channel-lost",
      "channel-timeout",
      "channel-unused",
      "connect-failed",
      "link-handshake-cut-off",
      "network-unreachable",
      "tls-certificate-unreadable",
    ] as const
  ) assert.ok(!violates(code), code);
});

Deno.test("isViolation: handshakes that fail for what was said, not for a lost connection", () => {
  assert.ok(violates("tls-handshake-failed", new Deno.errors.InvalidData("BadSignature")));
  assert.ok(!violates("tls-handshake-failed", new Deno.errors.UnexpectedEof("the end")));
  assert.ok(violates("link-handshake-failed", new CellError("cell-malformed", "cut off")));
  assert.ok(!violates("link-handshake-failed", new Deno.errors.ConnectionReset("reset")));
});
