/* The one place where a tier is chosen, the checks around it, and the naive yardstick. */
#include "bitpack.h"

#include <assert.h>
#include <string.h>

/* ---- dispatch: the only place that knows which tiers exist ---- */

#if BP_X86
static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") != 0;
}

static int has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
}
#endif

static int always(void) {
    return 1;
}

/* Best first. */
static const struct {
    const bp_tier *tier;
    int (*runs)(void);
} tiers[] = {
#if BP_X86
    {&bp_avx512, has_avx512},
    {&bp_avx2, has_avx2},
#endif
    {&bp_portable, always},
};

enum { TIERS = sizeof tiers / sizeof *tiers };

static const bp_tier *active = &bp_portable;

int bp_select(const char *name) {
    for (size_t i = 0; i < TIERS; i++)
        if (name == NULL || *name == '\0' || strcmp(name, tiers[i].tier->name) == 0) {
            if (tiers[i].runs()) {
                active = tiers[i].tier;
                return 0;
            }
        }
    return -1;
}

const bp_tier *bp_active(void) {
    return active;
}

const char *bp_tier_choices(void) {
    static char names[64];

    names[0] = '\0';
    for (size_t i = TIERS; i-- > 0;)
        if (tiers[i].runs()) {
            if (names[0] != '\0')
                strcat(names, ", ");
            strcat(names, tiers[i].tier->name);
        }
    return names;
}

static unsigned carrier(unsigned itemsize) {
    assert(itemsize == 1 || itemsize == 2 || itemsize == 4);
    return itemsize / 2;
}

int bp_pack(const void *values, unsigned itemsize, size_t n, unsigned bits, uint8_t *out) {
    assert(bits >= 1 && bits <= 8 * itemsize);
    if (n == 0)
        return 0;
    return active->pack[carrier(itemsize)](values, n, bits, out) != 0;
}

void bp_unpack(const uint8_t *payload, size_t n, unsigned bits, void *out, unsigned itemsize) {
    assert(bits >= 1 && bits <= 8 * itemsize);
    if (n > 0)
        active->unpack[carrier(itemsize)](payload, n, bits, out);
}

/* ---- checks that need no speed, or cost none ---- */

unsigned bp_pad_bits(const uint8_t *payload, size_t n, unsigned bits) {
    const unsigned used = (unsigned)(n % 8) * bits % 8;

    return used == 0 ? 0 : (unsigned)payload[bp_bytes(n, bits) - 1] >> used;
}

uint32_t bp_value(const void *values, unsigned itemsize, size_t i) {
    const uint8_t *at = (const uint8_t *)values + i * itemsize;
    uint16_t two;
    uint32_t four;

    assert(itemsize == 1 || itemsize == 2 || itemsize == 4);
    if (itemsize == 1)
        return *at;
    if (itemsize == 2) {
        memcpy(&two, at, sizeof two);
        return two;
    }
    memcpy(&four, at, sizeof four);
    return four;
}

size_t bp_first_too_large(const void *values, unsigned itemsize, size_t n, unsigned bits) {
    size_t i = 0;

    while (i < n && bp_value(values, itemsize, i) <= bp_low_mask(bits))
        i++;
    return i;
}

/* ---- the naive yardstick ---- */

#define NAIVE_PAIR(T) \
    static int pack_naive_##T(const uint8_t *values, size_t n, unsigned bits, uint8_t *out) { \
        uint64_t pending = 0, too_large = 0; \
        unsigned filled = 0; \
        for (size_t i = 0; i < n; i++) { \
            T value; \
            memcpy(&value, values + i * sizeof value, sizeof value); \
            too_large |= (uint64_t)value >> bits; \
            pending |= (uint64_t)value << filled; \
            for (filled += bits; filled >= 8; filled -= 8, pending >>= 8) \
                *out++ = (uint8_t)pending; \
        } \
        if (filled > 0) \
            *out = (uint8_t)pending; \
        return too_large != 0; \
    } \
    static void unpack_naive_##T(const uint8_t *payload, size_t n, unsigned bits, uint8_t *out) { \
        const uint64_t mask = bp_low_mask(bits); \
        uint64_t pending = 0; \
        unsigned filled = 0; \
        for (size_t i = 0; i < n; i++) { \
            for (; filled < bits; filled += 8) \
                pending |= (uint64_t)*payload++ << filled; \
            const T value = (T)(pending & mask); \
            memcpy(out + i * sizeof value, &value, sizeof value); \
            pending >>= bits; \
            filled -= bits; \
        } \
    }
NAIVE_PAIR(uint8_t)
NAIVE_PAIR(uint16_t)
NAIVE_PAIR(uint32_t)

int bp_pack_naive(const void *values, unsigned itemsize, size_t n, unsigned bits, uint8_t *out) {
    assert(bits >= 1 && bits <= 8 * itemsize);
    if (itemsize == 1)
        return pack_naive_uint8_t(values, n, bits, out);
    if (itemsize == 2)
        return pack_naive_uint16_t(values, n, bits, out);
    return pack_naive_uint32_t(values, n, bits, out);
}

void bp_unpack_naive(const uint8_t *payload, size_t n, unsigned bits, void *out,
                     unsigned itemsize) {
    assert(bits >= 1 && bits <= 8 * itemsize);
    if (itemsize == 1)
        unpack_naive_uint8_t(payload, n, bits, out);
    else if (itemsize == 2)
        unpack_naive_uint16_t(payload, n, bits, out);
    else
        unpack_naive_uint32_t(payload, n, bits, out);
}
