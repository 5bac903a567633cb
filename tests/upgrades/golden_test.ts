/** Data that released versions have written is read, and used as it was. */
import assert from "node:assert/strict";
import { BUILD_TIME_DOCUMENT } from "../../src/circuit/build_time_document.ts";
import { DORMANT_DOCUMENT } from "../../src/client/dormant_document.ts";
import { RunningClient } from "../../src/client/running_client.ts";
import { buildConfig } from "../../src/config/build.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { GUARD_DOCUMENT, type GuardDocument } from "../../src/guard/guard_document.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import { abortable } from "../../src/runtime/deadline.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { JsonDocument, type JsonDocumentOptions } from "../../src/state/json_document.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { LogLines } from "../directory/log_lines.ts";
import { socks5Connect } from "../network/socks_client.ts";
import { WebServer } from "../network/web_server.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { folderDigest, withCopy } from "./folder_copy.ts";
import {
  GOLDEN_TIME,
  GoldenClock,
  goldenDocuments,
  GoldenNetwork,
  goldenTorrc,
} from "./golden_network.ts";
import { GOLDEN_FOLDER, makeGolden, VERSION } from "./make_golden.ts";

/** All versions that were released, and the one that comes next. */
const VERSIONS = [...Deno.readDirSync(GOLDEN_FOLDER)]
  .filter(({ isDirectory }) => isDirectory).map(({ name }) => name).toSorted();

/** Files of which no byte may be lost, because nothing newer has come. */
const CACHES = [
  "cached-certs",
  "cached-microdesc-consensus",
  "cached-microdescs",
  "cached-microdescs.new",
];

for (const version of VERSIONS) {
  const golden = GOLDEN_FOLDER + version;

  Deno.test(`data of ${version}: a client has its guards and its directory, and downloads nothing`, () =>
    withCopy(golden, async (dataDirectory) => {
      const before = readGuards(dataDirectory);
      const primary = primaryOf(before);
      await using web = new WebServer("127.0.0.1");
      const clock = new GoldenClock();
      await using log = await LogLines.collect();
      await using running = await GoldenNetwork.start(clock, { "web.example": "127.0.0.1" });
      const { config } = buildConfig([parseTorrc(goldenTorrc(dataDirectory), "torrc")]);
      const random = new SeededRandom(version);
      const runtime = { clock, random, network: running.network };
      {
        await using client = await RunningClient.start(config, runtime);
        const { buildTimes, dormant, guards } = client.statistics();
        assert.deepEqual([buildTimes.total, buildTimes.abandoned], timesOf(dataDirectory));
        assert.equal(dormant, false);
        assert.deepEqual(
          guards.guards.map(({ rsaIdentity }) => rsaIdentity),
          before.guards.map(({ fingerprint }) => fingerprint),
        );

        await joined(client);
        const joinedWith = client.statistics();
        assert.equal(joinedWith.buildTimes.source, "learned");
        assert.equal(
          joinedWith.directory.consensus?.validAfter,
          parseConsensus(goldenDocuments().consensus).validAfter,
        );
        assert.deepEqual(
          new Set(primaryIn(client)),
          new Set(primary),
          "the primary guards are the same",
        );

        using conn = await socks5Connect(client.socksAddresses[0], {
          hostname: "web.example",
          port: web.port,
        });
        await conn.write(new TextEncoder().encode("GET /bytes/1000 HTTP/1.1\r\n\r\n"));
        const answer = await new Response(conn.readable).text();
        assert.match(answer, /^HTTP\/1\.1 200 /);
        for (const [guard] of client.circuits) {
          assert.ok(primary.includes(guard), "circuits begin at primary guards");
        }
        assert.equal(client.statistics().directory.total.all.requests, 0);
      }
      assert.deepEqual(running.events.since().filter(({ kind }) => kind === "directory"), []);
      assert.deepEqual(log.lines.filter((line) => line.startsWith("warning")), []);

      const after = readGuards(dataDirectory);
      assert.deepEqual(after.guards.map(lastingFacts), before.guards.map(lastingFacts));
      for (const name of CACHES) {
        assert.deepEqual(
          await Deno.readFile(`${dataDirectory}/${name}`),
          await Deno.readFile(`${golden}/${name}`),
          name,
        );
      }
      assert.deepEqual(namesIn(dataDirectory), namesIn(golden));
    }));

  Deno.test(`data of ${version}: every document says what it has said`, () =>
    withCopy(golden, async (folder) => {
      using data = await DataDirectory.open(folder);
      const digest = await folderDigest(folder);
      await assertKept(data, GUARD_DOCUMENT);
      await assertKept(data, BUILD_TIME_DOCUMENT);
      await assertKept(data, DORMANT_DOCUMENT);
      assert.equal(await folderDigest(folder), digest);
    }));
}

