/* The AVX-512 packing kernels: one inline loop for all widths of a kind, its constants in registers.
 *
 * Unpacking makes a register a step: a byte permutation brings each lane's bytes to it, a shift and
 * a mask do the rest. Packing joins neighbouring lanes, by multiply-add where they are narrow, by a
 * left shift of the lower and a rotation of both where they are wide, until a byte permutation can
 * close the gaps. Ends are loaded and stored under a mask.
 */
#include "avx512.h"

#if BP_X86

/* ---- pack ---- */

/* Values in registers: the first `left` values of `size` bytes, or whole ones. */
AVX512_INLINE __m512i values_at(const uint8_t *at, size_t left, unsigned size, int whole,
                                unsigned number, __m512i *seen) {
    const size_t from = 64 * number;
    const __m512i x = whole ? load512(at + from) : load_some(at + from, bp_after(left * size, from));

    *seen = _mm512_or_si512(*seen, x);
    return x;
}

/* Bytes of a stream whose quadwords alternate between two halves of it. */
AVX512_INLINE __m512i alternating(void) {
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), bp_iota());
}

/* Where 64 values lie after narrow_values(): in order, or as the packing instructions leave them. */
AVX512_INLINE __m512i narrow_order(unsigned size, int how) {
    if (size == 2)
        return alternating();
    if (size == 4 && how != ODD)
        return _mm512_permutexvar_epi32(
            _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), bp_iota());
    return bp_iota();
}

AVX512_INLINE __m512i narrow_values(const uint8_t *at, size_t left, unsigned size, int how,
                                    int whole, __m512i *seen) {
    __m512i x[TURN];

    for (unsigned j = 0; j < size; j++)
        x[j] = values_at(at, left, size, whole, j, seen);
    if (size == 1)
        return x[0];
    if (size == 2)
        return _mm512_packus_epi16(x[0], x[1]);
    if (how == ODD)
        return bp_avx512_bytes_of(x, 0);
    return _mm512_packus_epi16(_mm512_packus_epi32(x[0], x[1]), _mm512_packus_epi32(x[2], x[3]));
}

typedef bp_avx512_narrow narrow;

AVX512_INLINE narrow narrow_for(unsigned bits, unsigned size, int how) {
    return bp_avx512_packer_for(bits, narrow_order(size, how), how);
}

/* Packs 64 values of up to 8 bits; stores 32 bytes if `half`, else 64, or what there is. */
AVX512_INLINE void narrow_group(const uint8_t *at, size_t left, unsigned size, int how, int half,
                                int whole, const narrow *k, __m512i *seen, uint8_t *out,
                                size_t bytes) {
    const __m512i x =
        bp_avx512_pack_bytes(narrow_values(at, left, size, how, whole, seen), k, how);

    if (!whole)
        store_some(out, x, bytes);
    else if (half)
        _mm256_storeu_si256((__m256i *)out, _mm512_castsi512_si256(x));
    else
        store512(out, x);
}

/* What packs 32 values of 9 to 15 bits; those of 16 are only put in order. */
typedef struct {
    __m512i join;
    bp_avx512_joint joint;
} middle;

AVX512_INLINE middle middle_for(unsigned bits, unsigned size, int how) {
    const __m512i straight = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    middle k;

    (void)how;
    k.join = _mm512_set1_epi32((int)(1u | 1u << (16 + bits % 16)));
    if (bits == 15) /* -2^15 is the one power that 16 signed bits hold; the sum is then negative */
        k.join = _mm512_set1_epi32((int)(0xFFFFu | 0x8000u << 16));
    k.joint = size == 2 ? bp_avx512_joint_for(4 * bits, bp_iota(), straight)
                        : bp_avx512_joint_for(4 * bits, alternating(),
                                              _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7));
    return k;
}

AVX512_INLINE void middle_group(const uint8_t *at, size_t left, unsigned size, int how, int full,
                                int whole, const middle *k, __m512i *seen, uint8_t *out,
                                size_t bytes) {
    __m512i x = values_at(at, left, size, whole, 0, seen);

    if (size == 4)
        x = _mm512_packus_epi32(x, values_at(at, left, size, whole, 1, seen));
    if (how != WHOLE)
        x = _mm512_madd_epi16(x, k->join);
    if (full) /* 15 bits */
        x = _mm512_abs_epi32(x);
    x = how == WHOLE ? _mm512_permutexvar_epi8(k->joint.front, x)
                     : bp_avx512_joined(x, &k->joint, how == ODD);
    if (whole)
        store512(out, x);
    else
        store_some(out, x, bytes);
}

