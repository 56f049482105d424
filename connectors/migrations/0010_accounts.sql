-- Accounts: who owns things. Users and organisations have their id there; `user_id` of what is owned means the account.

CREATE TABLE accounts (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('user', 'org')),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO accounts (id, kind, created_at) SELECT id, 'user', created_at FROM users;

ALTER TABLE users
    ADD CONSTRAINT users_account FOREIGN KEY (id) REFERENCES accounts (id) ON DELETE CASCADE,
    ADD CONSTRAINT users_role CHECK (role IN ('user', 'creator', 'moderator', 'admin')),
    ADD COLUMN password_hash text,
    ADD COLUMN email_verified_at timestamptz,
    ADD COLUMN disabled_at timestamptz,
    ADD COLUMN totp_secret bytea,
    ADD COLUMN totp_confirmed_at timestamptz,
    ADD COLUMN issuer text,
    ADD COLUMN subject text,
    ADD CONSTRAINT users_subject UNIQUE (issuer, subject);
CREATE UNIQUE INDEX users_by_email ON users (lower(email));
COMMENT ON COLUMN users.password_hash IS 'Argon2id; null: no log-in with a password (the local user before the first sign-up, users of an outside issuer).';
COMMENT ON COLUMN users.totp_secret IS 'Sealed with the account key; counts once totp_confirmed_at is set.';
COMMENT ON COLUMN users.subject IS 'Of a user whom an outside issuer of tokens vouches for.';

-- A user is an account, whoever adds the row.
CREATE FUNCTION account_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accounts (id, kind) VALUES (NEW.id, 'user') ON CONFLICT DO NOTHING;
    RETURN NEW;
END $$;
CREATE TRIGGER users_account BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION account_of_user();

ALTER TABLE graphs DROP CONSTRAINT graphs_user_id_fkey,
    ADD CONSTRAINT graphs_account FOREIGN KEY (user_id) REFERENCES accounts (id) ON DELETE CASCADE;
ALTER TABLE files DROP CONSTRAINT files_user_id_fkey,
    ADD CONSTRAINT files_account FOREIGN KEY (user_id) REFERENCES accounts (id) ON DELETE CASCADE;

CREATE TABLE organisations (
    id uuid PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE org_members (
    org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, user_id)
);
CREATE INDEX org_members_by_user ON org_members (user_id);

CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,
    org_id uuid REFERENCES organisations (id) ON DELETE CASCADE,
    email text NOT NULL,
    role text CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    invited_by uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
COMMENT ON COLUMN invitations.org_id IS 'Null: an invitation to the platform alone.';
CREATE INDEX invitations_by_org ON invitations (org_id, created_at DESC);

-- Links that were mailed: each is used once, its row goes with it.
CREATE TABLE mail_tokens (
    hash bytea PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose text NOT NULL CHECK (purpose IN ('verify', 'reset', 'email')),
    email text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX mail_tokens_by_user ON mail_tokens (user_id, purpose);

-- One family is one log-in of a program; of its refresh tokens only the newest is good.
CREATE TABLE token_families (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX token_families_by_user ON token_families (user_id);

CREATE TABLE refresh_tokens (
    hash bytea PRIMARY KEY,
    family_id uuid NOT NULL REFERENCES token_families (id) ON DELETE CASCADE,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family_id);

CREATE TABLE recovery_codes (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash bytea NOT NULL,
    PRIMARY KEY (user_id, hash)
);

DROP TABLE api_tokens;
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
COMMENT ON COLUMN api_keys.account_id IS 'Whose things the key opens: a user or an organisation.';
COMMENT ON COLUMN api_keys.user_id IS 'Who made it, and in whose name it acts.';
CREATE INDEX api_keys_by_account ON api_keys (account_id, created_at DESC);
CREATE INDEX api_keys_by_user ON api_keys (user_id);
