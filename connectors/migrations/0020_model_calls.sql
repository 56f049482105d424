-- Calls of models, from `usage.records`. They outlive their executions: they are what a bill is made of.

CREATE TABLE model_calls (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    node_execution_id uuid NOT NULL,
    graph_id text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    ability text NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    cost_microusd bigint NOT NULL,
    priced boolean NOT NULL,
    elapsed_ms bigint NOT NULL,
    at timestamptz NOT NULL,
    repeats integer NOT NULL DEFAULT 0,
    last_offset bigint NOT NULL
);
COMMENT ON COLUMN model_calls.priced IS 'Whether the price was known; else the cost is 0.';
COMMENT ON COLUMN model_calls.repeats IS 'How often it was made again, by a run repeated after a crash; paid for as often.';
COMMENT ON COLUMN model_calls.last_offset IS 'Of the last record about it, in its user''s partition: a record read twice counts once.';
CREATE INDEX model_calls_by_user ON model_calls (user_id, at DESC);
CREATE INDEX model_calls_by_execution ON model_calls (execution_id);
