/* What the AVX2 sources share. */
#ifndef NETOPT_AVX2_H
#define NETOPT_AVX2_H

#include "portable.h"

#if BP_X86
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE BP_INLINE AVX2

#define AVX2_PACKERS(L) \
    uint64_t bp_avx2_pack_##L(const void *values, size_t n, unsigned bits, uint8_t *out); \
    void bp_avx2_unpack_##L(const uint8_t *payload, size_t n, unsigned bits, void *out);
AVX2_PACKERS(8)
AVX2_PACKERS(16)
AVX2_PACKERS(32)

#define AVX2_NORMS(T) \
    double bp_avx2_l1_##T(const void *x, size_t n); \
    double bp_avx2_l2_##T(const void *x, size_t n); \
    double bp_avx2_linf_##T(const void *x, size_t n); \
    void bp_avx2_extremes_##T(const void *x, size_t n, double range[2]); \
    void bp_avx2_signs_##T(const void *x, size_t n, uint8_t *out);
AVX2_NORMS(float)
AVX2_NORMS(double)

AVX2_INLINE __m256i load256(const void *at) {
    __m256i x = _mm256_loadu_si256((const __m256i *)at);

    /* Compilers would rather load twice than keep a register, and loads are what is scarce. */
    __asm__("" : "+x"(x));
    return x;
}

AVX2_INLINE __m128i load128(const void *at) {
    return _mm_loadu_si128((const __m128i *)at);
}

AVX2_INLINE void store256(void *at, __m256i x) {
    _mm256_storeu_si256((__m256i *)at, x);
}

/* Two registers of 128 bits as one. */
AVX2_INLINE __m256i paired(__m128i low, __m128i high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* ---- unpacking eight values, in order, to 32-bit lanes ---- */

/* The bytes that one step reads, from the first value's byte on, are 16, and 16 from `upper` on. */
typedef struct {
    __m256i bytes, shift, mask; /* the lanes' bytes, and where the value lies in them */
    __m256i rest, lift;         /* the fifth byte of a value that reaches into one, and its place */
    size_t upper;
} bp_avx2_field;

AVX2_INLINE bp_avx2_field bp_avx2_field_for(unsigned bits) {
    const unsigned base = bits <= 16 ? 0 : 4 * bits / 8;
    const __m256i bit = _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
                                           _mm256_set1_epi32((int)bits));
    const __m256i first =
        _mm256_sub_epi32(_mm256_srli_epi32(bit, 3),
                         _mm256_setr_epi32(0, 0, 0, 0, (int)base, (int)base, (int)base, (int)base));
    bp_avx2_field f;

    f.bytes = _mm256_add_epi8(_mm256_mullo_epi32(first, _mm256_set1_epi32(0x01010101)),
                              _mm256_set1_epi32(0x03020100));
    f.shift = _mm256_and_si256(bit, _mm256_set1_epi32(7));
    f.mask = _mm256_set1_epi32((int)(UINT32_MAX >> (32 - bits)));
    /* 0x80 clears a byte; a shift by 32 clears a lane. */
    f.rest = _mm256_or_si256(_mm256_add_epi32(first, _mm256_set1_epi32(4)),
                             _mm256_set1_epi32((int)0x80808000));
    f.lift = _mm256_sub_epi32(_mm256_set1_epi32(32), f.shift);
    f.upper = base;
    return f;
}

/* Whether a value may reach into a fifth byte. */
BP_INLINE int bp_straddles(unsigned bits) {
    return bits == 27 || (bits >= 29 && bits <= 31);
}

/* How many bytes one step reads. */
BP_INLINE size_t bp_avx2_reach(unsigned bits) {
    return bits <= 16 ? 16 : 16 + 4 * bits / 8;
}

AVX2_INLINE __m256i bp_avx2_unpack8(const uint8_t *at, unsigned bits, const bp_avx2_field *f) {
    const __m256i x = bits <= 16 ? _mm256_broadcastsi128_si256(load128(at))
                                 : paired(load128(at), load128(at + f->upper));
    __m256i value = _mm256_srlv_epi32(_mm256_shuffle_epi8(x, f->bytes), f->shift);

    if (bp_straddles(bits))
        value = _mm256_or_si256(value,
                                _mm256_sllv_epi32(_mm256_shuffle_epi8(x, f->rest), f->lift));
    return _mm256_and_si256(value, f->mask);
}

/* The largest of 8 unsigned lanes. */
AVX2_INLINE uint32_t bp_avx2_largest(__m256i x) {
    __m128i y = _mm_max_epu32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));

    y = _mm_max_epu32(y, _mm_shuffle_epi32(y, 0x4E));
    y = _mm_max_epu32(y, _mm_shuffle_epi32(y, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(y);
}

/* ---- grids ---- */

/* A grid's numbers in registers, of either type. */
typedef struct {
    __m256 lo, mult, origin, limit, top, size; /* `size` clears the sign */
} floats;

typedef struct {
    __m256d lo, mult, origin, limit, top, size;
} doubles;

AVX2_INLINE floats bp_avx2_floats_of(const bp_grid *g) {
    const floats k = {
        _mm256_set1_ps((float)g->lo),    _mm256_set1_ps((float)g->mult),
        _mm256_set1_ps((float)g->origin), _mm256_set1_ps((float)g->limit),
        _mm256_set1_ps((float)g->top),   _mm256_castsi256_ps(_mm256_set1_epi32(INT32_MAX))};

    return k;
}

AVX2_INLINE doubles bp_avx2_doubles_of(const bp_grid *g) {
    const doubles k = {_mm256_set1_pd(g->lo),     _mm256_set1_pd(g->mult),
                       _mm256_set1_pd(g->origin), _mm256_set1_pd(g->limit),
                       _mm256_set1_pd(g->top),    _mm256_castsi256_pd(_mm256_set1_epi64x(INT64_MAX))};

    return k;
}

/* ---- random numbers ---- */

AVX2_INLINE __m256i bp_avx2_mixed(__m256i x, __m256i b) {
    x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
    x = _mm256_xor_si256(_mm256_mullo_epi32(x, _mm256_set1_epi32(0x7FEB352D)), b);
    x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 15));
    x = _mm256_mullo_epi32(x, _mm256_set1_epi32((int)0x846CA68Bu));
    return _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
}

/* What the counter of the stream `fast` grows by from word to word. */
AVX2_INLINE __m256i bp_avx2_step(const uint32_t key[2]) {
    return _mm256_set1_epi32((int)(key[1] | 1));
}

/* The counters of eight words from `first` on. */
AVX2_INLINE __m256i bp_avx2_counter(const uint32_t key[2], uint32_t first) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);

    return _mm256_add_epi32(_mm256_set1_epi32((int)(first * (key[1] | 1) + key[0])),
                            _mm256_mullo_epi32(lanes, bp_avx2_step(key)));
}

void bp_avx2_philox(const uint32_t root[4], uint64_t first, size_t blocks, uint16_t *out);
void bp_avx2_fast(const uint32_t key[2], uint32_t first, size_t groups, uint16_t *out);
bp_encode_fn bp_avx2_encode_fast_float, bp_avx2_encode_fast_double;

#endif
#endif
