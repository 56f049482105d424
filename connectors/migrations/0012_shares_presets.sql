-- Links that show a run without a login, saved inputs of graphs, and which of them a run was started with.

CREATE TABLE shares (
    id uuid PRIMARY KEY,
    execution_id uuid NOT NULL UNIQUE,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE shares IS 'A link is good while its row is here; withdrawing it removes the row.';
CREATE INDEX shares_by_account ON shares (account_id);

CREATE TABLE presets (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    graph_id uuid NOT NULL,
    graph_version integer,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    inputs json NOT NULL DEFAULT '{}',
    nodes_input_masks json,
    credentials_inputs json NOT NULL DEFAULT '{}',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN presets.graph_version IS 'Null: the version that is active when the preset is run.';
CREATE INDEX presets_by_account ON presets (account_id, created_at DESC, id DESC);
CREATE INDEX presets_by_graph ON presets (account_id, graph_id, created_at DESC, id DESC);

ALTER TABLE executions ADD COLUMN preset_id uuid;
COMMENT ON COLUMN executions.preset_id IS 'The preset that it was started with, as far as the edge knows.';
