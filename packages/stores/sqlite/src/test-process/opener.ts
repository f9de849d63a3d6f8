import { BursarError } from '@bursar/core'
import { sqliteStore } from '../sqlite-store.ts'

/** The user `nobody`, who has no rights. A superuser could write every file. */
const NOBODY = 65_534

// Opens a store without rights, and prints the code and the message of the error.
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
