import assert from "node:assert/strict";
import { DocumentReader } from "../../src/netdoc/document.ts";
import { encode, object } from "../../testnet/document_writer.ts";
import { assertNetdocError } from "./netdoc_error.ts";

/** Reads all of a document; returns what its items are. */
function readAll(text: string) {
  const bytes = encode(text);
  const reader = new DocumentReader(bytes);
  const items = [];
  while (reader.next()) {
    items.push({
      keyword: reader.keyword(),
      arguments: reader.arguments(),
      rest: reader.rest(),
      object: reader.object(),
      text: new TextDecoder().decode(bytes.subarray(reader.start, reader.end)),
    });
  }
  return items;
}

Deno.test("items have a keyword, arguments and their exact text", () => {
  const first = "first one  two\tthree \n";
  const second = "second\n";
  assert.deepEqual(readAll(`${first}\n\n${second}`), [
    {
      keyword: "first",
      arguments: ["one", "two", "three"],
      rest: "one  two\tthree",
      object: undefined,
      text: first,
    },
    { keyword: "second", arguments: [], rest: "", object: undefined, text: second },
  ]);
});

Deno.test("an object belongs to the item before it", () => {
  const bytes = new Uint8Array(200).fill(0xa5);
  const key = `key\n${object("SOME KEY", bytes)}`;
  const items = readAll(`${key}next 1\n`);
  assert.equal(items.length, 2);
  assert.deepEqual(items[0].object, { type: "SOME KEY", bytes });
  assert.equal(items[0].text, key);
  assert.equal(items[1].object, undefined);
});

Deno.test("only the range that is given is read", () => {
  const text = "one 1\ntwo 2\nthree 3\n";
  const reader = new DocumentReader(encode(text), 6, 12);
  assert.equal(reader.next(), true);
  assert.equal(reader.keyword(), "two");
  assert.deepEqual([reader.start, reader.keywordEnd, reader.lineEnd, reader.end], [6, 9, 12, 12]);
  assert.equal(reader.next(), false);
  assert.equal(reader.keyword(), "");
});

Deno.test("texts are read whole, however long", () => {
  const long = "x".repeat(100_000);
  assert.equal(readAll(`word ${long}\n`)[0].rest, long);
});

Deno.test("a document that ends inside a line is refused", () => {
  assertNetdocError("document-cut-off", () => readAll("one 1\ntwo"));
  assert.deepEqual(readAll(""), []);
});

Deno.test("lines without keyword are refused", () => {
  for (const text of [" word\n", "\tword\n", "-----BEGIN X-----\n", "one\n \n"]) {
    assertNetdocError("document-malformed", () => readAll(text));
  }
});

Deno.test("objects that are not well formed are refused", () => {
  const malformed = [
    "key\n-----BEGIN X\nAAAA\n-----END X-----\n",
    "key\n-----BEGIN -----\nAAAA\n-----END -----\n",
    "key\n-----START X-----\nAAAA\n-----END X-----\n",
    "key\n-----BEGIN X-----\nAAAA\n",
    "key\n-----BEGIN X-----\nAAAA\n-----END Y-----\n",
    "key\n-----BEGIN X-----\nAAAA\n-----END X----- \n",
    "key\n-----BEGIN X-----\nAA!A\n-----END X-----\n",
    "key\n-----BEGIN X-----\n-----BEGIN X-----\nAAAA\n-----END X-----\n",
  ];
  for (const text of malformed) assertNetdocError("document-malformed", () => readAll(text));
});

Deno.test("lines and objects have at most 128 KiB", () => {
  const limit = 128 * 1024;
  assert.equal(readAll(`${"k".repeat(limit)}\n`).length, 1);
  assertNetdocError("document-line-too-long", () => readAll(`${"k".repeat(limit + 1)}\n`));
  assertNetdocError("document-line-too-long", () => readAll(`word ${"x".repeat(limit)}\n`));
  const large = `key\n${object("X", new Uint8Array(limit))}`;
  assertNetdocError("document-object-too-long", () => readAll(large));
});

Deno.test("keywords are told apart from those that are like them", () => {
  const keywords = [
    "r",
    "rr",
    "pr",
    "p6",
    "id",
    "iD",
    "onion-key",
    "onion-kez",
    "p",
    "P",
    "family-ids",
  ];
  const reader = new DocumentReader(encode(keywords.map((keyword) => `${keyword} x\n`).join("")));
  const read: string[] = [];
  while (reader.next()) read.push(reader.keyword());
  assert.deepEqual(read, keywords);
});
