import assert from "node:assert/strict";
import fc from "fast-check";
import { SocksDecoder } from "../../src/proxy/socks_decoder.ts";
import { wire } from "./socks_client.ts";

/** Everything that a decoder said about some pieces, with what came after the request. */
function decode(...pieces: Uint8Array[]) {
  const decoder = new SocksDecoder();
  let replies = "";
  for (let i = 0; i < pieces.length; i++) {
    const { reply, outcome } = decoder.push(pieces[i]);
    replies += reply.toHex();
    if (outcome === undefined) continue;
    if (outcome.kind !== "request") return { replies, outcome };
    const early = outcome.early.toHex() + pieces.slice(i + 1).map((p) => p.toHex()).join("");
    const { credentials: { username, password }, ...request } = outcome.request;
    return {
      replies,
      outcome: {
        kind: outcome.kind,
        request,
        early,
        username: username.toHex(),
        password: password.toHex(),
      },
    };
  }
  return { replies, outcome: undefined };
}

const NO_AUTH = [5, 1, 0];
const PASSWORD = [5, 1, 2];
const EXAMPLE_443 = wire([5, 1, 0, 3, 11], "example.com", [1, 187]);
const REFUSED_1 = "05010001000000000000";

Deno.test("SOCKS5: CONNECT to a name, with early data, in one piece", () => {
  const { replies, outcome } = decode(wire(NO_AUTH, [...EXAMPLE_443], "GET"));
  assert.equal(replies, "0500");
  assert.deepEqual(outcome, {
    kind: "request",
    request: {
      version: 5,
      command: "connect",
      destination: { kind: "name", host: "example.com" },
      port: 443,
      isAddressGiven: false,
    },
    early: "474554",
    username: "",
    password: "",
  });
});

Deno.test("SOCKS5: commands and address types", () => {
  const cases: [number[], string, string, string, number][] = [
    [[5, 1, 0, 1, 192, 0, 2, 1, 0, 80], "connect", "ip4", "192.0.2.1", 80],
    [
      [5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 255, 255],
      "connect",
      "ip6",
      "2001:db8::1",
      65535,
    ],
    [[...wire([5, 1, 0, 3, 9], "192.0.2.1", [0, 1])], "connect", "ip4", "192.0.2.1", 1],
    [[...wire([5, 1, 0, 3, 5], "[::2]", [0, 1])], "connect", "ip6", "::2", 1],
    [[...wire([5, 0xf0, 0, 3, 3], "a.b", [0, 0])], "resolve", "name", "a.b", 0],
    [[5, 0xf1, 0, 1, 192, 0, 2, 1, 0, 0], "resolve-ptr", "ip4", "192.0.2.1", 0],
    [[...wire([5, 0xf1, 0, 3, 3], "::1", [0, 0])], "resolve-ptr", "ip6", "::1", 0],
  ];
  for (const [request, command, kind, host, port] of cases) {
    const { outcome } = decode(wire(NO_AUTH, request));
    assert(outcome?.kind === "request");
    const isAddressGiven = request[3] !== 3;
    const destination = { kind, host };
    assert.deepEqual(outcome.request, { version: 5, command, destination, port, isAddressGiven });
  }
});

Deno.test("SOCKS5: user name and password are preferred, and anything is accepted", () => {
  const both = decode(wire([5, 3, 0, 1, 2]));
  assert.deepEqual(both, { replies: "0502", outcome: undefined });
  const { replies, outcome } = decode(
    wire(PASSWORD, [1, 3], "bob", [2, 0, 255], [...EXAMPLE_443]),
  );
  assert.equal(replies, "05020100");
  assert(outcome?.kind === "request");
  assert.deepEqual([outcome.username, outcome.password], ["626f62", "00ff"]);
  const empty = decode(wire(PASSWORD, [1, 0, 0], [...EXAMPLE_443]));
  assert.deepEqual([empty.replies, empty.outcome?.kind], ["05020100", "request"]);
});

Deno.test("SOCKS5: where that is preferred, no password is asked for", () => {
  assert.equal(new SocksDecoder(true).push(wire([5, 3, 2, 1, 0])).reply.toHex(), "0500");
  assert.equal(new SocksDecoder(true).push(wire([5, 2, 1, 2])).reply.toHex(), "0502");
});

Deno.test("SOCKS5: a password nobody asked for is accepted once", () => {
  const { replies, outcome } = decode(wire(NO_AUTH, [1, 1], "u", [1], "p", [...EXAMPLE_443]));
  assert.equal(replies, "05000100");
  assert(outcome?.kind === "request");
  assert.equal(outcome.username, "75");
  assert.deepEqual(decode(wire(NO_AUTH, [1, 0, 0], [1, 0, 0])), {
    replies: "05000100" + REFUSED_1,
    outcome: { kind: "refused", code: "socks-malformed" },
  });
});

