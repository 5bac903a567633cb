import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { EarlyData } from "../../src/stream/early_data.ts";
import type { StreamTarget } from "../../src/stream/opener.ts";
import { type CircuitPicker, StreamAttempts } from "../../src/stream/stream_attempts.ts";
import { type AddressRules, TorStreamOpener } from "../../src/stream/tor_stream_opener.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { NEVER } from "../circuit/relay_end.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { FakeCircuitPicker } from "./fake_circuit_picker.ts";

const { BEGIN, CONNECTED, DATA, END, RESOLVE, RESOLVED } = RelayCommand;
const EXIT = 2;
const NAME: StreamTarget = { kind: "name", host: "example.com", port: 80 };
const ISOLATION = { key: "one", keepAlive: false };
const STRICT: AddressRules = {
  clientRejectInternalAddresses: true,
  clientDnsRejectInternalAddresses: true,
  traffic: { ipv4: true, ipv6: true, preferIpv6: false },
};
const LOOSE: AddressRules = {
  ...STRICT,
  clientRejectInternalAddresses: false,
  clientDnsRejectInternalAddresses: false,
};
const TIMEOUT = 120_000;

function attemptsOn(circuits: CircuitPicker, clock: FakeClock): StreamAttempts {
  return new StreamAttempts({
    circuits,
    runtime: { clock, random: new SeededRandom(1), network: new SystemNetwork() },
    timeout: TIMEOUT,
    backoff: { initial: 1000, multiplier: 2, longest: 30_000, jitter: 0 },
  });
}

