/* The AVX2 packing kernels: one inline loop for all widths of a kind, its constants in registers.
 *
 * Unpacking: eight values of up to 16 bits lie within the 16 bytes from their first byte on, and
 * four of any width do. A byte shuffle brings each value's bytes into a 32-bit lane, a variable
 * shift and a mask do the rest. Packing runs the other way: neighbouring lanes are joined, by
 * multiply-add where they are narrow, by a left shift of the lower and a right shift of both where
 * they are wide, until a 128-bit lane's bits can be shuffled together and stored. Loads and stores
 * of whole registers reach beyond the group at hand, so the last groups go through a buffer.
 */
#include "avx2.h"
#include "avx2_narrow.h"

#if BP_X86
#include <string.h>

/* More than two reaches: what is left for the buffer is less than one, and a store adds one. */
enum { PACKED_ROOM = 128 };

/* Groups a turn of the main loop: one alone would wait for the loop's own bookkeeping. */
enum { STEPS = 4 };

/* Constants that the compiler folds: values fill their lanes, or take a sign bit on the way. */
enum { EVEN, ODD, WHOLE };

/* ---- pack ---- */

/* 32 values of `size` bytes each as bytes, in order; ORs what it read into `seen`. */
AVX2_INLINE __m256i narrowed(const uint8_t *values, unsigned size, __m256i *seen) {
    __m256i a = load256(values), b, c, d;

    if (size == 1) {
        *seen = _mm256_or_si256(*seen, a);
        return a;
    }
    b = load256(values + 32);
    if (size == 2) {
        *seen = _mm256_or_si256(*seen, _mm256_or_si256(a, b));
        return _mm256_permute4x64_epi64(_mm256_packus_epi16(a, b), 0xD8);
    }
    c = load256(values + 64), d = load256(values + 96);
    *seen = _mm256_or_si256(
        *seen, _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d)));
    return as_bytes(a, b, c, d);
}

/* 16 values of `size` bytes each as 16-bit lanes, in order. */
AVX2_INLINE __m256i halved(const uint8_t *values, unsigned size, __m256i *seen) {
    __m256i a, c;

    if (size == 2) {
        a = load256(values);
        *seen = _mm256_or_si256(*seen, a);
        return a;
    }
    a = paired(load128(values), load128(values + 32));
    c = paired(load128(values + 16), load128(values + 48));
    *seen = _mm256_or_si256(*seen, _mm256_or_si256(a, c));
    return _mm256_packus_epi32(a, c);
}

AVX2_INLINE void narrow_group(const uint8_t *values, unsigned size, int how, const narrow *k,
                              __m256i *seen, uint8_t *out) {
    const __m256i x = narrowed(values, size, seen);

    if (how == WHOLE)
        store256(out, x);
    else
        pack_bytes(x, k, out);
}

AVX2_INLINE void tiny_group(const uint8_t *values, unsigned size, int how, const tiny *k,
                            __m256i *seen, uint8_t *out) {
    const __m256i a = load256(values), b = load256(values + 32);
    const __m256i c = load256(values + 64), d = load256(values + 96);

    (void)size, (void)how;
    *seen = _mm256_or_si256(
        *seen, _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d)));
    pack_tiny_words(a, b, c, d, k, out);
}

/* What packs 16 values of 9 to 15 bits; those of 16 are only brought to 16 bits. */
typedef struct {
    __m256i join;
    __m128i up, down; /* shifts of the second four values against the first */
    unsigned bits;
} middle;

AVX2_INLINE middle middle_for(unsigned bits) {
    middle k;

    k.join = _mm256_set1_epi32((int)(1 | UINT64_C(1) << (16 + bits)));
    if (bits == 15) /* -2^15 is the one power that 16 signed bits hold; the sum is then negative */
        k.join = _mm256_set1_epi32((int)(0xFFFFu | 0x8000u << 16));
    k.up = _mm_set1_epi64x(4 * bits);
    k.down = _mm_set1_epi64x(64 - 4 * bits);
    k.bits = bits;
    return k;
}

/* Lanes of x hold values 0..3 and 8..11, then 4..7 and 12..15. */
AVX2_INLINE void pack_words(__m256i x, int how, const middle *k, uint8_t *out) {
    __m128i first, second, low, high;

    x = _mm256_madd_epi16(x, k->join);
    if (how == ODD)
        x = _mm256_abs_epi32(x);
    x = halves_joined(x, 2 * k->bits);
    first = _mm256_castsi256_si128(x), second = _mm256_extracti128_si256(x, 1);
    low = _mm_or_si128(first, _mm_sllv_epi64(second, k->up));
    high = _mm_srlv_epi64(second, k->down);
    _mm_storeu_si128((__m128i *)out, _mm_unpacklo_epi64(low, high));
    _mm_storeu_si128((__m128i *)(out + k->bits), _mm_unpackhi_epi64(low, high));
}

