/** Data of a version that is not known yet is refused, and nothing of it is touched. */
import assert from "node:assert/strict";
import { DATA_FILES, type DataFile } from "../../src/state/data_files.ts";
import { CERTIFICATE_FLAG, outcome } from "../cli/program.ts";
import { folderDigest, withCopy } from "./folder_copy.ts";
import { goldenTorrc } from "./golden_network.ts";
import { GOLDEN_FOLDER, VERSION } from "./make_golden.ts";

/** With what fetch needs besides. */
const FLAGS = [CERTIFICATE_FLAG, "--allow-env=JEST_WORKER_ID,UNDICI_NO_WASM_SIMD"];
const GOLDEN = GOLDEN_FOLDER + VERSION;

/** The next version of a format. */
function next({ version }: DataFile): number {
  return version + 1;
}

/** What the next version of each file's format may look like. */
const NEXT: Readonly<Record<keyof typeof DATA_FILES, string>> = {
  directory: `{"version":${next(DATA_FILES.directory)},"readable_by":"9.9.0"}\n`,
  guardState: `{\n  "version": ${next(DATA_FILES.guardState)},\n  "samples": []\n}\n`,
  circuitBuildTimes: `{"version": ${next(DATA_FILES.circuitBuildTimes)}, "sha3": ""}`,
  dormantState: `{ "version": ${next(DATA_FILES.dormantState)}, "dormant": "sometimes" }`,
  consensus: `network-status-version ${next(DATA_FILES.consensus)} microdesc\n`,
  certificates: `dir-key-certificate-version ${next(DATA_FILES.certificates)}\n`,
};

/** A copy of golden data in which one file is of the next version. */
function withNext(
  kind: keyof typeof DATA_FILES,
  action: (folder: string) => Promise<void>,
): Promise<void> {
  return withCopy(GOLDEN, async (folder) => {
    await Deno.writeTextFile(`${folder}/torrc`, goldenTorrc(folder));
    await Deno.writeTextFile(`${folder}/${DATA_FILES[kind].name}`, NEXT[kind]);
    // Rests of a crash, and a file that makes no sense, are not for us to clear away either.
    await Deno.writeTextFile(`${folder}/journal.tmp`, "rest");
    const damaged = kind === "dormantState" ? DATA_FILES.guardState : DATA_FILES.dormantState;
    await Deno.writeTextFile(`${folder}/${damaged.name}`, "{");
    if (Deno.build.os !== "windows") await Deno.chmod(folder, 0o750);
    await action(folder);
  });
}

/** The command is refused with the code, says why, and leaves the folder as it was. */
async function assertRefused(
  folder: string,
  args: readonly string[],
  said: readonly string[],
): Promise<void> {
  const before = await folderDigest(folder);
  const [code, output] = await outcome(args, FLAGS, folder);
  assert.equal(code, 1, output);
  for (const text of said) assert.ok(output.includes(text), `${text}: ${output}`);
  assert.equal(await folderDigest(folder), before, "nothing was changed");
}

for (
  const kind of [
    "directory",
    "guardState",
    "circuitBuildTimes",
    "dormantState",
    "consensus",
    "certificates",
  ] as const
) {
  const { name, version } = DATA_FILES[kind];
  Deno.test(`a newer ${name}: the client does not start, and changes nothing`, () =>
    withNext(kind, async (folder) => {
      const needed = kind === "directory" ? ", for which chive 9.9.0 is needed" : "";
      await assertRefused(folder, ["-f", `${folder}/torrc`], [
        `chive: the data directory ${folder} was written by a newer chive: ${name} has format ` +
        `version ${version + 1}${needed}, and this one reads up to ${version};`,
        "Use the chive that has written it, or a later one, or choose another data directory with " +
        "--data-dir",
      ]);
    }));
}

Deno.test("the other commands that open the data directory refuse it too", () =>
  withNext("guardState", async (folder) => {
    const state = `${folder}/state`;
    await Deno.writeTextFile(
      state,
      "Guard in=default rsa_id=0123456789ABCDEF0123456789ABCDEF01234567 nickname=a " +
        "sampled_on=2026-11-01T00:00:00\n",
    );
    const said = ["a newer chive: guard_state.json has format version", "--data-dir"];
    const torrc = ["-f", `${folder}/torrc`];
    await assertRefused(folder, ["import-state", state, "--replace", ...torrc], said);
    await assertRefused(folder, ["fetch", "http://web.example/", ...torrc], said);
    await assertRefused(folder, ["doctor", "--offline", ...torrc], said);
  }));
