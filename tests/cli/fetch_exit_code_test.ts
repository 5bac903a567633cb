import assert from "node:assert/strict";
import { CliError } from "../../src/cli/errors.ts";
import { fetchExitCode, messages } from "../../src/cli/fetch_exit_code.ts";
import { ClientError } from "../../src/client/errors.ts";
import { ConfigError } from "../../src/config/errors.ts";
import { StateError } from "../../src/state/errors.ts";
import { StreamError } from "../../src/stream/errors.ts";

/** What Deno's fetch throws, with the reason in a cause. */
function denied(reason: string): TypeError {
  return new TypeError("error sending request for url (https://secret.example/)", {
    cause: new Error(reason),
  });
}

const CODES: readonly (readonly [error: unknown, answered: boolean, code: number])[] = [
  [new CliError("url-malformed", "x"), false, 3],
  [new CliError("url-scheme-unsupported", "x"), false, 1],
  [new StreamError("resolve-failed", "x"), false, 6],
  [new StreamError("end-connection-refused", "x"), false, 7],
  [new StreamError("end-exit-policy", "x"), false, 7],
  [new StreamError("internal-address-refused", "x"), false, 7],
  [new StreamError("stream-timeout", "x"), false, 28],
  [new CliError("fetch-too-slow", "x"), false, 28],
  [new CliError("fetch-http-error", "x"), true, 22],
  [new CliError("output-unwritable", "x"), true, 23],
  [new CliError("fetch-interrupted", "x"), true, 130],
  [new ClientError("fetch-certificate-refused", "x"), false, 60],
  [new ClientError("fetch-scheme-refused", "x"), false, 1],
  [new StateError("data-directory-locked", "x"), false, 1],
  [new ConfigError("config-bad-value", "x"), false, 2],
  [denied("invalid peer certificate: UnknownIssuer"), false, 60],
  [denied("received fatal alert: HandshakeFailure"), false, 35],
  [denied("connection closed before message completed"), false, 56],
  [
    new TypeError(
      "error reading a body from connection: end of file before message length reached",
    ),
    true,
    18,
  ],
  [new TypeError("Maximum number of redirects (20) reached"), false, 47],
  [denied("something else"), false, 56],
  ["not an error", false, 56],
];

for (const [error, answered, code] of CODES) {
  Deno.test(`'${messages(error)}' ends with ${code}`, () => {
    assert.equal(fetchExitCode(error, answered), code);
  });
}

Deno.test("an error's text does not name the URL, which may be secret", () => {
  assert.equal(messages(denied("no")), "error sending request: no");
});
