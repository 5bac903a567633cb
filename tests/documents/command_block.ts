/**
 * What a test does with a block of commands.
 *
 * | block     | comment before it                     | what is done                                     |
 * | --------- | ------------------------------------- | ------------------------------------------------ |
 * | any       | `not run by tests: REASON`            | nothing                                          |
 * | `sh`      | `runs until it is stopped; then: TEXT` | run beside the blocks after it, once it says TEXT |
 * | `sh`      | none                                  | run to its end, which must be a good one         |
 * | `console` | none                                  | the same; it must print what stands there        |
 *
 * Commands in tables are such too: where the first column is called `command`, the last one is called
 * `in tests` and says `run`, or why it is not run.
 *
 * @module
 */
import type { CodeBlock, Document } from "./markdown.ts";

/** What is done with a block. */
export type CommandBlock =
  | { readonly kind: "skip"; readonly reason: string }
  | { readonly kind: "keep"; readonly script: string; readonly ready: string }
  | { readonly kind: "run"; readonly script: string }
  | { readonly kind: "compare"; readonly commands: readonly ShownCommand[] };

/** A command with what it prints. */
export interface ShownCommand {
  readonly script: string;
  /** Lines; `...` stands for any number of others. */
  readonly output: readonly string[];
}

const SKIPPED = "not run by tests: ";
const KEPT = "runs until it is stopped; then: ";
const LANGUAGES = ["sh", "bash", "shell", "console"];
/** Languages of blocks that are no commands; others are asked to be one of these. */
const OTHERS = ["ts", "text", "torrc", "yaml", "json", "ini"];

/**
 * Tells what is to be done with a block; `undefined` for one without commands.
 *
 * @throws RangeError for a block of no known language, or with a comment that says nothing
 */
export function readCommandBlock(block: CodeBlock): CommandBlock | undefined {
  const { language, text, comment } = block;
  if (!LANGUAGES.includes(language)) {
    if (OTHERS.includes(language)) return undefined;
    throw new RangeError(`a block must be of a language: ${[...LANGUAGES, ...OTHERS].join(", ")}`);
  }
  if (comment?.startsWith(SKIPPED)) {
    const reason = comment.slice(SKIPPED.length);
    if (reason.length < 10) throw new RangeError("the comment must say why it is not run");
    return { kind: "skip", reason };
  }
  if (comment?.startsWith(KEPT)) {
    return { kind: "keep", script: text, ready: comment.slice(KEPT.length) };
  }
  if (comment?.includes("tests")) throw new RangeError(`what is meant by '${comment}'?`);
  if (language !== "console") return { kind: "run", script: text };
  return { kind: "compare", commands: shownCommands(text) };
}

/** A command of a document, and where it stands. */
export interface PlacedCommand {
  readonly line: number;
  readonly command: CommandBlock;
}

/**
 * What is to be done with all commands of a document, in their order.
 *
 * @throws RangeError with the place, where a block or a table does not say it
 */
export function commandsOf({ path, blocks, tables }: Document): readonly PlacedCommand[] {
  const found: PlacedCommand[] = [];
  const note = (line: number, read: () => CommandBlock | undefined) => {
    try {
      const command = read();
      if (command !== undefined) found.push({ line, command });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new RangeError(`${path}, line ${line}: ${error.message}`);
    }
  };
  for (const block of blocks) note(block.line, () => readCommandBlock(block));
  for (const { header, rows } of tables) {
    if (header[0] !== "command") continue;
    for (const { cells, line } of rows) {
      note(line, () => readRow(cells[0], header.at(-1) === "in tests" ? cells.at(-1) : ""));
    }
  }
  return found.toSorted((a, b) => a.line - b.line);
}

function readRow(written: string, inTests = ""): CommandBlock {
  const [, script] = /^`([^`]+)`$/.exec(written) ?? [];
  if (script === undefined) throw new RangeError(`this is no command: ${written}`);
  if (inTests === "run") return { kind: "run", script };
  if (inTests.length < 10) throw new RangeError("the last column must say 'run', or why not");
  return { kind: "skip", reason: inTests };
}

function shownCommands(text: string): ShownCommand[] {
  const commands: { script: string; output: string[] }[] = [];
  let goesOn = false;
  for (const line of text.split("\n")) {
    const last = commands.at(-1);
    if (last !== undefined && goesOn) last.script += `\n${line}`;
    else if (line.startsWith("$ ")) commands.push({ script: line.slice(2), output: [] });
    else if (last === undefined) {
      throw new RangeError("the block must begin with '$ ' and a command");
    } else last.output.push(line);
    goesOn = line.endsWith("\\") && (goesOn || line.startsWith("$ "));
  }
  return commands;
}

/** What Deno says itself; documents leave it out. */
const OF_DENO = /^(Task \w+ deno |DANGER: TLS certificate validation )/;

/**
 * What is wrong with lines that a document shows, by what was really printed; `undefined` for
 * nothing. Numbers, fingerprints and times may be others, and empty lines do not count.
 */
export function differenceOf(shown: readonly string[], printed: string): string | undefined {
  const lines = printed.split("\n")
    .filter((line) => !OF_DENO.test(line) && line.trim() !== "")
    .map(withoutNumbers);
  let at = 0;
  let mayLeaveOut = false;
  for (const line of shown) {
    if (line.trim() === "") continue;
    if (line.trim() === "...") {
      mayLeaveOut = true;
      continue;
    }
    const found = lines.indexOf(withoutNumbers(line), at);
    if (found === -1) return `this was not printed: ${line}`;
    if (found > at && !mayLeaveOut) return `this was printed before '${line}': ${lines[at]}`;
    at = found + 1;
    mayLeaveOut = false;
  }
  return at === lines.length || mayLeaveOut ? undefined : `this was printed too: ${lines[at]}`;
}

const MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec";

function withoutNumbers(line: string): string {
  return line
    .replaceAll(/\$[0-9A-F]{8,40}/g, "$F")
    .replaceAll(new RegExp(`\\b(${MONTHS}) `, "g"), "MONTH ")
    .replaceAll(/\d+([.,:]\d+)*/g, "N")
    .replaceAll("just now", "N s ago")
    .replaceAll(/\bN (B|kB|MB|ms|s|min|h)\b/g, "N UNIT")
    .replaceAll(/ +/g, " ").trim();
}
