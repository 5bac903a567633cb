import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { configOf } from "../../src/client/start_options.ts";

Deno.test("without options there is no port and no log, and C tor's defaults", () => {
  const { config, warnings } = configOf({});
  assert.deepEqual([config.socksPorts, config.logs, config.dataDirectory], [
    [],
    [],
    "./chive-data",
  ]);
  assert.ok(config.authorities.length > 5);
  assert.deepEqual(warnings, []);
});

Deno.test("options count more than the torrc, and those with names of their own most", () => {
  const { config } = configOf({
    torrc: "DataDirectory one\nMaxCircuitDirtiness 5 minutes\nSocksTimeout 30\n",
    options: { DataDirectory: "two", MaxCircuitDirtiness: "7 minutes", SafeLogging: false },
    dataDirectory: "three",
  });
  assert.equal(config.dataDirectory, "three");
  assert.equal(config.maxCircuitDirtiness, 7 * 60_000);
  assert.equal(config.socksTimeout, 30_000);
  assert.equal(config.safeLogging, false);
});

Deno.test("values may be numbers and lists", () => {
  const { config } = configOf({
    socksPort: ["auto IsolateDestPort"],
    log: ["notice stderr", "warn stdout"],
    options: { WarnPlaintextPorts: 23, MapAddress: ["a.example b.example", "c.example d.example"] },
  });
  assert.deepEqual(
    config.socksPorts.map(({ place, isolation }) => [place, isolation.destinationPort]),
    [
      [{ kind: "tcp", hostname: "127.0.0.1", port: 0 }, true],
    ],
  );
  assert.deepEqual(config.logs.map(({ level }) => level), ["notice", "warn"]);
  assert.deepEqual(config.doors.warnPlaintextPorts, [23]);
  assert.deepEqual(config.doors.mapAddresses.map(({ to }) => to), ["b.example", "d.example"]);
  assert.equal(configOf({ socksPort: 9150 }).config.socksPorts.length, 1);
  assert.equal(configOf({ torrc: "SocksPort 9150" }).config.socksPorts.length, 1);
});

Deno.test("what makes no sense is refused, and the message says where it stands", () => {
  const refused: readonly [Parameters<typeof configOf>[0], RegExp][] = [
    [{ options: { SocksPrt: 9050 } }, /^start options: .*SocksPort/],
    [{ options: { SafeLogging: "perhaps" } }, /^start options: .*SafeLogging/],
    [{ options: { ORPort: 9001 } }, /^start options: /],
    [{ socksPort: "nowhere" }, /^start options: /],
    [{ log: "loud" }, /^start options: /],
    [{ torrc: "SocksPort 9050\nSocksTimeout soon" }, /^torrc, line 2: /],
    [{ options: { TestingTorNetwork: true } }, /DirAuthority/],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => configOf(options), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      return true;
    });
  }
});
