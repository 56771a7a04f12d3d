/* Stands for the compiler's header: SIMDe computes AVX-512 in plain C, so that any machine can run
 * the AVX-512 sources. What SIMDe lacks, or would read and write beyond its mask, is written here
 * from Intel's description of the instruction. */
#ifndef EMULATED_IMMINTRIN_H
#define EMULATED_IMMINTRIN_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#define SIMDE_NO_NATIVE
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simde/x86/avx512.h"

typedef uint8_t __mmask8;

#define EMULATED static inline __attribute__((unused))

/* ---- memory: the address sanitizer is asked, for it cannot look into this file quickly ---- */

void *__asan_region_is_poisoned(void *begin, size_t size);

EMULATED const void *checked(const void *at, size_t size) {
    if (size > 0 && __asan_region_is_poisoned((void *)(uintptr_t)at, size) != NULL) {
        fprintf(stderr, "%zu bytes at %p are not all the caller's\n", size, at);
        abort();
    }
    return at;
}

#define CHECKED_LOAD(NAME, T) \
    EMULATED T checked_##NAME(const void *at) { \
        T x; \
        memcpy(&x, checked(at, sizeof x), sizeof x); \
        return x; \
    }
#define CHECKED_STORE(NAME, T) \
    EMULATED void checked_##NAME(void *at, T x) { \
        checked(at, sizeof x); \
        memcpy(at, &x, sizeof x); \
    }
CHECKED_LOAD(loadu_si512, __m512i)
CHECKED_LOAD(loadu_ps, __m512)
CHECKED_LOAD(loadu_pd, __m512d)
CHECKED_LOAD(loadu_256, __m256i)
CHECKED_LOAD(loadu_ps256, __m256)
CHECKED_LOAD(loadu_128, __m128i)
CHECKED_STORE(storeu_si512, __m512i)
CHECKED_STORE(storeu_ps, __m512)
CHECKED_STORE(storeu_pd, __m512d)
CHECKED_STORE(storeu_256, __m256i)
CHECKED_STORE(storeu_ps256, __m256)

EMULATED __m128i checked_loadl(const void *at) {
    uint64_t words[2] = {0};
    __m128i x;

    memcpy(words, checked(at, 8), 8);
    memcpy(&x, words, sizeof x);
    return x;
}

#undef _mm512_loadu_si512
#undef _mm512_loadu_ps
#undef _mm512_loadu_pd
#undef _mm256_loadu_si256
#undef _mm256_loadu_ps
#undef _mm_loadu_si128
#undef _mm_loadl_epi64
#undef _mm512_storeu_si512
#undef _mm512_storeu_ps
#undef _mm512_storeu_pd
#undef _mm256_storeu_si256
#undef _mm256_storeu_ps
#define _mm512_loadu_si512 checked_loadu_si512
#define _mm512_loadu_ps checked_loadu_ps
#define _mm512_loadu_pd checked_loadu_pd
#define _mm256_loadu_si256 checked_loadu_256
#define _mm256_loadu_ps checked_loadu_ps256
#define _mm_loadu_si128 checked_loadu_128
#define _mm_loadl_epi64 checked_loadl
#define _mm512_storeu_si512 checked_storeu_si512
#define _mm512_storeu_ps checked_storeu_ps
#define _mm512_storeu_pd checked_storeu_pd
#define _mm256_storeu_si256 checked_storeu_256
#define _mm256_storeu_ps checked_storeu_ps256

/* How many of the lowest bytes a mask names: all that the sources use are such. */
EMULATED size_t named(__mmask64 k) {
    size_t n = 0;

    while (n < 64 && k >> n & 1)
        n++;
    if (n < 64 && k >> n != 0)
        abort();
    return n;
}

EMULATED __m512i _mm512_maskz_loadu_epi8(__mmask64 k, const void *at) {
    const size_t n = named(k);
    uint8_t bytes[64] = {0};
    __m512i x;

    if (n > 0)
        memcpy(bytes, checked(at, n), n);
    memcpy(&x, bytes, sizeof x);
    return x;
}

