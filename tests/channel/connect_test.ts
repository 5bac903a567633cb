import assert from "node:assert/strict";
import { CellCommand } from "../../src/cell/command.ts";
import { type ChannelStep, openChannel } from "../../src/channel/connect.ts";
import { ChannelError, type ChannelErrorCode } from "../../src/channel/errors.ts";
import { ed25519IdentityFromBytes, rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { cell, type RelayLink, ScriptedRelay } from "./scripted_relay.ts";

const TIMEOUT = 20_000;

function testRuntime() {
  return { clock: new FakeClock(), random: new SeededRandom(1), network: new SystemNetwork() };
}

const NOW = testRuntime().clock.now();

async function failsWith(failing: Promise<unknown>, code: ChannelErrorCode): Promise<void> {
  const error = await failing.then(() => undefined, (reason) => reason);
  assert.ok(error instanceof ChannelError, `${error}`);
  assert.equal(error.code, code, error.message);
}

/** Opening a channel to a relay with this script must fail with this code. */
async function scriptFails(
  script: (link: RelayLink) => Promise<void>,
  code: ChannelErrorCode,
  certified?: Uint8Array,
): Promise<void> {
  const runtime = testRuntime();
  await using relay = new ScriptedRelay(NOW, script, certified);
  await failsWith(openChannel(runtime, relay.target, { timeout: TIMEOUT }), code);
  assert.equal(runtime.clock.pendingTimers, 0);
}

Deno.test("openChannel: VERSIONS 3, 4, 5 and a NETINFO that tells nothing", async () => {
  const cells: { circuitId: number; command: number; body: Uint8Array }[] = [];
  const runtime = testRuntime();
  const heard = Promise.withResolvers<void>();
  await using relay = new ScriptedRelay(NOW, async (link) => {
    cells.push(await link.readCell());
    await link.sendVersions(3, 4, 5, 6);
    await link.sendCerts();
    await link.sendAuthChallenge();
    await link.sendNetinfo(NOW / 1000 + 90);
    cells.push(await link.readCell());
    heard.resolve();
    await link.untilClosed();
  });
  const steps: ChannelStep[] = [];
  const channel = await openChannel(runtime, relay.target, {
    timeout: TIMEOUT,
    onStep: (step) => steps.push(step),
  });
  assert.deepEqual(steps, ["started", "connected", "open"]);
  assert.equal(channel.linkProtocol, 5);
  assert.equal(channel.rsaIdentity, relay.target.rsaIdentity);
  assert.equal(channel.ed25519Identity, relay.target.ed25519Identity);
  assert.equal(channel.clockSkew, 90_000);
  assert.equal(runtime.clock.pendingTimers, 0);
  await heard.promise;
  channel.close();
  await channel.finished;
  const [versions, netinfo] = cells;
  assert.deepEqual([versions.circuitId, versions.command], [0, CellCommand.VERSIONS]);
  assert.equal(versions.body.toHex(), "000300040005");
  assert.deepEqual([netinfo.circuitId, netinfo.command], [0, CellCommand.NETINFO]);
  assert.equal(netinfo.body.subarray(0, 11).toHex(), "0000000004047f00000100");
});

Deno.test("openChannel: protocol 4, padding in between, no challenge, an unknown Ed25519 identity", async () => {
  await using relay = new ScriptedRelay(NOW, async (link) => {
    await link.sendVersions(1, 4, 3);
    await link.sendCell(0, CellCommand.VPADDING, new Uint8Array(700));
    await link.sendCerts();
    await link.sendCell(0, CellCommand.PADDING);
    await link.sendNetinfo();
    await link.untilClosed();
  });
  const target = { ...relay.target, ed25519Identity: undefined };
  const channel = await openChannel(testRuntime(), target, { timeout: TIMEOUT });
  assert.deepEqual([channel.linkProtocol, channel.clockSkew], [4, undefined]);
  channel.close();
  await channel.finished;
});

Deno.test("openChannel: no common version, or VERSIONS that are none", async () => {
  for (const versions of [[], [1, 2, 3], [6, 0x0400]]) {
    await scriptFails((link) => link.sendVersions(...versions), "no-common-link-protocol");
  }
  const odd = Uint8Array.of(0, 0, CellCommand.VERSIONS, 0, 3, 0, 4, 0);
  await scriptFails((link) => link.sendBytes(odd), "link-handshake-failed");
  await scriptFails((link) => link.sendBytes(cell(0, 3, new Uint8Array(0))), "unexpected-cell");
});

Deno.test("openChannel: another relay answers: its RSA or its Ed25519 identity differs", async () => {
  await using relay = new ScriptedRelay(NOW, (link) => link.handshake());
  const rsaIdentity = rsaIdentityFromBytes(new Uint8Array(20));
  const ed25519Identity = ed25519IdentityFromBytes(new Uint8Array(32));
  const open = (target: typeof relay.target) =>
    openChannel(testRuntime(), target, { timeout: TIMEOUT });
  await failsWith(open({ ...relay.target, rsaIdentity }), "rsa-identity-differs");
  await failsWith(open({ ...relay.target, ed25519Identity }), "ed25519-identity-differs");
  await failsWith(
    open({ ...relay.target, rsaIdentity, ed25519Identity: undefined }),
    "rsa-identity-differs",
  );
});

Deno.test("openChannel: certificates of another TLS link than this one", async () => {
  await scriptFails((link) => link.handshake(), "certs-link-mismatch", new Uint8Array(100));
});

Deno.test("openChannel: cells out of their order", async () => {
  const { VERSIONS, CREATE2, RELAY, AUTHENTICATE } = CellCommand;
  const scripts: ((link: RelayLink) => Promise<void>)[] = [
    (link) => link.sendNetinfo(),
    (link) => link.sendAuthChallenge(),
    (link) => link.sendCerts().then(() => link.sendCerts()),
    (link) =>
      link.sendCerts().then(() => link.sendAuthChallenge()).then(() => link.sendAuthChallenge()),
    ...[VERSIONS, CREATE2, RELAY, AUTHENTICATE].map((command) => (link: RelayLink) =>
      link.sendCerts().then(() => link.sendCell(0, command))
    ),
  ];
  for (const script of scripts) {
    await scriptFails(async (link) => {
      await link.sendVersions(4, 5);
      await script(link);
      await link.untilClosed();
    }, "unexpected-cell");
  }
});

Deno.test("openChannel: malformed CERTS, AUTH_CHALLENGE and NETINFO", async () => {
  const scripts: ((link: RelayLink) => Promise<void>)[] = [
    (link) => link.sendCell(0, CellCommand.CERTS, Uint8Array.of(1, 4, 0xff, 0xff)),
    (link) =>
      link.sendCerts().then(() => link.sendCell(0, CellCommand.AUTH_CHALLENGE, new Uint8Array(33))),
    (link) =>
      link.sendCerts().then(() =>
        link.sendCell(0, CellCommand.NETINFO, new Uint8Array(509).fill(0xff))
      ),
  ];
  for (const script of scripts) {
    await scriptFails(async (link) => {
      await link.sendVersions(4, 5);
      await script(link);
      await link.untilClosed();
    }, "link-handshake-failed");
  }
  await scriptFails(async (link) => {
    await link.sendVersions(5);
    await link.sendCell(0, CellCommand.CERTS, Uint8Array.of(0));
    await link.sendNetinfo();
    await link.untilClosed();
  }, "certs-missing-signing");
});

/** The steps of a link handshake, after each of which a relay may stop: in the middle of CERTS, */
const STEPS: ((link: RelayLink) => Promise<unknown>)[] = [
  (link) => link.readCell(),
  (link) => link.sendVersions(3, 4, 5),
  (link) => link.sendBytes(cell(0, CellCommand.CERTS, new Uint8Array(900)).subarray(0, 100)),
];
/** and between whole cells. */
const FULL_STEPS: ((link: RelayLink) => Promise<unknown>)[] = [
  (link) => link.sendVersions(3, 4, 5),
  (link) => link.sendCerts(),
  (link) => link.sendAuthChallenge(),
];

function stoppingScripts(): ((link: RelayLink) => Promise<void>)[] {
  return [STEPS, FULL_STEPS].flatMap((steps) =>
    steps.map((_, last) => async (link: RelayLink) => {
      for (const step of steps.slice(0, last + 1)) await step(link);
    })
  );
}

Deno.test("openChannel: cut off after each step", async () => {
  for (const script of stoppingScripts()) {
    await scriptFails(async (link) => {
      await script(link);
      await link.close();
    }, "link-handshake-cut-off");
  }
});

Deno.test("openChannel: a relay that falls silent after any step, by the clock", async () => {
  for (const script of stoppingScripts()) {
    const runtime = testRuntime();
    const stopped = Promise.withResolvers<void>();
    await using relay = new ScriptedRelay(NOW, async (link) => {
      await script(link);
      stopped.resolve();
      await link.untilClosed();
    });
    const opening = openChannel(runtime, relay.target, { timeout: TIMEOUT });
    const failing = failsWith(opening, "channel-timeout");
    await stopped.promise;
    runtime.clock.advance(TIMEOUT - 1);
    assert.equal(runtime.clock.pendingTimers, 1);
    runtime.clock.advance(1);
    await failing;
  }
});

Deno.test("openChannel: TCP without TLS behind it: garbage, cut off, silent", async () => {
  const garbage = new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n");
  for (const say of ["garbage", "nothing", "silence"]) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const runtime = testRuntime();
    const accepted = listener.accept();
    const target = {
      hostname: "127.0.0.1",
      port: listener.addr.port,
      rsaIdentity: rsaIdentityFromBytes(new Uint8Array(20)),
    };
    const opening = openChannel(runtime, target, { timeout: TIMEOUT });
    const failing = failsWith(
      opening,
      say === "silence" ? "channel-timeout" : "tls-handshake-failed",
    );
    {
      using conn = await accepted;
      const hello = await conn.read(new Uint8Array(4096));
      assert.ok(hello !== null && hello > 0);
      if (say === "garbage") await conn.write(garbage);
      if (say === "silence") runtime.clock.advance(TIMEOUT);
      if (say !== "nothing") await failing;
    }
    await failing;
    assert.equal(runtime.clock.pendingTimers, 0);
  }
});

Deno.test("openChannel: nobody listens, and the address is not in the message", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const target = {
    hostname: "127.0.0.1",
    port,
    rsaIdentity: rsaIdentityFromBytes(new Uint8Array(20)),
  };
  await assert.rejects(openChannel(testRuntime(), target, { timeout: TIMEOUT }), (error) => {
    assert.ok(error instanceof ChannelError);
    assert.equal(error.code, "connect-refused");
    assert.ok(!error.message.includes("127.0.0.1"), error.message);
    return true;
  });
});

Deno.test("openChannel: given up by its signal", async () => {
  const abort = new AbortController();
  const runtime = testRuntime();
  await using relay = new ScriptedRelay(NOW, async (link) => {
    await link.sendVersions(5);
    abort.abort(new RangeError("enough"));
    await link.untilClosed();
  });
  const options = { timeout: TIMEOUT, signal: abort.signal };
  await assert.rejects(openChannel(runtime, relay.target, options), /enough/);
  await assert.rejects(openChannel(runtime, relay.target, options), /enough/);
  assert.deepEqual([relay.connections, runtime.clock.pendingTimers], [1, 0]);
});
