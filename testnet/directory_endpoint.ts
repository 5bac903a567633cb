/**
 * The far end of a BEGIN_DIR stream: one directory request, answered without a connection.
 *
 * @module
 */
import { answerBytes, DirectoryRequestReader, type DirectoryService } from "./directory_http.ts";
import type { StreamEndpoint } from "./stream_endpoint.ts";

/** Takes one request, and gives the bytes of its answer. */
export class DirectoryEndpoint implements StreamEndpoint {
  readonly #service: DirectoryService;
  readonly #request = new DirectoryRequestReader();
  readonly #answer = Promise.withResolvers<AsyncGenerator<Uint8Array> | undefined>();
  readonly #closed = Promise.withResolvers<null>();
  #piece = new Uint8Array(0);

  constructor(service: DirectoryService) {
    this.#service = service;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const request = this.#request.push(bytes);
    if (request !== undefined) {
      this.#answer.resolve(answerBytes(await this.#service.answer(request)));
    }
    return bytes.length;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#piece.length === 0) {
      const piece = await Promise.race([this.#nextPiece(), this.#closed.promise]);
      if (piece === null) return null;
      this.#piece = new Uint8Array(piece);
    }
    const part = this.#piece.subarray(0, buffer.length);
    buffer.set(part);
    this.#piece = this.#piece.subarray(part.length);
    return part.length;
  }

  close(): void {
    this.#closed.resolve(null);
    this.#answer.resolve(undefined);
  }

  async #nextPiece(): Promise<Uint8Array | null> {
    const next = await (await this.#answer.promise)?.next();
    return next === undefined || next.done ? null : next.value;
  }
}
