/** How people start chive, so that what is tested and measured is started the same way. */
import project from "../../deno.json" with { type: "json" };

/** What `deno task start` gives to `deno run`, but for permissions: those depend on the folders. */
export const START_FLAGS: readonly string[] = project.tasks.start.command.split(" ")
  .filter((word) => word.startsWith("-") && !word.startsWith("--allow-"));
