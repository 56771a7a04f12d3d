/* Rounding by the stream `fast` and packing in one go: random numbers, symbols and joined lanes never
 * leave the registers. */
#include "avx512.h"
#include "avx512_symbols.h"

#if BP_X86

/* Encodes up to 64 coordinates; `at` is the first group's counter. */
AVX512_INLINE __m512i encode_turn(const uint8_t *x, size_t left, int whole, int is_float, int how,
                                  const bp_avx512_grid *g, const bp_avx512_narrow *k, __m512i at,
                                  __m512i b, __m512i *worst) {
    const __m512i low = _mm512_set1_epi32(0xFFFF);
    const __m512i r = bp_avx512_mixed(at, b);
    const __m512i s = bp_avx512_mixed(_mm512_add_epi32(at, bp_avx512_step(b, 4)), b);
    const __m512i random[TURN] = {_mm512_and_si512(r, low), _mm512_srli_epi32(r, 16),
                                  _mm512_and_si512(s, low), _mm512_srli_epi32(s, 16)};
    __m512i fixed[TURN];

    for (size_t j = 0; j < TURN; j++) {
        const size_t some = bp_after(left, 16 * j);
        fixed[j] = _mm512_add_epi32(
            bp_avx512_fixed(x + (is_float ? 64 : 128) * j, some, whole, is_float, g), random[j]);
        if (!whole)
            fixed[j] = _mm512_maskz_mov_epi32((__mmask16)bp_ones(some < 16 ? some : 16), fixed[j]);
        *worst = _mm512_max_epu32(*worst, fixed[j]);
    }
    fixed[0] = bp_avx512_bytes_of(fixed, 2);
    return how == WHOLE ? fixed[0] : bp_avx512_pack_bytes(fixed[0], k, how);
}

/* Encodes n coordinates; returns whether all had a symbol. */
AVX512_INLINE int encode_loop(const uint8_t *x, size_t n, int is_float, int how, const bp_grid *g,
                              const uint32_t key[2], uint32_t first, uint8_t *out, size_t room) {
    const bp_avx512_grid grid = bp_avx512_grid_of(g);
    const bp_avx512_narrow k = bp_avx512_packer_for(g->bits, bp_iota(), how);
    const size_t step = is_float ? 256 : 512, group = 8 * g->bits;
    const size_t direct = bp_in_place(room, group, 64, n / 64);
    const __m512i b = _mm512_set1_epi32((int)key[1]), more = bp_avx512_step(b, 5);
    __m512i worst = _mm512_setzero_si512(), at = bp_avx512_counter(key, first);

    for (size_t i = direct; i > 0; i--, x += step, out += group) {
        store512(out, encode_turn(x, 64, 1, is_float, how, &grid, &k, at, b, &worst));
        at = _mm512_add_epi32(at, more);
    }
    for (n -= 64 * direct; n > 0; n = bp_after(n, 64), x += step, out += group) {
        store_some(out, encode_turn(x, n, 0, is_float, how, &grid, &k, at, b, &worst),
                   n < 64 ? bp_bytes(n, g->bits) : group);
        at = _mm512_add_epi32(at, more);
    }
    return bp_avx512_largest(worst) >> 16 <= g->top;
}

AVX512_INLINE size_t encode_fast(const uint8_t *x, size_t n, int is_float, const bp_grid *g,
                                 const uint32_t key[2], uint32_t first, uint8_t *out, size_t room,
                                 int *bad) {
    int fine;

    if (g->bits > 8)
        return 0;
    if (bp_bytes(n, g->bits) > room)
        n = room / (4 * g->bits) * 32;
    if (g->bits == 8)
        fine = encode_loop(x, n, is_float, WHOLE, g, key, first, out, room);
    else if (g->bits % 2 == 0)
        fine = encode_loop(x, n, is_float, EVEN, g, key, first, out, room);
    else
        fine = encode_loop(x, n, is_float, ODD, g, key, first, out, room);
    *bad |= !fine;
    return n;
}

AVX512 size_t bp_avx512_encode_fast_float(const void *x, size_t n, const bp_grid *g,
                                          const uint32_t key[2], uint32_t first, uint8_t *out,
                                          size_t room, int *bad) {
    return encode_fast(x, n, 1, g, key, first, out, room, bad);
}

AVX512 size_t bp_avx512_encode_fast_double(const void *x, size_t n, const bp_grid *g,
                                           const uint32_t key[2], uint32_t first, uint8_t *out,
                                           size_t room, int *bad) {
    return encode_fast(x, n, 0, g, key, first, out, room, bad);
}

#endif
