import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { LOOPBACK_ONLY } from "../../src/config/access_policy.ts";
import { fromTorrc } from "./source.ts";

function metrics(text: string) {
  return fromTorrc(text).config.metrics;
}

Deno.test("without MetricsPort nothing is told, and this machine alone would be", () => {
  assert.deepEqual(metrics(""), { ports: [], policy: LOOPBACK_ONLY, hosts: [] });
  assert.deepEqual(metrics("MetricsPort 0").ports, []);
});

const PORTS: readonly (readonly [text: string, hostname: string, port: number])[] = [
  ["9052", "127.0.0.1", 9052],
  ["auto", "127.0.0.1", 0],
  ["127.0.0.2:9052 prometheus", "127.0.0.2", 9052],
  ["[::1]:auto", "::1", 0],
  ["LocalHost:1", "127.0.0.1", 1],
];

for (const [text, hostname, port] of PORTS) {
  Deno.test(`'MetricsPort ${text}'`, () => {
    assert.deepEqual(metrics(`MetricsPort ${text}`).ports, [{ hostname, port }]);
  });
}

Deno.test("several metrics ports, a policy over two lines, and names", () => {
  const { ports, policy, hosts } = metrics(
    "MetricsPort 1\nMetricsPort [::1]:1\nMetricsPortPolicy accept 10.0.0.1\n" +
      "MetricsPortPolicy reject *\nMetricsPortHosts Chive.internal, chive",
  );
  assert.equal(ports.length, 2);
  assert.deepEqual(policy.rules.map(({ accepts }) => accepts), [true, false]);
  assert.deepEqual(hosts, ["chive.internal", "chive"]);
});

Deno.test("a metrics port that others can reach is warned of", () => {
  const { warnings } = fromTorrc("MetricsPort 0.0.0.0:9052");
  assert.match(warnings.join(), /MetricsPort 0\.0\.0\.0:9052.*only this machine is answered/);
  const policy = fromTorrc("MetricsPort 10.0.0.1:9\nMetricsPortPolicy accept 10.0.0.2").warnings;
  assert.match(policy.join(), /as few addresses as possible/);
  assert.deepEqual(fromTorrc("MetricsPort [::1]:9052").warnings, []);
});

const REFUSED: readonly (readonly [text: string, says: RegExp])[] = [
  ["MetricsPort 65536", /expected a port/],
  ["MetricsPort 127.0.0.1:0", /expected a port/],
  ["MetricsPort example.com:9052", /expected a port/],
  ["MetricsPort ::1:9052", /expected a port/],
  ["MetricsPort 9052 influx", /the format is not understood/],
  ["MetricsPort 9052 prometheus x", /the format is not understood/],
  ["MetricsPort 9052\nMetricsPort 0", /stands beside another one/],
  ["MetricsPortPolicy accept", /'accept' is not understood/],
  ["MetricsPortHosts chive:9052", /is no host name/],
  ["MetricsPortHosts *.internal", /is no host name/],
  ["LogFormat xml", /text, json/],
  ["LogMaxSize 1000", /at least 64 KBytes/],
  ["LogMaxSize big", /LogMaxSize 'big'/],
  ["LogFiles 1000", /at most 999/],
];

for (const [text, says] of REFUSED) {
  Deno.test(`refused: ${text.replace("\n", ", ")}`, () => {
    assert.throws(() => fromTorrc(text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, says);
      return true;
    });
  });
}

Deno.test("how logs look and how large their files get", () => {
  const { config } = fromTorrc(
    "LogFormat JSON\nLogMaxSize 1 MByte\nLogFiles 0\nLogMessageDomains 1",
  );
  const { logFormat, logMaxSize, logFiles, logMessageDomains } = config;
  assert.deepEqual([logFormat, logMaxSize, logFiles, logMessageDomains], [
    "json",
    2 ** 20,
    0,
    true,
  ]);
  const usual = fromTorrc("").config;
  assert.deepEqual([usual.logFormat, usual.logMaxSize, usual.logFiles], ["text", 2 ** 24, 4]);
});

Deno.test("the country files are read for the metrics port's sake", () => {
  const files = "GeoIPFile /geoip\nGeoIPv6File /geoip6";
  assert.equal(fromTorrc(files).config.nodes.geoIpFile, undefined);
  const { geoIpFile, geoIpv6File } = fromTorrc(`${files}\nMetricsPort 9052`).config.nodes;
  assert.deepEqual([geoIpFile, geoIpv6File], ["/geoip", "/geoip6"]);
});
