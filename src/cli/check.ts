/**
 * `check`: what the lines of a torrc do, and all that is wrong with them.
 *
 * @module
 */
import { ConfigError, describeOrigin } from "../config/errors.ts";
import { type CheckedConfiguration, checkLines } from "./checked_lines.ts";
import type { CommandArguments } from "./command_arguments.ts";
import { readConfigFile, USUAL_FILE } from "./command_line.ts";
import { ExitCode, print } from "./exit_code.ts";

/**
 * Does it, and prints what was found.
 *
 * @returns the exit code
 * @throws ConfigError for a file that cannot be read
 */
export function check({ options }: CommandArguments): number {
  const read = readConfigFile(options, Deno.readTextFileSync);
  if (read === undefined && options.file === undefined && options.lines.length === 0) {
    throw new ConfigError(
      "config-unreadable",
      `There is nothing to check: no '${USUAL_FILE}' in the current folder that may be read. Name a ` +
        "file with -f, or give options",
    );
  }
  const found = checkLines(read, options.lines);
  print(checkText(found));
  return faultsOf(found) === 0 ? ExitCode.Done : ExitCode.BadOptions;
}

function faultsOf({ lines, faults }: CheckedConfiguration): number {
  return faults.length + lines.filter(({ fault }) => fault !== undefined).length;
}

/** What was found, for people. */
export function checkText(found: CheckedConfiguration): string {
  const { lines, faults, remarks } = found;
  const count = faultsOf(found);
  const text = [
    ...lines.flatMap(({ origin, written, fault, effect }) => [
      `${describeOrigin(origin)}: ${printable(written)}`,
      ...fault !== undefined
        ? [`    WRONG: ${printable(fault)}`]
        : effect !== ""
        ? [`    ${effect}`]
        : [],
    ]),
    ...faults.map((fault) => `WRONG: ${printable(fault)}`),
    ...remarks.map((remark) => `Note: ${printable(remark)}`),
    count === 0
      ? "The configuration is valid."
      : count === 1
      ? "There is 1 mistake; nothing would be started."
      : `There are ${count} mistakes; nothing would be started.`,
  ];
  return text.join("\n") + "\n";
}

/** A file may contain what commands a terminal. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, "?");
}
