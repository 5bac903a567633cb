/**
 * The syntax of C tor's configuration file: text in, lines of name and value out. What the names
 * mean is the business of other files.
 *
 * | in the file            | meaning                                                      |
 * | ---------------------- | ------------------------------------------------------------ |
 * | `# text`               | a comment, to the end of the line; also after a value        |
 * | `Name value`           | sets an option                                               |
 * | `Name "value"`         | the same; `\n \r \t \" \' \\ \xHH \OOO` stand for one byte   |
 * | `Name val\` newline `ue` | one line; comments may stand between such lines            |
 * | `+Name value`          | adds to the values set before, where those would be replaced |
 * | `/Name`                | forgets the values set before                                |
 *
 * @module
 */
import { ConfigError, type Origin } from "./errors.ts";

/** What a line does with the values its option had before. */
export type LineCommand = "set" | "append" | "reset";

/** One setting as it was written. */
export interface ConfigLine {
  /** Without the `+` or `/`. */
  readonly name: string;
  /** Without surrounding space, comment and quotes; empty for a reset. */
  readonly value: string;
  readonly command: LineCommand;
  readonly origin: Origin;
}

/**
 * Reads a whole file.
 *
 * @param text the file's contents
 * @param file the file's path, for messages
 * @throws ConfigError config-syntax for a broken quoted string; config-unsupported for %include
 */
export function parseTorrc(text: string, file: string): ConfigLine[] {
  const lines: ConfigLine[] = [];
  const scanner = new Scanner(text, file);
  for (let line = scanner.next(); line !== undefined; line = scanner.next()) lines.push(line);
  return lines;
}

/** Splits the `+` or `/` off a name. */
export function splitCommand(written: string): { name: string; command: LineCommand } {
  if (written.startsWith("+")) return { name: written.slice(1), command: "append" };
  if (written.startsWith("/")) return { name: written.slice(1), command: "reset" };
  return { name: written, command: "set" };
}

/** C's isspace, which unlike \s knows no Unicode. */
const SPACE = /[\t-\r ]/;

const ESCAPES: Readonly<Record<string, number>> = {
  "n": 10,
  "r": 13,
  "t": 9,
  '"': 34,
  "'": 39,
  "\\": 92,
};

/** Reads one line after the other from a text. */
class Scanner {
  readonly #text: string;
  readonly #file: string;
  #at = 0;
  /** Newlines are counted up to here, so that counting is linear in the text. */
  #counted = 0;
  #line = 1;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  /** The next setting, or undefined at the end. */
  next(): ConfigLine | undefined {
    this.#skipBlank();
    if (this.#at >= this.#text.length) return undefined;
    const origin = this.#origin();
    const { name, command } = splitCommand(this.#readName());
    while (this.#char() === " " || this.#char() === "\t") this.#at++;
    const value = this.#char() === '"' ? this.#readQuoted(origin) : this.#readPlain();
    if (name === "%include") {
      throw new ConfigError(
        "config-unsupported",
        "%include is not supported; put the lines into this file",
        origin,
      );
    }
    return { name, value: command === "reset" ? "" : value, command, origin };
  }

  #char(): string {
    return this.#text.charAt(this.#at);
  }

  #origin(): Origin {
    for (; this.#counted < this.#at; this.#counted++) {
      if (this.#text.charAt(this.#counted) === "\n") this.#line++;
    }
    return { file: this.#file, line: this.#line };
  }

  #skipComment(): void {
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end === -1 ? this.#text.length : end;
  }

  #skipBlank(): void {
    while (this.#at < this.#text.length) {
      if (this.#char() === "#") this.#skipComment();
      else if (SPACE.test(this.#char())) this.#at++;
      else return;
    }
  }

  #continues(): boolean {
    return this.#text.startsWith("\\\n", this.#at);
  }

  #readName(): string {
    const start = this.#at;
    while (this.#at < this.#text.length) {
      const char = this.#char();
      if (char === "#" || SPACE.test(char) || this.#continues()) break;
      this.#at++;
    }
    return this.#text.slice(start, this.#at);
  }

  #readPlain(): string {
    const pieces: string[] = [];
    let start = this.#at;
    let continued = false;
    while (this.#at < this.#text.length && this.#char() !== "\n") {
      if (this.#continues()) {
        pieces.push(this.#text.slice(start, this.#at));
        continued = true;
        this.#at += 2;
        start = this.#at;
      } else if (this.#char() !== "#") {
        this.#at++;
      } else if (continued) {
        // Once a line was continued, a comment does not end it: the text goes on below.
        pieces.push(this.#text.slice(start, this.#at));
        this.#skipComment();
        if (this.#char() === "\n") this.#at++;
        start = this.#at;
      } else {
        break;
      }
    }
    pieces.push(this.#text.slice(start, this.#at));
    return pieces.join("").replace(/^[ \t]+|[\t-\r ]+$/g, "");
  }

  #readQuoted(origin: Origin): string {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const encoder = new TextEncoder();
    let start = ++this.#at;
    for (;;) {
      const char = this.#char();
      if (char === "" || char === "\n") {
        throw new ConfigError("config-syntax", "a quoted string has no closing quote", origin);
      }
      if (char !== '"' && char !== "\\") {
        this.#at++;
        continue;
      }
      parts.push(encoder.encode(this.#text.slice(start, this.#at)));
      this.#at++;
      if (char === '"') break;
      parts.push(Uint8Array.of(this.#readEscape(origin)));
      start = this.#at;
    }
    const rest = /^[ \t\r]*(?:#.*)?(?:\n|$)/;
    const end = this.#text.indexOf("\n", this.#at);
    const tail = this.#text.slice(this.#at, end === -1 ? undefined : end);
    if (!rest.test(tail)) {
      throw new ConfigError("config-syntax", "there is text after the closing quote", origin);
    }
    this.#at += tail.length;
    // Bytes, not characters, are joined: an escape may stand for a part of a UTF-8 character.
    const decoder = new TextDecoder();
    return parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
  }

  /** Reads what follows a backslash; gives the byte it stands for. */
  #readEscape(origin: Origin): number {
    const rest = this.#text.slice(this.#at, this.#at + 3);
    const hex = /^[xX]([0-9A-Fa-f]{2})/.exec(rest);
    if (hex !== null) {
      this.#at += 3;
      return parseInt(hex[1], 16);
    }
    const octal = /^[0-7]{1,3}/.exec(rest);
    if (octal !== null && parseInt(octal[0], 8) <= 255) {
      this.#at += octal[0].length;
      return parseInt(octal[0], 8);
    }
    const simple = ESCAPES[rest.charAt(0)];
    if (simple === undefined) {
      throw new ConfigError(
        "config-syntax",
        "a quoted string has an unknown escape sequence; write \\\\ for a backslash",
        origin,
      );
    }
    this.#at++;
    return simple;
  }
}
