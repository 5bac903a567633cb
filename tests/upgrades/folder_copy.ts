/**
 * Copies of golden data directories, and what they are.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Copies the files of a folder into one that is created. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true, mode: 0o700 });
  for (const { name } of Deno.readDirSync(from)) {
    await Deno.writeFile(`${to}/${name}`, await Deno.readFile(`${from}/${name}`), { mode: 0o600 });
  }
}

/** Gives `action` a copy of the folder, which is gone afterwards. */
export async function withCopy(
  from: string,
  action: (copy: string) => Promise<void>,
): Promise<void> {
  const parent = await Deno.makeTempDir();
  try {
    await copyFolder(from, `${parent}/data`);
    await action(`${parent}/data`);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

/** One digest of a folder: of its mode, and of names, modes, times and bytes of its files. */
export async function folderDigest(folder: string): Promise<string> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();
  const hash = createHash("sha256").update(String((await Deno.stat(folder)).mode));
  for (const name of names) {
    const { mode, mtime } = await Deno.stat(`${folder}/${name}`);
    hash.update(JSON.stringify([name, mode, mtime]));
    hash.update(await Deno.readFile(`${folder}/${name}`));
  }
  return hash.digest("hex");
}
