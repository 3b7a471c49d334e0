-- SPDX-License-Identifier: BSD-2-Clause
-- A name has at most 255 octets. The longest of an instance, I._S._P.Z, has
-- those of its four parts and seven: that of an instance beside a long service
-- in a long zone may be too long though each part is not.

CREATE TRIGGER instance_fits BEFORE INSERT ON instance
WHEN length(NEW.zone) + length(NEW.service) + length(NEW.name) > 233 BEGIN
	SELECT RAISE(ABORT, 'instance.name is too long for DNS: I._S._P.Z must be at most 255 octets')
	FROM service WHERE zone = NEW.zone AND name = NEW.service
		AND length(zone) + length(name) + length(protocol)
			+ length(NEW.name) > 248;
END;

CREATE TRIGGER instance_still_fits
BEFORE UPDATE OF zone, service, name ON instance
WHEN length(NEW.zone) + length(NEW.service) + length(NEW.name) > 233 BEGIN
	SELECT RAISE(ABORT, 'instance.name is too long for DNS: I._S._P.Z must be at most 255 octets')
	FROM service WHERE zone = NEW.zone AND name = NEW.service
		AND length(zone) + length(name) + length(protocol)
			+ length(NEW.name) > 248;
END;

CREATE TRIGGER service_still_fits BEFORE UPDATE OF protocol ON service
WHEN length(NEW.protocol) > length(OLD.protocol)
	AND length(NEW.zone) + length(NEW.name) + length(NEW.protocol) > 185
BEGIN
	SELECT RAISE(ABORT, 'service.protocol is too long for DNS: I._S._P.Z must be at most 255 octets')
	FROM instance WHERE zone = OLD.zone AND service = OLD.name
		AND length(NEW.zone) + length(NEW.name) + length(NEW.protocol)
			+ length(name) > 248
	LIMIT 1;
END;
