/* The portable quantizers, their inverses, and the two streams of random 16-bit numbers. */
#include <math.h>
#include <string.h>

#include "philox.h"
#include "portable.h"

enum { CHUNK = 1024, COPY = 256 };

/* 1.5 * 2^52: added to a number below 2^51 in size, it leaves the nearest integer in the low bits. */
#define MAGIC 6755399441055744.0
#define MAGIC_HIGH UINT64_C(0x433800000000) /* bits 16..63 of MAGIC: what stays above a symbol */

/* The nearest 32-bit integer, ties to even; GCC makes vectors of its own name for it. */
#if defined(__GNUC__) && !defined(__clang__)
#define NEAREST_float(x) __builtin_irintf(x)
#define NEAREST_double(x) __builtin_irint(x)
#else
#define NEAREST_float(x) ((int32_t)lrintf(x))
#define NEAREST_double(x) ((int32_t)lrint(x))
#endif

/* ---- quantize ---- */

/* A place that no random number brings onto the grid, for those that may not be converted: NaN, and
 * numbers beyond 2^25, which is more than 8 bits of symbol and 16 of fraction. */
#define OFF (-131072)
#define ON_GRID(place) ((place) >= -65536 && (place) < 33554432 ? (place) : OFF)

/* Up to 8 bits, in the coordinates' own arithmetic, from aligned copies: compilers make vectors of
 * nothing else. What is out of range sets the sign of the result. */
#define NARROW(T) \
    static int32_t stochastic_some_##T(const T *x, size_t n, const bp_grid *g, \
                                       const uint16_t *random, uint8_t *symbols) { \
        const T lo = (T)g->lo, mult = (T)g->mult, origin = (T)g->origin; \
        const int32_t last = (int32_t)(g->top << 16 | 0xFFFF); \
        int32_t bad = 0; \
        for (size_t i = 0; i < n; i++) { \
            const T place = (x[i] - lo) * mult + origin; \
            const int32_t fixed = NEAREST_##T(ON_GRID(place)) + random[i]; \
            bad |= fixed | (last - fixed); \
            symbols[i] = (uint8_t)(fixed >> 16); \
        } \
        return bad; \
    } \
    static int32_t nearest_some_##T(const T *x, size_t n, const bp_grid *g, uint8_t *symbols) { \
        const T lo = (T)g->lo, mult = (T)g->mult, origin = (T)g->origin, limit = (T)g->limit; \
        const int32_t top = (int32_t)g->top; \
        int32_t bad = 0; \
        for (size_t i = 0; i < n; i++) { \
            const T place = (x[i] - lo) * mult + origin, size = x[i] < 0 ? -x[i] : x[i]; \
            const T safe = size <= limit ? ON_GRID(place) : OFF; \
            int32_t cell = (int32_t)safe; \
            cell -= (T)cell > safe; \
            bad |= cell; \
            symbols[i] = (uint8_t)(cell < top ? cell : top); \
        } \
        return bad; \
    } \
    static int narrow_##T(const uint8_t *at, size_t n, const bp_grid *g, const uint16_t *random, \
                          uint8_t *symbols) { \
        int32_t bad = 0; \
        T x[COPY]; \
        for (size_t start = 0; start < n; start += COPY) { \
            const size_t count = n - start < COPY ? n - start : COPY; \
            memcpy(x, at + start * sizeof *x, count * sizeof *x); \
            bad |= random ? stochastic_some_##T(x, count, g, random + start, symbols + start) \
                          : nearest_some_##T(x, count, g, symbols + start); \
        } \
        return bad < 0; \
    }
NARROW(float)
NARROW(double)

/* ---- more bits, in float64 arithmetic ---- */

