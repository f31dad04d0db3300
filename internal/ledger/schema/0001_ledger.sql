-- Times are Unix microseconds in UTC, 0 for none. JSON is text. What may be
-- long comes last in a row, so that the columns that are searched are read
-- without it.
--
-- Keys come from mails and have no limit of their own, and PostgreSQL
-- refuses index entries above 2.7 kB: so a unique key is indexed by the
-- beginning of its SHA-256 (key_hash).
--
-- Every index costs each row that is added, and a mail adds about twenty: what
-- is looked up by incident needs none beside the unique one that begins with
-- it.

CREATE TABLE mailbox (
    name         TEXT PRIMARY KEY,
    epoch        BIGINT NOT NULL,
    owner        TEXT NOT NULL,
    node         TEXT NOT NULL,
    lease_until  BIGINT NOT NULL,
    uid_validity BIGINT NOT NULL,
    mark         BIGINT NOT NULL,
    holes        TEXT NOT NULL
);

CREATE TABLE mail (
    id            {{identity}},
    mailbox       TEXT NOT NULL,
    uid_validity  BIGINT NOT NULL,
    uid           BIGINT NOT NULL,
    duplicate_of  BIGINT REFERENCES mail (id),
    content       {{blob}} NOT NULL,
    sha256        TEXT NOT NULL,
    size          BIGINT NOT NULL,
    internal_date BIGINT NOT NULL,
    received      BIGINT NOT NULL,
    status        TEXT NOT NULL,
    kind          TEXT NOT NULL,
    message_id    TEXT NOT NULL,
    reason        TEXT NOT NULL,
    subject       TEXT NOT NULL,
    sender        TEXT NOT NULL,
    UNIQUE (mailbox, uid_validity, uid)
);
CREATE INDEX mail_content ON mail (content) WHERE duplicate_of IS NULL;
CREATE INDEX mail_unread ON mail (id) WHERE status = 'received';
CREATE INDEX mail_quarantined ON mail (id) WHERE status = 'quarantined';

CREATE TABLE mail_chunk (
    mail BIGINT NOT NULL REFERENCES mail (id),
    n    BIGINT NOT NULL,
    data {{blob}} NOT NULL,
    PRIMARY KEY (mail, n)
);

CREATE TABLE incident (
    id        {{identity}},
    status    TEXT NOT NULL,
    remote_id BIGINT NOT NULL,
    seen      BIGINT NOT NULL,
    told      BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    created   BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    key_hash  {{blob}} NOT NULL,
    key       TEXT NOT NULL,
    body      TEXT NOT NULL
);
CREATE UNIQUE INDEX incident_open_key ON incident (key_hash) WHERE status = 'open';
CREATE INDEX incident_closed_key ON incident (key_hash, id) WHERE status = 'closed';

CREATE TABLE event (
    mail     BIGINT NOT NULL REFERENCES mail (id),
    ordinal  BIGINT NOT NULL,
    incident BIGINT REFERENCES incident (id),
    digest   TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (mail, ordinal)
);
-- The events of one incident, the newest first. Events come with rising mails
-- and mostly rising incidents, so this index grows at its end.
CREATE INDEX event_incident ON event (incident, mail, ordinal);

CREATE TABLE piece (
    id        {{identity}},
    incident  BIGINT NOT NULL REFERENCES incident (id),
    kind      TEXT NOT NULL,
    key_hash  {{blob}} NOT NULL,
    version   BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    remote_id BIGINT NOT NULL,
    parked    BOOLEAN NOT NULL,
    key       TEXT NOT NULL,
    error     TEXT NOT NULL,
    body      TEXT NOT NULL,
    UNIQUE (incident, kind, key_hash)
);
CREATE INDEX piece_parked ON piece (incident) WHERE parked;

CREATE TABLE intent (
    id        {{identity}},
    incident  BIGINT NOT NULL REFERENCES incident (id),
    piece     BIGINT REFERENCES piece (id),
    operation TEXT NOT NULL,
    at        BIGINT NOT NULL,
    settled   BOOLEAN NOT NULL,
    outcome   TEXT NOT NULL,
    detail    TEXT NOT NULL
);
CREATE INDEX intent_open ON intent (incident) WHERE NOT settled;

CREATE TABLE run (
    id       {{identity}},
    incident BIGINT NOT NULL REFERENCES incident (id),
    key_hash {{blob}} NOT NULL,
    status   TEXT NOT NULL,
    action   TEXT NOT NULL,
    key      TEXT NOT NULL,
    error    TEXT NOT NULL,
    body     TEXT NOT NULL,
    pending  TEXT NOT NULL,
    answers  TEXT NOT NULL,
    UNIQUE (incident, key_hash)
);

-- A command at SEPM that runs on endpoints, followed while it is open.
CREATE TABLE command (
    id       {{identity}},
    incident BIGINT NOT NULL REFERENCES incident (id),
    run      BIGINT NOT NULL REFERENCES run (id),
    kind     TEXT NOT NULL,
    state    TEXT NOT NULL,
    is_open  BOOLEAN NOT NULL,
    started  BIGINT NOT NULL,
    body     TEXT NOT NULL
);
CREATE INDEX command_open ON command (id) WHERE is_open;
CREATE INDEX command_kind ON command (kind, id);
CREATE INDEX command_incident ON command (incident, id);

-- When the next request to a server may be sent: any, and one that nobody waits
-- for in person.
CREATE TABLE budget (
    server  TEXT PRIMARY KEY,
    any_at  BIGINT NOT NULL,
    rest_at BIGINT NOT NULL,
    paused  BIGINT NOT NULL
);

-- owner is empty while no one holds the task; urgent is one that a person waits
-- for.
CREATE TABLE task (
    id          {{identity}},
    kind        TEXT NOT NULL,
    key         BIGINT NOT NULL,
    wanted      BIGINT NOT NULL,
    done        BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    owner       TEXT NOT NULL,
    node        TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    epoch       BIGINT NOT NULL,
    parked      BOOLEAN NOT NULL,
    urgent      BOOLEAN NOT NULL,
    error       TEXT NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX task_due ON task (kind, due_at, id) WHERE wanted > done AND NOT parked;
CREATE INDEX task_urgent ON task (kind, due_at, id) WHERE urgent AND wanted > done AND NOT parked;
CREATE INDEX task_leased ON task (node) WHERE owner <> '';
CREATE INDEX task_parked ON task (id) WHERE parked;
