import assert from "node:assert/strict";
import { nameDoor, RateMeter } from "../../src/cli/client_view.ts";

Deno.test("a rate is the mean of the last five seconds", () => {
  const meter = new RateMeter();
  const at = (seconds: number, received: number) =>
    meter.rate({ at: seconds * 1000, received, sent: received / 2 });
  assert.deepEqual(at(10, 0), { received: 0, sent: 0 });
  assert.deepEqual(at(11, 1000), { received: 1000, sent: 500 });
  assert.deepEqual(at(12, 1000), { received: 500, sent: 250 });
  assert.deepEqual(at(14, 4000), { received: 1000, sent: 500 });
  for (let second = 15; second < 30; second++) at(second, 4000);
  assert.deepEqual(at(30, 4000), { received: 0, sent: 0 });
});

Deno.test("looks in quick succession do not make a rate jump", () => {
  const meter = new RateMeter();
  meter.rate({ at: 0, received: 0, sent: 0 });
  for (let ms = 100; ms < 4900; ms += 100) {
    const { received } = meter.rate({ at: ms, received: ms, sent: 0 });
    assert.ok(Math.abs(received - 1000) < 1, `${received} at ${ms} ms`);
  }
});

Deno.test("doors have names for people", () => {
  const tcp = { kind: "tcp", hostname: "::1", port: 9050 } as const;
  assert.equal(nameDoor({ kind: "SocksPort", place: tcp }), "SOCKS [::1]:9050");
  assert.equal(
    nameDoor({ kind: "DNSPort", place: { ...tcp, hostname: "127.0.0.1" } }),
    "DNS 127.0.0.1:9050",
  );
  const unix = { kind: "unix", path: "/run/a b" } as const;
  assert.equal(nameDoor({ kind: "HTTPTunnelPort", place: unix }), "HTTP unix:/run/a b");
});
