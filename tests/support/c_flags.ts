/** How a test's C program is linked. */
export type Flags = readonly string[];

/** A plain command. */
export const COMMAND: Flags = [];

/** A program with an initialiser that is snapshotted, in FAASM's manner. */
export const EXPORTS: Flags = [
  "-Wl,--export=__wasm_call_ctors",
  "-Wl,--export=__main_void",
  "-Wl,--export-if-defined=__wasm_call_dtors",
  "-Wl,--export-if-defined=_faasm_zygote",
  "-Wl,--export-if-defined=errno",
  "-Wl,--allow-undefined",
];

/** A program that opens libraries, with what it exports for them. */
export const DYNAMIC: Flags = [
  ...EXPORTS,
  "-Wl,--export-dynamic",
  "-fvisibility=default",
  "-Wl,--export=malloc",
  "-Wl,--export=__stack_pointer",
];

/** A library that another program opens. */
export const LIBRARY: Flags = [
  "-fPIC",
  "-fvisibility=default",
  "-shared",
  "-nostdlib",
  "-Wl,--experimental-pic",
  "-Wl,--no-entry",
  "-Wl,--unresolved-symbols=import-dynamic",
];
