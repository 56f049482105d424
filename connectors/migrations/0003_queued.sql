-- Executions that have not begun: their number and the place of one of them are asked for by owner.
CREATE INDEX executions_queued ON executions (user_id, created_at, id) WHERE status = 'QUEUED' AND deleted_at IS NULL;
