/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data channel from either side: first byte: role and filters, second: size of pieces, then the peer's
 * bytes. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "data.h"
#include "fake_vchan.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int null = -1;
    struct data_call call = {.err_fd = -1};

    if (size < 2)
        return 0;
    if (null < 0) {
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        signal(SIGPIPE, SIG_IGN);
    }
    call.service = data[0] & 1;
    call.replace_out = data[0] & 2;
    call.exit_on_client_eof = data[0] & 4;
    call.exit_on_service_eof = data[0] & 8;
    call.chunk = data[0] & 16 ? DATA_CHUNK_V2 : DATA_CHUNK;
    call.prefix = data[0] & 32 ? "prefix" : NULL;
    call.in_fd = dup(null);
    call.out_fd = dup(null);
    call.err_fd = call.service ? -1 : null;
    call.vchan = fake_vchan(data + 2, size - 2, data[1]);
    data_run(&call);
    libvchan_close(call.vchan);
    return 0;
}
