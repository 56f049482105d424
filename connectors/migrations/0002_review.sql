-- What a person is asked when a node execution waits for a review.
ALTER TABLE node_executions ADD COLUMN review json;
COMMENT ON COLUMN node_executions.review IS 'What the reviewer sees: {data, name, editable, ...}; kept when answered.';
COMMENT ON COLUMN node_executions.reason IS 'Why it is in its status, such as {"kind": "retry", ...}; null: for no special one.';
