/**
 * Directory documents as a sequence of items (dir-spec, "Document meta-format").
 *
 * ```text
 * keyword argument argument ...
 * -----BEGIN TYPE-----            an object may follow the line
 * base64
 * -----END TYPE-----
 * ```
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { NetdocError } from "./errors.ts";

const MAX_LINE_BYTES = 128 * 1024;
const MAX_OBJECT_BYTES = 128 * 1024;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const DASH = 0x2d;

const BEGIN = "-----BEGIN ";
const END = "-----END ";
const DASHES = "-----";

/** Keywords of the documents that there are thousands of. */
const FREQUENT_KEYWORDS = [
  ...["r", "a", "m", "s", "v", "pr", "w"],
  ...["onion-key", "ntor-onion-key", "family", "family-ids", "p", "id"],
] as const;

/** The same by their length and first letter, in which no two of them agree. */
const BY_LENGTH_AND_LETTER: ReadonlyMap<number, string> = new Map(
  FREQUENT_KEYWORDS.map((
    keyword,
  ) => [lengthAndLetter(keyword.length, keyword.charCodeAt(0)), keyword]),
);

/** The bytes of an object, with the word between "BEGIN" and the dashes. */
export interface DocumentObject {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Goes through a document item by item without building a list of them. After each
 * {@link DocumentReader.next} the getters speak of the item it moved to.
 *
 * Lines and objects have at most 128 KiB. The text is taken as Latin-1, which leaves the bytes of
 * UTF-8 text where they are; what matters to a client is ASCII.
 */
export class DocumentReader {
  readonly #bytes: Buffer;
  readonly #limit: number;
  #start: number;
  #keyword = "";
  #keywordEnd: number;
  #lineEnd: number;
  #end: number;

  /**
   * Reads `bytes` from `start` up to `limit`.
   *
   * @throws NetdocError document-cut-off unless the last byte ends a line
   */
  constructor(bytes: Uint8Array, start = 0, limit = bytes.length) {
    if (limit > start && bytes[limit - 1] !== NEWLINE) {
      throw new NetdocError("document-cut-off", "a directory document ends inside a line");
    }
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#limit = limit;
    this.#start = start;
    this.#keywordEnd = start;
    this.#lineEnd = start;
    this.#end = start;
  }

