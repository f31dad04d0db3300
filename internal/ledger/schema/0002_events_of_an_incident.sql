-- The events of one incident, the newest first. Events come with rising mails
-- and mostly rising incidents, so this index grows at its end.
CREATE INDEX event_incident ON event (incident, mail, ordinal);
