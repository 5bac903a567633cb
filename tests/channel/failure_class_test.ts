import assert from "node:assert/strict";
import { CellError } from "../../src/cell/errors.ts";
import { ChannelError, type ChannelErrorCode } from "../../src/channel/errors.ts";
import {
  AttemptLimit,
  type FailureClass,
  failureClass,
  lastsLong,
} from "../../src/channel/failure_class.ts";

function failure(code: ChannelErrorCode, cause?: unknown): ChannelError {
  return new ChannelError(code, "a test's failure", { cause });
}

Deno.test("failureClass: each code has one", () => {
  const classes: readonly [FailureClass, ChannelErrorCode[]][] = [
    ["refused", ["connect-refused"]],
    ["unreachable", ["connect-failed"]],
    ["timeout", ["channel-timeout"]],
    ["tls", ["tls-handshake-failed", "tls-version", "tls-cipher-suite"]],
    ["link", ["link-handshake-failed", "link-handshake-cut-off", "unexpected-cell"]],
    ["link", ["no-common-link-protocol", "channel-lost", "channel-closed-by-relay"]],
    ["identity", ["rsa-identity-differs", "ed25519-identity-differs", "tls-signature"]],
    ["identity", ["tls-certificate-key", "tls-certificate-malformed", "certs-link-mismatch"]],
    ["identity", ["identity-refused-before", "certs-missing-id"]],
    ["local", ["network-unreachable", "channel-closed", "too-many-channels"]],
    ["local", ["no-usable-address", "tls-flag-missing", "tls-certificate-unreadable"]],
  ];
  for (const [kind, codes] of classes) {
    for (const code of codes) assert.equal(failureClass(failure(code)), kind, code);
  }
});

/** How many attempts are made when all fail in this way. */
function attempts(...errors: readonly unknown[]): number {
  const limit = new AttemptLimit();
  let count = 1;
  while (limit.allowsAnother(errors[Math.min(count, errors.length) - 1])) count++;
  assert.equal(limit.failures <= count, true);
  return count;
}

Deno.test("AttemptLimit: a second attempt where the relay was there and would not talk", () => {
  assert.equal(attempts(failure("connect-refused")), 2);
  assert.equal(attempts(failure("tls-handshake-failed")), 2);
  assert.equal(attempts(failure("link-handshake-cut-off")), 2);
  assert.equal(attempts(failure("link-handshake-failed", new Deno.errors.ConnectionReset())), 2);
});

Deno.test("AttemptLimit: one attempt where another one costs much or brings nothing", () => {
  const codes: readonly ChannelErrorCode[] = [
    "channel-timeout",
    "connect-failed",
    "network-unreachable",
    "no-common-link-protocol",
    "rsa-identity-differs",
    "tls-certificate-expired",
    "tls-cipher-suite",
    "tls-signature",
    "tls-version",
    "too-many-channels",
    "unexpected-cell",
  ];
  for (const code of codes) assert.equal(attempts(failure(code)), 1, code);
  const malformed = new CellError("cell-malformed", "cut off");
  assert.equal(attempts(failure("link-handshake-failed", malformed)), 1);
  assert.equal(attempts(new RangeError("not a channel's")), 1);
});

Deno.test("AttemptLimit: failures of several kinds have a limit together", () => {
  const [refused, tls, link] = [
    failure("connect-refused"),
    failure("tls-handshake-failed"),
    failure("link-handshake-cut-off"),
  ];
  assert.equal(attempts(refused, tls, link), 3);
  assert.equal(attempts(refused, tls, refused), 3);
  assert.equal(attempts(refused, failure("channel-timeout")), 2);
});

Deno.test("lastsLong: who is somebody else stays it; a wrong clock may be put right", () => {
  for (const code of ["rsa-identity-differs", "tls-signature", "certs-id-signature"] as const) {
    assert.ok(lastsLong(failure(code)), code);
  }
  for (
    const code of [
      "tls-certificate-expired",
      "certs-signing-expired",
      "certs-id-not-yet-valid",
      "connect-refused",
      "tls-handshake-failed",
      "unexpected-cell",
    ] as const
  ) assert.ok(!lastsLong(failure(code)), code);
});
