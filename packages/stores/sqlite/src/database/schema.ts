/** The mark of this package's files in SQLite's header: the letters `burs`. */
export const APPLICATION_ID = 0x62757273

/** The version of the schema that this package reads and writes. */
export const SCHEMA_VERSION = 3

/**
 * The tables of version 1.
 *
 * Columns that change with every payment (counters, states) are in narrow tables apart from those that
 * are written once (terms, consent, evidence), because a commit writes every page that it touches as a
 * whole. Integer keys grow in the order of insertion, and public ids sort by time, so that tables and
 * indexes grow at one end.
 *
 * Indexes have only the heads of hashes, their first bits as a number: short, and as good as unique. A
 * payment holds the key that is pinned to it (`key_head`). Only other keys have a row: keys that were
 * refused, and keys that the payment of an identical request answers.
 *
 * A foreign key costs a search at each removal, unless the referring column has an index. So a session
 * does not refer to its parent, nor a key to its payment. Rows that are written right after their
 * payment do not refer to it either: the reference could not be wrong.
 *
 * Limits and amounts are micro-units. Atomic amounts can exceed 64 bits, and are text.
 */
const firstSchema = `
CREATE TABLE instruments (
  handle TEXT PRIMARY KEY,
  end_user TEXT NOT NULL,
  registered_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE delegations (
  pk INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  end_user TEXT NOT NULL,
  total INTEGER NOT NULL,
  settled INTEGER NOT NULL CHECK (settled >= 0),
  held INTEGER NOT NULL CHECK (held >= 0),
  payments INTEGER NOT NULL CHECK (payments >= 0),
  windows TEXT,
  overrun INTEGER NOT NULL CHECK (overrun IN (0, 1)),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  CHECK (overrun OR settled + held <= total)
) STRICT;
CREATE INDEX delegations_of_end_user ON delegations (end_user);
CREATE TABLE delegation_terms (
  delegation INTEGER PRIMARY KEY REFERENCES delegations,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
  pk INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  delegation INTEGER NOT NULL REFERENCES delegations,
  parent INTEGER,
  total INTEGER NOT NULL,
  settled INTEGER NOT NULL CHECK (settled >= 0),
  held INTEGER NOT NULL CHECK (held >= 0),
  payments INTEGER NOT NULL CHECK (payments >= 0),
  windows TEXT,
  overrun INTEGER NOT NULL CHECK (overrun IN (0, 1)),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  closed_at INTEGER,
  locked_at INTEGER,
  CHECK (overrun OR settled + held <= total)
) STRICT;
CREATE INDEX sessions_of_delegation ON sessions (delegation);
CREATE TABLE archived_sessions (
  id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TRIGGER session_ids_are_used_once BEFORE INSERT ON sessions
  WHEN EXISTS (SELECT 1 FROM archived_sessions WHERE id = NEW.id)
  BEGIN SELECT RAISE(ABORT, 'a session of this id is archived'); END;
CREATE TABLE session_terms (
  session INTEGER PRIMARY KEY REFERENCES sessions,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE payments (
  pk INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session INTEGER NOT NULL REFERENCES sessions,
  delegation INTEGER NOT NULL REFERENCES delegations,
  state TEXT NOT NULL
    CHECK (state IN ('reserved', 'signed', 'claimed', 'in_doubt', 'settled', 'released')),
  amount INTEGER NOT NULL CHECK (amount > 0),
  reserved_at INTEGER NOT NULL,
  overrun INTEGER NOT NULL CHECK (overrun IN (0, 1)),
  request_head INTEGER NOT NULL,
  key_head INTEGER
) STRICT;
CREATE INDEX payments_of_session ON payments (session, key_head);
CREATE INDEX payments_of_request ON payments (delegation, request_head);
CREATE INDEX payments_unproven ON payments (pk)
  WHERE state IN ('reserved', 'signed', 'claimed', 'in_doubt');
CREATE TABLE payment_terms (
  payment INTEGER PRIMARY KEY,
  request_hash TEXT NOT NULL,
  key TEXT,
  body TEXT NOT NULL
) STRICT;
CREATE TABLE payment_outcomes (
  payment INTEGER PRIMARY KEY,
  claim TEXT,
  settled INTEGER CHECK (settled >= 0),
  proven_at INTEGER,
  evidence TEXT
) STRICT;
CREATE TABLE contents (
  payment INTEGER PRIMARY KEY,
  status INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  truncated INTEGER NOT NULL CHECK (truncated IN (0, 1))
) STRICT;

CREATE TABLE keys (
  session INTEGER NOT NULL REFERENCES sessions,
  key TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  payment INTEGER,
  refusals INTEGER NOT NULL CHECK (refusals >= 0),
  last_refusal TEXT,
  PRIMARY KEY (session, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE merchants (
  delegation INTEGER NOT NULL REFERENCES delegations,
  host TEXT NOT NULL,
  payee TEXT NOT NULL,
  payments INTEGER NOT NULL CHECK (payments >= 0),
  troubled INTEGER NOT NULL CHECK (troubled >= 0),
  PRIMARY KEY (delegation, host)
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals (
  pk INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session INTEGER NOT NULL REFERENCES sessions,
  root INTEGER NOT NULL REFERENCES sessions,
  end_user TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'denied', 'used')),
  terms_hash TEXT NOT NULL,
  key TEXT,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX approvals_of_session ON approvals (session);
CREATE INDEX approvals_of_root ON approvals (root);
CREATE INDEX approvals_of_end_user ON approvals (end_user);

CREATE TABLE credentials (
  pk INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE operations (
  id TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  body TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
  WHEN NEW.seq <> OLD.seq OR NEW.at <> OLD.at OR NEW.hash <> OLD.hash
    OR NEW.body NOT LIKE '{"type":"record-archived",%'
  BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;
CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'audit records are never removed'); END;
`

/**
 * The accounts of end users, and what accounts with limits for each merchant have spent there.
 * `merchant_usages` names an account by its id, because it is one of three kinds.
 */
const limitsSchema = `
CREATE TABLE end_users (
  pk INTEGER PRIMARY KEY,
  end_user TEXT NOT NULL UNIQUE,
  total INTEGER NOT NULL,
  settled INTEGER NOT NULL CHECK (settled >= 0),
  held INTEGER NOT NULL CHECK (held >= 0),
  payments INTEGER NOT NULL CHECK (payments >= 0),
  windows TEXT,
  overrun INTEGER NOT NULL CHECK (overrun IN (0, 1)),
  created_at INTEGER NOT NULL,
  limits TEXT NOT NULL,
  CHECK (overrun OR settled + held <= total)
) STRICT;
CREATE TABLE merchant_usages (
  pk INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  host TEXT NOT NULL,
  payee TEXT NOT NULL,
  settled INTEGER NOT NULL CHECK (settled >= 0),
  held INTEGER NOT NULL CHECK (held >= 0),
  payments INTEGER NOT NULL CHECK (payments >= 0),
  windows TEXT,
  UNIQUE (account, host, payee)
) STRICT;
`

/** Marks the delegations whose permission at the wallet's provider is unsettled: few of them are. */
const permissionSchema = `
ALTER TABLE delegations ADD COLUMN unsettled INTEGER NOT NULL DEFAULT 0 CHECK (unsettled IN (0, 1));
CREATE INDEX delegations_unsettled ON delegations (pk) WHERE unsettled = 1;
`

/** The migrations from each version to the next; the first one starts with an empty file. */
export const migrations: readonly string[] = [firstSchema, limitsSchema, permissionSchema]
