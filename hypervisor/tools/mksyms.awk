# SPDX-License-Identifier: GPL-2.0-or-later
# nm -n IMAGE | awk -f mksyms.awk > table.c: the function names of the image in the form that bh/symbols.h describes.
# Without input the table is empty, for the first link. Addresses count from the linker symbol that starts a part of
# the image; what moves when the table grows needs its own.

BEGIN {
    parts = split("__image_start __init_start", base)
    split("__text_end __load_end", end)
}

# The low 32 bits: the image is smaller, and awk's numbers hold them exactly.
function hex(s,    v, i) {
    s = tolower(substr(s, length(s) - 7))
    for (i = 1; i <= length(s); i++)
        v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
    return v
}

{
    for (i = 1; i <= parts; i++) {
        if ($3 == base[i]) { start[i] = hex($1); next }
        if ($3 == end[i]) { stop[i] = hex($1); next }
    }
}

# Functions only, without the compiler's suffixes (.part.0, .constprop.1, .cold); one name an address.
$2 ~ /^[tTwW]$/ {
    sub(/\..*/, "", $3)
    if ($3 != "" && (!n || address[n] != hex($1))) {
        address[++n] = hex($1)
        name[n] = substr($3, 1, 95)
    }
}

function put(item) {
    printf "%s,", item
    size++
}

function put_symbol(delta, text, previous,    shared, i) {
    for (; delta >= 128; delta = int(delta / 128))
        put(delta % 128 + 128)
    put(delta)
    while (shared < length(text) && substr(text, shared + 1, 1) == substr(previous, shared + 1, 1))
        shared++
    put(shared + 0)
    for (i = shared + 1; i <= length(text); i++)
        put("'" substr(text, i, 1) "'")
    put(0)
    printf "\n"
}

END {
    printf "#include \"bh/symbols.h\"\n"
    for (p = 1; p <= parts; p++) {
        last = start[p]
        previous = ""
        size = 0
        printf "static const uint8_t table_%d[] = {", p
        for (i = 1; i <= n; i++)
            if (address[i] >= start[p] && address[i] < stop[p]) {
                put_symbol(address[i] - last, name[i], previous)
                last = address[i]
                previous = name[i]
            }
        printf "0};\nextern const char %s[];\n", base[p]
        ranges = ranges sprintf("{.base = %s, .span = %d, .table_size = %d, .table = table_%d},\n", base[p],
                                stop[p] - start[p], size, p)
    }
    printf "const struct symbol_range symbol_ranges[] = {\n%s};\nconst unsigned nr_symbol_ranges = %d;\n", ranges, parts
}
