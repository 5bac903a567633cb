import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { fromTorrc, THREE_AUTHORITIES } from "./source.ts";

const FINGERPRINT = "AAAABBBBCCCCDDDDEEEEFFFF0000111122223333";
const V3 = "0123456789ABCDEF0123456789ABCDEF01234567";

const BASE = {
  nickname: "127.1.0.1",
  hostname: "127.1.0.1",
  dirPort: 7001,
  orPort: undefined,
  ipv6: undefined,
  rsaIdentity: FINGERPRINT,
  v3Identity: undefined,
  bridge: false,
  weight: 1,
};

const AUTHORITIES: readonly (readonly [line: string, expected: object])[] = [
  [`127.1.0.1:7001 ${FINGERPRINT}`, {}],
  [`auth1 127.1.0.1:7001 ${FINGERPRINT}`, { nickname: "auth1" }],
  [`auth1 127.1.0.1:7001 ${FINGERPRINT.toLowerCase()}`, { nickname: "auth1" }],
  ["127.1.0.1:7001 AAAA BBBB CCCC DDDD EEEE  FFFF 0000 1111 2222\t3333", {}],
  [`orport=5001 v3ident=${V3} 127.1.0.1:7001 ${FINGERPRINT}`, { orPort: 5001, v3Identity: V3 }],
  [`ORPort=5001 V3Ident=${V3.toLowerCase()} 127.1.0.1:7001 ${FINGERPRINT}`, {
    orPort: 5001,
    v3Identity: V3,
  }],
  [`a ipv6=[2001:DB8::1]:5001 weight=0.5 127.1.0.1:7001 ${FINGERPRINT}`, {
    nickname: "a",
    ipv6: { hostname: "2001:db8::1", port: 5001 },
    weight: 0.5,
  }],
  [`a bridge no-v2 hs no-hs 127.1.0.1:7001 ${FINGERPRINT}`, { nickname: "a", bridge: true }],
  [
    `a upload=http://127.1.0.1:80/ download=http://[::1]:80 vote=http://127.1.0.1:81/ 127.1.0.1:7001 ${FINGERPRINT}`,
    { nickname: "a" },
  ],
];

for (const [line, expected] of AUTHORITIES) {
  Deno.test(`DirAuthority ${line}`, () => {
    const { config, warnings } = fromTorrc(`DirAuthority ${line}`);
    assert.deepEqual(config.authorities, [{ ...BASE, ...expected }]);
    assert.deepEqual(warnings, []);
  });
}

Deno.test("an unknown flag of a DirAuthority line is skipped with a warning, as C tor does", () => {
  const { config, warnings } = fromTorrc(`DirAuthority a new=1 127.1.0.1:7001 ${FINGERPRINT}`);
  assert.equal(config.authorities.length, 1);
  assert.ok(warnings.length === 1 && warnings[0].includes("'new=1'"));
});

Deno.test("the old name DirServer is known", () => {
  const { config } = fromTorrc(`DirServer 127.1.0.1:7001 ${FINGERPRINT}`);
  assert.deepEqual(config.authorities, [BASE]);
});

const BAD_AUTHORITIES: readonly (readonly [line: string, says: RegExp])[] = [
  ["auth1", /expected/],
  ["auth1 bridge", /expected/],
  ["127.1.0.1:7001", /expected/],
  [`127.1.0.1 ${FINGERPRINT}`, /IPv4 address and a directory port/],
  [`127.1.0.1:0 ${FINGERPRINT}`, /IPv4 address and a directory port/],
  [`127.1.0.999:7001 ${FINGERPRINT}`, /IPv4 address/],
  [`[::1]:7001 ${FINGERPRINT}`, /expected/],
  ["127.1.0.1:7001 AAAA", /40 hexadecimal digits/],
  [`127.1.0.1:7001 ${FINGERPRINT}0`, /40 hexadecimal digits/],
  [`127.1.0.1:7001 ${FINGERPRINT.replace("A", "G")}`, /40 hexadecimal digits/],
  [`orport=0 127.1.0.1:7001 ${FINGERPRINT}`, /orport=0/],
  [`orport=x 127.1.0.1:7001 ${FINGERPRINT}`, /orport=x/],
  [`v3ident=12 127.1.0.1:7001 ${FINGERPRINT}`, /v3ident=12/],
  [`weight=-1 127.1.0.1:7001 ${FINGERPRINT}`, /weight=-1/],
  [`ipv6=1.2.3.4:5 127.1.0.1:7001 ${FINGERPRINT}`, /ipv6=1\.2\.3\.4:5/],
  [`ipv6=[::1]:5 ipv6=[::1]:5 127.1.0.1:7001 ${FINGERPRINT}`, /two ipv6/],
  [`upload=https://127.1.0.1:80/ 127.1.0.1:7001 ${FINGERPRINT}`, /upload/],
  [`vote=http://127.1.0.1:80/x 127.1.0.1:7001 ${FINGERPRINT}`, /vote/],
];

