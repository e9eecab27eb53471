import type { IncomingMessage } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import { addAbortSignal } from 'node:stream'
import type { Clock } from '../../../base/clock.ts'
import { abortable, withDeadline } from '../../../base/deadline.ts'
import { TsunagiError } from '../../../base/errors.ts'
import type { Access, AccessSource } from './access.ts'

/** The API server refused. `status` is HTTP's. */
export class ApiError extends TsunagiError {
  readonly status: number

  constructor(status: number, message: string) {
    super('ERR_DISCOVERY', message)
    this.status = status
  }
}

/** Milliseconds until a list, or the head of a watch, is late. */
const PATIENCE = 30_000
/** Of ten thousand pods, each with a long history of who has changed what. */
const MAX_LIST_BYTES = 256 * 1024 * 1024
/** Of one object; etcd holds 1.5 MiB. */
const MAX_LINE_CHARACTERS = 8 * 1024 * 1024
const MAX_REASON_BYTES = 64 * 1024
/** Milliseconds of silence after which the kernel asks whether the server is still there. */
const KEEP_ALIVE = 30_000

/** The API server of Kubernetes, as far as finding nodes needs it. Each request has a connection of its own. */
export class KubernetesApi {
  readonly #source: AccessSource
  readonly #clock: Clock

  constructor(source: AccessSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  /** `path` is made of the namespace. @throws ApiError, TsunagiError, or the signal's reason */
  async get(path: (namespace: string) => string, signal: AbortSignal): Promise<unknown> {
    return await this.#soon(signal, async (limit) => {
      const response = await this.#ask(path, limit)
      return parseJson(await whole(addAbortSignal(limit, response)))
    })
  }

  /** JSON values, one on each line, until the answer ends or the connection breaks. @throws as `get` */
  async *follow(path: (namespace: string) => string, signal: AbortSignal): AsyncGenerator<unknown> {
    const response = await this.#soon(signal, (limit) => this.#ask(path, limit))
    signal.throwIfAborted()
    addAbortSignal(signal, response)
    try {
      for await (const line of linesOf(response)) yield parseJson(line)
    } catch (error) {
      signal.throwIfAborted()
      // A connection that breaks is usual; what the next request says counts.
      if (error instanceof TsunagiError) throw error
    } finally {
      response.destroy()
    }
  }

  async #soon<T>(signal: AbortSignal, work: (limit: AbortSignal) => Promise<T>): Promise<T> {
    const late = (): Error => new TsunagiError('ERR_TIMEOUT', `the API server did not answer within ${PATIENCE} ms`)
    return await withDeadline({ timeout: PATIENCE, clock: this.#clock, signal }, late, async (limit) => {
      try {
        return await work(limit)
      } catch (error) {
        limit.throwIfAborted()
        throw error
      }
    })
  }

  /** Asks once more when the token was replaced meanwhile. */
  async #ask(path: (namespace: string) => string, limit: AbortSignal): Promise<IncomingMessage> {
    const access = await abortable(this.#source(), limit)
    const response = await send(access, path, limit)
    if (response.statusCode !== 401) return await accepted(response, limit)
    const renewed = await abortable(this.#source(), limit)
    if (authorization(renewed) === authorization(access)) return await accepted(response, limit)
    response.destroy()
    return await accepted(await send(renewed, path, limit), limit)
  }
}

function authorization({ options }: Access): unknown {
  return (options.headers as Record<string, unknown> | undefined)?.authorization
}

/** Resolves with the head of the answer. */
async function send(
  { options, namespace }: Access,
  path: (namespace: string) => string,
  limit: AbortSignal,
): Promise<IncomingMessage> {
  limit.throwIfAborted()
  const headers = { accept: 'application/json', 'user-agent': 'tsunagi', ...(options.headers as object) }
  // Without an agent a connection ends with its answer.
  const all: RequestOptions = { agent: false, ...options, headers, path: `${options.path ?? ''}${path(namespace)}` }
  let onAbort = (): void => {}
  try {
    return await new Promise((resolve, reject) => {
      const asked = request(all, resolve)
      onAbort = () => void asked.destroy(limit.reason)
      limit.addEventListener('abort', onAbort, { once: true })
      // Also after the answer has begun: then it is told by the answer itself.
      asked.on('error', reject)
      asked.on('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE))
      asked.end()
    })
  } catch (cause) {
    limit.throwIfAborted()
    throw new TsunagiError('ERR_DISCOVERY', `${options.host}:${options.port}: ${messageOf(cause)}`, { cause })
  } finally {
    limit.removeEventListener('abort', onAbort)
  }
}

async function accepted(response: IncomingMessage, limit: AbortSignal): Promise<IncomingMessage> {
  const { statusCode = 0, statusMessage = '' } = response
  if (statusCode === 200) return response
  const body = await bodyOf(addAbortSignal(limit, response), MAX_REASON_BYTES).catch(() => '')
  limit.throwIfAborted()
  throw new ApiError(statusCode, `the API server answered ${statusCode} ${statusMessage}${reasonOf(body)}`)
}

/** What the `Status` object of a refusal says: who may not do what. */
function reasonOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown }
    return typeof message === 'string' && message !== '' ? `: ${message.slice(0, 1000)}` : ''
  } catch {
    return ''
  }
}

async function whole(response: IncomingMessage): Promise<string> {
  try {
    return await bodyOf(response, MAX_LIST_BYTES)
  } catch (cause) {
    if (cause instanceof TsunagiError) throw cause
    throw new TsunagiError('ERR_DISCOVERY', 'the API server broke off in its answer', { cause })
  }
}

async function bodyOf(response: IncomingMessage, max: number): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length
    if (size > max) throw new TsunagiError('ERR_LIMIT', `the API server answers with more than ${max} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8')
  let rest: string[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = chunk.split('\n')
    const last = lines.pop() as string
    for (const line of lines) {
      const whole = rest.join('') + line
      rest = []
      length = 0
      if (whole !== '') yield whole
    }
    rest.push(last)
    length += last.length
    if (length > MAX_LINE_CHARACTERS) {
      throw new TsunagiError(
        'ERR_LIMIT',
        `the API server sends an object of more than ${MAX_LINE_CHARACTERS} characters`,
      )
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new TsunagiError('ERR_DISCOVERY', 'the API server answered with what is no JSON', { cause })
  }
}

function messageOf(error: unknown): string {
  const { message, code, errors } = error as NodeJS.ErrnoException & { errors?: readonly Error[] }
  // A name with several addresses fails with several errors, and no message.
  return message || errors?.map((one) => one.message).join('; ') || code || String(error)
}
