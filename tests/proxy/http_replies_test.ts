import assert from "node:assert/strict";
import {
  encodeHttpMethodRefusal,
  encodeHttpOptions,
  encodeHttpRefusal,
  HTTP_REPLIES,
} from "../../src/proxy/http_replies.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("a tunnel that is open: 200 with the headers of C tor 0.4.9", () => {
  assert.equal(
    text(HTTP_REPLIES.succeeded()),
    "HTTP/1.0 200 OK\r\nTor-Capabilities: \r\nVia: tor/1.0 tor-network (chive)\r\n\r\n",
  );
});

Deno.test("what failed: the status by the reason, and the reason itself", () => {
  const expected: Record<string, [number, string]> = {
    "end-misc": [500, "end/MISC"],
    "end-resolve-failed": [503, "end/RESOLVEFAILED"],
    "end-connection-refused": [403, "end/CONNECTREFUSED"],
    "end-exit-policy": [403, "end/EXITPOLICY"],
    "end-destroy": [502, "end/DESTROY"],
    "end-done": [502, "end/DONE"],
    "end-timeout": [504, "end/TIMEOUT"],
    "end-no-route": [503, "end/NOROUTE"],
    "end-hibernating": [502, "end/HIBERNATING"],
    "end-internal": [502, "end/INTERNAL"],
    "end-resource-limit": [502, "end/RESOURCELIMIT"],
    "end-connection-reset": [403, "end/CONNRESET"],
    "end-tor-protocol": [502, "end/TORPROTOCOL"],
    "end-not-directory": [500, "end/NOTDIRECTORY"],
    "stream-timeout": [504, "chive/stream-timeout"],
    "plaintext-port-refused": [403, "chive/plaintext-port-refused"],
    "virtual-address-unknown": [502, "chive/virtual-address-unknown"],
    "onion-unsupported": [403, "chive/onion-unsupported"],
    "a-code-of-tomorrow": [500, "chive/a-code-of-tomorrow"],
    "": [500, "chive/unexpected"],
  };
  for (const [code, [status, reason]] of Object.entries(expected)) {
    const reply = text(HTTP_REPLIES.failed(code));
    assert.match(reply, new RegExp(`^HTTP/1\\.0 ${status} [^\\r\\n]+\\r\\n`), code);
    assert.ok(reply.endsWith(`\r\nTor-Request-Failed: ${reason}\r\n\r\n`), reply);
    assert.match(reply, /\r\nTor-Capabilities: \r\nVia: /);
  }
});

Deno.test("the other replies say what they should", () => {
  assert.match(text(encodeHttpOptions()), /^HTTP\/1\.0 200 OK\r\nAllow: OPTIONS, CONNECT\r\n/);
  assert.match(text(encodeHttpRefusal("bad-request")), /^HTTP\/1\.0 400 Bad Request\r\n/);
  assert.match(text(encodeHttpRefusal("target-too-long")), /^HTTP\/1\.0 414 /);
  assert.match(text(encodeHttpRefusal("rpc-unsupported")), /^HTTP\/1\.0 501 .*No RPC Support/);
  const [head, page] = text(encodeHttpMethodRefusal()).split("\r\n\r\n");
  assert.match(head, /^HTTP\/1\.0 405 /);
  assert.ok(head.includes(`Content-Length: ${new TextEncoder().encode(page).length}\r\n`));
  assert.match(page, /<h1>.*tunnel/);
});
