import assert from "node:assert/strict";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { ConfigError } from "../../src/config/errors.ts";
import { parseNodeList } from "../../src/config/node_list.ts";
import type { NodePattern } from "../../src/config/node_pattern.ts";

const HEX = "AAAABBBBCCCCDDDDEEEEFFFF0000111122223333";

function parse(value: string): NodePattern[] {
  const origin = { file: "f", line: 7 };
  return parseNodeList("ExcludeNodes", { name: "excludenodes", value, command: "set", origin });
}

/** `network/length ports`, or the one thing that another kind has. */
function short(pattern: NodePattern): string {
  switch (pattern.kind) {
    case "identity":
      return `$${pattern.rsaIdentity}`;
    case "nickname":
      return pattern.nickname;
    case "country":
      return `{${pattern.code}}`;
    case "addresses": {
      const { network, prefixLength, ports } = pattern;
      return `${network}/${prefixLength} ${ports.first}-${ports.last}`;
    }
  }
}

const READ: readonly (readonly [written: string, read: readonly string[]])[] = [
  [HEX, [`$${HEX}`]],
  [`$${HEX.toLowerCase()}`, [`$${HEX}`]],
  [`$${HEX}=Relay`, [`$${HEX}`]],
  [`${HEX}~Relay`, [`$${HEX}`]],
  ["Relay", ["relay"]],
  ["123", ["123"]],
  ["a".repeat(19), ["a".repeat(19)]],
  ["{DE}", ["{de}"]],
  ["{??}", ["{??}"]],
  ["{a1}", ["{a1}"]],
  ["192.0.2.7", ["192.0.2.7/32 1-65535"]],
  ["192.0.2.7/24", ["192.0.2.0/24 1-65535"]],
  ["192.0.2.7/255.255.255.0", ["192.0.2.0/24 1-65535"]],
  ["192.0.2.7/0", ["0.0.0.0/0 1-65535"]],
  ["192.0.2.7:9001", ["192.0.2.7/32 9001-9001"]],
  ["192.0.2.0/24:9001-9003", ["192.0.2.0/24 9001-9003"]],
  ["192.0.2.0/24:*", ["192.0.2.0/24 1-65535"]],
  ["[2001:DB8:0::1]", ["2001:db8::1/128 1-65535"]],
  ["[2001:db8:ffff::]/33", ["2001:db8:8000::/33 1-65535"]],
  ["[2001:db8::]/32:443", ["2001:db8::/32 443-443"]],
  ["2001:db8::/32", ["2001:db8::/32 1-65535"]],
  ["2001:db8::/32:443", ["2001:db8::/32 443-443"]],
  ["*", ["0.0.0.0/0 1-65535", "::/0 1-65535"]],
  ["*4", ["0.0.0.0/0 1-65535"]],
  ["*6:80", ["::/0 80-80"]],
  ["*:443", ["0.0.0.0/0 443-443", "::/0 443-443"]],
  [` a ,\t{de},,192.0.2.1 , `, ["a", "{de}", "192.0.2.1/32 1-65535"]],
];

for (const [written, read] of READ) {
  Deno.test(`the list ${JSON.stringify(written)}`, () => {
    assert.deepEqual(parse(written).map(short), read);
  });
}

const REFUSED: readonly string[] = [
  "",
  " , ,",
  "a".repeat(20),
  "two names",
  "name!",
  "$name",
  `$${HEX.slice(1)}`,
  `${HEX}0`,
  `${HEX}=`,
  `${HEX}=a b`,
  `${HEX} Relay`,
  "{d}",
  "{deu}",
  "{de}x",
  "{de",
  "{}",
  "{?}",
  "192.0.2",
  "192.0.2.256",
  "192.0.02.1",
  "192.0.2.0/33",
  "192.0.2.0/-1",
  "192.0.2.0/",
  "192.0.2.0/255.0.255.0",
  "192.0.2.0/24/24",
  "192.0.2.0:",
  "192.0.2.0:0",
  "192.0.2.0:65536",
  "192.0.2.0:3-2",
  "192.0.2.0:1-",
  "192.0.2.0:1-x",
  "192.0.2.0:1-2-3",
  "192.0.2.0:80/24",
  "[192.0.2.0]",
  "[2001:db8::]/129",
  "[2001:db8::/32",
  "2001:db8::1",
  "[2001:db8::]/255.0.0.0",
  "[::ffff:192.0.2.1]",
  "[::ffff:192.0.2.1]/96",
  "[fe80::1%eth0]",
  "*/8",
  "*5",
  "**",
  "reject 192.0.2.0/24",
  "relay.example.com",
  `good,${HEX}x`,
];

