/* The portable packing kernels.
 *
 * Eight values of b bits are b whole bytes, whatever b is. So these kernels work in groups of eight:
 * they treat 64-bit words as lanes of plain values, close the gaps between the lanes by shifts (or
 * open them), and move a group's b bytes as whole words. Every kernel is the same inline code with
 * the itemsize and the width as constants, so no shift, mask or branch is left to decide when it
 * runs.
 */
#include "bitpack.h"

#include <string.h>

#include "portable.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BP_BIG_ENDIAN 1
#else
#define BP_BIG_ENDIAN 0
#endif

enum { GROUP = 8, GROUP_PLAIN_BYTES = 32, GROUP_MAX_REACH = 32 };

/* ---- words: 64-bit views of the stream and of the plain values ---- */

/* The lowest `bits` bits; bits in 0..64. */
BP_INLINE uint64_t low_mask(unsigned bits) {
    return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

/* The lowest `bits` bits of every lane of a word; bits <= lane, a power of two up to 64. */
BP_INLINE uint64_t lane_mask(unsigned bits, unsigned lane) {
    return UINT64_MAX / low_mask(lane) * low_mask(bits);
}

/* Swaps a word's bytes where the machine is big-endian, so that memory is always little-endian. */
BP_INLINE uint64_t little_endian(uint64_t word) {
    if (BP_BIG_ENDIAN) {
        word = (word & lane_mask(8, 16)) << 8 | (word >> 8 & lane_mask(8, 16));
        word = (word & lane_mask(16, 32)) << 16 | (word >> 16 & lane_mask(16, 32));
        word = word << 32 | word >> 32;
    }
    return word;
}

/* Reverses a word's lanes where the machine is big-endian, so that value 0 is the lowest lane. */
BP_INLINE uint64_t lanes_in_order(uint64_t word, unsigned lane) {
    if (BP_BIG_ENDIAN) {
        if (lane == 8)
            word = (word & lane_mask(8, 16)) << 8 | (word >> 8 & lane_mask(8, 16));
        if (lane <= 16)
            word = (word & lane_mask(16, 32)) << 16 | (word >> 16 & lane_mask(16, 32));
        word = word << 32 | word >> 32;
    }
    return word;
}

BP_INLINE uint64_t load_word(const uint8_t *stream) {
    uint64_t word;
    memcpy(&word, stream, sizeof word);
    return little_endian(word);
}

BP_INLINE void store_word(uint8_t *stream, uint64_t word) {
    word = little_endian(word);
    memcpy(stream, &word, sizeof word);
}

BP_INLINE uint64_t load_lanes(const uint8_t *values, unsigned lane) {
    uint64_t word;
    memcpy(&word, values, sizeof word);
    return lanes_in_order(word, lane);
}

BP_INLINE void store_lanes(uint8_t *values, unsigned lane, uint64_t word) {
    word = lanes_in_order(word, lane);
    memcpy(values, &word, sizeof word);
}

/* ---- lanes: closing and opening the gaps between values ---- */

/* Joins each two neighbouring lanes of `bits` used bits into one of twice the size and 2 * bits
 * used bits. Undefined content, but nothing worse, if other bits are set. */
BP_INLINE uint64_t join_lanes(uint64_t word, unsigned lane, unsigned bits) {
    const uint64_t even = lane_mask(bits, 2 * lane);

    if (2 * bits <= lane)
        return (word | word >> (lane - bits)) & lane_mask(2 * bits, 2 * lane);
    return (word & even) | (word >> (lane - bits) & even << bits);
}

/* Inverts join_lanes(); ignores bits beyond the 2 * bits used ones. */
BP_INLINE uint64_t split_lanes(uint64_t word, unsigned lane, unsigned bits) {
    const uint64_t even = lane_mask(bits, 2 * lane);

    return (word & even) | (word << (lane - bits) & even << lane);
}

/* Closes all gaps in a word of 64 / lane values. */
BP_INLINE uint64_t close_gaps(uint64_t word, unsigned lane, unsigned bits) {
    if (lane == 8)
        word = join_lanes(word, 8, bits);
    if (lane <= 16)
        word = join_lanes(word, 16, lane == 8 ? 2 * bits : bits);
    return join_lanes(word, 32, 32 / lane * bits);
}

/* Inverts close_gaps(); ignores the bits above the values. */
BP_INLINE uint64_t open_gaps(uint64_t word, unsigned lane, unsigned bits) {
    word = split_lanes(word, 32, 32 / lane * bits);
    if (lane <= 16)
        word = split_lanes(word, 16, lane == 8 ? 2 * bits : bits);
    if (lane == 8)
        word = split_lanes(word, 8, bits);
    return word;
}

/* How many words of plain values share one join: as many as leave the even values of all of them
 * room in a 32-bit lane, with the lane's top `bits` bits free. */
BP_INLINE unsigned words_per_join(unsigned lane, unsigned bits) {
    if (lane != 32)
        return 1;
    return bits <= 4 ? 4 : bits <= 8 ? 2 : 1;
}

/* ---- chunks: what one join yields, of chunk_bits() packed bits; a group has up to four ---- */

BP_INLINE unsigned chunk_bits(unsigned lane, unsigned bits) {
    return words_per_join(lane, bits) * (64 / lane) * bits;
}

/* Chunk number c of the group at `values`, zero if the group has fewer; ORs the values it read, as
 * lanes, into `seen`. */
BP_INLINE uint64_t pack_chunk(const uint8_t *values, unsigned lane, unsigned bits, unsigned c,
                              uint64_t *seen) {
    const unsigned joined = words_per_join(lane, bits);
    uint64_t chunk = 0;

    if (c >= lane / 8 / joined)
        return 0;
    for (unsigned j = 0; j < joined; j++) {
        const uint64_t word = load_lanes(values + 8 * (c * joined + j), lane);
        *seen |= word;
        chunk |= word << j * (64 / lane) * bits;
    }
    if (joined == 1)
        return close_gaps(chunk, lane, bits);
    return (chunk | chunk >> (lane - bits)) & low_mask(chunk_bits(lane, bits));
}

/* Writes chunk number c, the low chunk_bits() bits, as plain values of the group at `out`; nothing
 * if the group has fewer chunks. */
BP_INLINE void unpack_chunk(uint64_t chunk, unsigned lane, unsigned bits, unsigned c,
                            uint8_t *out) {
    const unsigned joined = words_per_join(lane, bits);

    if (c >= lane / 8 / joined)
        return;
    if (joined == 1) {
        store_lanes(out + 8 * c, lane, open_gaps(chunk, lane, bits));
        return;
    }
    chunk &= low_mask(chunk_bits(lane, bits));
    chunk |= chunk << (lane - bits);
    for (unsigned j = 0; j < joined; j++)
        store_lanes(out + 8 * (c * joined + j), lane,
                    chunk >> j * (64 / lane) * bits & lane_mask(bits, lane));
}

/* ---- groups: eight values, `bits` bytes, moved as whole words ---- */

/* The bytes that a group touches, `bits` rounded up to whole words. */
BP_INLINE size_t group_reach(unsigned bits) {
    return 8 * (size_t)((bits + 7) / 8);
}

/* `word` times 2^by, without the bits that leave the word. */
BP_INLINE uint64_t shifted(uint64_t word, int by) {
    if (by <= -64 || by >= 64)
        return 0;
    return by < 0 ? word >> -by : word << by;
}

/* Packs eight values into group_reach(bits) bytes, zero above bit 8 * bits. */
BP_INLINE void pack_group(const uint8_t *values, unsigned lane, unsigned bits, uint8_t *out,
                          uint64_t *seen) {
    const int step = (int)chunk_bits(lane, bits);
    const uint64_t a = pack_chunk(values, lane, bits, 0, seen);
    const uint64_t b = pack_chunk(values, lane, bits, 1, seen);
    const uint64_t c = pack_chunk(values, lane, bits, 2, seen);
    const uint64_t d = pack_chunk(values, lane, bits, 3, seen);

    for (int w = 0; w < (int)group_reach(bits) / 8; w++)
        store_word(out + 8 * w, shifted(a, -64 * w) | shifted(b, step - 64 * w) |
                                    shifted(c, 2 * step - 64 * w) | shifted(d, 3 * step - 64 * w));
}

/* Chunk number c of the group at `payload`, with whatever follows it above chunk_bits(); zero if
 * the group has fewer chunks. Reads whole words. */
BP_INLINE uint64_t load_chunk(const uint8_t *payload, unsigned lane, unsigned bits, unsigned c) {
    const unsigned place = c * chunk_bits(lane, bits), shift = place % 64;
    const uint8_t *at = payload + place / 64 * 8;

    if (place >= GROUP * bits)
        return 0;
    if (shift + chunk_bits(lane, bits) <= 64)
        return load_word(at) >> shift;
    return load_word(at) >> shift | load_word(at + 8) << (64 - shift);
}

/* Unpacks eight values from group_reach(bits) bytes. */
BP_INLINE void unpack_group(const uint8_t *payload, unsigned lane, unsigned bits, uint8_t *out) {
    unpack_chunk(load_chunk(payload, lane, bits, 0), lane, bits, 0, out);
    unpack_chunk(load_chunk(payload, lane, bits, 1), lane, bits, 1, out);
    unpack_chunk(load_chunk(payload, lane, bits, 2), lane, bits, 2, out);
    unpack_chunk(load_chunk(payload, lane, bits, 3), lane, bits, 3, out);
}

/* ---- kernels: groups in place while their reach stays inside, the rest through a buffer ----
 *
 * What is left then has fewer bytes than one reach, so a buffer of two reaches holds it, however
 * far its last group reaches. */

/* How many leading groups reach no byte beyond bp_bytes(n, bits). */
BP_INLINE size_t groups_in_place(size_t n, unsigned bits) {
    const size_t bytes = bp_bytes(n, bits), groups = n / GROUP;
    const size_t fit = bytes < group_reach(bits) ? 0 : (bytes - group_reach(bits)) / bits + 1;

    return fit < groups ? fit : groups;
}

BP_INLINE uint64_t pack_kernel(const uint8_t *values, size_t n, uint8_t *out, unsigned lane,
                               unsigned bits) {
    const size_t in_place = groups_in_place(n, bits);
    const size_t left = n - GROUP * in_place;
    uint8_t plain[GROUP_PLAIN_BYTES] = {0}, packed[2 * GROUP_MAX_REACH], *end = packed;
    uint64_t seen = 0;

    for (size_t g = 0; g < in_place; g++, values += lane, out += bits)
        pack_group(values, lane, bits, out, &seen);
    for (size_t g = 0; g < left / GROUP; g++, values += lane, end += bits)
        pack_group(values, lane, bits, end, &seen);
    memcpy(plain, values, left % GROUP * (lane / 8));
    pack_group(plain, lane, bits, end, &seen);
    memcpy(out, packed, bp_bytes(left, bits));
    return seen & ~lane_mask(bits, lane);
}

BP_INLINE void unpack_kernel(const uint8_t *payload, size_t n, uint8_t *out, unsigned lane,
                             unsigned bits) {
    const size_t in_place = groups_in_place(n, bits);
    const size_t left = n - GROUP * in_place;
    uint8_t plain[GROUP_PLAIN_BYTES], packed[2 * GROUP_MAX_REACH] = {0}, *end = packed;

    for (size_t g = 0; g < in_place; g++, payload += bits, out += lane)
        unpack_group(payload, lane, bits, out);
    memcpy(packed, payload, bp_bytes(left, bits));
    for (size_t g = 0; g < left / GROUP; g++, end += bits, out += lane)
        unpack_group(end, lane, bits, out);
    unpack_group(end, lane, bits, plain);
    memcpy(out, plain, left % GROUP * (lane / 8));
}

#define WIDTHS_1_TO_8(M, L) M(L, 1) M(L, 2) M(L, 3) M(L, 4) M(L, 5) M(L, 6) M(L, 7) M(L, 8)
#define WIDTHS_9_TO_16(M, L) \
    M(L, 9) M(L, 10) M(L, 11) M(L, 12) M(L, 13) M(L, 14) M(L, 15) M(L, 16)
#define WIDTHS_17_TO_32(M, L) \
    M(L, 17) M(L, 18) M(L, 19) M(L, 20) M(L, 21) M(L, 22) M(L, 23) M(L, 24) \
    M(L, 25) M(L, 26) M(L, 27) M(L, 28) M(L, 29) M(L, 30) M(L, 31) M(L, 32)
#define WIDTHS_OF_8(M) WIDTHS_1_TO_8(M, 8)
#define WIDTHS_OF_16(M) WIDTHS_1_TO_8(M, 16) WIDTHS_9_TO_16(M, 16)
#define WIDTHS_OF_32(M) WIDTHS_1_TO_8(M, 32) WIDTHS_9_TO_16(M, 32) WIDTHS_17_TO_32(M, 32)

#define KERNEL_PAIR(L, B) \
    static uint64_t pack_##L##_##B(const void *values, size_t n, uint8_t *out) { \
        return pack_kernel(values, n, out, L, B); \
    } \
    static void unpack_##L##_##B(const uint8_t *payload, size_t n, void *out) { \
        unpack_kernel(payload, n, out, L, B); \
    }
WIDTHS_OF_8(KERNEL_PAIR)
WIDTHS_OF_16(KERNEL_PAIR)
WIDTHS_OF_32(KERNEL_PAIR)

#define PACK_ENTRY(L, B) pack_##L##_##B,
#define UNPACK_ENTRY(L, B) unpack_##L##_##B,

typedef uint64_t pack_width(const void *values, size_t n, uint8_t *out);
typedef void unpack_width(const uint8_t *payload, size_t n, void *out);

#define TABLES(L) \
    static pack_width *const packers_##L[] = {NULL, WIDTHS_OF_##L(PACK_ENTRY)}; \
    static unpack_width *const unpackers_##L[] = {NULL, WIDTHS_OF_##L(UNPACK_ENTRY)}; \
    uint64_t bp_portable_pack_##L(const void *values, size_t n, unsigned bits, uint8_t *out) { \
        return packers_##L[bits](values, n, out); \
    } \
    void bp_portable_unpack_##L(const uint8_t *payload, size_t n, unsigned bits, void *out) { \
        unpackers_##L[bits](payload, n, out); \
    }
TABLES(8)
TABLES(16)
TABLES(32)
