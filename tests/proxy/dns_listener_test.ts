import assert from "node:assert/strict";
import fc from "fast-check";
import { DatagramSocket } from "../../src/runtime/datagram_socket.ts";
import type { SocketAddress } from "../../src/runtime/network.ts";
import { dnsQuery, type DnsResponse, framed, readResponse } from "./dns_packets.ts";
import { untilAborted } from "./fake_opener.ts";
import { type Setting, withDoors } from "./with_doors.ts";

const DNS = { torrc: "SocksPort 0\nDNSPort auto" };

/** An application that asks over UDP. */
class UdpClient implements AsyncDisposable {
  readonly responses: DnsResponse[] = [];
  #waiting: (() => void) | undefined;
  readonly #socket: Promise<DatagramSocket>;

  constructor(readonly server: SocketAddress) {
    this.#socket = DatagramSocket.bind({ hostname: "127.0.0.1", port: 0 }, (bytes) => {
      this.responses.push(readResponse(bytes));
      this.#waiting?.();
    });
  }

  async send(bytes: Uint8Array): Promise<void> {
    (await this.#socket).send(bytes, this.server);
  }

  /** Waits until there are so many responses. */
  async received(count: number): Promise<readonly DnsResponse[]> {
    while (this.responses.length < count) {
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
    return this.responses;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#socket).close();
  }
}

function answerByName({ opener }: Setting): void {
  opener.onLookup = (asked) => {
    const last = Number(/\d+/.exec(asked)?.[0] ?? 0);
    return [{ kind: "ip4", value: `192.0.2.${last}`, ttl: 60 }];
  };
}

Deno.test("UDP: many questions at once, each with its answer; a bad message spoils nothing", async () => {
  await withDoors(async (setting) => {
    answerByName(setting);
    await using client = new UdpClient(setting.address);
    await client.send(new Uint8Array(0));
    await client.send(new Uint8Array(5));
    await client.send(dnsQuery("A", "x.example").subarray(0, 14));
    const [malformed] = await client.received(1);
    assert.equal(malformed.rcode, "FORMERR");
    for (let id = 1; id <= 50; id++) await client.send(dnsQuery("A", `h${id}.example`, id));
    for (const { id, answers } of (await client.received(51)).slice(1)) {
      assert.deepEqual(answers.map(({ data }) => data), [`192.0.2.${id}`]);
    }
  }, DNS);
});

Deno.test("UDP: a question that is asked again while it is being answered is answered once", async () => {
  await withDoors(async (setting) => {
    const asked: string[] = [];
    const held = Promise.withResolvers<void>();
    setting.opener.onLookup = async (name) => {
      asked.push(name);
      await held.promise;
      return [{ kind: "ip4", value: "192.0.2.1", ttl: 60 }];
    };
    await using client = new UdpClient(setting.address);
    for (let count = 0; count < 3; count++) await client.send(dnsQuery("A", "a.example", 7));
    await client.send(dnsQuery("MX", "end.example", 8));
    // The order of datagrams within one machine is kept.
    assert.equal((await client.received(1))[0].rcode, "NOTIMP");
    held.resolve();
    await client.received(2);
    assert.deepEqual(asked, ["a.example"]);
  }, DNS);
});

Deno.test("TCP: on the same port, several questions on a connection, in pieces", async () => {
  await withDoors(async (setting) => {
    answerByName(setting);
    const client = await setting.connect();
    const both = [framed(dnsQuery("A", "h1.example", 1)), framed(dnsQuery("A", "h2.example", 2))];
    for (const byte of [...both[0], ...both[1]]) await client.send([byte]);
    for (const id of [1, 2]) {
      const [high, low] = await client.read(2);
      const response = readResponse(await client.read(high << 8 | low));
      assert.deepEqual([response.id, response.answers[0].data], [id, `192.0.2.${id}`]);
    }
    await client.end();
    assert.equal((await client.rest()).length, 0);
  }, DNS);
});

Deno.test("TCP: what was asked before the application's end is answered after it", async () => {
  await withDoors(async (setting) => {
    const held = Promise.withResolvers<void>();
    setting.opener.onLookup = async () => {
      await held.promise;
      return [{ kind: "ip4", value: "192.0.2.1", ttl: 60 }];
    };
    const client = await setting.connect();
    await client.send(framed(dnsQuery("A", "a.example")));
    await client.end();
    held.resolve();
    const [high, low, ...message] = await client.rest();
    assert.equal(message.length, high << 8 | low);
    assert.equal(readResponse(Uint8Array.from(message)).answers[0].data, "192.0.2.1");
  }, DNS);
});

Deno.test("TCP: a connection that is silent is closed, but not while it waits for an answer", async () => {
  await withDoors(async (setting) => {
    const { clock, opener, connect } = setting;
    const silent = await connect();
    await silent.send([0]);
    await clock.untilPending(1);
    clock.advance(30_000);
    assert.equal((await silent.rest().catch(() => new Uint8Array(0))).length, 0);
    const held = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    opener.onLookup = async () => {
      asked.resolve();
      await held.promise;
      return [{ kind: "ip4", value: "192.0.2.1", ttl: 60 }];
    };
    const client = await connect();
    await client.send(framed(dnsQuery("A", "a.example")));
    await asked.promise;
    await clock.untilPending(1);
    clock.advance(30_000);
    held.resolve();
    const [high, low] = await client.read(2);
    assert.equal((await client.read(high << 8 | low)).length, high << 8 | low);
  }, DNS);
});

Deno.test("closing ends what is being answered", async () => {
  await withDoors(async (setting) => {
    const signals: AbortSignal[] = [];
    const bothAsked = Promise.withResolvers<void>();
    setting.opener.onLookup = (_, signal) => {
      signals.push(signal);
      if (signals.length === 2) bothAsked.resolve();
      return untilAborted(signal);
    };
    await using client = new UdpClient(setting.address);
    await client.send(dnsQuery("A", "a.example"));
    await (await setting.connect()).send(framed(dnsQuery("A", "b.example")));
    await bothAsked.promise;
    await setting.doors.close(AbortSignal.abort());
    assert.deepEqual(signals.map(({ aborted }) => aborted), [true, true]);
  }, DNS);
});

Deno.test("SocksPolicy: over UDP a refusal, over TCP an end", async () => {
  await withDoors(async (setting) => {
    await using client = new UdpClient(setting.address);
    await client.send(dnsQuery("A", "a.example"));
    assert.equal((await client.received(1))[0].rcode, "REFUSED");
    assert.equal((await (await setting.connect()).rest()).length, 0);
    assert.equal(setting.opener.lookups.length, 0);
  }, { torrc: `${DNS.torrc}\nSocksPolicy reject 127.0.0.0/8` });
});

Deno.test("TCP: any bytes, and the connection ends when the application's side does", async () => {
  await withDoors(async (setting) => {
    answerByName(setting);
    const frames = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.uint8Array({ maxLength: 60 }).map(framed),
        fc.constantFrom(framed(dnsQuery("A", "h1.example")), framed(new Uint8Array(12))),
      ),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(frames, async (pieces) => {
        const client = await setting.connect();
        for (const piece of pieces) await client.send(piece);
        await client.end();
        await client.rest();
      }),
      { seed: 1, numRuns: 100 },
    );
  }, DNS);
});
