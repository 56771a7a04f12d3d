/* Compares every kernel of a tier with the portable one's, bit for bit, on heap buffers that end
 * where the allocation ends, for the address sanitizer to watch. Without an argument: every tier
 * that runs here; with one: the tier of that name, which may be an emulated one. */
#include "tiers_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *allocate(size_t size, size_t skew) {
    uint8_t *memory = malloc(size + skew);

    if (memory == NULL && size + skew > 0)
        exit(2);
    if (size + skew > 0)
        memset(memory, 0x5A, size + skew);
    return memory + skew;
}

void release(uint8_t *memory, size_t skew) {
    free(memory - skew);
}

uint32_t next_random(void) {
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 32);
}

void require(int holds, const char *kernel, const bp_tier *tier, int type, unsigned bits,
             size_t n) {
    if (holds)
        return;
    printf("%s: tier %s, type %d, bits %u, n %zu\n", kernel, tier->name, type, bits, n);
    exit(1);
}

/* ---- packing; the type is the itemsize ---- */

static void store_value(uint8_t *values, unsigned size, size_t i, uint32_t value) {
    for (unsigned k = 0; k < size; k++) /* little-endian, as all tiers' machines are */
        values[i * size + k] = (uint8_t)(value >> 8 * k);
}

static void round_trip(const bp_tier *tier, unsigned size, unsigned bits, size_t n, size_t skew) {
    const size_t packed = bp_bytes(n, bits), plain = n * size;
    const unsigned c = size / 2;
    uint8_t *values = allocate(plain, skew), *back = allocate(plain, skew);
    uint8_t *out = allocate(packed, skew), *expected = allocate(packed, skew);

    for (size_t i = 0; i < n; i++)
        store_value(values, size, i, next_random() >> (32 - bits));
    require(bp_portable.pack[c](values, n, bits, expected) == 0, "pack", &bp_portable, (int)size,
            bits, n);
    require(tier->pack[c](values, n, bits, out) == 0, "pack's range", tier, (int)size, bits, n);
    require(memcmp(out, expected, packed) == 0, "pack", tier, (int)size, bits, n);
    if (n % 8 * bits % 8 != 0) /* pad bits are to be ignored */
        out[packed - 1] = (uint8_t)(out[packed - 1] | 0xFF << n % 8 * bits % 8);
    tier->unpack[c](out, n, bits, back);
    require(memcmp(back, values, plain) == 0, "unpack", tier, (int)size, bits, n);
    if (n > 0 && bits < 8 * size) {
        store_value(values, size, next_random() % n, UINT32_C(1) << (bits + n % (8 * size - bits)));
        require(tier->pack[c](values, n, bits, out) != 0, "pack's check", tier, (int)size, bits, n);
    }
    release(values, skew), release(back, skew), release(out, skew), release(expected, skew);
}

/* One value too large, at every place in turn. */
static void too_large(const bp_tier *tier, unsigned size, unsigned bits) {
    const size_t n = 131;
    uint8_t *values = allocate(n * size, 0), *out = allocate(bp_bytes(n, bits), 0);

    memset(values, 0, n * size);
    for (size_t i = 0; i < n; i++) {
        store_value(values, size, i, UINT32_C(1) << bits);
        require(tier->pack[size / 2](values, n, bits, out) != 0, "pack's check", tier, (int)size,
                bits, i);
        store_value(values, size, i, 0);
    }
    release(values, 0), release(out, 0);
}

void check_packing(const bp_tier *tier) {
    for (unsigned size = 1; size <= 4; size *= 2)
        for (unsigned bits = 1; bits <= 8 * size; bits++) {
            for (size_t n = 0; n < LENGTHS; n++)
                round_trip(tier, size, bits, n, n % 5);
            for (size_t k = 0; k < 3; k++)
                round_trip(tier, size, bits, 2000 + next_random() % 20000, k);
            if (bits < 8 * size)
                too_large(tier, size, bits);
        }
}

/* ---- all of it ---- */

static void check_tier(const bp_tier *tier) {
    check_packing(tier);
    check_norms(tier);
    check_random(tier);
    check_quantize(tier);
    check_decode(tier);
    check_encode(tier);
    printf("%s: same bits\n", tier->name);
    fflush(stdout);
}

int main(int count, char **arguments) {
    const bp_tier *const tiers[] = {
        &bp_portable,
#if BP_X86
        &bp_avx2,
        &bp_avx512,
#endif
    };

    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) {
        const char *name = tiers[i]->name;
        if (count > 1 ? strcmp(arguments[1], name) == 0 : bp_select(name) == 0)
            check_tier(tiers[i]);
    }
    return 0;
}
