import { config } from 'zod'

// Zod tries whether it may make code of text; the page's policy forbids that, and would say so.
config({ jitless: true })
