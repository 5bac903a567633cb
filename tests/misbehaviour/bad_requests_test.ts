import assert from "node:assert/strict";
import { readExactly, writeAll } from "../network/byte_reader.ts";
import { HeldClock } from "./held_clock.ts";
import { Scenario } from "./scenario.ts";

/** How long an application may take for its request, in ms. */
const HANDSHAKE_TIMEOUT = 120_000;

function wire(...parts: readonly (readonly number[] | string)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => typeof part === "string" ? [...new TextEncoder().encode(part)] : part),
  );
}

/** SOCKS5 CONNECT to a name at port 80, with the negotiation before it. */
function connectTo(name: string, command = 1): Uint8Array {
  return wire([5, 1, 0, 5, command, 0, 3, name.length], name, [0, 80]);
}

/** What an application may send, all of the answer in hexadecimal, and the code in the log. */
const BAD_REQUESTS: readonly (readonly [string, Uint8Array, string, string])[] = [
  ["version 9", wire([9, 1, 0]), "", "socks-version-unknown"],
  ["TLS in place of SOCKS", wire([0x16, 3, 1, 2, 0]), "", "socks-version-unknown"],
  ["no method that we know", wire([5, 1, 9]), "05ff", "socks-no-acceptable-method"],
  ["BIND", connectTo("a.example", 2), "050005070001000000000000", "socks-command-unsupported"],
  ["command 0x77", connectTo("b", 0x77), "050005070001000000000000", "socks-command-unsupported"],
  [
    "an address of type 9",
    wire([5, 1, 0, 5, 1, 0, 9, 1, 2, 3, 4, 0, 80]),
    "050005080001000000000000",
    "socks-address-type-unsupported",
  ],
  ["NUL in a name", connectTo("a\0.example"), "050005010001000000000000", "hostname-malformed"],
  ["no name at all", connectTo(""), "050005010001000000000000", "hostname-malformed"],
  [
    "port 0",
    wire([5, 1, 0, 5, 1, 0, 1, 9, 9, 9, 9, 0, 0]),
    "050005010001000000000000",
    "socks-port-zero",
  ],
  ["an exit name", connectTo("abc.exit"), "050005010001000000000000", "exit-name-refused"],
  [
    "a SOCKS4a name of 256 bytes",
    wire([4, 1, 0, 80, 0, 0, 0, 1, 0], "a".repeat(256), [0]),
    "005b000000000000",
    "socks-too-long",
  ],
  [
    "a SOCKS4 user id of 64 KiB",
    wire([4, 1, 0, 80, 9, 9, 9, 9], "u".repeat(65_536)),
    "005b000000000000",
    "socks-too-long",
  ],
];

/** A SOCKS5 request that is cut off after each of its bytes. */
const WHOLE = connectTo("cut-off.example");

async function open({ socks }: Scenario): Promise<Deno.TcpConn> {
  return await Deno.connect(socks);
}

Deno.test("bad SOCKS requests: a refusal, its code in the log, the connection closed, the client alive", async () => {
  const clock = new HeldClock();
  await using scenario = await Scenario.start({ clock });
  for (const [name, bytes, answer, code] of BAD_REQUESTS) {
    const before = scenario.log.count(`Refused a SOCKS request [${code}]`);
    const conn = await open(scenario);
    await writeAll(conn, bytes);
    const received = await new Response(conn.readable).bytes();
    assert.equal(received.toHex(), answer, name);
    assert.equal(scenario.log.count(`Refused a SOCKS request [${code}]`), before + 1, name);
  }
  for (let length = 0; length < WHOLE.length; length++) {
    const conn = await open(scenario);
    await writeAll(conn, WHOLE.subarray(0, length));
    await conn.closeWrite();
    // At most the answer to the negotiation, and the end.
    const received = await new Response(conn.readable).bytes();
    assert.equal(received.toHex(), length < 3 ? "" : "0500");
  }
  const cutOff = scenario.log.count("A SOCKS connection ended before its request was complete");
  assert.equal(cutOff, WHOLE.length - 1);
  await scenario.download(100_000);
});

Deno.test("500 half-open SOCKS connections: others are served, and all are closed after the time allowed", async () => {
  const clock = new HeldClock();
  await using scenario = await Scenario.start({ clock });
  const halfOpen: Deno.TcpConn[] = [];
  for (let count = 0; count < 500; count++) {
    const conn = await open(scenario);
    await writeAll(conn, WHOLE.subarray(0, 3));
    await readExactly(conn, 2);
    halfOpen.push(conn);
  }
  await scenario.download(100_000);
  clock.advance(HANDSHAKE_TIMEOUT);
  const ends = await scenario.wait(
    Promise.all(halfOpen.map((conn) => conn.read(new Uint8Array(1)).catch(() => null))),
  );
  assert.ok(ends.every((end) => end === null));
  for (const conn of halfOpen) conn.close();
  assert.equal(scenario.log.count("did not send its request in time"), 500);
  await scenario.download(100_000);
});
