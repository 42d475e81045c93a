// SPDX-License-Identifier: BSD-3-Clause
// How requests begin and end, and connections with them: each request gets exactly one outcome.
#include "ending.h"

#include "clock.h"
#include "worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void start_request(struct worker *worker, struct client *client, int64_t now_ns)
{
    uint32_t slots = (uint32_t)worker->settings->pipeline;
    uint32_t slot = client->oldest + client->in_flight;

    client->started_ns[slot < slots ? slot : slot - slots] = now_ns;
    client->in_flight++;
    client->on_connection++;
    client->unsent += worker->exchange->request_size;
    worker->accounting.started++;
}

int64_t end_request(struct worker *worker, struct client *client, enum outcome outcome)
{
    int64_t started_ns = client->started_ns[client->oldest];

    client->oldest++;
    if (client->oldest == worker->settings->pipeline)
        client->oldest = 0;
    client->in_flight--;
    worker->accounting.by_outcome[outcome]++;
    return started_ns;
}

// How many segments this side of a connection has sent again.
static uint64_t count_retransmits(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_total_retrans : 0;
}

void close_connection(struct worker *worker, struct client *client)
{
    if (client->fd != -1) {
        worker->accounting.retransmits += count_retransmits(client->fd);
        close(client->fd);
    }
    client->fd = -1;
    client->state = CLIENT_ABSENT;
    client->watched = 0;
    client->send_failed = false;
    client->on_connection = 0;
    client->unsent = 0;
    client->send_offset = 0;
    memset(&client->reply, 0, sizeof client->reply);
}

void end_with_reply(struct worker *worker, struct client *client, enum reply_state state,
                    int64_t now_ns)
{
    enum window_side side = window_admit(worker->window, now_ns);
    struct accounting *accounting = &worker->accounting;

    if (side == WINDOW_OVER) {
        worker->stopped = true;
        return;
    }
    client->was_answered = true;
    if (state == REPLY_RIGHT) {
        int64_t latency_ns = now_ns - end_request(worker, client, OUTCOME_OK);
        if (latency_ns > accounting->slowest_ns)
            accounting->slowest_ns = latency_ns;
        if (side == WINDOW_INSIDE) {
            histogram_record(&worker->histogram, latency_ns);
            timeline_count(
                &worker->timeline,
                now_ns - atomic_load_explicit(&worker->window->begin_ns, memory_order_relaxed));
        }
    } else {
        end_request(worker, client, OUTCOME_WRONG);
        accounting->surplus_bytes += client->reply.surplus;
        if (!accounting->wrong_seen) {
            accounting->wrong_seen = true;
            accounting->first_wrong = client->reply.got;
        }
    }
    if (reply_begun(&client->reply))
        memset(&client->reply, 0, sizeof client->reply);
}

void end_all(struct worker *worker, struct client *client, enum outcome outcome, int64_t now_ns)
{
    if (client->in_flight > 0 && reply_begun(&client->reply)) {
        if (client->reply.wrong)
            end_with_reply(worker, client, REPLY_WRONG, now_ns);
        else if (outcome == OUTCOME_CLOSED || outcome == OUTCOME_RESET)
            worker->accounting.cut_short++;
    }
    if (worker->stopped)
        return;
    while (client->in_flight > 0)
        end_request(worker, client, outcome);
    close_connection(worker, client);
}

void fail_locally(struct worker *worker, struct client *client, const char *call, int error,
                  int64_t now_ns)
{
    if (worker->accounting.local_call == NULL) {
        worker->accounting.local_call = call;
        worker->accounting.local_errno = error;
    }
    end_all(worker, client, OUTCOME_LOCAL, now_ns);
    worker_pause(worker, client, now_ns);
}

void lose_connection(struct worker *worker, struct client *client, const char *call, int error,
                     int64_t now_ns)
{
    enum outcome outcome;

    switch (error) {
    case ECONNREFUSED:
        outcome = OUTCOME_REFUSED;
        break;
    case ECONNRESET:
        outcome = OUTCOME_RESET;
        break;
    case EPIPE: // the server had closed in order before our bytes came
        outcome = OUTCOME_CLOSED;
        break;
    case ETIMEDOUT:
        outcome = OUTCOME_TIMEOUT;
        break;
    default:
        fail_locally(worker, client, call, error, now_ns);
        return;
    }
    end_all(worker, client, outcome, now_ns);
    if (!worker->stopped)
        worker_pause(worker, client, now_ns);
}
