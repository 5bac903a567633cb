/**
 * Directory servers that lie, break off, stall or send too much.
 *
 * @module
 */
import {
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import { CellCommand } from "../../src/cell/command.ts";
import { type Clock, sleep } from "../../src/runtime/clock.ts";
import type { Misbehaviour } from "../behaviour.ts";
import type { DirectoryAnswer } from "../directory_http.ts";
import { encode } from "../document_writer.ts";

const MEGABYTE = 1024 * 1024;
/** What a reply of 100 MB says of itself, and what bombs grow to, in bytes. */
const HUGE = 100 * MEGABYTE;

type HttpAnswer = DirectoryAnswer & { readonly kind: "http" };
type Next = () => DirectoryAnswer | Promise<DirectoryAnswer>;

/** Answers with these bytes as they are. */
function raw(...pieces: readonly Uint8Array[]): DirectoryAnswer {
  return { kind: "raw", pieces };
}

/** Answers 200 with a body. */
function ok(body: Uint8Array, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return { kind: "http", status: "200 OK", headers, body };
}

/** The honest answer, of which misbehaviours change a part. */
async function honest(next: Next): Promise<HttpAnswer> {
  const answer = await next();
  if (answer.kind !== "http") throw new TypeError("the honest answer is not HTTP");
  return answer;
}

/** The honest answer's document without its compression. */
async function honestDocument(next: Next): Promise<Uint8Array> {
  const { headers, body } = await honest(next);
  switch (headers["Content-Encoding"]) {
    case "x-zstd":
      return zstdDecompressSync(body);
    case "gzip":
      return gunzipSync(body);
    case "deflate":
      return inflateSync(body);
    default:
      return body;
  }
}

/** Answers with another document, which is asked for at each request. */
export function anotherDocument(name: string, document: () => Uint8Array): Misbehaviour {
  return { name, answerDirectory: () => ok(document()) };
}

/** Answers with the honest document after a change of its text. */
export function changedText(name: string, change: (text: string) => string): Misbehaviour {
  return {
    name,
    answerDirectory: async (_request, next) => {
      const text = new TextDecoder().decode(await honestDocument(next));
      return ok(encode(change(text)));
    },
  };
}

/** Answers with an HTTP status and nothing else. */
export function status(line: string, headers: Readonly<Record<string, string>> = {}): Misbehaviour {
  return {
    name: line,
    answerDirectory: () => ({ kind: "http", status: line, headers, body: new Uint8Array(0) }),
  };
}

/** Ends the stream in the middle of the body. */
export const bodyCutOff: Misbehaviour = {
  name: "a body cut off",
  answerDirectory: async (_request, next) => {
    const answer = await honest(next);
    return { ...answer, body: answer.body.subarray(0, answer.body.length / 2) };
  },
};

/** Cuts the compressed document off, and announces no more than there is. */
export const compressionCutOff: Misbehaviour = {
  name: "compressed data cut off",
  answerDirectory: async (_request, next) => {
    const { body } = await honest(next);
    return ok(body.subarray(0, body.length - 10), { "Content-Length": `${body.length - 10}` });
  },
};

/** Announces a length that is wrong by so many bytes. */
export function wrongContentLength(difference: number): Misbehaviour {
  return {
    name: `a Content-Length wrong by ${difference}`,
    answerDirectory: async (_request, next) => {
      const answer = await honest(next);
      const length = `${answer.body.length + difference}`;
      return { ...answer, headers: { ...answer.headers, "Content-Length": length } };
    },
  };
}

/** Says two lengths, of which one is right. */
export const twoContentLengths: Misbehaviour = {
  name: "two Content-Lengths",
  answerDirectory: async (_request, next) => {
    const { body } = await honest(next);
    return ok(body, { "Content-Length": `${body.length}`, "content-length": "1" });
  },
};

/** One compressed document that grows to 100 MB. */
export const bomb: Misbehaviour = {
  name: "a compression bomb",
  answerDirectory: () => ok(deflateSync(new Uint8Array(HUGE))),
};

/** One compressed document that is no longer than certificates are, and grows to 10 MB. */
export const smallBomb: Misbehaviour = {
  name: "a small compression bomb",
  answerDirectory: () => ok(deflateSync(new Uint8Array(10 * MEGABYTE))),
};

/** Many compressed documents in a row, each small enough, which grow to 100 MB together. */
export function rowOfBombs(encoding: "gzip" | "deflate" | "x-zstd"): Misbehaviour {
  return {
    name: `a row of ${encoding} bombs`,
    answerDirectory: () => {
      const zeros = new Uint8Array(4 * MEGABYTE);
      const one = encoding === "gzip"
        ? gzipSync(zeros)
        : encoding === "deflate"
        ? deflateSync(zeros)
        : zstdCompressSync(zeros);
      const row = new Uint8Array(one.length * (HUGE / zeros.length));
      for (let at = 0; at < row.length; at += one.length) row.set(one, at);
      return ok(row);
    },
  };
}

/** Announces 100 MB. */
export const hugeAnnounced: Misbehaviour = {
  name: "100 MB announced",
  answerDirectory: () => ok(encode("network-status"), { "Content-Length": `${HUGE}` }),
};

/** Sends 100 MB, unannounced. */
export function hugeSent(onPiece: (sent: number) => void): Misbehaviour {
  return {
    name: "100 MB sent",
    answerDirectory: () => ({
      kind: "raw",
      pieces: function* () {
        yield encode("HTTP/1.0 200 OK\r\n\r\n");
        const piece = new Uint8Array(64 * 1024).fill(0x61);
        for (let sent = piece.length; sent <= HUGE; sent += piece.length) {
          onPiece(sent);
          yield piece;
        }
      }(),
    }),
  };
}

/** Sends no HTTP. */
export const notHttp: Misbehaviour = {
  name: "no HTTP",
  answerDirectory: () => raw(encode("220 mail.example ESMTP\r\n\r\n")),
};

/** Ends the stream without an answer. */
export const noAnswer: Misbehaviour = {
  name: "an end without an answer",
  answerDirectory: () => raw(),
};

/** Takes the request and is silent for ever. */
export const silence: Misbehaviour = {
  name: "silence",
  answerDirectory: () => ({
    kind: "raw",
    pieces: async function* () {
      await Promise.withResolvers<never>().promise;
      yield new Uint8Array(0);
    }(),
  }),
};

/**
 * Begins well, and then sends one byte a second.
 *
 * @param onByte called with each
 */
export function slowDrip(clock: Clock, onByte: () => void): Misbehaviour {
  return {
    name: "one byte a second",
    answerDirectory: () => ({
      kind: "raw",
      pieces: async function* () {
        yield encode("HTTP/1.0 200 OK\r\n\r\n");
        for (;;) {
          onByte();
          await sleep(clock, 1000);
          yield Uint8Array.of(0x61);
        }
      }(),
    }),
  };
}

/** Gives, of the microdescriptors that are asked for, only those that `isShown` picks. */
export function partialMicrodescriptors(isShown: (text: string) => boolean): Misbehaviour {
  return changedText(
    "only some microdescriptors",
    (text) => text.split(/^(?=onion-key\n)/m).filter(isShown).join(""),
  );
}

/** Begins to negotiate padding, which only clients do. */
export const paddingNegotiate: Misbehaviour = {
  name: "PADDING_NEGOTIATE from a relay",
  onChannelOpen: (link) => link.sendCell(0, CellCommand.PADDING_NEGOTIATE, Uint8Array.of(0, 2)),
};
