/**
 * What can go wrong when a door is opened. What an application gets wrong is no error of the
 * client: it is a {@link SocksRefusal}, an ordinary outcome of reading its request.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const FACTS = {
  "listen-address-in-use": {
    retry: "later",
    advice: "Another program uses this port: stop it, or choose another port with --SocksPort.",
  },
  "listen-address-unavailable": {
    retry: "never",
    advice: "Use an address of this machine in --SocksPort; 127.0.0.1 is the usual one.",
  },
  "listen-not-permitted": {
    retry: "never",
    advice: "Choose a port from 1024 up with --SocksPort, and allow network access.",
  },
  "listen-failed": { retry: "later" },
} as const satisfies ErrorTable;

/** The codes of {@link ProxyError}. */
export type ProxyErrorCode = keyof typeof FACTS;

/** A door could not be opened. */
export class ProxyError extends TorError<ProxyErrorCode> {
  constructor(code: ProxyErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
