import assert from "node:assert/strict";
import { CliError } from "../../src/cli/errors.ts";
import { requestStatus } from "../../src/cli/status_request.ts";
import { systemRuntime } from "../../src/runtime/runtime.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const { network, clock } = systemRuntime();

/** Asks a server that sends `answer` and closes; gives what it was sent, too. */
async function ask(answer: string): Promise<{ asked: string; text: string }> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asked = (async () => {
    using conn = await listener.accept();
    const buffer = new Uint8Array(1000);
    const length = await conn.read(buffer) ?? 0;
    await conn.write(new TextEncoder().encode(answer));
    return new TextDecoder().decode(buffer.subarray(0, length));
  })();
  const { port } = listener.addr;
  const [text] = await Promise.all([
    requestStatus({ hostname: "127.0.0.1", port }, { network, clock }),
    asked,
  ]);
  return { asked: await asked, text };
}

Deno.test("the body of the answer is given, whatever is in it", async () => {
  const { asked, text } = await ask("HTTP/1.1 200 OK\r\na: b\r\n\r\n{}\r\n\r\nmore");
  assert.equal(text, "{}\r\n\r\nmore");
  assert.match(asked, /^GET \/status\.json HTTP\/1\.0\r\nHost: 127\.0\.0\.1:\d+\r\n\r\n$/);
});

const REFUSED: readonly (readonly [answer: string, says: RegExp])[] = [
  ["HTTP/1.1 403 Forbidden\r\n\r\nNot you.\n", /status 403: Not you\.$/],
  ["HTTP/1.0 404 Not Found\r\n\r\n", /status 404$/],
  ["HTTP/1.1 500 \r\n\r\n\x1b[2J", /status 500$/],
  ["SSH-2.0-x\r\n", /does not speak HTTP/],
  ["", /does not speak HTTP/],
];

for (const [answer, says] of REFUSED) {
  Deno.test(`an answer that is no status: ${JSON.stringify(answer)}`, async () => {
    await assert.rejects(ask(answer), (error) => {
      assert.ok(error instanceof CliError && error.code === "client-refused");
      assert.match(error.message, says);
      return true;
    });
  });
}

Deno.test("a client that listens and has not begun is told apart", async () => {
  await assert.rejects(
    ask("HTTP/1.1 503 Service Unavailable\r\n\r\nThe client is starting.\n"),
    (error) => error instanceof CliError && error.code === "client-starting",
  );
});

Deno.test("where nobody listens, no client is reached", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  taken.close();
  await assert.rejects(
    requestStatus({ hostname: "127.0.0.1", port }, { network, clock }),
    (error) => error instanceof CliError && error.code === "client-unreachable",
  );
});

Deno.test("one that accepts and never answers is given up after ten seconds", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const fake = new FakeClock();
  const asking = requestStatus(
    { hostname: "127.0.0.1", port: listener.addr.port },
    { network, clock: fake },
  );
  using conn = await listener.accept();
  await conn.read(new Uint8Array(1000));
  fake.advance(10_000);
  await assert.rejects(asking, (error) => {
    assert.ok(error instanceof CliError && error.code === "client-unreachable");
    assert.match(error.message, /no answer within 10 seconds/);
    return true;
  });
});
