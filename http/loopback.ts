const IPV4_LOOPBACK = /^127\.(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){2}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;

/** True for 127.0.0.0/8, ::1 (with or without brackets), `localhost` and names below it (RFC 6761). */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") ||
    hostname === "::1" || hostname === "[::1]" ||
    IPV4_LOOPBACK.test(hostname);
}
