// A lost update: two hosts add one to the same number. Both have read it before either pushes, so that one addition is lost.
//
// Input: which host this is, `one` or `two`, and how to add: `plain`; `locked`, under the global lock; `versioned`, on condition that
// nobody else pushed. Answers with the number as it pushed it.
#include "meet.h"

static void add(const char *key, void *number) {
  int now = 0;
  read_state(key, &now, sizeof now);
  now++;
  set_state(key, &now, sizeof now);
  *(int *)number = now;
}

int main(void) {
  char host[16], how[16], key[32];
  if (read_words(host, how) != 2) return 2;
  snprintf(key, sizeof key, "lost/%s", how);
  int number = 0;
  if (strcmp(how, "plain") == 0) {
    read_state(key, &number, sizeof number);
    meet_host(key, host);
    number++;
    set_state(key, &number, sizeof number);
    push_state(key);
  } else if (strcmp(how, "locked") == 0) {
    read_state(key, &number, sizeof number);
    meet_host(key, host);
    // Prevents it: lock, pull, add, push, unlock.
    with_global_lock(key, add, &number);
  } else {
    read_state(key, &number, sizeof number);
    meet_host(key, host);
    // Prevents it as well: who comes second has to look again.
    for (;;) {
      const uint64_t version = state_version(key);
      add(key, &number);
      if (push_state_if(key, version) == 0) break;
      pull_state(key);
    }
  }
  return answer(number);
}
