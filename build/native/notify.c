/*
 * One function that Node lacks: send one datagram to a unix socket, which is how a service tells systemd that it is ready
 * and alive (sd_notify). `send(path, text)` gives 0, or the error number; `@name` is an abstract address.
 */
#include <errno.h>
#include <node_api.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEXT_BYTES_MAX 4096

static int send_datagram(const char *path, size_t path_bytes, const char *text, size_t text_bytes) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (path_bytes < 2 || path_bytes >= sizeof to.sun_path) return ENAMETOOLONG;
  memcpy(to.sun_path, path, path_bytes);
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
  int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return errno;
  socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_bytes);
  ssize_t sent = sendto(descriptor, text, text_bytes, MSG_NOSIGNAL, (struct sockaddr *)&to, bytes);
  int error = sent < 0 ? errno : 0;
  close(descriptor);
  return error;
}

static napi_value send_text(napi_env env, napi_callback_info info) {
  size_t count = 2, path_bytes = 0, text_bytes = 0;
  napi_value given[2], result;
  char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1], text[TEXT_BYTES_MAX];
  int error = EINVAL;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) == napi_ok && count == 2 &&
      napi_get_value_string_utf8(env, given[0], path, sizeof path, &path_bytes) == napi_ok &&
      napi_get_value_string_utf8(env, given[1], text, sizeof text, &text_bytes) == napi_ok)
    error = send_datagram(path, path_bytes, text, text_bytes);
  return napi_create_int32(env, error, &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "send", NAPI_AUTO_LENGTH, send_text, NULL, &function) != napi_ok) return NULL;
  if (napi_set_named_property(env, exports, "send", function) != napi_ok) return NULL;
  return exports;
}
