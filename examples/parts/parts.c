// The sum of the squares of 1 to n, in parts: each part is a call of this same program, entered at `part`.
#include <stdio.h>
#include <stdlib.h>

#include "faaslet.h"

enum { PARTS = 8 };

struct range {
    unsigned long long from, to;
};

static int part(void) {
    struct range range;
    unsigned long long sum = 0;
    if (read_call_input(&range, sizeof range) != sizeof range) return 2;
    for (unsigned long long at = range.from; at < range.to; at++) sum += at * at;
    write_call_output(&sum, sizeof sum);
    return 0;
}

int main(void) {
    char text[32] = {0};
    read_call_input(text, sizeof text - 1);
    unsigned long long n = strtoull(text, NULL, 10), sum = 0;
    call_handle calls[PARTS];
    for (unsigned at = 0; at < PARTS; at++) {
        struct range range = {n * at / PARTS + 1, n * (at + 1) / PARTS + 1};
        calls[at] = chain_entry(part, &range, sizeof range);
    }
    for (unsigned at = 0; at < PARTS; at++) {
        void *output;
        size_t length;
        if (await_call_output(calls[at], &output, &length) != 0 || length != sizeof sum) return 1;
        sum += *(unsigned long long *)output;
        free(output);
    }
    int written = snprintf(text, sizeof text, "%llu\n", sum);
    set_header("content-type", "text/plain");
    write_call_output(text, (size_t)written);
    return 0;
}
