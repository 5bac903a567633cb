import assert from "node:assert/strict";
import { gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { parseAuthorityCertificates } from "../../src/netdoc/authority_certificate.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import {
  applyConsensusDiff,
  isConsensusDiff,
  signedSha3,
} from "../../src/netdoc/consensus_diff.ts";
import { verifyConsensus } from "../../src/netdoc/consensus_signatures.ts";
import { portPolicyAllows } from "../../src/netdoc/exit_policy.ts";
import { parseMicrodescriptors } from "../../src/netdoc/microdescriptor.ts";
import type { DirectoryAnswer } from "../../testnet/directory_http.ts";
import { DirectoryServer } from "../../testnet/directory_server.ts";
import { RsaSigner, TestAuthority } from "../../testnet/document_writer.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { type ListedRelay, NetworkDocuments } from "../../testnet/network_documents.ts";
import { makeRelayKeys } from "../../testnet/relay_keys.ts";
import { fixedRsaKey } from "../../testnet/rsa_keys.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const NOW = Date.UTC(2026, 0, 1, 12);
const CONSENSUS = "/tor/status-vote/current/consensus-microdesc";
const ROLES = ["guard", "middle", "exit", "exit"] as const;

/** A directory of three authorities and a relay of each role, without anything that runs. */
function makeDirectory() {
  const clock = new FakeClock(NOW);
  const documents = new NetworkDocuments(clock, "refuseunknownexits=0");
  for (let index = 0; index < 3; index++) {
    documents.addAuthority(
      new TestAuthority(`authority${index}`, {
        identityKey: new RsaSigner(fixedRsaKey(2 * index)),
        signingKey: new RsaSigner(fixedRsaKey(2 * index + 1)),
      }),
    );
  }
  documents.list(ROLES.map((role, index): ListedRelay => {
    const keys = makeRelayKeys(fixedRsaKey(6 + index), new SeededRandom(index));
    const nickname = `${role}${index}`;
    const place = { nickname, role, hostname: `127.${30 + index}.0.1`, orPort: 9001 };
    return { ...place, ...keys, ed25519Id: keys.ed25519IdBytes };
  }));
  const received: string[] = [];
  const take = (text: string) => received.push(text) === 1;
  const server = new DirectoryServer(documents, clock, take);
  const get = (path: string, headers: Record<string, string> = {}) =>
    http(
      server.answer({
        method: "GET",
        path,
        headers: new Map(Object.entries(headers)),
        body: new Uint8Array(0),
      }),
    );
  return { clock, documents, server, get, received };
}

function http(answer: DirectoryAnswer) {
  assert.ok(answer.kind === "http");
  return answer;
}

Deno.test("a diff is served from a consensus of before, and a whole one to all others", () => {
  const { documents, get } = makeDirectory();
  const before = documents.consensus;
  const digest = signedSha3(before).toHex().toUpperCase();
  const asked = { "x-or-diff-from-consensus": `${"0".repeat(64)}, ${digest}` };
  assert.deepEqual(get(CONSENSUS, asked).body, before, "it is the current one");
  documents.list([]);
  const diff = get(CONSENSUS, asked).body;
  assert.ok(isConsensusDiff(diff));
  assert.deepEqual(applyConsensusDiff(before, diff, 100_000), documents.consensus);
  const other = { "x-or-diff-from-consensus": "0".repeat(64) };
  assert.deepEqual(get(CONSENSUS, other).body, documents.consensus);
  assert.deepEqual(get(CONSENSUS).body, documents.consensus);
});

Deno.test("the consensus and its certificates verify, and list every relay with its flags", () => {
  const { documents, get } = makeDirectory();
  const consensus = parseConsensus(get(CONSENSUS).body);
  const certificates = parseAuthorityCertificates(get("/tor/keys/all").body);
  const identities = documents.authorities.map(({ v3Identity }) => v3Identity);
  const found = verifyConsensus(consensus, certificates, identities, NOW);
  assert.equal(found.state, "verified");
  assert.equal(found.valid.length, 3);
  assert.ok(consensus.validAfter < NOW && NOW < consensus.freshUntil);
  assert.deepEqual(
    consensus.routers.map(({ nickname }) => nickname).toSorted(),
    ROLES.map((role, index) => `${role}${index}`).toSorted(),
  );
  assert.equal(consensus.parameters.get("refuseunknownexits"), 0);

  // No role is scarce: the two exits weigh together what the one guard does.
  const weightOf = (role: string) =>
    consensus.routers.filter(({ nickname }) => nickname.startsWith(role))
      .reduce((sum, { bandwidth }) => sum + bandwidth, 0);
  assert.equal(weightOf("exit"), weightOf("guard"));
  assert.equal(weightOf("middle"), weightOf("guard"));
});

Deno.test("microdescriptors are found by the digests that the consensus lists", () => {
  const { get, documents } = makeDirectory();
  const { routers } = parseConsensus(get(CONSENSUS).body);
  const digests = routers.map(({ microdescriptorDigest }) => microdescriptorDigest);
  const { body } = get(`/tor/micro/d/${digests.join("-")}.z`, { "accept-encoding": "identity" });
  const { microdescriptors, malformed } = parseMicrodescriptors(body);
  assert.deepEqual(malformed, []);
  assert.deepEqual(microdescriptors.map(({ digest }) => digest), digests);
  const exits = microdescriptors.filter(({ microdescriptor }) =>
    portPolicyAllows(microdescriptor.exitPolicy, 443)
  );
  assert.equal(exits.length, documents.relays.filter(({ role }) => role === "exit").length);
  assert.equal(get("/tor/micro/d/AAAA").status, "404 Not found");
});

