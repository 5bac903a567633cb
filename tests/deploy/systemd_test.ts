import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import { DEPLOY, readText, readTorrc } from "./deploy_files.ts";
import { hasTool, runTool } from "./installed_tool.ts";

const UNIT = "systemd/chive.service";
const TEXT = readText(UNIT);

/** The settings of a section, each with all of its values. */
function settingsOf(section: string): ReadonlyMap<string, readonly string[]> {
  const [, body = ""] = TEXT.split(`\n[${section}]\n`);
  const settings = new Map<string, string[]>();
  for (const line of body.split(/^\[/m)[0].split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    assert.ok(name, `no setting: ${line}`);
    settings.set(name, [...settings.get(name) ?? [], value]);
  }
  return settings;
}

const SERVICE = settingsOf("Service");

Deno.test("the unit starts the client, in the folder of its data, with the configuration beside it", () => {
  const [start, ...more] = SERVICE.get("ExecStart") ?? [];
  assert.deepEqual(more, []);
  const [executable, ...args] = start.split(" ");
  assert.equal(executable, "/usr/bin/chive");
  assert.ok(TEXT.includes(`# ` + `  install -m 0755 chive ${executable}\n`));
  const parsed = parseCommandLine(args, () => readText("systemd/torrc"));
  assert.equal(parsed.kind, "run");
  const [state] = SERVICE.get("StateDirectory") ?? [];
  assert.deepEqual(SERVICE.get("WorkingDirectory"), [`%S/${state}`]);
  assert.equal(readTorrc("systemd/torrc").dataDirectory, "./chive-data");
  const [copy] = SERVICE.get("ExecStartPre") ?? [];
  assert.match(copy, / \/etc\/chive\/torrc torrc$/);
  assert.deepEqual(SERVICE.get("ExecReload"), [copy, "/bin/kill -HUP $MAINPID"]);
});

Deno.test("the unit gives no rights", () => {
  const expected = {
    DynamicUser: "yes",
    ProtectSystem: "strict",
    CapabilityBoundingSet: "",
    NoNewPrivileges: "yes",
    // V8 would not start with yes.
    MemoryDenyWriteExecute: "no",
    User: undefined,
    ReadWritePaths: undefined,
  };
  for (const [name, value] of Object.entries(expected)) {
    assert.deepEqual(SERVICE.get(name), value === undefined ? undefined : [value], name);
  }
  assert.deepEqual(SERVICE.get("RestartPreventExitStatus"), ["2"]);
});

Deno.test({
  name: "systemd finds nothing wrong with the unit (needs systemd-analyze)",
  ignore: !await hasTool("systemd-analyze", "--version"),
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      // It wants executables to be there.
      const executable = `${folder}/chive`;
      await Deno.writeTextFile(executable, "", { mode: 0o755 });
      const unit = `${folder}/chive.service`;
      await Deno.writeTextFile(unit, TEXT.replace("=/usr/bin/chive", `=${executable}`));
      const { success, output, errors } = await runTool(
        "systemd-analyze",
        "verify",
        "--man=no",
        unit,
      );
      const said = `${output}${errors}`.split("\n").filter((line) => line.includes("chive"));
      assert.deepEqual([success, said], [true, []]);
      const security = ["security", "--offline=true", "--threshold=15", `${DEPLOY}${UNIT}`];
      const rated = await runTool("systemd-analyze", ...security);
      assert.ok(rated.success, `${rated.output}${rated.errors}`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
