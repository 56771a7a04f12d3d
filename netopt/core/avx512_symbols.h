/* Coordinates to symbols in AVX-512 registers; for quantizing and for fused kernels. */
#ifndef NETOPT_AVX512_SYMBOLS_H
#define NETOPT_AVX512_SYMBOLS_H

#include "avx512.h"

#if BP_X86

/* A grid's numbers in registers, of either type. */
typedef struct {
    __m512 lo, mult, origin, limit, top;
    __m512d lo_d, mult_d, origin_d, limit_d, top_d;
} bp_avx512_grid;

AVX512_INLINE bp_avx512_grid bp_avx512_grid_of(const bp_grid *g) {
    const bp_avx512_grid k = {
        _mm512_set1_ps((float)g->lo),     _mm512_set1_ps((float)g->mult),
        _mm512_set1_ps((float)g->origin), _mm512_set1_ps((float)g->limit),
        _mm512_set1_ps((float)g->top),    _mm512_set1_pd(g->lo),
        _mm512_set1_pd(g->mult),          _mm512_set1_pd(g->origin),
        _mm512_set1_pd(g->limit),         _mm512_set1_pd(g->top)};

    return k;
}

/* The first `left` of 16 floats or of eight doubles, and zeros; all of them if `whole`. */
AVX512_INLINE __m512 bp_avx512_floats(const uint8_t *x, size_t left, int whole) {
    return whole ? _mm512_loadu_ps(x) : _mm512_castsi512_ps(load_some(x, left * sizeof(float)));
}

AVX512_INLINE __m512d bp_avx512_doubles(const uint8_t *x, size_t left, int whole) {
    return whole ? _mm512_loadu_pd(x) : _mm512_castsi512_pd(load_some(x, left * sizeof(double)));
}

/* Eight coordinates of either type in float64. */
AVX512_INLINE __m512d bp_avx512_eight(const uint8_t *x, size_t left, int whole, int is_float) {
    if (!is_float)
        return bp_avx512_doubles(x, left, whole);
    return _mm512_cvtps_pd(
        whole ? _mm256_loadu_ps((const float *)x)
              : _mm512_castps512_ps256(bp_avx512_floats(x, left < 8 ? left : 8, 0)));
}

AVX512_INLINE __m512i bp_avx512_both(__m256i low, __m256i high) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

AVX512_INLINE __m512 bp_avx512_place(__m512 x, const bp_avx512_grid *k) {
    return _mm512_add_ps(_mm512_mul_ps(_mm512_sub_ps(x, k->lo), k->mult), k->origin);
}

AVX512_INLINE __m512d bp_avx512_place_d(__m512d x, const bp_avx512_grid *k) {
    return _mm512_add_pd(_mm512_mul_pd(_mm512_sub_pd(x, k->lo_d), k->mult_d), k->origin_d);
}

/* 16 places on a grid of up to 8 bits, in units of 2^-16 symbols; NaN and what is too large become
 * INT32_MIN, which is above every symbol if unsigned. */
AVX512_INLINE __m512i bp_avx512_fixed(const uint8_t *x, size_t left, int whole, int is_float,
                                      const bp_avx512_grid *k) {
    __m512d low, high;

    if (is_float)
        return _mm512_cvtps_epi32(bp_avx512_place(bp_avx512_floats(x, left, whole), k));
    low = bp_avx512_place_d(bp_avx512_doubles(x, left, whole), k);
    high = bp_avx512_place_d(bp_avx512_doubles(x + 64, bp_after(left, 8), whole), k);
    return bp_avx512_both(_mm512_cvtpd_epi32(low), _mm512_cvtpd_epi32(high));
}

#endif
#endif