AVX2_INLINE void middle_group(const uint8_t *values, unsigned size, int how, const middle *k,
                              __m256i *seen, uint8_t *out) {
    __m256i a, b;

    if (how == WHOLE) {
        store256(out, halved(values, size, seen));
        return;
    }
    a = load256(values);
    if (size == 2) {
        *seen = _mm256_or_si256(*seen, a);
        a = _mm256_permute4x64_epi64(a, 0xD8);
    } else {
        b = load256(values + 32);
        *seen = _mm256_or_si256(*seen, _mm256_or_si256(a, b));
        a = _mm256_packus_epi32(a, b);
    }
    pack_words(a, how, k, out);
}

/* What packs 8 values of 17 to 30 bits. */
typedef struct {
    __m256i align, front, moved, shared;
    unsigned bits;
} broad;

AVX2_INLINE broad broad_for(unsigned bits) {
    const unsigned half = 4 * bits, at = half % 8; /* where in its byte the second half begins */
    const __m256i front = front_bytes((2 * bits + 7) / 8), low = moved_bytes(2 * bits / 8);
    const __m256i behind = front_bytes((at + 2 * bits + 7) / 8);
    const __m256i high = moved_bytes((at + 2 * bits) / 8);
    broad k;

    k.align = _mm256_setr_epi64x(0, 2 * bits % 8, at, (at + 2 * bits) % 8);
    k.front = _mm256_blend_epi32(front, behind, 0xF0);
    k.moved = _mm256_blend_epi32(low, high, 0xF0);
    /* The byte that both halves share if `bits` is odd. */
    k.shared = _mm256_set1_epi8(-1);
    k.shared = _mm256_insert_epi8(k.shared, (char)(half / 8), 16);
    k.bits = bits;
    return k;
}

AVX2_INLINE void pack_longs(__m256i x, const broad *k, uint8_t *out) {
    __m256i other;

    x = _mm256_sllv_epi64(halves_joined(x, k->bits), k->align);
    x = _mm256_or_si256(_mm256_shuffle_epi8(x, k->front), _mm256_shuffle_epi8(x, k->moved));
    other = _mm256_permute2x128_si256(x, x, 0x08);
    x = _mm256_or_si256(x, _mm256_shuffle_epi8(other, k->shared));
    store_lanes(out, x, k->bits / 2);
}

AVX2_INLINE void broad_group(const uint8_t *values, unsigned size, int how, const broad *k,
                             __m256i *seen, uint8_t *out) {
    const __m256i x = load256(values);

    (void)size, (void)how;
    *seen = _mm256_or_si256(*seen, x);
    pack_longs(x, k, out);
}

/* Non-zero if a lane of `size` bytes in `seen` has a bit from `bits` on. */
AVX2_INLINE uint64_t beyond(__m256i seen, unsigned size, unsigned bits) {
    const uint64_t lane = size == 1 ? 0x0101010101010101 : size == 2 ? 0x0001000100010001
                                                                   : 0x0000000100000001;
    const uint64_t used = lane * bp_low_mask(bits);

    return !_mm256_testc_si256(_mm256_set1_epi64x((long long)used), seen);
}

/* Copies n values and clears what follows, up to `room` values. */
AVX2_INLINE void copy_rest(uint8_t *plain, const uint8_t *values, size_t n, unsigned size,
                           size_t room) {
    if (size != 4) {
        memset(plain, 0, room * size);
        memcpy(plain, values, n * size);
        return;
    }
    for (size_t i = 0; i < room; i += 8) {
        const __m256i here = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n - (int)i),
                                                _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
        store256(plain + 4 * i, _mm256_maskload_epi32((const int *)(values + 4 * i), here));
    }
}

/* Packs whole groups in place while their stores stay inside, the rest through a buffer. */
#define PACK_LOOP(NAME, KIND, N, GROUP_BYTES, REACH) \
    AVX2_INLINE uint64_t NAME(const uint8_t *values, size_t n, unsigned bits, uint8_t *out, \
                              unsigned size, int how) { \
        const KIND k = KIND##_for(bits); \
        const size_t direct = bp_in_place(bp_bytes(n, bits), GROUP_BYTES, REACH, n / N); \
        uint8_t plain[4 * N], packed[PACKED_ROOM], *end = packed; \
        __m256i seen = _mm256_setzero_si256(); \
        for (size_t g = direct / STEPS; g > 0; g--) { \
            for (size_t j = 0; j < STEPS; j++) \
                KIND##_group(values + N * size * j, size, how, &k, &seen, out + (GROUP_BYTES) * j); \
            values += N * size * STEPS, out += (GROUP_BYTES) * STEPS; \
        } \
        for (size_t g = direct % STEPS; g > 0; g--, values += N * size, out += GROUP_BYTES) \
            KIND##_group(values, size, how, &k, &seen, out); \
        for (n -= direct * N; n >= N; n -= N, values += N * size, end += GROUP_BYTES) \
            KIND##_group(values, size, how, &k, &seen, end); \
        if (n > 0) { \
            copy_rest(plain, values, n, size, N); \
            KIND##_group(plain, size, how, &k, &seen, end); \
        } \
        memcpy(out, packed, (size_t)(end - packed) + bp_bytes(n, bits)); \
        return beyond(seen, size, bits); \
    }
