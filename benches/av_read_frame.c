/* Reads all media objects of an ASF file with libavformat, the peer of the benchmark `asf`.
 *
 *   av_read_frame FILE PASSES
 *
 * Prints how many there are and their bytes, those of all passes together. No decoder is opened
 * and nothing is probed behind the header. */
#include <stdio.h>
#include <stdlib.h>

#include <libavformat/avformat.h>

int main(int argc, char **argv)
{
    unsigned long long objects = 0, bytes = 0;
    AVPacket *packet = av_packet_alloc();
    int passes = argc == 3 ? atoi(argv[2]) : -1;

    if (passes < 0 || !packet) {
        fprintf(stderr, "usage: av_read_frame FILE PASSES\n");
        return 2;
    }
    for (int pass = 0; pass < passes; pass++) {
        AVFormatContext *file = NULL;
        if (avformat_open_input(&file, argv[1], NULL, NULL) < 0) {
            fprintf(stderr, "%s cannot be opened\n", argv[1]);
            return 1;
        }
        while (av_read_frame(file, packet) >= 0) {
            objects++;
            bytes += packet->size;
            av_packet_unref(packet);
        }
        avformat_close_input(&file);
    }
    av_packet_free(&packet);
    printf("%llu %llu\n", objects, bytes);
    return 0;
}
