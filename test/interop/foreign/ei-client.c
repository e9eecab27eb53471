/*
 * A foreign client in C, over libei. It connects to a node, asks its net_kernel {is_auth, Self} as gen_server:call/2
 * would and, given a registered name there, sends it {self(), hello} with REG_SEND; it prints what it received. With
 * -wait in place of the name it stays connected and prints what comes until it is ended.
 * Usage: ei-client ALIVE HOST COOKIE PEER [NAME | -wait]. Exit code 0 when the peer answered everything.
 */
#include <ei.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000 };

static int fail(const char *what)
{
    fprintf(stderr, "%s failed (errno %d)\n", what, erl_errno);
    return EXIT_FAILURE;
}

/* Waits for the next message, passing over ticks, and prints it. */
static int receive(int fd, const char *label)
{
    for (;;) {
        erlang_msg msg;
        ei_x_buff x;
        ei_x_new(&x);
        int got = ei_xreceive_msg_tmo(fd, &msg, &x, TIMEOUT_MS);
        if (got == ERL_MSG) {
            int index = 0, version;
            char *text = NULL;
            if (ei_decode_version(x.buff, &index, &version) < 0 || ei_s_print_term(&text, x.buff, &index) < 0) {
                return fail("decoding");
            }
            printf("%s %s\n", label, text);
            free(text);
            ei_x_free(&x);
            return EXIT_SUCCESS;
        }
        ei_x_free(&x);
        if (got != ERL_TICK) {
            return fail("receiving");
        }
    }
}

/* {'$gen_call', {Self, Ref}, {is_auth, Node}} to net_kernel; the answer is {Ref, yes}. */
static int is_auth(ei_cnode *ec, int fd)
{
    erlang_ref ref;
    ei_x_buff x;
    if (ei_make_ref(ec, &ref) < 0) {
        return fail("making a reference");
    }
    ei_x_new_with_version(&x);
    ei_x_encode_tuple_header(&x, 3);
    ei_x_encode_atom(&x, "$gen_call");
    ei_x_encode_tuple_header(&x, 2);
    ei_x_encode_pid(&x, ei_self(ec));
    ei_x_encode_ref(&x, &ref);
    ei_x_encode_tuple_header(&x, 2);
    ei_x_encode_atom(&x, "is_auth");
    ei_x_encode_atom(&x, ei_thisnodename(ec));
    int sent = ei_reg_send_tmo(ec, fd, "net_kernel", x.buff, x.index, TIMEOUT_MS);
    ei_x_free(&x);
    return sent < 0 ? fail("calling net_kernel") : receive(fd, "net_kernel answered");
}

static int say_hello(ei_cnode *ec, int fd, char *name)
{
    ei_x_buff x;
    ei_x_new_with_version(&x);
    ei_x_encode_tuple_header(&x, 2);
    ei_x_encode_pid(&x, ei_self(ec));
    ei_x_encode_atom(&x, "hello");
    int sent = ei_reg_send_tmo(ec, fd, name, x.buff, x.index, TIMEOUT_MS);
    ei_x_free(&x);
    return sent < 0 ? fail("sending") : receive(fd, "received");
}

/* Answers ticks by itself. */
static int wait_for_messages(int fd)
{
    printf("waiting\n");
    for (;;) {
        erlang_msg msg;
        ei_x_buff x;
        ei_x_new(&x);
        int got = ei_xreceive_msg(fd, &msg, &x);
        ei_x_free(&x);
        if (got == ERL_ERROR) {
            return fail("receiving");
        }
        if (got != ERL_TICK) {
            printf("got a message of type %ld\n", msg.msgtype);
        }
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 5) {
        fprintf(stderr, "usage: %s ALIVE HOST COOKIE PEER [NAME | -wait]\n", argv[0]);
        return EXIT_FAILURE;
    }
    char self[MAXNODELEN + 1];
    struct in_addr address = {htonl(INADDR_LOOPBACK)};
    ei_cnode ec;
    snprintf(self, sizeof self, "%s@%s", argv[1], argv[2]);
    if (ei_init() != 0 || ei_connect_xinit(&ec, argv[2], argv[1], self, &address, argv[3], 1) < 0) {
        return fail("initialising");
    }
    int fd = ei_connect_tmo(&ec, argv[4], TIMEOUT_MS);
    if (fd < 0) {
        return fail("connecting");
    }
    printf("connected\n");
    int code = is_auth(&ec, fd);
    if (code == EXIT_SUCCESS && argc > 5 && strcmp(argv[5], "-wait") == 0) {
        code = wait_for_messages(fd);
    } else if (code == EXIT_SUCCESS && argc > 5) {
        code = say_hello(&ec, fd, argv[5]);
    }
    ei_close_connection(fd);
    return code;
}
