import { serve } from '../../http/service.ts'
import type { AddCommand } from '../command.ts'

/** Adds `bursar serve`, which runs the service until it gets a signal. */
export const addServe: AddCommand = (program, context) => {
  program
    .command('serve')
    .summary('run the service')
    .description(
      'Runs the service until it gets SIGINT or SIGTERM. It then refuses new requests, answers those in flight, ' +
        'finishes writing, and exits. A second signal ends it at once, without loss. ' +
        'It logs each request as one line of JSON on the standard output.',
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
