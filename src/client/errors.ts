/**
 * What can go wrong in the use of a client as a library.
 *
 * @module
 */
import { type ErrorFacts, TorError } from "../errors/tor_error.ts";

/** The codes of {@link ClientError}. */
export type ClientErrorCode =
  | "client-stopped"
  | "fetch-scheme-refused"
  | "fetch-host-refused"
  | "fetch-certificate-refused";

const FACTS: Readonly<Record<ClientErrorCode, ErrorFacts>> = {
  "client-stopped": { retry: "never" },
  "fetch-scheme-refused": {
    retry: "never",
    advice: "Only addresses that begin with http: or https: are fetched through Tor.",
  },
  "fetch-host-refused": {
    retry: "never",
    advice: "192.0.2.1 is reserved for documentation, and chive uses it as a name for relays.",
  },
  "fetch-certificate-refused": {
    retry: "never",
    advice: "Whoever answers cannot prove to be this server. If it has an authority of its own, " +
      "give that in caCerts.",
  },
};

/** A call of the library that cannot be done. */
export class ClientError extends TorError<ClientErrorCode> {
  /**
   * Says what cannot be done.
   *
   * @param message for a log, without destinations or secrets
   */
  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
