/**
 * A network in memory: listeners and connections of one simulated machine.
 *
 * Invariants:
 * 1. Bytes arrive complete and in order, but cut and joined at places that the seed chooses, as TCP
 *    may.
 * 2. A writer waits while its peer has more than the window unread; every operation passes through
 *    the scheduler, so its order is the seed's.
 */
import { assert } from './assert.ts';
import {
  type Connection,
  HTTP_BODY_BYTES_MAX,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  type HttpServer,
  type Listener,
  type Network,
  type Random,
  type Scheduler,
} from './environment.ts';
import { networkError } from './network-error.ts';

/** A {@link Network} in memory. */
export interface SimulatedNetwork extends Network {
  /** Breaks every connection: both sides fail with `ECONNRESET`. Listeners stay. */
  breakConnections(): void;
}

/** What {@link simulatedNetwork} needs. */
export interface SimulatedNetworkOptions {
  readonly random: Random;
  readonly scheduler: Scheduler;
}

/** Unread bytes beyond which a writer waits. */
const WINDOW_BYTES = 65_536;
/** The first port given to those who ask for port 0. */
const FREE_PORT_FIRST = 49_152;

/** Makes a network without listeners. */
export function simulatedNetwork(options: SimulatedNetworkOptions): SimulatedNetwork {
  return new InMemoryNetwork(options);
}

type Accept = (connection: Connection) => void;

class InMemoryNetwork implements SimulatedNetwork {
  readonly #options: SimulatedNetworkOptions;
  readonly #listeners = new Map<string, Accept>();
  readonly #connections = new Set<SimulatedConnection>();
  readonly #handlers = new Map<string, HttpHandler>();
  #freePort = FREE_PORT_FIRST;

  constructor(options: SimulatedNetworkOptions) {
    this.#options = options;
  }

