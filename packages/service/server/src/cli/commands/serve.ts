import { serve } from '../../http/service.ts'
import type { AddCommand } from '../command.ts'

/** Adds `bursar serve`, which runs the service until it gets a signal. */
export const addServe: AddCommand = (program, context) => {
  program
    .command('serve')
    .summary('run the service')
    .description(
      'Runs the service until it gets SIGINT or SIGTERM: then it takes nothing new, answers what is under way, ' +
        'writes what waits, and ends. A second signal ends it at once, which loses nothing either. ' +
        'Each request is one line of JSON on the standard output.',
    )
    .action(async () => {
      const { terminal } = context
      // Listen for the signal before the service starts, so that a signal at any time closes it
      // cleanly.
      const stopped = terminal.stopped()
      const { config, environment } = await context.config()
      const service = await serve(config, {
        environment,
        log: (entry) => void terminal.out.write(`${JSON.stringify(entry)}\n`),
      })
      try {
        if (context.isJson()) terminal.out.write(`${JSON.stringify({ url: service.url })}\n`)
        terminal.error.write(`bursar: listening on ${service.url}\n`)
        await stopped
      } finally {
        await service.close()
      }
    })
}
