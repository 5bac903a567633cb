import assert from "node:assert/strict";
import { checkTlsLaunch, TLS_LAUNCH_FLAG } from "../../src/channel/tls.ts";

const MODULE = new URL("../../src/channel/tls.ts", import.meta.url).href;

/** What the check says in a process that was started with these flags. */
async function launchedWith(...flags: string[]): Promise<string> {
  const code = `
    const { checkTlsLaunch } = await import(${JSON.stringify(MODULE)});
    console.log(await checkTlsLaunch().then(() => "accepted", (error) => error.code));
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", ...flags, code],
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("checkTlsLaunch: accepts the flag with its list alone", async () => {
  const [missing, bare, otherName, both, right] = await Promise.all([
    launchedWith(),
    launchedWith("--unsafely-ignore-certificate-errors"),
    launchedWith("--unsafely-ignore-certificate-errors=198.51.100.1"),
    launchedWith("--unsafely-ignore-certificate-errors=192.0.2.1,192.0.2.2"),
    launchedWith(TLS_LAUNCH_FLAG),
  ]);
  assert.equal(missing, "tls-flag-missing");
  assert.equal(bare, "tls-flag-unscoped");
  assert.equal(otherName, "tls-flag-missing");
  assert.equal(both, "tls-flag-unscoped");
  assert.equal(right, "accepted");
});

Deno.test("checkTlsLaunch: in this process, as often as wanted, nothing is left open", async () => {
  await checkTlsLaunch();
  await checkTlsLaunch();
});
