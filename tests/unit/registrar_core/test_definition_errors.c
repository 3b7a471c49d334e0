// SPDX-License-Identifier: BSD-2-Clause
#include "definition_errors_support.h"

#define URL_RULE                                                               \
	"expected http:// or https://, a numeric address (IPv6 in brackets) "  \
	"or localhost, a port, a path; the name of a virtual host belongs to " \
	"'headers' as Host"

#define A20 "aaaaaaaaaaaaaaaaaaaa"
#define A60 A20 A20 A20

static const struct bad_definition bad[] = {
	{ "service: " A60 "aa\nzone: " A60 "." A20 A20 "bbbbbbbbbbbbbbbbbbb\n"
	  "protocol: sctp\nport: 1\ninstances:\n"
	  "- {name: " A60 "aa}\n- {name: " A60 "aaa}",
	    "7:3: found instance '" A60 "aaa' of a service and zone with long "
	    "names, expected one with which I._S._P.Z is at most 255 octets\n" },
	{ "[]", "1:1: found a list, expected a service as a map\n" },
	{ "port: 80", "1:1: found a service without 'service', expected 1..62 "
	              "of a-z 0-9 '-', no '-' at either end\n" },
	{ "service: Payment\nport: 80",
	    "1:10: found 'Payment' for 'service', expected 1..62 of a-z 0-9 "
	    "'-', no '-' at either end\n" },
	{ "service: a",
	    "1:1: found a service without 'instances', 'port', 'ports' and "
	    "'process', expected at least one of them\n" },
	{ "service: a\nport: 80\ninstnaces: []",
	    "3:1: found key 'instnaces' in a service, expected "
	    "'instances'\n" },
	{ "service: a\nport: 80\ninstances: []",
	    "3:12: found an empty list for 'instances', expected at least one, "
	    "or no 'instances' for one on this host\n" },
	{ "services: [{service: a, port: 1}]\nport: 3",
	    "2:1: found key 'port' in a file with 'services', expected one of "
	    "services\n" },
	{ "service: a\nport: 70000\nttl: 1.5s\nmax_answers: 0\non_empty: last",
	    "2:7: found '70000' for 'port', expected a number from 1 to "
	    "65535\n"
	    "3:6: found '1.5s' for 'ttl', expected whole seconds from 0s to 7d "
	    "such as '5s'\n"
	    "4:14: found '0' for 'max_answers', expected a number from 1 to "
	    "65535 or 'all'\n"
	    "5:11: found 'last' for 'on_empty', expected one of 'nodata', "
	    "'nxdomain', 'all'\n" },
	{ "service: a\nport: 1\nzone: Svc.\nprotocol: _tcp",
	    "3:7: found 'Svc.' for 'zone', expected lower case labels joined "
	    "by dots, at most 120 octets, no final dot\n"
	    "4:11: found '_tcp' for 'protocol', expected a protocol such as "
	    "tcp or udp\n" },
	{ "service: a\nport: 1\nweight_scale: 0",
	    "3:15: found '0' for 'weight_scale', expected a number from 1 to "
	    "65535\n" },
	{ "service: a\nport: 1\nweight_scale: 256\ninstances:\n"
	  "- {name: a, weight: 255}\n- {name: b, weights: {warning: 256}}",
	    "6:3: found an instance of weight 256 with 'weight_scale: 256', "
	    "expected a weight of at most 255\n" },
	{ "service: a\nport: 1\non_drained: TERM",
	    "3:13: found 'TERM' for 'on_drained', expected 'none' or a map "
	    "with 'exec', 'signal' or both\n" },
	{ "service: a\nport: 1\non_drained: {timeout: 5s}",
	    "3:13: found 'on_drained' without 'exec' and 'signal', expected "
	    "one of them, or both\n" },
	{ "service: a\nport: 1\non_drained: {signal: TERM}",
	    "3:14: found 'signal' without 'process', expected a process to "
	    "send it to\n" },
	{ "service: a\nport: 1\nprocess: {exe: /a}\n"
	  "on_drained: {signal: TREM, user: x}",
	    "4:22: found 'TREM' for 'signal', expected one of 'TERM', 'INT', "
	    "'QUIT', 'HUP', 'USR1', 'USR2', 'WINCH', 'KILL'\n" },
	{ "service: a\nport: 1\nprocess: {exe: /a}\n"
	  "on_drained: {signal: TERM, user: x}",
	    "4:28: found 'user' without 'exec', expected both\n" },
	{ "service: a\nport: 1\non_drained: {exec: [stop], intervall: 5s}",
	    "3:28: found key 'intervall' in 'on_drained', expected one of "
	    "exec, timeout, signal, user, group, dir, env, limits\n" },
	{ "service: a\nport: 1\non_drained: {exec: [stop]}",
	    "3:21: found 'stop' for 'exec', expected the absolute path of a "
	    "program\n" },
	{ "service: a\nport: 1\nslow_start: fast\nrequires: DB\n"
	  "damping: {suppress: 2}",
	    "3:13: found 'fast' for 'slow_start', expected a duration from 0s to 1d "
	    "such as '500ms' or '2s'\n"
	    "4:11: found 'DB' for 'requires', expected the name of a service, "
	    "or SERVICE.ZONE\n"
	    "5:10: found damping without 'half_life', expected a duration "
	    "from 1s to 1d such as '2s' or '1m'\n" },
	{ "service: a\nport: 1\ndamping: {half_life: 1m, reuse: 3}",
	    "3:33: found 'reuse' 3 beside 'suppress' 3, expected fewer\n" },
	{ "service: a\nport: 1\ndamping: {half_life: 1m, max: 1m}",
	    "3:31: found 'max' too short for 'suppress' 3, expected more "
	    "half-lives: nothing would ever be held back\n" },
	{ "service: a\nport: 1\ndamping: {half_life: 1m, max: 22m}",
	    "3:31: found more than 20 half-lives for 'max', expected fewer\n" },
	{ "service: a\nport: 1\nrequires: a",
	    "3:11: found a loop for 'requires', a.svc.test > a.svc.test, "
	    "expected none\n" },
	{ "services:\n- {service: a, port: 1, requires: b}\n"
	  "- {service: b, port: 1, requires: c}\n"
	  "- {service: c, port: 1, requires: a}",
	    "2:35: found a loop for 'requires', a.svc.test > b.svc.test > "
	    "c.svc.test > a.svc.test, expected none\n" },
	{ "service: a\nport: 1\nrequires: [b, b.c.d.e, 'x y', b..c]",
	    "3:24: found 'x y' for 'requires', expected the name of a service, "
	    "or SERVICE.ZONE\n"
	    "3:31: found 'b..c' for 'requires', expected the name of a "
	    "service, or SERVICE.ZONE\n" },
	{ "service: a\nport: 1\nweight: 1\nweights: {passing: 2}",
	    "4:1: found 'weights' beside 'weight', expected one of them\n" },
	{ "service: a\nport: 1\ntags: ['', \"a\\tb\"]\nmeta: {a=b: c}",
	    "3:8: found '' for 'tags', expected tags, each 1..512 octets "
	    "without control characters\n"
	    "3:12: found 'a?b' for 'tags', expected tags, each 1..512 octets "
	    "without control characters\n"
	    "4:8: found key 'a=b' in 'meta', expected printable ASCII without "
	    "'='\n" },
	{ "service: a\nport: 1\nmeta: {a: \"x\\ny\", b: , c: [1]}",
	    "3:11: found a line end or another control character in 'a' of "
	    "'meta', expected text without\n"
	    "3:22: found nothing for 'b' in 'meta', expected a text, '' for an "
	    "empty one\n"
	    "3:27: found a list for 'c' in 'meta', expected a text\n" },
	{ "service: a\nport: 1\nchecks:\n- {http: 'ftp://me:secret@h/', "
	  "headers: {A: \"Bearer s\\nt\"}}\n"
	  "- {exec: [/bin/a], env: {A: \"s\\nt\"}}\n"
	  "- {tcp: '127.0.0.1:1', send: 'AUTH secret\\q'}",
	    "4:45: found a value of 10 octets for 'headers', expected a map of "
	    "header names to values in one line\n"
	    "5:29: found a value of 3 octets for 'env', expected a map of "
	    "variables to words without control characters\n"
	    "6:30: found '\\q' for 'send', expected text of at "
	    "most 1024 octets with the escapes \\r, \\n, \\t, \\0, \\\\ and "
	    "\\xHH\n" },
	{ "service: a\nport: 1\nchecks: [{http: 'ftp://me:secret@h/'}]",
	    "3:17: found 'ftp://me:***@h/' for 'http', " URL_RULE "\n" },
	{ "service: a\nport: 1\ntags: [a, b, a]\nmeta: {K: a, k: b}",
	    "3:7: found tag 'a' a second time, expected it once\n"
	    "4:14: found keys 'K' and 'k' in 'meta', expected them to differ in "
	    "more than case\n" },
	{ "service: a\ninstances:\n- {address: 10.0.0}\n- {address: 0.0.0.0}\n"
	  "- {address: '::ffff:1.2.3.4'}\n- {address: host}\n"
	  "- {address: 010.0.0.1}",
	    "3:13: found '10.0.0' for 'address', expected the IPv4 or IPv6 "
	    "address of a host, not its name\n"
	    "4:13: found '0.0.0.0' for 'address', expected the IPv4 or IPv6 "
	    "address of a host, not its name\n"
	    "5:13: found '::ffff:1.2.3.4' for 'address', expected the IPv4 or "
	    "IPv6 address of a host, not its name\n"
	    "6:13: found 'host' for 'address', expected the IPv4 or IPv6 "
	    "address of a host, not its name\n"
	    "7:13: found '010.0.0.1' for 'address', expected the IPv4 or IPv6 "
	    "address of a host, not its name\n" },
	{ "service: a\ninstances:\n- {address6: 'fd00::1'}\n"
	  "- {address: 10.0.0.1, address6: 10.0.0.2}",
	    "3:4: found 'address6' without an IPv4 'address', expected both or "
	    "'address' alone\n"
	    "4:33: found '10.0.0.2' for 'address6', expected an IPv6 "
	    "address\n" },
	{ "service: a\ninstances:\n- {name: tag}\n- {name: a.b, weight: "
	  "65536}\n- {locality: -x}",
	    "3:10: found 'tag' for 'name', expected 1..63 of a-z 0-9 '-', no "
	    "'-' at either end, not tag or zone\n"
	    "4:10: found 'a.b' for 'name', expected 1..63 of a-z 0-9 '-', no "
	    "'-' at either end, not tag or zone\n"
	    "4:23: found '65536' for 'weight', expected a number from 0 to "
	    "65535\n"
	    "5:14: found '-x' for 'locality', expected 1..63 of a-z 0-9 '-', "
	    "no '-' at either end\n" },
	{ "service: a\nport: 1\ninstances:\n- {address: 10.0.0.1}\n"
	  "- {name: b}\n- {address: 10.0.0.1, port: 1}\n- {name: b, port: 2}",
	    "6:3: found instance '10-0-0-1-1' a second time, expected it once "
	    "(first in line 4)\n"
	    "7:3: found instance 'b' a second time, expected it once (first in "
	    "line 5)\n" },
	{ "services:\n- {service: a, port: 1}\n- {service: b, port: 1}\n"
	  "- {service: a, port: 2}",
	    "4:3: found service 'a' a second time, expected it once (first in "
	    "line 2)\n" },
	{ "service: a\nport: 1\nports: {x: 1}",
	    "3:1: found 'ports' beside 'port', expected one of them\n" },
	{ "service: a\nports: 80",
	    "2:8: found '80' for 'ports', expected a map of names and numbers, "
	    "or a list of maps with port, name and protocol\n" },
	{ "service: a\nports: []", "2:8: found 0 ports, expected 1 to 64\n" },
	{ "service: a\nports: {X: 1, y: 0, z: b}",
	    "2:9: found 'X' as the name of a port, expected 1..62 of a-z 0-9 "
	    "'-', no '-' at either end\n"
	    "2:18: found '0' for 'y', expected a number from 1 to 65535\n"
	    "2:24: found 'b' for 'z', expected a number from 1 to 65535\n" },
	{ "service: a\nports:\n- {port: 1}\n- {port: 2}\n"
	  "- {port: 3, name: x}\n- {port: 4, name: x}\n"
	  "- {port: 5, name: x, protocol: udp}",
	    "4:3: found a port without a name after another of protocol 'tcp', "
	    "expected it to have one\n"
	    "6:3: found port 'x' of protocol 'tcp' a second time, expected it "
	    "once (first in line 5)\n" },
	{ "service: a\nports: [{name: x}, {port: 1, protocol: _tcp}]",
	    "2:9: found a port without 'port', expected a number from 1 to "
	    "65535\n"
	    "2:40: found '_tcp' for 'protocol', expected a protocol such as "
	    "tcp or udp\n" },
	{ "service: a\nports: {x: 1, y: 2}\ninstances:\n"
	  "- {name: a, ports: {z: 1}}\n- {name: b, port: 1, ports: {x: 2}}\n"
	  "- {name: c, ports: [{port: 1}]}",
	    "4:21: found port 'z', expected a port of its service: x/tcp, "
	    "y/tcp\n"
	    "5:30: found the number of port 'x' a second time, expected it "
	    "once\n"
	    "6:21: found a port without a name, expected a port of its "
	    "service: x/tcp, y/tcp\n" },
	{ "service: a\nport: 1\ninstances: [{ports: {x: 1}}]",
	    "3:22: found 'ports' of an instance, expected its service to have "
	    "'ports', or 'port' alone\n" },
	{ "service: a\nprocess: nginx",
	    "2:10: found 'nginx' for 'process', expected 'none' or a map with "
	    "one of pidfile, exe, cmdline, unit, cgroup, listening, container\n" },
	{ "service: a\nprocess: {exe: /a, pidfile: /b}",
	    "2:10: found several keys for 'process', expected 'none' or a map "
	    "with one of pidfile, exe, cmdline, unit, cgroup, listening, "
	    "container\n" },
	{ "service: a\nprocess: {listening: http}",
	    "2:22: found 'http' for 'listening', expected PORT or "
	    "ADDRESS:PORT, for UDP with /udp behind it\n" },
	{ "service: a\nprocess: {listening: 1-2}",
	    "2:22: found '1-2' for 'listening', expected PORT or "
	    "ADDRESS:PORT, for UDP with /udp behind it\n" },
	{ "service: a\nprocess: {unit: ../web}",
	    "2:17: found '../web' for 'unit', expected the name of a unit of "
	    "systemd\n" },
	{ "service: a\nprocess: {cgroup: web}",
	    "2:19: found 'web' for 'cgroup', expected the absolute path of a "
	    "cgroup's directory\n" },
	{ "service: a\nprocess: {exe: nginx}",
	    "2:16: found 'nginx' for 'exe', expected the absolute path of an "
	    "executable\n" },
	{ "service: a\nprocess: {user: nginx}",
	    "2:11: found key 'user' in 'process', expected one of pidfile, "
	    "exe, cmdline, unit, cgroup, listening, container\n" },
	{ "service: a\nprocess: {cmdline: 'x('}",
	    "2:20: found 'x(' for 'cmdline', expected a POSIX extended regular "
	    "expression (Unmatched ( or \\()\n" },
	{ "service: a\nprocess: {cmdline: '(x{1,200}){1,200}'}",
	    "2:20: found '(x{1,200}){1,200}' for 'cmdline', expected a POSIX "
	    "extended regular expression (it repeats too often)\n" },
	{ "service: a\nprocess: {cmdline: '(x+)\\1'}",
	    "2:20: found '(x+)\\1' for 'cmdline', expected a POSIX extended "
	    "regular expression (back references are not allowed)\n" },
	{ "service: a\nport: 1\nchecks: {tcp: x}",
	    "3:9: found a map for 'checks', expected a list of at most 16 "
	    "checks\n" },
	{ "service: a\nport: 1\nchecks:\n- {interval: 2s}\n- tcp\n"
	  "- {tcp: 'a', http: 'b'}",
	    "4:3: found a check without a kind, expected one of tcp, http, "
	    "exec, ttl, udp, dns, file, icmp, postgres, redis, alias, "
	    "grpc, h2ping, any, all\n"
	    "5:3: found 'tcp', expected a check as a map\n"
	    "6:14: found 'http' in a check of kind 'tcp', expected one kind in "
	    "a check\n" },
	{ "service: a\nport: 1\nchecks:\n- {tcp: '{address}:{port}', interval: "
	  "5ms,\n   timeout: 1h, jitter: 60%, rise: 0, method: GET}",
	    "4:39: found '5ms' for 'interval', expected a duration from 10ms "
	    "to 1d such as '500ms' or '2s'\n"
	    "5:13: found '1h' for 'timeout', expected a duration from 1ms to "
	    "10m such as '500ms' or '2s'\n"
	    "5:25: found '60%' for 'jitter', expected a share from 0% to 50%\n"
	    "5:36: found '0' for 'rise', expected a number from 1 to 1000\n"
	    "5:39: found key 'method' in a tcp check, expected one of tcp, "
	    "send, expect, tls, interval, timeout, grace, jitter, rise, fall, name\n" },
	{ "service: a\nport: 1\nchecks: [{tcp: '{adress}:{port}'}]",
	    "3:16: found '{adress}', expected {address}, {port}, {name} or "
	    "{service}\n" },
	{ "service: a\nport: 1\nchecks: [{tcp: '{address:{port}'}]",
	    "3:16: found '{address:', expected {address}, {port}, {name} or "
	    "{service}\n" },
	{ "service: a\nport: 1\nchecks: [{tcp: 'db.example:5432'}]",
	    "3:16: found 'db.example:5432' for 'tcp', expected a numeric "
	    "address (IPv6 in brackets) or localhost, ':' and a port\n" },
	{ "service: a\nport: 1\nchecks: [{tcp: '10.0.0.1:0'}]",
	    "3:16: found '10.0.0.1:0' for 'tcp', expected a numeric address "
	    "(IPv6 in brackets) or localhost, ':' and a port\n" },
	{ "service: a\nport: 1\nchecks: [{tcp: '10.0.0.1'}]",
	    "3:16: found '10.0.0.1' for 'tcp', expected a numeric address "
	    "(IPv6 in brackets) or localhost, ':' and a port\n" },
	{ "service: a\nprocess: {exe: /a}\nchecks: [{tcp: '{address}:{port}'}]",
	    "3:16: found {port} where no port is given, expected 'port' in the "
	    "service or the instance\n" },
	{ "service: a\nport: 1\nchecks:\n- http: 'http://user@{address}/'\n"
	  "- http: 'http://{address}/a b'\n- http: 'http://{address}/#x'\n"
	  "- http: '/healthz'\n- http: 'http://::1/'",
	    "4:9: found 'http://user@127.0.0.1/' for 'http', " URL_RULE "\n"
	    "5:9: found 'http://127.0.0.1/a b' for 'http', " URL_RULE "\n"
	    "6:9: found 'http://127.0.0.1/#x' for 'http', " URL_RULE "\n"
	    "7:9: found '/healthz' for 'http', " URL_RULE "\n"
	    "8:9: found 'http://::1/' for 'http', " URL_RULE "\n" },
	{ "service: a\nport: 1\nchecks:\n- {http: 'http://{address}/', method: "
	  "get,\n   headers: {'X A': b, X-B: \"a\\r\\nb\"}, status: [99],\n"
	  "   warn_status: 6xx, body: '('}",
	    "4:39: found 'get' for 'method', expected one of GET, HEAD, POST, "
	    "PUT, OPTIONS, DELETE, PATCH\n"
	    "5:29: found a value of 4 octets for 'headers', expected a map of header names "
	    "to values in one line\n"
	    "5:48: found '99' for 'status', expected a list of at most 16 of "
	    "200, '2xx' and '200-299'\n"
	    "6:17: found '6xx' for 'warn_status', expected a list of at most "
	    "16 of 200, '2xx' and '200-299'\n"
	    "6:28: found '(' for 'body', expected a POSIX extended regular "
	    "expression (Unmatched ( or \\()\n" },
	{ "service: a\nport: 1\nchecks: [{http: 'http://{address}/', headers: "
	  "{'X A': b}}]",
	    "3:48: found key 'X A' in 'headers', expected the name of a "
	    "header\n" },
	{ "service: a\nport: 1\nchecks:\n- exec: /bin/true\n- exec: [true]\n"
	  "- exec: []",
	    "4:9: found '/bin/true' for 'exec', expected a list of 1..64 "
	    "words, a program and its arguments\n"
	    "5:10: found 'true' for 'exec', expected the absolute path of a "
	    "program\n"
	    "6:9: found a list for 'exec', expected a list of 1..64 words, a "
	    "program and its arguments\n" },
	{ "service: a\nport: 1\nchecks:\n- {exec: [/a], user: 'a:b', group: -1,\n"
	  "   dir: tmp, env: {1A: x, B: \"a\\nb\"}}\n"
	  "- {exec: [/a], env: {A-B: c}, limits: {cpu: 0, memory: 1GiB, files: "
	  "1,\n   core: 1}}",
	    "4:22: found 'a:b' for 'user', expected the name or number of a "
	    "user\n"
	    "4:36: found '-1' for 'group', expected the name or number of a "
	    "group\n"
	    "5:9: found 'tmp' for 'dir', expected the absolute path of a "
	    "directory\n"
	    "5:30: found a value of 3 octets for 'env', expected a map of variables to words "
	    "without control characters\n"
	    "6:22: found key 'A-B' in 'env', expected the name of a variable\n"
	    "6:45: found '0' for 'cpu', expected whole seconds from 1s to 1d "
	    "such as '5s'\n"
	    "6:56: found '1GiB' for 'memory', expected from 1MiB to "
	    "1048576MiB\n"
	    "6:69: found '1' for 'files', expected a number from 8 to "
	    "1048576\n"
	    "7:4: found key 'core' in limits, expected one of cpu, memory, "
	    "files\n" },
	{ "service: a\nport: 1\nchecks: [{ttl: 0s}, {ttl: 5s, interval: 1s}]",
	    "3:16: found '0s' for 'ttl', expected a duration from 10ms to 365d "
	    "such as '500ms' or '2s'\n"
	    "3:31: found key 'interval' in a ttl check, expected one of ttl, "
	    "name\n" },
	{ "service: a\nport: 1\nchecks:\n- {udp: 'db:53', send: '\\q'}\n"
	  "- {udp: '{address}', send: [a], expect: '('}\n"
	  "- {udp: '{address}', expect: x, silence: passing}",
	    "4:24: found '\\q' for 'send', expected text of at most 1024 "
	    "octets with the escapes \\r, \\n, \\t, \\0, \\\\ and \\xHH\n"
	    "5:28: found a list for 'send', expected text of at most 1024 "
	    "octets with the escapes \\r, \\n, \\t, \\0, \\\\ and \\xHH\n"
	    "5:41: found '(' for 'expect', expected a POSIX extended regular "
	    "expression (Unmatched ( or \\()\n"
	    "6:42: found 'passing' for 'silence' beside 'expect', expected one "
	    "of them\n" },
	{ "service: a\nport: 1\nchecks:\n- {dns: '{address}'}\n"
	  "- {dns: '{address}', query: a, type: X, answer: no}\n"
	  "- {dns: '{address}', query: a, answer: any, expect: b}",
	    "4:3: found a dns check without 'query', expected the name to ask "
	    "for\n"
	    "5:38: found 'X' for 'type', expected a type of records such as A "
	    "or SRV\n"
	    "5:49: found 'no' for 'answer', expected one of 'noerror', "
	    "'formerr', 'servfail', 'nxdomain', 'notimp', 'refused', 'nodata', "
	    "'any'\n"
	    "6:45: found 'expect' beside 'answer: any', expected one of "
	    "them\n" },
	{ "service: a\nport: 1\nchecks:\n- {dns: 'ns1', query: a}\n"
	  "- {dns: '{address}', query: a..b}\n"
	  "- {dns: '{address}', query: a, expect: [1.2.3.4, 1.2.3]}",
	    "4:9: found 'ns1' for 'dns', expected a numeric address (IPv6 in "
	    "brackets) or localhost, or that, ':' and a port\n"
	    "5:29: found 'a..b' for 'query', expected a domain name\n"
	    "6:40: found '1.2.3' for 'expect', expected the data of a record "
	    "of this type\n" },
	{ "service: a\nport: 1\nchecks:\n- {file: x}\n- {icmp: ns1}",
	    "4:10: found 'x' for 'file', expected the absolute path of a "
	    "file\n"
	    "5:10: found 'ns1' for 'icmp', expected a numeric address or "
	    "localhost\n" },
	{ "service: a\nport: 1\nchecks: [{file: /x, timeout: 1s, max_age: 0s}]",
	    "3:21: found key 'timeout' in a file check, expected one of file, "
	    "max_age, interval, grace, name\n"
	    "3:43: found '0s' for 'max_age', expected a duration from 10ms to "
	    "365d such as '500ms' or '2s'\n" },
	{ "service: a\nport: 1\nchecks:\n- {any: [{file: /x}], name: y}\n"
	  "- any: []\n- all: x\n- any: [{all: [{ttl: 5}]}]\n",
	    "4:3: found more beside 'any', expected it alone\n"
	    "5:8: found nothing for 'any', expected a list of checks\n"
	    "6:8: found 'x' for 'all', expected a list of checks\n"
	    "7:22: found '5' for 'ttl', expected a duration from 10ms to 365d "
	    "such as '500ms' or '2s'\n" },
	{ "service: a\nport: 1\nchecks:\n- any: [{ttl: 1s}, {ttl: 1s}, {ttl: "
	  "1s}, {ttl: 1s}, {ttl: 1s}, {ttl: 1s}, {ttl: 1s}, {ttl: 1s}]\n"
	  "- all: [{ttl: 1s}, {ttl: 1s}, {ttl: 1s}, {ttl: 1s}, {ttl: 1s}, "
	  "{ttl: 1s}, {ttl: 1s}, {ttl: 1s}]\n- {ttl: 1s}\n",
	    "6:3: found more checks, expected at most 16\n" },
	{ "service: a\nport: 1\nchecks:\n- {postgres: '::1', password_file: x}\n"
	  "- {postgres: '::1', sslmode: verify-full}\n"
	  "- {postgres: '::1', ca_file: /x}",
	    "4:36: found 'x' for 'password_file', expected the absolute path "
	    "of a file\n"
	    "5:30: found 'verify-full' for 'sslmode', expected 'ca_file' "
	    "beside it\n"
	    "6:30: found 'ca_file' where nothing is verified, expected "
	    "'sslmode: verify-full' or 'verify-ca'\n" },
	{ "service: a\nport: 1\nchecks: [{redis: '::1', user: x}]",
	    "3:25: found 'user' without 'password_file', expected both or "
	    "none\n" },
	{ "service: a\nport: 1\nchecks: [{udp: '{address}'}]",
	    "3:16: found '127.0.0.1' for 'udp', expected a numeric address "
	    "(IPv6 in brackets) or localhost, ':' and a port\n" },
	{ "service: a\nport: 1\nchecks:\n- {ttl: 5s, name: tcp-1}\n"
	  "- {tcp: '127.0.0.1:1'}",
	    "5:3: found check 'tcp-1' a second time, expected it once (first "
	    "in line 4)\n" },
	{ "service: a\nport: 1\nchecks: [{ttl: 5s, name: process}]",
	    "3:26: found 'process' for 'name', expected 1..63 of a-z 0-9 '-', "
	    "no '-' at either end, not process\n" },
	{ "service: a\nport: 1\nchecks: [{tcp: '10.0.0.1:x'}]\n"
	  "instances: [{address: 10.0.0.1}, {address: 10.0.0.2}]",
	    "3:16: found '10.0.0.1:x' for 'tcp', expected a numeric address "
	    "(IPv6 in brackets) or localhost, ':' and a port\n" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		expect_errors(&bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
