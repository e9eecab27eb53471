import { createHash } from 'node:crypto'

const STYLE =
  ':root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:26rem;margin:15vh auto;padding:0 1rem}' +
  'label{display:block}input,button{font:inherit;padding:.4rem .6rem;margin:.4rem .4rem .4rem 0}input{width:16rem;max-width:100%}'

/** The page that asks for the token. No text from outside is in it. */
export function loginPage(hint: 'none' | 'wrong' | 'wait', headers: Readonly<Record<string, string>> = {}): Response {
  const hints = {
    none: '',
    wrong: '<p role="alert">That is not the token.</p>',
    wait: '<p role="alert">There were too many wrong tokens. Wait a minute.</p>',
  }
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Tsunagi</title><style>${STYLE}</style></head>
<body><main><h1>Tsunagi</h1>${hints[hint]}
<form method="post" action="login"><label for="token">Token of this dashboard</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus><button>Enter</button>
</form></main></body></html>
`
  return page(hint === 'wait' ? 429 : 401, html, headers)
}

/**
 * Has a browser ask again by itself. It came by a link on somebody else's page, and for that it leaves strict cookies at
 * home: the second request is our own page's, with the cookie.
 */
export function askAgain(): Response {
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0"><title>Tsunagi</title></head>
<body><p><a href="./">Go on to the dashboard</a></p></body></html>
`
  return page(200, html, {})
}

function page(status: number, html: string, headers: Readonly<Record<string, string>>): Response {
  const hash = createHash('sha256').update(STYLE).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`
  return new Response(html, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy,
      // With less, browsers name no origin when the form is sent.
      'referrer-policy': 'same-origin',
      ...headers,
    },
  })
}
