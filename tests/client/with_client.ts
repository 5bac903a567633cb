/**
 * A client of the library on a network in this process.
 *
 * @module
 */
import { type StartOptions, TorClient } from "../../src/client/mod.ts";
import { EmbeddedNetwork, type EmbeddedNetworkOptions } from "../../testnet/network.ts";

/** What to do with a client. */
export interface ClientTest {
  readonly client: TorClient;
  readonly network: EmbeddedNetwork;
}

/** Which network, and what client on it. */
export interface ClientTestOptions {
  readonly network?: EmbeddedNetworkOptions;
  readonly start?: StartOptions;
  /** Whether to wait until the client has joined; true unless given. */
  readonly bootstrap?: boolean;
}

/** The start options that make a client of this network. */
export function networkOptions(network: EmbeddedNetwork): NonNullable<StartOptions["options"]> {
  return {
    DirAuthority: network.authorityLines.map((line) => line.replace(/^DirAuthority /, "")),
    TestingTorNetwork: true,
    EnforceDistinctSubnets: network.distinctAddresses,
  };
}

/** Starts both, runs `test`, and ends them. */
export async function withClient(
  { network: ofNetwork, start, bootstrap = true }: ClientTestOptions,
  test: (given: ClientTest) => Promise<void>,
): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const network = resources.use(await EmbeddedNetwork.start(ofNetwork));
  const dataDirectory = await Deno.makeTempDir();
  resources.defer(() => Deno.remove(dataDirectory, { recursive: true }));
  const client = resources.use(
    await TorClient.start({
      dataDirectory,
      ...start,
      options: { ...networkOptions(network), ...start?.options },
    }),
  );
  if (bootstrap) await client.bootstrapped({ signal: AbortSignal.timeout(60_000) });
  await test({ client, network });
}
