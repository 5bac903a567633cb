/**
 * A DNS server on loopback, for exits to ask, so that names work without any other network.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { ipv6Bytes } from "./socks_client.ts";

const Type = { A: 1, PTR: 12, AAAA: 28 } as const;
const ResponseCode = { NoError: 0, FormatError: 1, NameError: 3 } as const;

/** How long an answer may be kept, in seconds. */
const TIME_TO_LIVE = 3600;

/** An address, or for a name below in-addr.arpa the name of that address. */
export type DnsRecords = Readonly<Record<string, string>>;

/** The server; what it has no record of does not exist. */
export class DnsServer implements AsyncDisposable {
  /** `address:port`. */
  readonly address: string;
  readonly #socket: Socket;

  private constructor(socket: Socket, address: string) {
    this.#socket = socket;
    this.address = address;
  }

  /** Listens on any free UDP port of the address. Names in `records` are in lower case. */
  static async start(hostname: string, records: DnsRecords): Promise<DnsServer> {
    const socket = createSocket("udp4");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("error", reject);
    socket.bind(0, hostname, resolve);
    await promise;
    socket.on("message", (query: Buffer, from: RemoteInfo) => {
      const answer = answerTo(query, records);
      if (answer) socket.send(answer, from.port, from.address);
    });
    return new DnsServer(socket, `${hostname}:${socket.address().port}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

/** The answer to a query of one question; `undefined` when it has no header to answer. */
function answerTo(query: Uint8Array, records: DnsRecords): Uint8Array | undefined {
  if (query.length < 12) return undefined;
  const labels: string[] = [];
  let at = 12;
  for (;;) {
    const length = query[at++];
    if (length === 0) break;
    const label = query.subarray(at, at + length);
    // A name in a question is never compressed, so a length is under 64.
    if (length === undefined || length > 63 || label.length < length) {
      return message(query, 12, ResponseCode.FormatError);
    }
    labels.push(new TextDecoder().decode(label));
    at += length;
  }
  const questionEnd = at + 4;
  const type = query[at] * 256 + query[at + 1];
  const record = records[labels.join(".").toLowerCase()];
  if (record === undefined) return message(query, questionEnd, ResponseCode.NameError);
  const data = recordData(record, type);
  return message(query, questionEnd, ResponseCode.NoError, type, data);
}

/** The data of a record, if it is of that type. */
function recordData(record: string, type: number): Uint8Array | undefined {
  const isIPv6 = record.includes(":");
  const isIPv4 = /^[\d.]+$/.test(record);
  switch (type) {
    case Type.A:
      return isIPv4 ? Uint8Array.from(record.split("."), Number) : undefined;
    case Type.AAAA:
      return isIPv6 ? ipv6Bytes(record) : undefined;
    case Type.PTR:
      return isIPv4 || isIPv6 ? undefined : nameBytes(record);
    default:
      return undefined;
  }
}

function nameBytes(name: string): Uint8Array {
  const labels = name.split(".").map((label) => new TextEncoder().encode(label));
  return Uint8Array.from([...labels.flatMap((label) => [label.length, ...label]), 0]);
}

/** A response: the query's id and question, and at most one answer. */
function message(
  query: Uint8Array,
  questionEnd: number,
  code: number,
  type = 0,
  data?: Uint8Array,
): Uint8Array {
  const answer = data
    ? [
      // The name is the one at offset 12, the question's.
      ...[0xc0, 12],
      ...[type >> 8, type & 0xff],
      ...[0, 1],
      ...[0, 0, TIME_TO_LIVE >> 8, TIME_TO_LIVE & 0xff],
      ...[data.length >> 8, data.length & 0xff],
      ...data,
    ]
    : [];
  const questions = questionEnd > 12 ? 1 : 0;
  return Uint8Array.from([
    ...query.subarray(0, 2),
    // A response, authoritative, recursion desired and available.
    ...[0x85, 0x80 | code],
    ...[0, questions, 0, data ? 1 : 0, 0, 0, 0, 0],
    ...query.subarray(12, questionEnd),
    ...answer,
  ]);
}