Deno.test("certificates are found by identity, signing key, and both", () => {
  const { documents, get } = makeDirectory();
  const [first, , third] = documents.authorities;
  const ids = [first, third].map(({ v3Identity }) => v3Identity);
  const signers = [first, third].map(({ signingKeyDigest }) => signingKeyDigest);
  const pairs = ids.map((id, index) => `${id}-${signers[index]}`);
  const found = (path: string) =>
    parseAuthorityCertificates(get(path).body).map(({ v3Identity }) => v3Identity);
  assert.deepEqual(found(`/tor/keys/fp/${ids.join("+")}`), ids);
  assert.deepEqual(found(`/tor/keys/sk/${signers.join("+")}`), ids);
  assert.deepEqual(found(`/tor/keys/fp-sk/${pairs.join("+")}`), ids);
  assert.deepEqual(found("/tor/keys/all").length, 3);
  for (const path of [`/tor/keys/fp/${"0".repeat(40)}`, "/tor/keys/else", "/tor/else", "/"]) {
    assert.equal(get(path).status, "404 Not found", path);
  }
});

Deno.test("a consensus is given to those who trust most of those who signed it", () => {
  const { documents, get } = makeDirectory();
  const known = documents.authorities.map(({ v3Identity }) => v3Identity.slice(0, 6));
  assert.equal(get(`${CONSENSUS}/${known.join("+")}.z`).status, "200 OK");
  assert.equal(get(`${CONSENSUS}/${known[0].toLowerCase()}.z`).status, "200 OK");
  assert.equal(get(`${CONSENSUS}/${known[0]}+FFFFFF.z`).status, "404 Not found");
  assert.equal(get("/tor/status-vote/current/consensus").status, "404 Not found");
});

Deno.test("the encoding is one that the client accepts", () => {
  const { documents, get } = makeDirectory();
  const cases: [string | undefined, string, (body: Uint8Array) => Uint8Array][] = [
    ["x-zstd, deflate, gzip, identity", "x-zstd", (body) => zstdDecompressSync(body)],
    ["deflate, gzip", "gzip", (body) => gunzipSync(body)],
    ["deflate", "deflate", (body) => inflateSync(body)],
    ["identity", "identity", (body) => body],
    // Who says nothing gets what ".z" stands for.
    [undefined, "deflate", (body) => inflateSync(body)],
    ["br", "deflate", (body) => inflateSync(body)],
  ];
  for (const [accepted, encoding, decode] of cases) {
    const headers: Record<string, string> = accepted === undefined
      ? {}
      : { "accept-encoding": accepted };
    const answer = get(`${CONSENSUS}.z`, headers);
    assert.equal(answer.headers["Content-Encoding"], encoding);
    assert.equal(answer.headers["Content-Length"], `${answer.body.length}`);
    assert.deepEqual(Uint8Array.from(decode(answer.body)), documents.consensus);
  }
  assert.equal(get(CONSENSUS).headers["Content-Encoding"], "identity");
});

Deno.test("304 when the client's consensus is as new, until there is a newer one", () => {
  const { clock, documents, get } = makeDirectory();
  const { validAfter } = documents;
  const since = (time: number) => ({ "if-modified-since": new Date(time).toUTCString() });
  assert.equal(get(CONSENSUS, since(validAfter)).status, "304 Not modified");
  assert.equal(get(CONSENSUS, since(validAfter)).body.length, 0);
  assert.equal(get(CONSENSUS, since(validAfter - 1000)).status, "200 OK");
  clock.advance(3_600_000);
  documents.list([]);
  assert.equal(documents.validAfter, validAfter + 3_600_000);
  assert.equal(get(CONSENSUS, since(validAfter)).status, "200 OK");
});

Deno.test("every answer tells the server's time", () => {
  const { get } = makeDirectory();
  for (const path of [CONSENSUS, "/tor/nothing"]) {
    assert.equal(get(path).headers["Date"], new Date(NOW).toUTCString());
  }
});

Deno.test("descriptors go to who takes them, and nowhere else", () => {
  const { server, received, documents, clock } = makeDirectory();
  const post = (path: string, to = server) =>
    http(to.answer({
      method: "POST",
      path,
      headers: new Map(),
      body: new TextEncoder().encode("router"),
    })).status;
  assert.equal(post("/tor/"), "200 OK");
  assert.match(post("/tor/"), /^400 /);
  assert.match(post("/tor/other"), /^400 /);
  assert.deepEqual(received, ["router", "router"]);
  assert.match(post("/tor/", new DirectoryServer(documents, clock)), /^400 /);
});

Deno.test("an authority answers on its directory port, also what is no request", async () => {
  await using network = await EmbeddedNetwork.start({ guards: 1, middles: 0, exits: 0 });
  const [, hostname, port] = /([\d.]+):(\d+) [0-9A-F]{40}$/.exec(network.authorityLines[0]) ?? [];
  const ask = async (text: string) => {
    const conn = await Deno.connect({ hostname, port: Number(port) });
    await conn.write(new TextEncoder().encode(text));
    return await new Response(conn.readable).text();
  };
  const good = await ask(`GET ${CONSENSUS} HTTP/1.0\r\nHost: ${hostname}\r\n\r\n`);
  assert.match(good, /^HTTP\/1\.0 200 OK\r\n/);
  assert.ok(good.endsWith(new TextDecoder().decode(network.documents.consensus)));
  assert.equal(await ask("EHLO there\r\n\r\n"), "");
  const { kind } = await network.events.until((event) => event.kind === "directory");
  assert.equal(kind, "directory");
});
