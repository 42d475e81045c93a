// SPDX-License-Identifier: BSD-3-Clause
// Where a program or library has a symbol, by its own tables: elf(5).
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct elf_symbol {
    uint64_t value; // as linked
    uint64_t size;
    uint64_t first; // the address that its first page is linked at
};

enum elf_outcome { ELF_FOUND, ELF_NOT_THERE, ELF_FOREIGN };

// Finds a symbol that is defined in a file, of which anything may be wrong. ELF_FOREIGN: it is for
// another architecture than this program, or no ELF file at all.
enum elf_outcome elf_find_symbol(int fd, const char *name, struct elf_symbol *found);
