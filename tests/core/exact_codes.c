/* Writes, reads and dithers on heap buffers of exactly the right size, for the address sanitizer to
 * watch: sparse and dense levels, every code, rooms that are too small, random and broken bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitpack.h"
#include "codes.h"
#include "grid.h"
#include "steps.h"

enum { LENGTHS = 150, BYTES = 40, TRIALS = 4 };

static void require(int holds, const char *what, int code, size_t n) {
    if (holds)
        return;
    fprintf(stderr, "%s: code %d, n %zu\n", what, code, n);
    exit(1);
}

static void *allocate(size_t size) {
    void *memory = malloc(size);

    if (memory == NULL)
        exit(2);
    memset(memory, 0x5A, size);
    return memory;
}

static uint32_t next_random(void) {
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 32);
}

/* A number from 1 to 2^30 with a random number of bits. */
static uint32_t next_number(unsigned bits) {
    return (next_random() >> (32 - bits)) % BP_HIGHEST + 1;
}

/* What is read from bytes of any kind, if it can be, is written as the same bits. */
static void read_any(const uint8_t *bytes, size_t size, size_t n, int code) {
    uint8_t *levels = allocate(4 * n), *again = allocate(size);
    bp_coded got = bp_numbers_get(bytes, size, code, levels, n);

    if (got.what == BP_CODED)
        require(bp_numbers_put(levels, n, code, again, size).bits == got.bits, "numbers", code, n);
    if (code <= BP_GAMMA) {
        got = bp_levels_get(bytes, size, code, BP_HIGHEST, levels, n);
        if (got.what == BP_CODED)
            require(bp_levels_put(levels, n, code, again, size).bits == got.bits &&
                        memcmp(bytes, again, size) == 0, "levels", code, n);
    }
    free(levels);
    free(again);
}

/* Numbers, or levels, to exactly enough bytes and to one too few, back, and broken. */
static void check(size_t n, int code, int plain, unsigned bits, unsigned every) {
    int32_t *levels = allocate(4 * n);
    uint8_t *const raw = (uint8_t *)levels;
    bp_coded need, got;

    for (size_t i = 0; i < n; i++) {
        const int32_t v = (int32_t)next_number(bits);
        levels[i] = plain ? v : next_random() % every != 0 ? 0 : next_random() & 1 ? v : -v;
    }
    need = (plain ? bp_numbers_bits : bp_levels_bits)(raw, n, code);
    const size_t size = (size_t)((need.bits + 7) / 8);
    uint8_t *out = allocate(size), *small = allocate(size == 0 ? 0 : size - 1);
    int32_t *back = allocate(4 * n);
    got = (plain ? bp_numbers_put : bp_levels_put)(raw, n, code, out, size);
    require(got.what == BP_CODED && got.bits == need.bits, "put", code, n);
    if (size > 0)
        require((plain ? bp_numbers_put : bp_levels_put)(raw, n, code, small, size - 1).what ==
                    BP_NO_ROOM, "room", code, n);
    got = plain ? bp_numbers_get(out, size, code, (uint8_t *)back, n)
                : bp_levels_get(out, size, code, BP_HIGHEST, (uint8_t *)back, n);
    require(got.what == BP_CODED && got.bits == need.bits, "get", code, n);
    require(memcmp(levels, back, 4 * n) == 0, "values", code, n);
    if (size > 0) {
        memcpy(small, out, size - 1);
        read_any(small, size - 1, n, code);
        out[next_random() % size] ^= (uint8_t)(1u << next_random() % 8);
        read_any(out, size, n, code);
    }
    free(levels);
    free(back);
    free(out);
    free(small);
}

static void check_bytes(size_t size) {
    uint8_t *bytes = allocate(size);

    for (int code = 0; code <= BP_LAST_CODE; code++)
        for (int trial = 0; trial < TRIALS; trial++) {
            for (size_t i = 0; i < size; i++) /* often zeros, as long codes have them */
                bytes[i] = (uint8_t)(next_random() & next_random() & (trial & 1 ? 255u : ~0u << 7));
            read_any(bytes, size, 1 + next_random() % 90, code);
        }
    free(bytes);
}

static void check_dither(size_t n, int stream, int single) {
    double *x = allocate(8 * n), *inverse = allocate(single ? 8 : 8 * n), *y = allocate(8 * n);
    int32_t *levels = allocate(4 * n);
    bp_dither_job job = {(uint8_t *)x, (uint8_t *)inverse, n, 1.0, single, stream, {1, 2, 3, 4}};
    size_t nonzero;

    for (size_t i = 0; i < n; i++)
        x[i] = (double)(int32_t)next_random() / 1e9;
    for (size_t i = 0; i < (single ? 1 : n); i++)
        inverse[i] = 1.0;
    require(bp_dither(&job, (uint8_t *)levels, &nonzero) == n && nonzero <= n, "dither", stream, n);
    bp_undither((uint8_t *)levels, (uint8_t *)inverse, single, n, 1.0, 1.0, 0, (uint8_t *)y);
    bp_undither((uint8_t *)levels, (uint8_t *)inverse, single, n, 1.0, -1.0, 1, (uint8_t *)y);
    for (size_t i = 0; i < n; i++)
        require(y[i] == 0.0, "undither", stream, n);
    if (n > 0) {
        x[n - 1] = 1e300;
        require(bp_dither(&job, (uint8_t *)levels, &nonzero) == n - 1, "bad", stream, n);
    }
    free(x);
    free(inverse);
    free(y);
    free(levels);
}

int main(void) {
    static const unsigned every[3] = {1, 3, 400};

    bp_codes_init();
    for (size_t n = 0; n < LENGTHS; n++) {
        for (int code = BP_OMEGA; code <= BP_GAMMA; code++)
            for (unsigned bits = 1; bits <= 31; bits += 3)
                check(n, code, 0, bits, every[bits % 3]);
        for (int code = 0; code <= BP_LAST_CODE; code++)
            check(n, code, 1, (unsigned)(code < 5 ? 5 : code - 1), 1);
    }
    check(9000, BP_OMEGA, 0, 31, 1); /* past the writer's stage */
    check(9000, BP_GAMMA, 0, 3, 7);
    check(1000, BP_RICE, 1, 9, 1);
    for (size_t size = 0; size < BYTES; size++)
        check_bytes(size);
    for (int best = 0; best < 2; best++) {
        bp_select(best ? NULL : "portable");
        for (size_t n = 0; n < 1100; n += n < 40 ? 1 : 67)
            for (int stream = BP_NEAREST; stream <= BP_PHILOX; stream++)
                for (int single = 0; single < 2; single++)
                    check_dither(n, stream, single);
    }
    puts("every buffer was enough");
    return 0;
}
