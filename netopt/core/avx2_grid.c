/* The AVX2 quantizers and their inverses, and the table of the tier. */
#include "avx2.h"
#include "avx2_narrow.h"

#if BP_X86
#include <string.h>

/* 1.5 * 2^52: added to a number below 2^51 in size, it leaves the nearest integer in the low bits. */
#define MAGIC 6755399441055744.0
#define MAGIC_HIGH 0x4338

/* ---- quantize ---- */

/* Eight coordinates to the symbols' fixed-point numbers, before the shift by 16. */
AVX2_INLINE __m256i fixed_float(const float *x, const floats *k, const uint16_t *random) {
    const __m256 place = _mm256_add_ps(
        _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x), k->lo), k->mult), k->origin);

    /* NaN and what is too large become INT32_MIN, which is above every symbol if unsigned. */
    return _mm256_add_epi32(_mm256_cvtps_epi32(place), _mm256_cvtepu16_epi32(load128(random)));
}

AVX2_INLINE int stochastic_float(const float *x, size_t n, const bp_grid *g,
                                 const uint16_t *random, uint8_t *out) {
    const floats k = bp_avx2_floats_of(g);
    __m256i worst = _mm256_setzero_si256(), symbols[4];

    for (size_t i = 0; i < n; i += 32) {
        for (int j = 0; j < 4; j++) {
            const __m256i fixed = fixed_float(x + i + 8 * j, &k, random + i + 8 * j);
            worst = _mm256_max_epu32(worst, fixed);
            symbols[j] = _mm256_srli_epi32(fixed, 16);
        }
        store256(out + i, as_bytes(symbols[0], symbols[1], symbols[2], symbols[3]));
    }
    return bp_avx2_largest(worst) >> 16 > g->top;
}

AVX2_INLINE __m256i cell_float(__m256 x, const floats *k, __m256 *inside) {
    const __m256 place =
        _mm256_add_ps(_mm256_mul_ps(_mm256_sub_ps(x, k->lo), k->mult), k->origin);
    const __m256 cell = _mm256_floor_ps(place);

    *inside = _mm256_and_ps(
        *inside, _mm256_and_ps(_mm256_cmp_ps(_mm256_and_ps(x, k->size), k->limit, _CMP_LE_OQ),
                               _mm256_cmp_ps(cell, _mm256_setzero_ps(), _CMP_GE_OQ)));
    return _mm256_cvtps_epi32(_mm256_min_ps(cell, k->top));
}

AVX2_INLINE int nearest_float(const float *x, size_t n, const bp_grid *g, uint8_t *out) {
    const floats k = bp_avx2_floats_of(g);
    __m256 inside = _mm256_castsi256_ps(_mm256_set1_epi32(-1));
    __m256i symbols[4];

    for (size_t i = 0; i < n; i += 32) {
        for (int j = 0; j < 4; j++)
            symbols[j] = cell_float(_mm256_loadu_ps(x + i + 8 * j), &k, &inside);
        store256(out + i, as_bytes(symbols[0], symbols[1], symbols[2], symbols[3]));
    }
    return _mm256_movemask_ps(inside) != 0xFF;
}

/* Low halves of 4 + 4 quadwords, in order. */
AVX2_INLINE __m256i low_halves(__m256i a, __m256i b) {
    const __m256 x = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);

    return _mm256_permute4x64_epi64(_mm256_castps_si256(x), 0xD8);
}

AVX2_INLINE __m256d four(const void *x, int is_float) {
    return is_float ? _mm256_cvtps_pd(_mm_loadu_ps(x)) : _mm256_loadu_pd(x);
}

/* Four coordinates to quadwords that hold MAGIC_HIGH above their symbol. */
AVX2_INLINE __m256i fixed_double(__m256d x, const doubles *k, const uint16_t *random) {
    const __m256d place = _mm256_add_pd(_mm256_mul_pd(_mm256_sub_pd(x, k->lo), k->mult), k->origin);
    const __m256i bits = _mm256_castpd_si256(_mm256_add_pd(place, _mm256_set1_pd(MAGIC)));
    const __m128i r = _mm_loadl_epi64((const __m128i *)random);

    return _mm256_srli_epi64(_mm256_add_epi64(bits, _mm256_cvtepu16_epi64(r)), 16);
}

