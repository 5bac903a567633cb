import assert from "node:assert/strict";
import { buildConfig } from "../../src/config/build.ts";
import { ConfigError } from "../../src/config/errors.ts";
import type { NodePattern } from "../../src/config/node_pattern.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { fromTorrc } from "./source.ts";

const A = "AAAABBBBCCCCDDDDEEEEFFFF0000111122223333";
const B = "B".repeat(40);

/** What identifies each pattern, for short. */
function short(patterns: readonly NodePattern[]): string[] {
  return patterns.map((pattern) => {
    switch (pattern.kind) {
      case "identity":
        return pattern.rsaIdentity;
      case "nickname":
        return pattern.nickname;
      case "addresses":
        return `${pattern.network}/${pattern.prefixLength}`;
      case "country":
        return `{${pattern.code}}`;
    }
  });
}

const LISTS = [
  ["ExcludeNodes", "exclude"],
  ["ExcludeExitNodes", "excludeExit"],
  ["EntryNodes", "entry"],
  ["ExitNodes", "exit"],
  ["MiddleNodes", "middle"],
] as const;

for (const [name, field] of LISTS) {
  Deno.test(`the lines of ${name} are joined, and a later source replaces them but for +`, () => {
    const of = (...sources: string[]) =>
      short(buildConfig(sources.map((text) => parseTorrc(text, "f"))).config.nodes[field]);
    const file = `${name} ${A}, 192.0.2.9/24\n${name} $${B}`;
    assert.deepEqual(of(file), [A, "192.0.2.0/24", B]);
    assert.deepEqual(of(file, `${name} 10.0.0.0/8`), ["10.0.0.0/8"]);
    assert.deepEqual(of(file, `+${name} 10.0.0.0/8`), [A, "192.0.2.0/24", B, "10.0.0.0/8"]);
    assert.deepEqual(of(file, `/${name}`), []);
  });

  Deno.test(`${name} with a nickname is warned about, with a fingerprint it is not`, () => {
    assert.match(
      fromTorrc(`${name} ${A},relay\n${name} other`).warnings.join(),
      new RegExp(`^${name} names relays by nickname, which [^,]*$`),
    );
    assert.deepEqual(fromTorrc(`${name} $${A}=relay`).warnings, []);
  });

  Deno.test(`${name} with a country needs GeoIPFile`, () => {
    assert.throws(() => fromTorrc(`\n${name} ${A}\n${name} ${B},{de}`), (error) => {
      assert.ok(error instanceof ConfigError && error.code === "config-conflict");
      assert.match(error.message, new RegExp(`^test\\.torrc, line 3: ${name} .*GeoIPFile`));
      return true;
    });
    const { nodes } = fromTorrc(`${name} {de}\nGeoIPFile a/geoip\nGeoIPv6File geoip6`).config;
    assert.deepEqual(short(nodes[field]), ["{de}"]);
    assert.equal(nodes.geoIpFile, "a/geoip");
    assert.equal(nodes.geoIpv6File, "geoip6");
  });
}

Deno.test("each NodeFamily line is a family", () => {
  const { nodeFamilies } = fromTorrc(`NodeFamily a, $${A.toLowerCase()} ,C\nNodeFamily ${B}~x`)
    .config;
  assert.deepEqual(nodeFamilies.map(short), [["a", A, "c"], [B]]);
  assert.throws(() => fromTorrc("NodeFamily {de}"), { code: "config-conflict" });
});

Deno.test("EntryNodes cannot be without guards", () => {
  assert.throws(() => fromTorrc(`UseEntryGuards 0\nEntryNodes ${A}`), (error) => {
    assert.ok(error instanceof ConfigError && error.code === "config-conflict");
    assert.match(error.message, /^test\.torrc, line 2: EntryNodes needs UseEntryGuards 1/);
    return true;
  });
});

Deno.test("StrictNodes is said to be dangerous, or without effect", () => {
  const strict = fromTorrc(`StrictNodes 1\nExcludeNodes ${A}`);
  assert.equal(strict.config.nodes.strict, true);
  assert.match(strict.warnings.join(), /StrictNodes/);
  assert.match(fromTorrc(`StrictNodes 1\nExitNodes ${A}`).notices.join(), /no effect/);
});

Deno.test("country files that nothing needs are not to be read, which is said", () => {
  const { config, notices } = fromTorrc("GeoIPFile /usr/share/tor/geoip\nGeoIPExcludeUnknown 0");
  assert.equal(config.nodes.geoIpFile, undefined);
  assert.equal(config.nodes.excludeUnknownCountries, false);
  assert.match(notices.join(), /not read/);
});

Deno.test("GeoIPExcludeUnknown 1 is about countries without any being named", () => {
  assert.throws(() => fromTorrc("GeoIPExcludeUnknown 1"), { code: "config-conflict" });
  const { nodes } = fromTorrc("GeoIPExcludeUnknown 1\nGeoIPFile x").config;
  assert.deepEqual([nodes.excludeUnknownCountries, nodes.geoIpFile], [true, "x"]);
});
