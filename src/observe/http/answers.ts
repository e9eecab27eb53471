/** Why a request was refused, as answers and metrics name it. */
export type Refusal =
  | 'bad_request'
  | 'foreign_origin'
  | 'forbidden'
  | 'method_not_allowed'
  | 'not_found'
  | 'too_many_attempts'
  | 'too_many_viewers'
  | 'unauthorized'
  | 'unknown_host'

const STATUS: Readonly<Record<Refusal, number>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  foreign_origin: 403,
  unknown_host: 403,
  not_found: 404,
  method_not_allowed: 405,
  too_many_attempts: 429,
  too_many_viewers: 503,
}

/** An answer of JSON, which nobody keeps. */
export function jsonAnswer(data: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(data, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

/** `{ error: { code, message } }` */
export function errorAnswer(status: number, code: string, message: string, headers = {}): Response {
  return jsonAnswer({ error: { code, message } }, status, headers)
}

/** The answer to who gets none. */
export function refusal(code: Refusal, message: string, headers: Readonly<Record<string, string>> = {}): Response {
  return errorAnswer(STATUS[code], code, message, headers)
}

/**
 * What browsers may do with answers: run the page's own scripts and styles, ask this server, and nothing else. Text from the
 * cluster can never become HTML: `require-trusted-types-for` takes the ways to do so away from scripts.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': PAGE_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** Adds the headers that every answer has, unless it brings its own. */
export function secure(response: Response): Response {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    if (!response.headers.has(name)) response.headers.set(name, value)
  }
  return response
}
