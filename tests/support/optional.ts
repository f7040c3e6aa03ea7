/** Tests that need what not every machine has. */

/**
 * Registers a test, unless something is missing: then it is ignored and says so, by name. `missing` is why it cannot run,
 * in words, or undefined.
 */
export function optionalTest(name: string, missing: string | undefined, body: () => Promise<void>): void {
  if (missing !== undefined) console.log(`skipped: ${name}: ${missing}`);
  Deno.test({ name, ignore: missing !== undefined, fn: body });
}
