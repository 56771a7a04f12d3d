/* Joining symbols in AVX2 registers to packed bytes; for packing plain values and fused kernels. */
#ifndef NETOPT_AVX2_NARROW_H
#define NETOPT_AVX2_NARROW_H

#include "avx2.h"

#if BP_X86

/* ---- lanes ---- */

AVX2_INLINE __m256i halves_joined(__m256i x, unsigned bits) {
    /* The lower 32-bit lane goes up against the higher one, then both come down. */
    const __m256i up = _mm256_set1_epi64x(32 - bits);

    return _mm256_srlv_epi64(_mm256_sllv_epi32(x, up), _mm256_set1_epi64x(32 - bits));
}

/* Stores the two 128-bit lanes, `step` bytes apart; 16 bytes each. */
AVX2_INLINE void store_lanes(uint8_t *out, __m256i x, size_t step) {
    _mm_storeu_si128((__m128i *)out, _mm256_castsi256_si128(x));
    _mm_storeu_si128((__m128i *)(out + step), _mm256_extracti128_si256(x, 1));
}

/* Byte shuffle in each 128-bit lane: bytes of the low quadword to the front. */
AVX2_INLINE __m256i front_bytes(unsigned bytes) {
    const __m128i at = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m128i beyond = _mm_cmpgt_epi8(at, _mm_set1_epi8((char)(bytes - 1)));

    return _mm256_broadcastsi128_si256(_mm_or_si128(at, beyond));
}

/* Byte shuffle in each 128-bit lane: bytes of the high quadword to `place` and after. */
AVX2_INLINE __m256i moved_bytes(unsigned place) {
    const __m128i at = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m128i from = _mm_add_epi8(at, _mm_set1_epi8((char)(8 - place)));
    const __m128i outside = _mm_or_si128(_mm_cmpgt_epi8(_mm_set1_epi8((char)place), at),
                                         _mm_cmpgt_epi8(from, _mm_set1_epi8(15)));

    return _mm256_broadcastsi128_si256(_mm_or_si128(from, outside));
}

/* Four registers of 8 symbols below 256 as 32 bytes in order. */
AVX2_INLINE __m256i as_bytes(__m256i a, __m256i b, __m256i c, __m256i d) {
    const __m256i x =
        _mm256_packus_epi16(_mm256_packus_epi32(a, b), _mm256_packus_epi32(c, d));

    return _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* ---- up to 8 bits ---- */

/* What packs 32 values of up to 7 bits; those of 8 are only brought to bytes. */
typedef struct {
    __m256i join8, join16, gather;
    unsigned bits;
} narrow;

AVX2_INLINE narrow narrow_for(unsigned bits) {
    narrow k;

    k.join8 = _mm256_set1_epi16((short)(1 | 1 << (8 + bits)));
    k.join16 = _mm256_set1_epi32((int)(1 | UINT64_C(1) << (16 + 2 * bits)));
    /* Where one shuffle clears a byte, the other one fills it or clears it too. */
    k.gather = _mm256_min_epu8(front_bytes(bits), moved_bytes(bits));
    k.bits = bits;
    return k;
}

AVX2_INLINE void pack_bytes(__m256i x, const narrow *k, uint8_t *out) {
    /* The factors are the unsigned operand: 2^7 is one, and values below 2^7 are signed as well. */
    x = _mm256_madd_epi16(_mm256_maddubs_epi16(k->join8, x), k->join16);
    x = _mm256_shuffle_epi8(halves_joined(x, 4 * k->bits), k->gather);
    store_lanes(out, x, 2 * k->bits);
}

/* What packs 32 values of up to 4 bits: lanes of four values each from both halves fit one lane. */
typedef struct {
    __m256i join8, join16;
    __m128i gather;
    unsigned bits;
} tiny;

AVX2_INLINE tiny tiny_for(unsigned bits) {
    const __m128i at = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    tiny k;

    k.join8 = _mm256_set1_epi16((short)(1 | 1 << (8 + bits)));
    k.join16 = _mm256_set1_epi32((int)(1 | UINT64_C(1) << (16 + 2 * bits)));
    /* Byte i of the result is byte i % bits of lane i / bits. */
    k.gather = _mm_setzero_si128();
    for (int lane = 0; lane < 4; lane++) {
        const __m128i from = _mm_add_epi8(at, _mm_set1_epi8((char)(lane * (4 - (int)bits))));
        const __m128i here = _mm_cmpgt_epi8(at, _mm_set1_epi8((char)(lane * (int)bits - 1)));
        k.gather = _mm_blendv_epi8(k.gather, from, here);
    }
    k.bits = bits;
    return k;
}

/* Packs four registers of 8 values; 16 bytes are stored. */
AVX2_INLINE void pack_tiny_words(__m256i a, __m256i b, __m256i c, __m256i d, const tiny *k,
                                 uint8_t *out) {
    __m256i x = _mm256_packus_epi16(_mm256_packus_epi32(a, b), _mm256_packus_epi32(c, d));
    __m128i y;

    x = _mm256_madd_epi16(_mm256_maddubs_epi16(k->join8, x), k->join16);
    y = _mm_sll_epi32(_mm256_extracti128_si256(x, 1), _mm_cvtsi32_si128((int)(4 * k->bits)));
    y = _mm_or_si128(_mm256_castsi256_si128(x), y);
    _mm_storeu_si128((__m128i *)out, _mm_shuffle_epi8(y, k->gather));
}

#endif
#endif
