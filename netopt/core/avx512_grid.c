/* The AVX-512 quantizers and their inverses, and the table of the tier. */
#include "avx512.h"
#include "avx512_symbols.h"

#if BP_X86

/* 1.5 * 2^52: added to a number below 2^51 in size, it leaves the nearest integer in the low bits. */
#define MAGIC 6755399441055744.0
#define MAGIC_BITS 0x4338000000000000

/* ---- quantize ---- */

/* Constants that the compiler folds: coordinates' type, float64 arithmetic, rounding. */
typedef struct {
    int is_float, wide, nearest;
} manner;

/* What was seen: the largest number, and coordinates that have no symbol. */
typedef struct {
    __m512i worst;
    unsigned bad;
} watch;

AVX512_INLINE __m512i random16(const uint16_t *random, size_t left, int whole) {
    const __m256i r = whole ? _mm256_loadu_si256((const __m256i *)random)
                            : _mm512_castsi512_si256(load_some(random, left < 16 ? 2 * left : 32));

    return _mm512_cvtepu16_epi32(r);
}

/* The symbols of 16 coordinates above 16 bits of fraction, for up to 8 bits. */
AVX512_INLINE __m512i stochastic_narrow(const uint8_t *x, const uint16_t *random, size_t left,
                                        int whole, manner how, const bp_avx512_grid *k, watch *w) {
    __m512i fixed = _mm512_add_epi32(bp_avx512_fixed(x, left, whole, how.is_float, k),
                                     random16(random, left, whole));

    if (!whole)
        fixed = _mm512_maskz_mov_epi32((__mmask16)bp_ones(left < 16 ? left : 16), fixed);
    w->worst = _mm512_max_epu32(w->worst, fixed);
    return fixed;
}

/* Eight symbols above 16 bits of fraction, in quadwords; NaN and what is too large or negative is
 * above every symbol. */
AVX512_INLINE __m512i stochastic_eight(const uint8_t *x, const uint16_t *random, size_t left,
                                       int whole, manner how, const bp_avx512_grid *k, watch *w) {
    const __m512d place = _mm512_add_pd(
        bp_avx512_place_d(bp_avx512_eight(x, left, whole, how.is_float), k), _mm512_set1_pd(MAGIC));
    const __m128i r = whole ? _mm_loadu_si128((const __m128i *)random)
                            : _mm512_castsi512_si128(load_some(random, left < 8 ? 2 * left : 16));
    __m512i fixed = _mm512_sub_epi64(_mm512_castpd_si512(place), _mm512_set1_epi64(MAGIC_BITS));

    fixed = _mm512_add_epi64(fixed, _mm512_cvtepu16_epi64(r));
    if (!whole)
        fixed = _mm512_maskz_mov_epi64((__mmask8)bp_ones(left < 8 ? left : 8), fixed);
    w->worst = _mm512_max_epu64(w->worst, fixed);
    return fixed;
}

/* Truncation is floor here, as nothing below zero has a symbol. */
AVX512_INLINE __m512i nearest_floats(const uint8_t *x, size_t left, int whole,
                                     const bp_avx512_grid *k, watch *w) {
    const __m512 v = bp_avx512_floats(x, left, whole), place = bp_avx512_place(v, k);
    const __mmask16 inside = _mm512_cmp_ps_mask(_mm512_abs_ps(v), k->limit, _CMP_LE_OQ) &
                             _mm512_cmp_ps_mask(place, _mm512_setzero_ps(), _CMP_GE_OQ);

    w->bad |= (whole ? 0xFFFFu : (unsigned)bp_ones(left < 16 ? left : 16)) & ~(unsigned)inside;
    return _mm512_cvttps_epi32(_mm512_min_ps(place, k->top));
}

AVX512_INLINE __m256i nearest_eight(const uint8_t *x, size_t left, int whole, manner how,
                                    const bp_avx512_grid *k, watch *w) {
    const __m512d v = bp_avx512_eight(x, left, whole, how.is_float);
    const __m512d place = bp_avx512_place_d(v, k);
    const unsigned inside = _mm512_cmp_pd_mask(_mm512_abs_pd(v), k->limit_d, _CMP_LE_OQ) &
                            _mm512_cmp_pd_mask(place, _mm512_setzero_pd(), _CMP_GE_OQ);

    w->bad |= (whole ? 0xFFu : (unsigned)bp_ones(left < 8 ? left : 8)) & ~inside;
    return _mm512_cvttpd_epu32(_mm512_min_pd(place, k->top_d));
}

