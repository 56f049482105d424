-- Since when nothing was heard of an execution, and how often the engine was asked to look.
ALTER TABLE executions
    ADD COLUMN moved_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN nudges integer NOT NULL DEFAULT 0,
    ADD COLUMN nudged_at timestamptz;
COMMENT ON COLUMN executions.moved_at IS 'When its last event came into these tables.';
COMMENT ON COLUMN executions.nudges IS 'Nudges since then; each waits twice as long as the one before.';
-- By id, not by time: an index on a column that each event changes would cost more than the scan that it saves.
CREATE INDEX executions_open ON executions (id) WHERE status IN ('QUEUED', 'RUNNING');
