/** The first function in C, and in C++. */
const WITHOUT_COMPILER = "Without a clang for WASI on the machine, faaslet builds it with one that comes as a package.";

export const C = {
  extension: ".c",
  builtWith: WITHOUT_COMPILER,
  source: `// Answers with a greeting for whoever the input names.
#include <stdio.h>

#include "faaslet.h"

int main(void) {
  char name[200];
  size_t length = read_call_input(name, sizeof name);
  while (length > 0 && name[length - 1] == '\\n') length--;
  char answer[256];
  int size = length == 0 ? snprintf(answer, sizeof answer, "hello world\\n")
                         : snprintf(answer, sizeof answer, "hello %.*s\\n", (int)length, name);
  write_call_output(answer, (size_t)size);
  return 0;
}
`,
} as const;

export const CPP = {
  extension: ".cpp",
  builtWith: WITHOUT_COMPILER,
  source: `// Answers with a greeting for whoever the input names.
#include <string>

#include "faaslet.h"

int main() {
  std::string name(call_input_size(), '\\0');
  name.resize(read_call_input(name.data(), name.size()));
  while (!name.empty() && name.back() == '\\n') name.pop_back();
  const std::string answer = "hello " + (name.empty() ? "world" : name) + "\\n";
  write_call_output(answer.data(), answer.size());
  return 0;
}
`,
} as const;
