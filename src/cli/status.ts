/**
 * `status`: how a running client is.
 *
 * @module
 */
import type { ConfigLine } from "../config/torrc.ts";
import { systemRuntime } from "../runtime/runtime.ts";
import { TorError } from "../errors/tor_error.ts";
import { readStatus } from "../monitor/status_schema.ts";
import type { CommandArguments } from "./command_arguments.ts";
import { configure } from "./command_line.ts";
import { CliError } from "./errors.ts";
import { errorLine, ExitCode, print, printError } from "./exit_code.ts";
import { requestStatus } from "./status_request.ts";
import { statusText } from "./status_text.ts";

/** The exit code where no client could be asked. */
const UNREACHABLE = 3;

/**
 * Asks the client and prints what it tells.
 *
 * @returns the exit code
 * @throws ConfigError for wrong options
 */
export async function showStatus({ flags, options }: CommandArguments): Promise<number> {
  const said = flags.get("--metrics")?.at(-1);
  const lines = said === undefined ? options.lines : [...options.lines, ...metricsPort(said)];
  const { config } = configure({ ...options, lines }, Deno.readTextFileSync);
  try {
    // One that the system chose is known to the client alone.
    const address = config.metrics.ports.find(({ port }) => port > 0);
    if (address === undefined) {
      throw new CliError("no-metrics-port", "It is not known where the client's MetricsPort is");
    }
    const text = await requestStatus(address, systemRuntime());
    const report = readStatus(text);
    print(flags.has("--json") ? text : statusText(report));
    return report.health.ready ? ExitCode.Done : ExitCode.Failed;
  } catch (error) {
    if (!(error instanceof TorError)) throw error;
    printError(errorLine(error));
    return exitCodeOf(error);
  }
}

function exitCodeOf({ code }: TorError): number {
  switch (code) {
    case "no-metrics-port":
      return ExitCode.BadOptions;
    case "client-starting":
      return ExitCode.Failed;
    default:
      return UNREACHABLE;
  }
}

/** The lines of the configuration that put this port in place of all others. */
function metricsPort(value: string): ConfigLine[] {
  const line = { name: "MetricsPort", origin: { file: undefined, line: undefined } };
  return [{ ...line, value: "", command: "reset" }, { ...line, value, command: "set" }];
}
