// A race in memory: two calls of one host load a number from the same region, and each stores it with one added: of two additions one is
// left. Then the same under the local lock.
#include "meet.h"

enum { kWithLock = 2 };

// A number, and for each call whether it has come to where both have loaded it.
struct Shared {
  volatile int number;
  volatile int has_loaded[2];
};

// Volatile: a compiler may else keep what it has loaded in a register, and never see that it has changed.
static volatile struct Shared *shared(int with_lock) {
  return get_state(with_lock ? "race/locked" : "race/plain", sizeof(struct Shared));
}

static int add(int who, int with_lock) {
  volatile struct Shared *const value = shared(with_lock);
  if (with_lock) {
    // Prevents it. Who waits here loads what the other one has stored.
    lock_state_write("race/locked");
    value->number = value->number + 1;
    unlock_state_write("race/locked");
    return 0;
  }
  const int number = value->number;
  value->has_loaded[who] = 1;
  while (!value->has_loaded[1 - who]) sched_yield();
  value->number = number + 1;
  return 0;
}

static int add_twice(int with_lock) {
  volatile struct Shared *const value = shared(with_lock);
  value->number = value->has_loaded[0] = value->has_loaded[1] = 0;
  const int first = with_lock ? kWithLock + 1 : 1;
  const call_handle calls[] = {chain_index(first, "", 0), chain_index(first + 1, "", 0)};
  if (await_call(calls[0]) != 0 || await_call(calls[1]) != 0) return -1;
  return value->number;
}

int main(void) {
  const int index = call_index();
  if (index != 0) return add((index - 1) % 2, index > kWithLock);
  const int plain = add_twice(0), locked = add_twice(1);
  char text[80];
  write_call_output(text, (size_t)snprintf(text, sizeof text, "two additions: %d without the lock, %d with it\n", plain, locked));
  return plain < 0 || locked < 0;
}
