/**
 * Every limit, with its unit in its name and its reason beside it. Relations between limits are checked when this file
 * is loaded: a contradiction stops the program at once instead of showing as a strange refusal later.
 *
 * `Default` is what a function gets that says nothing, `Max` what it may ask for.
 *
 * @module
 */
import { assert } from "./errors.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** One WebAssembly page, in bytes (core specification 4.2.8). */
export const WASM_PAGE_BYTES = 64 * KIB;

/** The key that seals what is stored: as long as the hash that is used with it, SHA-256. */
export const SEAL_KEY_BYTES = 32;

/** What one function may use. */
export const FUNCTION_LIMITS = {
  /** Long enough for a training step, short enough that a forgotten loop frees its slot while somebody watches. */
  timeoutMsDefault: 60_000,
  timeoutMsMax: 24 * 3_600_000,
  /** The initialiser fills the Proto-Faaslet; interpreters need seconds, nothing honest needs minutes. */
  initTimeoutMsDefault: 30_000,
  initTimeoutMsMax: 600_000,
  memoryBytesDefault: 512 * MIB,
  /** All that a 32-bit linear memory can be. */
  memoryBytesMax: 4 * GIB,
  inputBytesMax: 64 * MIB,
  outputBytesDefault: 64 * MIB,
  outputBytesMax: 256 * MIB,
  /** stdout and stderr each, kept with the call. */
  logBytesDefault: 64 * KIB,
  logBytesMax: 4 * MIB,
  concurrencyDefault: 64,
  concurrencyMax: 4_096,
  queueDefault: 1_024,
  queueMax: 100_000,
  /** Idle Faaslets kept after their call. */
  idleDefault: 64,
  idleMax: 32_000,
  /** What a call may write into its private file system. */
  fileBytesDefault: 64 * MIB,
  fileBytesMax: 1 * GIB,
  filesDefault: 4_096,
  filesMax: 65_536,
  descriptorsDefault: 256,
  descriptorsMax: 4_096,
  /** Coarse by default: a finer clock measures what others leave in the processor's caches. */
  clockResolutionUsDefault: 1_000,
  clockResolutionUsMin: 1,
  clockResolutionUsMax: 1_000_000,
  /** Files that come with a deploy, together. */
  deployedFileBytesMax: 256 * MIB,
  /** Each is compared at each connect and datagram. */
  networkRulesMax: 256,
  environmentBytesMax: 128 * KIB,
  argumentsBytesMax: 128 * KIB,
  /** Variables and arguments, each: checking one costs more than its bytes. */
  entriesMax: 4_096,
  tableElementsMax: 1_000_000,
  /** Libraries among a function's files: each is compiled in a child of its own, and opened as an instance. */
  librariesMax: 256,
} as const;

/** What an uploaded module may hold. Counts are far above what Go and CPython need, far below what hurts. */
export const MODULE_LIMITS = {
  bytesMax: 64 * MIB,
  functionsMax: 300_000,
  typesMax: 20_000,
  importsMax: 1_000,
  exportsMax: 50_000,
  globalsMax: 10_000,
  tablesMax: 16,
  dataSegmentsMax: 100_000,
  elementSegmentsMax: 50_000,
  /** Wasmtime's own limit; Cranelift's time grows with it. */
  localsMax: 50_000,
  /** Below the 7,654,321 bytes at which Wasmtime's parser gives up. */
  functionBytesMax: 7 * MIB,
  /** Cranelift takes no more (and says so only when everything before it is compiled). */
  branchTableTargetsMax: 65_520,
  nestingMax: 10_000,
  /**
   * Values that all instructions together take from and put on the stack. The validator looks at each, and two bytes of
   * code can stand for thousands: without this limit 56 MB keep it busy for a minute. CPython has 0.3 million.
   */
  operandsMax: 100_000_000,
  customSectionsMax: 1_000,
  customSectionBytesMax: 32 * MIB,
  /** Below the 100,000 bytes at which Wasmtime's parser gives up. */
  nameBytesMax: 64 * KIB,
  /** Names of all exports together: they are part of the report, which is stored and served. */
  exportNameBytesMax: 4 * MIB,
} as const;