/* The state of a check: symbols must not exceed the top, and nothing else may be above them. */
typedef struct {
    __m256i worst, ones, zeros;
} watch;

AVX2_INLINE __m256i stochastic_eight(const uint8_t *x, int is_float, const doubles *k,
                                     const uint16_t *random, watch *w) {
    const size_t step = is_float ? 16 : 32;
    const __m256i a = fixed_double(four(x, is_float), k, random);
    const __m256i b = fixed_double(four(x + step, is_float), k, random + 4);
    const __m256i symbols = low_halves(a, b);

    w->ones = _mm256_and_si256(w->ones, _mm256_and_si256(a, b));
    w->zeros = _mm256_or_si256(w->zeros, _mm256_or_si256(a, b));
    w->worst = _mm256_max_epu32(w->worst, symbols);
    return symbols;
}

AVX2_INLINE int failed(const watch *w, const bp_grid *g) {
    const __m256i high = _mm256_set1_epi64x((long long)MAGIC_HIGH << 32);
    const __m256i wrong = _mm256_or_si256(_mm256_xor_si256(w->ones, high),
                                          _mm256_xor_si256(w->zeros, high));

    return bp_avx2_largest(_mm256_srli_epi64(wrong, 32)) != 0 || bp_avx2_largest(w->worst) > g->top;
}

/* 2^52 beside an integer below 2^32 is that integer in the low half. */
AVX2_INLINE __m256i cell_double(__m256d x, const doubles *k, __m256d *inside) {
    const __m256d place = _mm256_add_pd(_mm256_mul_pd(_mm256_sub_pd(x, k->lo), k->mult), k->origin);
    const __m256d cell = _mm256_floor_pd(place);

    *inside = _mm256_and_pd(
        *inside, _mm256_and_pd(_mm256_cmp_pd(_mm256_and_pd(x, k->size), k->limit, _CMP_LE_OQ),
                               _mm256_cmp_pd(cell, _mm256_setzero_pd(), _CMP_GE_OQ)));
    return _mm256_castpd_si256(
        _mm256_add_pd(_mm256_min_pd(cell, k->top), _mm256_set1_pd(4503599627370496.0)));
}

AVX2_INLINE __m256i nearest_eight(const uint8_t *x, int is_float, const doubles *k,
                                  __m256d *inside) {
    const size_t step = is_float ? 16 : 32;

    return low_halves(cell_double(four(x, is_float), k, inside),
                      cell_double(four(x + step, is_float), k, inside));
}

/* Whole groups of 32 in float64 arithmetic; `random` NULL: nearest. */
AVX2_INLINE int wide_loop(const uint8_t *x, size_t n, int is_float, const bp_grid *g,
                          const uint16_t *random, uint8_t *out, int narrow) {
    const size_t step = is_float ? 32 : 64; /* bytes of eight coordinates */
    const doubles k = bp_avx2_doubles_of(g);
    watch w = {_mm256_setzero_si256(), _mm256_set1_epi64x((long long)MAGIC_HIGH << 32),
               _mm256_set1_epi64x((long long)MAGIC_HIGH << 32)};
    __m256d inside = _mm256_castsi256_pd(_mm256_set1_epi64x(-1));
    __m256i symbols[4];

    for (size_t i = 0; i < n; i += 32) {
        for (int j = 0; j < 4; j++, x += step)
            symbols[j] = random ? stochastic_eight(x, is_float, &k, random + i + 8 * j, &w)
                                : nearest_eight(x, is_float, &k, &inside);
        if (narrow)
            store256(out + i, as_bytes(symbols[0], symbols[1], symbols[2], symbols[3]));
        else
            for (int j = 0; j < 4; j++)
                store256(out + 4 * i + 32 * j, symbols[j]);
    }
    return random ? failed(&w, g) : _mm256_movemask_pd(inside) != 0xF;
}

