/* The part of the comparison of tiers for norms, extremes, signs and random numbers. */
#include <math.h>
#include <string.h>

#include "tiers_common.h"

double unit(void) {
    return next_random() / 4294967296.0;
}

size_t size_of(int type) {
    return type == BP_FLOAT32 ? sizeof(float) : sizeof(double);
}

void put(uint8_t *x, int type, size_t i, double value) {
    const float single = (float)value;

    if (type == BP_FLOAT32)
        memcpy(x + i * sizeof single, &single, sizeof single);
    else
        memcpy(x + i * sizeof value, &value, sizeof value);
}

/* NaN is one number, whatever its bits. */
static int same(double a, double b) {
    return (a != a && b != b) || memcmp(&a, &b, sizeof a) == 0;
}

static void measure(const bp_tier *tier, int type, const uint8_t *x, size_t n) {
    double range[2], expected[2];
    uint8_t *bits = allocate((n + 7) / 8, 0), *plain = allocate((n + 7) / 8, 0);

    for (int kind = 0; kind < BP_NORMS; kind++)
        require(same(tier->norm[kind][type](x, n), bp_portable.norm[kind][type](x, n)), "norm",
                tier, type, (unsigned)kind, n);
    tier->extremes[type](x, n, range);
    bp_portable.extremes[type](x, n, expected);
    require(same(range[0], expected[0]) && same(range[1], expected[1]), "extremes", tier, type, 0,
            n);
    tier->signs[type](x, n, bits);
    bp_portable.signs[type](x, n, plain);
    require(memcmp(bits, plain, (n + 7) / 8) == 0, "signs", tier, type, 0, n);
    release(bits, 0), release(plain, 0);
}

static void check_length(const bp_tier *tier, int type, size_t n, size_t skew) {
    const double special[] = {-0.0, 0.0, 1e-310, -1e-42, NAN, INFINITY, -INFINITY};
    uint8_t *x = allocate(n * size_of(type), skew);

    for (size_t i = 0; i < n; i++)
        put(x, type, i, unit() * 4 - (n % 4));
    measure(tier, type, x, n);
    for (size_t k = 0; k < 7 && n > 0; k++) {
        const size_t i = next_random() % n;
        put(x, type, i, special[k]);
        measure(tier, type, x, n);
        if (k >= 4)
            put(x, type, i, 0.5);
    }
    for (size_t i = 0; i < n; i++)
        put(x, type, i, i % 2 == 0 ? 0.0 : -0.0);
    measure(tier, type, x, n);
    release(x, skew);
}

void check_norms(const bp_tier *tier) {
    for (int type = 0; type < BP_TYPES; type++)
        for (size_t n = 0; n < LENGTHS; n++)
            check_length(tier, type, n, n % 3);
}

static void fill_both(const bp_tier *tier, uint64_t first, size_t count) {
    const uint32_t root[4] = {next_random(), next_random(), next_random(), next_random()};
    const size_t blocks = 16 * count, groups = 64 * count;
    uint8_t *out = allocate(groups, 0), *expected = allocate(groups, 0);

    tier->philox(root, first, count, (uint16_t *)(void *)out);
    bp_portable.philox(root, first, count, (uint16_t *)(void *)expected);
    require(memcmp(out, expected, blocks) == 0, "philox", tier, 0, 0, count);
    release(out, 0);
    out = allocate(groups, 0);
    tier->fast(root, (uint32_t)first, count, (uint16_t *)(void *)out);
    bp_portable.fast(root, (uint32_t)first, count, (uint16_t *)(void *)expected);
    require(memcmp(out, expected, groups) == 0, "fast", tier, 0, 0, count);
    release(out, 0), release(expected, 0);
}

/* `philox` alone, into a buffer that ends with it. */
static void fill_blocks(const bp_tier *tier, uint64_t first, size_t blocks) {
    const uint32_t root[4] = {1, 2, 3, next_random()};
    uint8_t *out = allocate(16 * blocks, 0), *expected = allocate(16 * blocks, 0);

    tier->philox(root, first, blocks, (uint16_t *)(void *)out);
    bp_portable.philox(root, first, blocks, (uint16_t *)(void *)expected);
    require(memcmp(out, expected, 16 * blocks) == 0, "philox", tier, 0, 0, blocks);
    release(out, 0), release(expected, 0);
}

void check_random(const bp_tier *tier) {
    for (size_t count = 0; count < 70; count++) {
        fill_both(tier, 0, count);
        fill_both(tier, UINT32_MAX - count / 2, count); /* carries into the upper half */
        fill_blocks(tier, ((uint64_t)next_random() << 32) + UINT32_MAX - 9, count);
    }
}
