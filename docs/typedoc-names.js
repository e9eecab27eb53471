import { Converter, ReflectionKind } from 'typedoc'

/** Names modules as they are imported: `tsunagi/pubsub/nats` for `pubsub/nats`, and `tsunagi` for `index`. */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return
    reflection.name = reflection.name === 'index' ? 'tsunagi' : `tsunagi/${reflection.name.replace(/\/index$/, '')}`
  })
}
