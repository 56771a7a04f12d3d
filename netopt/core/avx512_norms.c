/* The AVX-512 norms, extremes and signs; sums have the lanes of the portable ones. */
#include "avx512.h"

#if BP_X86
#include <math.h>
#include <string.h>

/* Coordinates of either type: all of a register's, or the first `left` of them and zeros. */
AVX512_INLINE __m512 floats_at(const uint8_t *x, size_t left, int whole) {
    return whole ? _mm512_loadu_ps(x) : _mm512_castsi512_ps(load_some(x, left * sizeof(float)));
}

AVX512_INLINE __m512d doubles_at(const uint8_t *x, size_t left, int whole) {
    return whole ? _mm512_loadu_pd(x) : _mm512_castsi512_pd(load_some(x, left * sizeof(double)));
}

AVX512_INLINE __m512d term(__m512d x, int square) {
    return square ? _mm512_mul_pd(x, x)
                  : _mm512_castsi512_pd(_mm512_and_si512(_mm512_castpd_si512(x),
                                                         _mm512_set1_epi64(INT64_MAX)));
}

/* Adds the terms of up to 16 coordinates to their lanes. */
AVX512_INLINE void add_terms(const uint8_t *x, size_t left, int whole, int is_float, int square,
                             __m512d total[2]) {
    __m512d low, high;

    if (is_float) {
        const __m512 all = floats_at(x, left, whole);
        low = _mm512_cvtps_pd(_mm512_castps512_ps256(all));
        high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(all, 1));
    } else {
        low = doubles_at(x, left, whole);
        high = doubles_at(x + 64, bp_after(left, 8), whole);
    }
    total[0] = _mm512_add_pd(total[0], term(low, square));
    total[1] = _mm512_add_pd(total[1], term(high, square));
}

