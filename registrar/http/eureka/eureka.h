// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * eureka - Eureka's API, below /eureka and /eureka/v2.
 *
 * An application is a service of the zone, its name in upper case; an instance
 * has a lease, and who lets it run out is gone at once: there is no
 * self-preservation. JSON for who asks for it, else XML; JSON alone comes in.
 */
#include "registrar/http/http.h"

extern const struct http_api eureka_http;
