-- Credentials and secret values, each sealed with a key of its own, which a master key has wrapped.

CREATE TABLE credentials (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    provider text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('api_key', 'user_password', 'oauth2', 'host_scoped')),
    title text NOT NULL,
    username text,
    scopes text[] NOT NULL DEFAULT '{}',
    hosts text[] NOT NULL DEFAULT '{}',
    ciphertext bytea NOT NULL,
    data_key bytea NOT NULL,
    key_id text NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN credentials.hosts IS 'Patterns of hosts that it may be sent to; none: those that a block names.';
COMMENT ON COLUMN credentials.data_key IS 'The key of ciphertext, wrapped by the master key key_id.';
COMMENT ON COLUMN credentials.expires_at IS 'Of the access token, or of the key; null: never, as far as we know.';
CREATE INDEX credentials_by_account ON credentials (account_id, created_at DESC, id DESC);
CREATE INDEX credentials_by_key ON credentials (key_id, id);

-- What `{"$secret": id}` in a graph or in the inputs of an execution stands for.
CREATE TABLE secret_values (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    ciphertext bytea NOT NULL,
    data_key bytea NOT NULL,
    key_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX secret_values_by_account ON secret_values (account_id);
CREATE INDEX secret_values_by_key ON secret_values (key_id, id);

-- What an execution may be given. Its children may have it too.
CREATE TABLE execution_secrets (
    execution_id uuid NOT NULL,
    secret_id uuid NOT NULL,
    PRIMARY KEY (execution_id, secret_id)
);
CREATE INDEX execution_secrets_by_secret ON execution_secrets (secret_id);
