/* What the AVX-512 sources share. */
#ifndef NETOPT_AVX512_H
#define NETOPT_AVX512_H

#include "portable.h"

#if BP_X86
#include <immintrin.h>

/* Empty where the intrinsics are emulated. */
#ifndef AVX512
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2")))
#endif
#define AVX512_INLINE BP_INLINE AVX512

#define AVX512_PACKERS(L) \
    uint64_t bp_avx512_pack_##L(const void *values, size_t n, unsigned bits, uint8_t *out); \
    void bp_avx512_unpack_##L(const uint8_t *payload, size_t n, unsigned bits, void *out);
AVX512_PACKERS(8)
AVX512_PACKERS(16)
AVX512_PACKERS(32)

#define AVX512_NORMS(T) \
    double bp_avx512_l1_##T(const void *x, size_t n); \
    double bp_avx512_l2_##T(const void *x, size_t n); \
    double bp_avx512_linf_##T(const void *x, size_t n); \
    void bp_avx512_extremes_##T(const void *x, size_t n, double range[2]); \
    void bp_avx512_signs_##T(const void *x, size_t n, uint8_t *out);
AVX512_NORMS(float)
AVX512_NORMS(double)

void bp_avx512_philox(const uint32_t root[4], uint64_t first, size_t blocks, uint16_t *out);
void bp_avx512_fast(const uint32_t key[2], uint32_t first, size_t groups, uint16_t *out);
bp_encode_fn bp_avx512_encode_fast_float, bp_avx512_encode_fast_double;

/* ---- memory: whole registers, or as much of one as there is ---- */

/* How many of `n` come after the first `done`. */
BP_INLINE size_t bp_after(size_t n, size_t done) {
    return n > done ? n - done : 0;
}

/* The lowest min(n, 64) bits. */
BP_INLINE uint64_t bp_ones(size_t n) {
    return n >= 64 ? UINT64_MAX : bp_low_mask((unsigned)n);
}

AVX512_INLINE __m512i load512(const void *at) {
    return _mm512_loadu_si512(at);
}

AVX512_INLINE void store512(void *at, __m512i x) {
    _mm512_storeu_si512(at, x);
}

/* The first `bytes` bytes, at most 64, and zeros. */
AVX512_INLINE __m512i load_some(const void *at, size_t bytes) {
    return _mm512_maskz_loadu_epi8(bp_ones(bytes), at);
}

AVX512_INLINE void store_some(void *at, __m512i x, size_t bytes) {
    _mm512_mask_storeu_epi8(at, bp_ones(bytes), x);
}

/* ---- bytes ---- */

/* 0..63. */
AVX512_INLINE __m512i bp_iota(void) {
    return _mm512_set_epi64(0x3F3E3D3C3B3A3938, 0x3736353433323130, 0x2F2E2D2C2B2A2928,
                            0x2726252423222120, 0x1F1E1D1C1B1A1918, 0x1716151413121110,
                            0x0F0E0D0C0B0A0908, 0x0706050403020100);
}

/* Each quadword's lowest byte in all of its bytes. */
AVX512_INLINE __m512i bp_spread_bytes(__m512i x) {
    return _mm512_shuffle_epi8(
        x, _mm512_set4_epi32(0x08080808, 0x08080808, 0, 0));
}

/* ---- unpacking a register of values, in order, to lanes of 1, 2 or 4 bytes ---- */

/* Constants that the compiler folds. BROADCAST: 16 values in one quadword. SHIFTED: a 32-bit lane's
 * four bytes hold its value. FUNNEL: they may be five. MULTI: a quadword's eight bytes hold its four
 * or eight values. */
enum { BROADCAST, SHIFTED, FUNNEL, MULTI };

typedef struct {
    __m512i bytes, shift, mask; /* the lanes' bytes, and where the value lies in them */
    __m512i next, four;         /* from register to register of one load; from first to fifth byte */
    size_t step;                /* bytes of a register's values */
} bp_avx512_field;

