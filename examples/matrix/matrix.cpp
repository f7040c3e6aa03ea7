// A matrix product by divide and conquer: a call splits its square of C into four and chains a call for each, until a square
// is one block. A, B and C lie in state, block by block, so that a call has only the blocks in its memory that it works on.
//
// Input: `SIZE [check]`, the size a power of two, 64 or more. `check` compares with a plain product, all of it in one call.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "faaslet.h"

using faaslet::StateArray;

constexpr uint32_t kBlock = 64, kSizeMax = 2048;
constexpr size_t kBlockElements = kBlock * kBlock;

// A square of C: `blocks` by `blocks` of them, from block (row, column) on, of a matrix of `all` by `all`.
struct Square {
  uint32_t all, row, column, blocks;
};

// Block (row, column) of a value: memory that all calls of the host share.
static StateArray<double> block_of(const char *key, uint32_t all, uint32_t row, uint32_t column) {
  return {key, all * all * kBlockElements, (row * all + column) * kBlockElements, kBlockElements};
}

static void multiply_block(const Square &square) {
  const auto sum = block_of("matrix/c", square.all, square.row, square.column);
  for (auto &element : sum) element = 0;
  for (uint32_t step = 0; step < square.all; step++) {
    const auto left = block_of("matrix/a", square.all, square.row, step);
    const auto right = block_of("matrix/b", square.all, step, square.column);
    for (uint32_t row = 0; row < kBlock; row++) {
      for (uint32_t inner = 0; inner < kBlock; inner++) {
        const double factor = left[row * kBlock + inner];
        for (uint32_t column = 0; column < kBlock; column++) {
          sum[row * kBlock + column] += factor * right[inner * kBlock + column];
        }
      }
    }
  }
}

static int multiply();

// No two calls write to the same block, so nobody needs a lock; who awaits a call sees what it wrote.
static int multiply_square(const Square &square) {
  if (square.blocks == 1) {
    multiply_block(square);
    return 0;
  }
  const uint32_t half = square.blocks / 2;
  std::array<call_handle, 4> calls;
  for (uint32_t quarter = 0; quarter < 4; quarter++) {
    const Square part{square.all, square.row + quarter / 2 * half, square.column + quarter % 2 * half, half};
    calls[quarter] = chain_entry(multiply, &part, sizeof part);
  }
  int failed = 0;
  for (const call_handle call : calls) failed |= await_call(call);
  return failed;
}

static int multiply() {
  Square square;
  if (read_call_input(&square, sizeof square) != sizeof square) return 1;
  return multiply_square(square);
}

// Numbers in [-1, 1), of no order that a mistake could hide in.
static void fill(const char *key, size_t elements, uint64_t state) {
  std::vector<double> numbers(elements);
  for (auto &number : numbers) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    number = static_cast<double>(static_cast<int64_t>(state)) * 0x1.0p-63;
  }
  set_state(key, numbers.data(), elements * sizeof(double));
  push_state(key);
}

// The largest difference from what three loops over whole matrices give.
static double compare(uint32_t size) {
  const uint32_t all = size / kBlock;
  const auto plain = [&](const char *key) {
    const StateArray<double> blocks(key, static_cast<size_t>(size) * size);
    std::vector<double> rows(blocks.size());
    for (size_t at = 0; at < blocks.size(); at++) {
      const size_t block = at / kBlockElements, inside = at % kBlockElements;
      rows[(block / all * kBlock + inside / kBlock) * size + block % all * kBlock + inside % kBlock] = blocks[at];
    }
    return rows;
  };
  const auto a = plain("matrix/a"), b = plain("matrix/b"), c = plain("matrix/c");
  double largest = 0;
  for (uint32_t row = 0; row < size; row++) {
    for (uint32_t column = 0; column < size; column++) {
      double sum = 0;
      for (uint32_t inner = 0; inner < size; inner++) sum += a[row * size + inner] * b[inner * size + column];
      largest = std::fmax(largest, std::fabs(sum - c[row * size + column]));
    }
  }
  return largest;
}

int main() {
  std::string words(call_input_size(), '\0');
  read_call_input(words.data(), words.size());
  uint32_t size = 0;
  if (std::sscanf(words.c_str(), "%u", &size) != 1 || size < kBlock || size > kSizeMax || (size & (size - 1)) != 0) {
    std::fprintf(stderr, "the size is a power of two, from %u to %u\n", kBlock, kSizeMax);
    return 2;
  }
  const size_t elements = static_cast<size_t>(size) * size;
  // Two products at once would write to the same values. It ends with the call.
  lock_state_write("matrix/size");
  fill("matrix/a", elements, 1);
  fill("matrix/b", elements, 2);
  // Of its size before anybody maps a part of it.
  const std::vector<double> nothing(elements);
  set_state("matrix/c", nothing.data(), elements * sizeof(double));
  if (multiply_square({size / kBlock, 0, 0, size / kBlock}) != 0) return 1;
  push_state("matrix/c");
  std::string said = std::to_string(size) + " x " + std::to_string(size) + " in state as matrix/c";
  if (words.find("check") != std::string::npos) {
    const double difference = compare(size);
    char text[64];
    std::snprintf(text, sizeof text, "; at most %g from a plain product", difference);
    said += text;
    if (!(difference <= 1e-9)) return 3;
  }
  said += "\n";
  write_call_output(said.data(), said.size());
  return 0;
}
