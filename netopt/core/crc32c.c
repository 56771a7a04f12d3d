/* CRC-32C, in portable C and with the instructions of x86-64 for it.
 *
 * The register after some bytes is a polynomial modulo P, lowest bit the highest power: what bytes
 * do to it is linear. Hence one rule for all that is fast here: split the bytes, work on the parts
 * at the same time, and add (xor) what each part leaves behind once the bytes after it have passed,
 * that is, times x^(8 * bytes after it) modulo P.
 */
#include "crc32c.h"

#include <assert.h>
#include <string.h>

#include "tiers.h"

#define POLYNOMIAL UINT32_C(0x82F63B78) /* Castagnoli's, lowest bit first */

typedef uint32_t update_fn(const uint8_t *data, size_t n, uint32_t crc);

/* tables[k][v] is the register that byte v leaves behind after k more zero bytes. */
static uint32_t tables[8][256];

/* ---- portable: eight bytes a step through eight tables (slicing-by-8) ---- */

/* Four bytes, lowest first: compilers turn this into one load. */
static uint32_t load_four(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t update_tables(const uint8_t *data, size_t n, uint32_t crc) {
    for (; n >= 8; n -= 8, data += 8) {
        const uint32_t low = load_four(data) ^ crc, high = load_four(data + 4);
        crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^
              tables[4][low >> 24] ^ tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^
              tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
    }
    for (; n > 0; n--, data++)
        crc = crc >> 8 ^ tables[0][(crc ^ *data) & 255];
    return crc;
}

#if BP_X86
#include <immintrin.h>

/* ---- the crc32 instruction: 8 bytes a cycle if three independent streams hide its latency ---- */

#define CRC __attribute__((target("sse4.2,pclmul")))

enum { LONG = 1024, SHORT = 128 }; /* bytes of each of three streams */

/* Multipliers for shift() of the first and the second stream of three. */
static uint32_t over_long[2], over_short[2];

/* x^n modulo P for n = 7 modulo 8; bit i stands for x^(31 - i). */
static uint32_t power(size_t n) {
    uint32_t crc = UINT32_C(0x80000000) >> 7;

    for (size_t zeros = (n - 7) / 8; zeros > 0; zeros--)
        crc = crc >> 8 ^ tables[0][crc & 255];
    return crc;
}

/* The multiplier with which shift() moves a register over `bytes` bytes: the product of two
 * reflected 32-bit words is one power short of a reflected 64-bit word, and the crc32 instruction
 * multiplies by x^32. */
static uint32_t over(size_t bytes) {
    return power(8 * bytes - 33);
}

BP_INLINE CRC uint64_t shift(uint64_t crc, uint32_t multiplier) {
    const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc),
                                                 _mm_cvtsi64_si128((long long)multiplier), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

BP_INLINE CRC uint64_t add_eight(uint64_t crc, const uint8_t *at) {
    uint64_t word;

    memcpy(&word, at, 8);
    return _mm_crc32_u64(crc, word);
}

BP_INLINE CRC uint32_t update_one(const uint8_t *data, size_t n, uint32_t crc) {
    uint64_t wide = crc;
    uint32_t four;
    uint16_t two;

    for (; n >= 8; n -= 8, data += 8)
        wide = add_eight(wide, data);
    crc = (uint32_t)wide;
    if (n & 4) {
        memcpy(&four, data, 4);
        crc = _mm_crc32_u32(crc, four);
        data += 4;
    }
    if (n & 2) {
        memcpy(&two, data, 2);
        crc = _mm_crc32_u16(crc, two);
        data += 2;
    }
    return n & 1 ? _mm_crc32_u8(crc, *data) : crc;
}

/* 3 * each bytes. */
BP_INLINE CRC uint32_t update_three(const uint8_t *data, size_t each, uint32_t crc,
                                    const uint32_t multiplier[2]) {
    uint64_t first = crc, second = 0, third = 0;

    for (size_t i = 0; i < each; i += 8) {
        first = add_eight(first, data + i);
        second = add_eight(second, data + each + i);
        third = add_eight(third, data + 2 * each + i);
    }
    return (uint32_t)(shift(first, multiplier[0]) ^ shift(second, multiplier[1]) ^ third);
}

CRC static uint32_t update_instruction(const uint8_t *data, size_t n, uint32_t crc) {
    for (; n >= 3 * LONG; n -= 3 * LONG, data += 3 * LONG)
        crc = update_three(data, LONG, crc, over_long);
    for (; n >= 3 * SHORT; n -= 3 * SHORT, data += 3 * SHORT)
        crc = update_three(data, SHORT, crc, over_short);
    return update_one(data, n, crc);
}

/* ---- folding: 16 bytes are moved over others by two carry-less multiplications ---- */

#define FOLD __attribute__((target("avx2,sse4.2,pclmul,vpclmulqdq")))

/* The multiplier and the crc32 instruction run on different units, so a chunk has three streams for
 * the latter, 24 bytes a step each, and then a folded part of 128 bytes a step. */
enum { STEPS = 31, STREAM = 24 * STEPS, FOLDED = 128 * (STEPS + 1), CHUNK = 3 * STREAM + FOLDED };

/* Multipliers for the low and the high half of 16 bytes that move over 128, 32 or 16 bytes, and for
 * shift() of a chunk's three streams. */
static uint64_t over_128[2], over_32[2], over_16[2];
static uint32_t over_rest[3];

/* The product of two reflected 64-bit words is one power short of a reflected 128-bit word. */
static void set_folding(uint64_t multiplier[2], size_t bytes) {
    multiplier[0] = (uint64_t)power(8 * bytes + 63) << 32;
    multiplier[1] = (uint64_t)power(8 * bytes - 1) << 32;
}

BP_INLINE FOLD __m256i load_pair(const void *at) {
    return _mm256_loadu_si256((const __m256i *)at);
}

BP_INLINE FOLD __m256i both(const uint64_t multiplier[2]) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)multiplier));
}