/** The compiler's child process: what it may use before it is killed. */
export const COMPILE_LIMITS = {
  /** Honest modules take up to about one second a megabyte on a slow core; see docs/decisions. */
  cpuSecondsPerMiB: 3,
  cpuSecondsFloor: 10,
  /** RLIMIT_DATA; Deno alone needs half a gigabyte of it. */
  dataBytesMax: 3 * GIB,
  /** Children at once: compiling is parallel inside one child already. */
  parallelMax: 2,
} as const;

/** Machine code that `faaslet run` keeps for the next time. */
export const CACHE_LIMITS = {
  /** Some thirty large modules; the one that was used longest ago goes first. */
  artefactBytesMax: 1 * GIB,
  /** Smaller modules are compiled in the time that keeping them would take. */
  moduleBytesMin: 128 * KIB,
} as const;

/** Proto-Faaslets in the store, for a host that starts again. */
export const SNAPSHOT_LIMITS = {
  /** One value of the store lists its pieces; and to read more takes longer than most initialisers run. */
  bytesMax: 112 * MIB,
  /** Of one tenant, as stored; with no room left initialisers run again after a restart. */
  storedBytesMax: 16 * GIB,
} as const;

/** What one call from outside may lead to: the whole tree of calls below it shares this. */
export const CHAIN_LIMITS = {
  /** The call from outside counts as the first. */
  depthMax: 256,
  /** All calls of the tree. */
  callsMax: 1_000_000,
  /** Calls of the tree that have not ended; a flood of calls that flood. */
  inFlightMax: 20_000,
  /** Inputs of all calls of the tree. */
  inputBytesMax: 4 * GIB,
  /** Outputs that wait to be fetched by whoever awaits them. */
  outputBytesMax: 1 * GIB,
} as const;

/** One host. */
export const HOST_LIMITS = {
  /** Calls that run at once; a blocked one keeps its thread. */
  runningMax: 256,
  /** Calls that wait for calls they made; each keeps a thread, and what its guest holds. */
  waitingMax: 2_048,
  /** Threads beyond those of calls: with all of them computing, functions still load. */
  installsMax: 8,
  /** All queues together. */
  queuedMax: 200_000,
  functionsMax: 10_000,
  /** Versions of a function that are kept to roll back to, the live one included; each names its bytes. */
  versionsMax: 20,
  /** Modules, machine code and files of one tenant, as stored. */
  storedBytesMax: 64 * GIB,
  nameBytesMax: 63,
  /** Machine code beside stack, for deep recursion: Go needs 8 MiB. */
  guestStackBytes: 8 * MIB,
  requestHeaderBytesMax: 64 * KIB,
  /** Request bodies in memory at once, those of waiting and running calls included. */
  requestBodyBytesMax: 1 * GIB,
  /** A body that is slower than this in a grace period holds memory and a connection for nothing. */
  requestBodyGraceMs: 30_000,
  requestBodyBytesPerSecondMin: 16 * KIB,
  /** Large answers that wait for their readers, together; while they fill it, calls are refused. */
  answerBytesMax: 1 * GIB,
  /** A reader that takes less than this in a grace period loses its connection. */
  answerGraceMs: 30_000,
  answerBytesPerSecondMin: 16 * KIB,
  /** Deploys at once: each holds its module, and compiling is bounded further on. */
  deploysMax: 4,
  /** Functions with counters of their own in the metrics; the others share one label. */
  metricsFunctionsMax: 200,
} as const;

/** Files that a tenant's functions share. */
export const FILE_LIMITS = {
  /** What one request may bring. */
  fileBytesMax: 256 * MIB,
  storedBytesMax: 64 * GIB,
  filesMax: 100_000,
  /** Part of a key of the store, which may have 2 KiB. */
  pathBytesMax: 1_024,
} as const;

/** What Deno KV takes, on a local file and on a server alike; where they differ, the smaller. Tested at n - 1, n and n + 1. */
export const KV_LIMITS = {
  /** Bytes are stored as they are, so that a chunk of 64 KiB fits; other values count as encoded. */
  valueBytesMax: 64 * KIB,
  /** All keys and values of one commit. */
  commitBytesMax: 800 * KIB,
  commitKeyBytesMax: 80 * KIB,
  mutationsMax: 1_000,
  /** A local file would take 100. */
  checksMax: 10,
  keysPerReadMax: 10,
  keysPerWatchMax: 10,
  /** A process that has 200 watches on a server open never hears from it again; 150 were fine. */
  watchesMax: 64,
} as const;

