import assert from "node:assert/strict";
import { prepareSocketPlace, removeSocket } from "../../src/state/socket_place.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("folders are created within the data directory alone, for the owner alone", async () => {
  await inFolder(async (folder) => {
    const data = `${folder}/data`;
    assert.equal(await prepareSocketPlace(`${data}/a/./b//socks`, `${data}/`), undefined);
    for (const made of [`${data}/a`, `${data}/a/b`]) {
      assert.equal((await Deno.stat(made)).mode, 0o40700, made);
    }
    for (const outside of [`${folder}/other/socks`, `${data}-2/socks`, `${data}/../other/socks`]) {
      const problem = await prepareSocketPlace(outside, data);
      assert.equal(problem?.kind, "unusable", outside);
    }
    await assert.rejects(Deno.stat(`${folder}/other`), Deno.errors.NotFound);
    assert.equal(await prepareSocketPlace(`${folder}/socks`, data), undefined);
  });
});

Deno.test("a folder that others may use, or that is none, is not used", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/open`);
    await Deno.chmod(`${folder}/open`, 0o710);
    assert.equal((await prepareSocketPlace(`${folder}/open/s`, folder))?.kind, "not-private");
    await Deno.symlink(folder, `${folder}/link`);
    assert.equal((await prepareSocketPlace(`${folder}/link/s`, "data"))?.kind, "unusable");
  });
});

Deno.test("removeSocket leaves everything else alone", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    assert.equal(await removeSocket(`${folder}/file`), false);
    using _listener = Deno.listen({ transport: "unix", path: `${folder}/socket` });
    assert.equal(await removeSocket(`${folder}/socket`), true);
    await assert.rejects(Deno.lstat(`${folder}/socket`), Deno.errors.NotFound);
    await assert.rejects(removeSocket(`${folder}/socket`), Deno.errors.NotFound);
  });
});
