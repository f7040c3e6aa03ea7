// HOGWILD! on a sparse data set: one call trains by chaining many, which share the weights in memory and take no lock.
//
// Input: `EXAMPLES [WORKERS [EPOCHS]]`. The rest is for whoever drives the parts himself, on hosts of his choice:
// `prepare ...` makes the data set, `part ... EPOCH NUMBER [copies]` trains on one part of it, `loss ...` says how good the
// weights are. `copies`: as if nothing were shared, with weights of one's own that are added to the global ones at the end.
#include <cstdio>
#include <string>
#include <vector>

#include "faaslet.h"
#include "rcv1.h"

using faaslet::StateArray;

constexpr const char *kShape = "sgd/shape", *kOffsets = "sgd/offsets", *kEntries = "sgd/entries", *kLabels = "sgd/labels",
                     *kWeights = "sgd/weights";

struct Settings {
  uint32_t examples = 20000;
  unsigned workers = 4, epochs = 5, epoch = 0, number = 0;
  bool copies = false;
};

static Settings read_settings(const std::string &words) {
  Settings settings;
  auto &[examples, workers, epochs, epoch, number, copies] = settings;
  std::sscanf(words.c_str(), "%u %u %u %u %u", &examples, &workers, &epochs, &epoch, &number);
  copies = words.find("copies") != std::string::npos;
  return settings;
}

static std::string input() {
  std::string words(call_input_size(), '\0');
  read_call_input(words.data(), words.size());
  return words;
}

// The data set in state, and weights that know nothing yet. What is there already, from an earlier call, is not made again.
static void prepare(const Settings &settings) {
  uint32_t examples = 0;
  read_state(kShape, &examples, sizeof examples);
  if (examples != settings.examples) {
    std::vector<uint32_t> offsets{0};
    for (uint32_t row = 0; row < settings.examples; row++) offsets.push_back(offsets.back() + words_in(row));
    std::vector<Entry> entries(offsets.back());
    std::vector<float> labels;
    for (uint32_t row = 0; row < settings.examples; row++) {
      labels.push_back(make_row(row, offsets[row + 1] - offsets[row], &entries[offsets[row]]));
    }
    set_state(kOffsets, offsets.data(), offsets.size() * sizeof(uint32_t));
    set_state(kEntries, entries.data(), entries.size() * sizeof(Entry));
    set_state(kLabels, labels.data(), labels.size() * sizeof(float));
    for (const char *key : {kOffsets, kEntries, kLabels}) push_state(key);
    // Last: whoever reads it finds all the rest.
    set_state(kShape, &settings.examples, sizeof settings.examples);
    push_state(kShape);
  }
  const std::vector<double> nothing(kFeatures);
  set_state(kWeights, nothing.data(), kFeatures * sizeof(double));
  push_state(kWeights);
}

// Rows of the value, mapped: of a host that does not have them, only their chunks come from the global tier.
struct MappedRows {
  std::vector<uint32_t> offsets;
  StateArray<Entry> entries;
  StateArray<float> labels;

  static MappedRows at(uint32_t first, uint32_t count, uint32_t examples) {
    const size_t total = state_size(kEntries) / sizeof(Entry);
    const StateArray<uint32_t> all(kOffsets, examples + 1, first, count + 1);
    std::vector<uint32_t> offsets(all.begin(), all.end());
    for (auto &offset : offsets) offset -= all[0];
    return {offsets, {kEntries, total, all[0], offsets.back()}, {kLabels, examples, first, count}};
  }

  Rows rows() const {
    return {offsets.data(), entries.data(), labels.data(), static_cast<uint32_t>(labels.size())};
  }
};

struct Copies {
  std::vector<double> before, now;
};

// Others have added theirs meanwhile.
static void add_copies(const char *, void *context) {
  const auto &[before, now] = *static_cast<Copies *>(context);
  const StateArray<double> weights(kWeights, kFeatures);
  for (uint32_t at = 0; at < kFeatures; at++) weights[at] += now[at] - before[at];
}

// A part of the data set, each epoch another one for the same number.
static int train_part(const Settings &settings) {
  const auto [examples, workers, epochs, epoch, number, copies] = settings;
  const uint64_t part = (number + epoch) % workers;
  const uint32_t first = examples * part / workers, last = examples * (part + 1) / workers;
  if (first == last) return 0;
  const auto mapped = MappedRows::at(first, last - first, examples);
  if (copies) pull_state(kWeights);
  const StateArray<double> weights(kWeights, kFeatures);
  if (!copies) {
    descend(mapped.rows(), weights.data(), rate_of(epoch));
    return 0;
  }
  Copies own{{weights.begin(), weights.end()}, {weights.begin(), weights.end()}};
  descend(mapped.rows(), own.now.data(), rate_of(epoch));
  with_global_lock(kWeights, add_copies, &own);
  return 0;
}

static int part() { return train_part(read_settings(input())); }

static int report(const Settings &settings) {
  const auto mapped = MappedRows::at(0, settings.examples, settings.examples);
  const StateArray<double> weights(kWeights, kFeatures);
  const auto [loss, right] = quality_of(mapped.rows(), weights.data());
  char line[80];
  const int length = std::snprintf(line, sizeof line, "loss %.5f, %.2f %% right\n", loss, 100 * right);
  write_call_output(line, length);
  return 0;
}

static int train(const Settings &settings) {
  // Two of them at once would train the same weights. It ends with the call.
  lock_state_write(kShape);
  prepare(settings);
  for (unsigned epoch = 0; epoch < settings.epochs; epoch++) {
    std::vector<call_handle> calls;
    for (unsigned number = 0; number < settings.workers; number++) {
      char order[80];
      const int length = std::snprintf(order, sizeof order, "%u %u %u %u %u", settings.examples, settings.workers,
                                       settings.epochs, epoch, number);
      calls.push_back(chain_entry(part, order, length));
    }
    for (const call_handle call : calls) {
      if (await_call(call) != 0) return 1;
    }
    push_state(kWeights);
  }
  return report(settings);
}

int main() {
  const std::string words = input();
  const size_t verb = words.find_first_of(' ');
  const std::string rest = verb == std::string::npos ? "" : words.substr(verb);
  if (words.rfind("prepare", 0) == 0) return prepare(read_settings(rest)), 0;
  if (words.rfind("part", 0) == 0) return train_part(read_settings(rest));
  if (words.rfind("loss", 0) == 0) return pull_state(kWeights), report(read_settings(rest));
  return train(read_settings(words));
}
