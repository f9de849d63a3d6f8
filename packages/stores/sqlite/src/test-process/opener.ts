import { BursarError } from '@bursar/core'
import { sqliteStore } from '../sqlite-store.ts'

/**
 * Opens a store as somebody without rights, and prints the code and the message of the error.
 * A superuser may write everything, so he becomes the user `nobody` first.
 */
const NOBODY = 65_534

const [path = ''] = process.argv.slice(2)
if (process.getuid?.() === 0) process.setuid?.(NOBODY)
try {
  await sqliteStore({ path }).close()
  process.stdout.write('opened')
} catch (error) {
  process.stdout.write(
    BursarError.isInstance(error) ? `${error.code}: ${error.message}` : `${error}`,
  )
}
