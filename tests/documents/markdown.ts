/**
 * What the documents consist of, as far as it can be checked: blocks of code with the comment before
 * them, pieces of code in sentences, links and headings.
 *
 * @module
 */

/** A block of code between fences. */
export interface CodeBlock {
  /** What stands behind the opening fence, such as `sh`; may be empty. */
  readonly language: string;
  readonly text: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /** The comment right before it, if there is one. */
  readonly comment: string | undefined;
}

/** Code in a sentence. */
export interface CodeSpan {
  readonly text: string;
  readonly line: number;
}

/** A link to another place in the documents, or elsewhere. */
export interface Link {
  readonly target: string;
  readonly line: number;
}

/** A table; cells are without the spaces around them. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly TableRow[];
}

/** A row of a table. */
export interface TableRow {
  readonly cells: readonly string[];
  readonly line: number;
}

/** A document of the project. */
export interface Document {
  /** From the project's folder, such as `docs/SECURITY.md`. */
  readonly path: string;
  readonly blocks: readonly CodeBlock[];
  readonly spans: readonly CodeSpan[];
  readonly tables: readonly Table[];
  readonly links: readonly Link[];
  /** What links can name behind `#`. */
  readonly anchors: ReadonlySet<string>;
}

const FENCE = /^\s*(```+)\s*(\S*)\s*$/;

/**
 * Reads a document.
 *
 * @throws RangeError for a block that does not end
 */
export function parseDocument(path: string, text: string): Document {
  const lines = text.split("\n");
  const blocks: CodeBlock[] = [];
  const spans: CodeSpan[] = [];
  const tables: { header: string[]; rows: TableRow[] }[] = [];
  const links: Link[] = [];
  const anchors = new Set<string>();
  for (let at = 0; at < lines.length; at++) {
    const opening = FENCE.exec(lines[at]);
    const line = at + 1;
    if (opening === null) {
      if (lines[at].startsWith("|")) {
        const cells = cellsOf(lines[at]);
        if (!lines[at - 1]?.startsWith("|")) tables.push({ header: cells, rows: [] });
        else if (!/^[| :-]+$/.test(lines[at])) tables.at(-1)?.rows.push({ cells, line });
      }
      const heading = /^#+ (.*)$/.exec(lines[at]);
      if (heading !== null) anchors.add(anchorOf(heading[1]));
      for (const [, code] of lines[at].matchAll(/`([^`]+)`/g)) spans.push({ text: code, line });
      const prose = lines[at].replaceAll(/`[^`]*`/g, "");
      for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) links.push({ target, line });
      continue;
    }
    const end = lines.findIndex((each, index) => index > at && each.trim() === opening[1]);
    if (end === -1) throw new RangeError(`${path}, line ${line}: the block does not end`);
    const comment = commentBefore(lines, at);
    blocks.push({
      language: opening[2],
      text: lines.slice(at + 1, end).join("\n"),
      line,
      comment,
    });
    at = end;
  }
  return { path, blocks, spans, tables, links, anchors };
}

/** A bar that is not escaped ends a cell. */
function cellsOf(row: string): string[] {
  return row.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim());
}

/** The comment that ends right before this line, blank lines aside. */
function commentBefore(lines: readonly string[], at: number): string | undefined {
  const before = lines.slice(0, at).join("\n").trimEnd();
  const start = before.lastIndexOf("<!--");
  if (start === -1 || before.indexOf("-->", start) !== before.length - 3) return undefined;
  return before.slice(start + 4, -3).replaceAll(/\s+/g, " ").trim();
}

/** As GitHub makes them: letters, digits, and a dash for each space. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}
