#pragma once
#define CURL_DISABLE_TYPECHECK 1
#include <curl/curl.h>

/* Swift can't call variadic functions: one wrapper for each kind of argument. */

typedef size_t (*adit_curl_data_cb)(char *data, size_t size, size_t count, void *context);
typedef int (*adit_curl_seek_cb)(void *context, curl_off_t offset, int origin);

static inline CURLcode adit_curl_setopt_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode adit_curl_setopt_off(CURL *h, CURLoption o, curl_off_t v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode adit_curl_setopt_string(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode adit_curl_setopt_pointer(CURL *h, CURLoption o, const void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode adit_curl_setopt_slist(CURL *h, CURLoption o, struct curl_slist *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode adit_curl_setopt_data(CURL *h, CURLoption o, adit_curl_data_cb v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode adit_curl_setopt_seek(CURL *h, adit_curl_seek_cb v) { return curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, v); }
static inline CURLcode adit_curl_getinfo_long(CURL *h, CURLINFO i, long *v) { return curl_easy_getinfo(h, i, v); }
static inline CURLMcode adit_curl_multi_setopt_long(CURLM *m, CURLMoption o, long v) { return curl_multi_setopt(m, o, v); }
