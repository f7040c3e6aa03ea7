// The sum of the squares of 1 to n, in parts, with FAASM's own names: as its C++ functions are written.
#include <array>
#include <cstdint>
#include <string>

#include "faasm/faasm.h"
#include "faasm/input.h"

struct Range {
  uint64_t from, to;
};

constexpr unsigned kParts = 8;

// What the initialiser fills is there in every call.
static std::string ending;

FAASM_ZYGOTE() {
  ending = "\n";
  return 0;
}

int part() {
  const auto range = faasm::getTypedInput<Range>({0, 0});
  uint64_t sum = 0;
  for (uint64_t at = range.from; at < range.to; at++) sum += at * at;
  faasmSetOutput(BYTES(&sum), sizeof sum);
  return 0;
}

int main() {
  const uint64_t n = std::stoull(faasm::getStringInput("0"));
  std::array<unsigned, kParts> calls;
  for (unsigned at = 0; at < kParts; at++) {
    Range range{n * at / kParts + 1, n * (at + 1) / kParts + 1};
    calls[at] = faasmChain(part, BYTES(&range), sizeof range);
  }
  uint64_t sum = 0;
  for (const unsigned call : calls) {
    uint64_t one = 0;
    if (faasmAwaitCallOutput(call, BYTES(&one), sizeof one) != 0) return 1;
    sum += one;
  }
  faasm::setStringOutput((std::to_string(sum) + ending).c_str());
  return 0;
}
