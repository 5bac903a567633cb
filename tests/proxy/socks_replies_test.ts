import assert from "node:assert/strict";
import {
  encodeAnswer,
  encodeReply,
  Socks5Reply,
  socks5ReplyFor,
} from "../../src/proxy/socks_replies.ts";
import type { ResolvedAnswer } from "../../src/stream/opener.ts";

const IP4: ResolvedAnswer = { kind: "ip4", value: "192.0.2.7", ttl: 60 };
const IP6: ResolvedAnswer = { kind: "ip6", value: "2001:db8::7", ttl: 60 };
const NAME: ResolvedAnswer = { kind: "name", value: "host.example", ttl: 60 };

Deno.test("socks5ReplyFor: each END reason as C tor answers it", () => {
  const expected: Record<string, number> = {
    "end-misc": 1,
    "end-resolve-failed": 4,
    "end-connection-refused": 5,
    "end-exit-policy": 2,
    "end-destroy": 1,
    "end-done": 5,
    "end-timeout": 6,
    "end-no-route": 4,
    "end-hibernating": 1,
    "end-internal": 1,
    "end-resource-limit": 1,
    "end-connection-reset": 5,
    "end-tor-protocol": 1,
    "end-not-directory": 1,
    "resolve-failed": 4,
    "resolve-failed-for-now": 4,
    "internal-address-refused": 1,
    "internal-answer-refused": 1,
    "onion-unsupported": 1,
    "exit-name-refused": 1,
    "virtual-address-unknown": 1,
    "plaintext-port-refused": 2,
    "name-refused": 2,
    "target-refused": 2,
    "socks-unsafe": 2,
    "no-directory": 1,
    "not-bootstrapped": 1,
    "stream-timeout": 6,
    "socks-command-unsupported": 7,
    "socks-address-type-unsupported": 8,
    "a-code-of-tomorrow": 1,
    "constructor": 1,
    "": 1,
  };
  for (const [code, reply] of Object.entries(expected)) {
    assert.equal(socks5ReplyFor(code), reply, code);
  }
});

Deno.test("encodeReply: SOCKS5 says the code, SOCKS4 only 90 or 91", () => {
  assert.equal(encodeReply(5, Socks5Reply.TtlExpired).toHex(), "05060001000000000000");
  assert.equal(encodeReply(4, Socks5Reply.Succeeded).toHex(), "005a000000000000");
  assert.equal(encodeReply(4, Socks5Reply.TtlExpired).toHex(), "005b000000000000");
});

Deno.test("encodeAnswer: the bound address carries the answer, IPv4 first", () => {
  assert.equal(encodeAnswer(5, [IP6, IP4]).toHex(), "05000001c00002070000");
  assert.equal(
    encodeAnswer(5, [NAME, IP6]).toHex(),
    "0500000420010db80000000000000000000000070000",
  );
  assert.equal(encodeAnswer(5, [NAME]).toHex(), "050000030c686f73742e6578616d706c650000");
  assert.equal(encodeAnswer(4, [IP6, IP4]).toHex(), "005a0000c0000207");
});

Deno.test("encodeAnswer: without an answer that fits, host unreachable", () => {
  const unreachable = "05040001000000000000";
  assert.equal(encodeAnswer(5, []).toHex(), unreachable);
  assert.equal(encodeAnswer(5, [{ ...NAME, value: "x".repeat(256) }]).toHex(), unreachable);
  assert.equal(encodeAnswer(5, [{ ...IP4, value: "2001:db8::7" }]).toHex(), unreachable);
  assert.equal(encodeAnswer(5, [{ ...IP6, value: "garbage" }]).toHex(), unreachable);
  assert.equal(encodeAnswer(4, [IP6, NAME]).toHex(), "005b000000000000");
  // A bad answer does not hide a good one.
  assert.equal(
    encodeAnswer(5, [{ ...IP4, value: "garbage" }, IP4]).toHex(),
    "05000001c00002070000",
  );
});
