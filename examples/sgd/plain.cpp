// What `sgd.cpp` is measured by: the same on one thread, without state and without chained calls. A plain program, for any
// C++17 compiler: plain [EXAMPLES [EPOCHS]].
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "rcv1.h"

int main(int argc, char **argv) {
  const uint32_t examples = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 20000;
  const unsigned epochs = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 5;
  std::vector<uint32_t> offsets{0};
  for (uint32_t row = 0; row < examples; row++) offsets.push_back(offsets.back() + words_in(row));
  std::vector<Entry> entries(offsets.back());
  std::vector<float> labels(examples);
  for (uint32_t row = 0; row < examples; row++) {
    labels[row] = make_row(row, offsets[row + 1] - offsets[row], &entries[offsets[row]]);
  }
  const Rows rows{offsets.data(), entries.data(), labels.data(), examples};
  std::vector<double> weights(kFeatures);
  for (unsigned epoch = 0; epoch < epochs; epoch++) descend(rows, weights.data(), rate_of(epoch));
  const auto [loss, right] = quality_of(rows, weights.data());
  std::printf("loss %.5f, %.2f %% right\n", loss, 100 * right);
  return 0;
}
