// A data set of the shape of RCV1 (news stories over 47,236 words, some 76 words in each), generated from a seed, and
// logistic regression on it. Nothing here knows of state or of other calls: `sgd.cpp` and `plain.cpp` share it.
#ifndef RCV1_H
#define RCV1_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>

constexpr uint32_t kFeatures = 47236;
constexpr uint32_t kWordsMin = 40, kWordsMax = 112;
constexpr uint64_t kSeed = 20;
constexpr double kNoise = 0.2;

struct Entry {
  uint32_t feature;
  float value;
};

// Rows of the data set; `offsets` has one element more than there are rows, and counts from where `entries` begins.
struct Rows {
  const uint32_t *offsets;
  const Entry *entries;
  const float *labels;
  uint32_t count;
};

// Splitmix64: any two streams are independent, so that a row needs nothing but its number.
class Random {
 public:
  Random(uint64_t stream, uint64_t number) : state_(kSeed + stream * 0xd1342543de82ef95u + number * 0x9e3779b97f4a7c15u) {}
  // In [0, 1).
  double next() {
    uint64_t bits = state_ += 0x9e3779b97f4a7c15u;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((bits ^ (bits >> 31)) >> 11) * 0x1.0p-53;
  }

 private:
  uint64_t state_;
};

inline uint32_t words_in(uint32_t row) {
  return kWordsMin + static_cast<uint32_t>(Random(1, row).next() * (kWordsMax - kWordsMin + 1));
}

// What the regression is to find out.
inline double true_weight(uint32_t feature) { return 2 * Random(2, feature).next() - 1; }

// Fills in a row of `words` words, of length 1 and in ascending order, some words far more frequent than others; returns its label.
inline float make_row(uint32_t row, uint32_t words, Entry *entries) {
  Random random(3, row);
  double square = 0, score = 0;
  uint32_t next = 0;
  for (uint32_t at = 0; at < words; at++) {
    const double place = (at + random.next()) / words;
    const uint32_t feature = std::max(next, static_cast<uint32_t>(kFeatures * place * place));
    next = feature + 1;
    entries[at] = {feature, static_cast<float>(0.5 + random.next())};
    square += entries[at].value * entries[at].value;
    score += entries[at].value * true_weight(feature);
  }
  const double length = std::sqrt(square);
  for (uint32_t at = 0; at < words; at++) entries[at].value = static_cast<float>(entries[at].value / length);
  return score / length + kNoise * (2 * random.next() - 1) > 0 ? 1 : -1;
}

inline double score_of(const Rows &rows, uint32_t row, const double *weights) {
  double score = 0;
  for (uint32_t at = rows.offsets[row]; at < rows.offsets[row + 1]; at++) {
    score += rows.entries[at].value * weights[rows.entries[at].feature];
  }
  return score;
}

// One pass of stochastic gradient descent over the rows, in a mixed order. Others may do the same on the same weights: a row
// changes few of them, so that what they overwrite of each other hardly counts (HOGWILD!, Niu et al., 2011).
inline void descend(const Rows &rows, double *weights, double rate) {
  uint32_t stride = 7919;
  while (std::gcd(stride, rows.count) != 1) stride++;
  uint64_t row = 0;
  for (uint32_t step = 0; step < rows.count; step++, row = (row + stride) % rows.count) {
    const double label = rows.labels[row];
    const double error = label / (1 + std::exp(label * score_of(rows, static_cast<uint32_t>(row), weights)));
    for (uint32_t at = rows.offsets[row]; at < rows.offsets[row + 1]; at++) {
      weights[rows.entries[at].feature] += rate * error * rows.entries[at].value;
    }
  }
}

inline double rate_of(unsigned epoch) { return 2.0 * std::pow(0.8, epoch); }

struct Quality {
  double loss;
  double right;
};

// The mean logistic loss, and the share of rows whose label is found.
inline Quality quality_of(const Rows &rows, const double *weights) {
  double loss = 0;
  uint32_t right = 0;
  for (uint32_t row = 0; row < rows.count; row++) {
    const double margin = rows.labels[row] * score_of(rows, row, weights);
    loss += std::log1p(std::exp(-margin));
    right += margin > 0;
  }
  return {loss / rows.count, static_cast<double>(right) / rows.count};
}

#endif
