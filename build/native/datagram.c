/*
 * What Node lacks for datagrams: unix ones at all, many in one system call, a socket that is only read when somebody wants to.
 * Every function gives a number, below zero an error number (-errno).
 *
 *   open(kind, address, port, receiveBufferBytes)  a bound socket's descriptor; kind 4, 6, or 1 for a unix path
 *   port(fd), receiveBuffer(fd)
 *   receive(fd, slab, slotBytes, notes)            how many datagrams now stand in the slab's slots; see NOTE_ for the notes
 *   watch(fd, call)                                a watcher that calls when there is something to read, after `wait`
 *   wait(watcher, yes), unwatch(watcher)           `unwatch` closes the descriptor too
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <node_api.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#define BATCH_MAX 64
/* int32s a datagram: length, truncated, family (0 none, 4, 6), port, pid (0 unknown), uid, gid, scope, address (16 bytes) */
#define NOTE_INTS 12
#define NOTE_ADDRESS 8

typedef struct {
  uv_poll_t poll;
  napi_env env;
  napi_ref call;
  int descriptor;
} watcher;

static napi_value number(napi_env env, int64_t value) {
  napi_value result;
  return napi_create_int64(env, value, &result) == napi_ok ? result : NULL;
}

static int set(int descriptor, int level, int name, int value) {
  return setsockopt(descriptor, level, name, &value, sizeof value);
}

/* The caller's own address stands in `to`. */
static socklen_t address_of(int kind, const char *text, int port, struct sockaddr_storage *to) {
  memset(to, 0, sizeof *to);
  if (kind == 4) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)to;
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, text, &v4->sin_addr) == 1 ? sizeof *v4 : 0;
  }
  if (kind == 6) {
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1 ? sizeof *v6 : 0;
  }
  struct sockaddr_un *path = (struct sockaddr_un *)to;
  size_t bytes = strlen(text);
  if (bytes == 0 || bytes >= sizeof path->sun_path) return 0;
  path->sun_family = AF_UNIX;
  memcpy(path->sun_path, text, bytes);
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + 1);
}

static int open_socket(int kind, const char *text, int port, int buffer_bytes) {
  struct sockaddr_storage at;
  socklen_t bytes = address_of(kind, text, port, &at);
  if (bytes == 0) return -EINVAL;
  int descriptor = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -errno;
  /* The first needs a capability and knows no limit; the second stops at net.core.rmem_max without an error. */
  if (buffer_bytes > 0 && set(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes) < 0)
    set(descriptor, SOL_SOCKET, SO_RCVBUF, buffer_bytes);
  if ((kind != 1 || set(descriptor, SOL_SOCKET, SO_PASSCRED, 1) == 0) &&
      bind(descriptor, (struct sockaddr *)&at, bytes) == 0)
    return descriptor;
  int error = errno;
  close(descriptor);
  return -error;
}

static napi_value open_(napi_env env, napi_callback_info info) {
  size_t count = 4, length = 0;
  napi_value given[4];
  int32_t kind = 0, port = 0, buffer_bytes = 0;
  char text[256];
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 4 ||
      napi_get_value_int32(env, given[0], &kind) != napi_ok ||
      napi_get_value_string_utf8(env, given[1], text, sizeof text, &length) != napi_ok || length >= sizeof text - 1 ||
      napi_get_value_int32(env, given[2], &port) != napi_ok ||
      napi_get_value_int32(env, given[3], &buffer_bytes) != napi_ok)
    return number(env, -EINVAL);
  return number(env, open_socket(kind, text, port, buffer_bytes));
}

static bool one_int(napi_env env, napi_callback_info info, int32_t *value) {
  size_t count = 1;
  napi_value given[1];
  return napi_get_cb_info(env, info, &count, given, NULL, NULL) == napi_ok && count == 1 &&
         napi_get_value_int32(env, given[0], value) == napi_ok;
}

