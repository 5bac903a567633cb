import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { fromTorrc } from "./source.ts";

const DEFAULT_ISOLATION = {
  clientAddress: true,
  socksAuth: true,
  clientProtocol: false,
  destinationPort: false,
  destinationAddress: false,
  keepAliveSocksAuth: false,
  sessionGroup: -1,
};
const DEFAULT_TRAFFIC = { ipv4: true, ipv6: true, preferIpv6: false };
const DEFAULT_FLAGS = { dnsRequest: true, preferIpv6Automap: true, preferSocksNoAuth: false };

/** The only SocksPort of a torrc, without where it was written. */
function onlyPort(torrc: string) {
  const [{ origin: _, ...port }, ...more] = fromTorrc(torrc).config.socksPorts;
  assert.deepEqual(more, []);
  return port;
}

const PLACES: readonly (readonly [text: string, hostname: string, port: number])[] = [
  ["", "127.0.0.1", 9050],
  ["SocksPort 9150", "127.0.0.1", 9150],
  ["__SocksPort 9150", "127.0.0.1", 9150],
  ["socksport auto", "127.0.0.1", 0],
  ["SocksPort AUTO", "127.0.0.1", 0],
  ["SocksPort 127.0.0.2:9050", "127.0.0.2", 9050],
  ["SocksPort 127.0.0.2:auto", "127.0.0.2", 0],
  ["SocksPort localhost:9050", "127.0.0.1", 9050],
  ["SocksPort [::1]:9050", "::1", 9050],
  ["SocksPort [0:0::1]:Auto", "::1", 0],
  ["SocksPort 65535", "127.0.0.1", 65535],
];

for (const [text, hostname, port] of PLACES) {
  Deno.test(`'${text}' listens at ${hostname} ${port}`, () => {
    assert.deepEqual(onlyPort(text), {
      place: { kind: "tcp", hostname, port },
      isolation: DEFAULT_ISOLATION,
      traffic: DEFAULT_TRAFFIC,
      ...DEFAULT_FLAGS,
    });
  });
}

const SOCKETS: readonly (readonly [text: string, path: string])[] = [
  ["unix:/run/chive/socks", "/run/chive/socks"],
  ["unix:chive-data/socks IsolateDestAddr", "chive-data/socks"],
  ['unix:"/a folder/socks" IsolateDestAddr', "/a folder/socks"],
  [String.raw`unix:"/a\"b\\c"`, String.raw`/a"b\c`],
];

for (const [text, path] of SOCKETS) {
  Deno.test(`'${text}' listens at a Unix socket, whose applications have no addresses`, () => {
    for (const kind of ["SocksPort", "HTTPTunnelPort"] as const) {
      const { config } = fromTorrc(`${kind} ${text}`);
      const [port] = kind === "SocksPort" ? config.socksPorts : config.httpTunnelPorts;
      assert.deepEqual(port.place, { kind: "unix", path });
      assert.equal(port.isolation.clientAddress, false);
      assert.equal(port.isolation.destinationAddress, text.endsWith("IsolateDestAddr"));
    }
  });
}

Deno.test("HTTPTunnelPort and DNSPort are read as SocksPort is, and are not there unless set", () => {
  const { config } = fromTorrc("HTTPTunnelPort 8118 IsolateDestPort\nDNSPort [::1]:auto");
  assert.deepEqual(config.httpTunnelPorts.map(({ place }) => place), [
    { kind: "tcp", hostname: "127.0.0.1", port: 8118 },
  ]);
  assert.equal(config.httpTunnelPorts[0].isolation.destinationPort, true);
  assert.deepEqual(config.dnsPorts.map(({ place }) => place), [
    { kind: "tcp", hostname: "::1", port: 0 },
  ]);
  assert.deepEqual(config.dnsPorts[0].origin, { file: "test.torrc", line: 2 });
  const { httpTunnelPorts, dnsPorts } = fromTorrc("HTTPTunnelPort 0").config;
  assert.deepEqual([httpTunnelPorts, dnsPorts], [[], []]);
});

