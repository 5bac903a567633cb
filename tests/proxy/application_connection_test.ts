import assert from "node:assert/strict";
import { echo, FakeStream, type OpenCall, untilAborted } from "./fake_opener.ts";
import { CONNECTED, connectTo, wire } from "./socks_client.ts";
import { heldOpen, type Setting, StreamFailure, withDoors } from "./with_doors.ts";

/** Resolves when `count` bytes of early data have come. */
function earlyBytes(call: OpenCall, count: number): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const look = () => {
      if (call.early.bytes.length >= count) resolve(call.early.bytes);
    };
    call.early.onAppend = look;
    look();
  });
}

Deno.test("SOCKS5 CONNECT: the name goes on unresolved, and bytes go both ways", async () => {
  await withDoors(async ({ opener, connect }) => {
    const client = await connect();
    await client.send(connectTo("Example.com"));
    assert.equal(await client.hex(12), CONNECTED);
    assert.deepEqual(opener.opened[0].target, { kind: "name", host: "example.com", port: 443 });
    const sent = new Uint8Array(1_000_000).map((_, i) => (i * 7 + (i >> 8)) & 255);
    const [received] = await Promise.all([client.read(sent.length), client.send(sent)]);
    assert.deepEqual(received, sent);
  });
});

Deno.test("SOCKS5 CONNECT: each step answered in turn, with a password", async () => {
  await withDoors(async ({ opener, connect }) => {
    const client = await connect();
    await client.send([5, 2, 0, 2]);
    assert.equal(await client.hex(2), "0502");
    await client.send([1, 5], "alice", [6], "secret");
    assert.equal(await client.hex(2), "0100");
    await client.send([5, 1, 0, 1, 192, 0, 2, 1, 0, 80]);
    assert.equal(await client.hex(10), "05000001000000000000");
    assert.deepEqual(opener.opened[0].target, { kind: "ip4", host: "192.0.2.1", port: 80 });
    await client.send("ping");
    assert.deepEqual(await client.read(4), wire("ping"));
  });
});

Deno.test("SOCKS4 and SOCKS4a: CONNECT, RESOLVE, and failure", async () => {
  await withDoors(async ({ opener, connect }) => {
    const plain = await connect();
    await plain.send([4, 1, 0, 80, 192, 0, 2, 1], "me", [0], "ping");
    assert.equal(await plain.hex(8), "005a000000000000");
    assert.deepEqual(await plain.read(4), wire("ping"));
    const named = await connect();
    await named.send([4, 1, 0, 80, 0, 0, 0, 1, 0], "example.com", [0]);
    assert.equal(await named.hex(8), "005a000000000000");
    assert.deepEqual(opener.opened[1].target, { kind: "name", host: "example.com", port: 80 });

    opener.onLookup = () => [{ kind: "ip4", value: "192.0.2.9", ttl: 1 }];
    const lookup = await connect();
    await lookup.send([4, 0xf0, 0, 0, 0, 0, 0, 1, 0], "example.com", [0]);
    assert.equal((await lookup.rest()).toHex(), "005a0000c0000209");

    opener.onOpen = () => Promise.reject(new StreamFailure("end-timeout"));
    const failing = await connect();
    await failing.send([4, 1, 0, 80, 192, 0, 2, 1, 0]);
    assert.equal((await failing.rest()).toHex(), "005b000000000000");
  });
});

Deno.test("RESOLVE and RESOLVE_PTR: asked of the opener, except for the address of an address", async () => {
  await withDoors(async ({ opener, connect }) => {
    const ask = async (request: Uint8Array) => {
      const client = await connect();
      await client.send(request);
      return (await client.rest()).toHex().slice(4);
    };
    opener.onLookup = () => [{ kind: "ip6", value: "2001:db8::9", ttl: 1 }];
    assert.equal(
      await ask(connectTo("a.example", 0xf0, 0)),
      "0500000420010db80000000000000000000000090000",
    );
    opener.onLookup = () => [{ kind: "name", value: "b.example", ttl: 1 }];
    assert.equal(
      await ask(wire([5, 1, 0, 5, 0xf1, 0, 1, 192, 0, 2, 1, 0, 0])),
      "0500000309622e6578616d706c650000",
    );
    assert.equal(await ask(connectTo("192.0.2.5", 0xf0)), "05000001c00002050000");
    opener.onLookup = () => Promise.reject(new StreamFailure("end-resolve-failed"));
    assert.equal(await ask(connectTo("c.example", 0xf0)), "05040001000000000000");
    assert.deepEqual(opener.lookups.map(({ asked }) => asked), [
      "a.example",
      "192.0.2.1",
      "c.example",
    ]);
  });
});

