/**
 * The options that C tor 0.4.9.11 has and chive has not, and what is done about each. An option
 * whose effect would be missed is refused; one whose value asks for what chive does anyway is
 * accepted, so that one file can serve both programs.
 *
 * @module
 */

/**
 * Why chive has not got an option:
 *
 * | value         | meaning                                                                  |
 * | ------------- | ------------------------------------------------------------------------ |
 * | `relay`       | it is about relays or directory authorities: refused                      |
 * | `service`     | it is about offering onion services: refused                              |
 * | `unsupported` | a client could have it: refused                                           |
 * | `ignored`     | nothing that a user of chive could miss: accepted with a notice           |
 * | `obsolete`    | C tor itself skips it: accepted with a warning                            |
 */
export type ForeignReason = "relay" | "service" | "unsupported" | "ignored" | "obsolete";

/** An option of C tor's that chive has not got. */
export interface ForeignOption {
  /** As C tor spells it. */
  readonly name: string;
  readonly reason: ForeignReason;
  /** The values, in lower case, that ask for no more than chive does. */
  readonly inert: readonly string[];
}

/** Names with their inert values after them: `Name=value|value`. */
const UNSUPPORTED = `
  AllowNonRFC953Hostnames=0 AlternateBridgeAuthority AlternateDirAuthority AvoidDiskWrites=0 Bridge
  CacheDirectory CacheDirectoryGroupReadable=0|auto CircuitPadding=0 CircuitPriorityHalflife
  CircuitStreamTimeout=0 ClientOnionAuthDir ClientPreferIPv6DirPort=0|auto ClientTransportPlugin
  CompiledProofOfWorkHash=0|auto ConstrainedSockets=0
  ConstrainedSockSize ControlPort=0 ControlPortFileGroupReadable=0 ControlPortWriteToFile
  ControlSocket=0 ControlSocketsGroupWritable=0 CookieAuthentication=0 CookieAuthFile
  CookieAuthFileGroupReadable=0 DataDirectoryGroupReadable=0 DirAuthorityFallbackRate
  DisableAllSwap=0 DisableNetwork=0 DownloadExtraInfo=0 ExtendByEd25519ID=auto FascistFirewall=0
  FetchDirInfoEarly=0 FetchDirInfoExtraEarly=0 FetchHidServDescriptors=0 FetchServerDescriptors=1
  FetchUselessDescriptors=0 FirewallPorts HashedControlPassword HeartbeatPeriod=0 HSLayer2Nodes
  HSLayer3Nodes HTTPProxy HTTPProxyAuthenticator HTTPSProxy HTTPSProxyAuthenticator
  KeepBindCapabilities=0|auto KISTSchedRunInterval KISTSockBufSizeFactor MaxMemInQueues=0
  MaxUnparseableDescSizeToLog NATDPort=0 NoExec=0|1 OutboundBindAddress OutboundBindAddressOR
  OutboundBindAddressPT PidFile ReachableAddresses ReachableDirAddresses ReachableORAddresses
  ReconfigDropsBridgeDescs=0 ReducedCircuitPadding=0 RunAsDaemon=0 Sandbox=0 Schedulers Socks4Proxy
  Socks5Proxy Socks5ProxyPassword Socks5ProxyUsername SyslogIdentityTag TCPProxy
  TestingBridgeBootstrapDownloadInitialDelay TestingBridgeDownloadInitialDelay
  TestingEnableCellStatsEvent=0 TestingEnableConnBwEvent=0 TokenBucketRefillInterval TrackHostExits
  TrackHostExitsExpire TransPort=0 TransProxyType=default TruncateLogFile=0 UnixSocksGroupWritable=0
  UpdateBridgesFromAuthority=0 UseBridges=0 UseGuardFraction=0|auto UseMicrodescriptors=1|auto User
  VanguardsLiteEnabled=auto __AllDirActionsPrivate=0 __AlwaysCongestionControl=0 __ControlPort=0
  __DisablePredictedCircuits=0 __DisableSignalHandlers=0 __HashedControlSessionPassword
  __LeaveStreamsUnattached=0 __NATDPort=0 __OwningControllerFD __OwningControllerProcess
  __ReloadTorrcOnSIGHUP=0 __TransPort=0`;

