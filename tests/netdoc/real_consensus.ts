/** The real consensus of 2024-05-17 that stands beside the repository on some machines. */
const directory = new URL("../../../shared/data/consensus-2024-05-17/", import.meta.url);

function exists(name: string): boolean {
  try {
    return Deno.statSync(new URL(name, directory)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
      return false;
    }
    throw error;
  }
}

/** Whether it is absent, so that its tests are ignored. */
export const realConsensusIsAbsent = !exists("consensus-microdesc") || !exists("authority-certs");

export function readRealConsensus(): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(new URL("consensus-microdesc", directory));
}

/** The certificates, with the line ends they were signed with: the stored copy has CR LF. */
export function readRealCertificates(): Uint8Array<ArrayBuffer> {
  const stored = Deno.readFileSync(new URL("authority-certs", directory));
  return stored.filter((byte) => byte !== 0x0d);
}
