/** The version of the schema that this package reads and writes. */
export const SCHEMA_VERSION = 4

/**
 * The tables of version 1.
 *
 * Columns that change with every payment (accounts, states) are in tables apart from those that are
 * written once (terms, content, records). Their pages have room left, so that a new version of a row
 * stays on its page and no index is touched. `unproven` changes once in a payment's life, and its
 * indexes with it.
 *
 * Rows name others by `pk` without a foreign key: a row is written only in the transaction that has
 * found its parents, and only whole sessions are ever deleted. To check again would cost more than the
 * write.
 *
 * Amounts are micro-units. Atomic amounts can exceed 64 bits, and are decimal text inside `body`.
 * `body` and similar columns are JSON text, because `jsonb` cannot hold every string.
 *
 * The one row of `installation` is the head of the audit chain. Every transaction that writes locks it
 * first and moves it. So the numbers that are given under the lock (`pk`, `seq`) become visible in
 * their order, and a process that finds the head where it left it knows that no other has written.
 */
const firstSchema = `
CREATE TABLE instruments (
  handle TEXT COLLATE "C" PRIMARY KEY,
  end_user TEXT COLLATE "C" NOT NULL,
  registered_at BIGINT NOT NULL
);

CREATE TABLE accounts (
  pk BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  end_user TEXT COLLATE "C",
  delegation BIGINT,
  parent BIGINT,
  created_at BIGINT NOT NULL,
  total BIGINT NOT NULL,
  settled BIGINT NOT NULL CHECK (settled >= 0),
  held BIGINT NOT NULL CHECK (held >= 0),
  payments BIGINT NOT NULL CHECK (payments >= 0),
  overrun BOOLEAN NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  closed_at BIGINT,
  locked_at BIGINT,
  windows TEXT,
  body TEXT NOT NULL,
  CHECK (overrun OR settled + held <= total),
  CHECK ((delegation IS NULL) = (end_user IS NOT NULL))
) WITH (fillfactor = 50);
CREATE INDEX accounts_of_delegation ON accounts (delegation, pk) WHERE delegation IS NOT NULL;
CREATE INDEX accounts_without_delegation ON accounts (pk) WHERE delegation IS NULL;
CREATE INDEX accounts_of_end_user ON accounts (end_user, pk) WHERE end_user IS NOT NULL;

CREATE TABLE archived_sessions (
  id TEXT COLLATE "C" PRIMARY KEY
);
CREATE FUNCTION account_id_is_new() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN
    IF EXISTS (SELECT 1 FROM archived_sessions WHERE id = NEW.id) THEN
      RAISE EXCEPTION 'a session of this id is archived';
    END IF;
    RETURN NEW;
  END $$;
CREATE TRIGGER account_id_is_new BEFORE INSERT ON accounts
  FOR EACH ROW EXECUTE FUNCTION account_id_is_new();

CREATE TABLE payments (
  pk BIGINT PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  session BIGINT NOT NULL,
  delegation BIGINT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount > 0),
  reserved_at BIGINT NOT NULL,
  request_head TEXT COLLATE "C" NOT NULL,
  request_hash TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX payments_of_session ON payments (session, pk);
CREATE INDEX payments_of_request ON payments (delegation, request_head, pk);

CREATE TABLE payment_states (
  payment BIGINT PRIMARY KEY,
  state TEXT COLLATE "C" NOT NULL
    CHECK (state IN ('reserved', 'signed', 'claimed', 'in_doubt', 'settled', 'released')),
  unproven BOOLEAN NOT NULL
    GENERATED ALWAYS AS (state IN ('reserved', 'signed', 'claimed', 'in_doubt')) STORED,
  overrun BOOLEAN NOT NULL,
  settled BIGINT CHECK (settled >= 0),
  proven_at BIGINT,
  claim TEXT,
  evidence TEXT
) WITH (fillfactor = 50);
CREATE INDEX payments_unproven ON payment_states (payment) WHERE unproven;

CREATE TABLE contents (
  payment BIGINT PRIMARY KEY,
  status INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body BYTEA NOT NULL,
  truncated BOOLEAN NOT NULL
);

CREATE TABLE keys (
  session BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  request_hash TEXT COLLATE "C" NOT NULL,
  payment BIGINT,
  refusals INTEGER NOT NULL CHECK (refusals >= 0),
  last_refusal TEXT,
  PRIMARY KEY (session, key)
);

CREATE TABLE merchants (
  delegation BIGINT NOT NULL,
  host TEXT COLLATE "C" NOT NULL,
  payee TEXT NOT NULL,
  payments BIGINT NOT NULL CHECK (payments >= 0),
  troubled BIGINT NOT NULL CHECK (troubled >= 0),
  PRIMARY KEY (delegation, host)
) WITH (fillfactor = 50);

CREATE TABLE approvals (
  pk BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  session BIGINT NOT NULL,
  root BIGINT NOT NULL,
  end_user TEXT COLLATE "C" NOT NULL,
  terms_hash TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C",
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'approved', 'denied', 'used')),
  body TEXT NOT NULL
);
CREATE INDEX approvals_of_session ON approvals (session, pk);
CREATE INDEX approvals_of_root ON approvals (root, pk);
CREATE INDEX approvals_of_terms ON approvals (session, terms_hash, pk);
CREATE INDEX approvals_of_end_user ON approvals (end_user, pk);

CREATE TABLE credentials (
  pk BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  body TEXT NOT NULL
);

CREATE TABLE operations (
  id TEXT COLLATE "C" PRIMARY KEY,
  body TEXT NOT NULL
);

CREATE TABLE audit (
  seq BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  body TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'audit records are never changed or removed'; END $$;
CREATE TRIGGER audit_stays BEFORE DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_is_archived_only BEFORE UPDATE ON audit
  FOR EACH ROW WHEN (NEW.seq <> OLD.seq OR NEW.at <> OLD.at OR NEW.hash <> OLD.hash
    OR NEW.body NOT LIKE '{"type":"record-archived",%')
  EXECUTE FUNCTION audit_stays();

CREATE TABLE installation (
  single BOOLEAN PRIMARY KEY CHECK (single),
  version INTEGER NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  hash TEXT NOT NULL,
  payments BIGINT NOT NULL
) WITH (fillfactor = 10);
INSERT INTO installation VALUES (true, 0, 0, 0, '', 0);
`

