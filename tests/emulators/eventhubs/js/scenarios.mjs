// Scenarios for the vendor's JavaScript client. `node scenarios.mjs '{"NAME": {arguments}, …}'` plays them side by side
// and prints one line of JSON: what each tells, or its error.
import {
  EventHubBufferedProducerClient, EventHubConsumerClient, EventHubProducerClient,
  earliestEventPosition,
} from "@azure/event-hubs";
import { BlobCheckpointStore } from "@azure/eventhubs-checkpointstore-blob";
import { ContainerClient } from "@azure/storage-blob";

const quick = { retryOptions: { maxRetries: 3, retryDelayInMs: 200, timeoutInMs: 5000 } };

const asText = (body) => (Buffer.isBuffer(body) ? body.toString() : body);

async function until(reached, timeoutMs = 30000) {
  const end = Date.now() + timeoutMs;
  while (!reached()) {
    if (Date.now() > end) throw new Error(`not reached: ${reached}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Read from one partition until `count` events have come; a client takes one subscription per partition. */
async function readSome(connection, hub, partition, startPosition, count, options = {}) {
  const client = new EventHubConsumerClient("$Default", connection, hub, quick);
  const events = [];
  let context;
  const subscription = client.subscribe(partition, {
    processEvents: async (batch, c) => { events.push(...batch); context = c; },
    processError: async () => {},
  }, { startPosition, maxWaitTimeInSeconds: 0.2, ...options });
  await until(() => events.length >= count);
  await subscription.close();
  await client.close();
  return { events, context };
}

const scenarios = {
  async send({ connection, hub }) {
    const client = new EventHubProducerClient(connection, hub, quick);
    const properties = await client.getEventHubProperties();
    const empty = await client.getPartitionProperties("3");
    await client.sendBatch([{ body: "single" }], { partitionId: "2" });
    const batch = await client.createBatch({ partitionId: "2" });
    for (let n = 0; n < 100; n++) batch.tryAdd({ body: `event ${n}` });
    await client.sendBatch(batch);
    for (const key of ["key1", "a", "device-42", "ключ"]) {
      await client.sendBatch([{ body: `js ${key}` }], { partitionKey: key });
    }
    await client.sendBatch([{ body: Buffer.alloc(200_000, "x") }], { partitionId: "3" });
    await client.sendBatch([{ body: Buffer.alloc(1_000_000, "x") }], { partitionId: "3" });
    const full = await client.createBatch();
    const tooLarge = full.tryAdd({ body: Buffer.alloc(1_100_000, "x") });
    const filled = await client.getPartitionProperties("2");
    await client.close();
    const acknowledged = [];
    const buffered = new EventHubBufferedProducerClient(connection, hub, {
      ...quick, maxWaitTimeInMs: 100,
      onSendEventsSuccessHandler: async ({ events }) => acknowledged.push(...events.map((e) => e.body)),
      onSendEventsErrorHandler: async ({ error }) => { throw error; },
    });
    for (let n = 0; n < 50; n++) await buffered.enqueueEvent({ body: n }, { partitionId: "0" });
    await buffered.flush();
    await buffered.close();
    return {
      name: properties.name, partitionIds: properties.partitionIds, empty: empty.isEmpty, tooLarge,
      last: filled.lastEnqueuedSequenceNumber, lastOffset: filled.lastEnqueuedOffset, acknowledged,
      maxSize: batch.maxSizeInBytes,
    };
  },

  async receive({ connection, hub, offset, time }) {
    const all = await readSome(connection, hub, "1", earliestEventPosition, 5, { trackLastEnqueuedEventProperties: true });
    const first = async (startPosition) =>
      (await readSome(connection, hub, "1", startPosition, 1)).events[0].sequenceNumber;
    const positions = await Promise.all([
      first({ offset }), first({ offset, isInclusive: true }), first({ sequenceNumber: 2 }),
      first({ sequenceNumber: 2, isInclusive: true }), first({ enqueuedOn: time }),
    ]);
    return {
      positions,
      events: all.events.map((e) => ({
        body: asText(e.body), properties: e.properties, id: e.messageId, contentType: e.contentType,
        sequence: e.sequenceNumber, offset: e.offset, key: e.partitionKey,
        mine: e.systemProperties?.["x-mine"],
      })),
      last: all.context.lastEnqueuedEventProperties,
    };
  },

  async bodies({ connection, hub }) {
    const client = new EventHubProducerClient(connection, hub, quick);
    await client.sendBatch([
      { body: "text", messageId: "id-1", contentType: "text/plain", correlationId: "c", properties: { a: 1, b: "zwei" } },
      { body: { nested: [1, 2, { three: null }] } },
      { body: Buffer.from("bytes") },
      { body: null },
      { body: { plain: "value" }, bodyType: "value" },
      { body: [[1, "two"], [3]], bodyType: "sequence" },
    ], { partitionId: "0" });
    await client.close();
    const { events } = await readSome(connection, hub, "0", earliestEventPosition, 6);
    return { bodies: events.map((e) => asText(e.body)) };
  },

  async epoch({ connection, hub }) {
    const told = {};
    const clients = [];
    const open = (name, ownerLevel) => {
      told[name] = { events: 0, errors: [], closed: [] };
      const client = new EventHubConsumerClient("$Default", connection, hub, quick);
      clients.push(client);
      return client.subscribe("0", {
        processEvents: async (batch) => { told[name].events += batch.length; },
        processError: async (error) => { told[name].errors.push(error.code ?? error.name); },
        processClose: async (reason) => { told[name].closed.push(reason); },
      }, { startPosition: earliestEventPosition, ownerLevel });
    };
    open("first", 1);
    await until(() => told.first.events > 0);
    open("second", 2);
    await until(() => told.second.events > 0 && told.first.closed.length > 0);
    open("third", 1);
    await until(() => told.third.errors.length > 0);
    await Promise.all(clients.map((client) => client.close()));
    return told;
  },

  async wrongKey({ connection, hub }) {
    const client = new EventHubProducerClient(connection.replace("SAS_KEY_VALUE", "wrong"), hub, {
      retryOptions: { maxRetries: 0, timeoutInMs: 3000 },
    });
    const error = await client.getEventHubProperties().then(() => null, (e) => e);
    await client.close();
    return { text: `${error?.name} ${error?.message} ${error?.errors?.map(String)}` };
  },

  async balance({ connection, hub, storage, count }) {
    const container = new ContainerClient(storage, "js-checkpoints");
    await container.createIfNotExists();
    const seen = new Set();
    const owned = { a: new Set(), b: new Set() };
    const clients = {};
    for (const name of ["a", "b"]) {
      clients[name] = new EventHubConsumerClient("processor", connection, hub, new BlobCheckpointStore(container), {
        ...quick,
        loadBalancingOptions: { strategy: "greedy", updateIntervalInMs: 500, partitionOwnershipExpirationIntervalInMs: 5000 },
      });
      clients[name].subscribe({
        processInitialize: async (context) => { owned[name].add(context.partitionId); },
        processClose: async (_, context) => { owned[name].delete(context.partitionId); },
        processError: async () => {},
        processEvents: async (events, context) => {
          for (const event of events) seen.add(`${context.partitionId}/${event.sequenceNumber}`);
          if (events.length) await context.updateCheckpoint(events[events.length - 1]);
        },
      }, { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 0.2 });
      if (name === "a") await until(() => owned.a.size === 4);
    }
    await until(() => owned.a.size === 2 && owned.b.size === 2);
    await clients.a.close();
    await until(() => owned.b.size === 4);
    await until(() => seen.size >= count);
    await clients.b.close();
    return { seen: seen.size };
  },

  async reset({ connection, hub, control }) {
    const producer = new EventHubProducerClient(connection, hub, quick);
    const consumer = new EventHubConsumerClient("$Default", connection, hub, quick);
    const seen = new Set();
    consumer.subscribe("0", {
      processEvents: async (events) => events.forEach((e) => seen.add(e.body)),
      processError: async () => {},
    }, { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 0.2 });
    for (let n = 0; n < 30; n++) {
      await producer.sendBatch([{ body: n }], { partitionId: "0" });
      if (n === 10) {
        await until(() => seen.size > 0);
        await fetch(`${control}/_control/connections/drop`, { method: "POST" });
      }
    }
    await until(() => seen.size === 30);
    await consumer.close();
    await producer.close();
    return { seen: seen.size };
  },

  async idle({ connection, hub, seconds }) {
    const client = new EventHubProducerClient(connection, hub, quick);
    await client.sendBatch([{ body: "before" }], { partitionId: "0" });
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const started = Date.now();
    await client.sendBatch([{ body: "after" }], { partitionId: "0" });
    await client.close();
    return { ms: Date.now() - started };
  },
};

const wanted = Object.entries(JSON.parse(process.argv[2]));
const outcomes = await Promise.allSettled(wanted.map(([name, args]) => scenarios[name](args)));
const answers = wanted.map(([name], at) => {
  const { value, reason } = outcomes[at];
  return [name, reason ? { error: String(reason.stack ?? reason) } : value];
});
console.log(JSON.stringify(Object.fromEntries(answers)));
process.exit(0);