/** Names; all are inert with the value 0, and ExitPolicy also with `reject *:*`. */
const RELAY = `
  AccountingMax AccountingRule AccountingStart Address AddressDisableIPv6 AssumeReachableIPv6
  AuthDirBadExit AuthDirBadExitCCs AuthDirFastGuarantee AuthDirGuardBWGuarantee
  AuthDirHasIPv6Connectivity AuthDirInvalid AuthDirInvalidCCs AuthDirListBadExits
  AuthDirListMiddleOnly AuthDirMaxServersPerAddr AuthDirMiddleOnly AuthDirMiddleOnlyCCs
  AuthDirPinKeys AuthDirReject AuthDirRejectCCs AuthDirRejectRequestsUnderLoad
  AuthDirSharedRandomness AuthDirTestEd25519LinkKeys AuthDirTestReachability AuthDirVoteGuard
  AuthDirVoteGuardBwThresholdFraction AuthDirVoteGuardGuaranteeTimeKnown
  AuthDirVoteGuardGuaranteeWFU AuthDirVoteStableGuaranteeMinUptime AuthDirVoteStableGuaranteeMTBF
  AuthoritativeDirectory BridgeAuthoritativeDir BridgeDistribution BridgePassword
  BridgeRecordUsageByCountry BridgeRelay CellStatistics ConnDirectionStatistics ConsensusParams
  CountPrivateBandwidth DirAllowPrivateAddresses DirCache DirPolicy DirPort DirPortFrontPage
  DirReqStatistics DoSCircuitCreationBurst DoSCircuitCreationDefenseTimePeriod
  DoSCircuitCreationDefenseType DoSCircuitCreationEnabled DoSCircuitCreationMinConnections
  DoSCircuitCreationRate DoSConnectionConnectBurst DoSConnectionConnectDefenseTimePeriod
  DoSConnectionConnectRate DoSConnectionDefenseType DoSConnectionEnabled
  DoSConnectionMaxConcurrentCount DoSRefuseSingleHopClientRendezvous DoSStreamCreationBurst
  DoSStreamCreationDefenseType DoSStreamCreationEnabled DoSStreamCreationRate EntryStatistics
  ExitPolicy ExitPolicyRejectLocalInterfaces ExitPolicyRejectPrivate ExitPortStatistics ExitRelay
  ExtORPort ExtORPortCookieAuthFile ExtORPortCookieAuthFileGroupReadable ExtraInfoStatistics
  FamilyId FamilyKeyDirectory GuardfractionFile IPv6Exit KeyDirectory KeyDirectoryGroupReadable
  MainloopStats MaxAdvertisedBandwidth MaxConsensusAgeForDiffs MaxHSDirCacheBytes
  MaxOnionQueueDelay MinimalAcceptedServerVersion MinMeasuredBWsForAuthToIgnoreAdvertised
  MinUptimeHidServDirectoryV2 MyFamily OfflineMasterKey ORPort OutboundBindAddressExit
  OverloadStatistics PaddingStatistics PerConnBWBurst PerConnBWRate PublishServerDescriptor
  RecommendedClientVersions RecommendedServerVersions RecommendedVersions ReducedExitPolicy
  ReevaluateExitPolicy RefuseUnknownExits RelayBandwidthBurst RelayBandwidthRate RephistTrackTime
  ServerDNSAllowBrokenConfig ServerDNSAllowNonRFC953Hostnames ServerDNSDetectHijacking
  ServerDNSRandomizeCase ServerDNSResolvConfFile ServerDNSSearchDomains ServerDNSTestAddresses
  ServerTransportListenAddr ServerTransportOptions ServerTransportPlugin SigningKeyLifetime
  SSLKeyLifetime TestingAuthDirTimeToLearnReachability TestingAuthKeyLifetime TestingAuthKeySlop
  TestingDirAuthVoteExit TestingDirAuthVoteExitIsStrict TestingDirAuthVoteGuard
  TestingDirAuthVoteGuardIsStrict TestingDirAuthVoteHSDir TestingDirAuthVoteHSDirIsStrict
  TestingLinkCertLifetime TestingLinkKeySlop TestingMinExitFlagThreshold
  TestingMinFastFlagThreshold TestingMinTimeToReportBandwidth
  TestingServerConsensusDownloadInitialDelay TestingServerDownloadInitialDelay
  TestingSigningKeySlop TestingV3AuthInitialDistDelay TestingV3AuthInitialVoteDelay
  TestingV3AuthInitialVotingInterval TestingV3AuthVotingStartOffset V3AuthDistDelay
  V3AuthNIntervalsValid V3AuthoritativeDirectory V3AuthUseLegacyKey V3AuthVoteDelay
  V3AuthVotingInterval V3BandwidthsFile VersioningAuthoritativeDirectory __DirPort __ExtORPort
  __ORPort __SbwsExit`;

