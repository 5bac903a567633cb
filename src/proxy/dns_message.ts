/**
 * Messages of DNS (RFC 1035, section 4), as far as a server needs them that answers questions for
 * addresses and names. The codec is the package dns-packet; what it is given is checked before, and
 * what it throws does not get further.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import * as dnsPacket from "dns-packet";

/** What is used of the package, which says nothing of types itself. */
interface DnsCodec {
  decode(bytes: Buffer): unknown;
  readonly question: {
    readonly decode: {
      (bytes: Buffer, offset: number): { name: string; type: string; class: string };
      /** How many bytes the last question took. */
      readonly bytes: number;
    };
  };
  record(type: DnsType): { encode(value: string): Uint8Array };
}

const CODEC: DnsCodec = dnsPacket;

/** Length of a header, in bytes. */
const HEADER_LENGTH = 12;
/** The shortest question and the shortest record, in bytes. */
const SHORTEST_QUESTION = 5;
const SHORTEST_RECORD = 11;
/** Longest label of a name, in bytes. */
const LONGEST_LABEL = 63;
/** Longest name as text, in characters. */
const LONGEST_NAME = 253;

/** Bits of the header's flags. */
const Flag = { Response: 0x8000, RecursionAvailable: 0x0080 } as const;
/** Those of a query that its response has too: recursion desired, and checking disabled. */
const KEPT_FLAGS = 0x0110;
/** Where the kind of query stands; 0 is the usual one. */
const OPCODE = 0x7800;

/** How a query was answered (RFC 1035, section 4.1.1). */
export const DnsCode = {
  NoError: 0,
  FormatError: 1,
  ServerFailure: 2,
  NameError: 3,
  NotImplemented: 4,
  Refused: 5,
} as const;

/** One of the codes of responses. */
export type DnsCodeValue = typeof DnsCode[keyof typeof DnsCode];

/** The types of questions that can be answered, with their numbers. */
const TYPES = { A: 1, PTR: 12, AAAA: 28 } as const;

/** One of these types. */
export type DnsType = keyof typeof TYPES;

/** A question that can be answered. */
export interface DnsQuestion {
  readonly type: DnsType;
  /** As it was written, but without a final dot. */
  readonly name: string;
  /** Where it stands in its message. */
  readonly offset: number;
}

/** What a message asks. */
export type DnsQuery =
  /** Nothing: it is too short, or a response itself. */
  | { readonly kind: "ignored" }
  /** `asked` is the beginning of the message, as far as it is repeated in the response. */
  | { readonly kind: "malformed" | "unsupported" | "empty"; readonly asked: Uint8Array }
  | { readonly kind: "question"; readonly question: DnsQuestion; readonly asked: Uint8Array };

/** An answer to a question of the same type. */
export interface DnsAnswer {
  readonly question: DnsQuestion;
  /** An IP address, or a name. */
  readonly value: string;
  /** In seconds. */
  readonly ttl: number;
}

/**
 * Reads a query. As C tor does, of several questions the first one counts that can be answered.
 * Never throws.
 */
export function decodeQuery(bytes: Uint8Array): DnsQuery {
  if (bytes.length < HEADER_LENGTH) return { kind: "ignored" };
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = buffer.readUInt16BE(2);
  if ((flags & Flag.Response) !== 0) return { kind: "ignored" };
  const header = bytes.subarray(0, HEADER_LENGTH);
  if ((flags & OPCODE) !== 0) return { kind: "unsupported", asked: header };
  if (!mayHold(buffer)) return { kind: "malformed", asked: header };
  try {
    // All of it must make sense, also what is not looked at.
    CODEC.decode(buffer);
    return findQuestion(buffer, bytes);
  } catch {
    return { kind: "malformed", asked: header };
  }
}

/** Whether so many questions and records can be in so few bytes: the codec makes room for them. */
function mayHold(buffer: Buffer): boolean {
  const questions = buffer.readUInt16BE(4);
  const records = buffer.readUInt16BE(6) + buffer.readUInt16BE(8) + buffer.readUInt16BE(10);
  return HEADER_LENGTH + questions * SHORTEST_QUESTION + records * SHORTEST_RECORD <=
    buffer.length;
}

function findQuestion(buffer: Buffer, bytes: Uint8Array): DnsQuery {
  const count = buffer.readUInt16BE(4);
  let found: DnsQuestion | undefined;
  let offset = HEADER_LENGTH;
  for (let index = 0; index < count; index++) {
    const { name, type, class: kind } = CODEC.question.decode(buffer, offset);
    if (found === undefined && kind === "IN" && isDnsType(type)) found = { type, name, offset };
    offset += CODEC.question.decode.bytes;
  }
  const asked = bytes.subarray(0, offset);
  if (found !== undefined) return { kind: "question", question: found, asked };
  return { kind: count === 0 ? "empty" : "unsupported", asked };
}

function isDnsType(type: string): type is DnsType {
  return Object.hasOwn(TYPES, type);
}

/**
 * A response: the questions as they were, letter by letter, and the answer if there is one.
 *
 * | bytes | meaning                                                        |
 * | ----- | -------------------------------------------------------------- |
 * | 2     | the query's number                                             |
 * | 2     | flags: response, recursion available, those of the query, code |
 * | 2     | number of questions                                            |
 * | 2     | number of answers, 0 or 1                                      |
 * | 4     | 0: numbers of other records                                    |
 * | n     | questions                                                      |
 * | n     | the answer                                                     |
 *
 * @param asked of a {@link DnsQuery}
 * @throws RangeError for an answer that cannot be encoded
 */
export function encodeResponse(
  asked: Uint8Array,
  code: DnsCodeValue,
  answer?: DnsAnswer,
): Uint8Array {
  const record = answer === undefined ? new Uint8Array(0) : encodeAnswer(answer);
  const response = new Uint8Array(asked.length + record.length);
  response.set(asked);
  response.set(record, asked.length);
  const view = new DataView(response.buffer);
  const kept = view.getUint16(2) & (KEPT_FLAGS | OPCODE);
  view.setUint16(2, Flag.Response | Flag.RecursionAvailable | kept | code);
  if (asked.length === HEADER_LENGTH) view.setUint16(4, 0);
  view.setUint16(6, answer === undefined ? 0 : 1);
  view.setUint32(8, 0);
  return response;
}

/**
 * A record (RFC 1035, section 4.1.3):
 *
 * | bytes | meaning                                  |
 * | ----- | ---------------------------------------- |
 * | 2     | its name, as a pointer to the question's |
 * | 2     | type                                     |
 * | 2     | class, 1                                 |
 * | 4     | how many seconds it may be kept          |
 * | 2 + n | length of the data, data                 |
 */
function encodeAnswer({ question: { type, offset }, value, ttl }: DnsAnswer): Uint8Array {
  if (type === "PTR" && !isEncodableName(value)) throw new RangeError("not a name for DNS");
  // With the length before it.
  const data: Uint8Array = CODEC.record(type).encode(value);
  const record = new Uint8Array(10 + data.length);
  const view = new DataView(record.buffer);
  view.setUint16(0, 0xc000 | offset);
  view.setUint16(2, TYPES[type]);
  view.setUint16(4, 1);
  view.setUint32(6, ttl);
  record.set(data, 10);
  return record;
}

function isEncodableName(name: string): boolean {
  const labels = name.replace(/\.$/, "").split(".");
  return name.length <= LONGEST_NAME &&
    labels.every((label) => label.length <= LONGEST_LABEL && /^[\x21-\x7e]+$/.test(label));
}
