/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes become xtext and come back; any xtext becomes bytes.
 */
#include "smtp/xtext.h"

#include "fuzz.h"

int fuzz_reached;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct span raw = {(const char *)bytes, size};
    char *made = malloc(3 * size + 1), *back = malloc(size + 1);

    promise(made && back);
    size_t len = xtext_make(made, 3 * size + 1, raw);

    promise(len != (size_t)-1 && made[len] == '\0');
    promise(!memchr(made, ' ', len) && !memchr(made, '\n', len) && !memchr(made, '=', len));
    size_t got = xtext_read(back, size + 1, (struct span){made, len});

    if (size == 0 || !memchr(bytes, 0, size))
        promise(got == size && memcmp(back, bytes, size) == 0);
    else
        promise(got == (size_t)-1); /* NUL is refused */
    promise(size == 0 || xtext_make(made, len, raw) == (size_t)-1);
    got = xtext_read(back, size + 1, raw);
    if (got != (size_t)-1) {
        promise(got <= size && back[got] == '\0');
        fuzz_reached += got < size;
    }
    free(made);
    free(back);
    return 0;
}