/** Names; none has an inert value but 0. */
const SERVICE = `
  HiddenServiceAllowUnknownPorts HiddenServiceDir HiddenServiceDirGroupReadable
  HiddenServiceEnableIntroDoSBurstPerSec HiddenServiceEnableIntroDoSDefense
  HiddenServiceEnableIntroDoSRatePerSec HiddenServiceExportCircuitID HiddenServiceMaxStreams
  HiddenServiceMaxStreamsCloseCircuit HiddenServiceNonAnonymousMode
  HiddenServiceNumIntroductionPoints HiddenServiceOnionBalanceInstance HiddenServicePort
  HiddenServicePoWDefensesEnabled HiddenServicePoWQueueBurst HiddenServicePoWQueueRate
  HiddenServiceSingleHopMode HiddenServiceStatistics HiddenServiceVersion PublishHidServDescriptors`;

/**
 * Accepted with any value: what they set is about relays even in a client's file, or about how C
 * tor runs inside (its threads, sockets, rounding of log times).
 */
const IGNORED = `
  AccelDir AccelName ConnLimit ContactInfo DisableDebuggerAttachment DisableOOSCheck HardwareAccel
  LogTimeGranularity Nickname NumCPUs ProtocolWarnings ShutdownWaitLength`;

const OBSOLETE = `
  AllowDotExit AllowInvalidNodes AllowSingleHopCircuits AllowSingleHopExits AlternateHSAuthority
  AndroidIdentityTag AuthDirBadDir AuthDirBadDirCCs AuthDirListBadDirs AuthDirMaxServersPerAuthAddr
  AuthDirRejectUnlisted CircuitIdleTimeout ClientAutoIPv6ORPort
  ClientBootstrapConsensusAuthorityOnlyMaxDownloadTries ClientBootstrapConsensusMaxDownloadTries
  CloseHSClientCircuitsImmediatelyOnTimeout CloseHSServiceRendCircuitsImmediatelyOnTimeout
  ControlListenAddress DirListenAddress DisableIOCP DisableV2DirectoryInfo_ DNSListenAddress
  DynamicDHGroups ExcludeSingleHopRelays FallbackNetworkstatusFile FastFirstHopPK
  FetchV2Networkstatus Group HiddenServiceAuthorizeClient HidServAuth HidServDirectoryV2
  MaxOnionsPending NamingAuthoritativeDirectory NATDListenAddress OptimisticData ORListenAddress
  PathBiasDisableRate PathBiasMultFactor PathBiasScaleFactor PathBiasUseCloseCounts PortForwarding
  PortForwardingHelper PredictedPortsRelevanceTime PreferTunneledDirConns RecommendedPackages
  RunTesting SchedulerHighWaterMark__ SchedulerLowWaterMark__ SchedulerMaxFlushCells__
  SocksListenAddress StrictEntryNodes StrictExitNodes Support022HiddenServices
  TestingCertMaxDownloadTries TestingConsensusMaxDownloadTries TestingDescriptorMaxDownloadTries
  TestingEnableTbEmptyEvent TestingEstimatedDescriptorPropagationTime
  TestingMicrodescMaxDownloadTries TLSECGroup Tor2webMode Tor2webRendezvousPoints
  TransListenAddress TunnelDirConns UseEntryGuardsAsDirGuards UseFilteringSSLBufferevents
  UseNTorHandshake UserspaceIOCPBuffers V1AuthoritativeDirectory V2AuthoritativeDirectory
  VoteOnHidServDirectoriesV2 WarnUnsafeSocks __UseFilteringSSLBufferevents`;

/** The reasons in one list: name, reason, inert values. */
const ALL: readonly ForeignOption[] = [
  ...entries(UNSUPPORTED, "unsupported", []),
  ...entries(RELAY, "relay", ["0", "reject *:*"]),
  ...entries(SERVICE, "service", ["0"]),
  ...entries(IGNORED, "ignored", []),
  ...entries(OBSOLETE, "obsolete", []),
];

function entries(list: string, reason: ForeignReason, inert: readonly string[]): ForeignOption[] {
  return list.trim().split(/\s+/).map((entry) => {
    const [name, own] = entry.split("=");
    return { name, reason, inert: own === undefined ? inert : own.split("|") };
  });
}

const BY_LOWER_CASE: ReadonlyMap<string, ForeignOption> = new Map(
  ALL.map((option) => [option.name.toLowerCase(), option]),
);

/** The option of C tor's that is written `name`, in any case, if chive has not got it. */
export function findForeignOption(name: string): ForeignOption | undefined {
  return BY_LOWER_CASE.get(name.toLowerCase());
}
