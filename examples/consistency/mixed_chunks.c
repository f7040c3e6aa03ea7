// Mixed chunks: of two that may be on duty, one has to be. Each host takes its own off after it has seen the other one there; they push
// different chunks of the value, nothing is overwritten, and nobody is there: a state that no host ever had.
//
// Input: which host this is, `one` or `two`, and `plain`, or `locked`, under the global lock. Answers with how many are on duty as this
// host sees it in the end; `count` and one of them counts what is in the global tier.
#include "meet.h"

enum { kChunk = 65536, kSize = kChunk + 1 };
static const size_t kPlaces[] = {0, kChunk};

static int is_on_duty(const char *key, int who) {
  char found = 0;
  read_state_offset(key, kSize, kPlaces[who], &found, 1);
  return found;
}

static void leave(const char *key, int who) {
  // What has to hold: one of the two is there.
  if (is_on_duty(key, 1 - who)) set_state_offset(key, kSize, kPlaces[who], "\0", 1);
}

static void leave_locked(const char *key, void *who) { leave(key, *(int *)who); }

int main(void) {
  char host[16], how[16], key[32];
  if (read_words(host, how) != 2) return 2;
  snprintf(key, sizeof key, "mixed/%s", how);
  int who = strcmp(host, "two") == 0;
  if (strcmp(host, "begin") == 0) {
    set_state_offset(key, kSize, kPlaces[0], "\1", 1);
    set_state_offset(key, kSize, kPlaces[1], "\1", 1);
    push_state(key);
  } else if (strcmp(host, "count") == 0) {
    pull_state(key);
  } else if (strcmp(how, "plain") == 0) {
    leave(key, who);
    meet_host(key, host);
    push_state(key);
  } else {
    meet_host(key, host);
    // Prevents it: who comes second sees that the other one has left.
    with_global_lock(key, leave_locked, &who);
  }
  return answer(is_on_duty(key, 0) + is_on_duty(key, 1));
}
