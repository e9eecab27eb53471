// A process that takes a directory and keeps it until its end: `node --import tsx lock-holder.ts DIRECTORY`
import { DirectoryLock } from '../../../src/store/engines/mesh/directory-lock.ts'

const [directory = ''] = process.argv.slice(2)
try {
  DirectoryLock.take(directory)
  process.stdout.write('taken\n')
  setInterval(() => {}, 1 << 30)
} catch (error) {
  process.stdout.write(`${(error as { code?: string }).code}\n`)
}
