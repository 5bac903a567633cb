/**
 * Writes the documents that are made from the tables of commands and options: the man page, and the
 * tables of options in docs/PRODUCTION.md. To be run after every change of those tables; tests check
 * that it was.
 *
 *     deno run --allow-read=docs --allow-write=docs scripts/make_documents.ts
 */
import { manPage } from "../src/cli/man_page.ts";
import { TABLE_BEGIN, TABLE_END, withOptionTables } from "../src/cli/option_table.ts";

const DOCS = new URL("../docs/", import.meta.url);
const PRODUCTION = new URL("PRODUCTION.md", DOCS);

/** What the document is where there is none yet. */
const NEW_DOCUMENT = `# Production\n\n## Options\n\n${TABLE_BEGIN}\n${TABLE_END}\n`;

await Deno.writeTextFile(new URL("chive.1", DOCS), manPage());
await Deno.writeTextFile(PRODUCTION, withOptionTables(await readProduction()));

async function readProduction(): Promise<string> {
  try {
    return await Deno.readTextFile(PRODUCTION);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return NEW_DOCUMENT;
    throw error;
  }
}
