import assert from "node:assert/strict";
import { TorConnection } from "../../src/client/tor_connection.ts";
import { FakeStream } from "./fake_stream.ts";

const ADDRESS = { hostname: "web.example", port: 80 };

function connection(onData?: () => void): { stream: FakeStream; conn: TorConnection } {
  const stream = new FakeStream();
  return { stream, conn: new TorConnection(stream, ADDRESS, onData) };
}

async function readText(conn: TorConnection, room: number): Promise<string | null> {
  const buffer = new Uint8Array(room);
  const length = await conn.read(buffer);
  return length === null ? null : new TextDecoder().decode(buffer.subarray(0, length));
}

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("read gives as much as there is room for, then the rest, then the end", async () => {
  const { stream, conn } = connection();
  stream.arrive("hello");
  stream.arrive("!");
  stream.arrive(null);
  assert.equal(await conn.read(new Uint8Array(0)), 0);
  assert.equal(await readText(conn, 2), "he");
  assert.equal(await readText(conn, 9), "llo");
  assert.equal(await readText(conn, 9), "!");
  assert.equal(await readText(conn, 9), null);
  assert.equal(await readText(conn, 9), null);
  assert.equal(stream.reads, 3);
});

Deno.test("reads that overlap are done one after the other", async () => {
  const { stream, conn } = connection();
  const both = Promise.all([readText(conn, 1), readText(conn, 9)]);
  stream.arrive("abc");
  assert.deepEqual(await both, ["a", "bc"]);
});

Deno.test("a connection that was cut off says so, each time", async () => {
  const { stream, conn } = connection();
  const error = new Error("cut off");
  stream.arrive(error);
  stream.arrive(error);
  await assert.rejects(readText(conn, 9), error);
  await assert.rejects(readText(conn, 9), error);
});

Deno.test("write sends in order, and waits until it is taken", async () => {
  const { stream, conn } = connection();
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.takeWrite = promise;
  let done = 0;
  const first = conn.write(bytes("one")).then((length) => (done++, length));
  const second = conn.write(bytes("second")).then((length) => (done++, length));
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual([stream.written, done], [["one"], 0]);
  resolve();
  assert.deepEqual(await Promise.all([first, second]), [3, 6]);
  assert.deepEqual(stream.written, ["one", "second"]);
});

Deno.test("closeWrite ends writing alone, after what was written", async () => {
  const { stream, conn } = connection();
  const writing = conn.write(bytes("last"));
  await conn.closeWrite();
  assert.equal(await writing, 4);
  await assert.rejects(conn.write(bytes("more")), Deno.errors.BadResource);
  stream.arrive("answer");
  assert.equal(await readText(conn, 9), "answer");
  assert.equal(stream.closed, 0);
});

Deno.test("close ends everything, also a read that waits", async () => {
  const { stream, conn } = connection();
  stream.arrive("rest");
  await readText(conn, 1);
  const { stream: other, conn: waiting } = connection();
  const reading = readText(waiting, 9);
  conn.close();
  conn.close();
  waiting.close();
  await assert.rejects(reading);
  await assert.rejects(readText(conn, 9), Deno.errors.BadResource);
  await assert.rejects(conn.write(bytes("x")), Deno.errors.BadResource);
  assert.ok(stream.closed > 0 && other.closed > 0);
});

Deno.test("readable asks for nothing before it is read, and ends with the connection", async () => {
  const { stream, conn } = connection();
  const { readable } = conn;
  assert.equal(readable, conn.readable);
  stream.arrive("abc");
  stream.arrive("def");
  stream.arrive(null);
  const reader = readable.getReader({ mode: "byob" });
  await Promise.resolve();
  assert.equal(stream.reads, 0);
  const first = await reader.read(new Uint8Array(2));
  assert.deepEqual(first.value, bytes("ab"));
  assert.equal(stream.reads, 1);
  reader.releaseLock();
  let rest = "";
  for await (const piece of readable) rest += new TextDecoder().decode(piece);
  assert.equal(rest, "cdef");
});

Deno.test("cancelling readable and aborting writable close the connection", async () => {
  const reading = connection();
  const reader = reading.conn.readable.getReader();
  const waiting = reader.read();
  await reader.cancel();
  assert.deepEqual(await waiting, { value: undefined, done: true });
  assert.equal(reading.stream.closed, 1);

  const writing = connection();
  await writing.conn.writable.abort();
  assert.equal(writing.stream.closed, 1);
});

Deno.test("writable waits for the stream, and closing it leaves the connection readable", async () => {
  const { stream, conn } = connection();
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.takeWrite = promise;
  const writer = conn.writable.getWriter();
  const written = writer.write(bytes("abc"));
  assert.equal(writer.desiredSize, 0);
  resolve();
  await written;
  await writer.close();
  stream.arrive("answer");
  assert.equal(await readText(conn, 9), "answer");
});

Deno.test("an error of the connection reaches who reads the stream", async () => {
  const { stream, conn } = connection();
  const error = new Error("cut off");
  stream.arrive(error);
  await assert.rejects(conn.readable.getReader().read(), error);
});

Deno.test("disposing closes it; asynchronously, after what was written", async () => {
  const { stream, conn } = connection();
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.takeWrite = promise;
  const writing = conn.write(bytes("abc"));
  const disposing = conn[Symbol.asyncDispose]();
  assert.equal(stream.closed, 0);
  resolve();
  await disposing;
  assert.deepEqual([await writing, stream.closed], [3, 1]);
  const other = connection();
  other.conn[Symbol.dispose]();
  assert.equal(other.stream.closed, 1);
});

Deno.test("addresses are those of the request, and data is noted either way", async () => {
  let noted = 0;
  const { stream, conn } = connection(() => noted++);
  assert.deepEqual(conn.remoteAddr, { transport: "tcp", ...ADDRESS });
  assert.deepEqual(conn.localAddr, { transport: "tcp", hostname: "0.0.0.0", port: 0 });
  stream.arrive("abc");
  await readText(conn, 1);
  await readText(conn, 9);
  await conn.write(bytes("x"));
  assert.equal(noted, 2);
});
