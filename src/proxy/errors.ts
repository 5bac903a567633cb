/**
 * What can go wrong when a door is opened, and what may not be asked for at one. A request that
 * makes no sense is no error of the client: it is a refusal, an ordinary outcome of reading it.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const FACTS = {
  "listen-address-in-use": {
    retry: "later",
    advice: "Another program uses this address: stop it, or choose another port.",
  },
  "listen-address-unavailable": {
    retry: "never",
    advice: "Use an address of this machine; 127.0.0.1 is the usual one.",
  },
  "listen-not-permitted": {
    retry: "never",
    advice: "Choose a port from 1024 up, and allow network access.",
  },
  "listen-socket-not-permitted": {
    retry: "never",
    advice: "In the data directory a socket needs no more permissions than that.",
  },
  "listen-socket-not-private": {
    retry: "never",
    advice: "Give the folder mode 0700, or put the socket into the data directory.",
  },
  "listen-socket-place-unusable": {
    retry: "never",
    advice: "Put the socket into the data directory, where nothing else has its name.",
  },
  "listen-failed": { retry: "later" },
  "virtual-address-unknown": { retry: "never" },
  "hostname-malformed": { retry: "never" },
  "exit-name-refused": { retry: "never" },
  "plaintext-port-refused": { retry: "never" },
  "name-refused": { retry: "never" },
} as const satisfies ErrorTable;

/** The codes of {@link ProxyError}. */
export type ProxyErrorCode = keyof typeof FACTS;

/** A door that could not be opened, or a request that the doors do not let through. */
export class ProxyError extends TorError<ProxyErrorCode> {
  /** What the process must exit with when a door could not be opened: its option is wrong. */
  readonly exitCode = 2;

  constructor(code: ProxyErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
