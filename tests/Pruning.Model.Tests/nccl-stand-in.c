/* A stand-in for NCCL on machines without a GPU: the functions of nccl.h that GraphPruning calls, over threads of one process
   and memory of the host. It refuses what NCCL's documentation does not allow, and keeps a journal of the calls of each rank,
   so that the binding and the protocol can be tested. It says nothing about GPUs. */
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { success = 0, invalid_argument = 4, invalid_usage = 5 };
enum { id_bytes = 128, most_ranks = 8, most_worlds = 256, most_queued = 64, uint8_type = 1 };

typedef struct { char internal[id_bytes]; } ncclUniqueId;

typedef struct {
    ncclUniqueId id;
    int size, joined, taken[most_ranks];
    const char *posted[most_ranks][most_ranks]; /* from, to */
    size_t length[most_ranks][most_ranks];
    const char *piece[most_ranks];
    int arrived, round;
} World;

typedef struct { World *world; int rank; } Comm;
typedef struct { Comm *comm; char *address; size_t count; int peer, sends; } Move;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static World worlds[most_worlds];
static int world_count, ids_made, refused;
static char journal[1 << 20];
static size_t written;
static __thread int depth, queued;
static __thread Move queue[most_queued];

static void note(int rank, const char *format, ...) {
    va_list arguments;
    char line[200];
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    written += snprintf(journal + written, sizeof journal - written, "%d %s\n", rank, line);
}

/* Taken and emptied by the tests. */
void standin_journal(char *out, size_t room) {
    pthread_mutex_lock(&gate);
    snprintf(out, room, "%s", journal);
    written = 0;
    journal[0] = 0;
    pthread_mutex_unlock(&gate);
}

/* How many of the next ranks that want to join are turned away. */
void standin_refuse(int ranks) { refused = ranks; }

int ncclGetVersion(int *version) { *version = 22703; return success; }

const char *ncclGetErrorString(int result) {
    return result == success ? "no error" : result == invalid_argument ? "invalid argument" : "invalid usage";
}

static void pattern(ncclUniqueId *id, int seed) {
    for (int i = 0; i < id_bytes; i++) id->internal[i] = (char)(seed + 37 * i);
}

int ncclGetUniqueId(ncclUniqueId *id) {
    pthread_mutex_lock(&gate);
    pattern(id, ids_made++);
    pthread_mutex_unlock(&gate);
    return success;
}

int ncclCommInitRank(void **comm, int size, ncclUniqueId id, int rank) {
    ncclUniqueId wanted;
    pattern(&wanted, (unsigned char)id.internal[0]);
    if (memcmp(&wanted, &id, id_bytes) != 0 || size < 1 || size > most_ranks || rank < 0 || rank >= size) return invalid_argument;
    pthread_mutex_lock(&gate);
    if (refused > 0) {
        refused--;
        pthread_mutex_unlock(&gate);
        return invalid_usage;
    }
    World *world = NULL;
    for (int i = 0; i < world_count; i++)
        if (memcmp(&worlds[i].id, &id, id_bytes) == 0 && worlds[i].joined < worlds[i].size) world = &worlds[i];
    if (world == NULL) {
        world = &worlds[world_count++ % most_worlds];
        memset(world, 0, sizeof *world);
        world->id = id;
        world->size = size;
    }
    if (world->size != size || world->taken[rank]) {
        pthread_mutex_unlock(&gate);
        return invalid_usage;
    }
    world->taken[rank] = 1;
    world->joined++;
    note(rank, "join %d", size);
    pthread_cond_broadcast(&moved);
    while (world->joined < size) pthread_cond_wait(&moved, &gate);
    pthread_mutex_unlock(&gate);
    Comm *made = malloc(sizeof *made);
    made->world = world;
    made->rank = rank;
    *comm = made;
    return success;
}

static int leave(Comm *comm, const char *how) {
    pthread_mutex_lock(&gate);
    note(comm->rank, "%s", how);
    pthread_mutex_unlock(&gate);
    free(comm);
    return success;
}

int ncclCommDestroy(Comm *comm) { return leave(comm, "destroy"); }

int ncclCommAbort(Comm *comm) { return leave(comm, "abort"); }

int ncclGroupStart(void) { depth++; return success; }

static int enqueue(char *address, size_t count, int type, int peer, Comm *comm, void *stream, int sends) {
    if (depth == 0) return invalid_usage; /* alone it would wait for the other side for ever */
    if (type != uint8_type || stream != NULL || peer < 0 || peer >= comm->world->size || queued == most_queued) return invalid_argument;
    queue[queued++] = (Move){comm, address, count, peer, sends};
    pthread_mutex_lock(&gate);
    note(comm->rank, "%s %d %zu", sends ? "send" : "receive", peer, count);
    pthread_mutex_unlock(&gate);
    return success;
}

int ncclSend(const void *from, size_t count, int type, int peer, Comm *comm, void *stream) {
    return enqueue((char *)from, count, type, peer, comm, stream, 1);
}

int ncclRecv(void *to, size_t count, int type, int peer, Comm *comm, void *stream) {
    return enqueue(to, count, type, peer, comm, stream, 0);
}

int ncclGroupEnd(void) {
    if (depth == 0) return invalid_usage;
    if (--depth > 0) return success;
    int result = success;
    pthread_mutex_lock(&gate);
    if (queued > 0) note(queue[0].comm->rank, "move %d", queued);
    for (int i = 0; i < queued; i++) {
        Move *move = &queue[i];
        World *world = move->comm->world;
        if (move->sends) {
            world->posted[move->comm->rank][move->peer] = move->address;
            world->length[move->comm->rank][move->peer] = move->count;
            pthread_cond_broadcast(&moved);
        }
    }
    for (int i = 0; i < queued; i++) {
        Move *move = &queue[i];
        World *world = move->comm->world;
        int rank = move->comm->rank;
        if (!move->sends) {
            while (world->posted[move->peer][rank] == NULL) pthread_cond_wait(&moved, &gate);
            if (world->length[move->peer][rank] != move->count) result = invalid_argument;
            else memcpy(move->address, world->posted[move->peer][rank], move->count);
            world->posted[move->peer][rank] = NULL;
            pthread_cond_broadcast(&moved);
        }
    }
    for (int i = 0; i < queued; i++) {
        Move *move = &queue[i];
        while (move->sends && move->comm->world->posted[move->comm->rank][move->peer] != NULL) pthread_cond_wait(&moved, &gate);
    }
    queued = 0;
    pthread_mutex_unlock(&gate);
    return result;
}

static void barrier(World *world) {
    int round = world->round;
    if (++world->arrived == world->size) {
        world->arrived = 0;
        world->round++;
        pthread_cond_broadcast(&moved);
    } else
        while (world->round == round) pthread_cond_wait(&moved, &gate);
}

int ncclAllGather(const void *from, void *to, size_t count, int type, Comm *comm, void *stream) {
    if (type != uint8_type || stream != NULL || depth > 0) return invalid_argument;
    World *world = comm->world;
    pthread_mutex_lock(&gate);
    note(comm->rank, "gather %zu", count);
    world->piece[comm->rank] = from;
    barrier(world);
    for (int rank = 0; rank < world->size; rank++) memcpy((char *)to + rank * count, world->piece[rank], count);
    barrier(world);
    pthread_mutex_unlock(&gate);
    return success;
}
