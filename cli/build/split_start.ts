/** Programs that the host enters elsewhere than at their start, and the linker flags that they need. */

/** Imports of such programs: of entries in the function table, and of the guest's own allocator. */
const ENTERS_ELSEWHERE = /^__faasm_(chain_ptr|await_call_output|read_state(_offset)?_ptr)$|^dlopen$|^mmap$/;

/**
 * For wasm-ld: the host runs the constructors once, before the initialiser, and enters at main behind them; a program that
 * exports none of this has its exports wrapped, so that a call of `malloc` from outside would run them again.
 */
export const SPLIT_START = [
  "--export=__wasm_call_ctors",
  "--export=__main_void",
  ...["__wasm_call_dtors", "malloc", "free", "aligned_alloc", "posix_memalign"].map((name) =>
    `--export-if-defined=${name}`
  ),
];

/** True for a module that has to be linked again, with {@link SPLIT_START}. */
export async function needsSplitStart(path: string): Promise<boolean> {
  const module = await WebAssembly.compile(await Deno.readFile(path));
  const exports = WebAssembly.Module.exports(module).map(({ name }) => name);
  if (exports.includes("__wasm_call_ctors")) return false;
  const imports = WebAssembly.Module.imports(module);
  return exports.includes("_faasm_zygote") || imports.some(({ name }) => ENTERS_ELSEWHERE.test(name));
}
