-- Version 1 of the store. A released migration is never edited.

-- What this store is: its identity, the word rules of its index, and how often content was destroyed.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The number of this layout. While version 1 is not released it is raised whenever this file changes, so that a store
-- of an older layout is called old, not altered.
INSERT INTO meta (name, value) VALUES ('layout', '11');

-- Managed objects. `key` is the folded identity; `discovered` marks what is known from history only.

CREATE TABLE pool (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    name       TEXT NOT NULL
) STRICT;

CREATE TABLE category (
    number      INTEGER PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE,
    discovered  INTEGER NOT NULL DEFAULT 0,
    pool        TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT,
    invitations INTEGER,
    file_upload INTEGER,
    chat_history INTEGER,
    guid        TEXT,
    created_by  TEXT,
    created_on  INTEGER,
    updated_by  TEXT,
    updated_on  INTEGER
) STRICT;

CREATE TABLE room (
    number      INTEGER PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE,
    discovered  INTEGER NOT NULL DEFAULT 0,
    pool        TEXT NOT NULL,
    name        TEXT NOT NULL,
    uri         TEXT NOT NULL,
    description TEXT,
    category    TEXT,
    type        TEXT,
    privacy     TEXT,
    invitations TEXT,
    disabled    INTEGER,
    addin       TEXT,
    guid        TEXT,
    created_by  TEXT,
    created_on  INTEGER,
    updated_by  TEXT,
    updated_on  INTEGER
) STRICT;
-- Rooms by what they are called, when only ASCII has two cases; and all others.
CREATE INDEX room_name ON room (name COLLATE NOCASE);
CREATE INDEX room_uri ON room (uri COLLATE NOCASE);
CREATE INDEX room_wide ON room (number)
    WHERE length(CAST(name AS BLOB)) <> length(name) OR length(CAST(uri AS BLOB)) <> length(uri)
    OR length(CAST(pool AS BLOB)) <> length(pool);

-- Names of database instances that stand for this store.
CREATE TABLE alias (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    name       TEXT NOT NULL,
    set_by   TEXT,
    set_on   INTEGER
) STRICT;

-- Rooms that were removed after a purge. Tombstones go by the number of the room, so no other room ever gets it, and the
-- room gets it back if it is ever made known again.
CREATE TABLE removed_room (
    number INTEGER PRIMARY KEY,
    key    TEXT NOT NULL UNIQUE,
    pool   TEXT NOT NULL,
    uri    TEXT NOT NULL
) STRICT;

CREATE TABLE principal (
    number       INTEGER PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE,
    discovered   INTEGER NOT NULL DEFAULT 0,
    uri          TEXT NOT NULL,
    type         TEXT,
    name         TEXT,
    display_name TEXT,
    company      TEXT,
    email        TEXT,
    directory_path TEXT,
    user_principal_name TEXT,
    logon        TEXT,
    guid         TEXT,
    disabled     INTEGER,
    site         TEXT,
    pool         TEXT,
    verified_on  INTEGER,
    created_by   TEXT,
    created_on   INTEGER,
    updated_by   TEXT,
    updated_on   INTEGER
) STRICT;

CREATE TABLE policy (
    number      INTEGER PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE,
    discovered  INTEGER NOT NULL DEFAULT 0,
    identity    TEXT NOT NULL,
    description TEXT,
    enable_persistent_chat INTEGER
) STRICT;

-- Who has which policy.
CREATE TABLE "grant" (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    identity   TEXT NOT NULL,
    policy     TEXT
) STRICT;

CREATE TABLE configuration (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    identity   TEXT NOT NULL,
    default_chat_history     INTEGER,
    max_file_size_kb         INTEGER,
    participant_update_limit INTEGER,
    room_management_url      TEXT
) STRICT;

CREATE TABLE compliance (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    identity   TEXT NOT NULL,
    adapter_name                     TEXT,
    adapter_type                     TEXT,
    adapter_output_directory         TEXT,
    add_chat_room_details            INTEGER,
    add_user_details                 INTEGER,
    create_file_attachments_manifest INTEGER,
    custom_configuration             TEXT,
    one_chat_room_per_output_file    INTEGER,
    run_interval                     TEXT,
    smtp_relay                       TEXT
) STRICT;

