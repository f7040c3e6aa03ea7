"use strict";
// The one place that knows which file holds the machine code of this platform.
const names = { "linux-x64": "faaslet.linux-x64-gnu.node" };
const name = names[`${process.platform}-${process.arch}`];
if (name === undefined) {
  throw new Error(`cannot load @faaslet/native: there is no build for ${process.platform} on ${process.arch}`);
}
module.exports = require(`./${name}`);
// Never run: the names that `import { ... }` may use. Node and Deno find them by reading this file.
0 && (module.exports = {
  NativeGroup,
  compileModule,
  engineHash,
  inspectLibrary,
  inspectModule,
  inspectModuleAside,
  isLibrary,
  layoutModule,
  limitProcess,
  live,
  readTree,
  writeTree,
});
