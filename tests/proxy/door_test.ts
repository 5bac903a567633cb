import assert from "node:assert/strict";
import { Logger } from "../../src/observe/log.ts";
import { AddressMap } from "../../src/proxy/address_map.ts";
import { parseDestination } from "../../src/proxy/destination.ts";
import { Door } from "../../src/proxy/door.ts";
import { NO_CREDENTIALS, type StreamRequest } from "../../src/proxy/stream_request.ts";
import { WarningLimit } from "../../src/proxy/warning_limit.ts";
import { EarlyData } from "../../src/stream/early_data.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { fromTorrc } from "../config/source.ts";
import { LogWatch } from "../misbehaviour/log_watch.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { FakeOpener } from "./fake_opener.ts";

/** The door of a torrc's first SocksPort. */
class Tested {
  readonly opener = new FakeOpener();
  readonly ipv4Opener = new FakeOpener();
  readonly #door: Door;
  readonly #signal = new AbortController().signal;

  constructor(torrc: string) {
    const { config } = fromTorrc(torrc);
    const { mapAddresses, automap } = config.doors;
    this.#door = new Door({
      opener: this.opener,
      ipv4Opener: this.ipv4Opener,
      addresses: new AddressMap(mapAddresses, automap, new SeededRandom("door")),
      port: config.socksPorts[0],
      options: config.doors,
      plaintextWarnings: new WarningLimit(new FakeClock(), 1000),
    });
  }

  async open(host: string, port = 80, more: Partial<StreamRequest> = {}): Promise<void> {
    const asked = request("connect", host, { port, ...more });
    await this.#door.open(asked, "", new EarlyData(), this.#signal);
  }

  async lookUp(host: string, more: Partial<StreamRequest> = {}): Promise<string[]> {
    const asked = request("resolve", host, more);
    return (await this.#door.lookUp(asked, "", this.#signal)).map(({ value }) => value);
  }

  /** What the opener was asked for last. */
  get target(): string | undefined {
    const target = this.opener.opened.at(-1)?.target;
    return target && `${target.kind} ${target.host} ${target.port}`;
  }
}

function request(
  command: StreamRequest["command"],
  host: string,
  more: Partial<StreamRequest>,
): StreamRequest {
  const destination = parseDestination(host);
  assert.ok(destination.kind !== "refused", host);
  return {
    protocol: "SOCKS5",
    command,
    destination,
    port: 0,
    credentials: NO_CREDENTIALS,
    family: undefined,
    ...more,
  };
}

Deno.test("a stream goes to where MapAddress leads, and keeps the isolation of where it was meant to", async () => {
  const door = new Tested(
    "SocksPort 1 IsolateDestAddr\nMapAddress a.example 192.0.2.7\nMapAddress 192.0.2.8 b.example",
  );
  await door.open("a.example", 443);
  assert.equal(door.target, "ip4 192.0.2.7 443");
  assert.match(door.opener.opened[0].isolation.key, /a\.example/);
  await door.open("192.0.2.8");
  assert.equal(door.target, "name b.example 80");
});

Deno.test("a lookup of a name that is mapped to an address is answered at once", async () => {
  const door = new Tested("MapAddress a.example 192.0.2.7\nMapAddress b.example c.example");
  assert.deepEqual(await door.lookUp("a.example"), ["192.0.2.7"]);
  assert.equal(door.opener.lookups.length, 0);
  door.opener.onLookup = () => [{ kind: "ip4", value: "192.0.2.9", ttl: 1 }];
  assert.deepEqual(await door.lookUp("b.example"), ["192.0.2.9"]);
  assert.equal(door.opener.lookups[0].asked, "c.example");
});

Deno.test("a name that is automapped is looked up nowhere, and its address leads back to it", async () => {
  const door = new Tested("AutomapHostsOnResolve 1\nAutomapHostsSuffixes .test");
  const [six] = await door.lookUp("web.test");
  assert.match(six, /^fe[89ab]/);
  assert.deepEqual(await door.lookUp("web.test"), [six]);
  const [four] = await door.lookUp("web.test", { family: 4 });
  assert.match(four, /^127\./);
  for (const address of [four, six]) {
    await door.open(address);
    assert.equal(door.target, "name web.test 80");
    door.opener.opened.length = 0;
  }
  assert.deepEqual(door.opener.lookups, []);
  const preferring4 = new Tested(
    "SocksPort 1 NoPreferIPv6Automap\nAutomapHostsOnResolve 1\nAutomapHostsSuffixes .test",
  );
  assert.match((await preferring4.lookUp("web.test"))[0], /^127\./);
});

