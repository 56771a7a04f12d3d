/* Runs every kernel on heap buffers of exactly the right size, for the address sanitizer to watch:
 * all carriers and widths, lengths 0 to 200, aligned and not, values in range and not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitpack.h"
#include "crc32c.h"

enum { LENGTHS = 201 };

static void require(int holds, const char *what, unsigned itemsize, unsigned bits, size_t n) {
    if (holds)
        return;
    fprintf(stderr, "%s: itemsize %u, bits %u, n %zu\n", what, itemsize, bits, n);
    exit(1);
}

/* `size` bytes that end where the allocation ends, `skew` bytes after where it begins. */
static uint8_t *allocate(size_t size, size_t skew) {
    uint8_t *memory = malloc(size + skew);

    if (memory == NULL)
        exit(2);
    memset(memory, 0x5A, size + skew);
    return memory + skew;
}

static uint32_t next_random(void) {
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 32);
}

/* n values of `bits` random bits each. */
static void fill(uint8_t *values, unsigned itemsize, unsigned bits, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t four = next_random() >> (32 - bits);
        const uint16_t two = (uint16_t)four;
        if (itemsize == 1)
            values[i] = (uint8_t)four;
        else if (itemsize == 2)
            memcpy(values + 2 * i, &two, 2);
        else
            memcpy(values + 4 * i, &four, 4);
    }
}

static void check(unsigned itemsize, unsigned bits, size_t n, size_t skew) {
    const size_t plain = n * itemsize, packed = bp_bytes(n, bits);
    uint8_t *values = allocate(plain, skew), *back = allocate(plain, skew);
    uint8_t *stream = allocate(packed, skew), *expected = allocate(packed, skew);

    fill(values, itemsize, bits, n);
    require(bp_pack(values, itemsize, n, bits, stream) == 0, "pack", itemsize, bits, n);
    require(bp_pack_naive(values, itemsize, n, bits, expected) == 0, "naive", itemsize, bits, n);
    require(memcmp(stream, expected, packed) == 0, "stream", itemsize, bits, n);
    require(bp_pad_bits(stream, n, bits) == 0, "pad", itemsize, bits, n);
    bp_unpack(stream, n, bits, back, itemsize);
    require(memcmp(values, back, plain) == 0, "unpack", itemsize, bits, n);
    bp_unpack_naive(stream, n, bits, back, itemsize);
    require(memcmp(values, back, plain) == 0, "unpack naive", itemsize, bits, n);
    if (n > 0 && bits < 8 * itemsize) {
        memset(values + (n - 1) * itemsize, 0xFF, itemsize);
        require(bp_pack(values, itemsize, n, bits, stream) != 0, "range", itemsize, bits, n);
        require(bp_pack_naive(values, itemsize, n, bits, stream) != 0, "range", itemsize, bits, n);
        require(bp_first_too_large(values, itemsize, n, bits) == n - 1, "find", itemsize, bits, n);
    }
    free(values - skew);
    free(back - skew);
    free(stream - skew);
    free(expected - skew);
}

static void check_crc(size_t n, size_t skew) {
    uint8_t *data = allocate(n, skew);
    uint32_t crc = UINT32_MAX;

    fill(data, 1, 8, n);
    for (size_t i = 0; i < 8 * n; i++)
        crc = crc >> 1 ^ ((crc ^ data[i / 8] >> i % 8) & 1 ? UINT32_C(0x82F63B78) : 0);
    require(crc32c(data, n, 0) == ~crc, "crc32c", 1, 8, n);
    free(data - skew);
}

int main(void) {
    crc32c_init();
    for (size_t n = 0; n < LENGTHS; n++)
        for (size_t skew = 0; skew < 4; skew += 3) {
            check_crc(n, skew);
            for (unsigned itemsize = 1; itemsize <= 4; itemsize *= 2)
                for (unsigned bits = 1; bits <= 8 * itemsize; bits++)
                    check(itemsize, bits, n, skew);
        }
    puts("every buffer was enough");
    return 0;
}