/** State: values, in the local tier and in the global one. */
export const STATE_LIMITS = {
  /** In bytes of UTF-8. With the tenant, an index and a write's id it stays well below Deno KV's 2 KiB for a key. */
  keyBytesMax: 512,
  /** Values are moved and compared in pieces of this size: what Deno KV takes as one value, and one WebAssembly page. */
  chunkBytes: 64 * KIB,
  /** Of a chunk's hash: the first bytes of its SHA-256. Two chunks of a store that share one by chance: never. */
  hashBytes: 16,
  valueBytesMax: 1 * GIB,
  /** What one request may write into a value; it is in memory meanwhile. */
  partBytesMax: 64 * MIB,
  /** Values of one answer to a list. */
  pageMax: 1_000,
  /** The local tier of one tenant on one host: values, and the copies that are kept to find and merge changes. */
  localBytesDefault: 4 * GIB,
  /** Values that are on a host at once, each with a descriptor of the process, and locks that are taken. */
  localKeysMax: 4_096,
  /** Parts of values in linear memories: a process has 65,530 mappings of all kinds. */
  localMappingsMax: 16_384,
  /** The same for one call. */
  callMappingsMax: 1_024,
  /** An appended record is one value of Deno KV. */
  recordBytesMax: 64 * KIB,
  /** What a tenant may have in the global tier, if nobody says otherwise. */
  tenantBytesDefault: 16 * GIB,
  tenantKeysDefault: 100_000,
  /** A host that did not renew its lease for so long may lose its global locks to others. */
  lockLeaseMs: 10_000,
  /** Between looks for what hosts that are gone left behind. */
  sweepMs: 60_000,
  /** Holders and waiters of one global lock together: they are one record of the store. */
  lockPartiesMax: 256,
} as const;

/** What a function may say of its answer. */
export const HTTP_LIMITS = {
  /** Of a head that a function writes; browsers and proxies take some 8 to 64 KiB. */
  answerHeadBytesMax: 32 * KIB,
  answerHeadersMax: 100,
  /** Origins whose pages may read a function's answers. */
  corsOriginsMax: 32,
  /** Of one request that a function makes (`__faaslet_http`). Servers take some 8 KiB; the add-on has these two as well. */
  requestUrlBytesMax: 8 * KIB,
  requestHeadBytesMax: 32 * KIB,
  /** It is copied out of the guest's memory. */
  requestBodyBytesMax: 64 * MIB,
  /** Of the answer: status line and headers, those before the final ones included. */
  fetchedHeadBytesMax: 64 * KIB,
  /** Read piece by piece, so that it costs no memory: an end for answers that have none. */
  fetchedBodyBytesMax: 1 * GIB,
  /** As browsers' twenty, halved: what honest servers need is three. */
  redirectsMax: 10,
  /** From the look-up of the name to the end of the answer's head, redirects included. The call's deadline ends it as well. */
  fetchedHeadMsMax: 60_000,
  /** Between two pieces of the answer's body. */
  fetchedPauseMsMax: 60_000,
} as const;

/** What is kept of calls after their end, and of those that are accepted before they run. */
export const CALL_LIMITS = {
  /** Records of calls that ended well, and of calls that failed, each; some 500 bytes apiece. */
  recordsMax: 10_000,
  /** Standard output and error of all those records together. */
  logBytesMax: 64 * MIB,
  /** Of the reason that a record keeps; a backtrace of 50 frames fits. */
  messageBytesMax: 8 * KIB,
  /** How often records are written to the store: what a crash loses of synchronous calls. */
  flushMs: 1_000,
  /** Records of each kind written at once; of a second with more calls only the newest are found after a restart. */
  flushRecordsMax: 2_000,
  /** Of one stream of one record, in the store; and of all records written at once, the newest first. */
  flushLogBytesMax: 16 * KIB,
  flushLogsBytesMax: 4 * MIB,
  /** Kept in the store for this long. */
  keptMs: 24 * 3_600_000,
  failedKeptMs: 7 * 24 * 3_600_000,
  /** Records of synchronous calls in the store, compressed. */
  storedRecordBytesMax: 64 * MIB,
  /** Asynchronous calls whose result is kept, and the bytes of their results, logs and inputs. */
  asyncKeptMax: 10_000,
  asyncKeptBytesMax: 1 * GIB,
  /** Asynchronous calls that have not ended; their inputs and environments in memory. */
  asyncOpenMax: 20_000,
  asyncOpenBytesMax: 256 * MIB,
  /** Runs of an idempotent call that was open when its host went away, the first included. */
  runsMax: 3,
  idempotencyKeyBytesMax: 256,
  /** A client waits for a call's end this long at most, then asks again. */
  waitMsMax: 60_000,
  /** Records in one answer. */
  pageMax: 1_000,
  /** Calls of a tree in one answer. */
  treeCallsMax: 5_000,
  pageDefault: 100,
  /** Lines of logs in one answer: a function may write nothing but line ends, and a line costs a hundred times its byte. */
  logLinesMax: 50_000,
  /** Bytes of logs that are looked through for one answer. */
  logAnswerBytesMax: 16 * MIB,
  /** Those who follow logs at once, and the lines that wait for each. */
  followersMax: 64,
  followerBytesMax: 1 * MIB,
} as const;

