/**
 * Directory servers whose consensus diffs are wrong; whole consensuses they serve as they should.
 *
 * @module
 */
import { zstdCompressSync } from "node:zlib";
import type { Misbehaviour } from "../behaviour.ts";
import { encode } from "../document_writer.ts";
import { changedText } from "./directory.ts";

/** What a server does to the text of an honest diff. */
export interface DiffLie {
  readonly name: string;
  readonly change: (diff: string) => string;
}

/** The two lines before the commands. */
const HEAD = /^network-status-diff-version 1\nhash \S+ \S+\n/;

/** The commands of the diff are others. */
function commands(name: string, text: string): DiffLie {
  return { name, change: (diff) => `${HEAD.exec(diff)?.[0] ?? ""}${text}` };
}

/** Each breaks another rule; none gives the consensus that it promises. */
export const DIFF_LIES: readonly DiffLie[] = [
  {
    name: "a wrong base",
    change: (diff) => diff.replace(/^hash \S+/m, `hash ${"0".repeat(64)}`),
  },
  {
    name: "a wrong result",
    change: (diff) => `${diff}0a\nx\n.\n`,
  },
  {
    name: "a wrong digest of the result",
    change: (diff) => diff.replace(/^(hash \S+) \S+/m, `$1 ${"0".repeat(64)}`),
  },
  commands("commands out of order", "1d\n2d\n"),
  commands("commands that overlap", "5,9d\n7d\n"),
  commands("lines out of range", "4000000d\n"),
  commands("huge line numbers", `${"9".repeat(100)}d\n`),
  commands("a line zero", "0d\n"),
  commands("a command of ed that diffs have not", "1s/microdesc/ns/\n"),
  commands("a command that runs another program", "!id\n"),
  commands("a block without end", "1a\nx\n"),
  commands("nothing in it", ""),
  { name: "another version", change: (diff) => diff.replace("version 1", "version 2") },
  { name: "no digests", change: (diff) => diff.replace(/^hash .*$/m, "hash") },
  { name: "a last line that is cut off", change: (diff) => diff.slice(0, -3) },
];

/** Lies in diffs alone. */
export function lyingDiff({ name, change }: DiffLie): Misbehaviour {
  return changedText(
    `a consensus diff with ${name}`,
    (text) => text.startsWith("network-status-diff-version") ? change(text) : text,
  );
}

/** A diff that grows to 100 MB. */
export const diffBomb: Misbehaviour = {
  name: "a consensus diff that is a bomb",
  answerDirectory: (request, next) => {
    if (!request.headers.has("x-or-diff-from-consensus")) return next();
    const text = `network-status-diff-version 1\n${"0a\nx\n.\n".repeat(12_500_000)}`;
    return { kind: "http", status: "200 OK", headers: {}, body: zstdCompressSync(encode(text)) };
  },
};
