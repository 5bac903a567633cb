/** What `deno compile` is told, and what it puts into the executable. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import project from "../../deno.json" with { type: "json" };
import { isTargetName } from "../../scripts/build_targets.ts";
import {
  bundleArguments,
  compileArguments,
  isRuntimeMissing,
} from "../../scripts/compile_command.ts";
import { inFolder, ROOT, runTask } from "./project_task.ts";

const NAME = `chive-${project.version}`;

/** A small program of this system, to build upon where the runtime itself cannot be had. */
const BASE = "/bin/true";

/** How the names of packages' files begin in Deno's cache. */
const CACHE = "registry.npmjs.org/";

Deno.test("the commands name no path but the output: the rest is meant from where they run", () => {
  const args = compileArguments("x86_64-unknown-linux-gnu", "/out/chive", {});
  assert.deepEqual(args.filter((arg) => arg.includes("/") && !arg.includes("./")), [
    "--output=/out/chive",
  ]);
  assert.deepEqual(args.slice(-4), [
    "--target=x86_64-unknown-linux-gnu",
    "--app-name=chive",
    "--output=/out/chive",
    "start.js",
  ]);
  assert.ok(args.includes("--no-code-cache"), "it would be written beside the data directory");
  assert.ok(!bundleArguments("program").some((arg) => arg.includes("/")));
});

Deno.test("the data directory of the build is the one that is permitted", () => {
  const args = compileArguments("x86_64-pc-windows-msvc", "chive.exe", { dataDirectory: "D:\\x" });
  assert.ok(args.includes("--allow-read=D:\\x,./torrc"));
  assert.ok(args.includes("--allow-write=D:\\x"));
});

Deno.test("a runtime that cannot be had is told from other failures", () => {
  const said = "error sending request for url (https://dl.deno.land/release/v2.9.6/denort-x.zip)";
  assert.equal(isRuntimeMissing(said), true);
  assert.equal(isRuntimeMissing("error: Module not found"), false);
});

Deno.test("wrong arguments end with 2 and build nothing", () =>
  inFolder(async (folder) => {
    const output = ["--output", `${folder}/out`];
    for (const args of [["--target", "pdp11"], ["--data-dir", "a,b"], ["--nonsense"]]) {
      const { code, stderr } = await runTask("compile", [...args, ...output]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /pdp11|a,b|nonsense/);
    }
    await assert.rejects(Deno.stat(`${folder}/out`), Deno.errors.NotFound);
  }));

Deno.test({
  name: "an executable has the permissions as they are written, and nothing of the machine",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (folder) => {
      const watched = ["src/runtime/build.ts", "deno.json", "deno.lock"];
      const before = await Promise.all(watched.map(textOf));
      const env = { DENORT_BIN: BASE, SOURCE_DATE_EPOCH: "1700000000" };
      const [one, other] = [`${folder}/one`, `${folder}/other`];
      const { code, stdout, stderr } = await runTask("compile", ["--output", one], env);
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`${NAME}-\\S+: \\d+\\.\\d MiB`));
      const { target } = Deno.build;
      assert.ok(isTargetName(target));
      const file = `${one}/${NAME}-${target}`;
      const bytes = await Deno.readFile(file);
      const text = new TextDecoder("latin1").decode(bytes);

      const metadata = JSON.parse(/\{"argv":\[\].*?"app_name":"chive"\}/.exec(text)?.[0] ?? "");
      const set = project.permissions.default;
      const { permissions } = metadata;
      assert.deepEqual(permissions.allow_net, []);
      assert.deepEqual(permissions.allow_read, set.read);
      assert.deepEqual(permissions.allow_write, set.write);
      assert.deepEqual(permissions.allow_env, set.env);
      for (const kind of ["sys", "run", "ffi", "import"]) {
        assert.deepEqual(permissions[`deny_${kind}`], [], `${kind} is denied`);
        if (kind !== "import") assert.equal(permissions[`allow_${kind}`], null);
      }
      assert.equal(permissions.prompt, false);
      assert.deepEqual(metadata.unsafely_ignore_certificate_errors, ["192.0.2.1"]);
      assert.ok(metadata.v8_flags.includes("--max-semi-space-size=1"));

      const places = [ROOT, folder, "chive-build-", Deno.execPath(), Deno.env.get("HOME"), CACHE];
      for (const place of places) {
        if (place !== undefined && place.length > 1) assert.ok(!text.includes(place), place);
      }
      assert.ok(text.includes("2023-11-14T22:13:20Z"), "the date is that of SOURCE_DATE_EPOCH");

      await checkSums(one, [`${NAME}-${target}`, `${NAME}.cdx.json`, `${NAME}.licenses.txt`]);
      const bill = JSON.parse(await Deno.readTextFile(`${one}/${NAME}.cdx.json`));
      const names = bill.components.map(({ name }: { name: string }) => name);
      assert.ok(names.includes("undici") && names.includes("deno"));
      assert.ok(!names.includes("fast-check"), "what tests need is not in it");

      assert.equal((await runTask("compile", ["--output", other], env)).code, 0);
      assert.deepEqual(await Deno.readFile(`${other}/${NAME}-${target}`), bytes);
      assert.deepEqual(
        await Deno.readTextFile(`${other}/SHA256SUMS`),
        await Deno.readTextFile(`${one}/SHA256SUMS`),
      );
      assert.deepEqual(await Promise.all(watched.map(textOf)), before);
    }),
});

Deno.test({
  name: "a runtime that cannot be used fails with what was said, and leaves nothing",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (folder) => {
      const env = { DENORT_BIN: `${folder}/missing` };
      const { code, stderr } = await runTask("compile", ["--output", `${folder}/out`], env);
      assert.equal(code, 1);
      assert.match(stderr, /deno compile failed:\n[^]*missing/);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(`${folder}/out`)), []);
    }),
});

/** Checks that exactly these files are named in SHA256SUMS, with their digests. */
async function checkSums(folder: string, names: readonly string[]): Promise<void> {
  const lines = await Promise.all(names.map(async (name) => {
    const digest = createHash("sha256").update(await Deno.readFile(`${folder}/${name}`));
    return `${digest.digest("hex")}  ${name}\n`;
  }));
  assert.equal(await Deno.readTextFile(`${folder}/SHA256SUMS`), lines.join(""));
}

function textOf(path: string): Promise<string> {
  return Deno.readTextFile(`${ROOT}/${path}`);
}