assert(FUNCTION_LIMITS.timeoutMsDefault <= FUNCTION_LIMITS.timeoutMsMax, "timeout default is within its maximum");
assert(FUNCTION_LIMITS.memoryBytesDefault <= FUNCTION_LIMITS.memoryBytesMax, "memory default is within its maximum");
assert(FUNCTION_LIMITS.memoryBytesMax % WASM_PAGE_BYTES === 0, "memory maximum is whole pages");
assert(FUNCTION_LIMITS.outputBytesDefault <= FUNCTION_LIMITS.outputBytesMax, "output default is within its maximum");
assert(FUNCTION_LIMITS.logBytesDefault <= FUNCTION_LIMITS.logBytesMax, "log default is within its maximum");
assert(
  FUNCTION_LIMITS.concurrencyDefault <= FUNCTION_LIMITS.concurrencyMax,
  "concurrency default is within its maximum",
);
assert(FUNCTION_LIMITS.queueMax <= HOST_LIMITS.queuedMax, "one function's queue fits the host's");
assert(
  MODULE_LIMITS.bytesMax + FUNCTION_LIMITS.deployedFileBytesMax <= HOST_LIMITS.requestBodyBytesMax,
  "the largest deploy fits the memory for request bodies",
);
assert(
  FUNCTION_LIMITS.inputBytesMax <= HOST_LIMITS.requestBodyBytesMax,
  "the largest input fits the memory for request bodies",
);
assert(CHAIN_LIMITS.depthMax <= HOST_LIMITS.waitingMax, "a chain as deep as may be can wait");
assert(CHAIN_LIMITS.inFlightMax <= HOST_LIMITS.queuedMax, "one tree's calls fit the host's queues");
assert(
  FUNCTION_LIMITS.outputBytesMax <= HOST_LIMITS.answerBytesMax,
  "the largest output fits the memory for answers",
);
assert(
  FUNCTION_LIMITS.inputBytesMax + 4 * FUNCTION_LIMITS.environmentBytesMax <= CALL_LIMITS.asyncOpenBytesMax,
  "an asynchronous call with the largest input fits",
);
assert(CALL_LIMITS.flushRecordsMax <= CALL_LIMITS.recordsMax, "what is written at once is there to be written");
assert(
  FILE_LIMITS.fileBytesMax <= HOST_LIMITS.requestBodyBytesMax,
  "the largest shared file fits the memory for request bodies",
);
assert(MODULE_LIMITS.functionBytesMax <= MODULE_LIMITS.bytesMax, "a function body fits a module");
assert(STATE_LIMITS.chunkBytes <= KV_LIMITS.valueBytesMax, "a chunk is one value of the store");
assert(STATE_LIMITS.recordBytesMax <= KV_LIMITS.valueBytesMax, "a record is one value of the store");
assert(
  2 * STATE_LIMITS.valueBytesMax <= STATE_LIMITS.localBytesDefault,
  "the largest value fits the local tier, with the copy that is kept while it is mapped",
);
assert(STATE_LIMITS.chunkBytes === WASM_PAGE_BYTES, "a chunk is a page");
assert(
  SNAPSHOT_LIMITS.bytesMax / WASM_PAGE_BYTES * 32 <= KV_LIMITS.valueBytesMax - 8 * KIB,
  "the digests of the largest snapshot's pieces are one value of the store",
);
assert(STATE_LIMITS.valueBytesMax % STATE_LIMITS.chunkBytes === 0, "the largest value is whole chunks");
assert(STATE_LIMITS.valueBytesMax <= STATE_LIMITS.tenantBytesDefault, "the largest value fits a tenant's quota");
