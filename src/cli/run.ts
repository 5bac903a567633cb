/**
 * What happens between the command line and the exit code. The code of a command is loaded when it
 * is asked for.
 *
 * @module
 */
import { type CommandLine, type OtherCommand, parseCommandLine } from "./command_line.ts";
import { ExitCode, print, reportFailure } from "./exit_code.ts";
import { versionLine } from "./version.ts";

/**
 * Does what the arguments ask for, until it is done or a signal ends it.
 *
 * @param args the arguments without the program's name
 * @returns the exit code
 */
export async function run(args: readonly string[]): Promise<number> {
  try {
    return await perform(parseCommandLine(args, Deno.readTextFileSync), args);
  } catch (error) {
    return reportFailure(error);
  }
}

async function perform(command: CommandLine, args: readonly string[]): Promise<number> {
  switch (command.kind) {
    case "help": {
      const { commandHelp, helpText } = await import("./help.ts");
      print(command.command === undefined ? helpText() : commandHelp(command.command));
      return ExitCode.Done;
    }
    case "version":
      print(`${versionLine()}\n`);
      return ExitCode.Done;
    case "verify":
      for (const line of [...command.warnings, ...command.notices]) print(`${line}\n`);
      print("The configuration is valid.\n");
      return ExitCode.Done;
    case "command":
      return await performOther(command.name, command.args);
    case "run": {
      const { runClient } = await import("./run_client.ts");
      return await runClient(command, args);
    }
  }
}

async function performOther(name: OtherCommand, args: readonly string[]): Promise<number> {
  const { parseCommandArguments } = await import("./command_arguments.ts");
  const read = parseCommandArguments(name, args);
  if (read.options.instead !== undefined) {
    const kind = read.options.instead;
    return await perform(kind === "help" ? { kind, command: name } : { kind }, args);
  }
  switch (name) {
    case "fetch":
      return await (await import("./fetch.ts")).fetchUrl(read);
    case "status":
      return await (await import("./status.ts")).showStatus(read);
    case "check":
      return (await import("./check.ts")).check(read);
    case "doctor":
      return await (await import("./doctor.ts")).examine(read);
    case "import-state":
      return await (await import("./import_state.ts")).importState(read);
    case "completion":
      return (await import("./completion.ts")).writeCompletion(read);
  }
}