Deno.test("SOCKS5: of the reserved user names only <torS0X>0 is understood", () => {
  const withName = (name: string) =>
    decode(wire(PASSWORD, [1, name.length], name, [1], "p", [...EXAMPLE_443]));
  assert.equal(withName("<torS0X>0").outcome?.kind, "request");
  assert.equal(withName("<torS0X").outcome?.kind, "request");
  assert.equal(withName("x<torS0X>1").outcome?.kind, "request");
  for (const name of ["<torS0X>", "<torS0X>1", "<torS0X>0a", "<torS0X>1object"]) {
    assert.deepEqual(withName(name), {
      replies: "05020101",
      outcome: { kind: "refused", code: "socks-username-reserved" },
    }, name);
  }
});

Deno.test("SOCKS5: what is refused, and how", () => {
  const name = (text: string, command = 1) =>
    wire(NO_AUTH, [5, command, 0, 3, text.length], text, [0, 80]);
  const cases: [Uint8Array, string, string][] = [
    [wire([5, 0]), "05ff", "socks-no-acceptable-method"],
    [wire([5, 2, 1, 3]), "05ff", "socks-no-acceptable-method"],
    [wire(PASSWORD, [5]), "05020101", "socks-malformed"],
    [wire(NO_AUTH, [4]), "0500" + REFUSED_1, "socks-malformed"],
    [wire(NO_AUTH, [5, 2]), "050005070001000000000000", "socks-command-unsupported"],
    [wire(NO_AUTH, [5, 3]), "050005070001000000000000", "socks-command-unsupported"],
    [wire(NO_AUTH, [5, 0xf2]), "050005070001000000000000", "socks-command-unsupported"],
    [wire(NO_AUTH, [5, 1, 1]), "0500" + REFUSED_1, "socks-malformed"],
    [wire(NO_AUTH, [5, 1, 0, 2]), "050005080001000000000000", "socks-address-type-unsupported"],
    [name("a.example", 0xf1), "050005080001000000000000", "socks-address-type-unsupported"],
    [name("x.onion", 0xf1), "050005080001000000000000", "socks-address-type-unsupported"],
    [name(""), "0500" + REFUSED_1, "hostname-malformed"],
    [name("example.com\0.example"), "0500" + REFUSED_1, "hostname-malformed"],
    [name("a b"), "0500" + REFUSED_1, "hostname-malformed"],
    [name("www.example.com.relay.exit"), "0500" + REFUSED_1, "exit-name-refused"],
    [name("x.exit", 0xf0), "0500" + REFUSED_1, "exit-name-refused"],
    [wire(NO_AUTH, [5, 1, 0, 1, 192, 0, 2, 1, 0, 0]), "0500" + REFUSED_1, "socks-port-zero"],
  ];
  for (const [bytes, replies, code] of cases) {
    assert.deepEqual(
      decode(bytes),
      { replies, outcome: { kind: "refused", code } },
      bytes.toHex(),
    );
  }
});

Deno.test("SOCKS5: the longest name that can be said is accepted", () => {
  const name = "a".repeat(255);
  const { outcome } = decode(wire(NO_AUTH, [5, 1, 0, 3, 255], name, [0, 80]));
  assert(outcome?.kind === "request");
  assert.equal(outcome.request.destination.host, name);
});

Deno.test("SOCKS4 and 4a: CONNECT and RESOLVE", () => {
  const plain = decode(wire([4, 1, 0, 80, 192, 0, 2, 1], "me", [0], "early"));
  assert.equal(plain.replies, "");
  assert.deepEqual(plain.outcome, {
    kind: "request",
    request: {
      version: 4,
      command: "connect",
      destination: { kind: "ip4", host: "192.0.2.1" },
      port: 80,
      isAddressGiven: true,
    },
    early: "6561726c79",
    username: "6d65",
    password: "",
  });
  const named = decode(wire([4, 0xf0, 0, 0, 0, 0, 0, 9, 0], "Example.com", [0]));
  assert(named.outcome?.kind === "request");
  assert.deepEqual(named.outcome.request, {
    version: 4,
    command: "resolve",
    destination: { kind: "name", host: "example.com" },
    port: 0,
    isAddressGiven: false,
  });
});

