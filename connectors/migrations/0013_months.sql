-- Executions, and what belongs to them, by month: partitions by the time in the execution's id (UUIDv7).
--
-- connectors/partitions.py makes months ahead and drops old ones; docs/decisions/0009-months.md says why like this.
-- No row is copied but those whose id has no time: the tables become the partitions of this month and all before it.

CREATE FUNCTION id_at(at timestamptz) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
COMMENT ON FUNCTION id_at IS 'The smallest UUIDv7 of a time, up to its version: ids below it are older.';

-- Uniqueness over all months needs a table that has no months.
CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL,
    key text NOT NULL,
    execution_id uuid NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_execution ON idempotency_keys (execution_id);
INSERT INTO idempotency_keys SELECT user_id, idempotency_key, id FROM executions WHERE idempotency_key IS NOT NULL;
ALTER TABLE executions DROP CONSTRAINT executions_idempotency;

ALTER TABLE executions RENAME TO executions_first;
ALTER TABLE executions_first RENAME CONSTRAINT executions_pkey TO executions_first_pkey;
ALTER INDEX executions_by_user RENAME TO executions_first_by_user;
ALTER INDEX executions_by_graph RENAME TO executions_first_by_graph;
ALTER INDEX executions_by_parent RENAME TO executions_first_by_parent;
ALTER INDEX executions_to_sweep RENAME TO executions_first_to_sweep;
ALTER INDEX executions_open RENAME TO executions_first_open;
DROP INDEX executions_queued;
CREATE TABLE executions (LIKE executions_first INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)
    PARTITION BY RANGE (id);
CREATE TABLE executions_rest PARTITION OF executions DEFAULT WITH (fillfactor = 70);
ALTER TABLE executions ADD PRIMARY KEY (id);
CREATE INDEX executions_by_user ON executions (user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX executions_by_graph ON executions (user_id, graph_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
-- Those who wait and those who failed, but not the many that are done: they are most of what any list shows.
CREATE INDEX executions_by_status ON executions (user_id, status, created_at, id)
    WHERE status <> 'COMPLETED' AND deleted_at IS NULL;
CREATE INDEX executions_by_preset ON executions (user_id, preset_id, created_at DESC, id DESC)
    WHERE preset_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX executions_by_parent ON executions (parent_execution_id) WHERE parent_execution_id IS NOT NULL;
CREATE INDEX executions_to_sweep ON executions (created_at) WHERE accepted_at IS NULL;
CREATE INDEX executions_open ON executions (id) WHERE status IN ('QUEUED', 'RUNNING');

-- Reviews are asked for by the node execution alone, so its id stands first in the key.
ALTER TABLE node_executions RENAME TO node_executions_first;
ALTER TABLE node_executions_first DROP CONSTRAINT node_executions_pkey,
    ADD CONSTRAINT node_executions_first_pkey PRIMARY KEY (id, execution_id);
ALTER INDEX node_executions_by_execution RENAME TO node_executions_first_by_execution;
CREATE TABLE node_executions (LIKE node_executions_first INCLUDING DEFAULTS INCLUDING COMMENTS)
    PARTITION BY RANGE (execution_id);
CREATE TABLE node_executions_rest PARTITION OF node_executions DEFAULT WITH (fillfactor = 80);
ALTER TABLE node_executions ADD PRIMARY KEY (id, execution_id);
CREATE INDEX node_executions_by_execution ON node_executions (execution_id, created_seq);
CREATE INDEX node_executions_in_review ON node_executions (user_id, queue_time) WHERE status = 'REVIEW';

ALTER TABLE node_inputs RENAME TO node_inputs_first;
ALTER TABLE node_inputs_first RENAME CONSTRAINT node_inputs_pkey TO node_inputs_first_pkey;
ALTER INDEX node_inputs_by_node RENAME TO node_inputs_first_by_node;
CREATE TABLE node_inputs (LIKE node_inputs_first) PARTITION BY RANGE (execution_id);
CREATE TABLE node_inputs_rest PARTITION OF node_inputs DEFAULT;
ALTER TABLE node_inputs ADD PRIMARY KEY (execution_id, sequence);
CREATE INDEX node_inputs_by_node ON node_inputs (node_execution_id);

ALTER TABLE node_outputs RENAME TO node_outputs_first;
ALTER TABLE node_outputs_first RENAME CONSTRAINT node_outputs_pkey TO node_outputs_first_pkey;
CREATE TABLE node_outputs (LIKE node_outputs_first INCLUDING COMMENTS) PARTITION BY RANGE (execution_id);
CREATE TABLE node_outputs_rest PARTITION OF node_outputs DEFAULT;
ALTER TABLE node_outputs ADD PRIMARY KEY (execution_id, sequence);

ALTER TABLE execution_outputs RENAME TO execution_outputs_first;
ALTER TABLE execution_outputs_first RENAME CONSTRAINT execution_outputs_pkey TO execution_outputs_first_pkey;
CREATE TABLE execution_outputs (LIKE execution_outputs_first) PARTITION BY RANGE (execution_id);
CREATE TABLE execution_outputs_rest PARTITION OF execution_outputs DEFAULT;
ALTER TABLE execution_outputs ADD PRIMARY KEY (execution_id, sequence);

DO $$
DECLARE
    month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    bound uuid := id_at((month + interval '1 month') AT TIME ZONE 'UTC');
    part record;
BEGIN
    FOR part IN SELECT * FROM (VALUES ('executions', 'id'), ('node_executions', 'execution_id'),
        ('node_inputs', 'execution_id'), ('node_outputs', 'execution_id'), ('execution_outputs', 'execution_id')) t (name, key)
    LOOP
        EXECUTE format('WITH strays AS (DELETE FROM %1$I WHERE %2$I >= %3$L RETURNING *) INSERT INTO %4$I SELECT * FROM strays',
            part.name || '_first', part.key, bound, part.name || '_rest');
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)',
            part.name, part.name || '_first', bound);
        EXECUTE format('ALTER TABLE %I RENAME TO %I', part.name || '_first', part.name || to_char(month, '_YYYY_MM'));
    END LOOP;
END $$;
