/** The project's source, as documents speak of it. */
import { PROJECT } from "./documents.ts";

/** Folders whose names and messages documents may use. */
const FOLDERS = ["src", "testnet", "bench", "kernel", "scripts", "deploy"];

/** Names of units are in the last two. */
const SOURCE = /\.(ts|service|yaml)$/;

/** A file of the source. */
export interface SourceFile {
  /** From the project's folder. */
  readonly path: string;
  /** Strings that are put together of parts are whole in it. */
  readonly text: string;
  /** All names that occur in it. */
  readonly words: ReadonlySet<string>;
}

/** All files. */
export async function sourceFiles(): Promise<readonly SourceFile[]> {
  const files: SourceFile[] = [];
  for (const folder of FOLDERS) await collect(folder, files);
  return files;
}

async function collect(folder: string, files: SourceFile[]): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, PROJECT))) {
    const path = `${folder}/${name}`;
    if (isDirectory) await collect(path, files);
    else if (SOURCE.test(name)) {
      const written = await Deno.readTextFile(new URL(path, PROJECT));
      const text = written.replaceAll(/["`]\s*\+\s*["`]/g, "");
      files.push({ path, text, words: new Set(written.match(/\w+/g)) });
    }
  }
}
