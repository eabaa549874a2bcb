/*
 * Two functions that look at every byte, with the processor's own instructions: `crc32(bytes)`, the same number as zlib's, and
 * `countLineFeeds(bytes, length)`. Where the processor lacks them `crc32` is left out, and the caller has Node's.
 */
#include <node_api.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint32_t table[256];

static void fill_table(void) {
  for (uint32_t at = 0; at < 256; at++) {
    uint32_t value = at;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ (value & 1 ? 0xedb88320u : 0);
    table[at] = value;
  }
}

static uint32_t byte_by_byte(const uint8_t *bytes, size_t length, uint32_t crc) {
  for (size_t at = 0; at < length; at++) crc = (crc >> 8) ^ table[(crc ^ bytes[at]) & 0xff];
  return crc;
}

#if defined(__x86_64__)
#include <smmintrin.h>
#include <wmmintrin.h>

static int can_crc(void) { return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"); }

#define FOLDS __attribute__((target("pclmul,sse4.1")))
/* What stands in `x` moved on by as many bits as the constants say, and `next` there. */
#define MOVED(x, by, next) \
  _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x, by, 0x00), _mm_clmulepi64_si128(x, by, 0x11)), next)

static inline __m128i load(const uint8_t *bytes) { return _mm_loadu_si128((const __m128i *)bytes); }

/*
 * "Fast CRC computation for generic polynomials using PCLMULQDQ", Intel 2009: four sums of 16 bytes each, folded into one at the
 * end, and that reduced by Barrett's method; constants for the reflected polynomial. At least 64 bytes, a multiple of 16.
 */
FOLDS static uint32_t fold(const uint8_t *bytes, size_t length, uint32_t crc) {
  const __m128i by64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  const __m128i by8 = _mm_set_epi64x(0, 0x0163cd6124);
  const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  const __m128i low = _mm_set_epi32(0, -1, 0, -1);
  __m128i a = _mm_xor_si128(load(bytes), _mm_cvtsi32_si128((int)crc));
  __m128i b = load(bytes + 16), c = load(bytes + 32), d = load(bytes + 48);
  const uint8_t *end = bytes + length;
  for (bytes += 64; bytes + 64 <= end; bytes += 64) {
    a = MOVED(a, by64, load(bytes));
    b = MOVED(b, by64, load(bytes + 16));
    c = MOVED(c, by64, load(bytes + 32));
    d = MOVED(d, by64, load(bytes + 48));
  }
  a = MOVED(a, by16, b);
  a = MOVED(a, by16, c);
  a = MOVED(a, by16, d);
  for (; bytes < end; bytes += 16) a = MOVED(a, by16, load(bytes));
  a = _mm_xor_si128(_mm_srli_si128(a, 8), _mm_clmulepi64_si128(a, by16, 0x10));
  a = _mm_xor_si128(_mm_srli_si128(a, 4), _mm_clmulepi64_si128(_mm_and_si128(a, low), by8, 0x00));
  b = _mm_and_si128(_mm_clmulepi64_si128(_mm_and_si128(a, low), barrett, 0x10), low);
  a = _mm_xor_si128(a, _mm_clmulepi64_si128(b, barrett, 0x00));
  return (uint32_t)_mm_extract_epi32(a, 1);
}

static uint32_t checksum(const uint8_t *bytes, size_t length) {
  size_t folded = length < 64 ? 0 : length & ~(size_t)15;
  uint32_t crc = 0xffffffffu;
  if (folded > 0) crc = fold(bytes, folded, crc);
  return ~byte_by_byte(bytes + folded, length - folded, crc);
}

#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

static int can_crc(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

__attribute__((target("+crc"))) static uint32_t checksum(const uint8_t *bytes, size_t length) {
  uint32_t crc = 0xffffffffu;
  size_t at = 0;
  for (; at + 8 <= length; at += 8) {
    uint64_t next;
    memcpy(&next, bytes + at, 8);
    crc = __crc32d(crc, next);
  }
  return ~byte_by_byte(bytes + at, length - at, crc);
}

#else
static int can_crc(void) { return 0; }
static uint32_t checksum(const uint8_t *bytes, size_t length) { return ~byte_by_byte(bytes, length, 0xffffffffu); }
#endif

typedef uint8_t lanes __attribute__((vector_size(16)));
#define ROUNDS_MAX 255 /* then a lane could overflow */

static uint32_t count_line_feeds(const uint8_t *bytes, size_t length) {
  uint32_t total = 0;
  size_t at = 0;
  while (at + 64 <= length) {
    lanes a = {0}, b = {0}, c = {0}, d = {0};
    for (int round = 0; round < ROUNDS_MAX && at + 64 <= length; round++, at += 64) {
      lanes next[4];
      memcpy(next, bytes + at, 64);
      /* A comparison gives −1 where it holds. */
      a -= (lanes)(next[0] == '\n');
      b -= (lanes)(next[1] == '\n');
      c -= (lanes)(next[2] == '\n');
      d -= (lanes)(next[3] == '\n');
    }
    for (int lane = 0; lane < 16; lane++) total += a[lane] + b[lane] + c[lane] + d[lane];
  }
  for (; at < length; at++) total += bytes[at] == '\n';
  return total;
}

/* The bytes of a Uint8Array; 0 where it is none. */
static int bytes_of(napi_env env, napi_value value, void **bytes, size_t *length) {
  napi_typedarray_type type;
  return napi_get_typedarray_info(env, value, &type, length, bytes, NULL, NULL) == napi_ok && type == napi_uint8_array;
}

static napi_value crc_of(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  void *bytes;
  napi_value given, result;
  if (napi_get_cb_info(env, info, &count, &given, NULL, NULL) != napi_ok || !bytes_of(env, given, &bytes, &length)) {
    napi_throw_type_error(env, NULL, "crc32(Uint8Array)");
    return NULL;
  }
  return napi_create_uint32(env, checksum(bytes, length), &result) == napi_ok ? result : NULL;
}

static napi_value line_feeds_of(napi_env env, napi_callback_info info) {
  size_t count = 2, there = 0;
  uint32_t length = 0;
  void *bytes;
  napi_value given[2], result;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || !bytes_of(env, given[0], &bytes, &there) ||
      napi_get_value_uint32(env, given[1], &length) != napi_ok || length > there) {
    napi_throw_type_error(env, NULL, "countLineFeeds(Uint8Array, length)");
    return NULL;
  }
  return napi_create_uint32(env, count_line_feeds(bytes, length), &result) == napi_ok ? result : NULL;
}

static int export_function(napi_env env, napi_value exports, const char *name, napi_callback call) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, call, NULL, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

NAPI_MODULE_INIT() {
  fill_table();
  if (can_crc() && !export_function(env, exports, "crc32", crc_of)) return NULL;
  return export_function(env, exports, "countLineFeeds", line_feeds_of) ? exports : NULL;
}