CREATE TABLE addin (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    pool       TEXT NOT NULL,
    name       TEXT NOT NULL,
    url        TEXT
) STRICT;

CREATE TABLE endpoint (
    number       INTEGER PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE,
    discovered   INTEGER NOT NULL DEFAULT 0,
    identity     TEXT NOT NULL,
    sip_address  TEXT,
    display_name TEXT,
    pool         TEXT
) STRICT;

CREATE TABLE state (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    identity   TEXT NOT NULL,
    pool_state TEXT
) STRICT;

-- Which servers of a pool are active; the servers are list entries.
CREATE TABLE server (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    identity   TEXT NOT NULL
) STRICT;

CREATE TABLE "case" (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    identity   TEXT NOT NULL,
    description TEXT,
    opened_by  TEXT,
    opened_on  INTEGER,
    closed_by  TEXT,
    closed_on  INTEGER
) STRICT;

-- What must not be destroyed; rooms, categories and people are list entries. `written` is what was typed.
CREATE TABLE hold (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    identity   TEXT NOT NULL,
    "case"     TEXT,
    reason     TEXT,
    written    TEXT,
    from_time  INTEGER,
    to_time    INTEGER,
    query      TEXT,
    "match"    TEXT,
    case_sensitive INTEGER,
    placed_by  TEXT,
    placed_on  INTEGER,
    review_on  INTEGER,
    released_by TEXT,
    released_on INTEGER,
    release_reason TEXT
) STRICT;

-- What a case keeps of searches, tags and samples: a collection of events. `asked` is the selection as JSON, sealed so that it
-- means the same later; `written` is what was typed. `digest`, `content` and `log_size` are the identity of the results: a digest
-- over addresses and contents under a salt, the content root and the size of the log at that time, in the store `store`.
CREATE TABLE collection (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    "case"     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    description TEXT,
    asked      TEXT,
    written    TEXT,
    words      TEXT,
    events     INTEGER,
    digest     TEXT,
    content    TEXT,
    log_size   INTEGER,
    store      TEXT,
    sample     TEXT,
    seed       TEXT,
    population INTEGER,
    made_by    TEXT,
    made_on    INTEGER
) STRICT;

-- The events of a collection: for each room and each part of 65,536 numbers of it, their numbers in that part as differences.
CREATE TABLE collected (
    collection INTEGER NOT NULL REFERENCES collection,
    room       INTEGER NOT NULL,
    part       INTEGER NOT NULL,
    events     BLOB NOT NULL,
    PRIMARY KEY (collection, room, part)
) STRICT, WITHOUT ROWID;

-- What the digest of the results of a search is salted with. All of them go with the next purge; then no digest can confirm a
-- guess at what was destroyed.
CREATE TABLE collection_salt (
    collection INTEGER PRIMARY KEY REFERENCES collection,
    salt       TEXT NOT NULL
) STRICT;

-- How long history is kept before a purge by retention takes it: for a category, a room, or everything else.
CREATE TABLE retention (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    scope      TEXT NOT NULL,
    target     TEXT NOT NULL,
    keep       TEXT,
    reason     TEXT,
    set_by     TEXT,
    set_on     INTEGER
) STRICT;

-- Does the store want a second person for what destroys, or ends what protects? One record at most.
CREATE TABLE safeguard (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    discovered INTEGER NOT NULL DEFAULT 0,
    identity   TEXT NOT NULL,
    required   INTEGER,
    other_account INTEGER,
    hours      INTEGER,
    set_by     TEXT,
    set_on     INTEGER
) STRICT;

-- What somebody asked another person to approve of, and what became of it; its parts are list entries. No part names a text.
CREATE TABLE approval (
    number       INTEGER PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE,
    discovered   INTEGER NOT NULL DEFAULT 0,
    identity     TEXT NOT NULL,
    what         TEXT,
    requested_by TEXT,
    requester    TEXT,
    account      TEXT,
    requested_on INTEGER,
    approver     TEXT,
    valid_until  INTEGER,
    approved_by  TEXT,
    approved_on  INTEGER,
    withdrawn_by TEXT,
    withdrawn_on INTEGER,
    used_on      INTEGER
) STRICT;