Deno.test("early data reaches the opener before the stream is open, and the rest follows in order", async () => {
  await withDoors(async ({ opener, connect }) => {
    const { called, answer } = heldOpen(opener);
    const client = await connect();
    await client.send(connectTo("example.com"), "one ");
    const call = await called;
    assert.deepEqual(await earlyBytes(call, 4), wire("one "));
    await client.send("two ");
    assert.deepEqual(await earlyBytes(call, 8), wire("one two "));
    answer.resolve(echo(call.early));
    assert.equal(await client.hex(12), CONNECTED);
    await client.send("three");
    assert.deepEqual(await client.read(13), wire("one two three"));
  });
});

Deno.test("early data is bounded: the proxy stops reading at 64 KiB, and loses nothing", async () => {
  await withDoors(async ({ opener, connect }) => {
    const { called, answer } = heldOpen(opener);
    const sent = new Uint8Array(1_000_000).map((_, i) => (i * 7 + (i >> 8)) & 255);
    const client = await connect();
    await client.send(connectTo("example.com"));
    const sending = client.send(sent);
    const call = await called;
    const early = await earlyBytes(call, 65536);
    assert.equal(early.length, 65536);
    answer.resolve(echo(call.early));
    assert.equal(await client.hex(12), CONNECTED);
    const [received] = await Promise.all([client.read(sent.length), sending]);
    assert.deepEqual(received, sent);
  });
});

Deno.test("once the stream is open nothing is early, whether the opener says so or not", async () => {
  await withDoors(async ({ opener, connect }) => {
    const stream = new FakeStream();
    const arrived = Promise.withResolvers<void>();
    stream.onWrite = () => arrived.resolve();
    opener.onOpen = () => stream;
    const client = await connect();
    await client.send(connectTo("example.com"));
    assert.equal(await client.hex(12), CONNECTED);
    await client.send("late");
    await arrived.promise;
    assert.deepEqual(stream.written, wire("late"));
  });
});

Deno.test("what fails is answered with the code of the table, and the connection ends", async () => {
  await withDoors(async ({ opener, connect }) => {
    for (
      const [code, reply] of Object.entries({
        "end-misc": 1,
        "end-exit-policy": 2,
        "end-resolve-failed": 4,
        "end-connection-refused": 5,
        "end-timeout": 6,
        "internal-address-refused": 1,
        "some-other-code": 1,
      })
    ) {
      opener.onOpen = () => Promise.reject(new StreamFailure(code));
      const client = await connect();
      await client.send(connectTo("example.com"), "optimistic");
      assert.equal((await client.rest()).toHex(), `0500050${reply}0001000000000000`, code);
    }
    opener.onOpen = () => {
      throw new TypeError("a bug in the opener");
    };
    const client = await connect();
    await client.send(connectTo("example.com"));
    assert.equal((await client.rest()).toHex(), "050005010001000000000000");
  });
});

Deno.test("names of Tor's own, and bad requests, are refused without asking the opener", async () => {
  await withDoors(async ({ opener, connect }) => {
    for (
      const [request, replies] of [
        [connectTo("example.com.relay.EXIT."), "050005010001000000000000"],
        [connectTo("abcdefgh.onion", 0xf0), "050005010001000000000000"],
        [connectTo("example\0.com"), "050005010001000000000000"],
        [connectTo("example.com", 2), "050005070001000000000000"],
        [connectTo("example.com", 1, 0), "050005010001000000000000"],
        [wire([5, 1, 0, 5, 1, 0, 9, 1, 2, 3]), "050005080001000000000000"],
        [wire([5, 1, 1]), "05ff"],
        [wire([9, 9, 9, 9]), ""],
      ] as const
    ) {
      const client = await connect();
      await client.send(request);
      assert.equal((await client.rest()).toHex(), replies, request.toHex());
    }
    assert.deepEqual([opener.opened.length, opener.lookups.length], [0, 0]);
  });
});

Deno.test("an HTTP request gets a page that names the port, however much it sends", async () => {
  await withDoors(async ({ address, connect }) => {
    const client = await connect();
    await client.send("POST / HTTP/1.1\r\nHost: x\r\n\r\n", new Uint8Array(500_000));
    const response = new TextDecoder().decode(await client.rest());
    const [head, body] = response.split("\r\n\r\n");
    assert.match(head, /^HTTP\/1\.0 501 /);
    assert.match(head, /Content-Type: text\/html; charset=utf-8/);
    assert.match(head, new RegExp(`Content-Length: ${new TextEncoder().encode(body).length}\r\n`));
    assert(body.includes(`socks5h://127.0.0.1:${address.port}`));
    assert(body.includes("SOCKS"));
  });
});

