-- Documents with vectors: what agents look things up in, and what they remember. Written and read by workers of the lane `data`.

CREATE EXTENSION IF NOT EXISTS vector;  -- a superuser has made it, unless we are one

CREATE TABLE vector_collections (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name text NOT NULL,
    dimension integer NOT NULL CHECK (dimension BETWEEN 1 AND 4000),
    documents bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, name),
    UNIQUE (id, account_id, dimension)
);
COMMENT ON COLUMN vector_collections.documents IS 'Kept by whoever writes documents, who holds the lock of this row.';

CREATE TABLE vector_documents (
    collection_id bigint NOT NULL,
    id text NOT NULL,
    account_id uuid NOT NULL,
    dimension integer NOT NULL,
    text text NOT NULL,
    metadata jsonb NOT NULL,
    embedding vector NOT NULL,
    words tsvector NOT NULL,
    keys text[] NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (collection_id, id),
    -- A document is in a collection of its own account, whatever the program says.
    FOREIGN KEY (collection_id, account_id, dimension)
        REFERENCES vector_collections (id, account_id, dimension) ON DELETE CASCADE,
    CHECK (vector_dims(embedding) = dimension)
);
COMMENT ON COLUMN vector_documents.words IS 'Of the text, in the language of whoever wrote it.';
COMMENT ON COLUMN vector_documents.keys IS 'Of a memory: the newest idempotency keys that it came from, so that a repeat changes nothing.';
CREATE INDEX vector_documents_by_time ON vector_documents (collection_id, updated_at DESC);
CREATE INDEX vector_documents_by_word ON vector_documents USING gin (words);

-- One graph of neighbours a dimension, for those that models have; others are compared one by one.
CREATE INDEX vector_documents_256 ON vector_documents USING hnsw ((embedding::vector(256)) vector_cosine_ops) WHERE dimension = 256;
CREATE INDEX vector_documents_384 ON vector_documents USING hnsw ((embedding::vector(384)) vector_cosine_ops) WHERE dimension = 384;
CREATE INDEX vector_documents_512 ON vector_documents USING hnsw ((embedding::vector(512)) vector_cosine_ops) WHERE dimension = 512;
CREATE INDEX vector_documents_768 ON vector_documents USING hnsw ((embedding::vector(768)) vector_cosine_ops) WHERE dimension = 768;
CREATE INDEX vector_documents_1024 ON vector_documents USING hnsw ((embedding::vector(1024)) vector_cosine_ops) WHERE dimension = 1024;
CREATE INDEX vector_documents_1536 ON vector_documents USING hnsw ((embedding::vector(1536)) vector_cosine_ops) WHERE dimension = 1536;
CREATE INDEX vector_documents_3072 ON vector_documents USING hnsw ((embedding::halfvec(3072)) halfvec_cosine_ops) WHERE dimension = 3072;