/* x is float32 or float64 in memory. */
#define WIDE(NAME, X) \
    static int stochastic_##NAME(const uint8_t *at, size_t n, const bp_grid *g, \
                                 const uint16_t *random, uint32_t *symbols) { \
        uint64_t seen = 0; \
        uint32_t worst = 0; \
        for (size_t i = 0; i < n; i++, at += sizeof(X)) { \
            X x; \
            uint64_t fixed; \
            memcpy(&x, at, sizeof x); \
            const double place = ((double)x - g->lo) * g->mult + g->origin + MAGIC; \
            memcpy(&fixed, &place, sizeof fixed); \
            fixed = (fixed + random[i]) >> 16; \
            symbols[i] = (uint32_t)fixed; \
            seen |= fixed ^ MAGIC_HIGH; \
            worst = (uint32_t)fixed > worst ? (uint32_t)fixed : worst; \
        } \
        return seen >> 32 != 0 || worst > g->top; \
    } \
    static int nearest_##NAME(const uint8_t *at, size_t n, const bp_grid *g, uint32_t *symbols) { \
        const double top = g->top; \
        int bad = 0; \
        for (size_t i = 0; i < n; i++, at += sizeof(X)) { \
            X x; \
            memcpy(&x, at, sizeof x); \
            const double cell = floor(((double)x - g->lo) * g->mult + g->origin); \
            const int inside = fabs((double)x) <= g->limit && cell >= 0.0; \
            symbols[i] = (uint32_t)(!inside ? 0.0 : cell < top ? cell : top); \
            bad |= !inside; \
        } \
        return bad; \
    }
WIDE(double_wide, double)
WIDE(float_wide, float)

#define QUANTIZE(T) \
    int bp_portable_quantize_##T(const void *x, size_t n, const bp_grid *g, \
                                 const uint16_t *random, void *symbols) { \
        if (g->bits <= 8) \
            return narrow_##T(x, n, g, random, symbols); \
        return random ? stochastic_##T##_wide(x, n, g, random, symbols) \
                      : nearest_##T##_wide(x, n, g, symbols); \
    }
QUANTIZE(float)
QUANTIZE(double)

/* ---- decode: unpack a chunk, then one pass over it ---- */

/* Out is the coordinates' type, A the arithmetic's, S that of the symbols. */
#define DEQUANTIZE(NAME, OUT, A, S) \
    static uint32_t dequantize_##NAME(const S *symbols, size_t n, const bp_grid *g, double weight, \
                                      int add, uint8_t *at) { \
        const A lo = (A)g->lo, delta = (A)g->delta, zero = (A)g->zero, w = (A)weight; \
        S largest = 0; \
        OUT y[CHUNK]; \
        if (add) \
            memcpy(y, at, n * sizeof *y); \
        for (size_t i = 0; i < n; i++) { \
            const A value = w * (((A)symbols[i] - zero) * delta + lo); \
            y[i] = (OUT)(add ? (A)y[i] + value : value); \
            largest = symbols[i] > largest ? symbols[i] : largest; \
        } \
        memcpy(at, y, n * sizeof *y); \
        return largest; \
    }
DEQUANTIZE(float, float, float, uint8_t)
DEQUANTIZE(double, double, double, uint8_t)
DEQUANTIZE(float_wide, float, double, uint32_t)
DEQUANTIZE(double_wide, double, double, uint32_t)

#define DECODE(T) \
    uint32_t bp_portable_decode_##T(const uint8_t *payload, size_t n, const bp_grid *g, \
                                    double weight, int add, void *out) { \
        uint8_t *at = out; \
        uint32_t largest = 0, one; \
        union { \
            uint8_t narrow[CHUNK]; \
            uint32_t wide[CHUNK]; \
        } symbols; \
        for (size_t count; n > 0; n -= count, at += count * sizeof(T)) { \
            count = n < CHUNK ? n : CHUNK; \
            if (g->bits <= 8) { \
                bp_portable_unpack_8(payload, count, g->bits, symbols.narrow); \
                one = dequantize_##T(symbols.narrow, count, g, weight, add, at); \
            } else { \
                bp_portable_unpack_32(payload, count, g->bits, symbols.wide); \
                one = dequantize_##T##_wide(symbols.wide, count, g, weight, add, at); \
            } \
            payload += bp_bytes(count, g->bits); \
            largest = one > largest ? one : largest; \
        } \
        return largest; \
    }
