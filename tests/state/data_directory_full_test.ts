import assert from "node:assert/strict";
import { mayMount, runWithMount } from "./mounts.ts";

const WARNING = "warning Nothing can be saved in the data directory: no space left on the disk. " +
  "chive goes on with what it has in memory.";
const NOTICE = "info The data directory can be written to again.";

Deno.test({
  name: "on a full disk the files stay as they were, which is said once (needs root)",
  ignore: !mayMount,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const { code, output, errors } = await runWithMount(
        folder,
        'mount -t tmpfs -o size=64k,mode=0700 tmpfs "$0"',
        ["--allow-all", new URL("data_directory_full_child.ts", import.meta.url).pathname],
      );
      assert.equal(code, 0, errors);
      const reason = "no space left on the disk";
      assert.deepEqual(JSON.parse(output), {
        results: [
          "done",
          "done",
          `state-file-unwritable: cannot append to journal: ${reason}`,
          `state-file-unwritable: cannot write file: ${reason}`,
          "done",
          `state-file-unwritable: cannot append to journal: ${reason}`,
          "done",
        ],
        full: { journal: 32 * 1024, file: 4 * 1024 },
        fullLog: [WARNING],
        end: { journal: 40 * 1024, file: 1 },
        log: [WARNING, NOTICE],
        names: ["file", "journal", "lock"],
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
