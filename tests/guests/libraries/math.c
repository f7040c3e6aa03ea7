#include <stdio.h>
#include <string.h>

extern int shared;
int add_to_shared(int);
int twice(int);
int count(int);
int perhaps(int) __attribute__((weak));

static const char *texts[] = {"zero", "one"};

int square(int n) { return n * n; }
int apply(int (*function)(int), int n) { return function(n); }
int (*give(void))(int) { return square; }
int (*program_twice(void))(int) { return twice; }
int touch_shared(int n) {
    shared += 1;
    return add_to_shared(n);
}
int count_twice(int n) {
    count(n);
    return count(n) + (perhaps ? 1 : 0);
}
const char *text(int n) { return texts[n]; }