Deno.test("SOCKS4: what is refused", () => {
  const named = (name: string) => wire([4, 1, 0, 80, 0, 0, 0, 1, 0], name, [0]);
  const cases: [Uint8Array, string][] = [
    [wire([4, 2]), "socks-command-unsupported"],
    [wire([4, 0xf1]), "socks-command-unsupported"],
    [wire([4, 1, 0, 0, 192, 0, 2, 1]), "socks-port-zero"],
    [wire([4, 1, 0, 80, 0, 0, 0, 0]), "socks-malformed"],
    [wire([4, 1, 0, 80, 192, 0, 2, 1], "u".repeat(504)), "socks-too-long"],
    [wire([4, 1, 0, 80, 192, 0, 2, 1], "u".repeat(504), [0]), "socks-too-long"],
    [named("a".repeat(256)), "socks-too-long"],
    [wire([4, 1, 0, 80, 0, 0, 0, 1, 0], "a".repeat(503)), "socks-too-long"],
    [named(""), "hostname-malformed"],
    [named("a b"), "hostname-malformed"],
    [named("::1"), "socks-address-type-unsupported"],
    [named("abc.exit"), "exit-name-refused"],
  ];
  for (const [bytes, code] of cases) {
    assert.deepEqual(
      decode(bytes),
      { replies: "005b000000000000", outcome: { kind: "refused", code } },
      `${code} ${bytes.toHex()}`,
    );
  }
  // The longest user id: 8 bytes before it, and its zero byte, make 512.
  const longest = decode(wire([4, 1, 0, 80, 192, 0, 2, 1], "u".repeat(503), [0]));
  assert.equal(longest.outcome?.kind, "request");
});

Deno.test("other protocols: HTTP is recognised, the rest is refused without a word", () => {
  for (const method of ["GET", "HEAD", "POST", "PUT", "CONNECT", "OPTIONS", "DELETE", "TRACE"]) {
    const { replies, outcome } = decode(wire(`${method} / HTTP/1.1\r\n\r\n`));
    assert.deepEqual([replies, outcome], ["", { kind: "http" }], method);
  }
  for (const first of [0, 1, 3, 6, 0x16, 0x47 + 0x20, 255]) {
    assert.deepEqual(decode(wire([first, 0, 0])), {
      replies: "",
      outcome: { kind: "refused", code: "socks-version-unknown" },
    });
  }
});

Deno.test("a handshake cut off anywhere is incomplete, not wrong", () => {
  for (
    const whole of [
      wire(PASSWORD, [1, 1], "u", [1], "p", [...EXAMPLE_443]),
      wire([4, 1, 0, 80, 0, 0, 0, 1], "me", [0], "example.com", [0]),
    ]
  ) {
    for (let length = 0; length < whole.length; length++) {
      assert.equal(decode(whole.subarray(0, length)).outcome, undefined, `${length} bytes`);
    }
    assert.equal(decode(whole).outcome?.kind, "request");
  }
});

Deno.test("SocksDecoder: takes nothing after the outcome", () => {
  const decoder = new SocksDecoder();
  assert.equal(decoder.push(wire([0])).outcome?.kind, "refused");
  assert.throws(() => decoder.push(wire([0])), /over/);
});

/** Handshakes that are nearly right, so that every state of the decoder is reached. */
const handshakes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.tuple(
    fc.constantFrom(NO_AUTH, PASSWORD, [5, 2, 0, 2], [5, 0]),
    fc.constantFrom([], [1, 1, 65, 1, 66], [1, 0, 0], [1, 9, ...wire("<torS0X>1"), 0]),
    fc.constantFrom(1, 1, 0xf0, 0xf1, 2),
    fc.constantFrom(0, 0, 0, 1),
    fc.oneof(
      fc.string({ maxLength: 20 }).map((s) => [3, s.length & 255, ...wire(s)]),
      fc.constantFrom("a.example", "x.onion", "[::1]").map((s) => [3, s.length, ...wire(s)]),
      fc.uint8Array({ minLength: 4, maxLength: 4 }).map((a) => [1, ...a]),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((a) => [4, ...a]),
      fc.uint8Array({ maxLength: 6 }).map((a) => [...a]),
    ),
    fc.uint8Array({ maxLength: 12 }),
  ).map(([methods, credentials, command, reserved, address, rest]) =>
    wire(methods, credentials, [5, command, reserved], address, [...rest])
  ),
  fc.tuple(
    fc.constantFrom(1, 0xf0, 2),
    fc.uint8Array({ minLength: 2, maxLength: 2 }),
    fc.constantFrom([0, 0, 0, 1], [0, 0, 0, 0], [192, 0, 2, 1]),
    fc.uint8Array({ maxLength: 600, size: "max" }),
    fc.string({ maxLength: 300, size: "max" }),
    fc.uint8Array({ maxLength: 5 }),
  ).map(([command, port, address, user, name, rest]) =>
    wire([4, command, ...port], address, [...user.filter((b) => b !== 0), 0], name, [0], [...rest])
  ),
);

Deno.test("SocksDecoder: any bytes, split anyhow, give the same replies and outcome", () => {
  fc.assert(
    fc.property(handshakes, fc.array(fc.nat({ max: 700 }), { maxLength: 12 }), (bytes, cuts) => {
      const whole = decode(bytes);
      const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) =>
        a - b
      );
      const pieces = [...places, bytes.length].map((end, i) =>
        bytes.subarray(places[i - 1] ?? 0, end)
      );
      assert.deepEqual(decode(...pieces), whole);
      assert.deepEqual(decode(...[...bytes].map((byte) => Uint8Array.of(byte))), whole);
    }),
    { seed: 1, numRuns: 1000 },
  );
});