AVX2 static int whole_groups(const void *x, size_t n, int is_float, const bp_grid *g,
                             const uint16_t *random, void *out) {
    if (is_float && g->bits <= 8)
        return random ? stochastic_float(x, n, g, random, out) : nearest_float(x, n, g, out);
    if (is_float)
        return random ? wide_loop(x, n, 1, g, random, out, 0) : wide_loop(x, n, 1, g, NULL, out, 0);
    if (g->bits <= 8)
        return random ? wide_loop(x, n, 0, g, random, out, 1) : wide_loop(x, n, 0, g, NULL, out, 1);
    return random ? wide_loop(x, n, 0, g, random, out, 0) : wide_loop(x, n, 0, g, NULL, out, 0);
}

#define QUANTIZE(T, IS_FLOAT) \
    static int quantize_##T(const void *x, size_t n, const bp_grid *g, const uint16_t *random, \
                            void *symbols) { \
        const size_t whole = n - n % 32; \
        int bad = 0; \
        if (whole > 0) \
            bad = whole_groups(x, whole, IS_FLOAT, g, random, symbols); \
        if (whole < n) \
            bad |= bp_portable_quantize_##T((const T *)x + whole, n - whole, g, \
                                            random ? random + whole : NULL, \
                                            (uint8_t *)symbols + whole * (g->bits <= 8 ? 1 : 4)); \
        return bad; \
    }
QUANTIZE(float, 1)
QUANTIZE(double, 0)

/* ---- decode ---- */

enum { STEPS = 4 }; /* registers of eight coordinates a turn of the main loop */

/* How symbols become numbers; the flags are constants that the compiler folds. */
typedef struct {
    __m256 zero, delta, lo, weight;
    __m256d zero_d, delta_d, lo_d, weight_d;
} scales;

typedef struct {
    int is_float, wide, add; /* memory's type, float64 arithmetic, add instead of write */
} manner;

AVX2_INLINE scales scales_of(const bp_grid *g, double weight) {
    const scales k = {_mm256_set1_ps((float)g->zero), _mm256_set1_ps((float)g->delta),
                      _mm256_set1_ps((float)g->lo),   _mm256_set1_ps((float)weight),
                      _mm256_set1_pd(g->zero),        _mm256_set1_pd(g->delta),
                      _mm256_set1_pd(g->lo),          _mm256_set1_pd(weight)};

    return k;
}

AVX2_INLINE void decode_floats(__m256i symbols, const scales *k, manner how, float *out) {
    __m256 v = _mm256_sub_ps(_mm256_cvtepi32_ps(symbols), k->zero);

    v = _mm256_add_ps(_mm256_mul_ps(v, k->delta), k->lo);
    v = _mm256_mul_ps(v, k->weight);
    _mm256_storeu_ps(out, how.add ? _mm256_add_ps(_mm256_loadu_ps(out), v) : v);
}

/* Four coordinates in float64 arithmetic, to memory of either type. */
AVX2_INLINE void decode_doubles(__m128i symbols, const scales *k, manner how, uint8_t *out) {
    __m256d v = _mm256_sub_pd(_mm256_cvtepi32_pd(symbols), k->zero_d);

    v = _mm256_add_pd(_mm256_mul_pd(v, k->delta_d), k->lo_d);
    v = _mm256_mul_pd(v, k->weight_d);
    if (how.add)
        v = _mm256_add_pd(four(out, how.is_float), v);
    if (how.is_float)
        _mm_storeu_ps((float *)out, _mm256_cvtpd_ps(v));
    else
        _mm256_storeu_pd((double *)out, v);
}

AVX2_INLINE void decode_eight(__m256i symbols, const scales *k, manner how, uint8_t *out) {
    if (!how.wide) {
        decode_floats(symbols, k, how, (float *)out);
        return;
    }
    decode_doubles(_mm256_castsi256_si128(symbols), k, how, out);
    decode_doubles(_mm256_extracti128_si256(symbols, 1), k, how, out + (how.is_float ? 16 : 32));
}