EMULATED void _mm512_mask_storeu_epi8(void *at, __mmask64 k, __m512i x) {
    const size_t n = named(k);

    if (n > 0)
        memcpy(at, (checked(at, n), &x), n);
}

/* ---- integers ---- */

EMULATED __m512i _mm512_shrdv_epi32(__m512i low, __m512i high, __m512i count) {
    uint32_t a[16], b[16], c[16];

    memcpy(a, &low, sizeof a), memcpy(b, &high, sizeof b), memcpy(c, &count, sizeof c);
    for (int i = 0; i < 16; i++)
        a[i] = (uint32_t)(((uint64_t)b[i] << 32 | a[i]) >> (c[i] & 31));
    memcpy(&low, a, sizeof a);
    return low;
}

#undef _mm512_alignr_epi64
EMULATED __m512i _mm512_alignr_epi64(__m512i high, __m512i low, int count) {
    uint64_t both[16];

    memcpy(both, &low, 64), memcpy(both + 8, &high, 64);
    memcpy(&low, both + (count & 7), 64);
    return low;
}

EMULATED __m512i _mm512_mask_compress_epi8(__m512i rest, __mmask64 k, __m512i x) {
    uint8_t from[64], to[64];
    int n = 0;

    memcpy(from, &x, 64), memcpy(to, &rest, 64);
    for (int i = 0; i < 64; i++)
        if (k >> i & 1)
            to[n++] = from[i];
    memcpy(&rest, to, 64);
    return rest;
}

EMULATED __m512i _mm512_maskz_compress_epi8(__mmask64 k, __m512i x) {
    return _mm512_mask_compress_epi8(_mm512_setzero_si512(), k, x);
}

EMULATED __mmask8 _mm512_cmpgt_epu64_mask(__m512i x, __m512i y) {
    uint64_t a[8], b[8];
    unsigned k = 0;

    memcpy(a, &x, 64), memcpy(b, &y, 64);
    for (int i = 0; i < 8; i++)
        k |= (unsigned)(a[i] > b[i]) << i;
    return (__mmask8)k;
}

EMULATED __m512i _mm512_cvtepu16_epi64(__m128i x) {
    uint16_t from[8];
    uint64_t to[8];
    __m512i y;

    memcpy(from, &x, 16);
    for (int i = 0; i < 8; i++)
        to[i] = from[i];
    memcpy(&y, to, 64);
    return y;
}

/* ---- numbers of another type ---- */

#define CONVERTED(NAME, TO, FROM, T, F, EACH) \
    EMULATED TO NAME(FROM x) { \
        F from[8]; \
        T to[8]; \
        TO y; \
        memcpy(from, &x, sizeof from); \
        for (int i = 0; i < 8; i++) \
            to[i] = EACH; \
        memcpy(&y, to, sizeof to); \
        return y; \
    }
#define IN_INT32(v) ((v) >= -2147483648.5 && (v) < 2147483647.5)
#define IN_UINT32(v) ((v) > -1.0 && (v) < 4294967296.0)

CONVERTED(_mm512_cvtps_pd, __m512d, __m256, double, float, (double)from[i])
CONVERTED(_mm512_cvtpd_ps, __m256, __m512d, float, double, (float)from[i])
CONVERTED(_mm512_cvtepu32_pd, __m512d, __m256i, double, uint32_t, from[i])
CONVERTED(_mm512_cvtpd_epi32, __m256i, __m512d, int32_t, double,
          IN_INT32(from[i]) ? (int32_t)rint(from[i]) : INT32_MIN)
CONVERTED(_mm512_cvttpd_epu32, __m256i, __m512d, uint32_t, double,
          IN_UINT32(from[i]) ? (uint32_t)from[i] : UINT32_MAX)

#endif
