/* The grids' part of the comparison of tiers: quantize, decode, encode. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tiers_common.h"

enum { ENDS = 7 };

/* Coordinates lie in [low, low + width]; symmetric grids have lo = 0 and an origin instead. */
typedef struct {
    bp_grid grid;
    double low, width;
} scene;

static scene scene_for(unsigned bits, int type, int nearest, int affine) {
    const double step = nearest ? 1.0 : 65536.0, half = nearest ? 0.5 : 0.0;
    const uint32_t top = (uint32_t)(bp_low_mask(bits) - (bits > 1 && !affine));
    const int narrow = type == BP_FLOAT32 && bits <= 8;
    scene s = {{.bits = bits, .top = top}, affine ? -1.5 : -1.25, affine ? 3.25 : 2.5};

    s.grid.lo = affine ? s.low : 0.0;
    s.grid.limit = affine ? 1.75 : 1.25;
    /* So much smaller that no rounding error leads beyond the top. */
    s.grid.mult = step * top / s.width * (narrow ? 1 - 0x1p-20 : 1 - 0x1p-48);
    s.grid.origin = (affine ? 0.0 : step * top / 2) + half;
    s.grid.delta = s.width / (top > 0 ? top : 1);
    s.grid.zero = affine ? 0.0 : top / 2.0;
    return s;
}

static void fill(uint8_t *x, int type, size_t n, const scene *s) {
    const double special[ENDS] = {s->low, s->low + s->width, -0.0, 0.0, 1e-310, -1e-42, 1e-40};

    for (size_t i = 0; i < n; i++) {
        const uint32_t choice = next_random() % 32;
        const double place = floor(unit() * (s->grid.top + 1.0)) * s->grid.delta;
        put(x, type, i,
            choice < ENDS     ? special[choice]
            : choice < 2 * ENDS ? s->low + place * (1 - 0x1p-20)
                                : s->low + unit() * s->width);
    }
}

static void fill_random(uint16_t *random, size_t n) {
    for (size_t i = 0; i < n; i++)
        random[i] = (uint16_t)(i % 9 == 0 ? 0 : i % 9 == 1 ? 65535 : next_random());
}

/* ---- quantize ---- */

/* Coordinates lie anywhere; symbols and random numbers have their types' alignment. */
typedef struct {
    uint8_t *x, *out, *expected, *random;
    size_t n, skew;
} vectors;

static vectors vectors_for(size_t n, size_t skew, int type, unsigned bits, const scene *s) {
    const size_t symbols = n * (bits <= 8 ? 1 : 4);
    vectors v = {allocate(n * size_of(type), skew), allocate(symbols, skew / 4 * 4),
                 allocate(symbols, skew / 4 * 4), allocate(2 * n, skew / 2 * 2), n, skew};

    fill(v.x, type, n, s);
    fill_random((uint16_t *)(void *)v.random, n);
    return v;
}

static void vectors_end(vectors *v) {
    release(v->x, v->skew), release(v->random, v->skew / 2 * 2);
    release(v->out, v->skew / 4 * 4), release(v->expected, v->skew / 4 * 4);
}

static void compare(const bp_tier *tier, int type, const scene *s, int nearest, vectors *v,
                    int bad) {
    const uint16_t *random = nearest ? NULL : (const uint16_t *)(const void *)v->random;
    const bp_grid *g = &s->grid;

    require((bp_portable.quantize[type](v->x, v->n, g, random, v->expected) != 0) == bad,
            "quantize's check", &bp_portable, type, g->bits, v->n);
    require((tier->quantize[type](v->x, v->n, g, random, v->out) != 0) == bad, "quantize's check",
            tier, type, g->bits, v->n);
    require(bad || memcmp(v->out, v->expected, v->n * (g->bits <= 8 ? 1 : 4)) == 0, "quantize",
            tier, type, g->bits, v->n);
}

static void quantize_one(const bp_tier *tier, int type, unsigned bits, int nearest, int affine) {
    const scene s = scene_for(bits, type, nearest, affine);
    const double wrong[] = {NAN, INFINITY, -INFINITY, 20.0, -20.0, 1e30, -1e30};

    for (size_t n = 0; n < SHORT + 8; n++) {
        const size_t length = n < SHORT ? n : next_random() % 5000;
        vectors v = vectors_for(length, n % 9, type, bits, &s);
        compare(tier, type, &s, nearest, &v, 0);
        vectors_end(&v);
    }
    vectors v = vectors_for(99, 0, type, bits, &s);
    for (size_t i = 0; i < v.n; i++) {
        put(v.x, type, i, wrong[(i + bits) % 7]);
        compare(tier, type, &s, nearest, &v, 1);
        put(v.x, type, i, s.low);
    }
    vectors_end(&v);
}

