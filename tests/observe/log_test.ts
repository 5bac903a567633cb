import assert from "node:assert/strict";
import { Logger, watchWarnings } from "../../src/observe/log.ts";

Deno.test("who watches is told of warnings and errors, whether or not they are written", () => {
  const log = new Logger("guard");
  const told: string[] = [];
  const forget = watchWarnings((level, category, text) =>
    void told.push(`${level} ${category} ${text}`)
  );
  log.debug("1");
  log.info("2");
  log.notice("3");
  log.warn("a {brace}");
  log.err("the end");
  forget();
  log.warn("unheard");
  assert.deepEqual(told, ["warn guard a {brace}", "err guard the end"]);
});
