/**
 * Options about the directory of the network, and about networks for tests.
 *
 * @module
 */
import type { OptionFacts } from "./option_facts.ts";

/** By C tor's name, in the order of --help. */
export const DIRECTORY_OPTIONS = {
  DirAuthority: {
    kind: "lines",
    otherNames: ["DirServer"],
    argument: "[NICKNAME] [FLAG...] ADDR:DIRPORT FINGERPRINT",
    help: "A directory authority, in place of the public ones; may be repeated.",
    details: "Setting one replaces the whole public network by a private one.",
  },
  FallbackDir: {
    kind: "lines",
    argument: "ADDR[:DIRPORT] orport=PORT id=FINGERPRINT [ipv6=ADDR:PORT] [weight=NUM]",
    help: "A directory mirror to start from, in place of the public ones; may be repeated.",
  },
  UseDefaultFallbackDirs: {
    kind: "boolean",
    default: "1",
    argument: "0|1",
    help: "Start from the public directory mirrors, when none are given.",
  },
  TestingTorNetwork: {
    kind: "boolean",
    default: "0",
    argument: "0|1",
    help: "The defaults of a private test network; needs DirAuthority.",
    details: "It protects nobody: times are short, and addresses of private networks are allowed.",
  },
  ClientBootstrapConsensusAuthorityDownloadInitialDelay: {
    kind: "first-interval",
    default: "6",
    testingDefault: "0",
    argument: "TIME",
    help: "At first start: wait before asking an authority beside the mirrors.",
  },
  ClientBootstrapConsensusFallbackDownloadInitialDelay: {
    kind: "first-interval",
    default: "0",
    testingDefault: "0",
    argument: "TIME",
    help: "At first start: wait before asking a mirror.",
  },
  ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay: {
    kind: "first-interval",
    default: "0",
    testingDefault: "0",
    argument: "TIME",
    help: "At first start: wait before asking an authority, without mirrors.",
  },
  ClientBootstrapConsensusMaxInProgressTries: {
    kind: "count",
    default: "3",
    argument: "NUM",
    help: "At first start: how many directories are asked at one time.",
  },
  TestingClientDownloadInitialDelay: {
    kind: "first-interval",
    default: "0",
    testingDefault: "0",
    testingOnly: true,
    argument: "TIME",
    help: "Base of the backoff for certificates and microdescriptors.",
  },
  TestingClientConsensusDownloadInitialDelay: {
    kind: "first-interval",
    default: "0",
    testingDefault: "0",
    testingOnly: true,
    argument: "TIME",
    help: "Base of the backoff for the consensus.",
  },
  TestingClientMaxIntervalWithoutRequest: {
    kind: "interval",
    default: "10 minutes",
    testingDefault: "5 seconds",
    testingOnly: true,
    argument: "TIME",
    help: "How long a few missing microdescriptors wait for company.",
  },
  TestingDirConnectionMaxStall: {
    kind: "interval",
    default: "5 minutes",
    testingDefault: "30 seconds",
    testingOnly: true,
    argument: "TIME",
    help: "How long a directory request may make no progress.",
  },
} as const satisfies Readonly<Record<string, OptionFacts>>;
