// A stale read: what a host fetched stays as it is, whatever another host pushes, until it is pulled.
//
// Input: `set NUMBER` writes and pushes; `read` answers with the number as this host has it; `pull` fetches it again before.
#include <stdlib.h>

#include "meet.h"

int main(void) {
  char verb[16], word[16] = "";
  if (read_words(verb, word) < 1) return 2;
  int number = atoi(word);
  if (strcmp(verb, "set") == 0) {
    set_state("stale/number", &number, sizeof number);
    push_state("stale/number");
    return 0;
  }
  // Prevents it.
  if (strcmp(verb, "pull") == 0) pull_state("stale/number");
  read_state("stale/number", &number, sizeof number);
  return answer(number);
}
