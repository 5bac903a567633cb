/** What a directory server may do to a client, and that the client is none the worse for it. */
import assert from "node:assert/strict";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import {
  sha256Base64,
  TestAuthority,
  writeMicrodescriptor,
  writeSignature,
} from "../../testnet/document_writer.ts";
import { LogLines } from "./log_lines.ts";
import {
  answer,
  encode,
  HOUR,
  ok,
  type Reply,
  RunningDirectory,
  type SeenRequest,
  TestNetwork,
  VALID_AFTER,
} from "./test_directory.ts";

const MEGABYTE = 1024 * 1024;
const network = new TestNetwork();
const strangers = ["ann", "bob", "eve"].map((name) => new TestAuthority(name));
const good = network.consensus();

/** Serves well, but for the first request that `isBad` picks. */
function badOnce(
  isBad: (request: SeenRequest) => boolean,
  reply: (request: SeenRequest) => Reply,
): (request: SeenRequest) => Reply {
  let wasBad = false;
  return (request) => {
    if (!wasBad && isBad(request)) {
      wasBad = true;
      return reply(request);
    }
    const document = network.serve(request.path, good);
    return document === undefined ? answer("404 Not found") : ok(document);
  };
}

const isConsensus = ({ path }: SeenRequest) => path.includes("/consensus-microdesc/");
const isCertificates = ({ path }: SeenRequest) => path.startsWith("/tor/keys/");
const isMicrodescriptors = ({ path }: SeenRequest) => path.startsWith("/tor/micro/");

/** Begins well and ends within a line. */
const cutOff = good.subarray(0, good.length / 2);
/** The last digit of the first relay's bandwidth is another one. */
const flipped = good.slice();
const bandwidthAt = new TextDecoder().decode(good).indexOf("w Bandwidth=");
flipped[good.indexOf(0x0a, bandwidthAt) - 1] ^= 1;

async function* endless(): AsyncGenerator<Uint8Array> {
  yield encode("HTTP/1.0 200 OK\r\n\r\n");
  const piece = new Uint8Array(64 * 1024).fill(0x61);
  for (let sent = 0; sent < 100 * MEGABYTE; sent += piece.length) {
    await Promise.resolve();
    yield piece;
  }
}

const badConsensuses: readonly [string, string, () => Reply][] = [
  ["one byte flipped", "too-few-signatures", () => ok(flipped)],
  ["signed by strangers", "too-few-signatures", () => ok(network.consensus({}, strangers))],
  [
    "signed by too few",
    "too-few-signatures",
    () => ok(network.consensus({}, [network.authorities[0]])),
  ],
  [
    "signed by one authority three times",
    "too-few-signatures",
    () => ok(network.consensus({}, [0, 0, 0].map((index) => network.authorities[index]))),
  ],
  [
    "expired",
    "consensus-expired",
    () => ok(network.consensus({ validAfter: VALID_AFTER - 48 * HOUR })),
  ],
  [
    "from the future",
    "consensus-from-future",
    () => ok(network.consensus({ validAfter: VALID_AFTER + 48 * HOUR })),
  ],
  [
    "to be replaced every minute",
    "consensus-interval-too-short",
    () => ok(network.consensus({ freshUntil: VALID_AFTER + 60_000 })),
  ],
  ["cut off", "document-cut-off", () => ok(cutOff)],
  ["empty", "consensus-malformed", () => ok(new Uint8Array(0))],
  ["a microdescriptor instead", "consensus-malformed", () => ok(encode(writeMicrodescriptor()))],
  ["cut off in its compression", "directory-encoding-invalid", () => {
    const compressed = zstdCompressSync(good);
    return answer("200 OK", compressed.subarray(0, compressed.length - 10));
  }],
  ["100 MB", "directory-http-too-large", endless],
  [
    "100 MB as announced",
    "directory-http-too-large",
    () => answer("200 OK", good, `Content-Length: ${100 * MEGABYTE}\r\n`),
  ],
  [
    "a deflate bomb",
    "directory-compression-bomb",
    () => answer("200 OK", deflateSync(new Uint8Array(100 * MEGABYTE))),
  ],
  ["a row of gzip bombs", "directory-compression-bomb", () => {
    const bomb = gzipSync(new Uint8Array(4 * MEGABYTE));
    return answer("200 OK", new Uint8Array(Array.from({ length: 20 }, () => [...bomb]).flat()));
  }],
  ["a row of zstd bombs", "directory-compression-bomb", () => {
    const bomb = zstdCompressSync(new Uint8Array(4 * MEGABYTE));
    return answer("200 OK", new Uint8Array(Array.from({ length: 20 }, () => [...bomb]).flat()));
  }],
  [
    "a redirection",
    "directory-http-status",
    () => answer("302 Found", new Uint8Array(0), "Location: http://10.98.0.1/other\r\n"),
  ],
  ["404", "directory-http-status", () => answer("404 Not found")],
  ["an unasked 304", "directory-http-status", () => answer("304 Not modified")],
  ["500", "directory-http-status", () => answer("500 Internal error")],
  ["503", "directory-http-busy", () => answer("503 Directory busy, try again later")],
  [
    "longer than announced",
    "directory-http-invalid",
    () => answer("200 OK", good, `Content-Length: ${good.length - 1}\r\n`),
  ],
  [
    "shorter than announced",
    "directory-http-cut-off",
    () => answer("200 OK", good, `Content-Length: ${good.length + 1}\r\n`),
  ],
  ["no HTTP", "directory-http-invalid", () => encode("220 mail.example ESMTP\r\n\r\n")],
  ["nothing at all", "directory-http-cut-off", () => new Uint8Array(0)],
  ["a broken stream", "directory-http-cut-off", () => new Error("reset")],
];

