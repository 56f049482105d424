// A worker in JavaScript: takes tasks of the lane `shout`, runs one block, answers on the inbox. See docs/blocks.md.
//
//   KAFKA=127.0.0.1:9092 SIGNING_KEY=... SCHEMAS=../../schemas/avro node worker.mjs

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import avro from "avsc";
import kafkajs from "kafkajs";
import { decompress } from "./lz4.mjs";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

const LANE = "shout";
const BLOCKS = { shout: ({ text, times }) => [["result", text.toUpperCase() + "!".repeat(times ?? 1)]] };
const LEASE_MS = 5000; // a longer run says so this often, or the engine gives it to somebody else
const FINISHED = 20, STARTED = 4; // schema ids: the engine reads every one that there ever was
const { KAFKA, SIGNING_KEY, SCHEMAS } = process.env;
const NAME = `remote-${LANE}-${process.pid}`;

// --- records: byte 0, schema id (4 bytes, big endian), Avro ---

const files = JSON.parse(readFileSync(join(SCHEMAS, "ids.json")));
const types = new Map();

function typeOf(id) {
  if (!types.has(id)) {
    types.set(id, avro.Type.forSchema(JSON.parse(readFileSync(join(SCHEMAS, files[id])))));
  }
  return types.get(id);
}

function decode(value) {
  if (value[0] !== 0) throw new Error("not in the Confluent wire format");
  return typeOf(value.readUInt32BE(1)).fromBuffer(value.subarray(5));
}

function encode(id, message) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(id, 1);
  return Buffer.concat([head, typeOf(id).toBuffer(message)]);
}

// --- signatures: without one a task may come from anybody who reaches the brokers ---

const key = SIGNING_KEY && createHmac("sha256", SIGNING_KEY).update("millstream/records/1").digest();

function isSigned(record) {
  const given = record.headers?.signature;
  if (!key || !given) return !key;
  const right = createHmac("sha256", key).update(record.value).digest();
  return given.length === right.length && timingSafeEqual(given, right);
}

// --- one task ---

function uuid7() {
  const id = randomBytes(16);
  id.writeUIntBE(Date.now(), 0, 6);
  id[6] = 0x70 | (id[6] & 0x0f);
  id[8] = 0x80 | (id[8] & 0x3f);
  return id;
}

function emit([pin, value]) {
  const inline = Buffer.from(JSON.stringify(value));
  const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const payload = { inline, ref: null, type, size: inline.length, length: null, sha256: null, key_id: null };
  return { pin, value: payload, picked: [] };
}

async function run(task) {
  // Values over some kilobytes are in the object store; `slots` says where. This example takes small ones only.
  if (task.slots.length) throw new Error("the input is too large for this worker");
  return (await BLOCKS.shout(JSON.parse(task.input))).map(emit);
}

async function handle(record, producer) {
  const task = decode(record.value);
  if (!isSigned(record)) {
    console.error("a task without a valid signature is left alone");
    return;
  }
  const began = Date.now();
  const said = {
    execution_id: task.execution_id, node: task.node, k: task.k, run_id: uuid7(), attempt: task.attempt,
    worker: NAME, at: began,
  };
  const headers = record.headers.traceparent ? { traceparent: record.headers.traceparent } : {};
  const say = (id, message) => producer.send({
    topic: "executions.inbox",
    acks: -1,
    messages: [{ key: task.execution_id, value: encode(id, message), headers }],
  });
  const lease = setInterval(() => say(STARTED, said), LEASE_MS);
  let outputs = [], failure = null;
  try {
    outputs = await run(task);
  } catch (error) {
    failure = { code: "block_failed", kind: "BlockExecutionError", message: String(error.message), retryable: false };
  } finally {
    clearInterval(lease);
  }
  await say(FINISHED, {
    ...said, elapsed_ms: Date.now() - began, first: 0, outputs, failure, park: null, cost_microusd: 0,
  });
}

CompressionCodecs[CompressionTypes.LZ4] = () => ({ decompress: async (data) => decompress(data) });

const kafka = new Kafka({ clientId: NAME, brokers: KAFKA.split(","), logLevel: logLevel.ERROR });
const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
const consumer = kafka.consumer({ groupId: `millstream-worker-${LANE}` });
await producer.connect();
await consumer.connect();
await consumer.subscribe({ topics: [`nodes.tasks.${LANE}`], fromBeginning: true });
consumer.on(consumer.events.GROUP_JOIN, () => console.log("ready"));
// A task's offset is committed after its answer is in the log: a crash repeats a task and loses none.
await consumer.run({ eachMessage: ({ message }) => handle(message, producer) });
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await consumer.disconnect();
    await producer.disconnect();
    process.exit(0);
  });
}
