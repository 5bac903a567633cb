import { configure, reset } from "@logtape/logtape";
import assert from "node:assert/strict";
import { type SocketAddress, SystemNetwork } from "../../src/runtime/network.ts";
import { untilAborted } from "./fake_opener.ts";
import { CONNECTED, connectTo, SocksClient, wire } from "./socks_client.ts";
import { heldOpen, StreamFailure, withDoors } from "./with_doors.ts";

const SECOND = 1000;

Deno.test("an application that is let go, and stays, is closed after 2 s", async () => {
  await withDoors(async ({ doors, connections, clock, connect }) => {
    const client = await connect();
    await client.send([5, 1, 1]);
    assert.equal((await client.rest()).toHex(), "05ff");
    await clock.untilPending(1);
    clock.advance(1999);
    assert.equal(connections(), 1);
    clock.advance(1);
    const signal = new AbortController().signal;
    await doors.close(signal);
    assert.equal(connections(), 0);
  });
});

Deno.test("500 half-open connections do not keep others out, and end after the time allowed", async () => {
  await withDoors(async ({ connections, clock, connect }) => {
    const halfOpen: SocksClient[] = [];
    for (let i = 0; i < 500; i++) {
      const client = await connect();
      if (i % 2 === 0) await client.send([5, 3, 0]);
      halfOpen.push(client);
    }
    const client = await connect();
    await client.send(connectTo("example.com"), "ping");
    assert.equal(await client.hex(12), CONNECTED);
    assert.deepEqual(await client.read(4), wire("ping"));
    assert.equal(connections(), 501);
    clock.advance(120 * SECOND);
    // What was not read when a connection was closed may turn its end into a reset.
    const nothing = () => new Uint8Array(0);
    const ends = await Promise.all(halfOpen.map((each) => each.rest().catch(nothing)));
    assert(ends.every(({ length }) => length === 0));
    await client.send("still here");
    assert.deepEqual(await client.read(10), wire("still here"));
  });
});

Deno.test("one byte at a time does not extend the time for the request", async () => {
  await withDoors(async ({ clock, connect }) => {
    const client = await connect();
    await client.send([5, 1, 0]);
    assert.equal(await client.hex(2), "0500");
    clock.advance(9 * SECOND);
    await client.send([5]);
    clock.advance(1 * SECOND);
    // What was not read when the connection was closed may turn its end into a reset.
    assert.equal((await client.rest().catch(() => new Uint8Array(0))).length, 0);
  }, { torrc: "SocksPort auto\nSocksTimeout 10 seconds" });
});

Deno.test("at the limit, the oldest half-open connection gives way; without one, the newest", async () => {
  await withDoors(async ({ connections, connect }) => {
    const open = async () => {
      const client = await connect();
      await client.send(connectTo("example.com"));
      assert.equal(await client.hex(12), CONNECTED);
      return client;
    };
    const served = [await open()];
    const oldest = await connect();
    await oldest.send([5, 1, 0]);
    assert.equal(await oldest.hex(2), "0500");
    const younger = await connect();
    await younger.send([5, 1, 0]);
    assert.equal(await younger.hex(2), "0500");
    served.push(await open());
    assert.equal((await oldest.rest()).length, 0);
    served.push(await open());
    assert.equal((await younger.rest()).length, 0);
    const refused = await connect();
    assert.equal((await refused.rest()).length, 0);
    for (const client of served) {
      await client.send("ping");
      assert.deepEqual(await client.read(4), wire("ping"));
    }
    assert.equal(connections(), 3);
  }, { maxConnections: 3 });
});

/** The machine's network, but the first accepts of a listener fail. */
class FailingNetwork extends SystemNetwork {
  failures: Error[] = [];

  override listen(address: SocketAddress): Deno.TcpListener {
    const listener = super.listen(address);
    const accept = listener.accept.bind(listener);
    listener.accept = () => {
      const failure = this.failures.shift();
      return failure === undefined ? accept() : Promise.reject(failure);
    };
    return listener;
  }
}

