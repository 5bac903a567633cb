/**
 * Asks a running client at its MetricsPort, in the little of HTTP/1.0 that is needed for it.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "../runtime/network.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { CliError } from "./errors.ts";

/** The longest that an answer may take, in ms. */
const TIMEOUT = 10_000;
/** The longest answer that is read, in bytes; usual ones have some ten thousand. */
const LONGEST = 16 * 1024 * 1024;

/**
 * The text of `/status.json`.
 *
 * @throws CliError `client-unreachable`, `client-starting`, `client-refused`
 */
export async function requestStatus(
  address: SocketAddress,
  { network, clock }: Pick<Runtime, "network" | "clock">,
): Promise<string> {
  const where = formatAddress(address);
  const late = () => new DOMException("there was no answer within 10 seconds", "TimeoutError");
  try {
    const answer = await withDeadline(clock, TIMEOUT, late, undefined, async (signal) => {
      using conn = await network.connect(address, signal);
      signal.throwIfAborted();
      // Closing the connection is what ends a read that waits.
      using _closing = closeOnAbort(conn, signal);
      await writeAll(conn, `GET /status.json HTTP/1.0\r\nHost: ${where}\r\n\r\n`);
      return await readAll(conn, signal);
    });
    return bodyOf(answer, where);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError("client-unreachable", `No client answers at ${where}: ${reason}`, {
      cause: error,
    });
  }
}

function closeOnAbort(conn: Deno.TcpConn, signal: AbortSignal): Disposable {
  const onAbort = () => conn.close();
  signal.addEventListener("abort", onAbort, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", onAbort) };
}

async function writeAll(conn: Deno.TcpConn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

async function readAll(conn: Deno.TcpConn, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  let size = 0;
  try {
    for (let got = await conn.read(buffer); got !== null; got = await conn.read(buffer)) {
      size += got;
      if (size > LONGEST) throw new CliError("client-refused", "The answer does not end");
      text += decoder.decode(buffer.subarray(0, got), { stream: true });
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
  return text + decoder.decode();
}

function bodyOf(answer: string, where: string): string {
  const [head, ...body] = answer.split("\r\n\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})(?= |\r\n|$)/.exec(head)?.[1];
  if (status === "200") return body.join("\r\n\r\n");
  if (status === undefined) {
    throw new CliError("client-refused", `What listens at ${where} does not speak HTTP`);
  }
  if (status === "503") {
    throw new CliError("client-starting", `The client at ${where} is starting`);
  }
  // A short text says why; that of another program may be anything.
  const [why] = body.join(" ").split("\n");
  const told = /^[\x20-\x7e]{1,200}$/.test(why) ? `: ${why}` : "";
  throw new CliError("client-refused", `${where} answers with status ${status}${told}`);
}