AVX512_INLINE double sum(const uint8_t *x, size_t n, int is_float, int square) {
    const size_t step = is_float ? 64 : 128;
    __m512d total[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    double lanes[16];

    for (; n >= 16; n -= 16, x += step)
        add_terms(x, 16, 1, is_float, square, total);
    if (n > 0) /* zeros change no lane: all terms are >= 0 */
        add_terms(x, n, 0, is_float, square, total);
    _mm512_storeu_pd(lanes, total[0]);
    _mm512_storeu_pd(lanes + 8, total[1]);
    return bp_tree_sum(lanes);
}

AVX512 double bp_avx512_l1_float(const void *x, size_t n) {
    return sum(x, n, 1, 0);
}

AVX512 double bp_avx512_l1_double(const void *x, size_t n) {
    return sum(x, n, 0, 0);
}

AVX512 double bp_avx512_l2_float(const void *x, size_t n) {
    return sqrt(sum(x, n, 1, 1));
}

AVX512 double bp_avx512_l2_double(const void *x, size_t n) {
    return sqrt(sum(x, n, 0, 1));
}

/* The largest size: without their sign, numbers are in the order of their bits, NaN above all. */
#define LINF(T, EPI, LANES, INTEGER, TOP) \
    AVX512 double bp_avx512_linf_##T(const void *memory, size_t n) { \
        const uint8_t *x = memory; \
        const __m512i size = _mm512_set1_##EPI(TOP); \
        __m512i a = _mm512_setzero_si512(), b = a; \
        INTEGER lanes[LANES], largest = 0; \
        T value; \
        for (; n >= 2 * LANES; n -= 2 * LANES, x += 128) { \
            a = _mm512_max_##INTEGER(a, _mm512_and_si512(load512(x), size)); \
            b = _mm512_max_##INTEGER(b, _mm512_and_si512(load512(x + 64), size)); \
        } \
        for (; n > 0; n = bp_after(n, LANES), x += 64) \
            a = _mm512_max_##INTEGER(a, _mm512_and_si512(load_some(x, n * sizeof(T)), size)); \
        store512(lanes, _mm512_max_##INTEGER(a, b)); \
        for (int k = 0; k < LANES; k++) \
            largest = lanes[k] > largest ? lanes[k] : largest; \
        memcpy(&value, &largest, sizeof value); \
        return value; \
    }
typedef int32_t epi32;
typedef int64_t epi64;
LINF(float, epi32, 16, epi32, INT32_MAX)
LINF(double, epi64, 8, epi64, INT64_MAX)

/* NaN loses a comparison in one operand's place and wins it in the other's, so it is looked for
 * beside them. */
#define EXTREMES(T, REGISTER, P, N) \
    AVX512 void bp_avx512_extremes_##T(const void *memory, size_t n, double range[2]) { \
        const uint8_t *x = memory; \
        REGISTER a, b, low = _mm512_set1_##P((T)INFINITY), high = _mm512_set1_##P((T)-INFINITY); \
        REGISTER low2 = low, high2 = high; \
        T ends[2 * N]; \
        unsigned odd = 0; \
        for (; n >= 2 * N; n -= 2 * N, x += 128) { \
            a = T##s_at(x, N, 1), b = T##s_at(x + 64, N, 1); \
            low = _mm512_min_##P(low, a), low2 = _mm512_min_##P(low2, b); \
            high = _mm512_max_##P(high, a), high2 = _mm512_max_##P(high2, b); \
            odd |= _mm512_cmp_##P##_mask(a, b, _CMP_UNORD_Q); \
        } \
        for (; n > 0; n = bp_after(n, N), x += 64) { \
            a = T##s_at(x, n, 0); /* zeros compare well, but are none of the extremes */ \
            low = _mm512_mask_min_##P(low, (FIRST_##N)bp_ones(n), low, a); \
            high = _mm512_mask_max_##P(high, (FIRST_##N)bp_ones(n), high, a); \
            odd |= _mm512_cmp_##P##_mask(a, a, _CMP_UNORD_Q); \
        } \
        _mm512_storeu_##P(ends, _mm512_min_##P(low, low2)); \
        _mm512_storeu_##P(ends + N, _mm512_max_##P(high, high2)); \
        for (int k = 1; k < N; k++) { \
            ends[0] = ends[k] < ends[0] ? ends[k] : ends[0]; \
            ends[N] = ends[N + k] > ends[N] ? ends[N + k] : ends[N]; \
        } \
        range[0] = odd ? (double)NAN : (double)ends[0] + 0.0; \
        range[1] = odd ? (double)NAN : (double)ends[N] + 0.0; \
    }
typedef __mmask16 FIRST_16;
typedef __mmask8 FIRST_8;
EXTREMES(float, __m512, ps, 16)
EXTREMES(double, __m512d, pd, 8)

/* The sign bits of up to 16 coordinates. */
AVX512_INLINE unsigned sign_bits(const uint8_t *x, size_t left, int whole, int is_float) {
    if (is_float)
        return _mm512_movepi32_mask(_mm512_castps_si512(floats_at(x, left, whole)));
    return _mm512_movepi64_mask(_mm512_castpd_si512(doubles_at(x, left, whole))) |
           (unsigned)_mm512_movepi64_mask(
               _mm512_castpd_si512(doubles_at(x + 64, bp_after(left, 8), whole)))
               << 8;
}

AVX512_INLINE void signs(const uint8_t *x, size_t n, int is_float, uint8_t *out) {
    const size_t step = is_float ? 64 : 128;
    uint16_t bits;

    for (; n >= 16; n -= 16, x += step, out += 2) {
        bits = (uint16_t)~sign_bits(x, 16, 1, is_float);
        memcpy(out, &bits, 2);
    }
    bits = (uint16_t)(~sign_bits(x, n, 0, is_float) & bp_low_mask((unsigned)n));
    memcpy(out, &bits, (n + 7) / 8);
}

AVX512 void bp_avx512_signs_float(const void *x, size_t n, uint8_t *out) {
    signs(x, n, 1, out);
}

AVX512 void bp_avx512_signs_double(const void *x, size_t n, uint8_t *out) {
    signs(x, n, 0, out);
}

#endif