const FALLBACK = { hostname: "1.2.3.4", orPort: 443, ipv6: undefined, rsaIdentity: FINGERPRINT };

const FALLBACKS: readonly (readonly [line: string, expected: object])[] = [
  [`1.2.3.4 orport=443 id=${FINGERPRINT}`, { weight: 1 }],
  [`1.2.3.4:80 orport=443 id=${FINGERPRINT.toLowerCase()}`, { weight: 1 }],
  [`id=${FINGERPRINT} weight=10 orport=443 1.2.3.4:80`, { weight: 10 }],
  [`1.2.3.4 orport=443 id=${FINGERPRINT} ipv6=[2001:db8::2]:444 later=1`, {
    weight: 1,
    ipv6: { hostname: "2001:db8::2", port: 444 },
  }],
  [`[2001:DB8::3]:80 orport=443 id=${FINGERPRINT}`, { weight: 1, hostname: "2001:db8::3" }],
];

for (const [line, expected] of FALLBACKS) {
  Deno.test(`FallbackDir ${line}`, () => {
    const { fallbacks } = fromTorrc(`FallbackDir ${line}`).config;
    assert.deepEqual(fallbacks, [{ ...FALLBACK, ...expected }]);
  });
}

const BAD_FALLBACKS: readonly (readonly [line: string, says: RegExp])[] = [
  [`orport=443 id=${FINGERPRINT}`, /expected one address/],
  [`1.2.3.4 5.6.7.8 orport=443 id=${FINGERPRINT}`, /expected one address/],
  [`1.2.3.4 id=${FINGERPRINT}`, /orport= is missing/],
  ["1.2.3.4 orport=443", /id= is missing/],
  [`1.2.3.4 orport=443 id=${"0".repeat(40)}`, /zero/],
  [`1.2.3.4 orport=443 id=${FINGERPRINT}00`, /id=/],
  [`1.2.3.4 orport=70000 id=${FINGERPRINT}`, /orport=70000/],
  [`1.2.3.4 orport=443 id=${FINGERPRINT} ipv6=[::1]`, /ipv6/],
  [`1.2.3.4 orport=443 id=${FINGERPRINT} ipv6=[::1]:1 ipv6=[::1]:2`, /two ipv6/],
  [`1.2.3.4 orport=443 id=${FINGERPRINT} weight=x`, /weight=x/],
  [`example.com orport=443 id=${FINGERPRINT}`, /not an IP address/],
];

for (
  const [option, line, says] of [
    ...BAD_AUTHORITIES.map(([line, says]) => ["DirAuthority", line, says] as const),
    ...BAD_FALLBACKS.map(([line, says]) => ["FallbackDir", line, says] as const),
  ]
) {
  Deno.test(`refused: ${option} ${line}`, () => {
    assert.throws(() => fromTorrc(`# first\n${option} ${line}`), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, "config-bad-value");
      assert.match(error.message, says);
      assert.deepEqual(error.origin, { file: "test.torrc", line: 2 });
      return true;
    });
  });
}

Deno.test("the public network is used where no other is given", () => {
  const { authorities, fallbacks } = fromTorrc("").config;
  assert.equal(authorities.length, 10);
  assert.equal(authorities.filter((authority) => authority.v3Identity !== undefined).length, 9);
  assert.deepEqual(authorities.filter((a) => a.bridge).map((a) => a.nickname), ["Serge"]);
  assert.ok(authorities.every((authority) => authority.orPort !== undefined));
  assert.equal(new Set(authorities.map((authority) => authority.rsaIdentity)).size, 10);
  assert.equal(fallbacks.length, 200);
  assert.equal(new Set(fallbacks.map((fallback) => fallback.rsaIdentity)).size, 200);
  assert.ok(fallbacks.some((fallback) => fallback.ipv6 !== undefined));
});

Deno.test("own authorities replace the public ones, and the public fallbacks with them", () => {
  const { authorities, fallbacks } = fromTorrc(THREE_AUTHORITIES).config;
  assert.deepEqual(authorities.map((authority) => authority.nickname), ["auth1", "auth2", "auth3"]);
  assert.deepEqual(fallbacks, []);
});

Deno.test("own fallbacks replace the public ones and leave the public authorities", () => {
  const { authorities, fallbacks } = fromTorrc(
    `FallbackDir 1.2.3.4 orport=443 id=${FINGERPRINT}`,
  ).config;
  assert.equal(authorities.length, 10);
  assert.equal(fallbacks.length, 1);
});

Deno.test("UseDefaultFallbackDirs 0 leaves the authorities alone", () => {
  const { authorities, fallbacks } = fromTorrc("UseDefaultFallbackDirs 0").config;
  assert.deepEqual([authorities.length, fallbacks.length], [10, 0]);
});
