/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include "../../../gui-common/gui-message.h"

static void lengths_match_the_protocol_page(void **state)
{
    static const struct {
        uint32_t type, length;
    } rows[] = {
        {MSG_KEYPRESS, 20},     {MSG_BUTTON, 20},         {MSG_MOTION, 16},        {MSG_CROSSING, 28},
        {MSG_FOCUS, 12},        {MSG_CREATE, 24},         {MSG_DESTROY, 0},        {MSG_MAP, 8},
        {MSG_UNMAP, 0},         {MSG_CONFIGURE, 20},      {MSG_SHMIMAGE, 16},      {MSG_CLOSE, 0},
        {MSG_CLIPBOARD_REQ, 0}, {MSG_WMNAME, 128},        {MSG_KEYMAP_NOTIFY, 32}, {MSG_DOCK, 0},
        {MSG_CURSOR, 4},        {MSG_WINDOW_HINTS, 36},   {MSG_WINDOW_FLAGS, 8},   {MSG_WMCLASS, 128},
        {MSG_EXECUTE, 255},     {MSG_WINDOW_DUMP_ACK, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct gui_message_info *info = gui_message_info(rows[i].type);

        assert_non_null(info);
        assert_int_equal(info->min_length, rows[i].length);
        assert_int_equal(info->max_length, rows[i].length);
    }
}

static bool valid(uint32_t type, uint32_t length, enum gui_direction from, uint32_t minor)
{
    struct gui_msg_header header = {type, 1, length};

    return gui_message_valid(&header, from, minor);
}

static void direction_counts(void **state)
{
    (void)state;
    assert_true(valid(MSG_KEYPRESS, 20, GUI_FROM_DAEMON, 8));
    assert_false(valid(MSG_KEYPRESS, 20, GUI_FROM_AGENT, 8));
    assert_true(valid(MSG_CONFIGURE, 20, GUI_FROM_AGENT, 8));
    assert_true(valid(MSG_CONFIGURE, 20, GUI_FROM_DAEMON, 8));
    assert_false(valid(MSG_CREATE, 24, GUI_FROM_DAEMON, 8));
}

static void unknown_and_obsolete_types_are_refused(void **state)
{
    (void)state;
    for (uint32_t type = 0; type < 124; type++)
        assert_false(valid(type, 0, GUI_FROM_AGENT, GUI_MINOR_FRAMES));
    assert_false(valid(MSG_MFNDUMP, 64, GUI_FROM_AGENT, GUI_MINOR_FRAMES));
    assert_false(valid(154, 0, GUI_FROM_AGENT, GUI_MINOR_FRAMES));
    assert_false(valid(UINT32_MAX, 0, GUI_FROM_AGENT, GUI_MINOR_FRAMES));
}

static void dumps_have_whole_references(void **state)
{
    (void)state;
    assert_true(valid(MSG_WINDOW_DUMP, 16 + 4, GUI_FROM_AGENT, 8));
    assert_false(valid(MSG_WINDOW_DUMP, 16, GUI_FROM_AGENT, 8));
    assert_false(valid(MSG_WINDOW_DUMP, 16 + 6, GUI_FROM_AGENT, 8));
    assert_true(valid(MSG_WINDOW_DUMP, 16 + 4 * GUI_MAX_GRANTS, GUI_FROM_AGENT, 8));
    assert_false(valid(MSG_WINDOW_DUMP, 16 + 4 * GUI_MAX_GRANTS + 4, GUI_FROM_AGENT, 8));
}

static void clipboard_limit_depends_on_the_version(void **state)
{
    (void)state;
    assert_true(valid(MSG_CLIPBOARD_DATA, 65000, GUI_FROM_AGENT, 7));
    assert_false(valid(MSG_CLIPBOARD_DATA, 65001, GUI_FROM_AGENT, 7));
    assert_true(valid(MSG_CLIPBOARD_DATA, 256001, GUI_FROM_AGENT, 8));
    assert_false(valid(MSG_CLIPBOARD_DATA, 256002, GUI_FROM_AGENT, 8));
}

static void extension_needs_its_minor(void **state)
{
    (void)state;
    assert_false(valid(MSG_FRAME_REQUEST, 4, GUI_FROM_AGENT, 8));
    assert_true(valid(MSG_FRAME_REQUEST, 4, GUI_FROM_AGENT, GUI_MINOR_FRAMES));
}

static void versions(void **state)
{
    (void)state;
    assert_int_equal(gui_version_effective(1 << 16 | 0), 0);
    assert_int_equal(gui_version_effective(1 << 16 | 4), 4);
    assert_int_equal(gui_version_effective(1 << 16 | 8), 8);
    assert_int_equal(gui_version_effective(1 << 16 | 9), 8);
    assert_int_equal(gui_version_effective(1 << 16 | 63), 8);
    assert_int_equal(gui_version_effective(1 << 16 | 64), 64);
    assert_int_equal(gui_version_effective(1 << 16 | 65535), 64);
    assert_true(gui_version_effective(2 << 16 | 8) < 0);
    assert_true(gui_version_effective(8) < 0);
}

static void pages_of_a_buffer(void **state)
{
    (void)state;
    assert_int_equal(gui_buffer_pages(1, 1), 1);
    assert_int_equal(gui_buffer_pages(1024, 1), 1);
    assert_int_equal(gui_buffer_pages(1025, 1), 2);
    assert_int_equal(gui_buffer_pages(1920, 1080), 2025);
    assert_int_equal(gui_buffer_pages(GUI_MAX_WIDTH, GUI_MAX_HEIGHT), GUI_MAX_GRANTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_match_the_protocol_page),
        cmocka_unit_test(direction_counts),
        cmocka_unit_test(unknown_and_obsolete_types_are_refused),
        cmocka_unit_test(dumps_have_whole_references),
        cmocka_unit_test(clipboard_limit_depends_on_the_version),
        cmocka_unit_test(extension_needs_its_minor),
        cmocka_unit_test(versions),
        cmocka_unit_test(pages_of_a_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
