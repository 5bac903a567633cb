import assert from "node:assert/strict";
import fc from "fast-check";
import { LONGEST_HEAD, parseHttpHead } from "../../src/proxy/http_head.ts";
import { wire } from "./socks_client.ts";

Deno.test("a head: the request line, headers by lower-case name, and how long it was", () => {
  const text =
    "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nX-One:  1 \r\nx-one: 2\r\n" +
    "Empty:\r\n\r\n";
  const parsed = parseHttpHead(wire(text, "early"));
  assert.deepEqual(parsed, {
    kind: "head",
    head: {
      method: "CONNECT",
      target: "a.example:443",
      headers: new Map([["host", "a.example:443"], ["x-one", "1"], ["empty", ""]]),
    },
    length: text.length,
  });
});

Deno.test("heads that make no sense", () => {
  for (
    const text of [
      "\r\n\r\n",
      "CONNECT\r\n\r\n",
      "CONNECT a.example:443\r\n\r\n",
      "CONNECT a.example:443 HTTP/2.0\r\n\r\n",
      "CONNECT a.example:443 HTTP/1.1 \r\n\r\n",
      "CONNECT a b HTTP/1.1\r\n\r\n",
      "CON\0NECT a HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nno colon\r\n\r\n",
      "GET / HTTP/1.1\r\n: no name\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n continued\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\nEvil: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n",
      "x".repeat(LONGEST_HEAD),
      `GET / HTTP/1.1\r\nHost: ${"x".repeat(LONGEST_HEAD)}\r\n\r\n`,
    ]
  ) {
    assert.equal(parseHttpHead(wire(text)).kind, "malformed", JSON.stringify(text.slice(0, 60)));
  }
});

Deno.test("a head that is cut off is incomplete, up to the longest that there can be", () => {
  const text = "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (let length = 0; length < text.length; length++) {
    assert.equal(parseHttpHead(wire(text.slice(0, length))).kind, "incomplete");
  }
  assert.equal(parseHttpHead(wire("x".repeat(LONGEST_HEAD - 1))).kind, "incomplete");
  const longest = `GET / HTTP/1.1\r\nA: ${"x".repeat(LONGEST_HEAD - 23)}\r\n\r\n`;
  assert.equal(longest.length, LONGEST_HEAD);
  assert.equal(parseHttpHead(wire(longest)).kind, "head");
});

/** Bytes of which a head may be made. */
const nearlyHttp = fc.array(
  fc.oneof(
    fc.constantFrom("CONNECT ", "GET / ", "HTTP/1.1", "\r\n", "\r", "\n", "\r\n\r\n", ": ", "Host"),
    fc.string({ maxLength: 5 }),
  ),
  { maxLength: 30 },
).map((parts) => wire(parts.join("")));

Deno.test("any bytes, split anyhow, give the same, and no exception", () => {
  const bytes = fc.oneof(nearlyHttp, fc.uint8Array({ maxLength: 200 }));
  fc.assert(
    fc.property(bytes, fc.nat(200), (all, cut) => {
      const whole = parseHttpHead(all);
      const first = Math.min(cut, all.length);
      const early = parseHttpHead(all.subarray(0, first));
      const late = early.kind === "incomplete" ? parseHttpHead(all, first) : early;
      if (early.kind !== "malformed") assert.deepEqual(late, whole);
    }),
    { seed: 1, numRuns: 2000 },
  );
});