/* What packs 16 values of 17 bits and more. From 29 bits on two pairs of values reach into each
 * quadword of the stream, and bytes need not be moved; below, pairs are moved as bytes. */
typedef struct {
    __m512i lift, drop, down, up;
    bp_avx512_joint joint;
} broad;

AVX512_INLINE broad broad_for(unsigned bits, unsigned size, int how) {
    const __m512i index = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    broad k;

    (void)size, (void)how;
    k.joint = bp_avx512_joint_for(2 * bits, bp_iota(), index);
    k.lift = k.joint.lift;
    k.drop = _mm512_set1_epi64(32 - bits);
    k.down = _mm512_mul_epu32(index, _mm512_set1_epi64(64 - 2 * bits));
    k.up = _mm512_sub_epi64(_mm512_set1_epi64(2 * bits), k.down);
    return k;
}

AVX512_INLINE void broad_group(const uint8_t *at, size_t left, unsigned size, int how, int full,
                               int whole, const broad *k, __m512i *seen, uint8_t *out,
                               size_t bytes) {
    __m512i x = values_at(at, left, size, whole, 0, seen);

    (void)how;
    if (full) { /* 29 bits and more */
        x = _mm512_srlv_epi64(_mm512_sllv_epi32(x, k->lift), k->drop);
        x = _mm512_or_si512(
            _mm512_srlv_epi64(x, k->down),
            _mm512_sllv_epi64(_mm512_alignr_epi64(_mm512_setzero_si512(), x, 1), k->up));
    } else {
        x = bp_avx512_joined(x, &k->joint, 1);
    }
    if (whole)
        store512(out, x);
    else
        store_some(out, x, bytes);
}

/* Non-zero if a lane of `size` bytes in `seen` has a bit from `bits` on. */
AVX512_INLINE uint64_t beyond(__m512i seen, unsigned size, unsigned bits) {
    const uint64_t lane = size == 1   ? UINT64_C(0x0101010101010101)
                          : size == 2 ? UINT64_C(0x0001000100010001)
                                      : UINT64_C(0x0000000100000001);
    const uint64_t used = lane * bp_low_mask(bits);

    return _mm512_test_epi64_mask(seen, _mm512_set1_epi64((long long)~used));
}

/* Packs whole groups of N values while their stores stay inside, the rest under masks. */
#define PACK_LOOP(NAME, KIND, N, GROUP_BYTES, REACH) \
    AVX512_INLINE uint64_t NAME(const uint8_t *values, size_t n, unsigned bits, uint8_t *out, \
                                unsigned size, int how, int special) { \
        const KIND k = KIND##_for(bits, size, how); \
        const size_t group = GROUP_BYTES; \
        const size_t direct = bp_in_place(bp_bytes(n, bits), group, REACH, n / N); \
        __m512i seen = _mm512_setzero_si512(); \
        for (size_t g = direct; g > 0; g--, values += N * size, out += group) \
            KIND##_group(values, N, size, how, special, 1, &k, &seen, out, group); \
        for (n -= direct * N; n > 0; n = bp_after(n, N), values += N * size, out += group) \
            KIND##_group(values, n, size, how, special, 0, &k, &seen, out, \
                         n < N ? bp_bytes(n, bits) : group); \
        return beyond(seen, size, bits); \
    }
PACK_LOOP(pack_narrow, narrow, 64, 8 * bits, special ? 32 : 64)
PACK_LOOP(pack_middle, middle, 32, 4 * bits, 64)
PACK_LOOP(pack_broad, broad, 16, 2 * bits, 64)