/* Sixteen symbols in 32-bit lanes, above 16 bits of fraction if narrow and stochastic. */
AVX512_INLINE __m512i sixteen(const uint8_t *x, const uint16_t *random, size_t left, int whole,
                              manner how, const bp_avx512_grid *k, watch *w) {
    const size_t half = how.is_float ? 32 : 64, rest = bp_after(left, 8);

    if (how.nearest && how.is_float && !how.wide)
        return nearest_floats(x, left, whole, k, w);
    if (how.nearest)
        return bp_avx512_both(nearest_eight(x, left, whole, how, k, w),
                              nearest_eight(x + half, rest, whole, how, k, w));
    if (!how.wide)
        return stochastic_narrow(x, random, left, whole, how, k, w);
    /* Words 1 and 2 of each quadword: the shift is free. */
    return _mm512_permutex2var_epi16(
        stochastic_eight(x, random, left, whole, how, k, w),
        _mm512_setr_epi32(0x00020001, 0x00060005, 0x000A0009, 0x000E000D, 0x00120011, 0x00160015,
                          0x001A0019, 0x001E001D, 0x00220021, 0x00260025, 0x002A0029, 0x002E002D,
                          0x00320031, 0x00360035, 0x003A0039, 0x003E003D),
        stochastic_eight(x + half, random + 8, rest, whole, how, k, w));
}

/* Quantizes up to 64 coordinates. */
AVX512_INLINE void quantize_turn(const uint8_t *x, const uint16_t *random, size_t left, int whole,
                                 manner how, const bp_avx512_grid *k, watch *w, uint8_t *out) {
    const size_t step = how.is_float ? 64 : 128;
    __m512i symbols[TURN];

    for (size_t j = 0; j < TURN; j++) {
        const size_t some = bp_after(left, 16 * j);
        symbols[j] = sixteen(x + step * j, random + 16 * j, some, whole, how, k, w);
        if (how.wide && whole)
            store512(out + 64 * j, symbols[j]);
        else if (how.wide)
            store_some(out + 64 * j, symbols[j], 4 * some);
    }
    if (how.wide)
        return;
    symbols[0] = bp_avx512_bytes_of(symbols, how.nearest ? 0 : 2);
    if (whole)
        store512(out, symbols[0]);
    else
        store_some(out, symbols[0], left);
}

AVX512_INLINE int quantize_loop(const uint8_t *x, size_t n, manner how, const bp_grid *g,
                                const uint16_t *random, uint8_t *out) {
    const bp_avx512_grid k = bp_avx512_grid_of(g);
    const size_t step = how.is_float ? 256 : 512, size = how.wide ? 4 : 1;
    watch w = {_mm512_setzero_si512(), 0};

    for (; n >= 64; n -= 64, x += step, random += how.nearest ? 0 : 64, out += 64 * size)
        quantize_turn(x, random, 64, 1, how, &k, &w, out);
    if (n > 0)
        quantize_turn(x, random, n, 0, how, &k, &w, out);
    if (how.nearest)
        return w.bad != 0;
    if (!how.wide)
        return bp_avx512_largest(w.worst) >> 16 > g->top;
    /* Symbols are bits 16 to 47; nothing may be above them. */
    return _mm512_cmpgt_epu64_mask(_mm512_srli_epi64(w.worst, 16), _mm512_set1_epi64(g->top)) != 0;
}

AVX512_INLINE int quantize(const uint8_t *x, size_t n, int is_float, const bp_grid *g,
                           const uint16_t *random, uint8_t *out) {
    const manner narrow = {is_float, 0, 0}, narrow_nearest = {is_float, 0, 1};
    const manner wide = {is_float, 1, 0}, wide_nearest = {is_float, 1, 1};
    const uint16_t none = 0;

    if (g->bits <= 8)
        return random ? quantize_loop(x, n, narrow, g, random, out)
                      : quantize_loop(x, n, narrow_nearest, g, &none, out);
    return random ? quantize_loop(x, n, wide, g, random, out)
                  : quantize_loop(x, n, wide_nearest, g, &none, out);
}

