-- What was done, written in the same transaction as the deed; one process at a time moves it to the log.

CREATE TABLE audit_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    audit_id uuid NOT NULL UNIQUE,
    actor_id text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    data text NOT NULL,
    at_ms bigint NOT NULL,
    sequence bigint UNIQUE,
    previous bytea,
    hash bytea
);
COMMENT ON COLUMN audit_outbox.data IS 'JSON object, as text: its bytes are hashed.';
COMMENT ON COLUMN audit_outbox.sequence IS 'Place in the chain; null: it has none yet. Numbered in a transaction before it is sent, so that sending again says the same.';

CREATE TABLE audit_chain (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    chain_id uuid NOT NULL,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    sent bigint NOT NULL
);
COMMENT ON TABLE audit_chain IS 'The end of the chain: what `millstream audit verify` compares the log with.';
INSERT INTO audit_chain (chain_id, sequence, hash, sent)
VALUES (gen_random_uuid(), 0, decode(repeat('00', 32), 'hex'), 0);

-- Whom an issuer vouches for (log-in by OpenID Connect).
CREATE TABLE user_identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX user_identities_by_user ON user_identities (user_id);
