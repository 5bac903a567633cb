import assert from "node:assert/strict";
import {
  findMicrodescriptors,
  wholeLength,
  writeAnnotation,
} from "../../src/directory/microdescriptor_file.ts";
import { encode } from "./test_directory.ts";

const DATE = Date.UTC(2024, 4, 17, 17) / 1000;
const LINE = "@last-listed 2024-05-17 17:00:00\n";

/** The texts that are found, with their dates. */
function found(file: string): (readonly [string, number])[] {
  return [...findMicrodescriptors(encode(file))].map(({ start, end, lastListed }) =>
    [file.slice(start, end), lastListed] as const
  );
}

Deno.test("microdescriptors with their dates are found between annotations", () => {
  assert.deepEqual(found(""), []);
  assert.deepEqual(found(`${LINE}onion-key\na\nonion-key\nb\n@x\n${LINE}onion-key\nc\n${LINE}`), [
    ["onion-key\na\n", DATE],
    ["onion-key\nb\n", 0],
    ["onion-key\nc\n", DATE],
  ]);
});

Deno.test("what is torn spoils no other", () => {
  assert.deepEqual(found(`junk\n\0\0\n${LINE}onion-key\na\n`), [["onion-key\na\n", DATE]]);
  assert.deepEqual(found("onion-key\na\nonion-key\nb\nid ed2"), [
    ["onion-key\na\n", 0],
    ["onion-key\nb\n", 0],
  ]);
  assert.deepEqual(found("onion-key\na\nonion-k"), [["onion-key\na\n", 0]]);
  // A date that follows a torn line is lost, the microdescriptor is not.
  assert.deepEqual(found(`onion-key\na${LINE}onion-key\nb\n`)[1], ["onion-key\nb\n", 0]);
});

Deno.test("dates that make no sense are none", () => {
  const dates = ["2024-13-17 17:00:00", "2024-05-17T17:00:00", "1924-05-17 17:00:00"];
  for (const date of dates) {
    assert.deepEqual(found(`@last-listed ${date}\nonion-key\n`), [["onion-key\n", 0]], date);
  }
  assert.deepEqual(found(`@last-liszed 2024-05-17 17:00:00\nonion-key\n`), [["onion-key\n", 0]]);
  // More seconds than 32 bits have.
  assert.equal(found("@last-listed 9024-05-17 17:00:00\nonion-key\n")[0][1], 2 ** 32 - 1);
});

Deno.test("annotations are written as C tor writes them, and whole lines counted", () => {
  assert.equal(new TextDecoder().decode(writeAnnotation(DATE)), LINE);
  assert.deepEqual(["", "a", "a\n", "a\nb"].map((text) => wholeLength(encode(text))), [0, 0, 2, 2]);
});