Deno.test("when the system gives no connection, the listener waits by the clock and goes on", async () => {
  const network = new FailingNetwork();
  const tooMany = () => new Error("Too many open files (os error 24)");
  network.failures = [tooMany(), new Deno.errors.ConnectionAborted("gone"), tooMany()];
  await withDoors(
    async ({ clock, connect }) => {
      await clock.untilPending(1);
      assert.equal(network.failures.length, 2);
      clock.advance(250);
      await clock.untilPending(1);
      assert.equal(network.failures.length, 0);
      clock.advance(250);
      const client = await connect();
      await client.send(connectTo("example.com"));
      assert.equal(await client.hex(12), CONNECTED);

      const idle = await connect();
      await idle.send([5, 1, 0]);
      assert.equal(await idle.hex(2), "0500");
      network.failures = [tooMany()];
      const another = await connect();
      assert.equal((await idle.rest()).length, 0, "an idle connection makes room");
      await another.send(connectTo("example.com"));
      assert.equal(await another.hex(12), CONNECTED);
    },
    { network },
  );
});

Deno.test("close: gracefully, waits for streams, closes the half-open, and accepts no more", async () => {
  await withDoors(async ({ doors, connect }) => {
    const client = await connect();
    await client.send(connectTo("example.com"));
    assert.equal(await client.hex(12), CONNECTED);
    const halfOpen = await connect();
    await halfOpen.send([5, 1, 0]);
    assert.equal(await halfOpen.hex(2), "0500");
    let closed = false;
    const now = new AbortController();
    const closing = doors.close(now.signal).then(() => closed = true);
    assert.equal((await halfOpen.rest()).length, 0);
    await assert.rejects(
      SocksClient.connect(doors.addresses("SocksPort")[0]),
      Deno.errors.ConnectionRefused,
    );
    await client.send("still served");
    assert.deepEqual(await client.read(12), wire("still served"));
    assert.equal(closed, false);
    client.close();
    await closing;
  });
});

Deno.test("close: at once when told so, also while it waits", async () => {
  await withDoors(async ({ doors, connections, opener, connect }) => {
    const { called } = heldOpen(opener);
    opener.onOpen = ((held) => (call) => {
      held(call);
      return untilAborted(call.signal);
    })(opener.onOpen);
    const waiting = await connect();
    await waiting.send(connectTo("example.com"));
    await called;
    const now = new AbortController();
    const halfOpen = await connect();
    await halfOpen.send([5, 1, 0]);
    assert.equal(await halfOpen.hex(2), "0500");
    const closing = doors.close(now.signal);
    assert.equal((await halfOpen.rest()).length, 0);
    assert.equal(connections(), 1);
    now.abort();
    await closing;
    assert.equal(connections(), 0);
    await doors.close(now.signal);
  });
});

Deno.test("log: destinations and passwords are never told", async () => {
  const lines: { level: string; text: string }[] = [];
  await configure({
    sinks: {
      lines: ({ level, message, properties }) =>
        lines.push({ level, text: message.join("") + JSON.stringify(properties) }),
    },
    loggers: [
      { category: "chive", lowestLevel: "trace", sinks: ["lines"] },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  try {
    await withDoors(async ({ opener, connect }) => {
      for (const name of ["secret.example", "secret.onion", "secret\0"]) {
        const client = await connect();
        await client.send(connectTo(name));
        assert.equal((await client.hex(12)).slice(0, 6), "050005");
      }
      opener.onOpen = () => Promise.reject(new StreamFailure("end-misc"));
      for (const name of ["secret.example", "192.0.2.77"]) {
        const client = await connect();
        await client.send([5, 1, 2, 1, 6], "secret", [6], "secret");
        await client.send(connectTo(name).subarray(3));
        await client.rest();
      }
      opener.onOpen = () => {
        throw new Error("a bug that names secret.example");
      };
      const client = await connect();
      await client.send(connectTo("secret.example"));
      await client.rest();
    });
    assert(lines.length > 5);
    assert.deepEqual(lines.filter(({ text }) => /secret|192\.0\.2\.77/.test(text)), []);
  } finally {
    await reset();
  }
});
