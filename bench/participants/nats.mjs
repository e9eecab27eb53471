import { join } from './participant.mjs'

/** @type {import('./participant.mjs').Participant} */
export const nats = {
  name: 'nats',
  title: 'nats.js via nats-server',
  needs: ['nats-server'],
  open: async (stage) => {
    const port = await stage.natsServer()
    return join({ sender: stage.node('nats'), receiver: stage.node('nats') }, [port])
  },
}
