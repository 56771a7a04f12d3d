/* CRC-32C: no Python, no allocation, no state but constant tables and the implementation chosen. */
#ifndef NETOPT_CRC32C_H
#define NETOPT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The implementations, slowest first: tables in portable C; the crc32 instruction of SSE4.2;
 * carry-less multiplication of 256 bits beside that instruction. All give the same numbers. */
enum { CRC32C_TABLES, CRC32C_INSTRUCTION, CRC32C_FOLDING, CRC32C_CHOICES };

/* Builds the constants of crc32c() and chooses what is fastest here; to be called once, before it. */
void crc32c_init(void);

/* CRC-32C (Castagnoli) of the n bytes, continued from the CRC `value` of what came before them. */
uint32_t crc32c(const uint8_t *data, size_t n, uint32_t value);

/* Has crc32c() use one implementation from now on; returns 0, or -1 and changes nothing if this
 * processor or compiler lacks it. No other thread may be in crc32c(). */
int crc32c_select(int choice);

/* Selects the fastest implementation, or the tables if no special instruction is allowed; returns
 * which it is. */
int crc32c_use_hardware(int allowed);

#endif
