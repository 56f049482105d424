-- People, graphs, and the read model of executions.
--
-- Values of users are `json`, not `jsonb`: jsonb sorts keys, drops duplicates and refuses \u0000.
-- What the sink writes has no foreign keys: it follows the log, in which the order of things is another one.

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text NOT NULL DEFAULT '',
    role text NOT NULL DEFAULT 'user',
    timezone text NOT NULL DEFAULT 'UTC',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_tokens (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL DEFAULT '',
    hash bytea NOT NULL UNIQUE,
    prefix text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id, created_at DESC);

CREATE TABLE graphs (
    id uuid NOT NULL,
    version integer NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    is_active boolean NOT NULL DEFAULT true,
    draft boolean NOT NULL DEFAULT false,
    body json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (id, version)
);
CREATE INDEX graphs_by_user ON graphs (user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- Written by the edge (the request, accepted_at, deleted_at) and by the sink (everything that happened).
CREATE TABLE executions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    graph_id uuid,
    graph_version integer,
    kind text NOT NULL DEFAULT 'graph' CHECK (kind IN ('graph', 'block')),
    status text NOT NULL DEFAULT 'QUEUED',
    request json,
    start_record bytea,
    idempotency_key text,
    created_at timestamptz NOT NULL DEFAULT now(),
    accepted_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    sequence bigint NOT NULL DEFAULT -1,
    stats json,
    verdict json,
    failure json,
    parent_execution_id uuid,
    is_dry_run boolean NOT NULL DEFAULT false,
    deleted_at timestamptz,
    kafka_partition integer,
    first_offset bigint,
    last_offset bigint,
    CONSTRAINT executions_idempotency UNIQUE (user_id, idempotency_key)
) WITH (fillfactor = 70);
COMMENT ON COLUMN executions.start_record IS 'The encoded Start, until the broker has it.';
COMMENT ON COLUMN executions.accepted_at IS 'When the broker had Start; null: the sweeper produces it again.';
COMMENT ON COLUMN executions.sequence IS 'Last delta of executions.events that is in these tables; -1: none.';
COMMENT ON COLUMN executions.last_offset IS 'Offset of the record with that delta; the live stream goes on behind it.';
CREATE INDEX executions_by_user ON executions (user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX executions_by_graph ON executions (user_id, graph_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX executions_by_parent ON executions (parent_execution_id) WHERE parent_execution_id IS NOT NULL;
CREATE INDEX executions_to_sweep ON executions (created_at) WHERE accepted_at IS NULL;

CREATE TABLE node_executions (
    id uuid PRIMARY KEY,
    execution_id uuid NOT NULL,
    user_id uuid NOT NULL,
    node_id text NOT NULL,
    block_id text NOT NULL,
    status text NOT NULL,
    input json,
    slots json,
    add_time timestamptz,
    queue_time timestamptz,
    start_time timestamptz,
    end_time timestamptz,
    failure json,
    stats json,
    reason json,
    created_seq bigint NOT NULL,
    sequence bigint NOT NULL
) WITH (fillfactor = 80);
COMMENT ON COLUMN node_executions.input IS 'The merged input; null while it waits: then node_inputs has what arrived.';
COMMENT ON COLUMN node_executions.slots IS 'Large values of the input: [{"path": RFC 6901 pointer, "ref": reference}].';
COMMENT ON COLUMN node_executions.reason IS 'Why it waits for a person: the review.';
CREATE INDEX node_executions_by_execution ON node_executions (execution_id, created_seq);

-- Values that arrived at a node execution that still waits; emptied when it is queued.
CREATE TABLE node_inputs (
    execution_id uuid NOT NULL,
    sequence bigint NOT NULL,
    node_execution_id uuid NOT NULL,
    pin text NOT NULL,
    value json,
    ref json,
    PRIMARY KEY (execution_id, sequence)
);
CREATE INDEX node_inputs_by_node ON node_inputs (node_execution_id);

CREATE TABLE node_outputs (
    execution_id uuid NOT NULL,
    sequence bigint NOT NULL,
    node_execution_id uuid NOT NULL,
    pin text NOT NULL,
    value json,
    ref json,
    PRIMARY KEY (execution_id, sequence)
);
COMMENT ON COLUMN node_outputs.ref IS
    'Instead of value: {"key", "type", "size", "length", "sha256", "key_id"} in the object store, or '
    '{"unstorable": why} when PostgreSQL refused the value; dead.letters has the record then.';

CREATE TABLE execution_outputs (
    execution_id uuid NOT NULL,
    sequence bigint NOT NULL,
    name text NOT NULL,
    value json,
    ref json,
    PRIMARY KEY (execution_id, sequence)
);

CREATE TABLE files (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    size bigint NOT NULL,
    type text NOT NULL,
    sha256 bytea NOT NULL,
    key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz
);
CREATE INDEX files_by_user ON files (user_id, created_at DESC, id DESC);
CREATE INDEX files_by_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;

-- Where the sink goes on, in the same transactions as its rows. Kafka's own commits are for displays of lag.
CREATE TABLE sink_offsets (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);
