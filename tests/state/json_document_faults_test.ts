/** The state documents of the client, cut off and with bits turned. */
import assert from "node:assert/strict";
import { BUILD_TIME_DOCUMENT } from "../../src/circuit/build_time_document.ts";
import { DORMANT_DOCUMENT } from "../../src/client/dormant_document.ts";
import { GUARD_DOCUMENT } from "../../src/guard/guard_document.ts";
import { GuardSample } from "../../src/guard/guard_sample.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { JsonDocument, type JsonDocumentOptions } from "../../src/state/json_document.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { LogLines } from "../directory/log_lines.ts";
import { testNetDir } from "../path/test_network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { faultsOf } from "./faults.ts";

const FAULTS = 200;

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Loads the file with every fault: what is loaded is what was written, or the initial value. */
async function assertSurvives<Value extends { readonly version: number }>(
  options: JsonDocumentOptions<Value>,
  directory: DataDirectory,
  clock: FakeClock,
): Promise<void> {
  const path = `${directory.path}/${options.name}`;
  const intact = await Deno.readFile(path);
  const { value } = await JsonDocument.load(directory, clock, options);
  const initial = options.initial();
  assert.notDeepEqual(value, initial);
  let lost = 0;
  for (const { what, bytes } of faultsOf(intact, FAULTS, new SeededRandom(options.name))) {
    await Deno.writeFile(path, bytes);
    const document = await JsonDocument.load(directory, clock, options);
    const isLost = await Deno.stat(path).then(() => false, () => true);
    assert.deepEqual(document.value, isLost ? initial : value, what);
    if (!isLost) continue;
    lost++;
    document.set(value);
    await document.flush();
    assert.deepEqual(await Deno.readFile(path), intact, `${what}: mended`);
    for (const { name } of Deno.readDirSync(directory.path)) {
      if (name.includes(".corrupt-")) Deno.removeSync(`${directory.path}/${name}`);
    }
  }
  assert.ok(lost > FAULTS, `${lost} times nothing could be believed`);
}

Deno.test("guard_state.json: nothing wrong is believed, and the file is mended", () =>
  withFolder(async (folder) => {
    await using _log = await LogLines.collect();
    using directory = await DataDirectory.open(folder);
    const clock = new FakeClock(Date.UTC(2026, 0, 1));
    const guards = await GuardSample.load(directory, { clock, random: new SeededRandom(1) }, {
      useEntryGuards: true,
      numEntryGuards: undefined,
      numDirectoryGuards: undefined,
      numPrimaryGuards: undefined,
      guardLifetime: undefined,
      extendAllowPrivateAddresses: false,
    });
    const relays = Array.from({ length: 60 }, (_, index) => ({ number: index + 1 }));
    guards.update(testNetDir({ relays, validAfter: clock.now() }));
    await guards.close();
    await assertSurvives(GUARD_DOCUMENT, directory, clock);
  }));

Deno.test("circuit_build_times.json: nothing wrong is believed, and the file is mended", () =>
  withFolder(async (folder) => {
    await using _log = await LogLines.collect();
    using directory = await DataDirectory.open(folder);
    const clock = new FakeClock();
    const document = await JsonDocument.load(directory, clock, BUILD_TIME_DOCUMENT);
    const bins = Array.from({ length: 100 }, (_, n) => [String(1005 + n * 10), 1]);
    document.set({
      version: 1,
      total_build_times: 102,
      circuit_build_abandoned: 2,
      circuit_build_time_bins: Object.fromEntries(bins),
    });
    await document.flush();
    await assertSurvives(BUILD_TIME_DOCUMENT, directory, clock);
  }));

Deno.test("dormant_state.json: nothing wrong is believed, and the file is mended", () =>
  withFolder(async (folder) => {
    await using _log = await LogLines.collect();
    using directory = await DataDirectory.open(folder);
    const clock = new FakeClock();
    const document = await JsonDocument.load(directory, clock, DORMANT_DOCUMENT);
    document.set({ version: 1, dormant: false, minutes_since_user_activity: 90 });
    await document.flush();
    await assertSurvives(DORMANT_DOCUMENT, directory, clock);
  }));
