// Counts what ran before it, for the rules of starting: constructors, initialisers, calls. What it prints has no line end,
// so that it reaches standard output only if somebody flushes it.
#include <stdio.h>

__attribute__((import_module("env"), import_name("__faasm_write_output"))) void write_output(const void *bytes, int length);

static int constructed, initialised, called;

__attribute__((constructor)) static void construct(void) { constructed++; }

int _faasm_zygote(void) {
    initialised++;
    return 0;
}

__attribute__((export_name("prepare"))) int prepare(void) {
    initialised += 10;
    return 0;
}

static int report(char *text) {
    called++;
    return sprintf(text, "constructed %d, initialised %d, called %d", constructed, initialised, called);
}

__attribute__((export_name("handle"))) int handle(void) {
    char text[80];
    write_output(text, report(text));
    return 0;
}

int main(void) {
    char text[80];
    report(text);
    fputs(text, stdout);
    return 0;
}
