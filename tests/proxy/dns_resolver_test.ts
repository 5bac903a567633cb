import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressMap } from "../../src/proxy/address_map.ts";
import { DnsResolver } from "../../src/proxy/dns_resolver.ts";
import { Door } from "../../src/proxy/door.ts";
import { WarningLimit } from "../../src/proxy/warning_limit.ts";
import type { ResolvedAnswer } from "../../src/stream/opener.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { fromTorrc } from "../config/source.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { dnsQuery, type DnsResponse, readResponse } from "./dns_packets.ts";
import { FakeOpener, untilAborted } from "./fake_opener.ts";
import { StreamFailure } from "./with_doors.ts";

/** The resolver of a torrc's DNSPort. */
class Tested {
  readonly opener = new FakeOpener();
  readonly controller = new AbortController();
  readonly resolver: DnsResolver;

  constructor(torrc = "", mostPending?: number) {
    const { config } = fromTorrc(`DNSPort 5353\n${torrc}`);
    const { mapAddresses, automap } = config.doors;
    const door = new Door({
      opener: this.opener,
      ipv4Opener: this.opener,
      addresses: new AddressMap(mapAddresses, automap, new SeededRandom("dns")),
      port: config.dnsPorts[0],
      options: config.doors,
      plaintextWarnings: new WarningLimit(new FakeClock(), 1000),
    });
    this.resolver = new DnsResolver(door, (address) => address === "127.0.0.1", mostPending);
  }

  answer(bytes: Uint8Array, from = "127.0.0.1"): Promise<Uint8Array | undefined> {
    return this.resolver.answer(bytes, from, this.controller.signal);
  }

  async ask(type: string, name: string): Promise<DnsResponse> {
    const response = await this.answer(dnsQuery(type, name));
    assert.ok(response !== undefined);
    return readResponse(response);
  }

  /** The code and the answers, as text. */
  async told(type: string, name: string): Promise<string> {
    const { rcode, answers } = await this.ask(type, name);
    return [rcode, ...answers.map(({ data, ttl }) => `${data} ${ttl}`)].join(" ");
  }
}

const FOUR: ResolvedAnswer = { kind: "ip4", value: "192.0.2.1", ttl: 300 };
const SIX: ResolvedAnswer = { kind: "ip6", value: "2001:db8::1", ttl: 300 };

Deno.test("A and AAAA: the first address of the kind, or none", async () => {
  const tested = new Tested();
  tested.opener.onLookup = () => [SIX, FOUR, { ...FOUR, value: "192.0.2.2" }];
  assert.equal(await tested.told("A", "Web.Example"), "NOERROR 192.0.2.1 300");
  assert.equal(await tested.told("AAAA", "web.example"), "NOERROR 2001:db8::1 300");
  assert.deepEqual(tested.opener.lookups.map(({ asked }) => asked), ["web.example", "web.example"]);
  tested.opener.onLookup = () => [FOUR];
  assert.equal(await tested.told("AAAA", "web.example"), "NOERROR");
});

Deno.test("PTR: names under in-addr.arpa and ip6.arpa only", async () => {
  const tested = new Tested();
  tested.opener.onLookup = () => [{ kind: "name", value: "web.example", ttl: 300 }];
  assert.equal(await tested.told("PTR", "1.2.0.192.in-addr.arpa"), "NOERROR web.example 300");
  const six = `1.${"0.".repeat(23)}8.b.d.0.1.0.0.2.IP6.ARPA`;
  assert.equal(await tested.told("PTR", six), "NOERROR web.example 300");
  assert.deepEqual(tested.opener.lookups.map(({ asked }) => asked), ["192.0.2.1", "2001:db8::1"]);
  for (
    const name of [
      "web.example",
      "2.0.192.in-addr.arpa",
      "256.2.0.192.in-addr.arpa",
      "01.2.0.192.in-addr.arpa",
      "in-addr.arpa",
      "1.0.ip6.arpa",
      `g.${"0.".repeat(31)}ip6.arpa`,
    ]
  ) {
    assert.equal(await tested.told("PTR", name), "SERVFAIL", name);
  }
  assert.equal(tested.opener.lookups.length, 2);
  tested.opener.onLookup = () => [{ kind: "name", value: "not a name", ttl: 300 }];
  assert.equal(await tested.told("PTR", "1.2.0.192.in-addr.arpa"), "SERVFAIL");
});

