// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * stmt_mesh - the statements of registry_mesh.c, for the table in stmt.c.
 */
/* clang-format off */
#define MESH_TEXTS \
	[STMT_PUT_MESH_CERTIFICATE] = \
	    "INSERT INTO mesh_certificate (serial, zone, service, instance, " \
	    "asked_by, issued_wall_ms, until_wall_ms) " \
	    "VALUES (?, ?, ?, ?, ?, ?, ?)", \
	[STMT_MESH_CERTIFICATES] = \
	    "SELECT serial, zone, service, instance, asked_by, " \
	    "issued_wall_ms, until_wall_ms FROM mesh_certificate " \
	    "ORDER BY until_wall_ms DESC LIMIT ?", \
	[STMT_PRUNE_MESH_CERTIFICATES] = \
	    "DELETE FROM mesh_certificate WHERE serial IN " \
	    "(SELECT serial FROM mesh_certificate WHERE until_wall_ms < ? " \
	    "ORDER BY until_wall_ms LIMIT ?)", \
	[STMT_PUT_MESH_REVOKED] = \
	    "INSERT INTO mesh_revoked (zone, service, who, reason, " \
	    "since_wall_ms) VALUES (?, ?, ?, ?, ?) " \
	    "ON CONFLICT (zone, service) DO NOTHING", \
	[STMT_WITHDRAW_MESH_REVOKED] = \
	    "DELETE FROM mesh_revoked WHERE zone = ? AND service = ?", \
	[STMT_MESH_REVOKED] = \
	    "SELECT 1 FROM mesh_revoked WHERE zone = ? AND service = ?"
/* clang-format on */
