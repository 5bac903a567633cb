/**
 * Messages of DNS as an application writes and reads them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import dnsPacket from "dns-packet";

/** What a response says, as far as tests look at it. */
export interface DnsResponse {
  readonly id: number;
  readonly rcode: string;
  readonly flag_ra: boolean;
  readonly flag_rd: boolean;
  readonly questions: readonly { readonly name: string; readonly type: string }[];
  readonly answers: readonly {
    readonly name: string;
    readonly type: string;
    readonly ttl: number;
    readonly data: string;
  }[];
}

/** A query of one question, with recursion desired. */
export function dnsQuery(type: string, name: string, id = 1): Uint8Array<ArrayBuffer> {
  return dnsQueries([{ type, name }], id);
}

/** A query of several questions, with recursion desired. */
export function dnsQueries(
  questions: readonly { type: string; name: string; class?: string }[],
  id = 1,
): Uint8Array<ArrayBuffer> {
  const bytes: Uint8Array = dnsPacket.encode({
    type: "query",
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions,
  });
  return Uint8Array.from(bytes);
}

/** Reads a response. */
export function readResponse(bytes: Uint8Array): DnsResponse {
  return dnsPacket.decode(Buffer.from(bytes));
}

/** A message with its length before it, as it goes over TCP. */
export function framed(message: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(message.length >> 8, message.length & 255, ...message);
}
