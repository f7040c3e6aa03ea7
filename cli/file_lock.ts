/** How long an older Deno, which can only wait for a lock, is given to have it. */
const WAIT_MS = 250;

/** Locks a file if nobody has it; the lock goes with the file's end or the process's. */
export async function tryLock(file: Deno.FsFile, isExclusive: boolean): Promise<boolean> {
  // Deno 2.6, which compiled programs may hold, has no `tryLock`.
  if (typeof file.tryLock === "function") return await file.tryLock(isExclusive);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), WAIT_MS));
  try {
    return await Promise.race([file.lock(isExclusive).then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
