import assert from "node:assert/strict";
import fc from "fast-check";
import { GeoIp } from "../../src/netdir/geo_ip.ts";

const IPV4 = `# a comment
16777216,16777471,AU
16777472,16778239,cn

  # another
33554432,50331647,US
"67108864","67108864","A1","AP1","Anonymous Proxy"
83886080,83886335,??
`;
const IPV6 = `# a comment
2001:db8::,2001:db8:0:ffff:ffff:ffff:ffff:ffff,DE
2001:db8:2::,2001:db8:2::,FR
2001:db8:2::1,2001:db8:3:ffff:ffff:ffff:ffff:ffff,NL
`;

Deno.test("an address is in the country of its range, ends included", () => {
  const geoIp = GeoIp.parse(IPV4, IPV6);
  const expected = {
    "0.255.255.255": undefined,
    "1.0.0.0": "au",
    "1.0.0.255": "au",
    "1.0.1.0": "cn",
    "1.0.3.255": "cn",
    "1.0.4.0": undefined,
    "2.0.0.0": "us",
    "2.255.255.255": "us",
    "3.0.0.0": undefined,
    "4.0.0.0": "a1",
    "4.0.0.1": undefined,
    "255.255.255.255": undefined,
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff": undefined,
    "2001:db8::": "de",
    "2001:DB8:0:ffff::1": "de",
    "2001:db8:1::": undefined,
    "2001:db8:2::": "fr",
    "2001:db8:2:0::1": "nl",
    "2001:db8:3:ffff:ffff:ffff:ffff:ffff": "nl",
    "2001:db8:4::": undefined,
    "::ffff:1.0.0.0": undefined,
  };
  for (const [address, country] of Object.entries(expected)) {
    assert.equal(geoIp.countryOf(address), country, address);
  }
  assert.deepEqual([geoIp.ipv4Ranges, geoIp.ipv6Ranges, geoIp.unreadableLines], [5, 3, 0]);
});

Deno.test("a range that the file itself does not know is in no country", () => {
  assert.equal(GeoIp.parse(IPV4).countryOf("5.0.0.1"), undefined);
});

Deno.test("what is no address is in no country", () => {
  const geoIp = GeoIp.parse("0,4294967295,AU", "::,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,AU");
  assert.equal(geoIp.countryOf("255.255.255.255"), "au");
  assert.equal(geoIp.countryOf("::1"), "au");
  for (const text of ["", "example.com", "1", "1.2.3", "[::1]", "1.2.3.4:80", "01.2.3.4"]) {
    assert.equal(geoIp.countryOf(text), undefined, text);
  }
});

Deno.test("it is known which countries the files know", () => {
  const geoIp = GeoIp.parse(IPV4, IPV6);
  for (const code of ["au", "cn", "us", "a1", "de", "NL"]) {
    assert.ok(geoIp.knowsCountry(code), code);
  }
  for (const code of ["at", "", "a", "aus"]) assert.ok(!geoIp.knowsCountry(code), code);
  assert.ok(!GeoIp.parse("").knowsCountry("\0\0"));
});

for (
  const line of [
    "x",
    "1,2",
    "1,2,A",
    "1,2,AUS",
    "1,2,A-",
    "2,1,AU",
    "-1,2,AU",
    "1,4294967296,AU",
    "1,99999999999,AU",
    "4294967296,4294967297,AU",
    "1.0.0.0,1.0.0.255,AU",
    "2001:db8::,2001:db8::1,AU",
  ]
) {
  Deno.test(`the IPv4 line '${line}' is passed over and counted`, () => {
    const geoIp = GeoIp.parse(`${line}\n0,4294967295,DE\n${line}`);
    assert.deepEqual([geoIp.ipv4Ranges, geoIp.unreadableLines], [1, 2]);
    assert.equal(geoIp.countryOf("1.2.3.4"), "de");
  });
}

for (
  const line of [
    "1,2,AU",
    "::,::1",
    "::,::1,A",
    "::,::1,AUS",
    "::1,::,AU",
    "::,:::,AU",
    "1:2:3,1:2:4,AU",
    "::,12345::,AU",
    "::,1.2.3.4,AU",
  ]
) {
  Deno.test(`the IPv6 line '${line}' is passed over and counted`, () => {
    const geoIp = GeoIp.parse("", `${line}\n2001::,2001:ffff::,DE\n`);
    assert.deepEqual([geoIp.ipv6Ranges, geoIp.unreadableLines], [1, 1]);
    assert.equal(geoIp.countryOf("2001:1::"), "de");
  });
}

Deno.test("line ends of other systems and a missing last one do not matter", () => {
  const geoIp = GeoIp.parse(IPV4.replaceAll("\n", "\r\n") + "100,200,FR", IPV6.trim());
  assert.equal(geoIp.unreadableLines, 0);
  assert.deepEqual(
    ["1.0.0.1", "0.0.0.150", "2001:db8:2::5"].map((address) => geoIp.countryOf(address)),
    ["au", "fr", "nl"],
  );
});

Deno.test("any ranges in any order tell the country of each of their addresses", () => {
  const codes = ["DE", "FR", "US"];
  // Every second block of 16 addresses may be a range.
  const blocks = fc.uniqueArray(
    fc.record({ block: fc.nat(50), size: fc.integer({ min: 1, max: 16 }), code: fc.nat(2) }),
    { selector: ({ block }) => block, maxLength: 30 },
  );
  fc.assert(
    fc.property(blocks, fc.nat(50 * 32), (ranges, probe) => {
      const ipv4 = ranges.map(({ block, size, code }) =>
        `${block * 32},${block * 32 + size - 1},${codes[code]}`
      );
      const word = (number: number) => `2001:db8::${number.toString(16)}:0`;
      const ipv6 = ranges.map(({ block, size, code }) =>
        `${word(block * 32)},${word(block * 32 + size - 1)},${codes[code]}`
      );
      const geoIp = GeoIp.parse(ipv4.join("\n"), ipv6.join("\n"));
      assert.equal(geoIp.unreadableLines, 0);
      const range = ranges.find(({ block, size }) =>
        probe >= block * 32 && probe < block * 32 + size
      );
      const expected = range && codes[range.code].toLowerCase();
      assert.equal(geoIp.countryOf(`0.0.${probe >> 8}.${probe & 0xff}`), expected);
      assert.equal(geoIp.countryOf(word(probe)), expected);
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("no text makes it fail", () => {
  const piece = fc.constantFrom(
    "0",
    "7",
    "4294967295",
    ",",
    "\n",
    "\r",
    '"',
    "AU",
    "?",
    "#",
    ":",
    " ",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.string(), (pieces, text) => {
      const geoIp = GeoIp.parse(pieces.join("") + text, text + pieces.join(""));
      geoIp.countryOf("0.0.0.7");
      geoIp.countryOf("::7");
      assert.ok(geoIp.unreadableLines >= 0);
    }),
    { seed: 1, numRuns: 300 },
  );
});