/**
 * The account of an end user is an account like the others, and the `parent` of their delegations: a
 * load of a delegation finds it, too. Its id is made of the end user's name.
 *
 * `merchant_usages` has what accounts with limits for each merchant have spent there.
 */
const limitsSchema = `
ALTER TABLE accounts ADD COLUMN is_end_user BOOLEAN NOT NULL DEFAULT false;
DROP INDEX accounts_without_delegation;
CREATE INDEX accounts_without_delegation ON accounts (pk)
  WHERE delegation IS NULL AND NOT is_end_user;

CREATE TABLE merchant_usages (
  account BIGINT NOT NULL,
  host TEXT COLLATE "C" NOT NULL,
  payee TEXT COLLATE "C" NOT NULL,
  settled BIGINT NOT NULL CHECK (settled >= 0),
  held BIGINT NOT NULL CHECK (held >= 0),
  payments BIGINT NOT NULL CHECK (payments >= 0),
  windows TEXT,
  PRIMARY KEY (account, host, payee)
) WITH (fillfactor = 50);
`

/** Marks the delegations whose permission at the wallet's provider is unsettled: few of them are. */
const permissionSchema = `
ALTER TABLE accounts ADD COLUMN unsettled BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX accounts_unsettled ON accounts (pk) WHERE unsettled;
`

/**
 * A payment holds the key that is pinned to it. Only other keys have a row: keys that were refused, keys
 * that the payment of an identical request answers, and keys from before this column.
 */
const ownKeysSchema = `
ALTER TABLE payments ADD COLUMN key TEXT COLLATE "C";
CREATE INDEX payments_of_key ON payments (session, key) WHERE key IS NOT NULL;
`

/** The migrations from each version to the next; the first one starts with an empty schema. */
export const migrations: readonly string[] = [
  firstSchema,
  limitsSchema,
  permissionSchema,
  ownKeysSchema,
]
