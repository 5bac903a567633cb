/** Configurations for tests. */
import { buildConfig, type ConfigResult } from "../../src/config/build.ts";
import { parseTorrc } from "../../src/config/torrc.ts";

/** The Config of one file's text, and what is told about it. */
export function fromTorrc(text: string): ConfigResult {
  return buildConfig([parseTorrc(text, "test.torrc")]);
}

/** Three authorities of a private network, as a client's torrc has them. */
export const THREE_AUTHORITIES = `
DirAuthority auth1 orport=5001 no-v2 v3ident=0123456789ABCDEF0123456789ABCDEF01234567 127.1.0.1:7001 AAAABBBBCCCCDDDDEEEEFFFF0000111122223333
DirAuthority auth2 orport=5002 v3ident=1123456789abcdef0123456789abcdef01234567 127.2.0.1:7002 BAAA BBBB CCCC DDDD EEEE FFFF 0000 1111 2222 3333
DirAuthority auth3 orport=5003 v3ident=2123456789ABCDEF0123456789ABCDEF01234567 127.3.0.1:7003 CAAABBBBCCCCDDDDEEEEFFFF0000111122223333
`;
