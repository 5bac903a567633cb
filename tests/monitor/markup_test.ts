import assert from "node:assert/strict";
import { Markup, markup } from "../../src/monitor/markup.ts";

Deno.test("markup: text is escaped, markup is not", () => {
  const bold = markup`<b title="${`"x' & <y>`}">${1}</b>`;
  assert.equal(bold.text, '<b title="&quot;x&#39; &amp; &lt;y&gt;">1</b>');
  assert.equal(markup`${bold}|${[bold, new Markup("<i>")]}`.text, `${bold.text}|${bold.text}<i>`);
});
