import assert from "node:assert/strict";
import { COMMAND_NAMES, commandFacts, writtenFlag } from "../../src/cli/commands.ts";
import { manPage } from "../../src/cli/man_page.ts";
import { OPTION_GROUPS } from "../../src/cli/option_groups.ts";
import { OPTION_NAMES } from "../../src/config/options.ts";
import { isInstalled } from "../network/child_process.ts";

const FILE = new URL("../../docs/chive.1", import.meta.url);

Deno.test("docs/chive.1 is the present man page: scripts/make_documents.ts writes it", async () => {
  assert.equal(await Deno.readTextFile(FILE), manPage());
});

Deno.test("every option is in one group", () => {
  const grouped = OPTION_GROUPS.flatMap(({ names }) => names);
  assert.deepEqual(grouped.toSorted(), OPTION_NAMES.toSorted());
});

Deno.test("the man page has every command, flag and option", () => {
  const page = manPage();
  const dashed = (text: string) => text.replaceAll("-", "\\-");
  for (const name of COMMAND_NAMES) {
    assert.ok(page.includes(`\n.SS ${dashed(name)}`), name);
    for (const flag of commandFacts(name).flags) {
      const written = dashed(writtenFlag(flag)).replaceAll("'", "\\(aq");
      assert.ok(page.includes(`\n.B ${written}\n`), flag.name);
    }
  }
  for (const name of OPTION_NAMES) assert.ok(page.includes(`\n.BR ${name} "`), name);
});

Deno.test("no line is taken for a request that is none", () => {
  for (const line of manPage().split("\n")) {
    assert.ok(!/^[.']/.test(line) || /^\.(TH|SH|SS|TP|PP|B|BR|I|br|\\") ?/.test(line), line);
  }
});

Deno.test({
  name: "man's own program finds no fault with it",
  ignore: !await isInstalled("mandoc"),
  fn: async () => {
    const { stdout } = await new Deno.Command("mandoc", {
      args: ["-T", "lint", "-W", "warning", FILE.pathname],
    }).output();
    // It has no date, so that it changes only when it says something else.
    const faults = new TextDecoder().decode(stdout).split("\n")
      .filter((line) => line !== "" && !line.includes("missing date"));
    assert.deepEqual(faults, []);
  },
});