-- Every list a record carries: members, managers, presenters, creators, allowed, denied, active servers …
CREATE TABLE list_entry (
    noun      TEXT NOT NULL,
    owner     INTEGER NOT NULL,
    field     TEXT NOT NULL,
    position  INTEGER NOT NULL,
    entry     TEXT NOT NULL,
    entry_key TEXT NOT NULL,
    PRIMARY KEY (noun, owner, field, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX list_entry_key ON list_entry (entry_key);
-- Titles that rooms had before, without reading who is a member of what.
CREATE INDEX list_entry_title ON list_entry (owner, position) WHERE noun = 'room' AND field = 'FormerNames';
CREATE INDEX list_entry_former ON list_entry (owner, entry_key) WHERE noun = 'room' AND field = 'FormerNames';

-- Principals and personas by the names people use for them, folded: made of them, so that one is found without reading all.
CREATE TABLE name (
    noun  TEXT NOT NULL,
    key   TEXT NOT NULL,
    owner INTEGER NOT NULL,
    PRIMARY KEY (noun, key, owner)
) STRICT, WITHOUT ROWID;

-- History.

-- A person as named at the time of an event. Renames add a row; nothing is rewritten.
CREATE TABLE persona (
    number   INTEGER PRIMARY KEY,
    key      TEXT NOT NULL,
    uri      TEXT NOT NULL,
    name     TEXT,
    email    TEXT,
    internal INTEGER,
    source_number INTEGER
) STRICT;
CREATE INDEX persona_key ON persona (key);

-- One thing that happened. id = room number * 2^40 + sequence, so a room is one run of the table.
-- `late` marks events that arrived after a later event of their room; they are found through event_late.
-- `source` is where it came from, 0 for what was posted by a command. `files` is the number of attachments. `sum` is a
-- CRC-32 over what the row says, made when it was written.
CREATE TABLE event (
    id      INTEGER PRIMARY KEY,
    room    INTEGER NOT NULL REFERENCES room,
    ticks   INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    late    INTEGER NOT NULL,
    chat    INTEGER,
    source  INTEGER NOT NULL,
    persona INTEGER NOT NULL REFERENCES persona,
    alert   INTEGER,
    sum     INTEGER NOT NULL,
    body    TEXT NOT NULL,
    rtf     TEXT,
    word    TEXT,
    extra   TEXT,
    files   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX event_chat ON event (room, chat) WHERE chat IS NOT NULL;
CREATE INDEX event_other ON event (room, ticks) WHERE chat IS NULL;
CREATE INDEX event_late ON event (room, ticks) WHERE late = 1;

-- Earlier versions of a replaced message: who replaced it, when and why. `body` is empty (NULL) when that text was destroyed.
CREATE TABLE version (
    event    INTEGER NOT NULL REFERENCES event,
    number   INTEGER NOT NULL,
    replaced_on INTEGER NOT NULL,
    replaced_by TEXT NOT NULL,
    reason   TEXT,
    body     TEXT,
    rtf      TEXT,
    purge    INTEGER,
    PRIMARY KEY (event, number)
) STRICT, WITHOUT ROWID;

-- What was destroyed. `request`, `plan`, `done` and `certificate` are JSON and hold no text of messages. A purge that was
-- interrupted has no certificate yet, and is finished before another begins.
CREATE TABLE purge (
    number      INTEGER PRIMARY KEY,
    started_on  INTEGER NOT NULL,
    request     TEXT NOT NULL,
    plan        TEXT NOT NULL,
    done        TEXT NOT NULL,
    certificate TEXT
) STRICT;

-- Which events a purge took: runs of them, in order. `sequences` and `chats` list their numbers in the room and their
-- message numbers, as differences; an event without a message number has none in `chats`.
CREATE TABLE tombstone (
    number     INTEGER PRIMARY KEY,
    purge      INTEGER NOT NULL REFERENCES purge,
    room       INTEGER NOT NULL,
    first_chat INTEGER,
    last_chat  INTEGER,
    events     INTEGER NOT NULL,
    sequences  BLOB NOT NULL,
    chats      BLOB NOT NULL
) STRICT;
CREATE INDEX tombstone_room ON tombstone (room, first_chat);

-- How many events without a message number a purge took: runs of instants, from `first` to `last`. `instants` lists the ticks
-- after `first` times 16, the kind and one; `events` how many there are up to each. Nothing says who did what.
CREATE TABLE unnumbered (
    number   INTEGER PRIMARY KEY,
    purge    INTEGER NOT NULL REFERENCES purge,
    room     INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    instants BLOB NOT NULL,
    events   BLOB NOT NULL
) STRICT;
CREATE INDEX unnumbered_first ON unnumbered (room, first);

CREATE TABLE attachment (
    event    INTEGER NOT NULL REFERENCES event,
    position INTEGER NOT NULL,
    name     TEXT,
    link     TEXT,
    size     INTEGER,
    sha256   BLOB,
    PRIMARY KEY (event, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_sha256 ON attachment (sha256) WHERE sha256 IS NOT NULL;

-- Contents of attachments, once each, in parts of 1 MiB: id = file number * 2^20 + part.
CREATE TABLE file (
    number INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    size   INTEGER NOT NULL
) STRICT;
CREATE TABLE file_part (
    id    INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- A block is a run of at most 128 numbers of one room, `first` to `last`; the events of it that are there are `events`, with
-- `bytes` of texts, between two instants. `heads` holds the place in the block, the second and the kind of each, so that
-- counting reads no text. `root` is that of the tree over the events, each under `salt` (docs/formats/digests.md).
CREATE TABLE block (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    events  INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    from_time INTEGER NOT NULL,
    to_time INTEGER NOT NULL,
    heads   BLOB NOT NULL,
    salt    BLOB NOT NULL,
    root    BLOB NOT NULL
) STRICT;
-- Blocks in order, without reading the heads of all.
CREATE INDEX block_span ON block (first, last, events, from_time, to_time);

-- What has been written of a room: the number its next event gets, the time of its latest event, the right edge of the tree
-- over its blocks but the last, the leaf of the last, and the leaf of the room in the tree over all rooms.
CREATE TABLE history (
    room     INTEGER PRIMARY KEY,
    next     INTEGER NOT NULL,
    latest   INTEGER NOT NULL,
    frontier BLOB NOT NULL,
    tip      BLOB,
    leaf     BLOB NOT NULL
) STRICT;

-- The right edges of the tree over all rooms in parts, the n-th over the leaves of rooms 256 n + 1 to 256 n + 256: made of
-- those, so that a change of one room reads few of them.
CREATE TABLE room_group (
    number INTEGER PRIMARY KEY,
    tree   BLOB NOT NULL
) STRICT;

-- The roots that the newest record of the audit log names are made of these: for each table of settings the sum over the hashes of
-- its rows; the root over all rooms; and the salt of both, another with every record. `revision` is the hash of the newest
-- record that changed something. While the full-text index is made anew, `indexing` is the block that was indexed last, and
-- `indexing_rules` names the word rules; nothing else is done with the store until it is finished.
CREATE TABLE settings_sum (
    name   TEXT NOT NULL PRIMARY KEY,
    sum    BLOB NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE TABLE root (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    content  BLOB NOT NULL,
    salt     BLOB NOT NULL,
    revision TEXT NOT NULL,
    indexing INTEGER,
    indexing_rules TEXT
) STRICT;

-- Runs of the compliance service: which settings (`compliance` is their key) delivered what, with which adapter, to which
-- folder. A run is begun, recorded when all of its files are complete, and published when they have their names. `late` counts
-- events older than what had been delivered of their room before.
CREATE TABLE delivery (
    number       INTEGER PRIMARY KEY,
    compliance   TEXT NOT NULL,
    run          INTEGER NOT NULL,
    ident        TEXT NOT NULL,
    adapter      TEXT NOT NULL,
    folder       TEXT NOT NULL,
    per_room     INTEGER NOT NULL,
    details      INTEGER NOT NULL,
    sheet        TEXT,
    begun_on     INTEGER NOT NULL,
    recorded_on  INTEGER,
    published_on INTEGER,
    found        INTEGER NOT NULL,
    excepted     INTEGER NOT NULL,
    late         INTEGER NOT NULL,
    smtp         TEXT,
    UNIQUE (compliance, run)
) STRICT;

-- The numbers of each room that a run takes, both included. Those of one room follow each other from run to run.
CREATE TABLE delivery_span (
    delivery INTEGER NOT NULL REFERENCES delivery,
    room     INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    PRIMARY KEY (delivery, room)
) STRICT, WITHOUT ROWID;

-- How far each room is delivered: the number of the next event, and the time of the latest one.
CREATE TABLE delivered (
    compliance TEXT NOT NULL,
    room       INTEGER NOT NULL,
    next       INTEGER NOT NULL,
    latest     INTEGER NOT NULL,
    PRIMARY KEY (compliance, room)
) STRICT, WITHOUT ROWID;

-- The files of a run. `digest` is the SHA-256 of the salt of the run and that of the file. The salts go with the next purge; then
-- no digest can confirm a guess at what was destroyed.
CREATE TABLE delivery_file (
    delivery INTEGER NOT NULL REFERENCES delivery,
    name     TEXT NOT NULL,
    size     INTEGER NOT NULL,
    digest   TEXT NOT NULL,
    PRIMARY KEY (delivery, name)
) STRICT, WITHOUT ROWID;
-- The mails of runs that hand them to a relay: 0 waits, 1 is being handed over, 2 was taken, 3 was refused. `doubt`: it was handed
-- over once without a reply. What a relay replied may quote a mail, so it stands in the folder of the run only.
CREATE TABLE delivery_mail (
    delivery INTEGER NOT NULL REFERENCES delivery,
    name     TEXT NOT NULL,
    state    INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    doubt    INTEGER NOT NULL,
    PRIMARY KEY (delivery, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_mail_open ON delivery_mail (delivery, state) WHERE state <> 2 OR doubt <> 0;
-- Why the last run under these settings failed, until one ends well. It names no text.
CREATE TABLE delivery_error (
    compliance TEXT NOT NULL PRIMARY KEY,
    failed_on  INTEGER NOT NULL,
    what       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE delivery_salt (
    delivery INTEGER PRIMARY KEY REFERENCES delivery,
    salt     TEXT NOT NULL
) STRICT;

-- Full-text index, exact to the event. A segment is what one batch wrote; segments of one level are merged into one of the
-- next. `lists` holds words in order, from `first` on, each with the list of the events it stands in: the length shared with the
-- word before (with `first` at the beginning), the length of the rest, the rest, the length of the list, the list. Events are
-- block * 128 + place; lengths and the differences in a list have seven bits to a byte. A long list is kept in parts, each a row
-- of its own. Words that begin with U+0001 are none of a text: persons, kinds other than messages, and events with attachments.
CREATE TABLE segment (
    number INTEGER PRIMARY KEY,
    level  INTEGER NOT NULL
) STRICT;
CREATE TABLE word (
    segment INTEGER NOT NULL REFERENCES segment,
    first   TEXT NOT NULL,
    part    INTEGER NOT NULL,
    lists   BLOB NOT NULL,
    PRIMARY KEY (segment, first, part)
) STRICT, WITHOUT ROWID;

-- Where events came from: what was imported, by which version, in how many pieces how many new events, and the SHA-256 of the
-- file under a salt. Both go when anything of it is purged, for then they could confirm a guess at what it held.
CREATE TABLE source (
    number  INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    version TEXT NOT NULL,
    on_time INTEGER NOT NULL,
    pieces  INTEGER NOT NULL,
    events  INTEGER NOT NULL,
    salt    BLOB,
    digest  BLOB
) STRICT;

-- What has been imported: fingerprints of the pieces of input, so that a repeated run skips them.
CREATE TABLE ledger (
    piece  BLOB NOT NULL PRIMARY KEY,
    events INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The audit log: canonical JSON records and the hash of each, chained.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    record TEXT NOT NULL,
    hash   BLOB NOT NULL
) STRICT;

-- What the hashes in the record of an export are salted with, so that no guess about what it held can be tried on them. All
-- of them go with the next purge; then nobody can.
CREATE TABLE export_salt (
    record INTEGER PRIMARY KEY REFERENCES audit,
    salt   TEXT NOT NULL
) STRICT;

-- The right edge of the tree over the audit log: its size, and the roots of its complete subtrees.
CREATE TABLE audit_tree (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    frontier BLOB NOT NULL
) STRICT;

-- Signed checkpoints of the audit log, with what a time-stamp authority was asked and replied.
CREATE TABLE checkpoint (
    size    INTEGER PRIMARY KEY,
    note    TEXT NOT NULL,
    request BLOB,
    reply   BLOB
) STRICT;
