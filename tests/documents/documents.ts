/** The documents of the project. */
import { type Document, parseDocument } from "./markdown.ts";

/** The project's folder. */
export const PROJECT = new URL("../../", import.meta.url);

/** Where documents are: README.md and what these folders have. */
const FOLDERS = ["docs/", "deploy/"];

/** All of them. */
export async function readDocuments(): Promise<readonly Document[]> {
  const paths = ["README.md"];
  for (const folder of FOLDERS) {
    for await (const { name } of Deno.readDir(new URL(folder, PROJECT))) {
      if (name.endsWith(".md")) paths.push(folder + name);
    }
  }
  return await Promise.all(paths.toSorted().map(readDocument));
}

/** One of them, by its path from the project's folder. */
export async function readDocument(path: string): Promise<Document> {
  return parseDocument(path, await Deno.readTextFile(new URL(path, PROJECT)));
}
