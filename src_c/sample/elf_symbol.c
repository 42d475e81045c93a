// SPDX-License-Identifier: BSD-3-Clause
// Where a program or library has a symbol, by its own tables: elf(5).
#include "sample/elf_symbol.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_HEADERS = 4096,
    MOST_BYTES = 16 << 20, // of a table: what is larger is no Python, and would take long to read
    AT_ONCE = 256,         // symbols
};

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#elif defined(__i386__)
enum { MACHINE = EM_386 };
#elif defined(__arm__)
enum { MACHINE = EM_ARM };
#elif defined(__riscv)
enum { MACHINE = EM_RISCV };
#elif defined(__powerpc64__)
enum { MACHINE = EM_PPC64 };
#elif defined(__s390x__)
enum { MACHINE = EM_S390 };
#else
enum { MACHINE = EM_NONE };
#endif

// Reads a part of a file whole; false when it cannot.
static bool read_at(int fd, uint64_t offset, void *to, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t now = pread(fd, (char *)to + got, size - got, (off_t)(offset + got));
        if (now == -1 && errno == EINTR)
            continue;
        if (now <= 0)
            return false;
        got += (size_t)now;
    }
    return true;
}

// The same into memory of its own; NULL when it cannot, or when it is nothing or too much.
static void *read_new(int fd, uint64_t offset, uint64_t size)
{
    if (size == 0 || size > MOST_BYTES)
        return NULL;
    void *to = malloc((size_t)size);
    if (to != NULL && !read_at(fd, offset, to, (size_t)size)) {
        free(to);
        return NULL;
    }
    return to;
}

// The address that the first page is linked at; 0 where nothing is loaded.
static uint64_t first_page(int fd, const ElfW(Ehdr) * header)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (unsigned i = 0; i < header->e_phnum && i < MOST_HEADERS; i++) {
        ElfW(Phdr) part;
        if (!read_at(fd, header->e_phoff + i * sizeof part, &part, sizeof part))
            return 0;
        if (part.p_type == PT_LOAD)
            return part.p_vaddr & ~(page - 1);
    }
    return 0;
}

// Looks for a defined symbol in one table, whose names are `names`.
static bool find_in(int fd, const ElfW(Shdr) * table, const char *names, uint64_t names_size,
                    const char *name, struct elf_symbol *found)
{
    size_t length = strlen(name) + 1;
    ElfW(Sym) symbols[AT_ONCE];
    uint64_t count = table->sh_size / sizeof symbols[0];

    for (uint64_t done = 0; done < count; done += AT_ONCE) {
        size_t now = count - done < AT_ONCE ? (size_t)(count - done) : AT_ONCE;
        if (!read_at(fd, table->sh_offset + done * sizeof symbols[0], symbols,
                     now * sizeof symbols[0]))
            return false;
        for (size_t i = 0; i < now; i++) {
            const ElfW(Sym) *symbol = &symbols[i];
            if (symbol->st_shndx == SHN_UNDEF || symbol->st_name >= names_size ||
                names_size - symbol->st_name < length ||
                memcmp(names + symbol->st_name, name, length) != 0)
                continue;
            found->value = symbol->st_value;
            found->size = symbol->st_size;
            return true;
        }
    }
    return false;
}

// Looks through the tables of one type.
static bool find_by_type(int fd, const ElfW(Ehdr) * header, const ElfW(Shdr) * sections,
                         unsigned type, const char *name, struct elf_symbol *found)
{
    for (unsigned i = 0; i < header->e_shnum; i++) {
        const ElfW(Shdr) *table = &sections[i];
        if (table->sh_type != type || table->sh_entsize != sizeof(ElfW(Sym)) ||
            table->sh_size > MOST_BYTES || table->sh_link >= header->e_shnum)
            continue;
        const ElfW(Shdr) *strings = &sections[table->sh_link];
        char *names = read_new(fd, strings->sh_offset, strings->sh_size);
        bool is_there = names != NULL && find_in(fd, table, names, strings->sh_size, name, found);
        free(names);
        if (is_there)
            return true;
    }
    return false;
}

enum elf_outcome elf_find_symbol(int fd, const char *name, struct elf_symbol *found)
{
    ElfW(Ehdr) header;
    if (!read_at(fd, 0, &header, sizeof header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        (MACHINE != EM_NONE && header.e_machine != MACHINE))
        return ELF_FOREIGN;
    if (header.e_shnum == 0 || header.e_shnum > MOST_HEADERS ||
        header.e_shentsize != sizeof(ElfW(Shdr)) || header.e_phentsize != sizeof(ElfW(Phdr)))
        return ELF_NOT_THERE;
    ElfW(Shdr) *sections = read_new(fd, header.e_shoff, header.e_shnum * sizeof *sections);
    if (sections == NULL)
        return ELF_NOT_THERE;

    struct elf_symbol symbol = {0};
    // What is exported stays when a program is stripped.
    bool is_there = find_by_type(fd, &header, sections, SHT_DYNSYM, name, &symbol) ||
                    find_by_type(fd, &header, sections, SHT_SYMTAB, name, &symbol);
    free(sections);
    if (!is_there)
        return ELF_NOT_THERE;
    symbol.first = first_page(fd, &header);
    *found = symbol;
    return ELF_FOUND;
}