AVX512 static int quantize_float(const void *x, size_t n, const bp_grid *g, const uint16_t *random,
                                 void *symbols) {
    return quantize(x, n, 1, g, random, symbols);
}

AVX512 static int quantize_double(const void *x, size_t n, const bp_grid *g,
                                  const uint16_t *random, void *symbols) {
    return quantize(x, n, 0, g, random, symbols);
}

/* ---- decode ---- */

typedef struct {
    __m512 zero, delta, lo, weight, table; /* the table holds what 16 symbols decode to */
    __m512d zero_d, delta_d, lo_d, weight_d;
} scales;

AVX512_INLINE __m512 decoded(__m512i symbols, const scales *k) {
    const __m512 v = _mm512_sub_ps(_mm512_cvtepi32_ps(symbols), k->zero);

    return _mm512_mul_ps(_mm512_add_ps(_mm512_mul_ps(v, k->delta), k->lo), k->weight);
}

AVX512_INLINE __m512d decoded_d(__m256i symbols, const scales *k) {
    const __m512d v = _mm512_sub_pd(_mm512_cvtepu32_pd(symbols), k->zero_d);

    return _mm512_mul_pd(_mm512_add_pd(_mm512_mul_pd(v, k->delta_d), k->lo_d), k->weight_d);
}

AVX512_INLINE scales scales_of(const bp_grid *g, double weight) {
    scales k = {_mm512_set1_ps((float)g->zero), _mm512_set1_ps((float)g->delta),
                _mm512_set1_ps((float)g->lo),   _mm512_set1_ps((float)weight),
                _mm512_setzero_ps(),            _mm512_set1_pd(g->zero),
                _mm512_set1_pd(g->delta),       _mm512_set1_pd(g->lo),
                _mm512_set1_pd(weight)};

    k.table = decoded(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), &k);
    return k;
}

/* Writes or adds 16 coordinates; `how` is the unpacking's. */
AVX512_INLINE void decode_floats(__m512i symbols, int how, size_t left, int whole, int add,
                                 const scales *k, uint8_t *out) {
    __m512 v = how == BROADCAST ? _mm512_permutexvar_ps(symbols, k->table) : decoded(symbols, k);

    if (add)
        v = _mm512_add_ps(bp_avx512_floats(out, left, whole), v);
    if (whole)
        _mm512_storeu_ps(out, v);
    else
        store_some(out, _mm512_castps_si512(v), left * sizeof(float));
}

/* The same for eight, in float64 arithmetic. */
AVX512_INLINE void decode_doubles(__m256i symbols, int is_float, size_t left, int whole, int add,
                                  const scales *k, uint8_t *out) {
    __m512d v = decoded_d(symbols, k);
    __m256 single;

    if (add)
        v = _mm512_add_pd(bp_avx512_eight(out, left, whole, is_float), v);
    if (!is_float) {
        if (whole)
            _mm512_storeu_pd(out, v);
        else
            store_some(out, _mm512_castpd_si512(v), left * sizeof(double));
        return;
    }
    single = _mm512_cvtpd_ps(v);
    if (whole)
        _mm256_storeu_ps((float *)out, single);
    else
        store_some(out, _mm512_castps_si512(_mm512_castps256_ps512(single)),
                   left < 8 ? left * sizeof(float) : 32);
}

AVX512_INLINE void decode_turn(const __m512i symbols[TURN], int how, size_t left, int whole,
                               int is_float, int wide, int add, const scales *k, uint8_t *out) {
    const size_t step = is_float ? 64 : 128;

    for (size_t j = 0; j < TURN; j++, out += step) {
        const size_t some = bp_after(left, 16 * j);
        if (!wide) {
            decode_floats(symbols[j], how, some, whole, add, k, out);
            continue;
        }
        decode_doubles(_mm512_castsi512_si256(symbols[j]), is_float, some, whole, add, k, out);
        decode_doubles(_mm512_extracti64x4_epi64(symbols[j], 1), is_float, bp_after(some, 8), whole,
                       add, k, out + step / 2);
    }
}