Deno.test("there is golden data of this version, and it has the form of what is written now", async () => {
  const make = "run: deno run -A tests/upgrades/make_golden.ts";
  assert.ok(VERSIONS.includes(VERSION), `there is no golden data of ${VERSION}; ${make}`);
  const parent = await Deno.makeTempDir();
  try {
    await makeGolden(`${parent}/new`);
    assert.deepEqual(
      await formsIn(`${parent}/new`),
      await formsIn(GOLDEN_FOLDER + VERSION),
      `What is written has changed. If ${VERSION} is not released, ${make}. If it is, the version ` +
        "in deno.json must be raised first, and what it has written must still be read.",
    );
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});

Deno.test("golden data is the same whenever it is made", async () => {
  const parent = await Deno.makeTempDir();
  try {
    await makeGolden(`${parent}/one`);
    await makeGolden(`${parent}/two`);
    for (const name of namesIn(`${parent}/one`)) {
      assert.deepEqual(
        await Deno.readTextFile(`${parent}/one/${name}`),
        await Deno.readTextFile(`${parent}/two/${name}`),
      );
    }
    assert.deepEqual(namesIn(`${parent}/one`), namesIn(`${parent}/two`));
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();
}

function readJson(path: string): unknown {
  return JSON.parse(Deno.readTextFileSync(path));
}

function readGuards(folder: string): GuardDocument {
  return readJson(`${folder}/${GUARD_DOCUMENT.name}`) as GuardDocument;
}

function timesOf(folder: string): unknown[] {
  const document = readJson(`${folder}/${BUILD_TIME_DOCUMENT.name}`) as Record<string, unknown>;
  return [document.total_build_times, document.circuit_build_abandoned];
}

/** The first three: confirmed ones in the order of confirmation, and then the others as sampled. */
function primaryOf({ guards }: GuardDocument): readonly string[] {
  const place = (index: number | null) => index ?? Infinity;
  return guards
    .toSorted((a, b) =>
      a.confirmed_idx === b.confirmed_idx ? 0 : place(a.confirmed_idx) - place(b.confirmed_idx)
    )
    .slice(0, 3).map(({ fingerprint }) => fingerprint);
}

function primaryIn(client: RunningClient): readonly string[] {
  return client.statistics().guards.guards
    .filter(({ primary }) => primary).map(({ rsaIdentity }) => rsaIdentity);
}

/** What one use of the client does not change. */
function lastingFacts(guard: GuardDocument["guards"][number]): unknown {
  const { fingerprint, nickname, sampled_on, confirmed_on, confirmed_idx } = guard;
  return { fingerprint, nickname, sampled_on, confirmed_on, confirmed_idx };
}

async function joined({ bootstrap }: RunningClient): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = bootstrap.onProgress(() => bootstrap.done && resolve());
  if (bootstrap.done) resolve();
  try {
    await abortable(promise, AbortSignal.timeout(60_000));
  } finally {
    stop();
  }
}

/** Loading the document finds what the file says, and not a new beginning. */
async function assertKept<Value extends { readonly version: number }>(
  data: DataDirectory,
  options: JsonDocumentOptions<Value>,
): Promise<void> {
  const document = await JsonDocument.load(data, new FakeClock(GOLDEN_TIME), options);
  assert.notDeepEqual(document.value, options.initial());
  const { version: _version, sha256: _sha256, ...said } = readJson(
    `${data.path}/${options.name}`,
  ) as Record<string, unknown>;
  const { version: _now, ...found } = { ...document.value };
  // A later version may know more, but nothing of this is lost.
  assert.deepEqual({ ...found, ...said }, found, options.name);
}

/** The form of each file: JSON without its values, and lines as their first words. */
async function formsIn(folder: string): Promise<Record<string, unknown>> {
  const forms: Record<string, unknown> = {};
  for (const name of namesIn(folder)) {
    const text = await Deno.readTextFile(`${folder}/${name}`);
    forms[name] = text.startsWith("{") ? formOf(JSON.parse(text)) : firstWords(text);
  }
  return forms;
}

/** Numbers as keys of an object are values too. */
function formOf(value: unknown): unknown {
  if (value === null) return "null";
  if (Array.isArray(value)) {
    const forms = new Set(value.map((element) => JSON.stringify(formOf(element))));
    return [...forms].toSorted();
  }
  if (typeof value !== "object") return typeof value;
  const members = Object.entries(value).map(([key, member]) =>
    [/^\d+$/.test(key) ? "number" : key, key === "version" ? member : formOf(member)] as const
  );
  return Object.fromEntries(members);
}

function firstWords(text: string): readonly string[] {
  return [...new Set(text.split("\n").map((line) => line.split(" ")[0]))]
    .filter((word) => /^[@a-z-]+$/.test(word)).toSorted();
}
