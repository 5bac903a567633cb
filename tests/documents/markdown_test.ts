import assert from "node:assert/strict";
import { parseDocument } from "./markdown.ts";

const TEXT = `# A title: of it

See [there](docs/X.md#part) and [here](#a-title-of-it), with \`SocksPort\` and \`[no](link)\`.

<!-- not run by tests: it is
only an example -->

\`\`\`sh
# not a heading
curl \`a\`
\`\`\`

Text.

\`\`\`text
plain
\`\`\`
`;

Deno.test("a document's blocks have the comments right before them", () => {
  const { blocks } = parseDocument("X.md", TEXT);
  assert.deepEqual(blocks, [
    {
      language: "sh",
      text: "# not a heading\ncurl `a`",
      line: 8,
      comment: "not run by tests: it is only an example",
    },
    { language: "text", text: "plain", line: 15, comment: undefined },
  ]);
});

Deno.test("code, links and headings are those outside of blocks and code", () => {
  const { spans, links, anchors } = parseDocument("X.md", TEXT);
  assert.deepEqual(spans, [{ text: "SocksPort", line: 3 }, { text: "[no](link)", line: 3 }]);
  assert.deepEqual(links, [
    { target: "docs/X.md#part", line: 3 },
    { target: "#a-title-of-it", line: 3 },
  ]);
  assert.deepEqual([...anchors], ["a-title-of-it"]);
});

Deno.test("tables have a header and rows of cells", () => {
  const text = "| a | b |\n| --- | :-: |\n| `1` | x \\| y |\n\n| c |\n| - |\n";
  assert.deepEqual(parseDocument("X.md", text).tables, [
    { header: ["a", "b"], rows: [{ cells: ["`1`", "x \\| y"], line: 3 }] },
    { header: ["c"], rows: [] },
  ]);
});

Deno.test("a block that does not end is an error", () => {
  assert.throws(() => parseDocument("X.md", "text\n```sh\ncurl"), RangeError);
});
