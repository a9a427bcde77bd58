/*
 * Fetches over MMS (TCP) with libmms.
 *
 *   libmms_fetch URL FILE                everything
 *   libmms_fetch URL FILE byte OFFSET    what follows a seek to this byte
 *   libmms_fetch URL FILE time SECONDS   what follows a seek to this time
 *
 * Before a seek one packet is read, so that it happens in the middle of the stream. libmms seeks
 * by another play command without a stop. Prints where it went on reading.
 */
#include <libmms/mms.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char buffer[0x10000];

int main(int count, char **words)
{
    if (count != 3 && count != 5) {
        fprintf(stderr, "usage: libmms_fetch URL FILE [byte OFFSET | time SECONDS]\n");
        return 2;
    }
    mms_t *mms = mms_connect(NULL, NULL, words[1], 128 * 1024 * 1024);
    if (!mms) {
        fprintf(stderr, "libmms_fetch: cannot open %s\n", words[1]);
        return 1;
    }
    if (count == 5) {
        int before = (int)mms_get_asf_header_len(mms) + (int)mms_get_asf_packet_len(mms);
        if (before > (int)sizeof buffer || mms_read(NULL, mms, buffer, before) != before) {
            fprintf(stderr, "libmms_fetch: cannot read the first packet\n");
            return 1;
        }
        if (strcmp(words[3], "byte") == 0) {
            mms_off_t offset = strtoll(words[4], NULL, 10);
            if (mms_seek(NULL, mms, offset, SEEK_SET) != offset) {
                fprintf(stderr, "libmms_fetch: the server did not seek\n");
                return 1;
            }
        } else if (!mms_time_seek(NULL, mms, strtod(words[4], NULL))) {
            fprintf(stderr, "libmms_fetch: the server did not seek\n");
            return 1;
        }
    }
    printf("%" PRId64 "\n", (int64_t)mms_get_current_pos(mms));

    FILE *file = fopen(words[2], "wb");
    if (!file) {
        perror(words[2]);
        return 1;
    }
    int read;
    while ((read = mms_read(NULL, mms, buffer, sizeof buffer)) > 0) {
        if (fwrite(buffer, 1, (size_t)read, file) != (size_t)read) {
            perror(words[2]);
            return 1;
        }
    }
    mms_close(mms);
    if (fclose(file) != 0) {
        perror(words[2]);
        return 1;
    }
    return 0;
}
