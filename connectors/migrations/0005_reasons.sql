-- Why an execution is not done yet, and what a person has answered.
ALTER TABLE executions ADD COLUMN reason json;
COMMENT ON COLUMN executions.reason IS 'Of its last status: {"kind": "review", ...}; null: none was given.';
ALTER TABLE node_executions ADD COLUMN answer json;
COMMENT ON COLUMN node_executions.answer IS 'The answer to the review that counted: {"status", "by", "at", "message", ...}.';
