/**
 * What an honest directory server answers (dir-spec, "URLs").
 *
 * @module
 */
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { parseRsaIdentity } from "../src/crypto/identity.ts";
import type { Clock } from "../src/runtime/clock.ts";
import type { DirectoryAnswer, DirectoryRequest, DirectoryService } from "./directory_http.ts";
import { encode } from "./document_writer.ts";
import type { NetworkDocuments } from "./network_documents.ts";

const HOUR = 3_600_000;

/** Encodings in the order in which they are preferred. */
const ENCODERS: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ["x-zstd", (bytes) => zstdCompressSync(bytes)],
  ["gzip", (bytes) => gzipSync(bytes)],
  ["deflate", (bytes) => deflateSync(bytes)],
  ["identity", (bytes) => bytes],
];

/** What takes the descriptors that relays publish; returns whether one is good. */
export type DescriptorHandler = (descriptor: string) => boolean;

/** Serves a network's documents. */
export class DirectoryServer implements DirectoryService {
  readonly #documents: NetworkDocuments;
  readonly #clock: Clock;
  readonly #onDescriptor: DescriptorHandler | undefined;

  /** @param onDescriptor takes what relays publish; only an authority has it */
  constructor(documents: NetworkDocuments, clock: Clock, onDescriptor?: DescriptorHandler) {
    this.#documents = documents;
    this.#clock = clock;
    this.#onDescriptor = onDescriptor;
  }

  answer(request: DirectoryRequest): DirectoryAnswer {
    if (request.method === "POST") return this.#upload(request);
    const compressedPath = request.path.endsWith(".z");
    const path = request.path.replace(/\.z$/, "");
    if (path.startsWith("/tor/status-vote/current/consensus-microdesc") && this.#isFresh(request)) {
      return this.#http("304 Not modified", {}, new Uint8Array(0));
    }
    const document = this.#find(path, diffBases(request));
    if (document === undefined) return this.#http("404 Not found", {}, new Uint8Array(0));
    const offered = (request.headers.get("accept-encoding") ?? "").split(",").map((name) =>
      name.trim()
    );
    const otherwise = compressedPath ? "deflate" : "identity";
    const [encoding, encoder] = ENCODERS.find(([name]) => offered.includes(name)) ??
      ENCODERS.find(([name]) => name === otherwise) ?? ENCODERS[0];
    const body = encoder(document);
    const headers = {
      "Content-Type": "text/plain",
      "Content-Encoding": encoding,
      "Content-Length": `${body.length}`,
      "Vary": "X-Or-Diff-From-Consensus",
    };
    return this.#http("200 OK", headers, body);
  }

  /**
   * The document at a path; `undefined` when there is none.
   *
   * @param diffBases instead of a consensus, a diff from one of these will do
   */
  #find(path: string, diffBases: readonly string[]): Uint8Array | undefined {
    const documents = this.#documents;
    const [, kind, first, second] = path.slice(1).split("/");
    switch (kind) {
      case "status-vote": {
        const [, flavour, authorities] =
          /^\/tor\/status-vote\/current\/consensus-(\w+)(?:\/([0-9A-Fa-f+]+))?$/.exec(path) ?? [];
        if (flavour !== "microdesc") return undefined;
        if (!this.#isSignedBy(authorities?.split("+"))) return undefined;
        return documents.diffFrom(diffBases) ?? documents.consensus;
      }
      case "keys":
        return joined(this.#certificates(first, second?.split("+") ?? []));
      case "micro":
        // The digests are in base64, which has slashes too.
        return joined(
          path.slice("/tor/micro/d/".length).split("-").map((digest) =>
            documents.microdescriptors.get(digest)
          ),
        );
    }
  }

  /** Whether more than half of the authorities that are named have signed the consensus. */
  #isSignedBy(prefixes: readonly string[] | undefined): boolean {
    const known = prefixes?.filter((prefix) =>
      this.#documents.authorities.some(({ v3Identity }) =>
        v3Identity.startsWith(prefix.toUpperCase())
      )
    );
    return prefixes === undefined || (known ?? []).length > prefixes.length / 2;
  }

  #certificates(form: string, names: readonly string[]): (string | undefined)[] {
    const { authorities } = this.#documents;
    const certificates = this.#documents.certificates();
    switch (form) {
      case "all":
        return [...certificates.values()];
      case "authority":
        return [[...certificates.values()][0]];
      case "fp":
      case "fp-sk":
        return names.map((name) => {
          const identity = parseRsaIdentity(name.split("-")[0]);
          return identity && certificates.get(identity);
        });
      case "sk":
        return names.map((name) => {
          const signer = authorities.find((one) => one.signingKeyDigest === name.toUpperCase());
          return signer && certificates.get(signer.v3Identity);
        });
      default:
        return [];
    }
  }

  #isFresh(request: DirectoryRequest): boolean {
    const since = Date.parse(request.headers.get("if-modified-since") ?? "");
    return since >= this.#documents.validAfter;
  }

  #upload(request: DirectoryRequest): DirectoryAnswer {
    const good = request.path === "/tor/" &&
      this.#onDescriptor?.(new TextDecoder().decode(request.body));
    const status = good ? "200 OK" : "400 Nonauthoritative directory does not accept posts";
    return this.#http(status, {}, new Uint8Array(0));
  }

  #http(
    status: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): DirectoryAnswer {
    const now = this.#clock.now();
    const dates = {
      "Date": new Date(now).toUTCString(),
      "Expires": new Date(now + HOUR).toUTCString(),
    };
    return { kind: "http", status, headers: { ...dates, ...headers }, body };
  }
}

/** Of which consensuses the client says that it holds one. */
function diffBases({ headers }: DirectoryRequest): string[] {
  const list = headers.get("x-or-diff-from-consensus") ?? "";
  return list.split(",").map((digest) => digest.trim().toUpperCase());
}

/** All that is there, in one; `undefined` when nothing is. */
function joined(texts: readonly (string | undefined)[]): Uint8Array | undefined {
  const found = texts.filter((text) => text !== undefined);
  return found.length === 0 ? undefined : encode(found.join(""));
}
