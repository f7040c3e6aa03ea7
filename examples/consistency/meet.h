// Two calls that wait for each other, so that what may happen by bad luck does happen. Not a lock: it orders nothing else.
#ifndef MEET_H
#define MEET_H

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "faaslet.h"

// On two hosts, through the global tier: `host` is "one" or "two".
static inline void meet_host(const char *where, const char *host) {
  char mine[64], other[64];
  snprintf(mine, sizeof mine, "meet/%s/%s", where, host);
  snprintf(other, sizeof other, "meet/%s/%s", where, strcmp(host, "one") == 0 ? "two" : "one");
  set_state(mine, "here", 4);
  push_state(mine);
  while (state_size(other) == 0) sched_yield();
}

// The call's input as words: "one plain".
static inline int read_words(char *first, char *second) {
  char input[64] = {0};
  read_call_input(input, sizeof input - 1);
  return sscanf(input, "%15s %15s", first, second);
}

static inline int answer(int number) {
  char text[16];
  write_call_output(text, (size_t)snprintf(text, sizeof text, "%d\n", number));
  return 0;
}

#endif
