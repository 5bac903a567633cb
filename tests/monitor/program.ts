/**
 * Programs of other people that a test may need, and may have to do without.
 *
 * @module
 */

/** Whether a program can be started. */
export async function hasProgram(name: string): Promise<boolean> {
  try {
    await new Deno.Command(name, { args: ["--version"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** How a program ended, and what it said on both of its outputs. */
export interface ProgramResult {
  readonly code: number;
  readonly output: string;
}

/** Runs a program that gets `input`, to its end. */
export async function runProgram(
  name: string,
  args: readonly string[],
  input = "",
): Promise<ProgramResult> {
  const child = new Deno.Command(name, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