Deno.test("listeners without SessionGroup each have a group of their own", () => {
  const { socksPorts, httpTunnelPorts, dnsPorts } = fromTorrc(
    "SocksPort 1\nSocksPort 2 SessionGroup=3\nSocksPort 3\nHTTPTunnelPort 4 SessionGroup=3\n" +
      "HTTPTunnelPort 5\nDNSPort 6",
  ).config;
  const groups = [...socksPorts, ...httpTunnelPorts, ...dnsPorts]
    .map((port) => port.isolation.sessionGroup);
  assert.equal(new Set(groups).size, 5);
  assert.deepEqual([groups[1], groups[3]], [3, 3]);
  assert.equal(groups.filter((group) => group < 0).length, 4);
});

Deno.test("SocksPort 0 gives no listener", () => {
  assert.deepEqual(fromTorrc("SocksPort 0").config.socksPorts, []);
});

const REFUSED: readonly (readonly [text: string, code: string, says: RegExp])[] = [
  ["SocksPort 65536", "config-bad-value", /65536/],
  ["SocksPort -1", "config-bad-value", /-1/],
  ["SocksPort 127.0.0.1", "config-bad-value", /port from 1/],
  ["SocksPort 127.0.0.1:0", "config-bad-value", /port from 1/],
  ["SocksPort ::1:9050", "config-bad-value", /brackets/],
  ["SocksPort [::1]", "config-bad-value", /port from 1/],
  ["SocksPort [::1:9050", "config-bad-value", /port from 1/],
  ["SocksPort example.com:9050", "config-bad-value", /IP address/],
  ["SocksPort :9050", "config-bad-value", /IP address/],
  ["SocksPort nine", "config-bad-value", /nine/],
  ["SocksPort 0\nSocksPort 9050", "config-conflict", /none/],
  ["HTTPTunnelPort 99999", "config-bad-value", /HTTPTunnelPort '99999'/],
  ["HTTPTunnelPort example.com:8118", "config-bad-value", /IP address/],
  ["HTTPTunnelPort 0\nHTTPTunnelPort 8118", "config-conflict", /HTTPTunnelPort 0/],
  ["DNSPort 53a", "config-bad-value", /DNSPort '53a'/],
  ["DNSPort ::1:53", "config-bad-value", /brackets/],
  ["DNSPort unix:/run/dns", "config-unsupported", /Unix sockets/],
  ["SocksPort unix:", "config-bad-value", /unix:PATH/],
  ['SocksPort unix:"/run/socks', "config-bad-value", /unix:PATH/],
  ["SocksPort unix:~/socks", "config-bad-value", /home directory/],
  [`SocksPort unix:/${"x".repeat(107)}`, "config-bad-value", /107 bytes/],
];

for (const [text, code, says] of REFUSED) {
  Deno.test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(() => fromTorrc(text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.match(error.message, /^test\.torrc, line 1: /);
      return true;
    });
  });
}

Deno.test("a listener that others can reach is warned about, by how far it reaches", () => {
  for (const local of ["9050", "127.8.8.8:9050", "[::1]:9050"]) {
    const { warnings, notices } = fromTorrc(`SocksPort ${local}`);
    assert.deepEqual([warnings, notices], [[], []]);
  }
  for (const internal of ["192.168.0.1:9050", "[fd00::1]:9050"]) {
    const { warnings, notices } = fromTorrc(`SocksPort ${internal}`);
    assert.equal(warnings.length, 0);
    assert.ok(notices.length === 1 && notices[0].includes(internal));
  }
  for (const everywhere of ["0.0.0.0:9050", "[::]:9050", "203.0.113.1:9050"]) {
    const { warnings, notices } = fromTorrc(`SocksPort ${everywhere}`);
    assert.equal(notices.length, 0);
    assert.ok(warnings.length === 1 && warnings[0].includes("open proxy"));
  }
});