void check_quantize(const bp_tier *tier) {
    for (int type = 0; type < BP_TYPES; type++)
        for (unsigned bits = 1; bits <= 32; bits++)
            for (int way = 0; way < 4; way++)
                quantize_one(tier, type, bits, way & 1, way >> 1);
}

/* ---- decode ---- */

static void decode_one(const bp_tier *tier, int type, const bp_grid *g, size_t n, size_t skew) {
    const size_t packed = bp_bytes(n, g->bits), plain = n * size_of(type);
    uint8_t *payload = allocate(packed, skew), *out = allocate(plain, skew);
    uint8_t *expected = allocate(plain, skew);
    const double weight = n % 3 == 0 ? 1.0 : -0.37;

    for (size_t i = 0; i < packed; i++)
        payload[i] = (uint8_t)next_random();
    for (int add = 0; add < 2; add++) {
        const uint32_t largest = bp_portable.decode[type](payload, n, g, weight, add, expected);
        require(tier->decode[type](payload, n, g, weight, add, out) == largest, "decode's largest",
                tier, type, g->bits, n);
        require(memcmp(out, expected, plain) == 0, add ? "decode, adding" : "decode", tier, type,
                g->bits, n);
    }
    release(payload, skew), release(out, skew), release(expected, skew);
}

void check_decode(const bp_tier *tier) {
    for (int type = 0; type < BP_TYPES; type++)
        for (unsigned bits = 1; bits <= 32; bits++)
            for (int way = 0; way < 4; way++) {
                scene s = scene_for(bits, type, 0, way & 1);
                if (way > 1)
                    s.grid.delta = way == 2 ? 0.0 : 0x1p-1074;
                for (size_t n = 0; n < SHORT; n++)
                    decode_one(tier, type, &s.grid, n, n % 3);
                for (size_t k = 0; k < 3; k++)
                    decode_one(tier, type, &s.grid, 1000 + next_random() % 3000, k);
            }
}

/* ---- encode ---- */

static void encode_one(const bp_tier *tier, int type, const scene *s, size_t n, size_t more,
                       int bad_expected) {
    const uint32_t key[2] = {next_random(), next_random()}, first = n % 2 == 0 ? 0 : 1024;
    const bp_grid *g = &s->grid;
    const size_t room = bp_bytes(n, g->bits) + more, groups = (n + 31) / 32;
    vectors v = vectors_for(n, more % 7, type, g->bits, s);
    uint8_t *out = allocate(room, more % 3), *expected = allocate(bp_bytes(n, g->bits), 0);
    uint16_t *random = (uint16_t *)(void *)allocate(64 * groups, 0);
    int bad = 0;

    if (bad_expected)
        put(v.x, type, next_random() % n, bad_expected == 1 ? (double)NAN : 20.0);
    const size_t done = tier->encode_fast[type](v.x, n, g, key, first, out, room, &bad);
    require(done == n || (done < n && done % 32 == 0), "encode's count", tier, type, g->bits, n);
    bp_portable.fast(key, first, groups, random);
    const int wrong = bp_portable.quantize[type](v.x, done, g, random, v.expected) != 0;
    require((bad != 0) == wrong, "encode's check", tier, type, g->bits, n);
    if (!wrong) {
        bp_portable.pack[0](v.expected, done, g->bits, expected);
        require(memcmp(out, expected, bp_bytes(done, g->bits)) == 0, "encode", tier, type, g->bits,
                n);
    }
    vectors_end(&v);
    release(out, more % 3), release(expected, 0), release((uint8_t *)random, 0);
}

void check_encode(const bp_tier *tier) {
    for (int type = 0; type < BP_TYPES; type++)
        for (unsigned bits = 1; bits <= 8 && tier->encode_fast[type] != NULL; bits++)
            for (int affine = 0; affine < 2; affine++) {
                const scene s = scene_for(bits, type, 0, affine);
                for (size_t n = 1; n < 2 * SHORT; n++) {
                    encode_one(tier, type, &s, n, 0, 0);
                    encode_one(tier, type, &s, n, n % 97, 0);
                    encode_one(tier, type, &s, n, n % 89, 1 + (int)(n % 2));
                }
                encode_one(tier, type, &s, 4096, 0, 0);
            }
}