function setUp(rules: AddressRules = STRICT) {
  const picker = new FakeCircuitPicker();
  const clock = new FakeClock();
  const opener = new TorStreamOpener(attemptsOn(picker, clock), rules);
  const open = (target = NAME, early = new EarlyData(), signal = NEVER) =>
    opener.open(target, ISOLATION, early, signal);
  return { picker, clock, opener, open };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("TorStreamOpener: opens on the circuit that it is given, and leaves no timer", async () => {
  const { picker, clock, open } = setUp();
  const opening = open();
  const { end, first, target, isolationKey, excluded } = await picker.attempt(1);
  assert.deepEqual([first.command, text(first.body)], [BEGIN, "example.com:80\0"]);
  assert.deepEqual([target, isolationKey, excluded], [{ kind: "name", port: 80 }, "one", []]);
  end.deliver(EXIT, CONNECTED, first.streamId, Uint8Array.of(93, 184, 216, 34, 0, 0, 0, 9));
  const stream = await opening;
  end.deliver(EXIT, DATA, first.streamId, Uint8Array.of(1));
  assert.deepEqual(await stream.read(), Uint8Array.of(1));
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("TorStreamOpener: addresses are asked for as such", async () => {
  const cases: [StreamTarget, string, unknown][] = [
    [{ kind: "ip4", host: "192.0.2.7", port: 22 }, "192.0.2.7:22\0", {
      kind: "address",
      family: 4,
      port: 22,
    }],
    [{ kind: "ip6", host: "2001:db8::7", port: 22 }, "[2001:db8::7]:22\0", {
      kind: "address",
      family: 6,
      port: 22,
    }],
  ];
  for (const [asked, body, exitTarget] of cases) {
    const { picker, open } = setUp();
    const opening = open(asked);
    const { first, target, end } = await picker.attempt(1);
    assert.deepEqual([text(first.body), target], [body, exitTarget]);
    end.deliver(EXIT, CONNECTED, first.streamId);
    await opening;
  }
});

Deno.test("TorStreamOpener: BEGIN's flags follow the port's rules and the exit's IPv6 policy", async () => {
  const flagsOf = async (traffic: AddressRules["traffic"], attempt: number, port = 80) => {
    const { picker, open } = setUp({ ...STRICT, traffic });
    const opening = open({ ...NAME, port });
    for (let number = 1; number < attempt; number++) {
      const { end, first } = await picker.attempt(number);
      end.deliver(EXIT, END, first.streamId, Uint8Array.of(1));
    }
    const { end, first } = await picker.attempt(attempt);
    end.deliver(EXIT, CONNECTED, first.streamId);
    await opening;
    const flags = first.body.subarray(first.body.indexOf(0) + 1);
    return flags.length === 0 ? 0 : new DataView(flags.slice().buffer).getUint32(0);
  };
  const both = { ipv4: true, ipv6: true, preferIpv6: false };
  // The first exit allows no IPv6, the second one port 80 alone.
  assert.equal(await flagsOf(both, 1), 0);
  assert.equal(await flagsOf(both, 2), 1);
  assert.equal(await flagsOf(both, 2, 81), 0);
  assert.equal(await flagsOf({ ...both, preferIpv6: true }, 2), 5);
  assert.equal(await flagsOf({ ...both, preferIpv6: true }, 1), 0);
  assert.equal(await flagsOf({ ...both, ipv4: false, preferIpv6: true }, 2), 3);
  assert.equal(await flagsOf({ ...both, ipv6: false }, 2), 0);
});

Deno.test("TorStreamOpener: three exits may refuse, and none is asked twice", async () => {
  const { picker, clock, open } = setUp();
  const opening = open();
  opening.catch(() => {});
  for (const attempt of [1, 2, 3]) {
    const { end, first, excluded } = await picker.attempt(attempt);
    assert.deepEqual(
      excluded,
      picker.given.slice(0, attempt - 1).map(({ exit }) => exit.rsaIdentity),
    );
    end.deliver(EXIT, END, first.streamId, Uint8Array.of(8));
  }
  await assert.rejects(opening, { code: "end-no-route" });
  assert.equal(picker.given.length, 3);
  assert.deepEqual(picker.given.map(({ retired }) => retired), [true, true, true]);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("TorStreamOpener: where no other exit is left, what the last one said is the answer", async () => {
  const { picker, clock, open } = setUp();
  const opening = open();
  opening.catch(() => {});
  const { end, first } = await picker.attempt(1);
  picker.failure = new CircuitError("no-exit", "no relay allows connections to this port");
  end.deliver(EXIT, END, first.streamId, Uint8Array.of(2));
  await assert.rejects(opening, { code: "end-resolve-failed" });
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("TorStreamOpener: what another exit would not mend is not tried again", async () => {
  for (
    const [reason, code] of [[3, "connection-refused"], [12, "connection-reset"], [7, "timeout"]]
  ) {
    const { picker, open } = setUp();
    const opening = open();
    const { end, first, circuit } = await picker.attempt(1);
    end.deliver(EXIT, END, first.streamId, Uint8Array.of(Number(reason)));
    await assert.rejects(opening, { code: `end-${code}` });
    assert.deepEqual([picker.given.length, picker.given[0].retired], [1, false]);
    assert.equal(circuit.closedBy, undefined);
  }
});

Deno.test("TorStreamOpener: reasons that end or spare the circuit", async () => {
  for (const [reason, fate] of [[13, "closed"], [5, "closed"], [4, "kept"], [1, "retired"]]) {
    const { picker, open } = setUp();
    const opening = open();
    const { end, first, circuit } = await picker.attempt(1);
    end.deliver(EXIT, END, first.streamId, Uint8Array.of(Number(reason)));
    const second = await picker.attempt(2);
    second.end.deliver(EXIT, CONNECTED, second.first.streamId);
    await opening;
    const isClosed = circuit.closedBy !== undefined;
    const isRetired = picker.given[0].retired;
    assert.equal(isClosed ? "closed" : isRetired ? "retired" : "kept", fate, `reason ${reason}`);
  }
});

Deno.test("TorStreamOpener: silence costs 10, 10, 15, 15... seconds, until the time is over", async () => {
  const { picker, clock, open } = setUp();
  const opening = open();
  opening.catch(() => {});
  let left = TIMEOUT / 1000;
  for (let attempt = 1; left > 0; attempt++) {
    const { end, circuit, excluded } = await picker.attempt(attempt);
    // Silence may be any relay's fault: no exit is blamed for it.
    assert.deepEqual(excluded, []);
    const seconds = Math.min(attempt <= 2 ? 10 : 15, left);
    clock.advance(seconds * 1000 - 1);
    assert.equal(circuit.streamCount, 1);
    clock.advance(1);
    left -= seconds;
    await end.untilSent();
    assert.equal(end.takeMessage().command, END);
  }
  await assert.rejects(opening, { code: "stream-timeout" });
  assert.equal(picker.given.length, 9);
  assert.deepEqual(
    new Set(picker.given.slice(0, -1).map(({ retired }) => retired)),
    new Set([true]),
  );
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("TorStreamOpener: the whole has a time of its own, also while no circuit is there", async () => {
  const clock = new FakeClock();
  const picker = {
    pick: (_request: unknown, signal: AbortSignal) =>
      new Promise<never>((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      ),
  };
  const opener = new TorStreamOpener(attemptsOn(picker, clock), STRICT);
  const opening = opener.open(NAME, ISOLATION, new EarlyData(), NEVER);
  opening.catch(() => {});
  await clock.untilPending(1);
  clock.advance(TIMEOUT);
  await assert.rejects(opening, { code: "stream-timeout" });
});

Deno.test("TorStreamOpener: no circuit, and the caller's signal", async () => {
  const none = setUp();
  none.picker.failure = new CircuitError("no-exit", "none");
  await assert.rejects(none.open(), { code: "no-exit" });

  const { picker, clock, open } = setUp();
  const abort = new AbortController();
  const opening = open(NAME, new EarlyData(), abort.signal);
  const { end } = await picker.attempt(1);
  abort.abort(new RangeError("enough"));
  await assert.rejects(opening, /enough/);
  assert.equal(end.takeMessage().command, END);
  assert.deepEqual([picker.given.length, clock.pendingTimers], [1, 0]);
  await assert.rejects(open(NAME, new EarlyData(), abort.signal), /enough/);
});

Deno.test("TorStreamOpener: a circuit lost before the answer is replaced", async () => {
  const { picker, open } = setUp();
  const opening = open();
  (await picker.attempt(1)).circuit.close();
  const { end, first } = await picker.attempt(2);
  end.deliver(EXIT, CONNECTED, first.streamId);
  await opening;
});

Deno.test("TorStreamOpener: early data goes out again on every attempt, in order", async () => {
  const { picker, open } = setUp();
  const early = new EarlyData();
  early.append(Uint8Array.of(1, 2));
  const opening = open(NAME, early);
  const one = await picker.attempt(1);
  early.append(Uint8Array.of(3));
  await one.end.untilSent();
  assert.deepEqual(one.end.takeMessage().body, Uint8Array.of(3));
  one.end.deliver(EXIT, END, one.first.streamId, Uint8Array.of(1));
  early.append(Uint8Array.of(4));

  const two = await picker.attempt(2);
  assert.deepEqual(two.others.flatMap(({ body }) => [...body]), [1, 2, 3, 4]);
  early.append(Uint8Array.of(5));
  two.end.deliver(EXIT, CONNECTED, two.first.streamId);
  early.append(Uint8Array.of(6));
  const stream = await opening;
  assert.deepEqual([early.closed, early.append(Uint8Array.of(7))], [true, false]);
  await stream.write(Uint8Array.of(8));
  assert.deepEqual(
    two.end.takeMessages().flatMap(({ body }) => [...body]),
    [5, 6, 8],
  );
});

Deno.test("TorStreamOpener: early data is never sent twice once CONNECTED has come", async () => {
  const { picker, open } = setUp();
  const early = new EarlyData();
  early.append(new Uint8Array(2000));
  const opening = open(NAME, early);
  const { end, circuit, first } = await picker.attempt(1);
  // Congestion holds what is appended now back, and then the exit ends the stream.
  end.congested = true;
  early.append(Uint8Array.of(9));
  end.deliver(EXIT, CONNECTED, first.streamId, Uint8Array.of(1, 2, 3, 4));
  const stream = await opening;
  circuit.close();
  await assert.rejects(stream.read(), { code: "stream-circuit-closed" });
  assert.equal(picker.given.length, 1);
});

Deno.test("TorStreamOpener: .onion and .exit are refused at once", async () => {
  const { picker, open } = setUp(LOOSE);
  for (const host of ["abc.onion", "a.b.onion", "x.exit", "abc.onion.", "ABC.ONION", "a.Exit."]) {
    await assert.rejects(open({ kind: "name", host, port: 80 }), { code: "onion-unsupported" });
  }
  assert.equal(picker.given.length, 0);
});

Deno.test("TorStreamOpener: internal targets are refused unless allowed", async () => {
  const { picker, opener, open } = setUp();
  for (const host of ["127.0.0.1", "10.1.2.3", "192.168.1.1", "0.0.0.0"]) {
    await assert.rejects(open({ kind: "ip4", host, port: 80 }), {
      code: "internal-address-refused",
    });
  }
  for (const host of ["::1", "fc00::1", "fe80::1", "::ffff:10.0.0.1"]) {
    await assert.rejects(open({ kind: "ip6", host, port: 80 }), {
      code: "internal-address-refused",
    });
  }
  await assert.rejects(opener.resolveReverse("10.0.0.1", ISOLATION, NEVER), {
    code: "internal-address-refused",
  });
  assert.equal(picker.given.length, 0);

  const loose = setUp(LOOSE);
  const opening = loose.open({ kind: "ip4", host: "127.0.0.1", port: 80 });
  const { end, first } = await loose.picker.attempt(1);
  end.deliver(EXIT, CONNECTED, first.streamId, Uint8Array.of(127, 0, 0, 1));
  await opening;
});

Deno.test("TorStreamOpener: a port that carries no traffic of the address's kind", async () => {
  const { open } = setUp({ ...STRICT, traffic: { ipv4: false, ipv6: false, preferIpv6: false } });
  for (const [kind, host] of [["ip4", "192.0.2.1"], ["ip6", "2001:db8::1"]] as const) {
    await assert.rejects(open({ kind, host, port: 80 }), { code: "target-refused" });
  }
});

Deno.test("TorStreamOpener: an exit that says it went to an internal address is not believed", async () => {
  const { picker, open } = setUp();
  const opening = open();
  const { end, first } = await picker.attempt(1);
  end.deliver(EXIT, CONNECTED, first.streamId, Uint8Array.of(192, 168, 0, 1, 0, 0, 0, 9));
  const second = await picker.attempt(2);
  assert.equal(end.takeMessage().command, END);
  second.end.deliver(EXIT, CONNECTED, second.first.streamId, Uint8Array.of(9, 9, 9, 9));
  await opening;
});

const IP4 = (a: number, b: number, c: number, d: number) => [4, 4, a, b, c, d, 0, 0, 0, 60];
const BAD = (type: number) => [type, 0, 0, 0, 0, 60];

Deno.test("TorStreamOpener: resolve gives addresses, without internal ones", async () => {
  const { picker, opener } = setUp();
  const resolving = opener.resolve("example.com", ISOLATION, NEVER);
  const { end, first, target } = await picker.attempt(1);
  assert.deepEqual([first.command, target], [RESOLVE, { kind: "resolve" }]);
  const name = [0, 1, 0x61, 0, 0, 0, 60];
  const body = [...IP4(10, 0, 0, 1), ...name, ...IP4(9, 9, 9, 9), ...BAD(0xf0), ...IP4(8, 8, 8, 8)];
  end.deliver(EXIT, RESOLVED, first.streamId, Uint8Array.from(body));
  assert.deepEqual(await resolving, [
    { kind: "ip4", value: "9.9.9.9", ttl: 60 },
    { kind: "ip4", value: "8.8.8.8", ttl: 60 },
  ]);
});

Deno.test("TorStreamOpener: resolve without an answer", async () => {
  const cases: [number[], string][] = [
    [IP4(10, 0, 0, 1), "internal-answer-refused"],
    [BAD(0xf0), "resolve-failed-for-now"],
    [BAD(0xf1), "resolve-failed"],
    [[], "resolve-failed"],
    [[0, 1, 0x61, 0, 0, 0, 60], "resolve-failed"],
  ];
  for (const [body, code] of cases) {
    const { picker, opener } = setUp();
    const resolving = opener.resolve("example.com", ISOLATION, NEVER);
    const { end, first } = await picker.attempt(1);
    end.deliver(EXIT, RESOLVED, first.streamId, Uint8Array.from(body));
    await assert.rejects(resolving, { code });
    assert.equal(picker.given.length, 1);
  }
});

Deno.test("TorStreamOpener: resolveReverse asks for the arpa name and gives names", async () => {
  const { picker, opener } = setUp();
  const resolving = opener.resolveReverse("9.8.7.6", ISOLATION, NEVER);
  const { end, first } = await picker.attempt(1);
  assert.equal(text(first.body), "6.7.8.9.in-addr.arpa\0");
  const body = [...IP4(9, 9, 9, 9), 0, 3, 0x61, 0x2e, 0x62, 0, 0, 0, 60];
  end.deliver(EXIT, RESOLVED, first.streamId, Uint8Array.from(body));
  assert.deepEqual(await resolving, [{ kind: "name", value: "a.b", ttl: 60 }]);
});

Deno.test("TorStreamOpener: a lookup that an exit ends is tried elsewhere", async () => {
  const { picker, opener } = setUp();
  const resolving = opener.resolve("example.com", ISOLATION, NEVER);
  const one = await picker.attempt(1);
  one.end.deliver(EXIT, END, one.first.streamId, Uint8Array.of(2));
  const two = await picker.attempt(2);
  two.end.deliver(EXIT, RESOLVED, two.first.streamId, Uint8Array.from(IP4(9, 9, 9, 9)));
  assert.equal((await resolving).length, 1);
  assert.equal(picker.given[0].retired, true);
});
