/* The AVX2 kernels of the two streams of random 16-bit numbers. */
#include "avx2.h"

#if BP_X86
#include "philox.h"

/* The keys of all rounds, a register each, for counters that are quadwords. */
AVX2_INLINE void spread_keys(const uint32_t root[4], __m256i keys[PHILOX_ROUNDS][2]) {
    for (uint32_t round = 0; round < PHILOX_ROUNDS; round++) {
        keys[round][0] = _mm256_set1_epi64x(root[0] + round * PHILOX_W0);
        keys[round][1] = _mm256_set1_epi64x(root[1] + round * PHILOX_W1);
    }
}

/* One round of four blocks, a quadword each; only the low halves of the words count. */
AVX2_INLINE void philox_round(__m256i c[4], const __m256i key[2]) {
    const __m256i a = _mm256_mul_epu32(c[0], _mm256_set1_epi64x(PHILOX_M0));
    const __m256i b = _mm256_mul_epu32(c[2], _mm256_set1_epi64x(PHILOX_M1));

    c[0] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(b, 32), c[1]), key[0]);
    c[2] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(a, 32), c[3]), key[1]);
    c[1] = b, c[3] = a;
}

AVX2_INLINE void set_counters(const uint32_t root[4], uint64_t first, __m256i c[4]) {
    c[0] = _mm256_add_epi64(_mm256_set1_epi64x((long long)first), _mm256_setr_epi64x(0, 1, 2, 3));
    c[1] = _mm256_srli_epi64(c[0], 32);
    c[2] = _mm256_set1_epi64x(root[2]);
    c[3] = _mm256_set1_epi64x(root[3]);
}

/* The four words of each of four blocks, block after block. */
AVX2_INLINE void store_blocks(const __m256i words[4], uint16_t *out) {
    const __m256i low = _mm256_blend_epi32(words[0], _mm256_slli_epi64(words[1], 32), 0xAA);
    const __m256i high = _mm256_blend_epi32(words[2], _mm256_slli_epi64(words[3], 32), 0xAA);
    const __m256i even = _mm256_unpacklo_epi64(low, high), odd = _mm256_unpackhi_epi64(low, high);

    store256(out, _mm256_permute2x128_si256(even, odd, 0x20));
    store256(out + 16, _mm256_permute2x128_si256(even, odd, 0x31));
}

AVX2 void bp_avx2_philox(const uint32_t root[4], uint64_t first, size_t blocks, uint16_t *out) {
    __m256i keys[PHILOX_ROUNDS][2], x[4], y[4];

    if (blocks >= 8)
        spread_keys(root, keys);
    for (; blocks >= 8; blocks -= 8, first += 8, out += 64) {
        set_counters(root, first, x);
        set_counters(root, first + 4, y);
        for (int round = 0; round < PHILOX_ROUNDS; round++) {
            philox_round(x, keys[round]); /* two at a time hide the multiplications' latency */
            philox_round(y, keys[round]);
        }
        store_blocks(x, out);
        store_blocks(y, out + 32);
    }
    if (blocks > 0)
        bp_portable.philox(root, first, blocks, out);
}

AVX2 void bp_avx2_fast(const uint32_t key[2], uint32_t first, size_t groups, uint16_t *out) {
    const __m256i b = _mm256_set1_epi32((int)key[1]), low = _mm256_set1_epi32(0xFFFF);
    const __m256i one = bp_avx2_step(key), eight = _mm256_slli_epi32(one, 3);
    const __m256i sixteen = _mm256_slli_epi32(one, 4);
    __m256i at = bp_avx2_counter(key, first);

    for (size_t g = 0; g < groups; g++, out += 32) {
        const __m256i x = bp_avx2_mixed(at, b), y = bp_avx2_mixed(_mm256_add_epi32(at, eight), b);
        const __m256i lower =
            _mm256_packus_epi32(_mm256_and_si256(x, low), _mm256_and_si256(y, low));
        const __m256i upper =
            _mm256_packus_epi32(_mm256_srli_epi32(x, 16), _mm256_srli_epi32(y, 16));
        store256(out, _mm256_permute4x64_epi64(lower, 0xD8));
        store256(out + 16, _mm256_permute4x64_epi64(upper, 0xD8));
        at = _mm256_add_epi32(at, sixteen);
    }
}

#endif
