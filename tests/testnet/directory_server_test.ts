import assert from "node:assert/strict";
import { inflateSync, zstdDecompressSync } from "node:zlib";
import { parseAuthorityCertificates } from "../../src/netdoc/authority_certificate.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import { parseMicrodescriptors } from "../../src/netdoc/microdescriptor.ts";
import type { DirectoryAnswer } from "../../testnet/directory_http.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
