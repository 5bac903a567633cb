/**
 * The options as tables of Markdown, and the place of these in a document.
 *
 * @module
 */
import { optionFacts, type OptionName } from "../config/options.ts";
import { OPTION_GROUPS } from "./option_groups.ts";
import { isReloadable } from "./reloadable_options.ts";

/** What stands before and after the tables in a document. */
export const TABLE_BEGIN = "<!-- options: made by scripts/make_documents.ts, do not edit -->";
export const TABLE_END = "<!-- end of options -->";

/** The tables, one for each group, as they stand between the marks. */
export function optionTables(): string {
  return OPTION_GROUPS.map(({ title, names }) =>
    [
      `### ${title}`,
      "",
      "| option | value | default | meaning |",
      "| ------ | ----- | ------- | ------- |",
      ...names.map(row),
    ].join("\n")
  ).join("\n\n");
}

/**
 * The document with the present tables between the marks.
 *
 * @throws RangeError where the marks are not in it, once each
 */
export function withOptionTables(document: string): string {
  const [before, rest, ...more] = document.split(TABLE_BEGIN);
  const [, after, ...others] = (rest ?? "").split(TABLE_END);
  if (after === undefined || more.length > 0 || others.length > 0) {
    throw new RangeError(`the document must have '${TABLE_BEGIN}' and '${TABLE_END}' once each`);
  }
  // The formatter leaves alone what follows its own mark.
  return `${before}${TABLE_BEGIN}\n\n<!-- deno-fmt-ignore-start -->\n\n${optionTables()}\n\n` +
    `<!-- deno-fmt-ignore-end -->\n\n${TABLE_END}${after}`;
}

function row(name: OptionName): string {
  const { argument, flags = [], otherNames = [], help, details } = optionFacts(name);
  const names = [name, ...flags].map((each) => `\`${each}\``).join(", ");
  const meaning = [
    help,
    ...details === undefined ? [] : [details],
    ...otherNames.length === 0 ? [] : [`Also called ${otherNames.join(", ")}.`],
    ...isReloadable(name) ? ["Changes with SIGHUP."] : [],
  ].join(" ");
  return `| ${[names, `\`${argument}\``, defaultOf(name), meaning].map(cell).join(" | ")} |`;
}

/** The default of an option for people: of test networks too where it is another one there. */
export function defaultOf(name: OptionName): string {
  const { default: usual, testingDefault } = optionFacts(name);
  if (usual === undefined) return "";
  return testingDefault === undefined || testingDefault === usual
    ? usual
    : `${usual} (test networks: ${testingDefault})`;
}

/** Markdown ends a cell at each bar, and reads signs in it. */
function cell(text: string): string {
  return text.split(/(`[^`]*`)/)
    .map((part) => part.startsWith("`") ? part : part.replace(/[<>*_[\]{}$]/g, "\\$&"))
    .join("").replaceAll("|", "\\|");
}
