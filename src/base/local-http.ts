/**
 * HTTP between processes of one user on one machine, over Unix sockets: the real Environment's
 * part.
 *
 * Invariants:
 * 1. Only this user can reach a socket: its folder has mode 0700 and is ours, its file has mode
 *    0600.
 * 2. A socket's file is removed only if nobody answers on it, so a living process keeps its own.
 * 3. Whatever a client sends, the server goes on: malformed requests are answered with 400, bodies
 *    and connections are bounded, slow ones are cut off.
 */
import * as fs from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import {
  HTTP_BODY_BYTES_MAX,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  type HttpServer,
} from './environment.ts';
import { fileError } from './file-error.ts';
import { networkError } from './network-error.ts';

/** Longest path of a socket: `sun_path` of macOS, which has less than Linux. */
const SOCKET_PATH_BYTES_MAX = 103;
const CONNECTIONS_MAX = 100;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 1000;
const PROBE_TIMEOUT_MS = 1000;
/** Longest answer that a client reads. */
const RESPONSE_BYTES_MAX = 16 * 1024 * 1024;

/** `$XDG_RUNTIME_DIR/millrace`, else `<tmp>/millrace-<uid>`. */
export function localSocketFolder(): string {
  const runtime = process.env['XDG_RUNTIME_DIR'] ?? '';
  const uid = process.getuid?.() ?? 0;
  const folder =
    runtime === '' ? path.join(tmpdir(), `millrace-${uid}`) : path.join(runtime, 'millrace');
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Not what a link leads to: in a shared folder anybody could have put one there.
    const stat = fs.lstatSync(folder);
    if (!stat.isDirectory() || (process.getuid !== undefined && stat.uid !== uid)) {
      throw fileError({ operation: 'use', path: folder, system: 'EACCES' });
    }
    if ((stat.mode & 0o077) !== 0) fs.chmodSync(folder, 0o700);
  } catch (cause) {
    throw asFileError(cause, folder);
  }
  return folder;
}

/** See the Environment. */
export async function serveHttp(socketPath: string, handler: HttpHandler): Promise<HttpServer> {
  checkLength(socketPath);
  const http = await import('node:http');
  const server = http.createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (message, response) => void answer(message, response, handler),
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  try {
    await listen(server, socketPath);
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE') throw listenFailure(socketPath, error);
    if (await isAnswered(socketPath)) throw listenFailure(socketPath, error);
    removeDead(socketPath);
    await listen(server, socketPath).catch((again: unknown) => {
      throw listenFailure(socketPath, again);
    });
  }
  fs.chmodSync(socketPath, 0o600);
  return { close: () => close(server) };
}

/** See the Environment. */
export async function requestHttp(
  socketPath: string,
  request: HttpRequest,
  timeoutMs: number,
): Promise<HttpResponse> {
  checkLength(socketPath);
  const http = await import('node:http');
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await new Promise((resolve, reject) => {
      const { method, target, headers, body = new Uint8Array(0) } = request;
      const outgoing = http.request(
        {
          socketPath,
          method,
          path: target,
          headers: { ...headers, 'content-length': String(body.length) },
          agent: false,
          signal,
        },
        (message) => {
          readBody(message, RESPONSE_BYTES_MAX).then((bytes) => {
            resolve({
              status: message.statusCode ?? 0,
              headers: plainHeaders(message),
              body: bytes ?? new Uint8Array(0),
            });
          }, reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  } catch (cause) {
    const system = signal.aborted ? 'ETIMEDOUT' : (systemCode(cause) ?? 'EIO');
    throw networkError({ operation: 'ask', address: socketPath, system, cause });
  }
}

async function answer(
  message: IncomingMessage,
  response: ServerResponse,
  handler: HttpHandler,
): Promise<void> {
  try {
    const body = await readBody(message, HTTP_BODY_BYTES_MAX);
    const { method = '', url = '' } = message;
    const reply = await handler({ method, target: url, headers: plainHeaders(message), body });
    // What was not read of a long body would be taken for the next request.
    if (body === undefined) response.shouldKeepAlive = false;
    response.writeHead(reply.status, {
      ...reply.headers,
      'content-length': String(reply.body.length),
    });
    response.end(reply.body);
  } catch {
    // The client has gone, or the handler broke its word: there is nobody or nothing to answer.
    response.destroy();
  }
}

/** All bytes, or undefined if there are more than that. */
async function readBody(
  message: IncomingMessage,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length;
    if (length > bytesMax) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function plainHeaders(message: IncomingMessage): Readonly<Record<string, string>> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** Whether a process listens there, or may: only a refused connection is a no. */
async function isAnswered(socketPath: string): Promise<boolean> {
  const net = await import('node:net');
  return new Promise((resolve) => {
    const socket = net.connect({ path: socketPath, timeout: PROBE_TIMEOUT_MS });
    const settle = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(true));
    socket.once('error', (error) => {
      const code = systemCode(error);
      settle(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}

function removeDead(socketPath: string): void {
  try {
    if (!fs.lstatSync(socketPath).isSocket()) {
      throw fileError({ operation: 'make socket', path: socketPath, system: 'EEXIST' });
    }
    fs.rmSync(socketPath, { force: true });
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw asFileError(cause, socketPath);
  }
}

/** Too long a path would be cut by the system, and lie elsewhere. */
function checkLength(socketPath: string): void {
  if (Buffer.byteLength(socketPath) <= SOCKET_PATH_BYTES_MAX) return;
  throw networkError({ operation: 'use socket', address: socketPath, system: 'ENAMETOOLONG' });
}

function listenFailure(address: string, cause: unknown): Error {
  const system = systemCode(cause) ?? 'EIO';
  return networkError({ operation: 'listen on', address, system, cause });
}

function asFileError(cause: unknown, name: string): unknown {
  const system = systemCode(cause);
  if (system === undefined || system === 'FILE_FAILED' || system === 'FILE_NOT_FOUND') return cause;
  return fileError({ operation: 'use', path: name, system, cause });
}

function systemCode(error: unknown): string | undefined {
  const hasCode = error instanceof Error && 'code' in error && typeof error.code === 'string';
  return hasCode ? (error.code as string) : undefined;
}
