#include <stdlib.h>

int value;
static int calls;
static int *box;

__attribute__((constructor)) static void begin(void) {
    value += 1000;
    box = malloc(sizeof *box);
    *box = 0;
}

int count(int n) {
    calls++;
    *box += n;
    return value += n;
}

int calls_of_count(void) { return calls; }
