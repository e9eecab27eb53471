import type { Term } from '../term/term.ts'
import { LocalProcess } from './local-process.ts'

/**
 * Stands for the code that runs outside any process: what `node.send`, `node.call` and `node.exit` come from. It has a
 * pid, as the protocol demands of every sender, and takes the replies of servers that answer a pid. Nobody can end it,
 * nor fill its mailbox.
 */
export class Outside extends LocalProcess {
  override deliver(message: Term): void {
    this.takeReply(message)
  }

  override receiveExit(): void {}
}
