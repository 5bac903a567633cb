import assert from "node:assert/strict";
import { isUnixSocketServed, listenUnix } from "../../src/runtime/unix_socket.ts";

Deno.test("a Unix socket is served until it is closed, and then is gone", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/socket`;
    assert.equal(await isUnixSocketServed(path), false);
    const listener = listenUnix(path);
    assert.throws(() => listenUnix(path), Deno.errors.AddrInUse);
    assert.equal(await isUnixSocketServed(path), true);
    listener.close();
    await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
    await Deno.writeTextFile(path, "");
    assert.equal(await isUnixSocketServed(path), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