static napi_value port_(napi_env env, napi_callback_info info) {
  int32_t descriptor;
  struct sockaddr_storage at;
  socklen_t bytes = sizeof at;
  if (!one_int(env, info, &descriptor)) return number(env, -EINVAL);
  if (getsockname(descriptor, (struct sockaddr *)&at, &bytes) < 0) return number(env, -errno);
  if (at.ss_family == AF_INET) return number(env, ntohs(((struct sockaddr_in *)&at)->sin_port));
  if (at.ss_family == AF_INET6) return number(env, ntohs(((struct sockaddr_in6 *)&at)->sin6_port));
  return number(env, 0);
}

static napi_value receive_buffer(napi_env env, napi_callback_info info) {
  int32_t descriptor;
  int value = 0;
  socklen_t bytes = sizeof value;
  if (!one_int(env, info, &descriptor)) return number(env, -EINVAL);
  if (getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &value, &bytes) < 0) return number(env, -errno);
  return number(env, value);
}

static void note_address(const struct sockaddr_storage *from, int32_t *note) {
  if (from->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
    note[2] = 4;
    note[3] = ntohs(v4->sin_port);
    memcpy(note + NOTE_ADDRESS, &v4->sin_addr, 4);
  } else if (from->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
    bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
    note[2] = mapped ? 4 : 6;
    note[3] = ntohs(v6->sin6_port);
    note[7] = (int32_t)v6->sin6_scope_id;
    memcpy(note + NOTE_ADDRESS, (const uint8_t *)&v6->sin6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
  }
}

static void note_sender(struct msghdr *header, int32_t *note) {
  for (struct cmsghdr *one = CMSG_FIRSTHDR(header); one != NULL; one = CMSG_NXTHDR(header, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_CREDENTIALS) continue;
    struct ucred who;
    memcpy(&who, CMSG_DATA(one), sizeof who);
    note[4] = who.pid;
    note[5] = (int32_t)who.uid;
    note[6] = (int32_t)who.gid;
  }
}

static int receive_batch(int descriptor, uint8_t *slab, size_t slot_bytes, int slots, int32_t *notes) {
  static struct mmsghdr headers[BATCH_MAX];
  static struct iovec places[BATCH_MAX];
  static struct sockaddr_storage from[BATCH_MAX];
  /* Room for credentials, which come first; descriptors that somebody sends along do not fit, and the kernel closes them. */
  static _Alignas(struct cmsghdr) uint8_t extra[BATCH_MAX][CMSG_SPACE(sizeof(struct ucred))];
  for (int at = 0; at < slots; at++) {
    places[at] = (struct iovec){.iov_base = slab + at * slot_bytes, .iov_len = slot_bytes};
    headers[at].msg_hdr = (struct msghdr){.msg_name = &from[at],
                                          .msg_namelen = sizeof from[at],
                                          .msg_iov = &places[at],
                                          .msg_iovlen = 1,
                                          .msg_control = extra[at],
                                          .msg_controllen = sizeof extra[at]};
    from[at].ss_family = AF_UNSPEC;
  }
  int got;
  do got = recvmmsg(descriptor, headers, (unsigned)slots, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
  while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  for (int at = 0; at < got; at++) {
    int32_t *note = notes + (size_t)at * NOTE_INTS;
    memset(note, 0, NOTE_INTS * sizeof *note);
    note[0] = (int32_t)headers[at].msg_len;
    note[1] = (headers[at].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    if (headers[at].msg_hdr.msg_namelen > 0) note_address(&from[at], note);
    note_sender(&headers[at].msg_hdr, note);
  }
  return got;
}

static napi_value receive(napi_env env, napi_callback_info info) {
  size_t count = 4, slab_bytes = 0, note_ints = 0;
  napi_value given[4];
  napi_typedarray_type slab_type, notes_type;
  int32_t descriptor = 0, slot_bytes = 0;
  void *slab = NULL, *notes = NULL;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 4 ||
      napi_get_value_int32(env, given[0], &descriptor) != napi_ok ||
      napi_get_typedarray_info(env, given[1], &slab_type, &slab_bytes, &slab, NULL, NULL) != napi_ok ||
      slab_type != napi_uint8_array || napi_get_value_int32(env, given[2], &slot_bytes) != napi_ok || slot_bytes < 1 ||
      napi_get_typedarray_info(env, given[3], &notes_type, &note_ints, &notes, NULL, NULL) != napi_ok ||
      notes_type != napi_int32_array)
    return number(env, -EINVAL);
  size_t slots = slab_bytes / (size_t)slot_bytes;
  if (slots > note_ints / NOTE_INTS) slots = note_ints / NOTE_INTS;
  if (slots > BATCH_MAX) slots = BATCH_MAX;
  if (slots == 0) return number(env, -EINVAL);
  return number(env, receive_batch(descriptor, slab, (size_t)slot_bytes, (int)slots, notes));
}

static void readable(uv_poll_t *poll, int status, int events) {
  watcher *self = poll->data;
  napi_handle_scope scope;
  napi_value call, global;
  (void)status;
  (void)events;
  /* It waits once: whoever is called asks again. */
  uv_poll_stop(poll);
  if (napi_open_handle_scope(self->env, &scope) != napi_ok) return;
  if (napi_get_reference_value(self->env, self->call, &call) == napi_ok && napi_get_global(self->env, &global) == napi_ok)
    napi_make_callback(self->env, NULL, global, call, 0, NULL, NULL);
  napi_close_handle_scope(self->env, scope);
}

static void watcher_closed(uv_handle_t *handle) { free(handle->data); }

static napi_value watch(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value given[2], result;
  int32_t descriptor;
  uv_loop_t *loop;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 2 ||
      napi_get_value_int32(env, given[0], &descriptor) != napi_ok || napi_get_uv_event_loop(env, &loop) != napi_ok)
    return number(env, -EINVAL);
  watcher *self = calloc(1, sizeof *self);
  if (self == NULL) return number(env, -ENOMEM);
  int error = uv_poll_init(loop, &self->poll, descriptor);
  if (error != 0) {
    free(self);
    return number(env, error);
  }
  self->poll.data = self;
  self->env = env;
  self->descriptor = descriptor;
  if (napi_create_reference(env, given[1], 1, &self->call) != napi_ok ||
      napi_create_external(env, self, NULL, NULL, &result) != napi_ok) {
    uv_close((uv_handle_t *)&self->poll, watcher_closed);
    return number(env, -EINVAL);
  }
  return result;
}

static watcher *watcher_of(napi_env env, napi_value value) {
  void *self = NULL;
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return NULL;
  return napi_get_value_external(env, value, &self) == napi_ok ? self : NULL;
}

static napi_value wait_(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value given[2];
  bool yes = false;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 2 ||
      napi_get_value_bool(env, given[1], &yes) != napi_ok)
    return number(env, -EINVAL);
  watcher *self = watcher_of(env, given[0]);
  if (self == NULL) return number(env, -EINVAL);
  return number(env, yes ? uv_poll_start(&self->poll, UV_READABLE, readable) : uv_poll_stop(&self->poll));
}

static napi_value unwatch(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value given[1];
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count != 1) return number(env, -EINVAL);
  watcher *self = watcher_of(env, given[0]);
  if (self == NULL || uv_is_closing((uv_handle_t *)&self->poll)) return number(env, -EINVAL);
  napi_delete_reference(env, self->call);
  self->call = NULL;
  uv_close((uv_handle_t *)&self->poll, watcher_closed);
  /* It is no longer polled: the port is free as soon as this returns. */
  close(self->descriptor);
  return number(env, 0);
}

NAPI_MODULE_INIT() {
  const struct {
    const char *name;
    napi_callback call;
  } all[] = {{"open", open_}, {"port", port_},  {"receiveBuffer", receive_buffer}, {"receive", receive},
             {"watch", watch}, {"wait", wait_}, {"unwatch", unwatch}};
  for (size_t at = 0; at < sizeof all / sizeof *all; at++) {
    napi_value function;
    if (napi_create_function(env, all[at].name, NAPI_AUTO_LENGTH, all[at].call, NULL, &function) != napi_ok) return NULL;
    if (napi_set_named_property(env, exports, all[at].name, function) != napi_ok) return NULL;
  }
  return exports;
}
