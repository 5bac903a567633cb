import assert from "node:assert/strict";
import { mayMount, runWithMount } from "../state/mounts.ts";
import type { DiskFullReport } from "./cache_disk_full_child.ts";

Deno.test({
  name: "a full disk is said once, and the directory goes on in memory (needs root)",
  ignore: !mayMount,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const { code, output, errors } = await runWithMount(
        folder,
        'mount -t tmpfs -o size=256k,mode=0700 tmpfs "$0"',
        ["--allow-all", new URL("cache_disk_full_child.ts", import.meta.url).pathname],
      );
      assert.equal(code, 0, errors);
      const report: DiskFullReport = JSON.parse(output);
      assert.equal(report.relays, 40);
      assert.equal(report.ready, true);
      assert.deepEqual(report.files, []);
      assert.equal(report.warnings.length, 1, report.warnings.join("\n"));
      assert.match(report.warnings[0], /no space left on the disk/);
      // What could not be saved was, as soon as there was room.
      assert.equal(report.saved, 40, report.notices.join("\n"));
      const again = report.notices.filter((line) => line.includes("can be written to again"));
      assert.equal(again.length, 1, report.notices.join("\n"));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
