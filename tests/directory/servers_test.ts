import assert from "node:assert/strict";
import type { DirAuthority, FallbackDirectory } from "../../src/config/config.ts";
import { parseRsaIdentity, type RsaIdentity } from "../../src/crypto/identity.ts";
import { ConfiguredServers } from "../../src/directory/servers.ts";
import { SystemRandom } from "../../src/runtime/random.ts";

function identity(digit: number): RsaIdentity {
  const parsed = parseRsaIdentity(digit.toString(16).padStart(40, "0"));
  assert.ok(parsed);
  return parsed;
}

function authority(number: number, changes: Partial<DirAuthority> = {}): DirAuthority {
  return {
    nickname: `auth${number}`,
    hostname: `127.0.0.${number}`,
    dirPort: 80,
    orPort: 9001,
    ipv6: undefined,
    rsaIdentity: identity(number),
    v3Identity: identity(number + 100),
    bridge: false,
    weight: 1,
    ...changes,
  };
}

function fallback(number: number, weight = 1): FallbackDirectory {
  return {
    hostname: `127.0.1.${number}`,
    orPort: 9001,
    ipv6: undefined,
    rsaIdentity: identity(number + 20),
    weight,
  };
}

const random = new SystemRandom();

Deno.test("authorities that cannot be asked are not picked", () => {
  const servers = new ConfiguredServers({
    authorities: [
      authority(1, { orPort: undefined }),
      authority(2, { v3Identity: undefined, bridge: true }),
      authority(3),
    ],
    fallbacks: [],
  }, random);
  for (let run = 0; run < 20; run++) {
    assert.equal(servers.pickAuthority()?.rsaIdentity, identity(3));
    assert.equal(servers.pickFallback()?.kind, "authority");
  }
  assert.equal(servers.pickAuthority(new Set([identity(3)])), undefined);
});

Deno.test("fallbacks are picked by weight", () => {
  const servers = new ConfiguredServers({
    authorities: [authority(1)],
    fallbacks: [fallback(1, 9), fallback(2, 1), fallback(3, 0)],
  }, random);
  const counts = new Map<string, number>();
  for (let run = 0; run < 2000; run++) {
    const hostname = servers.pickFallback()?.hostname ?? "none";
    counts.set(hostname, (counts.get(hostname) ?? 0) + 1);
  }
  assert.ok((counts.get("127.0.1.1") ?? 0) > 1650);
  assert.ok((counts.get("127.0.1.2") ?? 0) > 100);
  assert.equal(counts.get("127.0.1.3"), undefined);
  assert.equal(counts.get("127.0.0.1"), undefined);
});

Deno.test("a server that failed is passed over until all have failed", () => {
  const servers = new ConfiguredServers({
    authorities: [],
    fallbacks: [fallback(1), fallback(2), fallback(3)],
  }, random);
  const seen = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const server = servers.pickFallback();
    assert.ok(server);
    assert.ok(!seen.has(server.hostname));
    seen.add(server.hostname);
    servers.noteFailure(server.rsaIdentity);
  }
  assert.ok(servers.pickFallback());
  servers.noteFailure(identity(21));
  servers.noteSuccess(identity(21));
  servers.noteFailure(identity(22));
  servers.noteFailure(identity(23));
  for (let run = 0; run < 20; run++) {
    assert.equal(servers.pickFallback()?.rsaIdentity, identity(21));
  }
});
