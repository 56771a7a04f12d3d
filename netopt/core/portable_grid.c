/* The portable quantizers, their inverses, and the two streams of random 16-bit numbers. */
#include <math.h>
#include <string.h>

#include "philox.h"
#include "portable.h"

enum { CHUNK = 1024 };

/* 1.5 * 2^52: added to a number below 2^51 in size, it leaves the nearest integer in the low bits. */
#define MAGIC 6755399441055744.0
#define MAGIC_HIGH UINT64_C(0x433800000000) /* bits 16..63 of MAGIC: what stays above a symbol */

/* ---- quantize: float32 arithmetic for float32 and up to 8 bits, else float64 ---- */

static int stochastic_float(const uint8_t *at, size_t n, const bp_grid *g, const uint16_t *random,
                            uint8_t *symbols) {
    const float lo = (float)g->lo, mult = (float)g->mult, origin = (float)g->origin;
    uint32_t seen = 0;

    for (size_t i = 0; i < n; i++, at += sizeof(float)) {
        float x;
        memcpy(&x, at, sizeof x);
        const float place = (x - lo) * mult + origin;
        /* Written so that NaN fails too; what fails may not be converted. */
        const int inside = place >= -65536.0f && place < 33554432.0f;
        const int32_t fixed = (int32_t)lrintf(inside ? place : 0.0f);
        const uint32_t symbol = (uint32_t)(fixed + random[i]) >> 16;
        symbols[i] = (uint8_t)symbol;
        const uint32_t worst = inside ? symbol : UINT32_MAX;
        seen = worst > seen ? worst : seen;
    }
    return seen > g->top;
}

static int nearest_float(const uint8_t *at, size_t n, const bp_grid *g, uint8_t *symbols) {
    const float lo = (float)g->lo, mult = (float)g->mult, origin = (float)g->origin;
    const float limit = (float)g->limit, top = (float)g->top;
    int bad = 0;

    for (size_t i = 0; i < n; i++, at += sizeof(float)) {
        float x;
        memcpy(&x, at, sizeof x);
        const float cell = floorf((x - lo) * mult + origin);
        const int inside = fabsf(x) <= limit && cell >= 0.0f;
        symbols[i] = (uint8_t)(!inside ? 0.0f : cell < top ? cell : top);
        bad |= !inside;
    }
    return bad;
}

/* x is float32 or float64 in memory; symbols are bytes or 32-bit words. */
#define WIDE(NAME, X, S) \
    static int stochastic_##NAME(const uint8_t *at, size_t n, const bp_grid *g, \
                                 const uint16_t *random, S *symbols) { \
        uint64_t seen = 0; \
        uint32_t worst = 0; \
        for (size_t i = 0; i < n; i++, at += sizeof(X)) { \
            X x; \
            uint64_t fixed; \
            memcpy(&x, at, sizeof x); \
            const double place = ((double)x - g->lo) * g->mult + g->origin + MAGIC; \
            memcpy(&fixed, &place, sizeof fixed); \
            fixed = (fixed + random[i]) >> 16; \
            symbols[i] = (S)fixed; \
            seen |= fixed ^ MAGIC_HIGH; \
            worst = (uint32_t)fixed > worst ? (uint32_t)fixed : worst; \
        } \
        return seen >> 32 != 0 || worst > g->top; \
    } \
    static int nearest_##NAME(const uint8_t *at, size_t n, const bp_grid *g, S *symbols) { \
        const double top = g->top; \
        int bad = 0; \
        for (size_t i = 0; i < n; i++, at += sizeof(X)) { \
            X x; \
            memcpy(&x, at, sizeof x); \
            const double cell = floor(((double)x - g->lo) * g->mult + g->origin); \
            const int inside = fabs((double)x) <= g->limit && cell >= 0.0; \
            symbols[i] = (S)(uint32_t)(!inside ? 0.0 : cell < top ? cell : top); \
            bad |= !inside; \
        } \
        return bad; \
    }
WIDE(double, double, uint8_t)
WIDE(double_wide, double, uint32_t)
WIDE(float_wide, float, uint32_t)

#define QUANTIZE(T) \
    int bp_portable_quantize_##T(const void *x, size_t n, const bp_grid *g, \
                                 const uint16_t *random, void *symbols) { \
        if (g->bits <= 8) \
            return random ? stochastic_##T(x, n, g, random, symbols) \
                          : nearest_##T(x, n, g, symbols); \
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

static void store_half(uint16_t *out, size_t i, uint32_t word) {
    out[i] = (uint16_t)word;
    out[i + 1] = (uint16_t)(word >> 16);
}

static void philox_fill(const uint32_t root[4], uint64_t first, size_t blocks, uint16_t *out) {
    for (size_t i = 0; i < blocks; i++) {
        const uint64_t block = first + i;
        uint32_t words[4] = {(uint32_t)block, (uint32_t)(block >> 32), root[2], root[3]};
        philox4x32(root, words);
        for (size_t k = 0; k < 4; k++)
            store_half(out, 8 * i + 2 * k, words[k]);
    }
}

/* A finaliser of two multiplications on a counter that begins anywhere; b tells streams apart whose
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
            const uint32_t word = mixed(first + k + key[0], key[1]);
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