PACK_LOOP(pack_narrow, narrow, 32, 4 * bits, 2 * bits + 16)
PACK_LOOP(pack_tiny, tiny, 32, 4 * bits, 16)
PACK_LOOP(pack_middle, middle, 16, 2 * bits, bits + 16)
PACK_LOOP(pack_broad, broad, 8, bits, bits / 2 + 16)

AVX2_INLINE uint64_t pack_any(const uint8_t *values, size_t n, unsigned bits, uint8_t *out,
                              unsigned size) {
    if (bits <= 4 && size == 4)
        return pack_tiny(values, n, bits, out, size, EVEN);
    if (bits < 8)
        return pack_narrow(values, n, bits, out, size, EVEN);
    if (bits == 8)
        return pack_narrow(values, n, 8, out, size, WHOLE);
    if (bits == 16)
        return pack_middle(values, n, 16, out, size, WHOLE);
    return bits < 15 ? pack_middle(values, n, bits, out, size, EVEN)
                     : pack_middle(values, n, bits, out, size, ODD);
}

AVX2 uint64_t bp_avx2_pack_8(const void *values, size_t n, unsigned bits, uint8_t *out) {
    return bits < 8 ? pack_narrow(values, n, bits, out, 1, EVEN)
                    : pack_narrow(values, n, 8, out, 1, WHOLE);
}

AVX2 uint64_t bp_avx2_pack_16(const void *values, size_t n, unsigned bits, uint8_t *out) {
    return pack_any(values, n, bits, out, 2);
}

AVX2 uint64_t bp_avx2_pack_32(const void *values, size_t n, unsigned bits, uint8_t *out) {
    if (bits <= 16)
        return pack_any(values, n, bits, out, 4);
    /* Two values of 31 bits, shifted to their place in a byte, overflow a quadword. */
    return bits <= 30 ? pack_broad(values, n, bits, out, 4, EVEN)
                      : bp_portable_pack_32(values, n, bits, out);
}

/* ---- unpack ---- */

/* Eight values to `out` as plain ones of `size` bytes. */
AVX2_INLINE void spread(__m256i x, unsigned size, uint8_t *out) {
    __m128i half;

    if (size == 4) {
        store256(out, x);
        return;
    }
    half = _mm_packus_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    if (size == 2)
        _mm_storeu_si128((__m128i *)out, half);
    else
        _mm_storel_epi64((__m128i *)out, _mm_packus_epi16(half, half));
}

/* Four times eight values; narrow ones share stores. */
AVX2_INLINE void spread_all(const __m256i x[STEPS], unsigned size, uint8_t *out) {
    if (size == 4) {
        for (size_t j = 0; j < STEPS; j++)
            store256(out + 32 * j, x[j]);
    } else if (size == 2) {
        store256(out, _mm256_permute4x64_epi64(_mm256_packus_epi32(x[0], x[1]), 0xD8));
        store256(out + 32, _mm256_permute4x64_epi64(_mm256_packus_epi32(x[2], x[3]), 0xD8));
    } else {
        store256(out, as_bytes(x[0], x[1], x[2], x[3]));
    }
}

AVX2_INLINE void unpack_loop(const uint8_t *payload, size_t n, unsigned bits, uint8_t *out,
                             unsigned size) {
    const bp_avx2_field field = bp_avx2_field_for(bits);
    const size_t bytes = bp_bytes(n, bits);
    const size_t direct = bp_in_place(bytes, bits, bp_avx2_reach(bits), n / 8);
    uint8_t packed[PACKED_ROOM] = {0}, plain[32];
    const uint8_t *at = packed;
    __m256i x[STEPS];

    for (size_t g = direct / STEPS; g > 0; g--, payload += STEPS * bits, out += STEPS * 8 * size) {
        for (size_t j = 0; j < STEPS; j++)
            x[j] = bp_avx2_unpack8(payload + j * bits, bits, &field);
        spread_all(x, size, out);
    }
    for (size_t g = direct % STEPS; g > 0; g--, payload += bits, out += 8 * size)
        spread(bp_avx2_unpack8(payload, bits, &field), size, out);
    memcpy(packed, payload, bytes - direct * bits);
    for (n -= 8 * direct; n >= 8; n -= 8, at += bits, out += 8 * size)
        spread(bp_avx2_unpack8(at, bits, &field), size, out);
    spread(bp_avx2_unpack8(at, bits, &field), size, plain);
    memcpy(out, plain, n * size);
}

AVX2 void bp_avx2_unpack_8(const uint8_t *payload, size_t n, unsigned bits, void *out) {
    unpack_loop(payload, n, bits, out, 1);
}

AVX2 void bp_avx2_unpack_16(const uint8_t *payload, size_t n, unsigned bits, void *out) {
    unpack_loop(payload, n, bits, out, 2);
}

AVX2 void bp_avx2_unpack_32(const uint8_t *payload, size_t n, unsigned bits, void *out) {
    if (bits <= 16)
        unpack_loop(payload, n, bits, out, 4);
    else
        unpack_loop(payload, n, bits, out, 4);
}

#endif