  /**
   * Moves to the next item; empty lines are passed over.
   *
   * @returns whether there is one
   * @throws NetdocError document-malformed, document-line-too-long, document-object-too-long
   */
  next(): boolean {
    const bytes = this.#bytes;
    let start = this.#end;
    while (start < this.#limit && bytes[start] === NEWLINE) start++;
    this.#start = start;
    if (start === this.#limit) {
      this.#keyword = "";
      this.#keywordEnd = this.#lineEnd = this.#end = start;
      return false;
    }
    const lineEnd = this.#endOfLine(start, start + MAX_LINE_BYTES);
    let keywordEnd = start;
    while (keywordEnd < lineEnd && !isBlank(bytes[keywordEnd])) keywordEnd++;
    if (keywordEnd === start || bytes[start] === DASH) {
      throw new NetdocError("document-malformed", "a line of a document has no keyword");
    }
    this.#keyword = keywordAt(bytes, start, keywordEnd);
    this.#keywordEnd = keywordEnd;
    this.#lineEnd = lineEnd;
    this.#end = lineEnd + 1;
    if (this.#end < this.#limit && bytes[this.#end] === DASH) this.#end = this.#endOfObject();
    return true;
  }

  /** The offset of the item's first byte. */
  get start(): number {
    return this.#start;
  }

  /** The offset just past the keyword, where the first space is if there are arguments. */
  get keywordEnd(): number {
    return this.#keywordEnd;
  }

  /** The offset just past the keyword line, its newline included. */
  get lineEnd(): number {
    return this.#lineEnd + 1;
  }

  /** The offset just past the item: its line, its newline and its object if it has one. */
  get end(): number {
    return this.#end;
  }

  /** The first word of the line; empty when there is no item any more. */
  keyword(): string {
    return this.#keyword;
  }

  /** The line after the keyword, without spaces and tabs at its ends. */
  rest(): string {
    let start = this.#keywordEnd;
    let end = this.#lineEnd;
    while (start < end && isBlank(this.#bytes[start])) start++;
    while (end > start && isBlank(this.#bytes[end - 1])) end--;
    return text(this.#bytes, start, end);
  }

  /** The words after the keyword. */
  arguments(): string[] {
    const words: string[] = [];
    const bytes = this.#bytes;
    let at = this.#keywordEnd;
    for (;;) {
      while (at < this.#lineEnd && isBlank(bytes[at])) at++;
      if (at === this.#lineEnd) return words;
      const start = at;
      while (at < this.#lineEnd && !isBlank(bytes[at])) at++;
      words.push(text(bytes, start, at));
    }
  }

  /**
   * Decodes the object that follows the line; `undefined` when none does.
   *
   * @throws NetdocError document-malformed when it is not base64
   */
  object(): DocumentObject | undefined {
    const beginLine = this.#lineEnd + 1;
    if (this.#end === beginLine) return undefined;
    const beginEnd = this.#endOfLine(beginLine, this.#end);
    const type = text(this.#bytes, beginLine + BEGIN.length, beginEnd - DASHES.length);
    const endLineBytes = END.length + type.length + DASHES.length + 1;
    const body = text(this.#bytes, beginEnd + 1, this.#end - endLineBytes);
    try {
      return { type, bytes: Uint8Array.fromBase64(body) };
    } catch (cause) {
      throw new NetdocError("document-malformed", "an object is not base64", { cause });
    }
  }

  /** The offset of the newline of the line that `from` is in, which must come before `limit`. */
  #endOfLine(from: number, limit: number): number {
    // The last byte is a newline, so that there is one.
    const at = this.#bytes.indexOf(NEWLINE, from);
    if (at > limit) {
      throw new NetdocError("document-line-too-long", "a line of a directory document is too long");
    }
    return at;
  }

  /** Finds the end of the object that starts where the line's text ends. */
  #endOfObject(): number {
    const bytes = this.#bytes;
    const begin = this.#lineEnd + 1;
    const beginEnd = this.#endOfLine(begin, begin + MAX_LINE_BYTES);
    const first = text(bytes, begin, beginEnd);
    if (
      !first.startsWith(BEGIN) || !first.endsWith(DASHES) ||
      first.length <= BEGIN.length + DASHES.length
    ) {
      throw new NetdocError("document-malformed", "an object does not begin properly");
    }
    const last = END + first.slice(BEGIN.length);
    let line = beginEnd + 1;
    while (line < this.#limit && bytes[line] !== DASH) {
      line = bytes.indexOf(NEWLINE, line) + 1;
      if (line - beginEnd > MAX_OBJECT_BYTES) {
        throw new NetdocError("document-object-too-long", "an object is too long");
      }
    }
    if (line >= this.#limit) {
      throw new NetdocError("document-malformed", "an object does not end");
    }
    const lineEnd = bytes.indexOf(NEWLINE, line);
    if (lineEnd - line !== last.length || text(bytes, line, lineEnd) !== last) {
      throw new NetdocError("document-malformed", "an object does not end as it began");
    }
    return lineEnd + 1;
  }
}

/** As {@link text}, without making a string of a frequent keyword. */
function keywordAt(bytes: Buffer, start: number, end: number): string {
  const keyword = BY_LENGTH_AND_LETTER.get(lengthAndLetter(end - start, bytes[start]));
  if (keyword === undefined) return text(bytes, start, end);
  for (let at = 1; at < keyword.length; at++) {
    if (bytes[start + at] !== keyword.charCodeAt(at)) return text(bytes, start, end);
  }
  return keyword;
}

function lengthAndLetter(length: number, letter: number): number {
  return length * 256 + letter;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/** The bytes from `start` to `end` as text; always a string of its own, never a part of another. */
function text(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("latin1", start, end);
}
