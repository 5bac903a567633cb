/**
 * Which of curl's exit codes goes with which failure, so that scripts need not learn others.
 *
 * @module
 */
import { TorError } from "../errors/tor_error.ts";
import { ExitCode } from "./exit_code.ts";

/** Of curl's, those that `fetch` ends with. */
export const FetchExitCode = {
  UrlMalformed: 3,
  HostUnknown: 6,
  Unreachable: 7,
  Partial: 18,
  HttpError: 22,
  Unwritable: 23,
  TimedOut: 28,
  TlsFailed: 35,
  TooManyRedirects: 47,
  ReceiveFailed: 56,
  CertificateRefused: 60,
  /** Of shells: 128 and the number of SIGINT. */
  Interrupted: 130,
} as const;

const BY_CODE: ReadonlyMap<string, number> = new Map([
  ["url-malformed", FetchExitCode.UrlMalformed],
  ["hostname-malformed", FetchExitCode.UrlMalformed],
  ["resolve-failed", FetchExitCode.HostUnknown],
  ["resolve-failed-for-now", FetchExitCode.HostUnknown],
  ["end-resolve-failed", FetchExitCode.HostUnknown],
  ["onion-unsupported", FetchExitCode.HostUnknown],
  ["exit-name-refused", FetchExitCode.HostUnknown],
  ["output-unwritable", FetchExitCode.Unwritable],
  ["fetch-too-slow", FetchExitCode.TimedOut],
  ["fetch-http-error", FetchExitCode.HttpError],
  ["fetch-interrupted", FetchExitCode.Interrupted],
  ["fetch-certificate-refused", FetchExitCode.CertificateRefused],
  ["end-timeout", FetchExitCode.TimedOut],
  ["stream-timeout", FetchExitCode.TimedOut],
  ["internal-address-refused", FetchExitCode.Unreachable],
  ["internal-answer-refused", FetchExitCode.Unreachable],
  ["target-refused", FetchExitCode.Unreachable],
  ["plaintext-port-refused", FetchExitCode.Unreachable],
  ["stream-circuit-closed", FetchExitCode.Unreachable],
  ["stream-closed", FetchExitCode.ReceiveFailed],
]);

/** What Deno's fetch says, in parts, from the most to the least telling. */
const BY_TEXT: readonly (readonly [RegExp, number])[] = [
  [/invalid peer certificate|UnknownIssuer|certificate/i, FetchExitCode.CertificateRefused],
  [/redirect/i, FetchExitCode.TooManyRedirects],
  [/handshake|\btls\b|InvalidContentType|received fatal alert/i, FetchExitCode.TlsFailed],
  [
    /before message (length|completed)|unexpected eof|incomplete|end of file|body from connection/i,
    FetchExitCode.Partial,
  ],
];

/**
 * The exit code for what went wrong.
 *
 * @param answered whether the head of the answer had come
 */
export function fetchExitCode(error: unknown, answered: boolean): number {
  if (error instanceof TorError) {
    if ("exitCode" in error && error.code.startsWith("config-")) return ExitCode.BadOptions;
    const known = BY_CODE.get(error.code);
    if (known !== undefined) return known;
    return error.code.startsWith("end-") ? FetchExitCode.Unreachable : ExitCode.Failed;
  }
  const text = messages(error);
  const [, code] = BY_TEXT.find(([pattern]) => pattern.test(text)) ?? [];
  if (code === FetchExitCode.Partial && !answered) return FetchExitCode.ReceiveFailed;
  return code ?? FetchExitCode.ReceiveFailed;
}

/** What an error says, and what caused it, without the URL. */
export function messages(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message.replace(/ for url \([^)]*\)/, "");
  return error.cause instanceof Error ? `${own}: ${messages(error.cause)}` : own;
}
