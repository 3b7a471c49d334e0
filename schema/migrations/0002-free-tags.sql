-- SPDX-License-Identifier: BSD-2-Clause
-- Tags of Consul's services are texts such as `urlprefix-/api` or `V2.1`, not
-- labels. Whoever makes names of tags (T.tag.S.Z) takes those that are labels
-- and leaves the others. Control characters are those of Unicode, C0, DEL and
-- C1, so that a tag is safe to print. The rule of meta is the one of 0001.

DROP TRIGGER words_inserted;
CREATE TRIGGER words_inserted INSTEAD OF INSERT ON words BEGIN
	SELECT CASE WHEN count(*) <> count(DISTINCT value)
		OR max(type <> 'text' OR value = ''
			OR length(CAST(value AS BLOB)) > 512
			OR value GLOB '*[' || char(1) || '-' || char(31)
			|| char(127) || '-' || char(159) || ']*')
		OR instr(NEW.tags, '\u0000')
	THEN RAISE(ABORT, 'tags must be different texts, each 1..512 octets without control characters')
	END FROM json_each(NEW.tags);
	SELECT CASE WHEN count(*) <> count(DISTINCT lower(key))
		OR max(type <> 'text' OR key = '' OR key GLOB '*[^ -<>-~]*'
			OR length(key) + 1 + length(CAST(value AS BLOB)) > 255)
		OR instr(NEW.meta, '\u0000')
	THEN RAISE(ABORT, 'meta must be strings under different keys of printable ASCII without ''='', each key=value at most 255 octets')
	END FROM json_each(NEW.meta);
END;
