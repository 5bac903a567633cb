import assert from "node:assert/strict";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import { NetDir } from "../../src/netdir/net_dir.ts";
import { hasFlags, portPolicyAllows, RelayFlag } from "../../src/netdir/relay.ts";
import { type Consensus, parseConsensus } from "../../src/netdoc/consensus.ts";
import {
  type Microdescriptor,
  type MicrodescriptorDigest,
  parseMicrodescriptors,
} from "../../src/netdoc/microdescriptor.ts";
import {
  type ConsensusParts,
  encode,
  relayEntry,
  sha256Base64,
  testAuthorities,
  writeConsensus,
  writeMicrodescriptor,
} from "../../testnet/document_writer.ts";
import { readRealConsensus, realConsensusIsAbsent } from "../netdoc/real_consensus.ts";

function consensusOf(parts: Partial<ConsensusParts>): Consensus {
  const authorities = testAuthorities();
  return parseConsensus(writeConsensus({ authorities, ...parts }, authorities.slice(0, 1)));
}

function mapOf(...texts: string[]): Map<MicrodescriptorDigest, Microdescriptor> {
  const { microdescriptors } = parseMicrodescriptors(encode(texts.join("")));
  return new Map(microdescriptors.map(({ digest, microdescriptor }) => [digest, microdescriptor]));
}

function identityOf(index: number): RsaIdentity {
  return index.toString(16).padStart(8, "0").padEnd(40, "0") as RsaIdentity;
}

Deno.test("a relay joins its consensus entry and its microdescriptor", () => {
  const text = writeMicrodescriptor({
    onionKey: new Uint8Array(32).fill(5),
    ed25519Identity: new Uint8Array(32).fill(6),
    ipv6: "[2001:db8::1]:1",
    family: "friend",
    familyIds: "ed25519:x",
    exitPolicy: "accept 80",
    exitPolicy6: "accept 443",
  });
  const digest = sha256Base64(text);
  const netDir = new NetDir(
    consensusOf({
      relays: [
        relayEntry(1, { digest, ipv6: "[2001:db8::2]:2", flags: "Exit Running Valid" }),
        relayEntry(2, { digest, bandwidth: "Bandwidth=55" }),
      ],
    }),
    mapOf(text),
  );
  const [first, second] = netDir.relays;
  assert.equal(first.nickname, "relay1");
  assert.equal(first.rsaIdentity, identityOf(1));
  assert.equal(first.ed25519Identity, "BgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY");
  assert.deepEqual(first.onionKey, new Uint8Array(32).fill(5));
  assert.deepEqual([first.hostname, first.port], ["10.1.0.1", 9001]);
  assert.deepEqual([first.ipv6?.port, second.ipv6?.port], [2, 1]);
  assert.ok(hasFlags(first, RelayFlag.Exit | RelayFlag.Running));
  assert.ok(!hasFlags(first, RelayFlag.Exit | RelayFlag.Guard));
  assert.deepEqual([first.bandwidth, second.bandwidth], [1000, 55]);
  assert.ok(first.supports("Link", 5) && !first.supports("Link", 6));
  assert.deepEqual([first.family, first.familyIds], [["friend"], ["ed25519:x"]]);
  assert.ok(portPolicyAllows(first.exitPolicy, 80) && !portPolicyAllows(first.exitPolicy, 443));
  assert.ok(portPolicyAllows(first.exitPolicy6, 443));
  assert.equal(netDir.relay(identityOf(1)), first);
});

Deno.test("relays without microdescriptor are listed, and what is missing is named once", () => {
  const known = writeMicrodescriptor({ exitPolicy: "accept 1" });
  const missing = "A".repeat(43);
  const netDir = new NetDir(
    consensusOf({
      relays: [
        relayEntry(1, { digest: missing }),
        relayEntry(2, { digest: sha256Base64(known) }),
        relayEntry(3, { digest: missing }),
      ],
    }),
    mapOf(known, writeMicrodescriptor({ exitPolicy: "accept 2" })),
  );
  assert.deepEqual(netDir.relays.map(({ nickname }) => nickname), ["relay2"]);
  assert.deepEqual(netDir.missingMicrodescriptors(), [missing]);
  assert.equal(netDir.relay(identityOf(1)), undefined);
  assert.equal(netDir.listed(identityOf(1))?.nickname, "relay1");
  assert.equal(netDir.listed(identityOf(4)), undefined);
});