AVX512_INLINE bp_avx512_field bp_avx512_words_for(unsigned bits, int how) {
    const __m512i bit = _mm512_mullo_epi32(
        _mm512_set1_epi32((int)bits),
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    bp_avx512_field f;

    f.bytes = _mm512_add_epi8(
        _mm512_mullo_epi32(_mm512_srli_epi32(bit, 3), _mm512_set1_epi32(0x01010101)),
        _mm512_set1_epi32(0x03020100));
    f.shift = how == BROADCAST ? bit : _mm512_and_si512(bit, _mm512_set1_epi32(7));
    f.mask = _mm512_set1_epi32((int)(UINT32_MAX >> (32 - bits)));
    f.next = _mm512_set1_epi8((char)(2 * bits));
    f.four = _mm512_set1_epi8(4);
    f.step = 2 * bits;
    return f;
}

/* For lanes of `size` bytes, 1 or 2. */
AVX512_INLINE bp_avx512_field bp_avx512_narrow_for(unsigned bits, unsigned size) {
    const unsigned width = 8 / size * bits; /* of a quadword's values */
    const __m512i bit = _mm512_mullo_epi32(
        _mm512_set1_epi32((int)width),
        _mm512_setr_epi32(0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0));
    const uint64_t places = size == 1 ? UINT64_C(0x0706050403020100) * bits
                                      : UINT64_C(0x0303020201010000) * bits +
                                            UINT64_C(0x0800080008000800);
    const uint64_t lane = size == 1 ? UINT64_C(0x0101010101010101) : UINT64_C(0x0001000100010001);
    bp_avx512_field f;

    f.bytes = _mm512_add_epi8(bp_spread_bytes(_mm512_srli_epi64(bit, 3)),
                              _mm512_set1_epi64(0x0706050403020100));
    f.shift = _mm512_add_epi8(bp_spread_bytes(_mm512_and_si512(bit, _mm512_set1_epi64(7))),
                              _mm512_set1_epi64((long long)places));
    f.mask = _mm512_set1_epi64((long long)(lane * bp_low_mask(bits)));
    f.next = _mm512_set1_epi8((char)(8 * bits / size));
    f.four = f.next;
    f.step = 8 * bits / size;
    return f;
}

AVX512_INLINE __m512i bp_avx512_from_word(const uint8_t *at, size_t left, int whole,
                                          const bp_avx512_field *f) {
    const __m128i word = whole ? _mm_loadl_epi64((const __m128i *)at)
                               : _mm512_castsi512_si128(load_some(at, left));

    return _mm512_and_si512(_mm512_multishift_epi64_epi8(f->shift, _mm512_broadcastq_epi64(word)),
                            f->mask);
}

/* `bytes` is the field's, or moved on by `next`. */
AVX512_INLINE __m512i bp_avx512_from(__m512i x, __m512i bytes, const bp_avx512_field *f, int how) {
    __m512i value = _mm512_permutexvar_epi8(bytes, x);

    if (how == SHIFTED)
        value = _mm512_srlv_epi32(value, f->shift);
    else if (how == MULTI)
        value = _mm512_multishift_epi64_epi8(f->shift, value);
    else
        value = _mm512_shrdv_epi32(
            value, _mm512_permutexvar_epi8(_mm512_add_epi8(bytes, f->four), x), f->shift);
    return _mm512_and_si512(value, f->mask);
}

/* How a 32-bit lane gets its value. */
BP_INLINE int bp_avx512_how(unsigned bits) {
    if (bits <= 4)
        return BROADCAST;
    return bits == 27 || (bits >= 29 && bits <= 31) ? FUNNEL : SHIFTED;
}

/* How many registers of 32-bit lanes one load of 64 bytes serves. */
BP_INLINE unsigned bp_avx512_shares(unsigned bits) {
    return bits <= 8 ? 4 : bits <= 16 ? 2 : 1;
}

enum { TURN = 4 }; /* registers a turn of a main loop */

/* TURN registers from the payload of which `left` bytes are left; all of them if `whole`. */
AVX512_INLINE void bp_avx512_unpack_turn(const uint8_t *at, size_t left, int whole,
                                         const bp_avx512_field *f, int how, unsigned shares,
                                         __m512i values[TURN]) {
    __m512i x = _mm512_setzero_si512(), bytes = f->bytes;

    for (unsigned j = 0; j < TURN; j++) {
        const size_t from = j * f->step;
        if (how == BROADCAST) {
            values[j] = bp_avx512_from_word(at + from, bp_after(left, from), whole, f);
            continue;
        }
        if (j % shares == 0) {
            x = whole ? load512(at + from) : load_some(at + from, bp_after(left, from));
            bytes = f->bytes;
        }
        values[j] = bp_avx512_from(x, bytes, f, how);
        bytes = _mm512_add_epi8(bytes, f->next);
    }
}

/* How many of `turns` whole turns read nothing beyond `bytes`. */
BP_INLINE size_t bp_avx512_whole_turns(size_t bytes, const bp_avx512_field *f, int how,
                                       unsigned shares, size_t turns) {
    const size_t last = how == BROADCAST ? 3 * f->step + 8 : (TURN - shares) * f->step + 64;

    return bp_in_place(bytes, TURN * f->step, last, turns);
}

/* The largest of 16 unsigned lanes. */
AVX512_INLINE uint32_t bp_avx512_largest(__m512i x) {
    __m256i y = _mm256_max_epu32(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    __m128i z = _mm_max_epu32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));

    z = _mm_max_epu32(z, _mm_shuffle_epi32(z, 0x4E));
    z = _mm_max_epu32(z, _mm_shuffle_epi32(z, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(z);
}

/* ---- joining symbols to packed bytes, for plain values and fused kernels ---- */

/* What brings quadwords of `width` used bits each, in two halves, to contiguous bytes. */
typedef struct {
    __m512i lift, turn;     /* halves together, then to their place in a byte */
    __m512i front, shared;  /* bytes in order; first bytes that meet a last one */
    __mmask64 meet;
} bp_avx512_joint;

/* `order` says where the stream's bytes lie if all are used, `place` which quadword of the stream a
 * quadword holds. */
AVX512_INLINE bp_avx512_joint bp_avx512_joint_for(unsigned width, __m512i order, __m512i place) {
    const __m512i seven = _mm512_set1_epi64(7), all = _mm512_set1_epi64(width);
    const __m512i here = _mm512_and_si512(_mm512_mul_epu32(place, all), seven);
    const __m512i index = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    const __m512i start = _mm512_and_si512(_mm512_mul_epu32(index, all), seven);
    const __m512i end = bp_spread_bytes(_mm512_add_epi64(start, all));
    const __m512i at = _mm512_set1_epi64(0x3830282018100800), one = _mm512_set1_epi8(8);
    const __mmask64 used = _mm512_cmplt_epu8_mask(at, end);
    const __mmask64 full = _mm512_cmple_epu8_mask(_mm512_add_epi8(at, one), end);
    const __mmask64 mixed = _mm512_test_epi8_mask(start, start); /* first bytes alone are not 0 */
    const __m512i none = _mm512_set1_epi8(-128);
    const __m512i after = bp_spread_bytes(_mm512_alignr_epi64(order, order, 1));
    const __m512i meets = _mm512_mask_mov_epi8(none, used & ~full, after);
    bp_avx512_joint k;

    k.lift = _mm512_set1_epi64(32 - width / 2);
    k.turn = _mm512_sub_epi64(k.lift, here);
    k.front = _mm512_maskz_compress_epi8(used & ~mixed, order);
    k.shared = _mm512_mask_compress_epi8(none, used & ~mixed, meets);
    k.meet = ~_mm512_movepi8_mask(k.shared);
    return k;
}

AVX512_INLINE __m512i bp_avx512_joined(__m512i x, const bp_avx512_joint *k, int meeting) {
    x = _mm512_rorv_epi64(_mm512_sllv_epi32(x, k->lift), k->turn);
    if (!meeting)
        return _mm512_permutexvar_epi8(k->front, x);
    return _mm512_or_si512(_mm512_permutexvar_epi8(k->front, x),
                           _mm512_maskz_permutexvar_epi8(k->meet, k->shared, x));
}

/* Byte number `byte` of each 32-bit lane of four registers, in order: they share one index. */
AVX512_INLINE __m512i bp_avx512_bytes_of(const __m512i x[TURN], unsigned byte) {
    const __m512i index = _mm512_add_epi8(
        _mm512_set4_epi32(0x3C383430, 0x2C282420, 0x1C181410, 0x0C080400),
        _mm512_set1_epi8((char)byte));
    __m512i all = _mm512_permutexvar_epi8(index, x[0]);

    all = _mm512_mask_permutexvar_epi8(all, UINT64_C(0xFFFF) << 16, index, x[1]);
    all = _mm512_mask_permutexvar_epi8(all, UINT64_C(0xFFFF) << 32, index, x[2]);
    return _mm512_mask_permutexvar_epi8(all, UINT64_C(0xFFFF) << 48, index, x[3]);
}

/* What packs 64 bytes of up to 7 bits; those of 8 are only put in order. */
typedef struct {
    __m512i join8, join16;
    bp_avx512_joint joint;
} bp_avx512_narrow;

/* Constants that the compiler folds: four values are a number of whole bytes (EVEN), or not, or they
 * fill their lanes. */
enum { EVEN, ODD, WHOLE };

AVX512_INLINE bp_avx512_narrow bp_avx512_packer_for(unsigned bits, __m512i order, int how) {
    bp_avx512_narrow k;

    k.join8 = _mm512_set1_epi16((short)(1 | 1 << (8 + bits % 8)));
    k.join16 = _mm512_set1_epi32((int)(1u | 1u << (16 + 2 * (bits % 8))));
    if (how == ODD) {
        k.joint = bp_avx512_joint_for(8 * bits, order, _mm512_setzero_si512());
        return k;
    }
    k.joint.lift = k.joint.turn = k.joint.shared = _mm512_setzero_si512();
    k.joint.meet = 0;
    k.joint.front = _mm512_maskz_compress_epi8(
        UINT64_C(0x1111111111111111) * bp_low_mask(bits / 2), order);
    return k;
}

AVX512_INLINE __m512i bp_avx512_pack_bytes(__m512i x, const bp_avx512_narrow *k, int how) {
    if (how == WHOLE)
        return _mm512_permutexvar_epi8(k->joint.front, x);
    /* The factors are the unsigned operand: 2^7 is one, and values below 2^7 are signed as well. */
    x = _mm512_madd_epi16(_mm512_maddubs_epi16(k->join8, x), k->join16);
    return how == EVEN ? _mm512_permutexvar_epi8(k->joint.front, x)
                       : bp_avx512_joined(x, &k->joint, 0);
}

/* ---- random numbers ---- */

AVX512_INLINE __m512i bp_avx512_xor3(__m512i a, __m512i b, __m512i c) {
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

/* What the counter of the stream `fast` grows by in 2^power words. */
AVX512_INLINE __m512i bp_avx512_step(__m512i b, unsigned power) {
    return _mm512_slli_epi32(_mm512_or_si512(b, _mm512_set1_epi32(1)), power);
}

/* What the words of a group of the stream `fast` are mixed from. */
AVX512_INLINE __m512i bp_avx512_counter(const uint32_t key[2], uint32_t first) {
    const __m512i lanes =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    return _mm512_add_epi32(_mm512_set1_epi32((int)(first * (key[1] | 1) + key[0])),
                            _mm512_mullo_epi32(lanes, _mm512_set1_epi32((int)(key[1] | 1))));
}

AVX512_INLINE __m512i bp_avx512_mixed(__m512i x, __m512i b) {
    x = _mm512_xor_si512(x, _mm512_srli_epi32(x, 16));
    x = _mm512_xor_si512(_mm512_mullo_epi32(x, _mm512_set1_epi32(0x7FEB352D)), b);
    x = _mm512_xor_si512(x, _mm512_srli_epi32(x, 15));
    x = _mm512_mullo_epi32(x, _mm512_set1_epi32((int)0x846CA68Bu));
    return _mm512_xor_si512(x, _mm512_srli_epi32(x, 16));
}

#endif
#endif