BP_INLINE FOLD __m256i fold(__m256i lanes, __m256i multiplier, __m256i next) {
    const __m256i low = _mm256_clmulepi64_epi128(lanes, multiplier, 0x00);
    const __m256i high = _mm256_clmulepi64_epi128(lanes, multiplier, 0x11);

    return _mm256_xor_si256(_mm256_xor_si256(low, high), next);
}

BP_INLINE FOLD void start(__m256i lanes[4], const uint8_t *data, uint32_t crc) {
    const __m256i before = _mm256_setr_epi32((int)crc, 0, 0, 0, 0, 0, 0, 0);

    lanes[0] = _mm256_xor_si256(load_pair(data), before);
    for (int i = 1; i < 4; i++)
        lanes[i] = load_pair(data + 32 * i);
}

BP_INLINE FOLD void fold_step(__m256i lanes[4], __m256i multiplier, const uint8_t *data) {
    for (int i = 0; i < 4; i++)
        lanes[i] = fold(lanes[i], multiplier, load_pair(data + 32 * i));
}

/* The register that 128 folded bytes stand for. */
BP_INLINE FOLD uint64_t finish(const __m256i lanes[4]) {
    const __m128i near = _mm_loadu_si128((const __m128i *)over_16);
    __m256i pair = lanes[0];
    __m128i low, last;

    for (int i = 1; i < 4; i++)
        pair = fold(pair, both(over_32), lanes[i]);
    low = _mm256_castsi256_si128(pair);
    last = _mm_xor_si128(_mm_clmulepi64_si128(low, near, 0x00),
                         _mm_clmulepi64_si128(low, near, 0x11));
    last = _mm_xor_si128(last, _mm256_extracti128_si256(pair, 1));
    return _mm_crc32_u64(_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(last)),
                         (uint64_t)_mm_extract_epi64(last, 1));
}

BP_INLINE FOLD uint32_t update_chunk(const uint8_t *data, uint32_t crc) {
    const __m256i multiplier = both(over_128);
    const uint8_t *folded = data + 3 * STREAM;
    uint64_t first = crc, second = 0, third = 0;
    __m256i lanes[4];

    start(lanes, folded, 0);
    for (int step = 0; step < STEPS; step++, data += 24) {
        folded += 128;
        fold_step(lanes, multiplier, folded);
        for (int i = 0; i < 24; i += 8) {
            first = add_eight(first, data + i);
            second = add_eight(second, data + STREAM + i);
            third = add_eight(third, data + 2 * STREAM + i);
        }
    }
    return (uint32_t)(shift(first, over_rest[0]) ^ shift(second, over_rest[1]) ^
                      shift(third, over_rest[2]) ^ finish(lanes));
}

FOLD static uint32_t update_folding(const uint8_t *data, size_t n, uint32_t crc) {
    for (; n >= CHUNK; n -= CHUNK, data += CHUNK)
        crc = update_chunk(data, crc);
    if (n >= 128) {
        const __m256i multiplier = both(over_128);
        __m256i lanes[4];

        start(lanes, data, crc);
        for (n -= 128, data += 128; n >= 128; n -= 128, data += 128)
            fold_step(lanes, multiplier, data);
        crc = (uint32_t)finish(lanes);
    }
    return update_one(data, n, crc);
}

static void set_multipliers(void) {
    for (size_t i = 0; i < 2; i++) {
        over_long[i] = over((2 - i) * LONG);
        over_short[i] = over((2 - i) * SHORT);
    }
    for (size_t i = 0; i < 3; i++)
        over_rest[i] = over((2 - i) * STREAM + FOLDED);
    set_folding(over_128, 128);
    set_folding(over_32, 32);
    set_folding(over_16, 16);
}

static int has_instruction(void) {
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

static int has_folding(void) {
    return has_instruction() && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("vpclmulqdq");
}
#endif

/* ---- the choice ---- */

static update_fn *update = update_tables;

int crc32c_select(int choice) {
    if (choice == CRC32C_TABLES)
        update = update_tables;
#if BP_X86
    else if (choice == CRC32C_INSTRUCTION && has_instruction())
        update = update_instruction;
    else if (choice == CRC32C_FOLDING && has_folding())
        update = update_folding;
#endif
    else
        return -1;
    return 0;
}

int crc32c_use_hardware(int allowed) {
    int choice = allowed ? CRC32C_CHOICES - 1 : CRC32C_TABLES;

    while (crc32c_select(choice) < 0)
        choice--;
    return choice;
}

void crc32c_init(void) {
    for (uint32_t v = 0; v < 256; v++) {
        uint32_t crc = v;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        tables[0][v] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (uint32_t v = 0; v < 256; v++)
            tables[k][v] = tables[k - 1][v] >> 8 ^ tables[0][tables[k - 1][v] & 255];
#if BP_X86
    set_multipliers();
#endif
    crc32c_use_hardware(1);
}

uint32_t crc32c(const uint8_t *data, size_t n, uint32_t value) {
    assert(tables[0][128] == POLYNOMIAL);
    return ~update(data, n, ~value);
}
