/**
 * Where documents are fetched from: directory guards once the network is known, configured servers
 * before that and when the guards fail.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import { TorError } from "../errors/tor_error.ts";
import type { RouterStatus } from "../netdoc/consensus.ts";
import type { GuardChoice } from "../guard/guard_choice.ts";
import type { GuardSample } from "../guard/guard_sample.ts";
import type { Clock } from "../runtime/clock.ts";
import type { DirectoryClient, FetchObserver, FetchResult } from "./directory_client.ts";
import { DirectoryError } from "./errors.ts";
import { OverloadedServers } from "./overloaded_servers.ts";
import type { DocumentRequest } from "./requests.ts";
import type { ConfiguredServers } from "./servers.ts";
import type { DirectoryServer } from "./transport.ts";

/** The guards as far as directory requests go. */
export type DirectoryGuards = Pick<
  GuardSample,
  "selectForDirectory" | "noteSuccess" | "noteFailure" | "noteClosed"
>;

/** A server that was picked for one request. */
export interface Source {
  readonly server: DirectoryServer;
  readonly identity: RsaIdentity;
  /** Notes that what the server gave was no good, so that others are asked first. */
  blame(): void;
  /**
   * Fetches a document, and tells those who picked the server how it did. To be called once.
   *
   * @throws as {@link DirectoryClient.fetch}
   */
  fetch(
    request: DocumentRequest,
    signal: AbortSignal,
    observer?: FetchObserver,
  ): Promise<FetchResult>;
}

/** How often guards are drawn to find one that is preferred. */
const PREFERENCE_DRAWS = 4;

/** Picks servers. */
export class DirectorySources {
  readonly #client: DirectoryClient;
  readonly #servers: ConfiguredServers;
  readonly #guards: DirectoryGuards;
  readonly #overloaded: OverloadedServers;

  constructor(
    client: DirectoryClient,
    servers: ConfiguredServers,
    guards: DirectoryGuards,
    clock: Clock,
  ) {
    this.#client = client;
    this.#servers = servers;
    this.#guards = guards;
    this.#overloaded = new OverloadedServers(clock);
  }

  /**
   * A directory guard, else a fallback, that is not excluded; `undefined` when all are.
   *
   * @param isPreferred which directory guards serve better, where there are several to choose from
   */
  pick(
    excluded: ReadonlySet<RsaIdentity>,
    isPreferred: (router: RouterStatus) => boolean = () => true,
  ): Source | undefined {
    const choice = this.#drawGuard(excluded, isPreferred);
    // With very few guards, one that is excluded may be given nonetheless.
    if (choice !== undefined && !excluded.has(choice.router.rsaIdentity)) {
      return this.#guardSource(choice);
    }
    if (choice !== undefined) this.#guards.noteClosed(choice);
    return this.fallback(excluded);
  }

  /** An authority that is not excluded; an overloaded one only where there is no other. */
  authority(excluded: ReadonlySet<RsaIdentity>): Source | undefined {
    const server = this.#servers.pickAuthority(excluded.union(this.#overloaded.all())) ??
      this.#servers.pickAuthority(excluded);
    return server && this.configured(server);
  }

  /**
   * A fallback that is not excluded; an authority, where no fallbacks are configured. Overloaded
   * ones only where there are no others.
   */
  fallback(excluded: ReadonlySet<RsaIdentity>): Source | undefined {
    const pick = (busy: ReadonlySet<RsaIdentity>) =>
      this.#servers.pickFallback(busy) ?? this.#servers.pickAuthority(busy);
    const server = pick(excluded.union(this.#overloaded.all())) ?? pick(excluded);
    return server && this.configured(server);
  }

  /** The same server once more, for another request. */
  configured(server: DirectoryServer): Source {
    const identity = server.kind === "relay" ? server.relay.rsaIdentity : server.rsaIdentity;
    const fetch: Source["fetch"] = async (request, signal, observer) => {
      try {
        const result = await this.#client.fetch(server, request, signal, observer);
        this.#servers.noteSuccess(identity);
        return result;
      } catch (error) {
        if (!signal.aborted) this.#servers.noteFailure(identity);
        if (isBusy(error)) this.#overloaded.note(identity);
        throw error;
      }
    };
    return { server, identity, fetch, blame: () => this.#servers.noteFailure(identity) };
  }

  /**
   * A guard that is preferred and not overloaded, if one is drawn soon. The others are not excluded:
   * that would make the client turn to guards outside of its few primary ones for the sake of a
   * convenience.
   */
  #drawGuard(
    excluded: ReadonlySet<RsaIdentity>,
    isPreferred: (router: RouterStatus) => boolean,
  ): GuardChoice | undefined {
    const draw = () =>
      this.#guards.selectForDirectory(({ rsaIdentity }) => excluded.has(rsaIdentity));
    let choice = draw();
    for (let draws = 1; draws < PREFERENCE_DRAWS; draws++) {
      if (choice === undefined) return undefined;
      const { router } = choice;
      if (isPreferred(router) && !this.#overloaded.has(router.rsaIdentity)) return choice;
      this.#guards.noteClosed(choice);
      choice = draw();
    }
    return choice;
  }

  #guardSource(choice: GuardChoice): Source {
    const { router, relay } = choice;
    const { hostname, port, ipv6, rsaIdentity } = router;
    const server: DirectoryServer = relay === undefined
      ? { kind: "listed", hostname, port, ipv6, rsaIdentity }
      : { kind: "relay", relay };
    const fetch: Source["fetch"] = async (request, signal, observer = {}) => {
      const onAnswered = () => {
        this.#guards.noteSuccess(choice);
        observer.onAnswered?.();
      };
      try {
        return await this.#client.fetch(server, request, signal, { ...observer, onAnswered });
      } catch (error) {
        if (!signal.aborted && isGuardsFault(error)) this.#guards.noteFailure(choice);
        if (isBusy(error)) this.#overloaded.note(rsaIdentity);
        throw error;
      } finally {
        this.#guards.noteClosed(choice);
      }
    };
    // A guard that works stays a guard, whatever it serves; those who ask exclude it themselves.
    return { server, identity: rsaIdentity, fetch, blame: () => {} };
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof DirectoryError && error.code === "directory-http-busy";
}

/** Whether a failed request says something about the guard, and not about our own network. */
function isGuardsFault(error: unknown): boolean {
  if (!(error instanceof DirectoryError)) return false;
  return !(error.cause instanceof TorError && error.cause.retry === "later");
}