Deno.test("virtual addresses without a name are refused, whatever is asked", async () => {
  const door = new Tested("");
  const unknown = { code: "virtual-address-unknown" };
  await assert.rejects(door.open("127.200.0.1"), unknown);
  await assert.rejects(door.open("fe80::1"), unknown);
  await assert.rejects(door.open("x.virtual"), unknown);
  await assert.rejects(door.lookUp("127.200.0.1"), unknown);
  await assert.rejects(door.lookUp("127.200.0.1", { command: "resolve-ptr" }), unknown);
  assert.deepEqual([door.opener.opened, door.opener.lookups], [[], []]);
});

Deno.test("onion names are not looked up, and names that a mapping spoils are refused", async () => {
  const door = new Tested("MapAddress *.a.example a.example.-b-");
  await assert.rejects(door.lookUp("abc.onion"), { code: "onion-unsupported" });
  await assert.rejects(door.open("x.a.example"), { code: "hostname-malformed" });
  assert.deepEqual(door.opener.lookups, []);
});

Deno.test("NoDNSRequest: addresses only, and onion names go on", async () => {
  const door = new Tested("SocksPort 1 NoDNSRequest");
  await assert.rejects(door.open("a.example"), { code: "name-refused" });
  await assert.rejects(door.lookUp("a.example"), { code: "name-refused" });
  await door.open("192.0.2.1");
  await door.open("abc.onion");
  assert.equal(door.target, "name abc.onion 80");
});

Deno.test("of the answers to a lookup those are given that the port and the application can take", async () => {
  const answers = [
    { kind: "ip6", value: "2001:db8::1", ttl: 1 },
    { kind: "ip4", value: "192.0.2.1", ttl: 1 },
  ] as const;
  const ask = (flags: string, more: Partial<StreamRequest> = {}) => {
    const door = new Tested(`SocksPort 1 ${flags}`);
    door.opener.onLookup = () => [...answers];
    return door.lookUp("a.example", more);
  };
  assert.deepEqual(await ask(""), ["192.0.2.1"]);
  assert.deepEqual(await ask("PreferIPv6"), ["2001:db8::1"]);
  assert.deepEqual(await ask("NoIPv4Traffic"), ["2001:db8::1"]);
  assert.deepEqual(await ask("PreferIPv6 NoIPv6Traffic"), ["192.0.2.1"]);
  assert.deepEqual(await ask("PreferIPv6", { family: 4 }), ["192.0.2.1"]);
  assert.deepEqual(await ask("", { family: 6 }), ["2001:db8::1"]);
});

Deno.test("for an application that can take IPv4 addresses alone, the exit is not asked for others", async () => {
  const door = new Tested("MapAddress a.example [2001:db8::1]");
  await door.open("b.example", 80, { family: 4 });
  assert.deepEqual([door.opener.opened.length, door.ipv4Opener.opened.length], [0, 1]);
  await assert.rejects(door.open("a.example", 80, { family: 4 }), { code: "target-refused" });
  const without = new Tested("SocksPort 1 NoIPv4Traffic");
  await assert.rejects(without.open("b.example", 80, { family: 4 }), { code: "target-refused" });
});

Deno.test("ports of protocols without encryption are warned about, or refused", async () => {
  await using log = await LogWatch.start();
  const door = new Tested("WarnPlaintextPorts 23,25\nRejectPlaintextPorts 23,24");
  const refused = { code: "plaintext-port-refused" };
  await assert.rejects(door.open("a.example", 23), refused);
  await assert.rejects(door.open("a.example", 24), refused);
  await door.open("a.example", 25);
  await door.open("a.example", 25);
  await door.open("a.example", 80);
  new Logger("proxy").notice("the end");
  await log.until("the end");
  const warned = log.lines.map((line) => /to port (\d+).*?(refused)?\.$/.exec(line))
    .flatMap((match) => match === null ? [] : [`${match[1]} ${match[2]}`]);
  assert.deepEqual(warned, ["23 refused", "25 undefined"]);
});