Deno.test("isolation: clients with other credentials, and other listeners, have other keys", async () => {
  const keys: string[] = [];
  const gather = async ({ opener, connect }: Setting) => {
    const open = async (name: string, password: string) => {
      const client = await connect();
      await client.send([5, 1, 2, 1, name.length], name, [password.length], password);
      await client.send(connectTo("example.com").subarray(3));
      assert.equal(await client.hex(14), "05020100" + CONNECTED.slice(4));
      return opener.opened[opener.opened.length - 1].isolation.key;
    };
    const first = await open("a", "b");
    assert.equal(await open("a", "b"), first);
    keys.push(first, await open("a", "c"), await open("ab", ""), await open("", "ab"));
  };
  await withDoors(async (setting) => {
    const [first, second] = setting.doors.addresses("SocksPort");
    await gather({ ...setting, connect: () => setting.connect(first) });
    await gather({ ...setting, connect: () => setting.connect(second) });
  }, { torrc: "SocksPort auto\nSocksPort auto" });
  assert.equal(new Set(keys).size, 8, "listeners on different ports are different groups");
});

Deno.test("the application leaving aborts what it waits for", async () => {
  await withDoors(async ({ opener, connect }) => {
    for (const request of [connectTo("example.com"), connectTo("example.com", 0xf0)]) {
      const waiting = Promise.withResolvers<AbortSignal>();
      opener.onOpen = ({ signal }) => {
        waiting.resolve(signal);
        return untilAborted(signal);
      };
      opener.onLookup = (_, signal) => {
        waiting.resolve(signal);
        return untilAborted(signal);
      };
      const client = await connect();
      await client.send(request);
      const signal = await waiting.promise;
      assert.equal(signal.aborted, false);
      const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
      client.close();
      await aborted;
    }
  });
});

Deno.test("a stream that opens although the application has left is closed", async () => {
  await withDoors(async ({ opener, connect }) => {
    const { called, answer } = heldOpen(opener);
    const client = await connect();
    await client.send(connectTo("example.com"));
    assert.equal(await client.hex(2), "0500");
    const { signal } = await called;
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
    await client.end();
    await aborted;
    const stream = new FakeStream();
    answer.resolve(stream);
    await stream.closed;
    assert.equal((await client.rest()).length, 0, "nobody is told of success");
  });
});

Deno.test("the application's end closes the stream after all it sent was written", async () => {
  await withDoors(async ({ opener, connect }) => {
    const stream = new FakeStream();
    opener.onOpen = ({ early }) => {
      early.close();
      return stream;
    };
    const client = await connect();
    await client.send(connectTo("example.com"));
    assert.equal(await client.hex(12), CONNECTED);
    await client.send(new Uint8Array(300_000).fill(1));
    await client.end();
    await stream.closed;
    assert.equal(stream.written.length, 300_000);
    assert.deepEqual(await client.rest(), new Uint8Array(0), "the other side is closed too");
  });
});

Deno.test("the stream's end reaches the application after all that came before", async () => {
  await withDoors(async ({ opener, connect }) => {
    const stream = new FakeStream();
    opener.onOpen = ({ early }) => {
      early.close();
      return stream;
    };
    const client = await connect();
    await client.send(connectTo("example.com"));
    assert.equal(await client.hex(12), CONNECTED);
    for (let i = 0; i < 100; i++) stream.deliver(new Uint8Array(32_000).fill(i));
    stream.deliver(null);
    // Bytes that nobody will take must not turn the end into a reset.
    await client.send(new Uint8Array(100_000));
    const received = await client.rest();
    assert.equal(received.length, 3_200_000);
    assert(received.every((byte, i) => byte === Math.floor(i / 32_000)));
    assert(stream.isClosed);
  });
});

Deno.test("a stream that takes no more still delivers what has arrived", async () => {
  await withDoors(async ({ opener, connect }) => {
    const stream = new FakeStream();
    const refused = Promise.withResolvers<void>();
    stream.onWrite = () => {
      refused.resolve();
      throw new Error("ended by the far side");
    };
    opener.onOpen = ({ early }) => {
      early.close();
      return stream;
    };
    const client = await connect();
    await client.send(connectTo("example.com"));
    assert.equal(await client.hex(12), CONNECTED);
    await client.send("more");
    await refused.promise;
    stream.deliver(wire("last words"));
    stream.deliver(null);
    assert.deepEqual(await client.rest(), wire("last words"));
  });
});

Deno.test("a stream's failure closes the application's connection", async () => {
  await withDoors(async ({ opener, connect }) => {
    const stream = new FakeStream();
    opener.onOpen = ({ early }) => {
      early.close();
      return stream;
    };
    const client = await connect();
    await client.send(connectTo("example.com"));
    assert.equal(await client.hex(12), CONNECTED);
    stream.deliver(wire("so far"));
    stream.deliver(new StreamFailure("circuit-destroyed"));
    assert.deepEqual(await client.rest(), wire("so far"));
  });
});