DECODE(float)
DECODE(double)

/* ---- random numbers ---- */

enum { LANES = 8 }; /* blocks at a time, for compilers that make vectors of loops */

static void philox_lanes(const uint32_t root[4], uint64_t first, uint32_t w[4][LANES]) {
    uint32_t k0 = root[0], k1 = root[1];

    for (uint32_t k = 0; k < LANES; k++) {
        w[0][k] = (uint32_t)(first + k);
        w[1][k] = (uint32_t)((first + k) >> 32);
        w[2][k] = root[2], w[3][k] = root[3];
    }
    for (int round = 0; round < PHILOX_ROUNDS; round++, k0 += PHILOX_W0, k1 += PHILOX_W1)
        for (int k = 0; k < LANES; k++) {
            const uint64_t a = (uint64_t)w[0][k] * PHILOX_M0, b = (uint64_t)w[2][k] * PHILOX_M1;
            w[0][k] = (uint32_t)(b >> 32) ^ w[1][k] ^ k0;
            w[1][k] = (uint32_t)b;
            w[2][k] = (uint32_t)(a >> 32) ^ w[3][k] ^ k1;
            w[3][k] = (uint32_t)a;
        }
}

static void philox_fill(const uint32_t root[4], uint64_t first, size_t blocks, uint16_t *out) {
    uint32_t w[4][LANES];

    for (; blocks > 0; first += LANES) {
        const size_t count = blocks < LANES ? blocks : LANES;
        philox_lanes(root, first, w);
        for (size_t k = 0; k < count; k++)
            for (size_t j = 0; j < 4; j++, out += 2) {
                out[0] = (uint16_t)w[j][k];
                out[1] = (uint16_t)(w[j][k] >> 16);
            }
        blocks -= count;
    }
}

/* A finaliser of two multiplications. Its counter begins at a and grows by the odd b | 1: with a step
 * of one, differences of neighbouring words were far from uniform. b also tells streams apart whose
 * counters meet. */
static inline uint32_t mixed(uint32_t x, uint32_t b) {
    x ^= x >> 16;
    x *= UINT32_C(0x7FEB352D);
    x ^= b;
    x ^= x >> 15;
    x *= UINT32_C(0x846CA68B);
    return x ^ x >> 16;
}

static void fast_fill(const uint32_t key[2], uint32_t first, size_t groups, uint16_t *out) {
    for (size_t g = 0; g < groups; g++, first += 16, out += 32)
        for (uint32_t k = 0; k < 16; k++) {
            const uint32_t word = mixed((first + k) * (key[1] | 1) + key[0], key[1]);
            out[k] = (uint16_t)word;
            out[k + 16] = (uint16_t)(word >> 16);
        }
}

const bp_tier bp_portable = {
    .name = "portable",
    .pack = {bp_portable_pack_8, bp_portable_pack_16, bp_portable_pack_32},
    .unpack = {bp_portable_unpack_8, bp_portable_unpack_16, bp_portable_unpack_32},
    .norm = {{bp_portable_l1_float, bp_portable_l1_double},
             {bp_portable_l2_float, bp_portable_l2_double},
             {bp_portable_linf_float, bp_portable_linf_double}},
    .extremes = {bp_portable_extremes_float, bp_portable_extremes_double},
    .quantize = {bp_portable_quantize_float, bp_portable_quantize_double},
    .decode = {bp_portable_decode_float, bp_portable_decode_double},
    .signs = {bp_portable_signs_float, bp_portable_signs_double},
    .philox = philox_fill,
    .fast = fast_fill,
};
