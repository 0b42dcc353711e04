/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bytes may stand in a policy: none that another reader could take for something else. */
#include "policy_load.h"

/* Length of the UTF-8 sequence at `text`; 0 if it is none. */
static size_t utf8_length(const unsigned char *text, size_t left)
{
    size_t len = *text < 0x80 ? 1 : *text >= 0xf0 ? 4 : *text >= 0xe0 ? 3 : 2;

    if (len == 1)
        return 1;
    if (*text < 0xc2 || *text > 0xf4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (*text == 0xe0 && text[1] < 0xa0) || (*text == 0xf0 && text[1] < 0x90);
    bool outside = (*text == 0xed && text[1] > 0x9f) || (*text == 0xf4 && text[1] > 0x8f);
    return overlong || outside ? 0 : len;
}

/* A comment may hold any text, but a lone CR would end the line for other readers of the file. */
bool policy_bytes_comment(struct policy_line *line)
{
    for (const char *c = line->next; c < line->end;) {
        size_t len = utf8_length((const unsigned char *)c, (size_t)(line->end - c));
        if (!len)
            return policy_line_error(line, c, "the comment is not valid UTF-8");
        if (*c == '\r')
            return policy_line_error(line, c, "carriage return inside a line");
        c += len;
    }
    return true;
}

bool policy_bytes_rule(struct policy_line *line)
{
    for (const char *c = line->next; c < line->end; c++) {
        unsigned char byte = (unsigned char)*c;
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return policy_line_error(line, c, "control character 0x%02x", byte);
        if (byte >= 0x80)
            return policy_line_error(line, c, "byte 0x%02x is not ASCII (allowed in comments only)", byte);
    }
    return true;
}
