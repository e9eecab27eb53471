import { join } from './participant.mjs'

/** @type {import('./participant.mjs').Participant} */
export const rawSocket = {
  name: 'raw',
  title: 'raw node:net',
  needs: [],
  open: (stage) => join({ sender: stage.node('raw-socket'), receiver: stage.node('raw-socket') }),
}