AVX512_INLINE uint64_t pack_any(const uint8_t *values, size_t n, unsigned bits, uint8_t *out,
                                unsigned size) {
    if (bits == 8)
        return pack_narrow(values, n, 8, out, size, WHOLE, 0);
    if (bits <= 4)
        return bits % 2 == 0 ? pack_narrow(values, n, bits, out, size, EVEN, 1)
                             : pack_narrow(values, n, bits, out, size, ODD, 1);
    return bits % 2 == 0 ? pack_narrow(values, n, bits, out, size, EVEN, 0)
                         : pack_narrow(values, n, bits, out, size, ODD, 0);
}

AVX512_INLINE uint64_t pack_more(const uint8_t *values, size_t n, unsigned bits, uint8_t *out,
                                 unsigned size) {
    if (bits == 16)
        return pack_middle(values, n, 16, out, size, WHOLE, 0);
    if (bits == 15)
        return pack_middle(values, n, 15, out, size, ODD, 1);
    return bits % 2 == 0 ? pack_middle(values, n, bits, out, size, EVEN, 0)
                         : pack_middle(values, n, bits, out, size, ODD, 0);
}

AVX512 uint64_t bp_avx512_pack_8(const void *values, size_t n, unsigned bits, uint8_t *out) {
    return pack_any(values, n, bits, out, 1);
}

AVX512 uint64_t bp_avx512_pack_16(const void *values, size_t n, unsigned bits, uint8_t *out) {
    return bits <= 8 ? pack_any(values, n, bits, out, 2) : pack_more(values, n, bits, out, 2);
}

AVX512 uint64_t bp_avx512_pack_32(const void *values, size_t n, unsigned bits, uint8_t *out) {
    if (bits <= 8)
        return pack_any(values, n, bits, out, 4);
    if (bits <= 16)
        return pack_more(values, n, bits, out, 4);
    return bits < 29 ? pack_broad(values, n, bits, out, 4, ODD, 0)
                     : pack_broad(values, n, bits, out, 4, ODD, 1);
}

/* ---- unpack ---- */

AVX512_INLINE void unpack_loop(const uint8_t *payload, size_t n, unsigned bits, uint8_t *out,
                               unsigned size, int how, unsigned shares) {
    const bp_avx512_field f =
        how == MULTI ? bp_avx512_narrow_for(bits, size) : bp_avx512_words_for(bits, how);
    const size_t lanes = 64 / size, step = TURN * f.step;
    const size_t direct = bp_avx512_whole_turns(bp_bytes(n, bits), &f, how, shares,
                                                n / (TURN * lanes));
    __m512i x[TURN];

    for (size_t g = direct; g > 0; g--, payload += step, out += TURN * 64) {
        bp_avx512_unpack_turn(payload, step, 1, &f, how, shares, x);
        for (size_t j = 0; j < TURN; j++)
            store512(out + 64 * j, x[j]);
    }
    for (n -= direct * TURN * lanes; n > 0; n = bp_after(n, TURN * lanes)) {
        bp_avx512_unpack_turn(payload, bp_bytes(n, bits), 0, &f, how, shares, x);
        for (size_t j = 0; j < TURN; j++)
            store_some(out + 64 * j, x[j], bp_after(n * size, 64 * j));
        payload += step, out += TURN * 64;
    }
}

AVX512 void bp_avx512_unpack_8(const uint8_t *payload, size_t n, unsigned bits, void *out) {
    unpack_loop(payload, n, bits, out, 1, MULTI, 1);
}

AVX512 void bp_avx512_unpack_16(const uint8_t *payload, size_t n, unsigned bits, void *out) {
    if (bits <= 8)
        unpack_loop(payload, n, bits, out, 2, MULTI, 2);
    else
        unpack_loop(payload, n, bits, out, 2, MULTI, 1);
}

AVX512 void bp_avx512_unpack_32(const uint8_t *payload, size_t n, unsigned bits, void *out) {
    const int how = bp_avx512_how(bits);

    if (how == BROADCAST)
        unpack_loop(payload, n, bits, out, 4, BROADCAST, 1);
    else if (how == FUNNEL)
        unpack_loop(payload, n, bits, out, 4, FUNNEL, 1);
    else if (bits <= 8)
        unpack_loop(payload, n, bits, out, 4, SHIFTED, 4);
    else if (bits <= 16)
        unpack_loop(payload, n, bits, out, 4, SHIFTED, 2);
    else
        unpack_loop(payload, n, bits, out, 4, SHIFTED, 1);
}

#endif