  async connect(host: string, port: number): Promise<Connection> {
    await this.#options.scheduler.yield();
    const accept = this.#listeners.get(addressOf(host, port)) ?? this.#listeners.get(`*:${port}`);
    const address = `${host}:${port}`;
    if (accept === undefined) {
      throw networkError({ operation: 'connect to', address, system: 'ECONNREFUSED' });
    }
    const [here, there] = connectionPair(this.#options, address);
    for (const side of [here, there]) {
      this.#connections.add(side);
      side.onClose = () => this.#connections.delete(side);
    }
    accept(there);
    return here;
  }

  async listen(host: string, port: number, onConnection: Accept): Promise<Listener> {
    await this.#options.scheduler.yield();
    const chosenPort = port === 0 ? this.#freePort++ : port;
    const address = addressOf(host, chosenPort);
    if (this.#listeners.has(address)) {
      throw networkError({ operation: 'listen on', address, system: 'EADDRINUSE' });
    }
    this.#listeners.set(address, onConnection);
    const close = async (): Promise<void> => {
      this.#listeners.delete(address);
    };
    return { port: chosenPort, close };
  }

  localSocketFolder(): string {
    return '/run/millrace';
  }

  async serveHttp(socketPath: string, handler: HttpHandler): Promise<HttpServer> {
    await this.#options.scheduler.yield();
    if (this.#handlers.has(socketPath)) {
      throw networkError({ operation: 'listen on', address: socketPath, system: 'EADDRINUSE' });
    }
    this.#handlers.set(socketPath, handler);
    return {
      close: async () => {
        this.#handlers.delete(socketPath);
      },
    };
  }

  async requestHttp(socketPath: string, request: HttpRequest): Promise<HttpResponse> {
    await this.#options.scheduler.yield();
    const handler = this.#handlers.get(socketPath);
    if (handler === undefined) {
      throw networkError({ operation: 'ask', address: socketPath, system: 'ECONNREFUSED' });
    }
    const { body } = request;
    const isTooLong = body !== undefined && body.length > HTTP_BODY_BYTES_MAX;
    const response = await handler(isTooLong ? { ...request, body: undefined } : request);
    await this.#options.scheduler.yield();
    return response;
  }

  breakConnections(): void {
    for (const connection of this.#connections) connection.reset();
  }
}

/** `localhost` is 127.0.0.1; the wildcard addresses are one. */
function addressOf(host: string, port: number): string {
  if (host === 'localhost') return `127.0.0.1:${port}`;
  return host === '0.0.0.0' || host === '::' ? `*:${port}` : `${host}:${port}`;
}

function connectionPair(
  options: SimulatedNetworkOptions,
  address: string,
): [SimulatedConnection, SimulatedConnection] {
  const there = new ByteQueue(options);
  const back = new ByteQueue(options);
  return [
    new SimulatedConnection(back, there, address),
    new SimulatedConnection(there, back, address),
  ];
}

class SimulatedConnection implements Connection {
  readonly chunks: AsyncIterable<Uint8Array>;
  onClose: (() => void) | undefined;
  readonly #incoming: ByteQueue;
  readonly #outgoing: ByteQueue;
  readonly #address: string;

  constructor(incoming: ByteQueue, outgoing: ByteQueue, address: string) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#address = address;
    this.chunks = this.#chunks();
  }

  async write(bytes: Uint8Array): Promise<void> {
    const system = await this.#outgoing.put(bytes);
    if (system === undefined) return;
    throw networkError({ operation: 'write to', address: this.#address, system });
  }

  async close(): Promise<void> {
    this.#outgoing.end();
    this.#incoming.abandon();
    this.onClose?.();
  }

  reset(): void {
    this.#incoming.break();
    this.#outgoing.break();
    this.onClose?.();
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = await this.#incoming.take();
      if (chunk === 'end') return;
      if (chunk === 'broken') {
        throw networkError({
          operation: 'read from',
          address: this.#address,
          system: 'ECONNRESET',
        });
      }
      yield chunk;
    }
  }
}

/** One direction of a connection. */
class ByteQueue {
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  #bytes: Uint8Array = new Uint8Array(0);
  #state: 'open' | 'ended' | 'broken' = 'open';
  /** Nobody reads any more: what is written is dropped. */
  #isAbandoned = false;
  #wake: (() => void)[] = [];

  constructor(options: SimulatedNetworkOptions) {
    this.#random = options.random;
    this.#scheduler = options.scheduler;
  }

  /** Resolves when the bytes are in the window; with the system's code if that cannot be. */
  async put(bytes: Uint8Array): Promise<string | undefined> {
    const copy = bytes.slice();
    await this.#scheduler.yield();
    const refusal = this.#refusal();
    if (refusal !== undefined) return refusal;
    const joined = new Uint8Array(this.#bytes.length + copy.length);
    joined.set(this.#bytes);
    joined.set(copy, this.#bytes.length);
    this.#bytes = joined;
    this.#wakeAll();
    while (this.#bytes.length > WINDOW_BYTES && this.#refusal() === undefined) await this.#change();
    return this.#refusal();
  }

  async take(): Promise<Uint8Array | 'end' | 'broken'> {
    await this.#scheduler.yield();
    while (this.#bytes.length === 0 && this.#state === 'open') {
      if (this.#isAbandoned) return 'end';
      await this.#change();
    }
    if (this.#state === 'broken') return 'broken';
    if (this.#isAbandoned || this.#bytes.length === 0) return 'end';
    const length = 1 + this.#random.below(this.#bytes.length);
    const chunk = this.#bytes.slice(0, length);
    this.#bytes = this.#bytes.slice(length);
    this.#wakeAll();
    assert(chunk.length > 0, 'a chunk is never empty');
    return chunk;
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#wakeAll();
  }

  abandon(): void {
    this.#isAbandoned = true;
    this.#bytes = new Uint8Array(0);
    this.#wakeAll();
  }

  break(): void {
    this.#state = 'broken';
    this.#bytes = new Uint8Array(0);
    this.#wakeAll();
  }

  #refusal(): string | undefined {
    if (this.#state === 'broken') return 'ECONNRESET';
    return this.#state === 'ended' || this.#isAbandoned ? 'EPIPE' : undefined;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resume of waiting) resume();
  }
}
