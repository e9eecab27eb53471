import { freePort } from '../harness/stage.mjs'
import { join } from './participant.mjs'

/** @type {import('./participant.mjs').Participant} */
export const moleculer = {
  name: 'moleculer',
  title: 'Moleculer TCP',
  needs: [],
  open: async (stage) => {
    const ports = [await freePort(), await freePort()]
    return join({ sender: stage.node('moleculer'), receiver: stage.node('moleculer') }, ports)
  },
}