AVX512_INLINE __m512i largest_of(__m512i largest, const __m512i x[TURN]) {
    return _mm512_max_epu32(_mm512_max_epu32(largest, _mm512_max_epu32(x[0], x[1])),
                            _mm512_max_epu32(x[2], x[3]));
}

AVX512_INLINE uint32_t decode_loop(const uint8_t *payload, size_t n, const bp_grid *g,
                                   double weight, int is_float, int wide, int add, int how,
                                   unsigned shares, uint8_t *out) {
    const unsigned bits = g->bits;
    const bp_avx512_field f = bp_avx512_words_for(bits, how);
    const scales k = scales_of(g, weight);
    const size_t step = TURN * f.step;
    const size_t direct =
        bp_avx512_whole_turns(bp_bytes(n, bits), &f, how, shares, n / (TURN * 16));
    __m512i largest = _mm512_setzero_si512(), x[TURN];

    for (size_t i = direct; i > 0; i--, payload += step, out += TURN * (is_float ? 64 : 128)) {
        bp_avx512_unpack_turn(payload, step, 1, &f, how, shares, x);
        largest = largest_of(largest, x);
        decode_turn(x, how, TURN * 16, 1, is_float, wide, add, &k, out);
    }
    for (n -= direct * TURN * 16; n > 0; n = bp_after(n, TURN * 16), payload += step) {
        bp_avx512_unpack_turn(payload, bp_bytes(n, bits), 0, &f, how, shares, x);
        for (size_t j = 0; j < TURN; j++) { /* pad bits are no symbols */
            const size_t some = bp_after(n, 16 * j);
            x[j] = _mm512_maskz_mov_epi32((__mmask16)bp_ones(some < 16 ? some : 16), x[j]);
        }
        largest = largest_of(largest, x);
        decode_turn(x, how, n, 0, is_float, wide, add, &k, out);
        out += TURN * (is_float ? 64 : 128);
    }
    return bp_avx512_largest(largest);
}

AVX512_INLINE uint32_t decode_as(const uint8_t *payload, size_t n, const bp_grid *g, double weight,
                                 int is_float, int add, uint8_t *out) {
    const int how = bp_avx512_how(g->bits);

    if (how == BROADCAST)
        return decode_loop(payload, n, g, weight, is_float, !is_float, add, BROADCAST, 1, out);
    if (g->bits <= 8)
        return decode_loop(payload, n, g, weight, is_float, !is_float, add, SHIFTED, 4, out);
    if (how == FUNNEL)
        return decode_loop(payload, n, g, weight, is_float, 1, add, FUNNEL, 1, out);
    return decode_loop(payload, n, g, weight, is_float, 1, add, SHIFTED, 1, out);
}

#define DECODE(T, IS_FLOAT) \
    AVX512 static uint32_t decode_##T(const uint8_t *payload, size_t n, const bp_grid *g, \
                                      double weight, int add, void *out) { \
        return add ? decode_as(payload, n, g, weight, IS_FLOAT, 1, out) \
                   : decode_as(payload, n, g, weight, IS_FLOAT, 0, out); \
    }
DECODE(float, 1)
DECODE(double, 0)

const bp_tier bp_avx512 = {
    .name = "avx512",
    .pack = {bp_avx512_pack_8, bp_avx512_pack_16, bp_avx512_pack_32},
    .unpack = {bp_avx512_unpack_8, bp_avx512_unpack_16, bp_avx512_unpack_32},
    .norm = {{bp_avx512_l1_float, bp_avx512_l1_double},
             {bp_avx512_l2_float, bp_avx512_l2_double},
             {bp_avx512_linf_float, bp_avx512_linf_double}},
    .extremes = {bp_avx512_extremes_float, bp_avx512_extremes_double},
    .quantize = {quantize_float, quantize_double},
    .decode = {decode_float, decode_double},
    .signs = {bp_avx512_signs_float, bp_avx512_signs_double},
    .philox = bp_avx512_philox,
    .fast = bp_avx512_fast,
    .encode_fast = {bp_avx512_encode_fast_float, bp_avx512_encode_fast_double},
};

#endif
