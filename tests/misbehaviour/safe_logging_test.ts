import assert from "node:assert/strict";
import { setSafeLogging } from "../../src/observe/log.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import * as directory from "../../testnet/misbehaviours/directory.ts";
import * as relayMessages from "../../testnet/misbehaviours/relay_messages.ts";
import {
  rawExchange,
  socks4aConnect,
  socks5Connect,
  socks5Resolve,
  socks5ResolvePtr,
  SocksReply,
} from "../network/socks_client.ts";
import { assertRefused } from "../network/socks_assertions.ts";
import { onFirstCircuit } from "./first_circuit.ts";
import { onFirstRequest } from "./first_request.ts";
import { HeldClock } from "./held_clock.ts";
import { Scenario } from "./scenario.ts";

/** What users asked for; some of it can be reached, most cannot. */
const SECRETS = {
  name: "secret-site.test.example",
  missing: "secret-missing.test.example",
  ip4: "203.0.113.77",
  ip6: "2001:db8::77",
  onion: "secretsecretsecret.onion",
  user: "secret-user",
  path: "/secret-path",
};

/** A guard to which no TLS connection can be made. */
const noTls: Misbehaviour = {
  name: "no TLS",
  acceptTls: (socket) => void socket.destroy(),
};

/** Asks for everything, in every way, and is refused or cut off in most. */
async function useEverything(scenario: Scenario): Promise<void> {
  const { socks, web: { port } } = scenario;
  const auth = { username: SECRETS.user, password: SECRETS.user };
  const connect = (hostname: string) => socks5Connect(socks, { hostname, port }, auth);
  // The first circuit misbehaves: the stream is lost in the middle.
  await scenario.get(100_000).catch(() => {});
  await scenario.logged("[circuit-protocol-violation]");
  (await connect(SECRETS.name)).close();
  await scenario.download(10_000);
  (await socks4aConnect(socks, { hostname: SECRETS.name, port })).close();
  await assertRefused(connect(SECRETS.missing), SocksReply.HostUnreachable);
  for (const host of [SECRETS.ip4, SECRETS.ip6, SECRETS.onion]) await assertRefused(connect(host));
  // A port of that address where nobody listens.
  await assertRefused(socks5Connect(socks, { hostname: SECRETS.name, port: 1 }, auth));
  await socks5Resolve(socks, SECRETS.name);
  await assertRefused(socks5Resolve(socks, SECRETS.missing));
  await assertRefused(socks5ResolvePtr(socks, SECRETS.ip4));
  await rawExchange(socks, `GET http://${SECRETS.name}${SECRETS.path} HTTP/1.1\r\n\r\n`);
}

/** A session with failures of every kind; gives all that was logged, and the relays' addresses. */
async function session(): Promise<{ lines: readonly string[]; relays: readonly string[] }> {
  const clock = new HeldClock();
  const notFound = directory.status("404 Not found");
  const noConsensus = onFirstRequest(notFound, "consensus");
  const noMicrodescriptors = onFirstRequest(notFound, "microdescriptors");
  const spoilt = onFirstCircuit(relayMessages.badDigest, "exit");
  await using scenario = await Scenario.start({
    authorities: 2,
    guards: 3,
    clock,
    bootstrap: false,
    names: { [SECRETS.name]: "127.0.0.1" },
    torrc: ["NumEntryGuards 2"],
    misbehaviours: {
      authority0: noConsensus,
      authority1: noConsensus,
      guard0: noTls,
      guard1: noMicrodescriptors,
      guard2: noMicrodescriptors,
      exit0: spoilt,
      exit1: spoilt,
    },
  });
  await scenario.logged("trying another in");
  clock.advance(10_000);
  await scenario.bootstrapped();
  await useEverything(scenario);
  await scenario.client.stop();
  const { network, log } = scenario;
  const relays = network.relays.flatMap(({ hostname, orPort, keys, nickname }) => [
    // Where all have the address of the SOCKS port, only the ports tell them apart.
    network.distinctAddresses ? hostname : `${hostname}:${orPort}`,
    keys.rsaId,
    nickname,
  ]);
  return { lines: [...log.lines], relays };
}

/** Those of `words` that are in any line. */
function told(lines: readonly string[], words: readonly string[]): readonly string[] {
  const text = lines.join("\n").toLowerCase();
  return words.filter((word) => text.includes(word.toLowerCase()));
}

Deno.test("SafeLogging 1: no line of any level tells a destination or a relay", async () => {
  const { lines, relays } = await session();
  assert.ok(lines.length > 60);
  assert.deepEqual(told(lines, Object.values(SECRETS)), []);
  assert.deepEqual(told(lines, relays), []);
});

Deno.test("SafeLogging 0: lines tell destinations and relays, but never who asked or what was sent", async () => {
  setSafeLogging(false);
  try {
    const { lines, relays } = await session();
    const { user, path, onion: _refusedUnread, ...destinations } = SECRETS;
    assert.deepEqual(told(lines, Object.values(destinations)), Object.values(destinations));
    assert.ok(told(lines, relays).length > 5);
    assert.deepEqual(told(lines, [user, path]), []);
    assert.deepEqual(told(lines, ["[scrubbed]"]), []);
  } finally {
    setSafeLogging(true);
  }
});
