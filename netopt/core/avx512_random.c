/* The AVX-512 kernels of the two streams of random 16-bit numbers. */
#include "avx512.h"

#if BP_X86
#include "philox.h"

/* One round of eight blocks, a quadword each; only the low halves of the words count. */
AVX512_INLINE void philox_round(__m512i c[4], const __m512i key[2]) {
    const __m512i a = _mm512_mul_epu32(c[0], _mm512_set1_epi64(PHILOX_M0));
    const __m512i b = _mm512_mul_epu32(c[2], _mm512_set1_epi64(PHILOX_M1));

    c[0] = bp_avx512_xor3(_mm512_srli_epi64(b, 32), c[1], key[0]);
    c[2] = bp_avx512_xor3(_mm512_srli_epi64(a, 32), c[3], key[1]);
    c[1] = b, c[3] = a;
}

AVX512_INLINE void set_counters(const uint32_t root[4], uint64_t first, __m512i c[4]) {
    c[0] = _mm512_add_epi64(_mm512_set1_epi64((long long)first),
                            _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    c[1] = _mm512_srli_epi64(c[0], 32);
    c[2] = _mm512_set1_epi64(root[2]);
    c[3] = _mm512_set1_epi64(root[3]);
}

/* The four words of each of eight blocks, block after block, as far as there are blocks. */
AVX512_INLINE void store_blocks(const __m512i words[4], size_t blocks, int whole, uint16_t *out) {
    const __m512i low =
        _mm512_mask_mov_epi32(words[0], 0xAAAA, _mm512_slli_epi64(words[1], 32));
    const __m512i high =
        _mm512_mask_mov_epi32(words[2], 0xAAAA, _mm512_slli_epi64(words[3], 32));
    const __m512i front =
        _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), high);
    const __m512i back =
        _mm512_permutex2var_epi64(low, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), high);

    if (whole) {
        store512(out, front);
        store512(out + 32, back);
    } else {
        store_some(out, front, 16 * blocks);
        store_some(out + 32, back, 16 * bp_after(blocks, 4));
    }
}

AVX512 void bp_avx512_philox(const uint32_t root[4], uint64_t first, size_t blocks,
                             uint16_t *out) {
    __m512i keys[PHILOX_ROUNDS][2], x[4], y[4];

    for (uint32_t round = 0; round < PHILOX_ROUNDS; round++) {
        keys[round][0] = _mm512_set1_epi64(root[0] + round * PHILOX_W0);
        keys[round][1] = _mm512_set1_epi64(root[1] + round * PHILOX_W1);
    }
    for (; blocks >= 16; blocks -= 16, first += 16, out += 128) {
        set_counters(root, first, x);
        set_counters(root, first + 8, y);
        for (int round = 0; round < PHILOX_ROUNDS; round++) {
            philox_round(x, keys[round]); /* two at a time hide the multiplications' latency */
            philox_round(y, keys[round]);
        }
        store_blocks(x, 8, 1, out);
        store_blocks(y, 8, 1, out + 64);
    }
    for (; blocks > 0; blocks = bp_after(blocks, 8), first += 8, out += 64) {
        set_counters(root, first, x);
        for (int round = 0; round < PHILOX_ROUNDS; round++)
            philox_round(x, keys[round]);
        store_blocks(x, blocks, 0, out);
    }
}

AVX512 void bp_avx512_fast(const uint32_t key[2], uint32_t first, size_t groups, uint16_t *out) {
    const __m512i b = _mm512_set1_epi32((int)key[1]), step = bp_avx512_step(b, 4);
    /* Low halves of all words, then high ones. */
    const __m512i even = _mm512_setr_epi32(
        0x00020000, 0x00060004, 0x000A0008, 0x000E000C, 0x00120010, 0x00160014, 0x001A0018,
        0x001E001C, 0x00030001, 0x00070005, 0x000B0009, 0x000F000D, 0x00130011, 0x00170015,
        0x001B0019, 0x001F001D);
    __m512i at = bp_avx512_counter(key, first);

    for (; groups > 0; groups--, out += 32, at = _mm512_add_epi32(at, step))
        store512(out, _mm512_permutexvar_epi16(even, bp_avx512_mixed(at, b)));
}

#endif
