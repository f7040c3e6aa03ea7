// Counts the words of the text on standard input and prints the most frequent ones.
//
// A word is a run of ASCII letters, with apostrophes inside; case does not matter. An argument says how many words to
// print (default 20).
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS_MAX 64
#define PRINTED_DEFAULT 20

struct word {
    char *text;
    unsigned long count;
};

// Open addressing; the capacity is a power of two and at least twice the number of words.
static struct word *table;
static size_t capacity;
static size_t used;

static void *must(void *memory) {
    if (memory == NULL) {
        fputs("wordfreq: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

// FNV-1a.
static unsigned long long hash(const char *text) {
    unsigned long long value = 14695981039346656037ull;
    for (; *text != '\0'; text++) value = (value ^ (unsigned char)*text) * 1099511628211ull;
    return value;
}

static struct word *find(const char *text) {
    size_t at = (size_t)hash(text) & (capacity - 1);
    while (table[at].text != NULL && strcmp(table[at].text, text) != 0) at = (at + 1) & (capacity - 1);
    return &table[at];
}

static void grow(void) {
    struct word *old = table;
    size_t old_capacity = capacity;
    capacity = old_capacity == 0 ? 1024 : old_capacity * 2;
    table = must(calloc(capacity, sizeof *table));
    for (size_t at = 0; at < old_capacity; at++) {
        if (old[at].text != NULL) *find(old[at].text) = old[at];
    }
    free(old);
}

static void count(const char *text) {
    if (used * 2 >= capacity) grow();
    struct word *word = find(text);
    if (word->text == NULL) {
        word->text = must(strdup(text));
        used++;
    }
    word->count++;
}

static int next_word(FILE *input, char *text) {
    size_t length = 0;
    int character;
    while ((character = getc(input)) != EOF) {
        if (isalpha(character) || (character == '\'' && length > 0)) {
            if (length < LETTERS_MAX) text[length++] = (char)tolower(character);
        } else if (length > 0) {
            break;
        }
    }
    while (length > 0 && text[length - 1] == '\'') length--;
    text[length] = '\0';
    return length > 0 || character != EOF;
}

static int by_count(const void *left, const void *right) {
    const struct word *a = left, *b = right;
    if (a->count != b->count) return a->count < b->count ? 1 : -1;
    return strcmp(a->text, b->text);
}

int main(int argc, char **argv) {
    char text[LETTERS_MAX + 1];
    unsigned long total = 0;
    grow();
    while (next_word(stdin, text)) {
        if (text[0] == '\0') continue;
        count(text);
        total++;
    }
    size_t kept = 0;
    for (size_t at = 0; at < capacity; at++) {
        if (table[at].text != NULL) table[kept++] = table[at];
    }
    qsort(table, kept, sizeof *table, by_count);
    size_t printed = argc > 1 ? strtoul(argv[1], NULL, 10) : PRINTED_DEFAULT;
    printf("%lu words, %zu different\n", total, kept);
    for (size_t at = 0; at < kept && at < printed; at++) printf("%7lu %s\n", table[at].count, table[at].text);
    return 0;
}
