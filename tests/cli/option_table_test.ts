import assert from "node:assert/strict";
import {
  optionTables,
  TABLE_BEGIN,
  TABLE_END,
  withOptionTables,
} from "../../src/cli/option_table.ts";
import { OPTION_NAMES } from "../../src/config/options.ts";

Deno.test("docs/PRODUCTION.md has the present options: scripts/make_documents.ts writes them", async () => {
  const document = await Deno.readTextFile(new URL("../../docs/PRODUCTION.md", import.meta.url));
  assert.equal(withOptionTables(document), document);
});

Deno.test("the tables have a row for every option", () => {
  const rows = optionTables().split("\n").filter((line) => line.startsWith("| `"));
  assert.equal(rows.length, OPTION_NAMES.length);
  for (const row of rows) {
    // A bar that is not escaped ends a cell.
    assert.equal(row.match(/(?<!\\)\|/g)?.length, 5, row);
  }
});

Deno.test("only what stands between the marks is replaced", () => {
  const document = `before\n${TABLE_BEGIN}\nformer text\n${TABLE_END}\nafter\n`;
  const fresh = withOptionTables(document);
  assert.ok(
    fresh.startsWith(`before\n${TABLE_BEGIN}\n`) && fresh.endsWith(`${TABLE_END}\nafter\n`),
  );
  assert.ok(!fresh.includes("former text") && fresh.includes("`SocksPort`"));
  assert.equal(withOptionTables(fresh), fresh);
});

Deno.test("a document without the marks, or with more of them, is refused", () => {
  for (const document of ["", TABLE_BEGIN, `${TABLE_END}${TABLE_BEGIN}`]) {
    assert.throws(() => withOptionTables(document), RangeError);
  }
  const once = `${TABLE_BEGIN}${TABLE_END}`;
  assert.throws(() => withOptionTables(once + once), RangeError);
});
