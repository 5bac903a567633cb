/**
 * Tools that check what is in deploy/, where they are installed.
 *
 * @module
 */

/** How a tool ended, and what it wrote. */
export interface ToolOutcome {
  readonly success: boolean;
  readonly output: string;
  readonly errors: string;
}

/** Whether a tool is there: whether it can be run with these arguments. */
export async function hasTool(name: string, ...args: string[]): Promise<boolean> {
  try {
    return (await runTool(name, ...args)).success;
  } catch {
    return false;
  }
}

/** Runs it to its end. It is to look at files alone, so it is told of no cluster and no proxy. */
export async function runTool(name: string, ...args: string[]): Promise<ToolOutcome> {
  const env = { KUBECONFIG: "/nonexistent", SYSTEMD_COLORS: "0", SYSTEMD_PAGER: "cat" };
  const { success, stdout, stderr } = await new Deno.Command(name, { args, env }).output();
  const [output, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { success, output, errors };
}