for (const [name, code, reply] of badConsensuses) {
  Deno.test(`consensus: ${name}`, async () => {
    await using log = await LogLines.collect();
    await using run = await RunningDirectory.start({
      network,
      handler: badOnce(isConsensus, reply),
    });
    await run.untilComplete();
    assert.equal(log.count(`[${code}]`), 1, log.lines.join("\n"));
    assert.equal(log.count("10.98."), 0, "no address is logged");
    assert.ok(log.count("[scrubbed]") >= 1);
    const [first, second] = run.askedFor("status-vote");
    assert.notEqual(first, second, "another server is asked next");
  });
}

Deno.test("consensus: times that are wrong come with advice about the clock", async () => {
  await using log = await LogLines.collect();
  const future = network.consensus({ validAfter: VALID_AFTER + 48 * HOUR });
  await using run = await RunningDirectory.start({
    network,
    handler: badOnce(isConsensus, () => ok(future)),
  });
  await run.untilComplete();
  assert.equal(log.count("Our clock is 1 day, 23 hours behind"), 1);
  assert.ok(log.count("Check this machine's date, time and time zone") >= 1);
});

Deno.test("consensus: one that is a little early is used, with a warning", async () => {
  await using log = await LogLines.collect();
  const early = network.consensus({ validAfter: VALID_AFTER + 2 * HOUR });
  await using run = await RunningDirectory.start({
    network,
    handler: ({ path }) => ok(network.serve(path, early) ?? new Uint8Array(0)),
  });
  await run.untilComplete();
  assert.ok(
    log.lines.some((line) => /^warning Our clock is 1 hour, (29|30) minutes behind/.test(line)),
  );
});

Deno.test("consensus: one that drips is given up, and others are asked meanwhile", async () => {
  await using log = await LogLines.collect();
  let run: RunningDirectory | undefined;
  async function* drip(): AsyncGenerator<Uint8Array> {
    yield encode("HTTP/1.0 200 OK\r\n\r\n");
    while (run !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      run.clock.setTimer(resolve, 1000);
      await promise;
      yield encode("n");
    }
  }
  const handler = badOnce(isConsensus, drip);
  await using started = await RunningDirectory.start({ network, handler });
  run = started;
  await run.untilComplete();
  assert.ok(run.clock.monotonic() < 40_000, `${run.clock.monotonic()}`);
  // The dripping attempt was given up for the good one, without blame.
  assert.equal(log.count("directory-too-slow"), 0);
  run = undefined;
  await started.pass(1500);
});

const badCertificates: readonly [string, string, () => Reply][] = [
  ["404", "directory-http-status", () => answer("404 Not found")],
  ["cut off", "document-cut-off", () => ok(encode(network.certificates().slice(0, -5)))],
  ["forged", "certificate-not-verified", () => {
    const [forger, authority] = network.authorities;
    return ok(encode(authority.certificate({ certifiedBy: forger.identityKey })));
  }],
  ["100 MB", "directory-http-too-large", endless],
];

for (const [name, code, reply] of badCertificates) {
  Deno.test(`certificates: ${name}`, async () => {
    await using log = await LogLines.collect();
    await using run = await RunningDirectory.start({
      network,
      handler: badOnce(isCertificates, reply),
    });
    await run.untilComplete();
    assert.equal(log.count(`[${code}]`), 1, log.lines.join("\n"));
    const [first, second] = run.askedFor("keys");
    assert.notEqual(first, second);
    assert.equal(run.askedFor("status-vote").length, 1, "the consensus itself was good");
  });
}

