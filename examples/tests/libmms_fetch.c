/*
 * Fetches over MMS (TCP) with libmms.
 *
 *   libmms_fetch [-b BITS] URL FILE [SEEK ...]
 *
 * Writes everything to the file, or with a seek everything that follows the first one. A seek is
 *
 *   byte OFFSET      mms_seek()
 *   time SECONDS     mms_time_seek()
 *   packet NUMBER    mms_request_packet_seek()
 *
 * and prints where it went on reading, a line each. Two packets are read before each, so that it
 * happens in the middle of the stream. libmms seeks by another play command without a stop.
 *
 * BITS a second are what libmms chooses the streams by; it wants the best without.
 */
#include <libmms/mms.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char buffer[0x20000];

static int fail(const char *what)
{
    fprintf(stderr, "libmms_fetch: %s\n", what);
    return 1;
}

/* Reads this many packets, behind the header if that was not read, and copies them to the file. */
static int packets(mms_t *mms, int count, int header, FILE *file)
{
    int length = count * (int)mms_get_asf_packet_len(mms);
    if (header)
        length += (int)mms_get_asf_header_len(mms);
    if (length > (int)sizeof buffer || mms_read(NULL, mms, buffer, length) != length)
        return 0;
    return !file || fwrite(buffer, 1, (size_t)length, file) == (size_t)length;
}

static int seek(mms_t *mms, const char *how, const char *where, FILE *file)
{
    int64_t place;
    if (strcmp(how, "byte") == 0) {
        place = strtoll(where, NULL, 10);
        if (mms_seek(NULL, mms, place, SEEK_SET) != place)
            return 0;
    } else if (strcmp(how, "time") == 0) {
        if (!mms_time_seek(NULL, mms, strtod(where, NULL)))
            return 0;
        place = mms_get_current_pos(mms);
    } else if (strcmp(how, "packet") == 0) {
        /* The place is not known before a packet is here. */
        if (!mms_request_packet_seek(NULL, mms, strtoul(where, NULL, 10)) ||
            !packets(mms, 1, 0, file))
            return 0;
        place = mms_get_current_pos(mms) - (int64_t)mms_get_asf_packet_len(mms);
    } else {
        return 0;
    }
    printf("%" PRId64 "\n", place);
    return 1;
}

int main(int count, char **words)
{
    int bits = 128 * 1024 * 1024;
    if (count > 2 && strcmp(words[1], "-b") == 0) {
        bits = atoi(words[2]);
        count -= 2;
        words += 2;
    }
    if (count < 3 || count % 2 == 0) {
        fprintf(stderr, "usage: libmms_fetch [-b BITS] URL FILE "
                        "[byte OFFSET | time SECONDS | packet NUMBER] ...\n");
        return 2;
    }
    mms_t *mms = mms_connect(NULL, NULL, words[1], bits);
    if (!mms)
        return fail("cannot open the URL");
    FILE *file = fopen(words[2], "wb");
    if (!file)
        return fail("cannot open the file");
    /* What is read can be seen at once. */
    setvbuf(file, NULL, _IONBF, 0);
    for (int word = 3; word < count; word += 2) {
        if (!packets(mms, 2, word == 3, word == 3 ? NULL : file))
            return fail("cannot read packets");
        if (!seek(mms, words[word], words[word + 1], file))
            return fail("the server did not seek");
    }
    int read;
    while ((read = mms_read(NULL, mms, buffer, (int)mms_get_asf_packet_len(mms))) > 0) {
        if (fwrite(buffer, 1, (size_t)read, file) != (size_t)read)
            return fail("cannot write");
    }
    mms_close(mms);
    return fclose(file) == 0 ? 0 : fail("cannot write");
}
