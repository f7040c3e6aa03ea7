/** How the program's end looks to a script. */
import type { ErrorCode, FaasletError } from "../errors.ts";

/** Exit codes of every subcommand; `run` has its own, see `run.ts`. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  auth: 4,
  timeout: 5,
  functionFailed: 6,
} as const;

const EXIT_OF_CODE: Partial<Record<ErrorCode, number>> = {
  ERR_USAGE: EXIT.usage,
  ERR_NAME_INVALID: EXIT.usage,
  ERR_NOT_FOUND: EXIT.notFound,
  ERR_UNAUTHENTICATED: EXIT.auth,
  ERR_FORBIDDEN: EXIT.auth,
  ERR_CALL_TIMEOUT: EXIT.timeout,
  ERR_REQUEST_TIMEOUT: EXIT.timeout,
  ERR_GUEST_EXIT: EXIT.functionFailed,
  ERR_GUEST_TRAP: EXIT.functionFailed,
  ERR_GUEST_STACK: EXIT.functionFailed,
  ERR_GUEST_POINTER: EXIT.functionFailed,
  ERR_GUEST_MISUSE: EXIT.functionFailed,
  ERR_OUTPUT_LIMIT: EXIT.functionFailed,
};

/** The exit code of a program that ended with this error. */
export function exitCodeOf(error: FaasletError): number {
  return EXIT_OF_CODE[error.code] ?? EXIT.failure;
}
