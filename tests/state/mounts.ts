/** Children with disks of their own: a namespace for mounts, which root can make on Linux. */

/** Whether a child can have mounts of its own; tests that need them are skipped without. */
export const mayMount = await (async () => {
  try {
    const probe = "mount -t tmpfs tmpfs /tmp";
    const { success } = await new Deno.Command("unshare", {
      args: ["--mount", "sh", "-c", probe],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
})();

/** What a child wrote and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/**
 * Runs Deno with `args` and mounts of its own.
 *
 * @param folder as TMPDIR, and as $0 of the shell that mounts
 * @param mount a shell command
 */
export async function runWithMount(
  folder: string,
  mount: string,
  args: readonly string[],
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command("unshare", {
    args: [
      "--mount",
      "sh",
      "-c",
      `${mount} && exec "$@"`,
      folder,
      Deno.execPath(),
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      ...args,
    ],
    env: { TMPDIR: folder },
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout), errors: decoder.decode(stderr) };
}