Deno.test("certificates: none to be had anywhere is no endless loop", async () => {
  await using log = await LogLines.collect();
  await using run = await RunningDirectory.start({
    network,
    handler: (request) =>
      isCertificates(request)
        ? answer("404 Not found")
        : ok(network.serve(request.path, good) ?? new Uint8Array(0)),
  });
  await run.until(() => log.count("[consensus-certificates-missing]") >= 2);
  assert.equal(run.directory.netDir, undefined);
  assert.ok(run.askedFor("keys").length <= 3 * run.askedFor("status-vote").length);
});

Deno.test("certificates: expired ones come with advice about the clock", async () => {
  await using log = await LogLines.collect();
  const expired = network.authorities.map((authority) =>
    authority.certificate({ expires: VALID_AFTER - HOUR })
  ).join("");
  await using run = await RunningDirectory.start({
    network,
    handler: (request) =>
      ok(
        isCertificates(request)
          ? encode(expired)
          : network.serve(request.path, good) ?? new Uint8Array(0),
      ),
  });
  await run.until(() => log.count("[consensus-certificates-expired]") >= 1);
  assert.ok(log.count("Check this machine's date") >= 1);
  assert.equal(run.directory.netDir, undefined);
});

const stranger = writeMicrodescriptor({ onionKey: new Uint8Array(32).fill(200) });

const badMicrodescriptors: readonly [string, string, (request: SeenRequest) => Reply][] = [
  ["unasked ones among them", "microdescriptor-not-requested", ({ path }) => {
    const asked = new TextDecoder().decode(network.serve(path, good));
    return ok(encode(stranger + asked));
  }],
  ["one byte flipped in each", "microdescriptor-not-requested", ({ path }) => {
    const asked = new TextDecoder().decode(network.serve(path, good));
    return ok(encode(asked.replaceAll("ntor-onion-key A", "ntor-onion-key B")));
  }],
  ["only others", "microdescriptor-not-requested", () => ok(encode(stranger))],
  ["cut off", "document-cut-off", ({ path }) => {
    const asked = network.serve(path, good) ?? new Uint8Array(0);
    return ok(asked.subarray(0, asked.length - 5));
  }],
  ["404", "directory-http-status", () => answer("404 Not found")],
  ["100 MB", "directory-http-too-large", endless],
  [
    "a bomb",
    "directory-compression-bomb",
    () => answer("200 OK", zstdCompressSync(new Uint8Array(50 * MEGABYTE))),
  ],
];

for (const [name, code, reply] of badMicrodescriptors) {
  Deno.test(`microdescriptors: ${name}`, async () => {
    await using log = await LogLines.collect();
    await using run = await RunningDirectory.start({
      network,
      handler: badOnce(isMicrodescriptors, reply),
    });
    await run.untilComplete();
    assert.equal(log.count(`[${code}]`), 1, log.lines.join("\n"));
    assert.equal(log.count("10."), 0, "no address is logged");
    const journal = await run.file("cached-microdescs.new");
    assert.ok(!new TextDecoder().decode(journal).includes(stranger));
  });
}

Deno.test("microdescriptors: one that cannot be read is not asked for again", async () => {
  const odd = new TestNetwork(12);
  const [digest] = odd.microdescriptors.keys();
  const unreadable = "onion-key\nntor-onion-key short\n";
  const unreadableDigest = sha256Base64(unreadable);
  odd.microdescriptors.set(unreadableDigest, unreadable);
  const text = new TextDecoder().decode(good).replace(`m ${digest}`, `m ${unreadableDigest}`);
  const signed = text.slice(
    0,
    text.indexOf("directory-signature ") + "directory-signature ".length,
  );
  const signatures = odd.authorities.map((signer) => writeSignature(signer, signed));
  const consensus = encode(signed + signatures.join("directory-signature "));
  await using run = await RunningDirectory.start({
    network: odd,
    handler: ({ path }) => ok(odd.serve(path, consensus) ?? new Uint8Array(0)),
  });
  await run.until(() => run.directory.netDir?.relays.length === 11);
  await run.pass(HOUR, 10_000);
  assert.equal(run.askedFor("micro").length, 1);
  assert.equal(run.directory.netDir?.missingMicrodescriptors().length, 1);
});