/* Decodes `groups` groups of eight; returns the largest symbol. */
AVX2_INLINE uint32_t decode_loop(const uint8_t *payload, size_t groups, const bp_grid *g,
                                 double weight, manner how, uint8_t *out) {
    const unsigned bits = g->bits;
    const bp_avx2_field field = bp_avx2_field_for(bits);
    const scales k = scales_of(g, weight);
    const size_t step = how.is_float ? 32 : 64;
    __m256i largest = _mm256_setzero_si256();

    for (size_t i = groups / STEPS; i > 0; i--) {
        for (size_t j = 0; j < STEPS; j++) {
            const __m256i symbols = bp_avx2_unpack8(payload + j * bits, bits, &field);
            largest = _mm256_max_epu32(largest, symbols);
            decode_eight(symbols, &k, how, out + j * step);
        }
        payload += STEPS * bits, out += STEPS * step;
    }
    for (size_t i = groups % STEPS; i > 0; i--, payload += bits, out += step) {
        const __m256i symbols = bp_avx2_unpack8(payload, bits, &field);
        largest = _mm256_max_epu32(largest, symbols);
        decode_eight(symbols, &k, how, out);
    }
    return bp_avx2_largest(largest);
}

AVX2_INLINE uint32_t decode_as(const uint8_t *payload, size_t groups, const bp_grid *g,
                               double weight, int is_float, int wide, int add, uint8_t *out) {
    const manner plain = {is_float, wide, 0}, adds = {is_float, wide, 1};

    return add ? decode_loop(payload, groups, g, weight, adds, out)
               : decode_loop(payload, groups, g, weight, plain, out);
}

AVX2 static uint32_t decode_groups(const uint8_t *payload, size_t groups, const bp_grid *g,
                                   double weight, int is_float, int add, uint8_t *out) {
    if (!is_float)
        return decode_as(payload, groups, g, weight, 0, 1, add, out);
    return g->bits <= 8 ? decode_as(payload, groups, g, weight, 1, 0, add, out)
                        : decode_as(payload, groups, g, weight, 1, 1, add, out);
}

#define DECODE(T, IS_FLOAT) \
    static uint32_t decode_##T(const uint8_t *payload, size_t n, const bp_grid *g, double weight, \
                               int add, void *out) { \
        const size_t groups = \
            g->bits == 32 /* a symbol is no positive int32 then */ \
                ? 0 \
                : bp_in_place(bp_bytes(n, g->bits), g->bits, bp_avx2_reach(g->bits), n / 8); \
        uint32_t largest = 0, rest = 0; \
        if (groups > 0) \
            largest = decode_groups(payload, groups, g, weight, IS_FLOAT, add, out); \
        if (8 * groups < n) \
            rest = bp_portable_decode_##T(payload + groups * g->bits, n - 8 * groups, g, weight, \
                                          add, (T *)out + 8 * groups); \
        return rest > largest ? rest : largest; \
    }
DECODE(float, 1)
DECODE(double, 0)

const bp_tier bp_avx2 = {
    .name = "avx2",
    .pack = {bp_avx2_pack_8, bp_avx2_pack_16, bp_avx2_pack_32},
    .unpack = {bp_avx2_unpack_8, bp_avx2_unpack_16, bp_avx2_unpack_32},
    .norm = {{bp_avx2_l1_float, bp_avx2_l1_double},
             {bp_avx2_l2_float, bp_avx2_l2_double},
             {bp_avx2_linf_float, bp_avx2_linf_double}},
    .extremes = {bp_avx2_extremes_float, bp_avx2_extremes_double},
    .quantize = {quantize_float, quantize_double},
    .decode = {decode_float, decode_double},
    .signs = {bp_avx2_signs_float, bp_avx2_signs_double},
    .philox = bp_avx2_philox,
    .fast = bp_avx2_fast,
    .encode_fast = {bp_avx2_encode_fast_float, bp_avx2_encode_fast_double},
};

#endif
