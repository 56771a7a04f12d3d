/* Rounding by the stream `fast` and packing in one go: random numbers, symbols and joined lanes never
 * leave the registers. */
#include "avx2.h"
#include "avx2_narrow.h"

#if BP_X86

/* Constants that the compiler folds: how 32 symbols are joined. */
enum { TINY, NARROW, WHOLE };

typedef struct {
    floats f;
    doubles d;
    tiny tiny;
    narrow narrow;
} constants;

/* Eight places, in units of 2^-16 symbols; what is none becomes INT32_MIN. */
AVX2_INLINE __m256i places(const uint8_t *x, int is_float, int shifted, const constants *k) {
    if (is_float) {
        __m256 v = _mm256_loadu_ps((const float *)x);
        if (shifted)
            v = _mm256_sub_ps(v, k->f.lo);
        return _mm256_cvtps_epi32(_mm256_add_ps(_mm256_mul_ps(v, k->f.mult), k->f.origin));
    }
    __m256d v = _mm256_loadu_pd((const double *)x), w = _mm256_loadu_pd((const double *)x + 4);
    if (shifted) {
        v = _mm256_sub_pd(v, k->d.lo);
        w = _mm256_sub_pd(w, k->d.lo);
    }
    v = _mm256_add_pd(_mm256_mul_pd(v, k->d.mult), k->d.origin);
    w = _mm256_add_pd(_mm256_mul_pd(w, k->d.mult), k->d.origin);
    return paired(_mm256_cvtpd_epi32(v), _mm256_cvtpd_epi32(w));
}

/* Stores 32 symbols that lie above 16 bits of fraction. */
AVX2_INLINE void join(const __m256i fixed[4], int how, const constants *k, uint8_t *out) {
    const __m256i a = _mm256_srli_epi32(fixed[0], 16), b = _mm256_srli_epi32(fixed[1], 16);
    const __m256i c = _mm256_srli_epi32(fixed[2], 16), d = _mm256_srli_epi32(fixed[3], 16);

    if (how == TINY)
        pack_tiny_words(a, b, c, d, &k->tiny, out);
    else if (how == NARROW)
        pack_bytes(as_bytes(a, b, c, d), &k->narrow, out);
    else
        store256(out, as_bytes(a, b, c, d));
}

/* Encodes groups of 32 coordinates; returns whether all had a symbol. */
AVX2_INLINE int groups(const uint8_t *x, size_t count, int is_float, int shifted, int how,
                       const bp_grid *g, const uint32_t key[2], uint32_t first, uint8_t *out) {
    const constants k = {bp_avx2_floats_of(g), bp_avx2_doubles_of(g),
                         tiny_for(how == TINY ? g->bits : 1), narrow_for(how == NARROW ? g->bits : 1)};
    const size_t step = is_float ? 32 : 64; /* bytes of eight coordinates */
    const __m256i b = _mm256_set1_epi32((int)key[1]), low = _mm256_set1_epi32(0xFFFF);
    const size_t packed = 4 * g->bits;
    __m256i worst = _mm256_setzero_si256(), fixed[4];
    const __m256i one = bp_avx2_step(key), eight = _mm256_slli_epi32(one, 3);
    const __m256i sixteen = _mm256_slli_epi32(one, 4);
    __m256i at = bp_avx2_counter(key, first);

    for (; count > 0; count--, x += 4 * step, out += packed) {
        const __m256i r = bp_avx2_mixed(at, b);
        const __m256i s = bp_avx2_mixed(_mm256_add_epi32(at, eight), b);
        const __m256i random[4] = {_mm256_and_si256(r, low), _mm256_and_si256(s, low),
                                   _mm256_srli_epi32(r, 16), _mm256_srli_epi32(s, 16)};
        for (size_t j = 0; j < 4; j++) {
            fixed[j] = _mm256_add_epi32(places(x + step * j, is_float, shifted, &k), random[j]);
            worst = _mm256_max_epu32(worst, fixed[j]);
        }
        join(fixed, how, &k, out);
        at = _mm256_add_epi32(at, sixteen);
    }
    return bp_avx2_largest(worst) >> 16 <= g->top;
}

AVX2_INLINE int ways(const uint8_t *x, size_t count, int is_float, int how, const bp_grid *g,
                     const uint32_t key[2], uint32_t first, uint8_t *out) {
    return g->lo != 0.0 ? groups(x, count, is_float, 1, how, g, key, first, out)
                        : groups(x, count, is_float, 0, how, g, key, first, out);
}

AVX2_INLINE size_t encode_fast(const uint8_t *x, size_t n, int is_float, const bp_grid *g,
                               const uint32_t key[2], uint32_t first, uint8_t *out, size_t room,
                               int *bad) {
    /* A group's stores reach at most 32 bytes from its first, or 16 from its second half on. */
    const size_t reach = g->bits == 8 ? 32 : g->bits <= 4 ? 16 : 2 * g->bits + 16;
    const size_t count = g->bits > 8 ? 0 : bp_in_place(room, 4 * g->bits, reach, n / 32);
    int fine;

    if (count == 0)
        return 0;
    if (g->bits <= 4)
        fine = ways(x, count, is_float, TINY, g, key, first, out);
    else if (g->bits < 8)
        fine = ways(x, count, is_float, NARROW, g, key, first, out);
    else
        fine = ways(x, count, is_float, WHOLE, g, key, first, out);
    *bad |= !fine;
    return 32 * count;
}

AVX2 size_t bp_avx2_encode_fast_float(const void *x, size_t n, const bp_grid *g,
                                      const uint32_t key[2], uint32_t first, uint8_t *out,
                                      size_t room, int *bad) {
    return encode_fast(x, n, 1, g, key, first, out, room, bad);
}

AVX2 size_t bp_avx2_encode_fast_double(const void *x, size_t n, const bp_grid *g,
                                       const uint32_t key[2], uint32_t first, uint8_t *out,
                                       size_t room, int *bad) {
    return encode_fast(x, n, 0, g, key, first, out, room, bad);
}

#endif
