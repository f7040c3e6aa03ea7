/* malloc, mmap and sbrk in one program, begun in the initialiser and gone on with in each call: prints what is wrong. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 65536
#define ROUNDS 400
#define LIVE 24
#define ANONYMOUS 0x22

void *mmap(void *, size_t, int, int, int, long long);
int munmap(void *, size_t);
void *__sbrk(intptr_t);

struct block {
    unsigned char *at;
    size_t size;
    unsigned char mark;
    int is_mapped;
};

static struct block blocks[LIVE];
static unsigned seed = 1;

static unsigned next(void) { return seed = seed * 1103515245u + 12345u, seed >> 8; }

static int holds(struct block *b) {
    for (size_t i = 0; i < b->size; i += 97)
        if (b->at[i] != b->mark) return 0;
    return 1;
}

static int turn(void) {
    struct block *b = &blocks[next() % LIVE];
    if (b->at) {
        if (!holds(b)) return printf("a block lost its bytes\n"), 1;
        if (b->is_mapped ? munmap(b->at, b->size) : (free(b->at), 0)) return printf("munmap: %d\n", errno), 1;
        b->at = 0;
        return 0;
    }
    b->is_mapped = next() % 2;
    b->size = 1 + next() % (b->is_mapped ? 5 * PAGE : 100000);
    b->mark = 1 + next() % 255;
    b->at = b->is_mapped ? mmap(0, b->size, 3, ANONYMOUS, -1, 0) : malloc(b->size);
    if (b->at == (void *)-1 || !b->at) return printf("no memory: %d\n", errno), 1;
    if (b->is_mapped)
        for (size_t i = 0; i < b->size; i += 61)
            if (b->at[i]) return printf("mapped memory is not zero\n"), 1;
    memset(b->at, b->mark, b->size);
    if (next() % 16 == 0) {
        char *piece = __sbrk(1000);
        if (piece == (void *)-1) return printf("no break: %d\n", errno), 1;
        for (int i = 0; i < 1000; i++)
            if (piece[i]) return printf("memory below the break is not zero\n"), 1;
        memset(piece, 0xff, 1000);
    }
    return 0;
}

void _faasm_zygote(void) {
    for (int i = 0; i < ROUNDS; i++)
        if (turn()) abort();
}

int main(void) {
    errno = 0;
    if (munmap((void *)PAGE, PAGE) != -1 || errno != EINVAL) return printf("errno is %d\n", errno), 1;
    for (int i = 0; i < ROUNDS; i++)
        if (turn()) return 1;
    printf("seed %u\n", seed);
    return 0;
}