Deno.test("how long an answer may be kept is between a minute and an hour and a minute", async () => {
  const tested = new Tested();
  for (const [said, told] of [[0, 60], [59, 60], [61, 61], [3600, 3600], [2 ** 32 - 1, 3660]]) {
    tested.opener.onLookup = () => [{ ...FOUR, ttl: said }];
    assert.equal(await tested.told("A", "web.example"), `NOERROR 192.0.2.1 ${told}`);
  }
});

Deno.test("what fails: there is no such name, or it is not known whether there is", async () => {
  const tested = new Tested();
  const codes: Record<string, string> = {
    "resolve-failed": "NXDOMAIN",
    "internal-address-refused": "NXDOMAIN",
    "resolve-failed-for-now": "SERVFAIL",
    "internal-answer-refused": "SERVFAIL",
    "end-resolve-failed": "SERVFAIL",
    "stream-timeout": "SERVFAIL",
  };
  for (const [code, rcode] of Object.entries(codes)) {
    tested.opener.onLookup = () => Promise.reject(new StreamFailure(code));
    assert.equal(await tested.told("A", "web.example"), rcode, code);
  }
  tested.opener.onLookup = () => {
    throw new TypeError("a bug in the opener");
  };
  assert.equal(await tested.told("A", "web.example"), "SERVFAIL");
  assert.equal(await tested.told("A", "abc.onion"), "NXDOMAIN");
  assert.equal(await tested.told("A", "web.example.relay.exit"), "SERVFAIL");
  assert.equal(await tested.told("A", "what?.example"), "SERVFAIL");
  assert.equal(tested.resolver.pending, 0);
});

Deno.test("other types are not implemented, and others than those accepted are refused", async () => {
  const tested = new Tested();
  for (const type of ["MX", "TXT", "ANY", "HTTPS", "SOA"]) {
    assert.equal(await tested.told(type, "web.example"), "NOTIMP", type);
  }
  const refused = await tested.answer(dnsQuery("A", "web.example"), "192.0.2.1");
  assert.equal(readResponse(refused ?? new Uint8Array(0)).rcode, "REFUSED");
  assert.equal(tested.opener.lookups.length, 0);
});

Deno.test("names that are mapped or automapped are answered at once, by kind of address", async () => {
  const tested = new Tested("AutomapHostsOnResolve 1\nMapAddress four.example 192.0.2.7");
  assert.match(await tested.told("A", "abc.onion"), /^NOERROR 127\.\d+\.\d+\.\d+ 60$/);
  assert.match(await tested.told("AAAA", "abc.onion"), /^NOERROR fe[89ab].* 60$/);
  assert.equal(await tested.told("A", "four.example"), "NOERROR 192.0.2.7 60");
  assert.equal(await tested.told("AAAA", "four.example"), "NOERROR");
  assert.equal(tested.opener.lookups.length, 0);
});

Deno.test("questions beyond those that may be pending are not answered, and aborting ends all", async () => {
  const tested = new Tested("", 2);
  tested.opener.onLookup = (_, signal) => untilAborted(signal);
  const pending = ["a.example", "b.example"].map((name) => tested.answer(dnsQuery("A", name)));
  assert.equal(tested.resolver.pending, 2);
  assert.equal(await tested.told("A", "c.example"), "SERVFAIL");
  tested.controller.abort();
  assert.deepEqual(await Promise.all(pending), [undefined, undefined]);
  assert.equal(tested.resolver.pending, 0);
});

Deno.test("any bytes: an answer or none, and never an exception", async () => {
  const tested = new Tested();
  tested.opener.onLookup = () => [FOUR, SIX, { kind: "name", value: "web.example", ttl: 1 }];
  const nearly = fc.tuple(fc.nat(40), fc.nat(255)).map(([at, byte]) => {
    const bytes = dnsQuery("A", "some.web.example");
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(nearly, fc.uint8Array({ maxLength: 200 })), async (bytes) => {
      const response = await tested.answer(bytes);
      if (response !== undefined) readResponse(response);
    }),
    { seed: 1, numRuns: 2000 },
  );
});