Deno.test("relays that are not running, not valid or have no port are not used", () => {
  const known = writeMicrodescriptor();
  const digest = sha256Base64(known);
  const netDir = new NetDir(
    consensusOf({
      relays: [
        relayEntry(1, { digest, flags: "Fast Valid" }),
        relayEntry(2, { digest, flags: "Fast Running" }),
        relayEntry(3, { digest, port: 0 }),
        relayEntry(4, { digest: "A".repeat(43), flags: "Fast Valid" }),
        relayEntry(5, { digest }),
      ],
    }),
    mapOf(known),
  );
  assert.deepEqual(netDir.relays.map(({ nickname }) => nickname), ["relay5"]);
  assert.deepEqual(netDir.missingMicrodescriptors(), []);
  assert.equal(netDir.relay(identityOf(1)), undefined);
  assert.equal(netDir.listed(identityOf(1))?.nickname, "relay1");
});

Deno.test("parameters have a default and are held within bounds", () => {
  const netDir = new NetDir(consensusOf({ parameters: "a=5 b=-7 c=900" }), new Map());
  const bounds = { default: 10, min: 1, max: 100 };
  assert.deepEqual(["a", "b", "c", "d"].map((name) => netDir.parameter(name, bounds)), [
    5,
    1,
    100,
    10,
  ]);
});

Deno.test("relays and entries without microdescriptor are weighted by the consensus", () => {
  const names = ["Wgb", "Wgd", "Wgg", "Wgm", "Wdb", "Web", "Wmb"];
  const parts = {
    weights: names.map((name) => `${name}=${name === "Wgg" ? 300 : 500}`).join(" "),
    relays: [relayEntry(1, { flags: "Guard Running Valid", bandwidth: "Bandwidth=40" })],
  };
  const scaled = new NetDir(consensusOf({ ...parts, parameters: "bwweightscale=1000" }), new Map());
  const router = scaled.listed(identityOf(1));
  assert.ok(router);
  assert.equal(scaled.weight(router, "guard"), 12);
  const unscaled = new NetDir(consensusOf(parts), new Map());
  assert.ok(Math.abs(unscaled.weight(router, "guard") - 1.2) < 1e-9);
  // The other positions have no weights in this consensus.
  assert.equal(scaled.weight(router, "middle"), 40);
});

Deno.test({
  name: "the real consensus gives guards, middles and exits their share of the bandwidth",
  ignore: realConsensusIsAbsent,
  fn() {
    const netDir = new NetDir(parseConsensus(readRealConsensus()), new Map());
    const { routers } = netDir.consensus;
    assert.equal(netDir.missingMicrodescriptors().length, routers.length);
    const sum = (position: "guard" | "middle" | "exit") =>
      routers.reduce((total, router) => total + netDir.weight(router, position), 0);
    const bandwidth = (needed: number, excluded: number) =>
      routers.filter(({ flags }) => (flags & needed) === needed && !(flags & excluded))
        .reduce((total, router) => total + router.bandwidth, 0);
    const { Guard, Exit, BadExit } = RelayFlag;
    // Wgg = Wgm = 0.6752, Wgd = 0; Wmg = 0.3248, Wmm = 1, Wme = Wmd = 0; the exit's are all 1.
    const all = bandwidth(0, 0);
    const bad = bandwidth(Exit | BadExit, 0);
    const notExit = bandwidth(0, Exit) + bad;
    const guardOnly = bandwidth(Guard, Exit) + bandwidth(Guard | Exit | BadExit, 0);
    const near = (a: number, b: number) => assert.ok(Math.abs(a / b - 1) < 1e-9, `${a} ${b}`);
    near(sum("guard"), 0.6752 * notExit);
    near(sum("middle"), notExit - 0.6752 * guardOnly);
    near(sum("exit"), all);
  },
});

Deno.test("a later snapshot of the same consensus has the same relays, and those that came", () => {
  const texts = [1, 2].map((fill) =>
    writeMicrodescriptor({ onionKey: new Uint8Array(32).fill(fill) })
  );
  const relays = texts.map((text, index) => relayEntry(index + 1, { digest: sha256Base64(text) }));
  const consensus = consensusOf({ relays });
  const before = new NetDir(consensus, mapOf(texts[1]));
  const after = new NetDir(consensus, mapOf(...texts), before);
  assert.equal(after.relay(identityOf(2)), before.relay(identityOf(2)));
  assert.equal(after.relays.length, 2);
  assert.deepEqual([0, 1].map((place) => after.relayAt(place)), after.relays);
  assert.equal(before.relayAt(0), undefined);
  assert.equal(before.relays.length, 1);
  const next = new NetDir(consensusOf({ relays }), mapOf(texts[0]), after);
  assert.equal(next.relays.length, 1);
  assert.notEqual(next.relayAt(0), after.relayAt(0));
});