for (const written of REFUSED) {
  Deno.test(`the list ${JSON.stringify(written)} is refused with its line`, () => {
    assert.throws(() => parse(written), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, "config-bad-value");
      assert.match(error.message, /^f, line 7: ExcludeNodes/);
      return true;
    });
  });
}

Deno.test("the bad member of a list is named", () => {
  assert.throws(() => parse(`good, bad!, 192.0.2.0/24`), /ExcludeNodes: 'bad!' is not understood/);
});

const IPV4 = fc.ipV4();
const IPV6 = fc.ipV6().filter((text) => !ipaddr.IPv6.parse(text).isIPv4MappedAddress());
const PORT = fc.integer({ min: 1, max: 65535 });

Deno.test("a network contains its address, and only those that begin alike", () => {
  const pattern = fc.oneof(
    fc.tuple(IPV4, fc.integer({ min: 0, max: 32 })),
    fc.tuple(IPV6, fc.integer({ min: 0, max: 128 })),
  );
  fc.assert(
    fc.property(pattern, ([address, prefixLength]) => {
      const written = address.includes(":") ? `[${address}]` : address;
      const [read, ...more] = parse(`${written}/${prefixLength}`);
      assert.ok(read.kind === "addresses" && more.length === 0);
      assert.equal(read.prefixLength, prefixLength);
      const bits = bitsOf(address);
      assert.equal(bitsOf(read.network), bits.slice(0, prefixLength).padEnd(bits.length, "0"));
    }),
    { seed: 1, numRuns: 300 },
  );
});

/** An address as ones and zeros. */
function bitsOf(address: string): string {
  return ipaddr.parse(address).toByteArray().map((byte) => byte.toString(2).padStart(8, "0"))
    .join("");
}

Deno.test("what a list says is read again from how it was read", () => {
  const ports = fc.tuple(PORT, PORT).map(([a, b]) => ({
    first: Math.min(a, b),
    last: Math.max(a, b),
  }));
  const member = fc.oneof(
    fc.stringMatching(/^\$?[0-9A-Fa-f]{40}([=~][A-Za-z0-9]{1,19})?$/),
    fc.stringMatching(/^[A-Za-z0-9]{1,19}$/),
    fc.stringMatching(/^\{[A-Za-z0-9]{2}\}$/),
    fc.tuple(IPV4, fc.integer({ min: 0, max: 32 }), ports).map((
      [address, length, { first, last }],
    ) => `${address}/${length}:${first}-${last}`),
    fc.tuple(IPV6, fc.integer({ min: 0, max: 128 }), ports).map((
      [address, length, { first, last }],
    ) => `[${address}]/${length}:${first}-${last}`),
  );
  const write = (pattern: NodePattern) => {
    if (pattern.kind !== "addresses") return short(pattern);
    const { network, prefixLength, ports } = pattern;
    const address = network.includes(":") ? `[${network}]` : network;
    return `${address}/${prefixLength}:${ports.first}-${ports.last}`;
  };
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 8 }), (members) => {
      const read = parse(members.join(" , "));
      assert.equal(read.length, members.length);
      assert.deepEqual(parse(read.map(write).join(",")), read);
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("whatever a list contains, it is read to the last member or refused", () => {
  const piece = fc.constantFrom(
    ...["*", "[", "]", "/", ":", "-", "{", "}", "$", "?", "=", "~", ",", " ", ".", "de", "1", "24"],
    ...["192.0.2.1", "2001:db8::", "::", HEX, "4", "6", "65535", "é", "\u0000"],
  );
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
      const text = pieces.join("");
      try {
        assert.ok(
          parse(text).length >= text.split(",").filter((part) => part.trim() !== "").length,
        );
        accepted++;
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
    { seed: 1, numRuns: 3000 },
  );
  assert.ok(accepted > 100, `${accepted}`);
});

Deno.test("a very long list is read in reasonable time, and a hostile one too", () => {
  const many = Array.from({ length: 20_000 }, (_, index) => index.toString(16).padStart(40, "0"));
  assert.equal(parse(many.join(",")).length, many.length);
  for (const hostile of ["[".repeat(50_000), "1.".repeat(50_000), `*${":".repeat(50_000)}`]) {
    assert.throws(() => parse(hostile), ConfigError);
  }
});
