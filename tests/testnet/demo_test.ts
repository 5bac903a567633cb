import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ChildProcess } from "../network/child_process.ts";
import { httpGet } from "../network/http_client.ts";
import { socks5Connect } from "../network/socks_client.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The longest that the demonstration may take, in ms. */
const TIMEOUT = 15_000;

/** Starts the demonstration as its task does, with the task's own permissions. */
async function startDemo(folder: string, ...args: string[]): Promise<ChildProcess> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const [deno, run, ...flags] = String(tasks.demo.command).split(" ");
  const script = flags.pop();
  assert.deepEqual([deno, run, script], ["deno", "run", "testnet/demo.ts"]);
  // In a folder of its own, so that what it leaves behind is seen.
  const command = `cd '${folder}' && exec "$@"`;
  return new ChildProcess("the demonstration", [
    ...["sh", "-c", command, "sh", Deno.execPath(), run] as const,
    ...["--config", `${ROOT}deno.json`, ...flags, `${ROOT}${script}`, ...args],
  ]);
}

async function inFolder(action: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "chive-demo-" });
  try {
    await action(folder);
    assert.deepEqual([...Deno.readDirSync(folder)], [], "nothing is left of it");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "the demonstration shows three relays that carried a file, and ends",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      await using demo = await startDemo(folder);
      await demo.line(/-> exit\d .*knows the web server, but not you/, TIMEOUT);
      assert.match(demo.log, /-> guard\d /);
      assert.match(demo.log, /-> middle\d /);
      assert.match(demo.log, /4000000 bytes .*\n.*is what the server sent/);
      assert.equal((await demo.ended).code, 0);
    }),
});

Deno.test({
  name: "the demonstration stays up on request, for other programs too",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      await using demo = await startDemo(folder, "--keep");
      const [, hostname, port, webPort] = await demo.line(
        /curl --socks5-hostname ([\d.]+):(\d+) http:\/\/web\.demo\.example:(\d+)\//,
        TIMEOUT,
      );
      const socks = { hostname, port: Number(port) };
      using conn = await socks5Connect(socks, {
        hostname: "web.demo.example",
        port: Number(webPort),
      });
      assert.equal((await httpGet(conn, "/file")).length, 4_000_000);
      demo.signal("SIGINT");
      assert.equal((await demo.ended).code, 0);
    }),
});
